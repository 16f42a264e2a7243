//! `/etc/resolv.conf` of a pod.
//!
//! In a real cluster the kubelet composes it from the pod's dnsPolicy and dnsConfig, its own flags and the node's file, within
//! limits, and the runtime writes it. We model the whole rule. Left out: nothing.
//! The real thing: `pkg/kubelet/network/dns/dns.go`; the text form is containerd's.

use std::net::IpAddr;

use crate::objects::json::At;
use crate::objects::pod::Pod;
use crate::objects::resolv_conf::{Line, lines, without_dot};

/// Most nameservers.
const SERVERS_MAX: usize = 3;
/// Most entries of the search list.
const SEARCHES_MAX: usize = 32;
/// Longest search list, in characters, blanks between the entries included.
const SEARCH_CHARS_MAX: usize = 2048;
/// Longest entry of the search list.
const SEARCH_ENTRY_MAX: usize = 253;

/// A resolver configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    /// Servers, in order.
    pub servers: Vec<String>,
    /// Search list.
    pub searches: Vec<String>,
    /// Options, as `name` or `name:value`.
    pub options: Vec<String>,
}

/// What the kubelet was told.
#[derive(Clone, Debug, Default)]
pub struct Settings<'a> {
    /// `--cluster-dns`.
    pub cluster_dns: &'a [IpAddr],
    /// `--cluster-domain`; empty = none.
    pub cluster_domain: &'a str,
    /// Text of the node's file; `None` = the kubelet is told to use none.
    pub node_file: Option<&'a str>,
    /// Node addresses: a node-local file that is not used leaves the loopback address.
    pub node_ips: &'a [IpAddr],
}

/// A warning that the kubelet leaves as an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `DNSConfigForming` or `MissingClusterDNS`.
    pub reason: &'static str,
    /// Its text.
    pub message: String,
}

/// Which base a pod's policy asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Cluster,
    Node,
    Empty,
}

impl ResolvConf {
    /// Reads a file: nameserver lines add up, the last search line wins, options merge by name, final dots are cut.
    pub fn parse(text: &str) -> ResolvConf {
        let mut conf = ResolvConf::default();
        for line in lines(text) {
            match line {
                Line::Nameserver(address) => conf.servers.push(address.to_string()),
                // A lone dot is the root, which searching everything means anyway.
                Line::Search(domains) => {
                    conf.searches = domains.into_iter().filter(|d| *d != ".").map(|d| without_dot(d).to_string()).collect();
                }
                Line::Options(options) => options.into_iter().for_each(|o| put_option(&mut conf.options, o)),
                Line::Domain(_) => {}
            }
        }
        conf
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if !self.searches.is_empty() {
            text.push_str(&format!("search {}\n", self.searches.join(" ")));
        }
        self.servers.iter().for_each(|s| text.push_str(&format!("nameserver {s}\n")));
        if !self.options.is_empty() {
            text.push_str(&format!("options {}\n", self.options.join(" ")));
        }
        text
    }
}

/// The later option of one name replaces the earlier.
fn put_option(options: &mut Vec<String>, option: &str) {
    let name = option.split(':').next().unwrap_or(option);
    options.retain(|o| o.split(':').next() != Some(name));
    options.push(option.to_string());
}

/// The configuration of a pod, with the warnings it earns.
pub fn of_pod(pod: &Pod, settings: &Settings<'_>) -> (ResolvConf, Vec<Warning>) {
    let node = ResolvConf::parse(settings.node_file.unwrap_or_default());
    let mut warnings = Vec::new();
    let wanted = base_of(pod);
    let base = if wanted == Base::Cluster && settings.cluster_dns.is_empty() {
        let uid = pod.meta.uid.as_deref().unwrap_or_default();
        let message = format!(
            "pod: \"{}_{}({uid})\". kubelet does not have ClusterDNS IP configured and cannot create Pod using \"ClusterFirst\" policy. \
             Falling back to \"Default\" policy.",
            pod.meta.name, pod.meta.namespace
        );
        warnings.push(Warning { reason: "MissingClusterDNS", message });
        Base::Node
    } else {
        wanted
    };
    let mut conf = match base {
        Base::Empty => ResolvConf::default(),
        Base::Node => of_node(node, settings),
        Base::Cluster => of_cluster(pod, &node, settings),
    };
    add_custom(&mut conf, pod);
    (limited(conf, &mut warnings), warnings)
}

fn policy_text(pod: &Pod) -> &str {
    if pod.spec.dns_policy.is_empty() { "ClusterFirst" } else { &pod.spec.dns_policy }
}

fn base_of(pod: &Pod) -> Base {
    match policy_text(pod) {
        "None" => Base::Empty,
        "Default" => Base::Node,
        "ClusterFirstWithHostNet" => Base::Cluster,
        // ClusterFirst, and what the kubelet does not know.
        _ if pod.spec.host_network && policy_text(pod) == "ClusterFirst" => Base::Node,
        _ => Base::Cluster,
    }
}

