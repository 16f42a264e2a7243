//! `spec.cluster`: networks, nodes and the settings of the components.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::engine::time::Duration;
use crate::objects::quantity;
use crate::scenario::notation::{Cidr, CidrOrPrimary, Mistake, Notation, PortRange, Written};

/// Most nodes of a cluster; Kubernetes is tested up to this size.
pub const NODES_MAX: u32 = 5_000;

/// A field that tells absent, `null` and a value apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// The field is absent: the simulator's default.
    #[default]
    Default,
    /// The field is `null`: switched off.
    Off,
    /// The field has a value.
    Set(T),
}

impl<T> Setting<T> {
    /// True when the field is absent.
    pub fn is_default(&self) -> bool {
        matches!(self, Setting::Default)
    }
}

impl<T: Serialize> Serialize for Setting<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Setting::Set(value) => value.serialize(serializer),
            Setting::Default | Setting::Off => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Setting::Off, Setting::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Setting<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Setting_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Option<T>>()
    }
}

/// The cluster before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Cluster {
    /// Named set of version-dependent behaviour and timings.
    pub profile: Profile,
    /// DNS domain of the cluster; empty for none.
    pub cluster_domain: String,
    /// Networks of Service addresses, one or two families.
    #[serde(rename = "serviceCIDRs")]
    #[schemars(length(min = 1, max = 2))]
    pub service_cidrs: Vec<Written<Cidr>>,
    /// The cluster CIDR, one or two families. `null`: nothing counts as local pod traffic. Default
    /// 10.244.0.0/16, which has room for 256 nodes; with more of them 10.224.0.0/11.
    #[serde(rename = "podCIDRs", skip_serializing_if = "Setting::is_default")]
    #[schemars(length(min = 1, max = 2))]
    pub pod_cidrs: Setting<Vec<Written<Cidr>>>,
    /// Ports that node ports are taken from.
    pub node_port_range: Written<PortRange>,
    /// kube-proxy.
    pub proxy: Proxy,
    /// Cluster DNS.
    pub dns: Dns,
    /// The cloud provider.
    pub cloud: Cloud,
    /// How many nodes, or a list of them.
    pub nodes: Nodes,
    /// Which controllers run: `all`, `none` (the control plane is frozen), or a list of names.
    pub controllers: Controllers,
    /// Install kube-system and a kubeadm control plane.
    pub system: bool,
}

impl Default for Cluster {
    fn default() -> Self {
        Cluster {
            profile: Profile::V1_32,
            cluster_domain: "cluster.local".into(),
            service_cidrs: vec![Written::known("10.96.0.0/12")],
            pod_cidrs: Setting::Default,
            node_port_range: Written::known("30000-32767"),
            proxy: Proxy::default(),
            dns: Dns::default(),
            cloud: Cloud::default(),
            nodes: Nodes::Count(3),
            controllers: Controllers::Preset(Preset::All),
            system: true,
        }
    }
}

impl Cluster {
    /// The cluster CIDRs with the default filled in; empty when switched off.
    pub fn pod_networks(&self) -> Vec<Cidr> {
        match &self.pod_cidrs {
            Setting::Default if self.nodes.count() > 256 => vec![*Written::<Cidr>::known("10.224.0.0/11")],
            Setting::Default => vec![*Written::<Cidr>::known("10.244.0.0/16")],
            Setting::Off => Vec::new(),
            Setting::Set(cidrs) => cidrs.iter().map(|c| **c).collect(),
        }
    }
}

/// Version-dependent behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Profile {
    /// Kubernetes 1.32.
    #[serde(rename = "1.32")]
    V1_32,
}

/// kube-proxy's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Proxy {
    /// What it programs.
    pub mode: ProxyMode,
    /// Rewrite the source of all traffic to Services.
    pub masquerade_all: bool,
    /// Node addresses that answer node ports: CIDRs or `primary`; empty for all.
    pub node_port_addresses: Vec<Written<CidrOrPrimary>>,
    /// Node ports answer on loopback, too (iptables mode, IPv4).
    pub localhost_node_ports: bool,
}

impl Default for Proxy {
    fn default() -> Self {
        Proxy { mode: ProxyMode::Iptables, masquerade_all: false, node_port_addresses: Vec::new(), localhost_node_ports: true }
    }
}

