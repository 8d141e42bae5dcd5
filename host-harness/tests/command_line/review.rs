//! `harness review`: who is let in, what is decided, and what is in the file afterwards.

use std::io::{BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::program::{Run, harness, program};

/// Three changes and a conflict.
fn plan() -> Json {
    let entry = |person: &str, action: &str, hidden: bool| {
        json!({
            "person": person, "line": 2, "name": format!("{person}@example.com"),
            "action": action, "account": null, "seen": null,
            "changes": [{"attribute": "title", "old": ["Analyst"], "new": ["<i>Director"], "hidden": hidden}],
            "after": null, "reason": null, "notices": [], "approved": null
        })
    };
    json!({
        "version": 1, "tenant": "acme", "tenant-digest": "d", "made-at": "2026-01-01T00:00:00Z",
        "roster": "r", "rules": "r",
        "counts": {"rows": 4, "bad-rows": 0, "active-accounts": 2, "create": 1, "update": 2,
            "reactivate": 0, "deactivate": 0, "nothing": 0, "skipped": 0, "conflict": 1},
        "notices": [],
        "entries": [entry("ada", "update", false), entry("bob", "update", true),
            entry("cyd", "create", false), entry("eve", "conflict", false)]
    })
}

/// A review under way, and the browser that was let in.
struct Review {
    child: Child,
    documents: serde_json::StreamDeserializer<
        'static,
        serde_json::de::IoRead<BufReader<ChildStdout>>,
        Json,
    >,
    folder: TempDir,
    host: String,
    /// With the token.
    entrance: String,
    path: String,
    cookie: String,
    /// How long an answer is waited for, where that is what is tried.
    patience: Option<Duration>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Review {
    fn start(more: &[&str]) -> Self {
        Self::of(&plan(), more)
    }

    fn of(plan: &Json, more: &[&str]) -> Self {
        Self::by(plan, more, program)
    }

    fn by(plan: &Json, more: &[&str], program: impl Fn(&[&str]) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.json");
        std::fs::write(&file, plan.to_string()).unwrap();
        let mut arguments = vec!["--json", "review", file.to_str().unwrap()];
        arguments.extend(more);
        let mut child = program(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut documents = serde_json::Deserializer::from_reader(stdout).into_iter::<Json>();
        let first = documents.next().unwrap().unwrap();
        let url = first["url"].as_str().unwrap();
        let (host, path) = url
            .strip_prefix("http://")
            .unwrap()
            .split_once('/')
            .unwrap();
        let path = format!("/{path}");
        Self {
            child,
            documents,
            folder,
            host: host.to_owned(),
            path: path.split('?').next().unwrap().to_owned(),
            entrance: path,
            cookie: String::new(),
            patience: None,
        }
    }

    /// The browser is let in.
    fn entered(more: &[&str]) -> Self {
        let mut review = Self::start(more);
        review.enter();
        review
    }

    fn enter(&mut self) {
        let answer = self.send("GET", &self.entrance, &[], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap();
        for part in [
            "HttpOnly",
            "SameSite=Strict",
            &format!("Path={}", self.path),
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        self.cookie = cookie.split(';').next().unwrap().to_owned();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("plan.json")
    }

    fn approved(&self) -> Vec<Json> {
        let plan: Json = serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap();
        let entries = plan["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["approved"].clone())
            .collect()
    }

    /// A request with these headers and no others but what a request needs.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "Host") {
            text.push_str(&format!("Host: {}\r\n", self.host));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(self.patience).unwrap();
        stream
            .write_all(format!("{text}\r\n{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self, query: &str) -> Answer {
        self.send(
            "GET",
            &format!("{}{query}", self.path),
            &[("Cookie", &self.cookie)],
            "",
        )
    }

    /// A form of the page's own.
    fn post(&self, to: &str, form: &str) -> Answer {
        let origin = format!("http://{}", self.host);
        let headers = [("Cookie", self.cookie.as_str()), ("Origin", &origin)];
        self.send("POST", &format!("{}{to}", self.path), &headers, form)
    }

    fn decide(&self, form: &str) {
        let answer = self.post("decide", form);
        assert_eq!(answer.status, 303, "{form}: {}", answer.body);
    }

    /// How the program ends, and its last document.
    fn end(mut self) -> (i32, Json) {
        let last = self.documents.next().unwrap().unwrap();
        (self.child.wait().unwrap().code().unwrap(), last)
    }
}

impl Drop for Review {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    fn header(&self, wanted: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value)
    }
}

/// As some systems start it: with few files.
#[cfg(unix)]
fn program_with_few_files(arguments: &[&str]) -> Command {
    let program = program(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 256 && exec \"$0\" \"$@\""]);
    shell.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
}

#[cfg(unix)]
#[test]
fn connections_that_say_nothing_do_not_keep_the_browser_from_its_answers() {
    let mut review = Review::by(&plan(), &[], program_with_few_files);
    review.patience = Some(Duration::from_secs(20));
    let silent = |host: &str| -> Vec<TcpStream> {
        let connect = |_| TcpStream::connect(host).unwrap();
        (0..300).map(connect).collect()
    };
    let _some = silent(&review.host);
    review.enter();
    let _more = silent(&review.host);
    review.decide("approve=0");
    assert_eq!(review.post("save", "").status, 200);
    assert_eq!(review.end().0, 0);
}

#[test]
fn one_is_approved_another_rejected_and_the_file_says_so() {
    let review = Review::entered(&[]);
    review.decide("approve=0");
    review.decide("reject=2");
    assert_eq!(
        review.approved(),
        vec![Json::Null; 4],
        "nothing before it is saved"
    );
    let page = review.get("").body;
    assert!(page.contains("1 approved, 1 rejected"), "{page}");
    let answer = review.post("save", "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("--apply"), "{}", answer.body);
    let (file, folder) = (review.file(), review.folder.path().to_owned());
    assert_eq!(
        review.approved(),
        [json!(true), Json::Null, json!(false), Json::Null]
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        1,
        "nothing beside the plan"
    );
    let (code, last) = review.end();
    assert_eq!((code, &last["review"]["saved"]), (0, &json!(true)));
    assert_eq!(
        (&last["review"]["approved"], &last["review"]["open"]),
        (&json!(1), &json!(1))
    );
}

#[test]
fn all_are_rejected_all_of_a_kind_approved_and_one_taken_back() {
    let review = Review::entered(&[]);
    review.decide("all=reject");
    review.decide("kind=update&all=approve");
    review.decide("open=1");
    assert_eq!(review.post("save", "").status, 200);
    assert_eq!(
        review.approved(),
        [json!(true), Json::Null, json!(false), Json::Null]
    );
    // Later somebody goes on where this was left.
    let plan = serde_json::from_slice(&std::fs::read(review.file()).unwrap()).unwrap();
    let mut later = Review::of(&plan, &[]);
    later.enter();
    let page = later.get("").body;
    assert!(page.contains("1 approved, 1 rejected"), "{page}");
    later.decide("state=open&all=approve");
    later.post("save", "");
    assert_eq!(
        later.approved(),
        [json!(true), json!(true), json!(false), Json::Null]
    );
}

#[test]
fn a_conflict_cannot_be_approved_nor_somebody_who_is_not_there() {
    let review = Review::entered(&[]);
    for form in [
        "approve=3",
        "approve=99",
        "approve=-1",
        "approve=x",
        "all=maybe",
        "kind=conflict&all=approve",
    ] {
        assert_eq!(review.post("decide", form).status, 400, "{form}");
    }
    let page = review.get("?kind=conflict").body;
    assert!(
        page.contains("eve") && !page.contains("name=\"approve\""),
        "{page}"
    );
}

#[test]
fn nothing_decided_is_not_saved() {
    // Such a plan counts as one that nobody reviewed, and is carried out as a whole.
    let review = Review::entered(&[]);
    review.decide("approve=0");
    review.decide("open=0");
    assert_eq!(review.post("save", "").status, 409);
    assert_eq!(review.get("").status, 200, "it goes on");
}

#[test]
fn a_file_that_was_changed_meanwhile_is_left() {
    let review = Review::entered(&[]);
    review.decide("all=approve");
    let changed = plan().to_string().replace("ada", "zoe");
    std::fs::write(review.file(), &changed).unwrap();
    let answer = review.post("save", "");
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("has changed"), "{}", answer.body);
    assert_eq!(std::fs::read_to_string(review.file()).unwrap(), changed);
}

#[test]
fn another_host_is_refused_whatever_it_brings() {
    let review = Review::entered(&[]);
    let origin = format!("http://{}", review.host);
    let port = review.host.split(':').nth(1).unwrap();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        &format!("localhost:{port}"),
        "127.0.0.1",
        "",
    ] {
        let headers = [
            ("Host", host),
            ("Cookie", review.cookie.as_str()),
            ("Origin", &origin),
        ];
        assert_eq!(
            review.send("GET", &review.path, &headers, "").status,
            421,
            "{host}"
        );
        let save = format!("{}save", review.path);
        assert_eq!(
            review.send("POST", &save, &headers, "").status,
            421,
            "{host}"
        );
    }
    // One in the address itself counts too.
    let absolute = format!("http://evil.example{}", review.path);
    assert_eq!(
        review
            .send("GET", &absolute, &[("Cookie", &review.cookie)], "")
            .status,
        421
    );
}

#[test]
fn a_form_of_another_origin_is_refused() {
    let review = Review::entered(&[]);
    let decide = format!("{}decide", review.path);
    let cookie = ("Cookie", review.cookie.as_str());
    let own = format!("http://{}", review.host);
    let localhost = own.replace("127.0.0.1", "localhost");
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1:1",
        &localhost,
        &format!("{own}.evil.example"),
    ] {
        let answer = review.send(
            "POST",
            &decide,
            &[cookie, ("Origin", origin)],
            "all=approve",
        );
        assert_eq!(answer.status, 403, "{origin}");
    }
    let none = review.send("POST", &decide, &[cookie], "all=approve");
    assert_eq!(none.status, 403);
    let headers = [
        cookie,
        ("Origin", own.as_str()),
        ("Sec-Fetch-Site", "same-site"),
    ];
    assert_eq!(
        review.send("POST", &decide, &headers, "all=approve").status,
        403
    );
    assert!(review.get("").body.contains("0 approved, 0 rejected"));
}

#[test]
fn nobody_is_let_in_without_the_token_nor_with_a_used_one() {
    let mut review = Review::start(&[]);
    let token = review.entrance.split("token=").nth(1).unwrap().to_owned();
    assert_eq!(review.get("").status, 401, "no token");
    assert_eq!(
        review.get(&format!("?token={}x", &token[1..])).status,
        403,
        "another token"
    );
    assert_eq!(
        review.send("HEAD", &review.entrance, &[], "").status,
        403,
        "not by a look ahead"
    );
    review.enter();
    let second = review.send("GET", &review.entrance, &[], "");
    assert_eq!(second.status, 403, "used");
    assert!(second.header("set-cookie").is_none());
    for cookie in ["", "review=", "review=x", "other=1"] {
        assert_eq!(
            review
                .send("GET", &review.path, &[("Cookie", cookie)], "")
                .status,
            401,
            "{cookie}"
        );
        let origin = format!("http://{}", review.host);
        let headers = [("Cookie", cookie), ("Origin", origin.as_str())];
        let save = format!("{}save", review.path);
        assert_eq!(
            review.send("POST", &save, &headers, "").status,
            401,
            "{cookie}"
        );
    }
    // The browser that was let in may use the address again.
    let again = review.send("GET", &review.entrance, &[("Cookie", &review.cookie)], "");
    assert_eq!(again.status, 200);
    assert!(again.body.contains("Review of a plan"));
}

#[test]
fn answers_are_not_kept_and_run_nothing_of_others() {
    let review = Review::entered(&[]);
    for answer in [
        review.get(""),
        review.get("nothing"),
        review.send("GET", "/", &[], ""),
    ] {
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "script-src 'sha256-",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let page = review.get("").body;
    assert!(
        page.contains("&lt;i&gt;Director") && !page.contains("<i>"),
        "{page}"
    );
    assert!(page.contains("changed, not shown"), "{page}");
}

#[cfg(unix)]
#[test]
fn interrupted_or_left_alone_it_writes_nothing() {
    let review = Review::entered(&[]);
    review.decide("all=approve");
    let id = review.child.id().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-INT", &id]).status().unwrap().success());
    let (folder, before) = (review.folder.path().join("plan.json"), plan().to_string());
    assert_eq!(std::fs::read_to_string(&folder).unwrap(), before);
    let (code, last) = review.end();
    assert_eq!((code, &last["failure"]["kind"]), (1, &json!("cancelled")));
    assert!(
        last["failure"]["message"]
            .as_str()
            .unwrap()
            .contains("Nothing was saved"),
        "{last}"
    );

    let review = Review::start(&["--idle", "100ms"]);
    let (code, last) = review.end();
    assert_eq!(code, 1);
    assert!(
        last["failure"]["message"]
            .as_str()
            .unwrap()
            .contains("Nobody has looked"),
        "{last}"
    );
}

fn on(text: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    std::fs::write(&file, text).unwrap();
    harness(&["--json", "review", file.to_str().unwrap()])
}

#[test]
fn what_is_no_plan_is_refused_and_one_without_changes_ends_at_once() {
    for text in [
        "",
        "{}",
        "[]",
        &plan().to_string().replace("\"version\":1", "\"version\":2"),
    ] {
        let run = on(text);
        assert!(run.code == 2 && run.is_civil(), "{run:?}");
    }
    assert_eq!(harness(&["review", "none.json"]).code, 2);
    let mut idle = plan();
    idle["entries"] = json!([]);
    assert_eq!(
        on(&idle.to_string()).done()["review"]["saved"],
        json!(false)
    );
}
