//! Service: one name and address in front of a changing set of pods.
//!
//! In a real cluster the API server allocates its addresses and ports, the endpoint controllers fill slices for it, kube-proxy
//! programs it, the cloud gives it a balancer. The record holds what those read. Left out: nothing of the spec (kept in the
//! document). The real thing: `k8s.io/api/core/v1/types.go`, `Service`.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Name;
use super::json::{At, remove, set};
use super::labels::Labels;
use super::meta::Meta;
use super::pod_spec::Protocol;

/// One Service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// Metadata.
    pub meta: Meta,
    /// Spec and given status as JSON, without metadata.
    pub doc: Arc<Value>,
    /// `spec.type`; absent reads as ClusterIP.
    pub kind: ServiceType,
    /// `spec.clusterIPs` (else `clusterIP`) that are addresses.
    pub cluster_ips: Vec<IpAddr>,
    /// `clusterIP: None`.
    pub headless: bool,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// `spec.selector`; `None` = no selector (absent or empty).
    pub selector: Option<Labels>,
    /// `spec.externalIPs`.
    pub external_ips: Vec<IpAddr>,
    /// `spec.externalName`.
    pub external_name: Option<Name>,
    /// `externalTrafficPolicy: Local`.
    pub external_local: bool,
    /// `internalTrafficPolicy: Local`.
    pub internal_local: bool,
    /// Client-IP affinity with its timeout in seconds; `None` = no affinity.
    pub affinity: Option<i64>,
    /// `loadBalancerSourceRanges`, as written.
    pub source_ranges: Vec<Name>,
    /// `loadBalancerIP`.
    pub load_balancer_ip: Option<Name>,
    /// `loadBalancerClass`.
    pub load_balancer_class: Option<Name>,
    /// `healthCheckNodePort`.
    pub health_port: Option<u16>,
    /// `publishNotReadyAddresses`.
    pub publish_not_ready: bool,
    /// `trafficDistribution`.
    pub traffic_distribution: Option<Name>,
    /// `status.loadBalancer.ingress`.
    pub ingress: Vec<Ingress>,
}

/// `spec.type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ServiceType {
    #[default]
    ClusterIp,
    NodePort,
    LoadBalancer,
    ExternalName,
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServicePort {
    /// Name; empty if unnamed.
    pub name: Name,
    /// Protocol.
    pub protocol: Protocol,
    /// The port on the Service's address.
    pub port: u16,
    /// Where it leads on the pod; `None` reads as `port`.
    pub target: Option<Target>,
    /// The port on every node.
    pub node_port: Option<u16>,
    /// `appProtocol`.
    pub app_protocol: Option<Name>,
}

/// `targetPort`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A number.
    Number(u16),
    /// The name of a container port.
    Name(Name),
}

/// One entry of a balancer's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ingress {
    /// Address.
    pub ip: Option<IpAddr>,
    /// Host name.
    pub hostname: Option<Name>,
    /// `ipMode: Proxy`: packets to the address are not caught on the nodes.
    pub proxy_mode: bool,
}

impl Service {
    /// Reads a document, as it stands.
    pub fn parse(doc: &Value) -> Service {
        let at = At::top(doc);
        let spec = at.at("spec");
        let mut kept = doc.clone();
        remove(&mut kept, &["metadata"]);
        let first = spec.at("clusterIP").text().unwrap_or_default();
        let list: Vec<IpAddr> = spec.at("clusterIPs").items().filter_map(At::ip).collect();
        let none = |text: Option<&str>| text == Some("None");
        let selector = Labels::parse(spec.at("selector"));
        Service {
            meta: Meta::parse(doc),
            kind: ServiceType::parse(spec.at("type").text()),
            cluster_ips: if list.is_empty() { spec.at("clusterIP").ip().into_iter().collect() } else { list },
            headless: first == "None" || none(spec.at("clusterIPs").items().next().and_then(At::text)),
            ports: spec.at("ports").items().filter_map(ServicePort::parse).collect(),
            selector: (!selector.is_empty()).then_some(selector),
            external_ips: spec.at("externalIPs").items().filter_map(At::ip).collect(),
            external_name: spec.at("externalName").name(),
            external_local: spec.at("externalTrafficPolicy").text() == Some("Local"),
            internal_local: spec.at("internalTrafficPolicy").text() == Some("Local"),
            affinity: (spec.at("sessionAffinity").text() == Some("ClientIP"))
                .then(|| spec.at("sessionAffinityConfig").at("clientIP").at("timeoutSeconds").int().unwrap_or(10_800)),
            source_ranges: spec.at("loadBalancerSourceRanges").names(),
            load_balancer_ip: spec.at("loadBalancerIP").name(),
            load_balancer_class: spec.at("loadBalancerClass").name(),
            health_port: spec.at("healthCheckNodePort").port(),
            publish_not_ready: spec.at("publishNotReadyAddresses").flag().unwrap_or_default(),
            traffic_distribution: spec.at("trafficDistribution").name(),
            ingress: at.at("status").at("loadBalancer").at("ingress").items().map(Ingress::parse).collect(),
            doc: Arc::new(kept),
        }
    }

    /// The whole object as the API shows it.
    pub fn encode(&self) -> Value {
        let mut doc = (*self.doc).clone();
        self.meta.write(&mut doc);
        let given = At::top(&doc).at("status").at("loadBalancer").at("ingress");
        if given.items().map(Ingress::parse).collect::<Vec<_>>() != self.ingress {
            remove(&mut doc, &["status", "loadBalancer"]);
            set(&mut doc, &["status", "loadBalancer"], json!({}));
            if !self.ingress.is_empty() {
                set(
                    &mut doc,
                    &["status", "loadBalancer", "ingress"],
                    self.ingress.iter().map(Ingress::to_json).collect::<Value>(),
                );
            }
        }
        doc
    }

    /// Whether the object is an ExternalName.
    pub fn is_external_name(&self) -> bool {
        self.kind == ServiceType::ExternalName
    }
}

impl ServiceType {
    /// Reads `spec.type`.
    pub fn parse(text: Option<&str>) -> ServiceType {
        match text {
            Some("NodePort") => ServiceType::NodePort,
            Some("LoadBalancer") => ServiceType::LoadBalancer,
            Some("ExternalName") => ServiceType::ExternalName,
            _ => ServiceType::ClusterIp,
        }
    }
}

impl ServicePort {
    fn parse(at: At<'_>) -> Option<ServicePort> {
        let target = at.at("targetPort");
        Some(ServicePort {
            name: at.at("name").text().unwrap_or_default().into(),
            protocol: Protocol::parse(at.at("protocol").text()),
            port: at.at("port").port()?,
            target: target.port().map(Target::Number).or_else(|| target.name().map(Target::Name)),
            node_port: at.at("nodePort").port(),
            app_protocol: at.at("appProtocol").name(),
        })
    }
}

impl Ingress {
    fn parse(at: At<'_>) -> Ingress {
        Ingress { ip: at.at("ip").ip(), hostname: at.at("hostname").name(), proxy_mode: at.at("ipMode").text() == Some("Proxy") }
    }

    fn to_json(&self) -> Value {
        let mut doc = json!({});
        if let Some(ip) = self.ip {
            doc["ip"] = json!(ip.to_string());
            doc["ipMode"] = json!(if self.proxy_mode { "Proxy" } else { "VIP" });
        }
        if let Some(name) = &self.hostname {
            doc["hostname"] = json!(&**name);
        }
        doc
    }
}
