//! The pod spec as components reason with it, parsed once per template.
//!
//! Probes, environment and affinity are read by the boxes that use them from the parsed parts here; what no box models stays in
//! [`PodSpec::doc`] and is given back unchanged. The real thing: `k8s.io/api/core/v1/types.go`, `PodSpec`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::Name;
use super::json::At;
use super::labels::{Labels, Requirement, Selector};
use super::quantity;

/// A parsed pod spec with its document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodSpec {
    /// The spec as JSON, without `nodeName`.
    pub doc: Arc<Value>,
    /// Containers.
    pub containers: Vec<Container>,
    /// Init containers and sidecars.
    pub init_containers: Vec<Container>,
    /// `restartPolicy`; absent reads as `Always`.
    pub restart: RestartPolicy,
    /// `terminationGracePeriodSeconds`.
    pub grace: Option<i64>,
    /// Shares the node's network.
    pub host_network: bool,
    /// `hostname`.
    pub hostname: Option<Name>,
    /// `subdomain`.
    pub subdomain: Option<Name>,
    /// `dnsPolicy` as written; absent = empty.
    pub dns_policy: Name,
    /// `enableServiceLinks`.
    pub service_links: Option<bool>,
    /// `nodeSelector`.
    pub node_selector: Labels,
    /// Required node affinity: terms of which one must hold; `None` = no demand.
    pub node_affinity: Option<Vec<Vec<Requirement>>>,
    /// `tolerations`.
    pub tolerations: Vec<Toleration>,
    /// `topologySpreadConstraints`.
    pub spread: Vec<Spread>,
    /// `schedulingGates` by name.
    pub gates: Vec<Name>,
    /// `priority`.
    pub priority: i64,
    /// `schedulerName`; absent = empty, which means the default one.
    pub scheduler: Name,
    /// `readinessGates`: condition types.
    pub readiness_gates: Vec<Name>,
    /// CPU requested, in thousandths of a core.
    pub cpu: i64,
    /// Memory requested, in bytes.
    pub memory: i64,
    /// CPU as scores of the scheduler count it: a container that asks for none counts as 100m.
    pub scored_cpu: i64,
    /// Memory as scores count it: a container that asks for none counts as 200Mi.
    pub scored_memory: i64,
    /// Other resources requested, in units.
    pub extended: BTreeMap<Name, i64>,
}

/// `restartPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum RestartPolicy {
    #[default]
    Always,
    OnFailure,
    Never,
}

/// One container of a spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Container {
    /// Name.
    pub name: Name,
    /// Image as written.
    pub image: Name,
    /// `command`.
    pub command: Vec<Name>,
    /// `args`.
    pub args: Vec<Name>,
    /// Declared ports.
    pub ports: Vec<ContainerPort>,
    /// `restartPolicy: Always` on an init container: a sidecar.
    pub sidecar: bool,
    /// `env`, `envFrom`, probes, lifecycle and resources, as JSON: read by the kubelet.
    pub doc: Arc<Value>,
}

/// A declared container port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerPort {
    /// Name; may be empty.
    pub name: Name,
    /// Number.
    pub port: u16,
    /// Port on the node, if asked for.
    pub host_port: Option<u16>,
    /// Protocol.
    pub protocol: Protocol,
}

/// Transport protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Protocol {
    #[default]
    Tcp,
    Udp,
    Sctp,
}

/// One toleration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Toleration {
    /// Key; empty with `Exists` tolerates all.
    pub key: Name,
    /// `operator: Exists`.
    pub exists: bool,
    /// Value to be equal.
    pub value: Name,
    /// Effect; empty = all.
    pub effect: Name,
    /// `tolerationSeconds`.
    pub seconds: Option<i64>,
}

/// One topology spread constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    /// `maxSkew`.
    pub max_skew: i64,
    /// `topologyKey`.
    pub key: Name,
    /// `whenUnsatisfiable: DoNotSchedule`.
    pub hard: bool,
    /// `labelSelector`.
    pub selector: Selector,
}

impl PodSpec {
    /// Reads a spec document (without `nodeName`).
    pub fn parse(doc: Arc<Value>) -> PodSpec {
        let at = At::top(&doc);
        let containers: Vec<Container> = at.at("containers").items().map(Container::parse).collect();
        let init_containers: Vec<Container> = at.at("initContainers").items().map(Container::parse).collect();
        let request = |resource: &str, read: fn(&str) -> Option<i64>| pod_request(at, resource, read, 0);
        let extended = asked_for(at).into_iter().map(|r| (Name::from(r), request(r, quantity::units)));
        PodSpec {
            restart: match at.at("restartPolicy").text() {
                Some("OnFailure") => RestartPolicy::OnFailure,
                Some("Never") => RestartPolicy::Never,
                _ => RestartPolicy::Always,
            },
            grace: at.at("terminationGracePeriodSeconds").int(),
            host_network: at.at("hostNetwork").flag().unwrap_or_default(),
            hostname: at.at("hostname").name(),
            subdomain: at.at("subdomain").name(),
            dns_policy: at.at("dnsPolicy").text().unwrap_or_default().into(),
            service_links: at.at("enableServiceLinks").flag(),
            node_selector: Labels::parse(at.at("nodeSelector")),
            node_affinity: node_affinity(at),
            tolerations: at.at("tolerations").items().map(Toleration::parse).collect(),
            spread: at.at("topologySpreadConstraints").items().map(Spread::parse).collect(),
            gates: at.at("schedulingGates").items().filter_map(|g| g.at("name").name()).collect(),
            priority: at.at("priority").int().unwrap_or_default(),
            scheduler: at.at("schedulerName").text().unwrap_or_default().into(),
            readiness_gates: at.at("readinessGates").items().filter_map(|g| g.at("conditionType").name()).collect(),
            cpu: request("cpu", quantity::milli),
            memory: request("memory", quantity::units),
            scored_cpu: pod_request(at, "cpu", quantity::milli, 100),
            scored_memory: pod_request(at, "memory", quantity::units, 200 << 20),
            extended: extended.collect(),
            containers,
            init_containers,
            doc: doc.clone(),
        }
    }

