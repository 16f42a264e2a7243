//! A Service: who is behind it, and what keeps others out; its address from outside.

use super::{Finding, Found, Ground};
use crate::explain::answer::{Cause, State};
use crate::explain::because::{count, pairs, some};
use crate::explain::{facts, hints};
use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::service::{Service, ServiceType, Target};

/// Why a Service is as it is.
pub(super) fn why(ground: &Ground<'_>, service: &Service) -> Found {
    if let Some(other) = service.external_name.as_ref().filter(|_| service.is_external_name()) {
        let text = format!("type ExternalName: its name leads to {other} by DNS; it has no address and no endpoints");
        let way_out = "to reach addresses, use a Service without selector and an EndpointSlice; HTTP and TLS see the name that was asked for";
        return (format!("an alias of {other}"), vec![Finding::new("alias", text, way_out)]);
    }
    let mut findings = Vec::new();
    let (ready, all) = census(ground, service);
    if ready == 0 || service.ports.len() > 1 || all > ready {
        findings.extend(behind(ground, service, ready));
    }
    findings.extend(balancer(ground, service));
    findings.extend(local(ground, service));
    let verdict = match (ready, all) {
        (0, _) => "nobody behind it may answer: connections are refused at once".to_string(),
        (n, all) if n == all => format!("{} behind it, all ready", count(n, "endpoint")),
        (n, all) => format!("{n} of {} behind it ready", count(all, "endpoint")),
    };
    (verdict, findings)
}

/// Ready endpoints, and all, over all ports of the first family.
fn census(ground: &Ground<'_>, service: &Service) -> (usize, usize) {
    let v6 = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let of_port = |p| facts::endpoints(ground.view, service, p, v6);
    let lists: Vec<_> = service.ports.iter().map(of_port).collect();
    let fewest = lists.iter().min_by_key(|l| l.iter().filter(|e| e.state == State::Ready).count());
    fewest.map_or((0, 0), |l| (l.iter().filter(|e| e.state == State::Ready).count(), l.len()))
}

/// Why not everybody who could be is behind it.
fn behind(ground: &Ground<'_>, service: &Service, ready: usize) -> Vec<Finding> {
    let Some(wanted) = &service.selector else {
        let slices = ground.view.slices_of(&service.meta.namespace, &service.meta.name).count();
        let text = format!("no selector, so its endpoints are made by hand: {}", count(slices, "slice"));
        let way_out = format!(
            "an EndpointSlice with the label kubernetes.io/service-name={} and a port of the same name",
            service.meta.name
        );
        return if ready == 0 { vec![Finding::new("no-selector", text, way_out)] } else { Vec::new() };
    };
    let pods = ground.view.pods_matching(&service.meta.namespace, wanted);
    let pods: Vec<&Pod> = pods.map(|p| &**p).filter(|p| wanted.contained_in(&p.meta.labels) && !p.finished()).collect();
    let field = Some(selector(ground, service, wanted));
    if pods.is_empty() {
        let text = format!("the selector {} matches no pod of namespace {}", pairs(wanted), service.meta.namespace);
        let way_out = "let the selector and the labels of the pod template say the same: kubectl get pods --show-labels";
        return vec![
            Finding::new("selector-matches-nothing", text, way_out).with(hints::selector(ground.view, service)).field(field),
        ];
    }
    let mut findings = ports(service, &pods, ground);
    let unready: Vec<&&Pod> = pods.iter().filter(|p| !p.ready() || p.meta.deleting()).collect();
    if !unready.is_empty() {
        let text = format!("{} of {} that the selector finds not ready", unready.len(), count(pods.len(), "pod"));
        let detail = |pod: &&&Pod| {
            let (verdict, findings) = super::pod::why(ground, pod);
            let first = findings.first().map_or(String::new(), |f| format!(": {}", f.text));
            format!("{}  {verdict}{first}", pod.meta.name)
        };
        let details = unready.iter().take(8).map(detail).collect();
        let way_out = format!("why pod/{}/{}", service.meta.namespace, unready[0].meta.name);
        findings.push(Finding::new("pods-not-ready", text, way_out).with(details));
    } else if findings.is_empty() && ready == 0 {
        let text = "ready pods match, and their addresses are not in its slices yet";
        findings.push(Finding::new(
            "slices-behind",
            text,
            "let time pass: `advance to converged`; or the endpoint slice controller does not run",
        ));
    }
    findings
}

