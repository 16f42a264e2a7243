//! A Service: who is behind it, and what keeps others out; its address from outside.

use super::finding::{Census, Detail, Found, NoBalancer, ServiceFinding, Standing};
use super::{Judged, more, place};
use crate::ask::cause::{Because, Cause};
use crate::ask::moment::Moment;
use crate::ask::trace::{LocalPolicy, State};
use crate::ask::{facts, hints};
use crate::cloud::Provider;
use crate::explain::ObjectName;
use crate::objects::Name;
use crate::objects::labels::Labels;
use crate::objects::pod::Pod;
use crate::objects::service::{Service, ServicePort, ServiceType, Target};

/// Pods that are named before the rest is only counted.
const PODS_MAX: usize = 8;

/// Why a Service is as it is.
pub(super) fn why(moment: &Moment<'_>, service: &Service) -> Judged {
    if let Some(other) = service.external_name.as_ref().filter(|_| service.is_external_name()) {
        return (Standing::Alias(other.clone()), vec![Found::new(ServiceFinding::Alias(other.clone()))]);
    }
    let mut findings = Vec::new();
    let census = census(moment, service);
    if census.ready == 0 || service.ports.len() > 1 || census.all > census.ready {
        findings.extend(behind(moment, service, census.ready));
    }
    findings.extend(balancer(moment, service).map(Found::new));
    findings.extend(local(moment, service));
    (Standing::Service(census), findings)
}

fn census(moment: &Moment<'_>, service: &Service) -> Census {
    let v6 = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let of_port = |p: &ServicePort| {
        let list = facts::endpoints(moment.view(), service, p, v6);
        let number = |state: State| list.iter().filter(|e| e.state == state).count();
        let (ready, serving) = (number(State::Ready), number(State::TerminatingServing));
        Census { port: Some(facts::port_name(p)), ready, serving, all: list.len(), ..Census::default() }
    };
    let mut all: Vec<Census> = service.ports.iter().map(of_port).collect();
    all.sort_by_key(|c| c.ready);
    let same = all.windows(2).all(|w| (w[0].ready, w[0].serving, w[0].all) == (w[1].ready, w[1].serving, w[1].all));
    let fewest = all.into_iter().next().unwrap_or_default();
    Census {
        port: fewest.port.filter(|_| !same),
        has_ports: !service.ports.is_empty(),
        has_address: !service.cluster_ips.is_empty(),
        ..fewest
    }
}

/// Why not everybody who could be is behind it.
fn behind(moment: &Moment<'_>, service: &Service, ready: usize) -> Vec<Found> {
    let (view, namespace) = (moment.view(), &service.meta.namespace);
    let Some(wanted) = &service.selector else {
        let slices = view.slices_of(namespace, &service.meta.name).count();
        let finding = ServiceFinding::NoSelector(service.meta.name.clone(), slices);
        return if ready == 0 { vec![Found::new(finding)] } else { Vec::new() };
    };
    let pods = view.pods_matching(namespace, wanted);
    let pods: Vec<&Pod> = pods.map(|p| &**p).filter(|p| wanted.contained_in(&p.meta.labels) && !p.finished()).collect();
    if pods.is_empty() {
        let finding = ServiceFinding::MatchesNothing(wanted.clone(), namespace.clone());
        return vec![Found::new(finding).with(meant(moment, service)).field(Some(selector(moment, service, wanted)))];
    }
    let mut findings = ports(service, &pods, moment);
    let unready: Vec<&Pod> = pods.iter().filter(|p| !p.ready() || p.meta.deleting()).copied().collect();
    if let Some(first) = unready.first() {
        let first = ObjectName::new("Pod", namespace.clone(), first.meta.name.clone());
        let mut details: Vec<Detail> = unready.iter().take(PODS_MAX).map(|pod| super::pod::detail(moment, pod)).collect();
        details.extend(more(unready.len(), PODS_MAX, None));
        findings.push(Found::new(ServiceFinding::PodsNotReady(unready.len(), pods.len(), first)).with(details));
    } else if findings.is_empty() && ready == 0 {
        findings.push(Found::new(ServiceFinding::SlicesBehind));
    }
    findings
}