/// What kube-proxy programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ProxyMode {
    Iptables,
    Nftables,
    Ipvs,
}

/// Cluster DNS's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Dns {
    /// There is a cluster DNS.
    pub enabled: bool,
    /// Address of the kube-dns Service; `null` for no such Service. Default: the tenth address of the first Service network.
    #[serde(rename = "serviceIP", skip_serializing_if = "Setting::is_default")]
    pub service_ip: Setting<Written<IpAddr>>,
    /// Answers for pod names.
    pub pods_mode: PodsMode,
    /// Time to live of answers, in seconds.
    #[schemars(range(max = 3600))]
    pub ttl: u32,
    /// Longest time an answer is cached, in seconds; `null` for no cache. Default 30.
    #[serde(skip_serializing_if = "Setting::is_default")]
    pub cache: Setting<u32>,
    /// All zones served. Default: the cluster domain and the reverse zones of the CIDRs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<String>>,
    /// The namespaces whose names are answered. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// Services without ready endpoints do not exist.
    pub ignore_empty_service: bool,
    /// Endpoints without a hostname are named after their pod.
    pub endpoint_pod_names: bool,
    /// Endpoints are not watched: headless Services have no addresses.
    pub noendpoints: bool,
    /// The server has read the API.
    pub synced: bool,
    /// The server's own addresses.
    #[serde(rename = "localIPs", skip_serializing_if = "Option::is_none")]
    pub local_ips: Option<Vec<Written<IpAddr>>>,
    /// Zones whose unknown names are handed to the forwarder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallthrough: Option<Vec<String>>,
    /// What the forwarder would answer; other forwarded names do not exist.
    pub upstream: Vec<Upstream>,
    /// Name servers that the kubelet writes into pods; empty for none. Default: the Service's address.
    #[serde(rename = "kubeletClusterDNS", skip_serializing_if = "Option::is_none")]
    pub kubelet_cluster_dns: Option<Vec<Written<IpAddr>>>,
    /// Of a hundred pairs of questions (A and AAAA) sent at once, how many lose the second on the node: the five-second race.
    #[schemars(range(max = 100))]
    pub conntrack_race: u8,
}

impl Default for Dns {
    fn default() -> Self {
        Dns {
            enabled: true,
            service_ip: Setting::Default,
            pods_mode: PodsMode::Insecure,
            ttl: 30,
            cache: Setting::Default,
            zones: None,
            namespaces: None,
            ignore_empty_service: false,
            endpoint_pod_names: false,
            noendpoints: false,
            synced: true,
            local_ips: None,
            fallthrough: None,
            upstream: Vec::new(),
            kubelet_cluster_dns: None,
            conntrack_race: 0,
        }
    }
}

/// CoreDNS's `pods` option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PodsMode {
    /// No pod names.
    Disabled,
    /// Any address is answered.
    Insecure,
    /// Only addresses of pods in that namespace.
    Verified,
}

/// One answer of the name servers outside the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// The name asked for.
    pub qname: String,
    /// The record type asked for.
    pub qtype: String,
    /// The records.
    #[serde(default)]
    pub answers: Vec<Record>,
    /// The reply did not fit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A DNS record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Owner.
    pub name: String,
    /// Type: A, AAAA, CNAME, ...
    #[serde(rename = "type")]
    pub rtype: String,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Data in presentation form.
    pub rdata: String,
}

/// The cloud provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Cloud {
    /// Whose load balancers there are.
    pub provider: Provider,
    /// Time until a load balancer has its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Written<Duration>>,
    /// Network that load-balancer addresses are taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Written<Cidr>>,
    /// How the load balancers work; each field overrides the provider's preset.
    pub load_balancer: LoadBalancer,
}

/// Whose load balancers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// No cloud: `EXTERNAL-IP` stays `<pending>`.
    #[default]
    None,
    /// An address.
    Generic,
    /// A host name.
    AwsLike,
}

/// How load balancers work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LoadBalancer {
    /// Where they send connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// Their health check.
    pub check: HealthCheck,
    /// Where they send connections when every target is unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all_unhealthy: Option<AllUnhealthy>,
    /// How long a removed target keeps its open connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draining: Option<Written<Duration>>,
    /// Whether the client's address stays in the packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_source: Option<bool>,
    /// Whether nodes catch packets to its address, or it sends to node ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_mode: Option<IpMode>,
}

