//! Rules, and how a kernel reads them: one after the other, the first that decides decides.
//!
//! All chains are in one list, in the order in which they were written, as `iptables-save` prints them. A packet that enters a
//! chain meets every rule of the list that belongs to it.

use std::net::IpAddr;

use sim_core::explain::Reason;
use sim_core::objects::net::Net;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::Packet;
use std::net::SocketAddr;

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands.
    pub chain: String,
    /// What a packet must be like, in all points.
    pub when: Vec<When>,
    /// What happens to it then.
    pub then: Then,
    /// What a packet that matched is told; later words count more.
    pub why: Option<Reason>,
}

/// What a packet may be like.
#[derive(Clone, Debug)]
pub enum When {
    /// Its protocol.
    Protocol(Protocol),
    /// Its source address.
    From(Net),
    /// Its destination address.
    To(Net),
    /// Its destination port.
    ToPort(u16),
    /// Its source address is one of this machine's.
    FromHere,
    /// Its destination address is one of this machine's.
    ToHere,
    /// One of these.
    Any(Vec<When>),
    /// Not this.
    Not(Box<When>),
}

/// What happens to a packet.
#[derive(Clone, Debug)]
pub enum Then {
    /// It goes through another chain, and on here if nothing was decided there.
    Jump(String),
    /// It goes through another chain, and not on here.
    Goto(String),
    /// It is marked: its source is rewritten when it leaves.
    Masquerade,
    /// It leaves this chain.
    Return,
    /// Its destination becomes one of these; each is as likely as the other.
    Send(Vec<SocketAddr>),
    /// It may pass.
    Accept,
    /// It is thrown away.
    Drop,
    /// It is refused.
    Reject,
}

/// What was decided.
#[derive(Clone, Debug)]
pub enum End {
    /// Its destination becomes one of these.
    Sent(Vec<SocketAddr>),
    /// It may pass.
    Accepted,
    /// It is thrown away.
    Dropped,
    /// It is refused.
    Rejected,
}

/// The addresses of a machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// On its interfaces, the loopback aside.
    pub addresses: Vec<IpAddr>,
}

/// A packet on its way through the rules.
#[derive(Debug)]
pub struct Walk<'r> {
    /// All rules.
    pub rules: &'r [Rule],
    /// The machine.
    pub machine: &'r Machine,
    /// The packet.
    pub packet: Packet,
    /// Whether a rule marked it.
    pub marked: bool,
    /// What the last rule that matched had to say.
    pub why: Reason,
}

/// The range that holds one address.
pub fn only(ip: IpAddr) -> Net {
    Net { address: ip, prefix: if ip.is_ipv6() { 128 } else { 32 } }
}

impl When {
    /// A packet to this address, port and protocol.
    pub fn to(ip: IpAddr, port: u16, protocol: Protocol) -> Vec<When> {
        vec![When::Protocol(protocol), When::To(only(ip)), When::ToPort(port)]
    }

    /// A packet from one of these ranges.
    pub fn from_any(nets: &[Net]) -> When {
        When::Any(nets.iter().copied().map(When::From).collect())
    }

    /// The opposite.
    pub fn negated(self) -> When {
        When::Not(Box::new(self))
    }

    fn holds(&self, packet: &Packet, machine: &Machine) -> bool {
        match self {
            When::Protocol(protocol) => packet.protocol == *protocol,
            When::From(net) => net.contains(packet.source),
            When::To(net) => net.contains(packet.destination.ip()),
            When::ToPort(port) => packet.destination.port() == *port,
            When::FromHere => machine.has(packet.source),
            When::ToHere => machine.has(packet.destination.ip()),
            When::Any(list) => list.iter().any(|when| when.holds(packet, machine)),
            When::Not(when) => !when.holds(packet, machine),
        }
    }
}

impl Machine {
    /// Whether an address is its own.
    pub fn has(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || self.addresses.contains(&ip)
    }
}

impl Walk<'_> {
    /// Sends the packet through a chain; `None` if it comes out at the end undecided.
    pub fn through(&mut self, chain: &str) -> Option<End> {
        for rule in self.rules {
            if rule.chain != chain || !rule.when.iter().all(|when| when.holds(&self.packet, self.machine)) {
                continue;
            }
            if let Some(why) = &rule.why {
                self.why = why.clone();
            }
            match &rule.then {
                Then::Jump(other) => {
                    let before = self.why.clone();
                    if let Some(end) = self.through(other) {
                        return Some(end);
                    }
                    self.why = before;
                }
                Then::Goto(other) => return self.through(other),
                Then::Masquerade => self.marked = true,
                Then::Return => return None,
                Then::Send(list) => return Some(End::Sent(list.clone())),
                Then::Accept => return Some(End::Accepted),
                Then::Drop => return Some(End::Dropped),
                Then::Reject => return Some(End::Rejected),
            }
        }
        None
    }
}