/// What its selector was perhaps meant to be.
fn meant(moment: &Moment<'_>, service: &Service) -> Vec<Detail> {
    hints::selector(moment.view(), service).into_iter().map(Detail::Hint).collect()
}

/// Ports by name that pods do not have.
fn ports(service: &Service, pods: &[&Pod], moment: &Moment<'_>) -> Vec<Found> {
    let mut findings = Vec::new();
    for (index, port) in service.ports.iter().enumerate() {
        let Some(Target::Name(name)) = &port.target else { continue };
        let has = |pod: &&&Pod| {
            pod.spec.containers.iter().flat_map(|c| &c.ports).any(|p| p.name == *name && p.protocol == port.protocol)
        };
        let without: Vec<Name> = pods.iter().filter(|p| !has(p)).map(|p| p.meta.name.clone()).collect();
        if without.is_empty() {
            continue;
        }
        let about = facts::object(service);
        let at = place(moment, &about, &format!("spec.ports[{index}].targetPort"), name);
        let field = Because::of(about, Cause::Field("targetPort", name.clone())).at(at);
        let (name, protocol, port) = (name.clone(), port.protocol, facts::port_name(port));
        let finding = ServiceFinding::TargetPortName { name, protocol, pods: without, port };
        findings.push(Found::new(finding).with(meant(moment, service)).field(Some(field)));
    }
    findings
}

fn selector(moment: &Moment<'_>, service: &Service, labels: &Labels) -> Because {
    let about = facts::object(service);
    let (key, value) = labels.0.iter().next().map(|(k, v)| (&**k, &**v)).unwrap_or_default();
    let at = place(moment, &about, &format!("spec.selector.{key}"), value);
    Because::of(about, Cause::Selector(labels.clone())).at(at)
}

/// The address from outside that has not come.
fn balancer(moment: &Moment<'_>, service: &Service) -> Option<ServiceFinding> {
    if service.kind != ServiceType::LoadBalancer || !service.ingress.is_empty() {
        return None;
    }
    let has_cloud = moment.cluster.config.cloud.provider != Provider::None;
    let why = match (&service.load_balancer_class, has_cloud) {
        (Some(class), _) => NoBalancer::OtherClass(class.clone()),
        (None, false) => NoBalancer::NoCloud,
        (None, true) => NoBalancer::Coming,
    };
    Some(ServiceFinding::NoBalancer(why, service.ports.iter().filter_map(|p| p.node_port).collect()))
}

/// A Local policy leaves nodes without a pod silent.
fn local(moment: &Moment<'_>, service: &Service) -> Option<Found> {
    let policy = match (service.external_local && service.kind != ServiceType::ClusterIp, service.internal_local) {
        (true, _) => LocalPolicy::External,
        (false, true) => LocalPolicy::Internal,
        (false, false) => return None,
    };
    let port = service.ports.first()?;
    let v6 = service.cluster_ips.first().is_some_and(std::net::IpAddr::is_ipv6);
    let endpoints = facts::endpoints(moment.view(), service, port, v6);
    let answers = |state: State| matches!(state, State::Ready | State::TerminatingServing);
    let has = |node: &str| endpoints.iter().any(|e| answers(e.state) && e.node.as_deref() == Some(node));
    let nodes = moment.view().nodes.iter().map(|n| n.meta.name.clone());
    let silent: Vec<Name> = nodes.filter(|n| !has(n)).collect();
    if silent.is_empty() || endpoints.is_empty() {
        return None;
    }
    let about = facts::object(service);
    let at = place(moment, &about, &format!("spec.{}", policy.field()), "Local");
    let field = Because::of(about, Cause::Field(policy.field(), "Local".into())).at(at);
    Some(Found::new(ServiceFinding::KeptLocal(policy, silent)).field(Some(field)))
}
