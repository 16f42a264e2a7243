//! A Service: who is behind it, and what keeps others out; its address from outside.

use super::{Finding, Found, Ground, Verdict};
use crate::explain::answer::{Cause, State};
use crate::explain::because::{count, pairs, some};
use crate::explain::{facts, hints};
use crate::objects::Name;
use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::service::{Service, ServicePort, ServiceType, Target};

/// Pods that are named before the rest is only counted.
const PODS_MAX: usize = 8;

/// Why a Service is as it is.
pub(super) fn why(ground: &Ground<'_>, service: &Service) -> Found {
    if let Some(other) = service.external_name.as_ref().filter(|_| service.is_external_name()) {
        let text = format!("type ExternalName: its name leads to {other} by DNS; it has no address and no endpoints");
        let way_out = "to reach addresses, use a Service without selector and an EndpointSlice; HTTP and TLS see the name that was asked for";
        return (Verdict::is(format!("an alias of {other}")), vec![Finding::new("alias", text, way_out)]);
    }
    let mut findings = Vec::new();
    let census = census(ground, service);
    if census.ready == 0 || service.ports.len() > 1 || census.all > census.ready {
        findings.extend(behind(ground, service, census.ready));
    }
    findings.extend(balancer(ground, service));
    findings.extend(local(ground, service));
    (verdict(service, &census), findings)
}

/// Endpoints of the port that has the fewest ready ones, in the first family.
#[derive(Default)]
struct Census {
    /// The port, if others have more.
    port: Option<Name>,
    ready: usize,
    /// Terminating, and still serving: used where none is ready.
    serving: usize,
    all: usize,
}

fn census(ground: &Ground<'_>, service: &Service) -> Census {
    let v6 = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let of_port = |p: &ServicePort| {
        let list = facts::endpoints(ground.view, service, p, v6);
        let number = |state: State| list.iter().filter(|e| e.state == state).count();
        Census {
            port: Some(facts::port_name(p)),
            ready: number(State::Ready),
            serving: number(State::TerminatingServing),
            all: list.len(),
        }
    };
    let mut all: Vec<Census> = service.ports.iter().map(of_port).collect();
    all.sort_by_key(|c| c.ready);
    let alike = all.windows(2).all(|w| (w[0].ready, w[0].serving, w[0].all) == (w[1].ready, w[1].serving, w[1].all));
    let fewest = all.into_iter().next().unwrap_or_default();
    Census { port: fewest.port.filter(|_| !alike), ..fewest }
}

/// Who is behind it, in half a sentence.
fn verdict(service: &Service, census: &Census) -> Verdict {
    let at = census.port.as_ref().map_or(String::new(), |port| format!(" at port {port}"));
    let has_address = !service.cluster_ips.is_empty();
    Verdict::has(match (census.ready, census.all) {
        _ if service.ports.is_empty() => "no port: only its name leads to its pods".to_string(),
        (0, _) if has_address && census.serving > 0 => {
            let verb = if census.serving == 1 { "is still" } else { "are still" };
            format!("no ready endpoint{at}; {} terminating {verb} answering", count(census.serving, "endpoint"))
        }
        (0, _) if has_address => {
            format!("no endpoint{at} that may answer: pods that connect to it are refused at once")
        }
        (0, _) => format!("no endpoint{at} that may answer: its name has no address"),
        (1, 1) => format!("1 endpoint{at}, and it is ready"),
        (n, all) if n == all => format!("{}{at}, all ready", count(n, "endpoint")),
        (n, all) => format!("{n} of {} ready{at}", count(all, "endpoint")),
    })
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
        let verb = if unready.len() == 1 { "is" } else { "are" };
        let text = format!("{} of {} that the selector finds {verb} not ready", unready.len(), count(pods.len(), "pod"));
        let detail = |pod: &&&Pod| {
            let (verdict, findings) = super::pod::why(ground, pod);
            let first = findings.first().map_or(String::new(), |f| format!(": {}", f.text));
            format!("{}  {}{first}", pod.meta.name, verdict.text)
        };
        let mut details: Vec<String> = unready.iter().take(PODS_MAX).map(detail).collect();
        details.extend(super::more(unready.len(), PODS_MAX));
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
    let (field, silence, balanced) =
        match (service.external_local && service.kind != ServiceType::ClusterIp, service.internal_local) {
            (true, _) => {
                ("externalTrafficPolicy", "connections from outside that come in there", ", let a balancer check health")
            }
            (false, true) => ("internalTrafficPolicy", "connections that begin there", ""),
            (false, false) => return None,
        };
    let port = service.ports.first()?;
    let v6 = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let endpoints = facts::endpoints(ground.view, service, port, v6);
    let answers = |state: State| matches!(state, State::Ready | State::TerminatingServing);
    let has = |node: &str| endpoints.iter().any(|e| answers(e.state) && e.node.as_deref() == Some(node));
    let silent: Vec<&str> = ground.view.nodes.iter().map(|n| &*n.meta.name).filter(|n| !has(n)).collect();
    if silent.is_empty() || endpoints.is_empty() {
        return None;
    }
    let text = format!("{field}: Local, and no ready pod on {}: {silence} get no answer", some(&silent));
    let owner = (&*service.meta.namespace, &*service.meta.name);
    let cause = ground.cause("Service", owner, &format!("spec.{field}"), "Local", format!("{field}: Local"));
    let way_out = format!("spread the pods over all nodes (topologySpreadConstraints, or a DaemonSet){balanced}, or use Cluster");
    Some(Finding::new("local-policy", text, way_out).field(Some(cause)))
}
