//! The options of CoreDNS's kubernetes plugin, and how names belong to zones.
//!
//! In a real cluster these stand in the Corefile, under `kubernetes`; here a scenario's `dns` block gives them too, and the stock
//! Corefile is written from them. The defaults are the plugin's own, not those of the stock Corefile. Left out: zonal and
//! multi-cluster names, label selectors. The real thing: CoreDNS `plugin/kubernetes/setup.go`.

use std::net::IpAddr;

use super::message::Record;

/// Whether names such as `10-244-1-7.default.pod.cluster.local` are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PodsMode {
    /// Never.
    #[default]
    Disabled,
    /// Any address, if the namespace exists.
    Insecure,
    /// If a live pod of that namespace has the address.
    Verified,
}

/// What the upstream server would answer to one question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamAnswer {
    /// Name, with or without final dot.
    pub name: String,
    /// Type, in upper case.
    pub kind: String,
    /// Records.
    pub answers: Vec<Record>,
    /// TC.
    pub truncated: bool,
}

/// The options of one server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerConfig {
    /// Zones served, with or without final dot.
    pub zones: Vec<String>,
    /// `pods`.
    pub pods: PodsMode,
    /// `ttl`, in seconds.
    pub ttl: u32,
    /// `namespaces`: the exposed ones; empty = all.
    pub namespaces: Vec<String>,
    /// `ignore empty_service`.
    pub ignore_empty_service: bool,
    /// `endpoint_pod_names`.
    pub endpoint_pod_names: bool,
    /// `noendpoints`.
    pub no_endpoints: bool,
    /// Whether the API has been read.
    pub synced: bool,
    /// The server's own addresses.
    pub local_ips: Vec<IpAddr>,
    /// `fallthrough`: unknown names in these zones are forwarded.
    pub fall_through: Vec<String>,
    /// What the forwarder gets.
    pub upstream: Vec<UpstreamAnswer>,
    /// Cap on cached TTLs in seconds; `None` = no cache plugin.
    pub cache: Option<u32>,
    /// Zones whose replies the cache does not keep.
    pub cache_except: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            zones: vec!["cluster.local.".to_owned()],
            pods: PodsMode::Disabled,
            ttl: 5,
            namespaces: vec![],
            ignore_empty_service: false,
            endpoint_pod_names: false,
            no_endpoints: false,
            synced: true,
            local_ips: vec![],
            fall_through: vec![],
            upstream: vec![],
            cache: None,
            cache_except: vec![],
        }
    }
}

impl PodsMode {
    /// Reads the word of the Corefile.
    pub fn parse(text: &str) -> Option<PodsMode> {
        match text {
            "disabled" => Some(PodsMode::Disabled),
            "insecure" => Some(PodsMode::Insecure),
            "verified" => Some(PodsMode::Verified),
            _ => None,
        }
    }
}

/// A name in lower case with its final dot.
pub fn canonical(name: &str) -> String {
    fqdn(name).to_ascii_lowercase()
}

/// A name with its final dot.
pub fn fqdn(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

/// Whether `name` is `zone` or below it; case and final dots do not matter.
pub fn within(zone: &str, name: &str) -> bool {
    let (zone, name) = (canonical(zone), canonical(name));
    zone == "." || name.strip_suffix(&zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The longest of the zones that holds the name.
pub fn matching_zone<'a>(zones: &'a [String], name: &str) -> Option<&'a str> {
    zones.iter().filter(|z| within(z, name)).max_by_key(|z| fqdn(z).len()).map(String::as_str)
}
