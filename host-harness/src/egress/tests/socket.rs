//! What the kernel was asked for, as the kernel says it.

use std::os::fd::{OwnedFd, RawFd};

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use socket2::SockRef;

use super::super::upstream::UNACKNOWLEDGED_TIME;
use super::*;

/// The sockets of this process that are connected to an address.
fn connected_to(address: SocketAddr) -> Vec<OwnedFd> {
    let this = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter_map(|number: RawFd| pidfd_getfd(&this, number, PidfdGetfdFlags::empty()).ok())
        .filter(|open| {
            let peer = SockRef::from(open).peer_addr();
            peer.is_ok_and(|peer| peer.as_socket() == Some(address))
        })
        .collect()
}

#[tokio::test]
async fn the_kernel_gives_up_after_ten_seconds_what_is_not_acknowledged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bench = Bench::new(format!("http://{address}/scim"));
    let server = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        let sockets = connected_to(address);
        let times = sockets
            .iter()
            .map(|socket| SockRef::from(socket).tcp_user_timeout().unwrap());
        times.collect::<Vec<_>>()
    };
    let times = tokio::select! {
        times = server => times,
        answer = bench.send(bench.post()) => panic!("{answer:?}"),
    };
    assert_eq!(times, [Some(UNACKNOWLEDGED_TIME)]);
    assert_eq!(UNACKNOWLEDGED_TIME, Duration::from_secs(10));
}
