//! An upstream on loopback that answers as its path says, and remembers what it got.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const PATH: &str = "/customer-1/scim";

type OnRequest = Arc<Mutex<Option<Box<dyn Fn() + Send>>>>;

pub(crate) struct Upstream {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    good_token: Arc<Mutex<Option<String>>>,
    on_request: OnRequest,
    server: tokio::task::JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let good_token: Arc<Mutex<Option<String>>> = Arc::default();
        let on_request = OnRequest::default();
        let (seen, good) = (Arc::clone(&requests), Arc::clone(&good_token));
        let react = Arc::clone(&on_request);
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (seen, good) = (Arc::clone(&seen), Arc::clone(&good));
                let react = Arc::clone(&react);
                tokio::spawn(async move { serve(socket, &seen, &good, &react).await });
            }
        });
        Self {
            port,
            requests,
            good_token,
            on_request,
            server,
        }
    }

    /// What an operator would type.
    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// The heads of the requests so far, in lower case, each with the length of its body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.requests.lock().unwrap().clear();
    }

    /// From now on, 401 for everybody who shows another token.
    pub(crate) fn takes_only(&self, token: &str) {
        *self.good_token.lock().unwrap() = Some(token.to_owned());
    }

    /// From now on, done at each request before it is answered.
    pub(crate) fn on_request(&self, react: impl Fn() + Send + 'static) {
        *self.on_request.lock().unwrap() = Some(Box::new(react));
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    seen: &Mutex<Vec<String>>,
    good_token: &Mutex<Option<String>>,
    on_request: &Mutex<Option<Box<dyn Fn() + Send>>>,
) {
    let Some(head) = read_request(&mut socket).await else {
        return;
    };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let authorized = match &*good_token.lock().unwrap() {
        Some(token) => head.contains(&format!("authorization: bearer {token}\r\n")),
        None => true,
    };
    seen.lock().unwrap().push(head.clone());
    if let Some(react) = &*on_request.lock().unwrap() {
        react();
    }
    let what = path.rsplit('/').next().unwrap_or_default();
    let answer = if authorized {
        answer(what, &head)
    } else {
        whole(401, "", "no")
    };
    // The host hangs up where an answer is too much for it.
    let _gone = socket.write_all(&answer).await;
    if what == "silent" || what == "dripping" {
        while what == "dripping" && socket.write_all(b"x").await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    }
    let _gone = socket.shutdown().await;
}

/// The head, once the body has arrived too.
async fn read_request(socket: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let count = socket.read(&mut buffer).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..count]);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end.map(|at| at + 4) else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length: usize = head
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next()?.parse().ok())
            .unwrap_or(0);
        if bytes.len() >= end + length {
            return Some(head);
        }
    }
}

fn whole(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
        .into_bytes()
}

fn answer(what: &str, head: &str) -> Vec<u8> {
    let large = "x".repeat(100_000);
    match what {
        // Announced, and never sent.
        "announced-body" => {
            b"HTTP/1.1 200 X\r\ncontent-length: 99999999999\r\nconnection: close\r\n\r\n".to_vec()
        }
        "large-body" => whole(200, "", &large),
        // Breaks off after a part of it.
        "broken-body" => {
            format!("HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n186a0\r\n{large}\r\n")
                .into_bytes()
        }
        "chunked-body" => {
            let mut answer = b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            for _ in 0..200 {
                answer.extend(format!("{:x}\r\n{large}\r\n", large.len()).bytes());
            }
            answer.extend(b"0\r\n\r\n");
            answer
        }
        "some-headers" => whole(200, &"x-one: 1\r\n".repeat(120), ""),
        "many-headers" => whole(200, &"x-one: 1\r\n".repeat(5_000), ""),
        "large-header" => whole(200, &format!("x-large: {large}\r\n"), ""),
        "megabytes-of-headers" => whole(200, &format!("x-large: {large}\r\n").repeat(30), ""),
        "redirect" => whole(302, "location: http://127.0.0.1:1/elsewhere\r\n", ""),
        "moved" => whole(308, "location: /customer-2/scim\r\nrefresh: 0\r\n", ""),
        "echo" => whole(200, "", head),
        "gzip" => whole(200, "content-encoding: gzip\r\n", "x"),
        "gzip-in-transfer" => {
            b"HTTP/1.1 200 X\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
                .to_vec()
        }
        "silent" => vec![],
        "dripping" => b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n".to_vec(),
        _ => whole(200, "content-type: application/json\r\n", "{}"),
    }
}
