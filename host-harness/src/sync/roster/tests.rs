use std::io::Write as _;

use cel::Value as Cel;

use super::*;

fn read(
    name: &str,
    bytes: &[u8],
    format: &RosterFormat,
) -> Result<Vec<Result<Row, BadRow>>, Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    File::create(&path).unwrap().write_all(bytes).unwrap();
    let mut roster = Roster::open(&RosterSource::new(&path), format)?;
    let mut rows = Vec::new();
    while let Some(row) = roster.next()? {
        rows.push(row);
    }
    Ok(rows)
}

fn csv(text: &str) -> Vec<Result<Row, BadRow>> {
    read("a.csv", text.as_bytes(), &RosterFormat::default()).unwrap()
}

fn cell(row: &Row, name: &str) -> String {
    match &row.members[name] {
        Cel::String(text) => text.to_string(),
        other => format!("{other:?}"),
    }
}

fn bad(rows: &[Result<Row, BadRow>], line: u64) -> &str {
    let found = rows.iter().filter_map(|row| row.as_ref().err());
    let found = found.filter(|bad| bad.line == line);
    &found
        .map(|bad| &bad.reason)
        .next()
        .unwrap_or_else(|| panic!("{rows:?}"))[..]
}

#[test]
fn columns_come_in_any_order_with_or_without_a_byte_order_mark() {
    for text in ["b,a\n2,1\n", "\u{feff}a,b\r\n1,2\r\n", "a,b\n1,2"] {
        let rows = csv(text);
        let row = rows[0].as_ref().unwrap();
        assert_eq!((cell(row, "a"), cell(row, "b")), ("1".into(), "2".into()));
        assert_eq!((rows.len(), row.line), (1, 2));
    }
}

#[test]
fn what_cannot_be_read_is_told_by_its_line_and_the_rest_goes_on() {
    let text = b"a,b\n1,2\n1,2,3\n\xff,2\n1\nx\0,2\n\"1\n1\",2\n5,6\n";
    let rows = read("a.csv", text, &RosterFormat::default()).unwrap();
    assert!(bad(&rows, 3).contains("3 cells where the header has 2"));
    assert!(bad(&rows, 4).contains("`a` is no UTF-8"));
    assert!(bad(&rows, 5).contains("1 cells"));
    assert!(bad(&rows, 6).contains("NUL"));
    // A cell may hold a line end.
    let good: Vec<_> = rows.iter().filter_map(|row| row.as_ref().ok()).collect();
    assert_eq!(
        good.iter().map(|row| row.line).collect::<Vec<_>>(),
        [2, 7, 9]
    );
}

#[test]
fn a_quote_that_is_not_closed_swallows_nobody_silently() {
    let rows = csv("a,b,c\n1,2,\"x\n3,4,5\n6,7,\"8\"\n9,9,9\n");
    assert!(bad(&rows, 2).contains("quote before it is not closed"));
    let mut long = "a,b\n\"1,2\n".to_owned();
    long.push_str(&"3,4\n".repeat(400_000));
    let error = read("a.csv", long.as_bytes(), &RosterFormat::default()).unwrap_err();
    assert!(
        error.message().contains("a quote may not be closed"),
        "{error}"
    );
}

#[test]
fn a_header_that_cannot_be_meant_is_refused() {
    for (text, told) in [
        (&b""[..], "it is empty"),
        (b"a,,c\n", "column 2 of the header has no name"),
        (b"a,a\n", "two columns are called `a`"),
        (b"\xff\xfea\0", "CSV UTF-8"),
        (b"a\xff,b\n", "no UTF-8"),
    ] {
        let error = read("a.csv", text, &RosterFormat::default()).unwrap_err();
        assert!(error.message().contains(told), "{error}");
    }
    let mut format = RosterFormat::default();
    format.lists.insert("groups".to_owned(), ";".to_owned());
    let error = read("a.csv", b"a,b\n", &format).unwrap_err();
    assert!(error.message().contains("no column `groups`"), "{error}");
}

#[test]
fn a_list_column_is_a_list() {
    let mut format = RosterFormat::default();
    format.lists.insert("groups".to_owned(), ";".to_owned());
    let rows = read("a.csv", b"id,groups\n1,A; B ;\n2,\n", &format).unwrap();
    let lists: Vec<_> = rows
        .iter()
        .map(|row| format!("{:?}", row.as_ref().unwrap().members["groups"]))
        .collect();
    assert_eq!(lists, ["List([String(\"A\"), String(\"B\")])", "List([])"]);
}

#[test]
fn json_lines_hold_an_object_each() {
    let text = "\u{feff}{\"a\": \"1\", \"n\": 7}\n\n[1]\n{\"a\": \"2\", \"deep\": {\"x\": [1.5]}}";
    let rows = read("a.jsonl", text.as_bytes(), &RosterFormat::default()).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(cell(rows[0].as_ref().unwrap(), "n"), "Int(7)");
    assert!(bad(&rows, 3).contains("no JSON object"));
    assert_eq!(rows[2].as_ref().unwrap().line, 4);
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "\u{feff}a\n1\n\n").unwrap();
    let format = RosterFormat::default();
    let mut roster = Roster::open(&RosterSource::new(&path), &format).unwrap();
    while roster.next().unwrap().is_some() {}
    use sha2::Digest as _;
    let due = sha2::Sha256::digest(std::fs::read(&path).unwrap());
    let due: String = due.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(roster.digest(), due);
}
