//! `spec.cluster`, `spec.objects` and what else describes the world before the first step: does each part mean something?
//!
//! In a real cluster each component reads its own flags and refuses to start; here all of it is judged when a file is read, by
//! the code that would use it. A setting that nothing acts on is refused, too: whoever writes it believes that it does something.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::diagnostic::{code, suggestion};
use super::finding::Finding;
use super::format::{Controllers, Nodes, Scenario, Setting};
use super::manifests::Manifest;
use super::notation::{Cidr, Written};
use super::refused::identity;
use crate::api::allocate::Allocators;
use crate::api::size;
use crate::api::validate::names::dns_subdomain;
use crate::controllers::NAMES;
use crate::dns::message::kind_named;
use crate::yaml::Path;

/// What of a node's capacity the scheduler looks at.
const CAPACITIES: [&str; 3] = ["cpu", "memory", "pods"];
/// Controllers that run beside the table of controllers.
const BESIDE: [&str; 2] = ["scheduler", "kubelet"];

/// Everything in the description of the world that means nothing.
pub fn judge(scenario: &Scenario) -> Vec<Finding> {
    let at = Path::root().field("spec").field("cluster");
    let mut findings = Vec::new();
    networks(scenario, &at, &mut findings);
    nodes(scenario, &at.field("nodes"), &mut findings);
    names(scenario, &at, &mut findings);
    findings.extend(controllers(&scenario.spec.cluster.controllers, &at.field("controllers")));
    objects(scenario, &mut findings);
    findings
}

fn wrong(path: Path, message: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding::value(code::BAD_VALUE, path, message, help)
}

fn networks(scenario: &Scenario, at: &Path, findings: &mut Vec<Finding>) {
    let cluster = &scenario.spec.cluster;
    families(&cluster.service_cidrs, at.field("serviceCIDRs"), findings);
    let node_ports = (cluster.node_port_range.first, cluster.node_port_range.last);
    for (index, cidr) in cluster.service_cidrs.iter().enumerate() {
        if let Err(refused) = Allocators::new(&[cidr.text().to_string()], node_ports) {
            let message = format!("{} cannot be a network of Services: {}", cidr.text(), refused.why);
            let help = "write a network with room for addresses: IPv4 up to /30, IPv6 from /64 to /127, as in 10.96.0.0/12";
            findings.push(wrong(at.field("serviceCIDRs").index(index), message, help));
        }
    }
    if let Setting::Set(cidrs) = &cluster.pod_cidrs {
        families(cidrs, at.field("podCIDRs"), findings);
    }
    if let Some(pool) = cluster.cloud.pool.as_ref().filter(|pool| pool.address.is_ipv6()) {
        let message = format!("{} is an IPv6 network: balancers get IPv4 addresses only", pool.text());
        findings.push(wrong(at.field("cloud").field("pool"), message, "write an IPv4 network, as in 203.0.113.128/25"));
    }
}

/// Two networks must be of two families.
fn families(cidrs: &[Written<Cidr>], at: Path, findings: &mut Vec<Finding>) {
    let is_v4 = |cidr: &Written<Cidr>| matches!(cidr.address, IpAddr::V4(_));
    if let [first, second] = cidrs
        && is_v4(first) == is_v4(second)
    {
        let message = format!("{first} and {second} are of one family");
        findings.push(wrong(at.index(1), message, "two networks make a dual-stack cluster: one IPv4 and one IPv6"));
    }
}

