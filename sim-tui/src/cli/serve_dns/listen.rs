//! The sockets: messages come in from any of them and go back to where they came from.
//!
//! Over TCP each message is preceded by its length (RFC 1035, section 4.2.2). A connection that says nothing for ten seconds is
//! closed, as CoreDNS does; one more than so many is not accepted.

#![expect(clippy::disallowed_methods, reason = "sockets block; the cluster itself belongs to one thread")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use sim_core::objects::pod_spec::Protocol;

/// Messages that wait to be answered; more than that are dropped (UDP) or wait in their sockets (TCP).
const WAITING_MAX: usize = 1_024;
/// Connections at a time.
const CONNECTIONS_MAX: usize = 64;
/// How long a connection may say nothing (CoreDNS `idleTimeout`).
const IDLE: Duration = Duration::from_secs(10);

/// A message that has come.
pub(super) struct Arrived {
    pub(super) bytes: Vec<u8>,
    pub(super) protocol: Protocol,
    pub(super) back: Back,
}

/// The way back.
pub(super) enum Back {
    Udp(Arc<UdpSocket>, SocketAddr),
    Tcp(SyncSender<Vec<Vec<u8>>>),
}

impl Back {
    /// Sends what there is; a client that has gone away is no error of ours.
    pub(super) fn send(self, messages: Vec<Vec<u8>>) {
        match self {
            Back::Udp(socket, to) => messages.iter().for_each(|m| drop(socket.send_to(m, to))),
            Back::Tcp(connection) => drop(connection.send(messages)),
        }
    }
}

/// Opens both sockets at one port; tells which, and where messages come out.
pub(super) fn start(at: SocketAddr) -> std::io::Result<(SocketAddr, Receiver<Arrived>)> {
    let tcp = TcpListener::bind(at)?;
    let address = tcp.local_addr()?;
    let udp = Arc::new(UdpSocket::bind(address)?);
    let (send, inbox) = sync_channel(WAITING_MAX);
    let from_udp = send.clone();
    thread::spawn(move || datagrams(&udp, &from_udp));
    thread::spawn(move || connections(&tcp, &send));
    Ok((address, inbox))
}

fn datagrams(socket: &Arc<UdpSocket>, inbox: &SyncSender<Arrived>) {
    let mut buffer = vec![0; 65_535];
    loop {
        // An error here is that of an earlier answer (port unreachable).
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let back = Back::Udp(socket.clone(), from);
        let _ = inbox.try_send(Arrived { bytes: buffer[..length].to_vec(), protocol: Protocol::Udp, back });
    }
}

fn connections(listener: &TcpListener, inbox: &SyncSender<Arrived>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming().flatten() {
        if open.load(Ordering::Relaxed) >= CONNECTIONS_MAX {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (inbox, open) = (inbox.clone(), open.clone());
        thread::spawn(move || {
            let _ = converse(stream, &inbox);
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// One message after the other, until the client closes or falls silent.
fn converse(mut stream: TcpStream, inbox: &SyncSender<Arrived>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut bytes)?;
        let (send, replies) = sync_channel(1);
        let arrived = Arrived { bytes, protocol: Protocol::Tcp, back: Back::Tcp(send) };
        if inbox.send(arrived).is_err() {
            return Ok(());
        }
        for message in replies.recv().unwrap_or_default() {
            let length = u16::try_from(message.len()).map_err(std::io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes()[..], &message].concat())?;
        }
    }
}
