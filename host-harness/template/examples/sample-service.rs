//! The address book, a service to try the connector on: `cargo run --example sample-service`.
//! It forgets everything when it ends.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use serde_json::{Map, Value, json};

pub const TOKEN: &str = "sesame";

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    write_connection(
        Path::new("."),
        &format!("http://{}", listener.local_addr()?),
    )?;
    println!(
        "The address book is open. In another terminal: harness --connection sample.toml check"
    );
    serve(&listener);
    Ok(())
}

/// Writes `sample.toml`, and `sample.key` beside it, which nobody else may read. Of a `sample.toml`
/// that is there, only the address is changed.
pub fn write_connection(folder: &Path, address: &str) -> std::io::Result<()> {
    let text = format!(
        "[component]\nfile = \"sample-connector.wasm\"\n\n[settings]\napi-url = \"{address}/api\"\n\n\
         [credentials]\ntoken = {{ file = \"sample.key\" }}\n\n[network]\nallow-loopback-http = true\n"
    );
    let file = folder.join("sample.toml");
    let text = match std::fs::read_to_string(&file) {
        Ok(there) => moved(&there, address),
        Err(_) => text,
    };
    std::fs::write(file, text)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(folder.join("sample.key"))?
        .write_all(TOKEN.as_bytes())
}

/// The connection file with another address.
fn moved(text: &str, address: &str) -> String {
    let line = |line: &str| match line.starts_with("api-url = ") {
        true => format!("api-url = \"{address}/api\"\n"),
        false => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Answers, one request after the other.
pub fn serve(listener: &TcpListener) {
    let mut book = Book::default();
    for socket in listener.incoming().flatten() {
        // Who goes away in the middle of a request gets no answer.
        let _ = exchange(&mut book, socket);
    }
}

fn exchange(book: &mut Book, mut socket: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(socket.try_clone()?);
    let (mut first, mut token, mut length) = (String::new(), false, 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => token = value == format!("Bearer {TOKEN}"),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let mut words = first.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (status, answer) = if token {
        book.answer(method, target, &body)
    } else {
        (401, json!({"error": "bad-token"}))
    };
    let answer = if status == 204 {
        String::new()
    } else {
        answer.to_string()
    };
    println!("{method} {target} → {status}");
    let length = answer.len();
    write!(
        socket,
        "HTTP/1.1 {status} .\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{answer}"
    )
}

#[derive(Default)]
struct Book {
    contacts: BTreeMap<u64, Map<String, Value>>,
    made: u64,
}

type Answer = (u16, Value);

impl Book {
    fn answer(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let id = path
            .strip_prefix("/api/contacts/")
            .and_then(|id| id.parse().ok());
        let known = id.filter(|id| self.contacts.contains_key(id));
        match (method, path, known) {
            ("GET", "/api/contacts", _) => self.page(query),
            ("POST", "/api/contacts", _) => self.put(None, body),
            ("PATCH", _, Some(id)) => self.put(Some(id), body),
            ("GET", _, Some(id)) => (200, self.contact(id)),
            ("DELETE", _, Some(id)) => {
                self.contacts.remove(&id);
                (204, Value::Null)
            }
            _ => (404, json!({"error": "no-such-contact"})),
        }
    }

    fn contact(&self, id: u64) -> Value {
        let mut contact = self.contacts.get(&id).cloned().unwrap_or_default();
        contact.insert("id".into(), id.to_string().into());
        contact.into()
    }

    fn page(&self, query: &str) -> Answer {
        let given = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| decoded(value))
        };
        let limit = given("limit")
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(100);
        let from = given("from").map_or(Some(0), |from| from.parse::<u64>().ok());
        let Some(from) = from else {
            return (400, json!({"error": "bad-from"}));
        };
        let email = given("email");
        let fits = |id: &&u64| match (&email, self.email(**id)) {
            (Some(email), held) => held.is_some_and(|held| same(held, email)),
            (None, _) => true,
        };
        let ids: Vec<u64> = self
            .contacts
            .range(from..)
            .map(|(id, _)| id)
            .filter(fits)
            .copied()
            .collect();
        let shown: Vec<Value> = ids.iter().take(limit).map(|id| self.contact(*id)).collect();
        let next = ids.get(limit).map(ToString::to_string);
        (200, json!({"contacts": shown, "next": next}))
    }

    fn put(&mut self, id: Option<u64>, body: &[u8]) -> Answer {
        let Ok(change) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return (400, json!({"error": "no-contact"}));
        };
        if let Some(email) = change.get("email").and_then(Value::as_str) {
            let taken = |other: &&u64| {
                Some(**other) != id && self.email(**other).is_some_and(|held| same(held, email))
            };
            if self.contacts.keys().any(|other| taken(&other)) {
                return (409, json!({"error": "email-taken"}));
            }
        }
        let status = if id.is_some() { 200 } else { 201 };
        let id = id.unwrap_or_else(|| {
            // Far apart, so that no id tells another one.
            self.made += 7_919;
            self.made
        });
        let contact = self.contacts.entry(id).or_default();
        contact.extend(change);
        contact.retain(|_, value| !value.is_null());
        (status, self.contact(id))
    }

    fn email(&self, id: u64) -> Option<&str> {
        self.contacts.get(&id)?.get("email")?.as_str()
    }
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// What stands in a query, without its escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let escaped = (byte == b'%')
            .then(|| Some(digit()? * 16 + digit()?))
            .flatten();
        bytes.push(
            escaped
                .and_then(|value| u8::try_from(value).ok())
                .unwrap_or(byte),
        );
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