fn nodes(scenario: &Scenario, at: &Path, findings: &mut Vec<Finding>) {
    let Nodes::List(nodes) = &scenario.spec.cluster.nodes else { return };
    let (mut names, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for (index, node) in nodes.iter().enumerate() {
        let at = at.index(index);
        if node.name.is_empty() || !names.insert(node.name.as_str()) {
            let message =
                if node.name.is_empty() { "a node needs a name".into() } else { format!("two nodes are called `{}`", node.name) };
            findings.push(wrong(at.field("name"), message, "give each node a name of its own"));
        } else if !dns_subdomain(&node.name).is_empty() {
            let message = format!("`{}` cannot be the name of a node", node.name);
            let help = "use lower case letters, digits, `-` and `.`; begin and end with a letter or digit";
            findings.push(wrong(at.field("name"), message, help));
        }
        for (i, ip) in node.ips.iter().enumerate() {
            if !addresses.insert(**ip) {
                let path = at.field("ips").index(i);
                findings.push(wrong(path, format!("{ip} belongs to two nodes"), "give each node addresses of its own"));
            }
        }
        for name in node.capacity.keys().filter(|name| !CAPACITIES.contains(&name.as_str())) {
            let message = format!("nothing acts on `{name}`: a node here has cpu, memory and pods to give");
            let path = at.field("capacity").field(name);
            findings.push(Finding::key(code::NOT_ACTED_ON, path, message, suggestion(name, &CAPACITIES)));
        }
        if let Some(cidrs) = &node.pod_cidrs {
            families(cidrs, at.field("podCIDRs"), findings);
        }
    }
}

/// Domains, zones and the records of the world's name servers.
fn names(scenario: &Scenario, at: &Path, findings: &mut Vec<Finding>) {
    let cluster = &scenario.spec.cluster;
    let dns = &cluster.dns;
    let mut domain = |path: Path, text: &str| {
        let bare = text.strip_suffix('.').unwrap_or(text);
        if !text.is_empty() && text != "." && !dns_subdomain(bare).is_empty() {
            let help = "use lower case letters, digits and `-`, the parts separated by dots, as in cluster.local";
            findings.push(wrong(path, format!("`{text}` is not the name of a domain"), help));
        }
    };
    domain(at.field("clusterDomain"), &cluster.cluster_domain);
    for (key, list) in [("zones", &dns.zones), ("fallthrough", &dns.fallthrough)] {
        for (index, zone) in list.iter().flatten().enumerate() {
            domain(at.field("dns").field(key).index(index), zone);
        }
    }
    for (index, answer) in dns.upstream.iter().enumerate() {
        let at = at.field("dns").field("upstream").index(index);
        let mut kind = |path: Path, text: &str| {
            if kind_named(text).is_none() {
                let help = "write A, AAAA, CNAME, SRV, PTR, TXT, or another type that `dig` knows here";
                findings.push(wrong(path, format!("`{text}` is no type of DNS records that is modelled"), help));
            }
        };
        kind(at.field("qtype"), &answer.qtype);
        for (i, record) in answer.answers.iter().enumerate() {
            kind(at.field("answers").index(i).field("type"), &record.rtype);
        }
    }
}

/// Controllers of the format that are not there yet.
fn controllers(controllers: &Controllers, at: &Path) -> Vec<Finding> {
    let Controllers::List(list) = controllers else { return Vec::new() };
    let known: Vec<&str> = NAMES.iter().map(|(name, _)| *name).chain(BESIDE).collect();
    let absent = list.iter().enumerate().filter_map(|(index, controller)| {
        let name = serde_json::to_value(controller).ok()?.as_str()?.to_string();
        if known.contains(&name.as_str()) {
            return None;
        }
        let help = match name.as_str() {
            "tainteviction" => "`nodelifecycle` does its work here: write that".to_string(),
            _ => format!("remove it; there are: {}", known.join(", ")),
        };
        let message = format!("there is no `{name}` controller in this version, so nothing would act on this");
        Some(Finding::value(code::NOT_ACTED_ON, at.index(index), message, help))
    });
    absent.collect()
}

/// Objects that would not be in the store as they are written.
fn objects(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let at = Path::root().field("spec").field("objects");
    let mut seen = BTreeMap::new();
    for (index, object) in scenario.spec.objects.iter().enumerate() {
        let at = at.index(index);
        let (kind, namespace, name) = identity(&object.0);
        if object.0.get("items").is_some_and(serde_json::Value::is_array) && kind.starts_with("List.") {
            let help = "write the entries of its `items` here, one by one";
            findings.push(Finding::key(
                code::NOT_AN_OBJECT,
                at.field("kind"),
                "a List is not an object that can be stored",
                help,
            ));
        } else if name.is_empty() {
            findings.push(Finding::key(
                code::NOT_AN_OBJECT,
                at.field("kind"),
                "this object has no name",
                "add `metadata: {name: ...}`",
            ));
        } else if let Some(first) = seen.insert((kind, namespace, name.clone()), index) {
            let message = format!("`{name}` is here a second time: it would replace `spec.objects[{first}]`");
            let help = "an object is stored once: remove one of the two, or give it another name";
            findings.push(wrong(at.field("metadata").field("name"), message, help));
        }
        if let Err(refused) = size::check_object(&object.0) {
            findings.push(wrong(at, refused.message, "an object may have 1.5 MiB: make it smaller"));
        }
    }
}

/// The same of the further documents, where `objectsFrom: docs` stores them.
pub fn stored_twice(scenario: &Scenario, manifests: &[Manifest]) -> Vec<super::diagnostic::Diagnostic> {
    if scenario.spec.objects_from.is_none() {
        return Vec::new();
    }
    let mut seen: BTreeSet<_> = scenario.spec.objects.iter().map(|object| identity(&object.0)).collect();
    let mut complaints = Vec::new();
    for manifest in manifests {
        let at = Path::root().field("metadata").field("name");
        let twice = !seen.insert(identity(&manifest.value));
        let finding = match size::check_object(&manifest.value) {
            Err(refused) => wrong(at, refused.message, "an object may have 1.5 MiB: make it smaller"),
            Ok(()) if twice => {
                let message = format!("{} is here a second time: it would replace the first", manifest.reference());
                wrong(
                    at,
                    message,
                    "with `objectsFrom: docs` each object is stored once: remove one of the two, or apply it in a step",
                )
            }
            Ok(()) => continue,
        };
        complaints.push(finding.place(&manifest.file, &manifest.spans));
    }
    complaints
}