    /// The number behind a named container port, as endpoints resolve it: regular containers first, then sidecars.
    pub fn named_port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        let sidecars = self.init_containers.iter().filter(|c| c.sidecar);
        let ports = self.containers.iter().chain(sidecars).flat_map(|c| &c.ports);
        ports.into_iter().find(|p| &*p.name == name && p.protocol == protocol).map(|p| p.port)
    }
}

/// The resources that containers ask for, but for those that have a place of their own or are no matter of the scheduler's here.
fn asked_for<'a>(spec: At<'a>) -> BTreeSet<&'a str> {
    let containers = spec.at("containers").items().chain(spec.at("initContainers").items());
    let names = containers.flat_map(|c| c.at("resources").at("requests").entries()).map(|(name, _)| name);
    names.filter(|name| !["cpu", "memory", "ephemeral-storage"].contains(name)).collect()
}

/// What the scheduler reserves: the larger of the containers together (with the sidecars) and each init container at its time.
/// A container that does not ask for the resource counts as `missing`.
fn pod_request(spec: At<'_>, resource: &str, read: fn(&str) -> Option<i64>, missing: i64) -> i64 {
    let of = |c: At<'_>| {
        let wanted = c.at("resources").at("requests").at(resource);
        wanted.text().and_then(read).or(wanted.int().and_then(|n| read(&n.to_string()))).unwrap_or(missing)
    };
    let (mut sidecars, mut peak) = (0i64, 0i64);
    for init in spec.at("initContainers").items() {
        if init.at("restartPolicy").text() == Some("Always") {
            sidecars = sidecars.saturating_add(of(init));
            peak = peak.max(sidecars);
        } else {
            peak = peak.max(sidecars.saturating_add(of(init)));
        }
    }
    let together = spec.at("containers").items().map(of).fold(sidecars, i64::saturating_add);
    let overhead = spec.at("overhead").at(resource).text().and_then(read).unwrap_or_default();
    together.max(peak).saturating_add(overhead)
}

fn node_affinity(spec: At<'_>) -> Option<Vec<Vec<Requirement>>> {
    let required = spec.at("affinity").at("nodeAffinity").at("requiredDuringSchedulingIgnoredDuringExecution");
    let terms = required.0.is_some().then(|| required.at("nodeSelectorTerms"))?;
    Some(terms.items().map(|t| t.at("matchExpressions").items().map(Requirement::parse).collect()).collect())
}

impl Container {
    fn parse(at: At<'_>) -> Container {
        let name = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        let port = |p: At<'_>| {
            Some(ContainerPort {
                name: p.at("name").text().unwrap_or_default().into(),
                port: p.at("containerPort").port()?,
                host_port: p.at("hostPort").port(),
                protocol: Protocol::parse(p.at("protocol").text()),
            })
        };
        Container {
            name: name("name"),
            image: name("image"),
            command: at.at("command").names(),
            args: at.at("args").names(),
            ports: at.at("ports").items().filter_map(port).collect(),
            sidecar: at.at("restartPolicy").text() == Some("Always"),
            doc: Arc::new(at.0.cloned().unwrap_or(Value::Null)),
        }
    }
}

impl Protocol {
    /// Reads a protocol's name; anything but UDP and SCTP is TCP, the API's default.
    pub fn parse(text: Option<&str>) -> Protocol {
        match text {
            Some("UDP") => Protocol::Udp,
            Some("SCTP") => Protocol::Sctp,
            _ => Protocol::Tcp,
        }
    }

    /// `TCP`, `UDP` or `SCTP`.
    pub fn text(self) -> &'static str {
        match self {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Sctp => "SCTP",
        }
    }
}

impl Toleration {
    fn parse(at: At<'_>) -> Toleration {
        let name = |key: &str| Name::from(at.at(key).text().unwrap_or_default());
        Toleration {
            key: name("key"),
            exists: at.at("operator").text() == Some("Exists"),
            value: name("value"),
            effect: name("effect"),
            seconds: at.at("tolerationSeconds").int(),
        }
    }

    /// Whether it covers a taint.
    pub fn covers(&self, key: &str, value: &str, effect: &str) -> bool {
        (self.effect.is_empty() || &*self.effect == effect)
            && (self.key.is_empty() && self.exists || &*self.key == key)
            && (self.exists || &*self.value == value)
    }
}

impl Spread {
    fn parse(at: At<'_>) -> Spread {
        Spread {
            max_skew: at.at("maxSkew").int().unwrap_or(1),
            key: at.at("topologyKey").text().unwrap_or_default().into(),
            hard: at.at("whenUnsatisfiable").text() != Some("ScheduleAnyway"),
            selector: Selector::parse(at.at("labelSelector")),
        }
    }
}
