//! `/etc/resolv.conf` and `/etc/hosts` as the C library reads them.
//!
//! In a real cluster the kubelet writes both files into each container. We read servers, search list and the options that shape
//! the walk (`ndots`, `timeout`, `attempts`, `rotate`, `single-request`). Left out: `sortlist`, `use-vc`, scoped addresses.
//! The real thing: resolv.conf(5), glibc `resolv/res_init.c`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::engine::time::Duration;
use crate::objects::resolv_conf::{Line, lines, without_dot};

/// Servers beyond the third are not used.
pub const SERVERS_MAX: usize = 3;
/// Search entries beyond this many are not used: the kubelet writes no more.
pub const SEARCH_MAX: usize = 32;

/// What a resolver does with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// Servers in the order of the file; the machine itself if the file names none.
    pub servers: Vec<SocketAddr>,
    /// Search list, without final dots.
    pub search: Vec<String>,
    /// A name with at least so many dots is tried as it is first.
    pub ndots: usize,
    /// How long one server is waited for.
    pub timeout: Duration,
    /// How often the servers are gone through.
    pub attempts: u32,
    /// Each question begins with another server.
    pub rotate: bool,
    /// The second question of a pair is sent when the first is answered (or from a socket of its own).
    pub single_request: bool,
}

impl ResolvConf {
    /// Reads the file; lines that make no sense are passed over, as the C library does.
    ///
    /// ```
    /// use sim_core::dns::resolv_conf::ResolvConf;
    /// let conf = ResolvConf::parse("search a.b c\nnameserver 10.96.0.10\noptions ndots:5\n");
    /// assert_eq!((conf.search, conf.ndots), (vec!["a.b".to_owned(), "c".to_owned()], 5));
    /// ```
    pub fn parse(text: &str) -> ResolvConf {
        let (servers, search, timeout) = (vec![], vec![], Duration::from_secs(5));
        let mut conf = ResolvConf { servers, search, ndots: 1, timeout, attempts: 2, rotate: false, single_request: false };
        for line in lines(text) {
            match line {
                Line::Nameserver(address) => conf.server(address),
                Line::Search(domains) => conf.search = domains.into_iter().take(SEARCH_MAX).map(domain).collect(),
                Line::Domain(name) => conf.search = vec![domain(name)],
                Line::Options(options) => options.into_iter().for_each(|option| conf.option(option)),
            }
        }
        if conf.servers.is_empty() {
            conf.servers.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 53));
        }
        conf
    }

    fn server(&mut self, address: &str) {
        if let Ok(ip) = address.parse::<IpAddr>()
            && self.servers.len() < SERVERS_MAX
        {
            self.servers.push(SocketAddr::new(ip, 53));
        }
    }

    fn option(&mut self, option: &str) {
        let Some((key, value)) = option.split_once(':') else {
            self.rotate |= option == "rotate";
            self.single_request |= matches!(option, "single-request" | "single-request-reopen");
            return;
        };
        let Ok(value) = value.parse::<u32>() else { return };
        match key {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5),
            _ => {}
        }
    }

    /// The names tried for `name`, in order, without final dots: glibc's list, the name as it is included.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let searched = self.search.iter().map(|s| if s.is_empty() { name.to_owned() } else { format!("{name}.{s}") });
        let mut names: Vec<String> = searched.collect();
        let as_is = name.to_owned();
        if dots(name) >= self.ndots {
            names.insert(0, as_is);
        } else if !names.contains(&as_is) {
            names.push(as_is);
        }
        names
    }
}

/// How many dots a name has.
pub fn dots(name: &str) -> usize {
    name.bytes().filter(|b| *b == b'.').count()
}

/// The addresses a hosts file gives a name; case is ignored.
pub fn hosts_addresses(hosts: &str, name: &str) -> Vec<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.filter_map(|line| named(line, |alias| alias.eq_ignore_ascii_case(name))).map(|(ip, _)| ip).collect()
}

/// The first name a hosts file gives an address.
pub fn hosts_name(hosts: &str, ip: IpAddr) -> Option<&str> {
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.filter_map(|line| named(line, |_| true)).find(|(at, _)| *at == ip).map(|(_, name)| name)
}

fn named(line: &str, matches: impl Fn(&str) -> bool) -> Option<(IpAddr, &str)> {
    let mut words = line.split_whitespace();
    let ip = words.next()?.parse().ok()?;
    words.find(|alias| matches(alias)).map(|alias| (ip, alias))
}

fn domain(name: &str) -> String {
    without_dot(name).to_owned()
}
