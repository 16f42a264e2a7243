//! The Corefile that kubeadm writes, with the options a scenario's `dns` block sets.
//!
//! The real thing: `cmd/kubeadm/app/phases/addons/dns/manifests.go` of Kubernetes.

use crate::dns::config::{PodsMode, ServerConfig};

/// The stock file.
pub fn stock(server: &ServerConfig) -> String {
    let mut lines = Vec::new();
    match server.pods {
        PodsMode::Disabled => lines.push("pods disabled".to_owned()),
        PodsMode::Insecure => lines.push("pods insecure".to_owned()),
        PodsMode::Verified => lines.push("pods verified".to_owned()),
    }
    if !server.fall_through.is_empty() {
        lines.push(format!("fallthrough {}", server.fall_through.join(" ")));
    }
    lines.push(format!("ttl {}", server.ttl));
    if !server.namespaces.is_empty() {
        lines.push(format!("namespaces {}", server.namespaces.join(" ")));
    }
    let flags = [
        (server.endpoint_pod_names, "endpoint_pod_names"),
        (server.no_endpoints, "noendpoints"),
        (server.ignore_empty_service, "ignore empty_service"),
    ];
    lines.extend(flags.into_iter().filter(|(on, _)| *on).map(|(_, line)| line.to_owned()));
    let kubernetes = match server.zones.iter().any(|z| !crate::dns::zone::is_reverse(z)) {
        true => format!("    kubernetes {} {{\n{}    }}\n", server.zones.join(" "), indented(&lines)),
        // The plugin needs a zone that is not a reverse one.
        false => String::new(),
    };
    let cache = match server.cache {
        Some(ttl) => format!("    cache {ttl}{}\n", disabled(&server.cache_except)),
        None => String::new(),
    };
    format!(
        ".:53 {{\n    errors\n    health {{\n       lameduck 5s\n    }}\n    ready\n{kubernetes}    prometheus :9153\n    \
         forward . /etc/resolv.conf {{\n       max_concurrent 1000\n    }}\n{cache}    loop\n    reload\n    loadbalance\n}}\n"
    )
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("       {line}\n")).collect()
}

fn disabled(zones: &[String]) -> String {
    if zones.is_empty() {
        return String::new();
    }
    let zones = zones.join(" ");
    format!(" {{\n       disable success {zones}\n       disable denial {zones}\n    }}")
}
