//! The page's connections. Every program and user of this machine can open some, say nothing on
//! them, or say it slowly; the browser that was let in gets its answers all the same.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

/// How many connections there may be, and how long they may say nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// A browser opens six. Half as many as a process may have files where the system allows few.
    most: usize,
    /// For the head of a request, whether its connection is new or was used before.
    head: Duration,
    /// What a new connection has in any case before it makes room for another.
    grace: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            most: 100,
            head: Duration::from_secs(15),
            grace: Duration::from_millis(100),
        }
    }
}

/// Whose connection a request came on.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller(Arc<AtomicBool>);

impl Caller {
    /// It is the browser's that was let in, and does not make room for others any more.
    pub(super) fn is_let_in(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn was_let_in(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Open {
    caller: Caller,
    since: Instant,
    task: AbortHandle,
}

/// Serves until it is told to stop, and then lets end what the browser has asked for.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<Open> = VecDeque::new();
    tokio::pin!(stop);
    loop {
        open.retain(|connection| !connection.task.is_finished());
        let full = open.len() >= bounds.most;
        // Others wait in the system's queue as long as there is no room.
        let room = async {
            if full {
                make_room(&mut open, bounds.grace).await;
            }
        };
        tokio::select! {
            () = &mut stop => break,
            // One has ended, and left room.
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            accepted = async { room.await; listener.accept().await } => match accepted {
                Ok((stream, _)) => {
                    let caller = Caller::default();
                    let task = tasks.spawn(converse(
                        stream,
                        router.clone(),
                        caller.clone(),
                        bounds,
                        stopped.clone(),
                    ));
                    open.push_back(Open { caller, since: Instant::now(), task });
                }
                // Out of file descriptors, most likely.
                Err(_) => make_room(&mut open, Duration::ZERO).await,
            },
        }
    }
    for connection in &open {
        if !connection.caller.was_let_in() {
            connection.task.abort();
        }
    }
    stopping.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

/// Ends the oldest connection of those who were not let in, once it has had its time.
async fn make_room(open: &mut VecDeque<Open>, grace: Duration) {
    let stranger = |connection: &Open| !connection.caller.was_let_in();
    let Some(oldest) = open.iter().find(|connection| stranger(connection)) else {
        // They are all the browser's, which closes them.
        return tokio::time::sleep(grace.max(Duration::from_millis(10))).await;
    };
    tokio::time::sleep_until(oldest.since + grace).await;
    if let Some(at) = open.iter().position(stranger)
        && let Some(ended) = open.remove(at)
    {
        ended.task.abort();
    }
}

async fn converse(
    stream: TcpStream,
    router: Router,
    caller: Caller,
    bounds: Bounds,
    mut stopped: watch::Receiver<bool>,
) {
    // Small answers must not wait for more; if it cannot be set they do.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), caller.clone(), request));
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    let mut http = builder.http1();
    http.timer(TokioTimer::new());
    http.header_read_timeout(bounds.head);
    let conversation = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(conversation);
    // What ends in an error was cut by the other side, or was too slow.
    tokio::select! {
        _ = conversation.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    conversation.as_mut().graceful_shutdown();
    let _ = conversation.await;
}

async fn answer(
    router: Router,
    caller: Caller,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(caller);
    TowerToHyperService::new(router)
        .call(request.map(Body::new))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// A page that lets everybody in who asks for it.
    async fn page(most: usize) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let enter = |Extension(caller): Extension<Caller>| async move {
            caller.is_let_in();
            "welcome"
        };
        let router = Router::new()
            .route("/", get(enter))
            .route("/other", get(|| async { "not you" }));
        let bounds = Bounds {
            most,
            head: Duration::from_millis(400),
            grace: Duration::from_millis(20),
        };
        tokio::spawn(serve(listener, router, bounds, std::future::pending()));
        address
    }

    async fn ask(stream: &mut TcpStream, path: &str) -> Option<String> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut bytes = vec![0; 4096];
        let count = stream.read(&mut bytes).await.ok()?;
        Some(String::from_utf8_lossy(bytes.get(..count)?).into_owned())
    }

    async fn is_closed(stream: &mut TcpStream) -> bool {
        let end = async { !matches!(stream.read(&mut [0; 64]).await, Ok(1..)) };
        let ended = tokio::time::timeout(Duration::from_secs(10), end).await;
        ended.unwrap_or(false)
    }

    #[tokio::test]
    async fn connections_that_say_nothing_make_room_for_others_and_the_browsers_does_not() {
        let address = page(5).await;
        let mut browser = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut browser, "/").await.unwrap().contains("welcome"));
        let mut silent = Vec::new();
        for _ in 0..20 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut next = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut next, "/").await.unwrap().contains("welcome"));
        let again = ask(&mut browser, "/").await.unwrap();
        assert!(again.contains("welcome"), "{again}");
        assert!(is_closed(&mut silent[0]).await);
    }

    #[tokio::test]
    async fn a_head_that_is_never_finished_is_not_waited_for() {
        let address = page(5).await;
        for beginning in ["", "GET / HTTP/1.1\r\nx-slow: "] {
            let mut slow = TcpStream::connect(address).await.unwrap();
            slow.write_all(beginning.as_bytes()).await.unwrap();
            assert!(is_closed(&mut slow).await, "{beginning:?}");
        }
        // Nor after an answer.
        let mut kept = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut kept, "/other").await.unwrap().contains("not you"));
        assert!(is_closed(&mut kept).await);
    }
}