/// The node's own resolver; a kubelet told to use none falls back to the loopback address of each of the node's families.
fn of_node(node: ResolvConf, settings: &Settings<'_>) -> ResolvConf {
    if settings.node_file.is_some() {
        return node;
    }
    let loopback = |ip: &IpAddr| if ip.is_ipv6() { "::1" } else { "127.0.0.1" }.to_string();
    let mut servers: Vec<String> = settings.node_ips.iter().map(loopback).collect();
    if servers.is_empty() {
        servers.push("127.0.0.1".to_string());
    }
    ResolvConf { servers, searches: vec![".".to_string()], options: Vec::new() }
}

fn of_cluster(pod: &Pod, node: &ResolvConf, settings: &Settings<'_>) -> ResolvConf {
    let domain = settings.cluster_domain;
    let mut searches = Vec::new();
    if !domain.is_empty() {
        searches = vec![format!("{}.svc.{domain}", pod.meta.namespace), format!("svc.{domain}"), domain.to_string()];
    }
    push_new(&mut searches, node.searches.iter().cloned());
    ResolvConf {
        servers: settings.cluster_dns.iter().map(IpAddr::to_string).collect(),
        searches,
        options: vec!["ndots:5".to_string()],
    }
}

fn push_new(list: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

/// Lays `dnsConfig` over: servers and searches are appended without repetition, options replace by name.
fn add_custom(conf: &mut ResolvConf, pod: &Pod) {
    let custom = At::top(&pod.spec.doc).at("dnsConfig");
    let texts = |key: &str| custom.at(key).items().filter_map(|i| i.text().map(str::to_string)).collect::<Vec<_>>();
    let mut servers = Vec::new();
    push_new(&mut servers, std::mem::take(&mut conf.servers).into_iter().chain(texts("nameservers")));
    let mut searches = Vec::new();
    push_new(&mut searches, std::mem::take(&mut conf.searches).into_iter().chain(texts("searches")));
    (conf.servers, conf.searches) = (servers, searches);
    for option in custom.at("options").items() {
        let name = option.at("name").text().unwrap_or_default();
        match option.at("value").text().filter(|v| !v.is_empty()) {
            Some(value) => put_option(&mut conf.options, &format!("{name}:{value}")),
            None => put_option(&mut conf.options, name),
        }
    }
}

/// Cuts the lists to what resolvers take, and says so.
pub fn limited(mut conf: ResolvConf, warnings: &mut Vec<Warning>) -> ResolvConf {
    let mut warn = |message: String| warnings.push(Warning { reason: "DNSConfigForming", message });
    if conf.servers.len() > SERVERS_MAX {
        conf.servers.truncate(SERVERS_MAX);
        let line = conf.servers.join(" ");
        warn(format!(
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: {line}"
        ));
    }
    let before = conf.searches.len();
    conf.searches.truncate(SEARCHES_MAX);
    conf.searches.retain(|s| s.len() <= SEARCH_ENTRY_MAX);
    while conf.searches.join(" ").len() > SEARCH_CHARS_MAX {
        conf.searches.pop();
    }
    if conf.searches.len() < before {
        let line = conf.searches.join(" ");
        warn(format!(
            "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: {line}"
        ));
    }
    conf
}

/// What a kubelet says, on its node, about the node's own file when it starts.
pub fn check_node_file(text: &str, cluster_domain: &str) -> Option<Warning> {
    let (searches, file) = (ResolvConf::parse(text).searches, "/etc/resolv.conf");
    let most = if cluster_domain.is_empty() { SEARCHES_MAX } else { SEARCHES_MAX - 3 };
    let message = if searches.len() > most {
        format!("Resolv.conf file '{file}' contains search line consisting of more than {most} domains!")
    } else if searches.iter().any(|s| s.len() > SEARCH_ENTRY_MAX) {
        format!("Resolv.conf file \"{file}\" contains a search path which length is more than allowed {SEARCH_ENTRY_MAX} chars!")
    } else if searches.join(" ").len() > SEARCH_CHARS_MAX {
        format!("Resolv.conf file '{file}' contains search line which length is more than allowed {SEARCH_CHARS_MAX} chars!")
    } else {
        return None;
    };
    Some(Warning { reason: "CheckLimitsForResolvConf", message })
}

/// `/etc/hosts` of a pod on the pod network.
pub fn hosts_file(pod: &Pod, ip: Option<IpAddr>, hostname: &str, domain: &str) -> String {
    let mut text = String::from(
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n",
    );
    if let Some(ip) = ip {
        match &pod.spec.subdomain {
            Some(sub) if !domain.is_empty() => {
                text.push_str(&format!("{ip}\t{hostname}.{sub}.{}.svc.{domain}\t{hostname}\n", pod.meta.namespace));
            }
            _ => text.push_str(&format!("{ip}\t{hostname}\n")),
        }
    }
    let aliases = At::top(&pod.spec.doc).at("hostAliases");
    if aliases.items().next().is_some() {
        text.push_str("\n# Entries added by HostAliases.\n");
    }
    for alias in aliases.items() {
        let names = alias.at("hostnames").names().join("\t");
        text.push_str(&format!("{}\t{names}\n", alias.at("ip").text().unwrap_or_default()));
    }
    text
}

#[cfg(test)]
#[path = "resolv_conf_tests.rs"]
mod tests;
