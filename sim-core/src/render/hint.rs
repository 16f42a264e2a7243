//! "Did you mean", in words.

use super::words::{pairs, some, some_of};
use crate::ask::hints::Hint;

/// The hint.
pub fn text(hint: &Hint) -> String {
    match hint {
        Hint::PodHas { pod, has: (key, value), wanted } => {
            format!("pod {pod} has {key}={value}; the selector asks for {}", pairs(wanted))
        }
        Hint::PodsElsewhere(labels, namespace) => {
            format!("pods with {} are in namespace {namespace}; a selector finds only its own namespace", pairs(labels))
        }
        Hint::PortsUnnamed(name) => {
            format!("no pod names a port; targetPort: {name} needs a containerPort with name: {name}")
        }
        Hint::PortsNamed { known, wanted: (name, protocol) } => {
            let known: Vec<String> = known.iter().map(|(name, port, of)| format!("{name} ({port}/{})", of.text())).collect();
            format!("the pods' ports are named {}; targetPort asks for {name}/{}", some(&known), protocol.text())
        }
        Hint::PortOf(port, protocol, service) => format!("{port}/{} of Service {service}", protocol.text()),
        Hint::OnlyPort(port, protocol, service) => format!("Service {service} has port {port}/{}", protocol.text()),
        Hint::OtherNumber { asked, of_nodes, service, port } => {
            let role = if *of_nodes { "the port on the nodes" } else { "the pods' port" };
            format!("{asked} is {role} of Service {service}; on its own address that port is {port}")
        }
        Hint::IsNodePort(number, service, port) => {
            format!("{number} is the node port of Service {service}, port {port}; nodes answer on it")
        }
        Hint::AskNodePort(port, service) => format!("Service {service} has node port {port}: ask a node's address for it"),
        Hint::InsideOnly(service) => {
            format!("Service {service} is of type ClusterIP: from outside it needs type NodePort or LoadBalancer")
        }
        Hint::Declared(pod, ports, asked) => {
            format!("the containers of {pod} declare port {}, not {asked}", some_of(ports))
        }
        Hint::WithDot(full) => format!("{full}. (with the dot)"),
        Hint::ClusterIpOf(ip, service) => format!("{ip}, the cluster IP of Service {service}"),
        Hint::BalancerOf(ip, service) => format!("{ip}, the load balancer's address of Service {service}"),
        Hint::NodePortOf(port, service) => format!("node port {port} of Service {service}, at any node's address"),
        Hint::OtherNamespace(service, namespace) => {
            format!("Service {service} is in namespace {namespace}: ask for {service}.{namespace}")
        }
        Hint::SimilarService(service, namespace) => format!("there is a Service {service} in namespace {namespace}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::labels::Labels;
    use crate::objects::pod_spec::Protocol::{Tcp, Udp};

    #[test]
    fn each_hint_is_told() {
        let web = || "default/web".into();
        let labels = || Labels::of(&[("app", "wbe")]);
        let other = |of_nodes| Hint::OtherNumber { asked: 8080, of_nodes, service: web(), port: 80 };
        for (hint, want) in [
            (
                Hint::PodHas { pod: web(), has: ("app".into(), "web".into()), wanted: labels() },
                "pod default/web has app=web; the selector asks for app=wbe",
            ),
            (
                Hint::PodsElsewhere(labels(), "prod".into()),
                "pods with app=wbe are in namespace prod; a selector finds only its own namespace",
            ),
            (Hint::PortsUnnamed("http".into()), "no pod names a port; targetPort: http needs a containerPort with name: http"),
            (
                Hint::PortsNamed { known: vec![("web".into(), 80, Tcp), ("dns".into(), 53, Udp)], wanted: ("http".into(), Tcp) },
                "the pods' ports are named web (80/TCP), dns (53/UDP); targetPort asks for http/TCP",
            ),
            (Hint::PortOf(53, Udp, web()), "53/UDP of Service default/web"),
            (Hint::OnlyPort(80, Tcp, web()), "Service default/web has port 80/TCP"),
            (other(false), "8080 is the pods' port of Service default/web; on its own address that port is 80"),
            (other(true), "8080 is the port on the nodes of Service default/web; on its own address that port is 80"),
            (Hint::IsNodePort(30_080, web(), 80), "30080 is the node port of Service default/web, port 80; nodes answer on it"),
            (Hint::AskNodePort(30_080, web()), "Service default/web has node port 30080: ask a node's address for it"),
            (
                Hint::InsideOnly(web()),
                "Service default/web is of type ClusterIP: from outside it needs type NodePort or LoadBalancer",
            ),
            (Hint::Declared("web-1".into(), vec![80, 81], 8080), "the containers of web-1 declare port 80, 81, not 8080"),
            (Hint::WithDot("web.a.svc.x".into()), "web.a.svc.x. (with the dot)"),
            (Hint::ClusterIpOf([10, 0, 0, 1].into(), web()), "10.0.0.1, the cluster IP of Service default/web"),
            (Hint::BalancerOf([10, 0, 0, 1].into(), web()), "10.0.0.1, the load balancer's address of Service default/web"),
            (Hint::NodePortOf(30_080, web()), "node port 30080 of Service default/web, at any node's address"),
            (Hint::OtherNamespace("web".into(), "prod".into()), "Service web is in namespace prod: ask for web.prod"),
            (Hint::SimilarService("web".into(), "prod".into()), "there is a Service web in namespace prod"),
        ] {
            assert_eq!(text(&hint), want);
        }
    }
}
