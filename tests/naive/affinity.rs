//! What a kernel remembers of clients and turns, as a list of everything that happened.
//!
//! iptables and nftables modes write a client down at the endpoint it goes through, for each endpoint of a Service port; an
//! endpoint that remembers the client is taken before any draw, the first of them in the order of the rules. ipvs mode writes
//! down one endpoint for each client of a virtual server, and lets real servers take turns otherwise. Left out: the bounds of
//! those lists.

use std::net::{IpAddr, SocketAddr};

use sim_core::engine::time::{Duration, Instant};
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::Mode;

/// Whose memory it is: the Service port, or the virtual server.
pub type Owner = (String, Protocol, u16);

/// Everything that happened, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Past(Vec<Connection>);

/// One connection that was balanced.
#[derive(Clone, Debug)]
struct Connection {
    owner: Owner,
    client: IpAddr,
    endpoint: SocketAddr,
    at: Instant,
    /// Nobody was remembered, so it was somebody's turn.
    drawn: bool,
}

impl Past {
    /// Which candidate remembers a client.
    pub fn remembered(
        &self,
        owner: &Owner,
        client: IpAddr,
        candidates: &[SocketAddr],
        mode: Mode,
        (timeout, now): (Duration, Instant),
    ) -> Option<usize> {
        let theirs = || self.0.iter().rev().filter(|c| c.owner == *owner && c.client == client);
        let fresh = |c: &&Connection| now.since(c.at) < timeout;
        if mode == Mode::Ipvs {
            let last = theirs().next().filter(fresh)?;
            return candidates.iter().position(|candidate| *candidate == last.endpoint);
        }
        candidates.iter().position(|candidate| theirs().filter(fresh).any(|c| c.endpoint == *candidate))
    }

    /// Whose turn it is at a virtual server.
    pub fn turn(&self, owner: &Owner, candidates: &[SocketAddr]) -> usize {
        let last = self.0.iter().rev().find(|c| c.owner == *owner && c.drawn);
        let at = last.and_then(|last| candidates.iter().position(|candidate| *candidate == last.endpoint));
        at.map_or(0, |at| (at + 1) % candidates.len())
    }

    /// A connection went to an endpoint.
    pub fn went(&mut self, owner: Owner, client: IpAddr, endpoint: SocketAddr, at: Instant, drawn: bool) {
        self.0.push(Connection { owner, client, endpoint, at, drawn });
    }
}
