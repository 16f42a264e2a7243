//! The ipvs mode: virtual servers, and the few rules around them.
//!
//! After `pkg/proxy/ipvs/proxier.go`. All addresses of Services are on the dummy device, so they are this machine's own, unless they
//! are on another interface already. The kernel balances what arrives after filter INPUT, and what is sent here before filter
//! OUTPUT. A virtual server without real servers refuses. A set of addresses is a rule for each of its elements here.

use std::net::{IpAddr, SocketAddr};

use sim_core::explain::{AddressKind, Reason};
use sim_core::objects::net::Net;
use sim_core::objects::pod_spec::Protocol;
use sim_core::proxy::rules::Packet;

use super::ports::Port;
use super::rules::{End, Then, Walk, When, only};
use super::{Answer, Proxier, matched};

impl Proxier<'_> {
    pub(super) fn write_ipvs(&mut self) {
        let ports = self.ports.clone();
        for port in &ports {
            for ip in [&[port.cluster_ip][..], &port.external_ips, &port.balancer_ips].concat() {
                if !self.machine.has(ip) {
                    self.machine.addresses.push(ip);
                }
            }
        }
        self.marks(&ports);
        for chain in ["KUBE-IPVS-FILTER", "KUBE-PROXY-FIREWALL", "filter KUBE-NODE-PORT"] {
            self.rule("filter INPUT", Vec::new(), Then::Jump(chain.to_string()));
        }
        self.other_ports(&ports);
        ports.iter().for_each(|port| self.source_ranges(port));
        for port in &ports {
            let Some(number) = port.health_port else { continue };
            let why = Reason::HealthCheckPort { service: (&*port.service).into() };
            let to = vec![When::Protocol(Protocol::Tcp), When::ToPort(number)];
            self.telling("filter KUBE-NODE-PORT", to, Then::Accept, why);
            // The set has no protocol; nobody listens but for TCP.
            self.rule("filter KUBE-NODE-PORT", vec![When::ToPort(number)], Then::Accept);
        }
        ports.iter().for_each(|port| self.virtual_servers(port));
    }

    /// nat KUBE-SERVICES: whose source is rewritten.
    fn marks(&mut self, ports: &[Port]) {
        let chain = "nat KUBE-SERVICES";
        let loopback = if self.v6 {
            only(std::net::Ipv6Addr::LOCALHOST.into())
        } else {
            Net { address: std::net::Ipv4Addr::LOCALHOST.into(), prefix: 8 }
        };
        self.rule(chain, vec![When::From(loopback)], Then::Return);
        for port in ports {
            for to in addresses(port, &port.balancer_ips) {
                self.rule(chain, to.clone(), Then::Jump("KUBE-LOAD-BALANCER".to_string()));
                if port.external_local {
                    self.rule("KUBE-LOAD-BALANCER", to, Then::Return);
                }
            }
        }
        self.rule("KUBE-LOAD-BALANCER", Vec::new(), Then::Masquerade);
        for port in ports {
            let mut to = When::to(port.cluster_ip, port.number, port.protocol);
            if !self.config.masquerade_all {
                match self.pods() {
                    Some(pods) => to.push(When::from_any(&pods).negated()),
                    None => to[1] = When::From(only(port.cluster_ip)),
                }
            }
            self.rule(chain, to, Then::Masquerade);
        }
        for port in ports.iter().filter(|port| !port.external_local) {
            for to in addresses(port, &port.external_ips) {
                self.rule(chain, to.clone(), Then::Masquerade);
                self.rule(chain, to, Then::Accept);
            }
        }
        for port in ports.iter().filter(|port| port.external_local) {
            for to in addresses(port, &port.external_ips) {
                self.rule(chain, to, Then::Accept);
            }
        }
        self.rule(chain, vec![When::ToHere], Then::Jump("nat KUBE-NODE-PORT".to_string()));
        for port in ports {
            let Some(number) = port.node_port else { continue };
            let mut to = vec![When::Protocol(port.protocol), When::ToPort(number)];
            if port.protocol == Protocol::Sctp {
                to.push(When::Any(self.ipvs_node_ips().into_iter().map(only).map(When::To).collect()));
            }
            let then = if port.external_local { Then::Return } else { Then::Masquerade };
            self.rule("nat KUBE-NODE-PORT", to, then);
        }
    }

    /// Addresses on the dummy device take new connections to their own ports only.
    fn other_ports(&mut self, ports: &[Port]) {
        for port in ports {
            let all = [&[port.cluster_ip][..], &port.external_ips, &port.balancer_ips].concat();
            for to in addresses(port, &all) {
                self.rule("KUBE-IPVS-FILTER", to, Then::Return);
            }
        }
        for number in ports.iter().filter_map(|port| port.health_port) {
            self.rule("KUBE-IPVS-FILTER", vec![When::ToPort(number)], Then::Return);
        }
        let elsewhere = self.node.addresses.clone();
        let bound = self.machine.addresses.clone().into_iter().filter(|ip| !elsewhere.contains(ip));
        let to_bound = When::Any(bound.map(only).map(When::To).collect());
        self.telling("KUBE-IPVS-FILTER", vec![to_bound], Then::Reject, Reason::NoSuchServicePort);
    }

    fn source_ranges(&mut self, port: &Port) {
        if port.ranges.is_empty() {
            return;
        }
        let allowed = self.node_in_ranges(port);
        let why = Reason::SourceNotAllowed { service: (&*port.service).into() };
        for ip in &port.balancer_ips {
            let to = When::to(*ip, port.number, port.protocol);
            let mut from_others = to.clone();
            from_others.push(When::from_any(&port.ranges).negated());
            if allowed {
                from_others.push(When::From(only(*ip)).negated());
            }
            self.telling("KUBE-PROXY-FIREWALL", from_others, Then::Drop, why.clone());
            if !allowed {
                let mut from_itself = to;
                from_itself.push(When::From(only(*ip)));
                self.telling("filter OUTPUT", from_itself, Then::Drop, why.clone());
            }
        }
    }

    fn virtual_servers(&mut self, port: &Port) {
        let list = |only_local: bool| if only_local && !port.local.is_empty() { &port.local } else { &port.cluster };
        let outside = list(port.external_local).clone();
        let mut servers = vec![(port.cluster_ip, port.number, AddressKind::ClusterIp, list(port.internal_local).clone())];
        servers.extend(port.external_ips.iter().map(|ip| (*ip, port.number, AddressKind::ExternalIp, outside.clone())));
        servers.extend(port.balancer_ips.iter().map(|ip| (*ip, port.number, AddressKind::LoadBalancerIp, outside.clone())));
        if let Some(number) = port.node_port {
            let ips = self.ipvs_node_ips();
            servers.extend(ips.into_iter().map(|ip| (ip, number, AddressKind::NodePort, outside.clone())));
        }
        for (ip, number, via, real) in servers {
            let to = When::to(ip, number, port.protocol);
            if real.is_empty() {
                let why = Reason::NoEndpoints { service: (&*port.service).into() };
                self.telling("virtual servers", to, Then::Reject, why);
            } else {
                self.telling("virtual servers", to, Then::Send(real), matched(port, via));
            }
        }
    }

    /// Where node ports are virtual servers.
    fn ipvs_node_ips(&self) -> Vec<IpAddr> {
        let ours = |ip: &IpAddr| !ip.is_loopback() && ip.is_ipv6() == self.v6;
        if self.node_ports_everywhere() {
            return self.node.addresses.iter().copied().filter(ours).collect();
        }
        self.node_port_addresses().into_iter().filter(ours).collect()
    }

    pub(super) fn decide_ipvs(&self, packet: Packet) -> Answer {
        let to = packet.destination.ip();
        let sent_here = self.machine.has(packet.source);
        // A process that calls an address on the dummy device calls it from there, unless it asked for another of those.
        let bound = self.machine.has(to) && !to.is_loopback() && !self.node.addresses.contains(&to);
        let source = if self.node.addresses.contains(&packet.source) && bound { to } else { packet.source };
        let mut walk = self.walk(Packet { source, ..packet });
        // Here it is only about marks.
        let _ = walk.through("nat KUBE-SERVICES");
        walk.why = Reason::NoRule;
        let end = if sent_here { self.sent(&mut walk) } else { self.arrived(&mut walk) };
        let hairpin = |pick: &SocketAddr| pick.ip() == source && self.has_endpoint(*pick, packet.protocol);
        self.answer(end, &walk, hairpin)
    }

    fn sent(&self, walk: &mut Walk<'_>) -> Option<End> {
        match walk.through("virtual servers") {
            Some(balanced @ End::Sent(_)) => Some(walk.through("filter OUTPUT").unwrap_or(balanced)),
            Some(refused) => Some(refused),
            None if self.machine.has(walk.packet.destination.ip()) => walk.through("filter INPUT"),
            None => None,
        }
    }

    fn arrived(&self, walk: &mut Walk<'_>) -> Option<End> {
        if !self.machine.has(walk.packet.destination.ip()) {
            return None;
        }
        walk.through("filter INPUT").or_else(|| walk.through("virtual servers"))
    }

    /// The set of endpoints on this node, of any Service.
    fn has_endpoint(&self, at: SocketAddr, protocol: Protocol) -> bool {
        let ours = self.ports.iter().filter(|port| port.protocol == protocol);
        ours.flat_map(|port| &port.endpoints).any(|endpoint| endpoint.here && endpoint.at == at)
    }
}

fn addresses(port: &Port, ips: &[IpAddr]) -> Vec<Vec<When>> {
    ips.iter().map(|ip| When::to(*ip, port.number, port.protocol)).collect()
}
