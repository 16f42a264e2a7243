//! The Corefile: what a CoreDNS server is told, in its own language.
//!
//! In a real cluster it is the ConfigMap `kube-system/coredns`, mounted into each CoreDNS pod. A server that starts with a broken
//! one ends; a running one keeps what it has and says so in its log. We model the plugins of the stock file and those that
//! clusters add most often: `rewrite`, `hosts`, `transfer`, `log`, more server blocks. Every other plugin of the stock binary is
//! accepted, passed over, and named in [`Corefile::passed_over`]. The real things: CoreDNS `plugin.cfg`,
//! `core/dnsserver/register.go`, and each plugin's `setup.go`.

mod lexer;
mod parse;
mod setup;
mod text;
mod words;

use std::net::SocketAddr;

pub use self::text::stock;
use super::config::ServerConfig;
use super::rewrite::Rule;
use crate::engine::time::Duration;

/// Where a CoreDNS pod finds it.
pub const PATH: &str = "/etc/coredns/Corefile";

/// A file that was understood.
#[derive(Clone, Debug)]
pub struct Corefile {
    /// Its server blocks, in order.
    pub blocks: Vec<Block>,
    /// `reload`, if a block has it.
    pub reload: Option<Reload>,
    /// `health { lameduck }`: how long a server goes on before it gives way.
    pub lameduck: Duration,
    /// Plugins that are there and not simulated.
    pub passed_over: Vec<String>,
}

/// How often a server looks whether its file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Mean time between two looks.
    pub interval: Duration,
    /// The time differs by up to half of this, either way, from server to server.
    pub jitter: Duration,
}

/// One server block with its chain of plugins; what is not there is not done.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Zones, in lower case with final dots, each with its port.
    pub keys: Vec<(String, u16)>,
    /// `errors`: failures are logged.
    pub errors: bool,
    /// `log`: the zones whose questions are logged.
    pub log: Vec<String>,
    /// `bufsize`: cap on what a client may ask for over UDP.
    pub buffer: Option<usize>,
    /// `loadbalance`: addresses leave shuffled.
    pub loadbalance: bool,
    /// `rewrite`.
    pub rewrite: Vec<Rule>,
    /// `cache`.
    pub cache: Option<CacheOptions>,
    /// `transfer`: zones, and whether anybody may have them.
    pub transfer: Vec<Transfer>,
    /// `hosts`.
    pub hosts: Option<Hosts>,
    /// `kubernetes`.
    pub kubernetes: Option<ServerConfig>,
    /// `loop`: a server that hears itself ends.
    pub loop_check: bool,
    /// `forward`, in order.
    pub forward: Vec<Forward>,
    /// Any plugin at all that answers: a block without one refuses.
    pub answers: bool,
}

/// The options of `cache`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOptions {
    /// Zones whose answers are kept.
    pub zones: Vec<String>,
    /// Answers.
    pub success: Keeping,
    /// Denials.
    pub denial: Keeping,
    /// Seconds for which a server failure is kept.
    pub servfail: u32,
    /// Kept answers show the TTL they came with.
    pub keep_ttl: bool,
}

/// How one kind of reply is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Most replies.
    pub capacity: usize,
    /// Longest, in seconds.
    pub ttl_max: u32,
    /// Shortest, in seconds.
    pub ttl_min: u32,
    /// Zones of which none are kept.
    pub except: Vec<String>,
}

/// One `transfer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Zones that may be had.
    pub zones: Vec<String>,
    /// Addresses that may have them; none = anybody.
    pub to: Vec<std::net::IpAddr>,
}

/// One `hosts`: the lines that stand in the Corefile. (The image has no hosts file of interest.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Zones for which it answers.
    pub zones: Vec<String>,
    /// Address and name, in order.
    pub entries: Vec<(std::net::IpAddr, String)>,
    /// Zones whose unknown names go on to the next plugin.
    pub fall_through: Vec<String>,
    /// TTL.
    pub ttl: u32,
    /// Whether addresses lead back to names.
    pub reverse: bool,
}

/// One `forward`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The zone it takes.
    pub from: String,
    /// Zones below it that it does not.
    pub except: Vec<String>,
    /// Servers named by address.
    pub to: Vec<SocketAddr>,
    /// Files of which the servers are taken too: `/etc/resolv.conf`.
    pub files: Vec<String>,
    /// In which order servers are asked.
    pub policy: Policy,
    /// Over TCP even if the question came over UDP.
    pub tcp: bool,
}

/// The order in which upstream servers are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Any.
    #[default]
    Random,
    /// In turn.
    RoundRobin,
    /// As listed.
    Sequential,
}

impl Corefile {
    /// Reads a file; the error is what CoreDNS writes.
    ///
    /// ```
    /// use sim_core::dns::corefile::Corefile;
    /// assert_eq!(Corefile::read(".:53 {\n    forward . 192.0.2.1\n}\n").unwrap().blocks[0].keys, [(".".to_owned(), 53)]);
    /// let why = "/etc/coredns/Corefile:2 - Error during parsing: Unknown directive 'kubernets'";
    /// assert_eq!(Corefile::read(".:53 {\n    kubernets cluster.local\n}\n").unwrap_err(), why);
    /// ```
    pub fn read(text: &str) -> Result<Corefile, String> {
        setup::corefile(&parse::blocks(text, &setup::PLUGINS)?)
    }

    /// What a running server finds before it tries to use a changed file: words that do not make blocks.
    pub fn check_form(text: &str) -> Result<(), String> {
        parse::blocks(text, &[]).map(|_| ())
    }

    /// The block for a name asked at a port: that of the longest zone.
    pub fn block(&self, port: u16, name: &str) -> Option<(usize, &Block)> {
        let blocks = self.blocks.iter().enumerate();
        let zones = blocks.filter_map(|(at, b)| Some((super::config::matching_zone(&b.zones(Some(port)), name)?.len(), at, b)));
        // The first of equals, as there can be no equals: a zone served twice is refused.
        zones.max_by_key(|(long, at, _)| (*long, usize::MAX - at)).map(|(_, at, block)| (at, block))
    }

    /// Whether anything listens at a port.
    pub fn listens(&self, port: u16) -> bool {
        self.blocks.iter().any(|b| b.keys.iter().any(|(_, p)| *p == port))
    }

    /// What a server prints once it listens: a line for each zone, sorted as upstream sorts them.
    pub fn banner(&self) -> String {
        let keys = self.blocks.iter().flat_map(|b| &b.keys);
        let mut lines: Vec<String> = keys.map(|(zone, port)| format!("{zone}:{port}\n")).collect();
        lines.sort();
        lines.concat()
    }
}

impl Block {
    /// Its zones, of one port or of all.
    pub fn zones(&self, port: Option<u16>) -> Vec<String> {
        self.keys.iter().filter(|(_, at)| port.is_none_or(|p| p == *at)).map(|(zone, _)| zone.clone()).collect()
    }
}

#[cfg(test)]
mod tests;
