//! What a run leaves behind is its owner's alone, and holds no secret.

use super::town::{Town, people, row};

#[cfg(unix)]
#[tokio::test]
async fn plan_and_journal_are_their_owners_alone_and_hold_no_token() {
    use std::os::unix::fs::PermissionsExt as _;

    let town = Town::new().await;
    town.plan(&people(3))
        .await
        .write(&town.path("plan.json"))
        .unwrap();
    town.stage.tenant.reserve_elsewhere("taken@example.com");
    let mut rows = people(3);
    rows.push(row("E9", "taken"));
    town.run(&rows).await;
    let folder = std::fs::read_dir(town.path("")).unwrap();
    let mut names = Vec::new();
    for file in folder {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name != "roster.csv" {
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
            let bytes = std::fs::read(&path).unwrap();
            let token = town.stage.tenant.token().as_bytes();
            assert!(
                !bytes.windows(token.len()).any(|part| part == token),
                "{name}"
            );
        }
        names.push(name);
    }
    assert!(names.iter().any(|name| name == "plan.json"), "{names:?}");
    assert!(names.iter().any(|name| name == "town.journal"), "{names:?}");
}
