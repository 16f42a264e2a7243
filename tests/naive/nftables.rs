//! The chains of the nftables mode.
//!
//! After `pkg/proxy/nftables/proxier.go`. A verdict map is a rule for each of its elements here, since no two elements have one key.
//! Source ranges are asked before anything else; what is a cluster IP, or could be one, does not get past filter.

use sim_core::explain::{AddressKind, Reason};
use sim_core::objects::net::Net;

use super::ports::Port;
use super::rules::{Then, When, only};
use super::{Proxier, matched, nobody};

impl Proxier<'_> {
    pub(super) fn write_nftables(&mut self) {
        for (hook, chain) in [
            ("firewall PREROUTING", "firewall-check"),
            ("firewall OUTPUT", "firewall-check"),
            ("nat PREROUTING", "services"),
            ("nat OUTPUT", "services"),
            ("filter INPUT", "nodeport-endpoints-check"),
            ("filter INPUT", "service-endpoints-check"),
            ("filter FORWARD", "service-endpoints-check"),
            ("filter FORWARD", "cluster-ips-check"),
            ("filter OUTPUT", "service-endpoints-check"),
            ("filter OUTPUT", "cluster-ips-check"),
        ] {
            self.rule(hook, Vec::new(), Then::Jump(chain.to_string()));
        }
        let ports = self.ports.clone();
        ports.iter().for_each(|port| self.firewall(port));
        self.cluster_ips(&ports);
        ports.iter().for_each(|port| self.service_ips(port));
        ports.iter().for_each(|port| self.node_port_element(port));
        ports.iter().for_each(|port| self.port_chains(port));
    }

    fn firewall(&mut self, port: &Port) {
        if port.ranges.is_empty() {
            return;
        }
        let sources = self.let_in(port);
        for ip in &port.balancer_ips {
            let mut when = When::to(*ip, port.number, port.protocol);
            when.push(When::from_any(&sources).negated());
            let why = Reason::SourceNotAllowed { service: (&*port.service).into() };
            self.telling("firewall-check", when, Then::Drop, why);
        }
    }

    /// The set of all cluster IPs: who is masqueraded on the way there, and what happens at ports that are not served.
    fn cluster_ips(&mut self, ports: &[Port]) {
        let cluster_ip = When::Any(ports.iter().map(|port| When::To(only(port.cluster_ip))).collect());
        if self.config.masquerade_all {
            self.rule("services", vec![cluster_ip.clone()], Then::Masquerade);
        } else if let Some(pods) = self.pods() {
            let from_others = When::from_any(&pods).negated();
            self.rule("services", vec![cluster_ip.clone(), from_others], Then::Masquerade);
        }
        self.telling("cluster-ips-check", vec![cluster_ip], Then::Reject, Reason::NoSuchServicePort);
        let nets: Vec<Net> = self.config.service_cidrs.clone();
        let in_range = When::Any(nets.into_iter().map(When::To).collect());
        self.telling("cluster-ips-check", vec![in_range], Then::Drop, Reason::UnallocatedServiceIp);
    }

    fn service_ips(&mut self, port: &Port) {
        let to = When::to(port.cluster_ip, port.number, port.protocol);
        if port.any && !port.internal().is_empty() {
            let chain = if port.internal_local { local(port) } else { cluster(port) };
            self.telling("services", to, Then::Goto(chain), matched(port, AddressKind::ClusterIp));
        } else {
            let (then, why) = nobody(port, false);
            self.telling("service-endpoints-check", to, then, why);
        }
        let outside = [(&port.external_ips, AddressKind::ExternalIp), (&port.balancer_ips, AddressKind::LoadBalancerIp)];
        for (ips, via) in outside {
            for ip in ips {
                let to = When::to(*ip, port.number, port.protocol);
                if port.any {
                    self.telling("services", to.clone(), Then::Goto(external(port)), matched(port, via));
                }
                if !port.any || port.external().is_empty() {
                    let (then, why) = nobody(port, true);
                    self.telling("service-endpoints-check", to, then, why);
                }
            }
        }
    }

    fn node_port_element(&mut self, port: &Port) {
        let Some(number) = port.node_port else { return };
        let on_address = if self.node_ports_everywhere() {
            vec![When::ToHere, loopback().negated()]
        } else {
            let listed = self.node_port_addresses().into_iter().filter(|ip| !ip.is_loopback());
            vec![When::Any(listed.map(only).map(When::To).collect())]
        };
        let mut to = vec![When::Protocol(port.protocol), When::ToPort(number)];
        to.extend(on_address);
        if port.any {
            let why = matched(port, AddressKind::NodePort);
            self.telling("services", to.clone(), Then::Goto(external(port)), why);
        }
        if !port.any || port.external().is_empty() {
            let (then, why) = nobody(port, true);
            self.telling("nodeport-endpoints-check", to, then, why);
        }
    }

    fn port_chains(&mut self, port: &Port) {
        let chain = external(port);
        if port.external_local {
            if let Some(pods) = self.pods() {
                self.rule(&chain, vec![When::from_any(&pods)], Then::Goto(cluster(port)));
            }
            self.rule(&chain, vec![When::FromHere], Then::Masquerade);
            self.rule(&chain, vec![When::FromHere], Then::Goto(cluster(port)));
        } else {
            self.rule(&chain, Vec::new(), Then::Masquerade);
        }
        if !port.external().is_empty() {
            let policy = if port.external_local { local(port) } else { cluster(port) };
            self.rule(&chain, Vec::new(), Then::Goto(policy));
        }
        for (chain, list) in [(cluster(port), &port.cluster), (local(port), &port.local)] {
            if !list.is_empty() {
                self.rule(&chain, Vec::new(), Then::Send(list.clone()));
            }
        }
    }
}

fn loopback() -> When {
    let v4 = Net { address: std::net::Ipv4Addr::LOCALHOST.into(), prefix: 8 };
    When::Any(vec![When::To(v4), When::To(only(std::net::Ipv6Addr::LOCALHOST.into()))])
}

fn cluster(port: &Port) -> String {
    format!("service {}", port.label())
}

fn local(port: &Port) -> String {
    format!("local {}", port.label())
}

fn external(port: &Port) -> String {
    format!("external {}", port.label())
}
