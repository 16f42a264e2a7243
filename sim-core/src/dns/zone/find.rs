//! From a name or an address to what the API holds for it.
//!
//! The real thing: CoreDNS `plugin/kubernetes/kubernetes.go` (`findServices`, `findPods`), `reverse.go`, `ns.go`.

use std::net::IpAddr;

use super::name::{Branch, Parts};
use super::{NameError, Server};
use crate::dns::config::{PodsMode, canonical};
use crate::objects::endpoint_slice::{Endpoint, EndpointSlice};
use crate::objects::service::Service;
use crate::store::View;

/// One thing found: a host under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) host: Host,
    /// The name of the host in this zone: target of SRV records.
    pub(super) target: String,
    /// The port; `None` if none is declared, then there is no SRV record.
    pub(super) port: Option<u16>,
}

/// A host as objects name it: an address, or else a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Ip(IpAddr),
    Name(String),
}

impl Host {
    fn parse(text: &str) -> Host {
        text.parse().map_or_else(|_| Host::Name(text.to_owned()), Host::Ip)
    }
}

impl Server<'_> {
    /// What a name below the zone stands for; nothing at names that exist without records.
    pub(super) fn records(&self, parts: &Parts<'_>, zone: &str) -> Result<Vec<Found>, NameError> {
        let Some(branch) = parts.branch else { return Ok(vec![]) };
        if super::is_reverse(zone) || !self.exposed(parts.namespace) {
            return Err(NameError);
        }
        match branch {
            Branch::Pod => self.pods(parts, zone),
            Branch::Svc if parts.service.is_empty() => Ok(vec![]),
            Branch::Svc => self.services(parts, zone),
        }
    }

    pub(super) fn exposed(&self, namespace: &str) -> bool {
        let listed = self.config.namespaces.is_empty() || self.config.namespaces.iter().any(|n| n == namespace);
        listed && self.view.namespace(namespace).is_some()
    }

    fn pods(&self, parts: &Parts<'_>, zone: &str) -> Result<Vec<Found>, NameError> {
        let (mode, name) = (self.config.pods, parts.service);
        if mode == PodsMode::Disabled {
            return Err(NameError);
        }
        if name.is_empty() {
            return Ok(vec![]);
        }
        let is_v4 = name.matches('-').count() == 3 && !name.contains("--");
        let ip: IpAddr = name.replace('-', if is_v4 { "." } else { ":" }).parse().map_err(|_| NameError)?;
        let lives = || {
            let mut pods = self.view.pods.in_namespace(parts.namespace);
            pods.any(|p| p.meta.deletion.is_none() && p.status.ips.first() == Some(&ip))
        };
        if mode == PodsMode::Verified && !lives() {
            return Err(NameError);
        }
        Ok(vec![Found { host: Host::Ip(ip), target: join(&[name, parts.namespace, "pod"], zone), port: Some(0) }])
    }

    fn services(&self, parts: &Parts<'_>, zone: &str) -> Result<Vec<Found>, NameError> {
        let service = self.view.services.get(parts.namespace, parts.service).ok_or(NameError)?;
        let name = join(&[&service.meta.name, &service.meta.namespace, "svc"], zone);
        if service.is_external_name() {
            return external(service, parts, name);
        }
        if self.config.ignore_empty_service && !service.headless && !self.has_endpoints(parts) {
            return Err(NameError);
        }
        if service.headless || !parts.endpoint.is_empty() {
            return self.endpoints(parts, &name);
        }
        let mut found = Vec::new();
        let mut known = service.ports.is_empty() && parts.port.is_empty() && parts.protocol.is_empty();
        let ports = service.ports.iter().filter(|p| matches(parts, &p.name, p.protocol.text())).map(|p| Some(p.port));
        let ports: Vec<Option<u16>> = if known { vec![None] } else { ports.collect() };
        known |= !ports.is_empty();
        for port in ports {
            let at = |ip: &IpAddr| Found { host: Host::Ip(*ip), target: name.clone(), port };
            found.extend(service.cluster_ips.iter().map(at));
        }
        if known { Ok(found) } else { Err(NameError) }
    }

    fn endpoints(&self, parts: &Parts<'_>, service: &str) -> Result<Vec<Found>, NameError> {
        let mut found = Vec::new();
        for slice in self.slices(parts.namespace, parts.service) {
            let ports: Vec<Option<u16>> = match slice.ports.is_empty() {
                true if parts.port.is_empty() && parts.protocol.is_empty() => vec![None],
                true => vec![],
                false => {
                    let named = |p: &&crate::objects::endpoint_slice::SlicePort| {
                        matches(parts, p.name.as_deref().unwrap_or_default(), p.protocol.text())
                    };
                    slice.ports.iter().filter(named).map(|p| p.port).collect()
                }
            };
            for (endpoint, address) in ready(slice) {
                let label = self.label(endpoint, address);
                if !parts.endpoint.is_empty() && !parts.endpoint.eq_ignore_ascii_case(&label) {
                    continue;
                }
                let at =
                    |port: &Option<u16>| Found { host: Host::parse(address), target: format!("{label}.{service}"), port: *port };
                found.extend(ports.iter().map(at));
            }
        }
        if found.is_empty() { Err(NameError) } else { Ok(found) }
    }

    pub(super) fn slices(&self, namespace: &str, service: &str) -> impl Iterator<Item = &EndpointSlice> {
        let read = !self.config.no_endpoints;
        self.view.slices_of(namespace, service).filter(move |_| read).map(|s| &**s)
    }

    fn has_endpoints(&self, parts: &Parts<'_>) -> bool {
        self.slices(parts.namespace, parts.service).any(|slice| ready(slice).next().is_some())
    }

    /// The label of an endpoint below its service.
    pub(super) fn label(&self, endpoint: &Endpoint, address: &str) -> String {
        if let Some(hostname) = endpoint.hostname.as_deref().filter(|h| !h.is_empty()) {
            return hostname.to_owned();
        }
        let pod = endpoint.target.as_ref().map(|t| &*t.name).filter(|n| !n.is_empty() && n.len() < 64);
        if let (true, Some(pod)) = (self.config.endpoint_pod_names, pod) {
            return pod.to_owned();
        }
        let mut dashed = address.replace(['.', ':'], "-");
        if address.contains(':') && !address.contains('.') && dashed.ends_with('-') {
            dashed.push('0');
        }
        dashed
    }

    /// The names that belong to an address: of the Service with that cluster IP, else of each endpoint.
    ///
    /// All Services and slices are looked through: reverse look-ups are rare, and one pass over them is cheap.
    pub(super) fn reverse(&self, ip: IpAddr) -> Vec<String> {
        let primary = self.primary_zone();
        let exposed = |namespace: &str| self.config.namespaces.is_empty() || self.exposed(namespace);
        let mut services = self.view.services.iter().filter(|s| exposed(&s.meta.namespace));
        if let Some(service) = services.find(|s| s.cluster_ips.contains(&ip)) {
            return vec![join(&[&service.meta.name, &service.meta.namespace, "svc"], &primary)];
        }
        let mut names = Vec::new();
        for (slice, service) in holding(self.view, self.config.no_endpoints, ip).filter(|(s, _)| exposed(&s.meta.namespace)) {
            let below = join(&[service, &slice.meta.namespace, "svc"], &primary);
            for (endpoint, address) in ready(slice).filter(|(_, a)| a.parse() == Ok(ip)) {
                let name = format!("{}.{below}", self.label(endpoint, address));
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// The server's own names with their addresses: those of the Services that lead to it, else `ns.dns` below the zone.
    pub(super) fn name_servers(&self, zone: &str) -> Vec<(String, IpAddr)> {
        let mut servers = Vec::new();
        let mut known = false;
        for ip in &self.config.local_ips {
            for (slice, service) in holding(self.view, self.config.no_endpoints, *ip) {
                known = true;
                let Some(service) = self.view.services.get(&slice.meta.namespace, service) else { continue };
                let name = join(&[&service.meta.name, &service.meta.namespace, "svc"], zone);
                if service.headless {
                    let named = |(e, a): (&Endpoint, &str)| Some((format!("{}.{name}", self.label(e, a)), a.parse().ok()?));
                    servers.extend(ready(slice).filter_map(named));
                } else {
                    servers.extend(service.cluster_ips.iter().map(|ip| (name.clone(), *ip)));
                }
            }
        }
        if !known {
            servers.extend(self.config.local_ips.iter().map(|ip| (join(&["ns", "dns"], zone), *ip)));
        }
        servers
    }

    /// The first zone that is not a reverse one: PTR records lead there.
    fn primary_zone(&self) -> String {
        let zones = self.config.zones.iter().map(|z| canonical(z));
        zones.into_iter().find(|z| !super::is_reverse(z)).unwrap_or_else(|| ".".to_owned())
    }
}

fn external(service: &Service, parts: &Parts<'_>, name: String) -> Result<Vec<Found>, NameError> {
    if !(parts.endpoint.is_empty() && parts.port.is_empty() && parts.protocol.is_empty()) {
        return Err(NameError);
    }
    match Host::parse(service.external_name.as_deref().unwrap_or_default()) {
        Host::Ip(_) => Err(NameError),
        host => Ok(vec![Found { host, target: name, port: Some(0) }]),
    }
}

/// The ready addresses of a slice.
pub(super) fn ready(slice: &EndpointSlice) -> impl Iterator<Item = (&Endpoint, &str)> {
    let endpoints = slice.endpoints.iter().filter(|e| e.is_ready());
    endpoints.flat_map(|e| e.addresses.iter().map(move |a| (e, &**a)))
}

/// The slices with that ready address, each with the name of its Service.
fn holding(view: &View, none: bool, ip: IpAddr) -> impl Iterator<Item = (&EndpointSlice, &str)> {
    let slices = view.slices.iter().filter(move |_| !none);
    let holds = move |slice: &EndpointSlice| ready(slice).any(|(_, a)| a.parse() == Ok(ip));
    slices.filter(move |s| holds(s)).map(|s| (&**s, s.service().unwrap_or_default()))
}

fn matches(parts: &Parts<'_>, port: &str, protocol: &str) -> bool {
    let fits = |asked: &str, have: &str| asked.is_empty() || asked.eq_ignore_ascii_case(have);
    fits(parts.port, port) && fits(parts.protocol, protocol)
}

/// Labels put before a zone.
pub(super) fn join(labels: &[&str], zone: &str) -> String {
    let mut name = labels.join(".");
    name.push('.');
    if zone != "." {
        name.push_str(zone);
    }
    name
}
