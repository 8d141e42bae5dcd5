//! A relay before the tenant. It carries requests to it and answers back, and holds one of them up
//! where it is asked to: the program waits there until it is killed.
//!
//! It serves one request a connection, so that each begins with being connected.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use simulated_8x8::Received;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// What is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The answer to the last look before a write.
    AnswerToLook,
    /// A write: its connection is accepted, and nothing is read.
    UnreadWrite,
    /// A write: it is read, and not passed on.
    Write,
    /// The answer to a write: the tenant has given it, and it is not passed on.
    AnswerToWrite,
}

/// The next ones of a run, once it has sent so many writes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) hold: Hold,
    pub(crate) after_writes: usize,
    pub(crate) how_many: usize,
}

/// What was sent, as far as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// `POST /path`.
    pub(crate) line: String,
    /// None where nothing was read.
    pub(crate) body: Option<Vec<u8>>,
}

impl From<&Received> for Request {
    fn from(received: &Received) -> Self {
        Self {
            line: format!("{} {}", received.method, received.path),
            body: Some(received.body.clone()),
        }
    }
}

/// A request that is held up, or its answer. It goes on with `let_go`; otherwise its connection is
/// closed.
pub(crate) struct Held {
    pub(crate) request: Request,
    go_on: oneshot::Sender<()>,
}

impl Held {
    pub(crate) fn let_go(self) {
        self.go_on.send(()).unwrap();
    }
}

pub(crate) struct Relay {
    address: SocketAddr,
    orders: Arc<Mutex<Option<Order>>>,
    held: Mutex<mpsc::UnboundedReceiver<Held>>,
    server: JoinHandle<()>,
}

impl Relay {
    pub(crate) async fn before(tenant: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let orders = Arc::new(Mutex::new(None));
        let (tell, held) = mpsc::unbounded_channel();
        let serving = Serving {
            tenant,
            orders: Arc::clone(&orders),
            tell,
        };
        Self {
            address,
            orders,
            held: Mutex::new(held),
            server: tokio::spawn(serving.accept(listener)),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn orders(&self, order: Option<Order>) {
        *self.orders.lock().unwrap() = order;
    }

    pub(crate) fn held(&self) -> Option<Held> {
        self.held.lock().unwrap().try_recv().ok()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Serving {
    tenant: SocketAddr,
    orders: Arc<Mutex<Option<Order>>>,
    tell: mpsc::UnboundedSender<Held>,
}

impl Serving {
    async fn accept(self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        while let Ok((program, _)) = listener.accept().await {
            let this = self.clone();
            // It fails where the program was killed, which is what it is for.
            connections.spawn(async move { this.relay(program).await.ok() });
            while connections.try_join_next().is_some() {}
        }
    }

    async fn relay(&self, mut program: TcpStream) -> io::Result<()> {
        let line = peeked_line(&program).await?;
        let hold = self.hold(&line);
        let mut request = Request { line, body: None };
        if hold == Some(Hold::UnreadWrite) {
            return self.until_let_go(request).await;
        }
        let (head, body) = read_request(&mut program).await?;
        request.body = Some(body.clone());
        if hold == Some(Hold::Write) {
            return self.until_let_go(request).await;
        }
        let answer = self.ask_tenant(&head, &body).await?;
        if hold.is_some() {
            self.until_let_go(request).await?;
        }
        program.write_all(&answer).await?;
        program.shutdown().await
    }

    fn hold(&self, line: &str) -> Option<Hold> {
        let mut orders = self.orders.lock().unwrap();
        let order = orders.as_mut()?;
        let wanted = match order.hold {
            Hold::AnswerToLook => is_last_look(line),
            _ => is_write(line),
        };
        if order.after_writes > 0 {
            order.after_writes -= usize::from(is_write(line));
            return None;
        }
        if !wanted {
            return None;
        }
        let hold = order.hold;
        order.how_many -= 1;
        if order.how_many == 0 {
            *orders = None;
        }
        Some(hold)
    }

    /// An error where nobody ever will.
    async fn until_let_go(&self, request: Request) -> io::Result<()> {
        let (go_on, gone_on) = oneshot::channel();
        let held = Held { request, go_on };
        self.tell.send(held).map_err(io::Error::other)?;
        gone_on.await.map_err(io::Error::other)
    }

    async fn ask_tenant(&self, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
        let mut tenant = TcpStream::connect(self.tenant).await?;
        tenant.write_all(head).await?;
        tenant.write_all(b"connection: close\r\n\r\n").await?;
        tenant.write_all(body).await?;
        let mut answer = Vec::new();
        tenant.read_to_end(&mut answer).await?;
        Ok(answer)
    }
}

fn is_write(line: &str) -> bool {
    !line.starts_with("GET ")
}

/// Before a create the last look is a search for the name; before a change it reads the
/// account.
fn is_last_look(line: &str) -> bool {
    line.starts_with("GET ") && (line.contains("filter=userName") || line.contains("/Users/"))
}

/// Method and path of what waits to be read, and stays unread.
async fn peeked_line(program: &TcpStream) -> io::Result<String> {
    let mut start = [0; 4096];
    loop {
        let length = program.peek(&mut start).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = find(&start[..length], b" HTTP/1.1\r\n") {
            return Ok(String::from_utf8_lossy(&start[..end]).into_owned());
        }
        // The rest of the line is under way.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The head, without the empty line at its end, and the body.
async fn read_request(program: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::new();
    let end = loop {
        match find(&head, b"\r\n\r\n") {
            Some(end) => break end,
            None => more(program, &mut head).await?,
        }
    };
    let mut body = head.split_off(end + 4);
    head.truncate(end + 2);
    let length = body_length(&head);
    while body.len() < length {
        more(program, &mut body).await?;
    }
    Ok((head, body))
}

async fn more(program: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<()> {
    match program.read_buf(read).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn body_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    assert!(!head.contains("\r\ntransfer-encoding:"), "{head}");
    let length = |line: &str| line.strip_prefix("content-length:")?.trim().parse().ok();
    head.lines().find_map(length).unwrap_or_default()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}