/// Ports by name that pods do not have.
fn ports(service: &Service, pods: &[&Pod], ground: &Ground<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, port) in service.ports.iter().enumerate() {
        let Some(Target::Name(name)) = &port.target else { continue };
        let has = |pod: &&&Pod| {
            pod.spec.containers.iter().flat_map(|c| &c.ports).any(|p| p.name == *name && p.protocol == port.protocol)
        };
        let without: Vec<&str> = pods.iter().filter(|p| !has(p)).map(|p| &*p.meta.name).collect();
        if without.is_empty() {
            continue;
        }
        let text = format!(
            "no container port named {name}/{} in {}; port {} skips them",
            port.protocol.text(),
            some(&without),
            facts::port_name(port)
        );
        let owner = (&*service.meta.namespace, &*service.meta.name);
        let field =
            ground.cause("Service", owner, &format!("spec.ports[{index}].targetPort"), name, format!("targetPort: {name}"));
        let way_out = format!("name the container's port {name}, or write its number as targetPort");
        findings
            .push(Finding::new("target-port-name", text, way_out).with(hints::selector(ground.view, service)).field(Some(field)));
    }
    findings
}

fn selector(ground: &Ground<'_>, service: &Service, labels: &Labels) -> Cause {
    let owner = (&*service.meta.namespace, &*service.meta.name);
    let (key, value) = labels.0.iter().next().map(|(k, v)| (&**k, &**v)).unwrap_or_default();
    ground.cause("Service", owner, &format!("spec.selector.{key}"), value, format!("selector {}", pairs(labels)))
}

/// The address from outside that has not come.
fn balancer(ground: &Ground<'_>, service: &Service) -> Option<Finding> {
    if service.kind != ServiceType::LoadBalancer || !service.ingress.is_empty() {
        return None;
    }
    let ports: Vec<String> = service.ports.iter().filter_map(|p| p.node_port).map(|p| p.to_string()).collect();
    let meanwhile = if ports.is_empty() { String::new() } else { format!("; until then nodes answer on port {}", some(&ports)) };
    Some(match (&service.load_balancer_class, ground.has_cloud) {
        (Some(class), _) => Finding::new(
            "balancer-class",
            format!("EXTERNAL-IP <pending>: loadBalancerClass {class} leaves it to another controller, which is not here"),
            format!("leave loadBalancerClass out{meanwhile}"),
        ),
        (None, false) => Finding::new(
            "no-cloud",
            "EXTERNAL-IP <pending>: nothing in this cluster gives balancers addresses, and nothing will say so",
            format!("a cloud (spec.cluster.cloud.provider: generic), or an add-on that acts as one{meanwhile}"),
        ),
        (None, true) => Finding::new(
            "balancer-coming",
            "EXTERNAL-IP <pending>: the cloud has not finished it yet",
            format!("let time pass{meanwhile}"),
        ),
    })
}

/// A Local policy leaves nodes without a pod silent.
fn local(ground: &Ground<'_>, service: &Service) -> Option<Finding> {
    let field = match (service.external_local && service.kind != ServiceType::ClusterIp, service.internal_local) {
        (true, _) => "externalTrafficPolicy",
        (false, true) => "internalTrafficPolicy",
        (false, false) => return None,
    };
    let port = service.ports.first()?;
    let v6 = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let endpoints = facts::endpoints(ground.view, service, port, v6);
    let has = |node: &str| endpoints.iter().any(|e| e.state == State::Ready && e.node.as_deref() == Some(node));
    let silent: Vec<&str> = ground.view.nodes.iter().map(|n| &*n.meta.name).filter(|n| !has(n)).collect();
    if silent.is_empty() || endpoints.is_empty() {
        return None;
    }
    let text = format!("{field}: Local, and no ready pod on {}: connections that come in there get no answer", some(&silent));
    let owner = (&*service.meta.namespace, &*service.meta.name);
    let cause = ground.cause("Service", owner, &format!("spec.{field}"), "Local", format!("{field}: Local"));
    let way_out =
        "spread the pods over all nodes (topologySpreadConstraints, or a DaemonSet), let a balancer check health, or use Cluster";
    Some(Finding::new("local-policy", text, way_out).field(Some(cause)))
}
