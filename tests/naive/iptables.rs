//! The chains of the iptables mode.
//!
//! After `pkg/proxy/iptables/proxier.go`: `syncProxyRules`. nat decides where a packet goes; what found nowhere to go is dropped or
//! refused in filter, where it still carries the Service's address. Left out: INVALID packets, the acceptance of marked ones
//! (nothing is marked that does not get a destination), other protocols than those of Services.

use sim_core::explain::{AddressKind, Reason};
use sim_core::objects::net::Net;

use super::ports::Port;
use super::rules::{Then, When, only};
use super::{Proxier, matched, nobody};

const LOOPBACK: Net = Net { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 };

impl Proxier<'_> {
    pub(super) fn write_iptables(&mut self) {
        self.hooks();
        if self.loopback_node_ports() {
            let from_elsewhere = vec![When::To(LOOPBACK), When::From(LOOPBACK).negated()];
            self.telling("filter KUBE-FIREWALL", from_elsewhere, Then::Drop, Reason::LoopbackGuard);
        }
        for port in self.ports.clone() {
            self.internal_address(&port);
            self.external_addresses(&port);
            self.balancer_addresses(&port);
            self.node_port(&port);
            self.health_port(&port);
            self.external_chain(&port);
            self.firewall_chain(&port);
            self.policy_chains(&port);
        }
        self.node_ports_last();
    }

    fn hooks(&mut self) {
        let jumps = [
            ("nat PREROUTING", &["nat KUBE-SERVICES"][..]),
            ("nat OUTPUT", &["nat KUBE-SERVICES"]),
            (
                "filter INPUT",
                &["filter KUBE-FIREWALL", "filter KUBE-PROXY-FIREWALL", "filter KUBE-NODEPORTS", "filter KUBE-EXTERNAL-SERVICES"],
            ),
            ("filter FORWARD", &["filter KUBE-PROXY-FIREWALL", "filter KUBE-SERVICES", "filter KUBE-EXTERNAL-SERVICES"]),
            ("filter OUTPUT", &["filter KUBE-FIREWALL", "filter KUBE-PROXY-FIREWALL", "filter KUBE-SERVICES"]),
        ];
        for (hook, chains) in jumps {
            for chain in chains {
                self.rule(hook, Vec::new(), Then::Jump((*chain).to_string()));
            }
        }
    }

    /// Node ports on 127.0.0.0/8: an IPv4 speciality that two settings can switch off.
    fn loopback_node_ports(&self) -> bool {
        let allowed = |net: &Net| net.contains(LOOPBACK.address) || LOOPBACK.contains(net.address);
        !self.v6 && self.config.localhost_node_ports && self.node_port_ranges().iter().any(allowed)
    }

    fn internal_address(&mut self, port: &Port) {
        let to = When::to(port.cluster_ip, port.number, port.protocol);
        if port.any && !port.internal().is_empty() {
            let chain = if port.internal_local { local(port) } else { cluster(port) };
            let why = matched(port, AddressKind::ClusterIp);
            self.telling("nat KUBE-SERVICES", to.clone(), Then::Jump(chain.clone()), why);
            if self.config.masquerade_all {
                self.rule(&chain, to, Then::Masquerade);
            } else if let Some(pods) = self.pods() {
                let mut from_others = to;
                from_others.push(When::from_any(&pods).negated());
                self.rule(&chain, from_others, Then::Masquerade);
            }
        } else {
            let (then, why) = nobody(port, false);
            self.telling("filter KUBE-SERVICES", to, then, why);
        }
    }

    fn external_addresses(&mut self, port: &Port) {
        for ip in &port.external_ips {
            let to = When::to(*ip, port.number, port.protocol);
            if port.any {
                let why = matched(port, AddressKind::ExternalIp);
                self.telling("nat KUBE-SERVICES", to.clone(), Then::Jump(external(port)), why);
            }
            self.nobody_outside(port, to);
        }
    }

    fn balancer_addresses(&mut self, port: &Port) {
        let guarded = port.any && !port.ranges.is_empty();
        for ip in &port.balancer_ips {
            let to = When::to(*ip, port.number, port.protocol);
            if port.any {
                let chain = if guarded { firewall(port) } else { external(port) };
                let why = matched(port, AddressKind::LoadBalancerIp);
                self.telling("nat KUBE-SERVICES", to.clone(), Then::Jump(chain), why);
            }
            if guarded {
                // One rule in the real thing. Whom the ranges let in, or need not let in because the address is an external one
                // too, and who still gets here, found no local endpoint.
                let service = || (&*port.service).into();
                let mut from_others = to.clone();
                from_others.push(When::from_any(&self.let_in(port)).negated());
                let chain = "filter KUBE-PROXY-FIREWALL";
                if !port.external_ips.contains(ip) {
                    self.telling(chain, from_others, Then::Drop, Reason::SourceNotAllowed { service: service() });
                }
                let why = Reason::NoLocalEndpoints { service: service(), external: true };
                self.telling(chain, to.clone(), Then::Drop, why);
            }
            self.nobody_outside(port, to);
        }
    }

    fn node_port(&mut self, port: &Port) {
        let Some(number) = port.node_port else { return };
        let to = vec![When::Protocol(port.protocol), When::ToPort(number)];
        if port.any {
            let why = matched(port, AddressKind::NodePort);
            self.telling("nat KUBE-NODEPORTS", to.clone(), Then::Jump(external(port)), why);
        }
        let mut to_us = to;
        to_us.push(When::ToHere);
        self.nobody_outside(port, to_us);
    }

    fn nobody_outside(&mut self, port: &Port, to: Vec<When>) {
        if !port.any || port.external().is_empty() {
            let (then, why) = nobody(port, true);
            self.telling("filter KUBE-EXTERNAL-SERVICES", to, then, why);
        }
    }

    fn health_port(&mut self, port: &Port) {
        let Some(number) = port.health_port else { return };
        let to = vec![When::Protocol(sim_core::objects::pod_spec::Protocol::Tcp), When::ToPort(number)];
        let why = Reason::HealthCheckPort { service: (&*port.service).into() };
        self.telling("filter KUBE-NODEPORTS", to, Then::Accept, why);
    }

    /// Where all traffic to addresses meant for the outside goes.
    fn external_chain(&mut self, port: &Port) {
        if !port.any || !port.outward() {
            return;
        }
        let chain = external(port);
        if port.external_local {
            if let Some(pods) = self.pods() {
                self.rule(&chain, vec![When::from_any(&pods)], Then::Jump(cluster(port)));
            }
            self.rule(&chain, vec![When::FromHere], Then::Masquerade);
            self.rule(&chain, vec![When::FromHere], Then::Jump(cluster(port)));
        } else {
            self.rule(&chain, Vec::new(), Then::Masquerade);
        }
        if !port.external().is_empty() {
            let policy = if port.external_local { local(port) } else { cluster(port) };
            self.rule(&chain, Vec::new(), Then::Jump(policy));
        }
    }

    fn firewall_chain(&mut self, port: &Port) {
        if !port.any || port.ranges.is_empty() {
            return;
        }
        for net in self.let_in(port) {
            self.rule(&firewall(port), vec![When::From(net)], Then::Jump(external(port)));
        }
    }

    fn policy_chains(&mut self, port: &Port) {
        for (chain, list) in [(cluster(port), &port.cluster), (local(port), &port.local)] {
            if !list.is_empty() {
                self.rule(&chain, Vec::new(), Then::Send(list.clone()));
            }
        }
    }

    /// The last rule of all.
    fn node_ports_last(&mut self) {
        let node_ports = || Then::Jump("nat KUBE-NODEPORTS".to_string());
        if self.node_ports_everywhere() {
            let mut when = vec![When::ToHere];
            if self.v6 {
                when.push(When::To(only(std::net::Ipv6Addr::LOCALHOST.into())).negated());
            } else if !self.loopback_node_ports() {
                when.push(When::To(LOOPBACK).negated());
            }
            self.rule("nat KUBE-SERVICES", when, node_ports());
            return;
        }
        for ip in self.node_port_addresses() {
            if !ip.is_loopback() || self.loopback_node_ports() {
                self.rule("nat KUBE-SERVICES", vec![When::To(only(ip))], node_ports());
            }
        }
    }
}

fn cluster(port: &Port) -> String {
    format!("nat KUBE-SVC {}", port.label())
}

fn local(port: &Port) -> String {
    format!("nat KUBE-SVL {}", port.label())
}

fn external(port: &Port) -> String {
    format!("nat KUBE-EXT {}", port.label())
}

fn firewall(port: &Port) -> String {
    format!("nat KUBE-FW {}", port.label())
}