/// How the balancer's address stands in packets to nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IpMode {
    /// As destination: nodes catch it.
    #[serde(rename = "VIP")]
    Vip,
    /// Not at all: the destination is a node port.
    Proxy,
}

/// Where a load balancer sends connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Targets {
    /// To node ports.
    Nodes,
    /// To pods directly.
    Pods,
}

/// Which targets a load balancer uses when all are unhealthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AllUnhealthy {
    /// All of them.
    All,
    /// None of them.
    None,
}

/// A load balancer's health check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthCheck {
    /// Time between two checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Written<Duration>>,
    /// Failures in a row that make a target unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub fail: Option<u32>,
    /// Successes in a row that make it healthy again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub pass: Option<u32>,
}

/// How many nodes, or which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Nodes {
    /// So many: node-1, node-2, ...
    Count(#[schemars(range(max = 5000))] u32),
    /// These.
    List(#[schemars(length(max = 5000))] Vec<Node>),
}

impl Nodes {
    /// How many.
    pub fn count(&self) -> usize {
        match self {
            Nodes::Count(count) => *count as usize,
            Nodes::List(nodes) => nodes.len(),
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its addresses. The first of each family is the node's address, the others belong to further interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<Written<IpAddr>>,
    /// Addresses of the outside world that reach it.
    #[serde(default, rename = "externalIPs", skip_serializing_if = "Vec::is_empty")]
    pub external_ips: Vec<Written<IpAddr>>,
    /// Its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Networks of its pods. Default: the next /24 (IPv6: /64) of the cluster CIDR.
    #[serde(default, rename = "podCIDRs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub pod_cidrs: Option<Vec<Written<Cidr>>>,
    /// What it has to give: `cpu`, `memory`, `pods`, ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capacity: BTreeMap<String, Quantity>,
    /// The node's resolv.conf. Default `nameserver 192.0.2.53`; `null`: the kubelet uses none.
    #[serde(default, skip_serializing_if = "Setting::is_default")]
    pub resolv_conf: Setting<String>,
    /// Labels beside the usual ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Taints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taints: Vec<Taint>,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What it does to pods that do not tolerate it.
    pub effect: TaintEffect,
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum TaintEffect {
    NoSchedule,
    PreferNoSchedule,
    NoExecute,
}

/// A Kubernetes quantity: `4`, `"500m"`, `16Gi`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity(pub String);

impl Notation for Quantity {
    const FORMAT: &'static str = "quantity";
    fn parse(text: &str) -> Result<Self, Mistake> {
        match quantity::nanos(text) {
            Some(0..) => Ok(Quantity(text.to_string())),
            _ => Err(Mistake::new(format!("`{text}` is not a quantity"), "write a number, perhaps with a unit: 4, 500m, 16Gi")),
        }
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Quantity(text)),
            serde_json::Value::Number(number) => Ok(Quantity(number.to_string())),
            _ => Err(serde::de::Error::custom("expected a quantity")),
        }
    }
}

impl JsonSchema for Quantity {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Quantity".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number"], "format": Quantity::FORMAT})
    }
}

/// Which controllers run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Controllers {
    /// All or none.
    Preset(Preset),
    /// These.
    List(Vec<Controller>),
}

impl Controllers {
    /// True when this controller runs.
    pub fn runs(&self, controller: Controller) -> bool {
        match self {
            Controllers::Preset(preset) => *preset == Preset::All,
            Controllers::List(list) => list.contains(&controller),
        }
    }
}

/// A set of controllers with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Every controller.
    All,
    /// None: nothing but the asked command changes the store.
    None,
}

/// A controller that can be switched on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Controller {
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
    EndpointSlice,
    Endpoints,
    EndpointSliceMirroring,
    NodeLifecycle,
    TaintEviction,
    PodGc,
    GarbageCollector,
    Namespace,
    Disruption,
    /// The cloud's load balancers.
    #[serde(rename = "service-lb")]
    ServiceLb,
    Scheduler,
    Kubelet,
}
