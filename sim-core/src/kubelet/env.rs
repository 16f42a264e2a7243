//! The environment of a container, as the kubelet makes it when the container starts.
//!
//! In a real cluster the kubelet merges `envFrom`, `env` and the variables of Services ("docker links"), and hands the result to
//! the runtime; nothing changes it afterwards. That is the tutorial's ordering trap: a container that is older than a Service
//! does not know it. We model all of it but file-based sources,
//! other containers' resources, and a node's capacity in place of an absent limit.
//! The real thing: `pkg/kubelet/envvars/envvars.go`, `pkg/kubelet/kubelet_pods.go`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::engine::digest::{Digestible, StateDigest};
use crate::objects::Name;
use crate::objects::json::At;
use crate::objects::pod::Pod;
use crate::objects::service::Service;
use crate::store::{Table, View};

/// Longest value of a variable, in bytes: Linux hands no longer one to a program (`MAX_ARG_STRLEN`).
pub const VALUE_BYTES_MAX: usize = 128 << 10;
/// Most bytes that a container's own variables may hold together: what Linux hands to a program by default.
pub const OWN_BYTES_MAX: usize = 2 << 20;

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What the kubelet knows of the machine when it fills in field references.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// Addresses of the pod.
    pub pod_ips: Vec<IpAddr>,
    /// Addresses of the node.
    pub host_ips: Vec<IpAddr>,
}

impl Around {
    /// The pod's addresses as it is told them: the family of the node's first address first, one address of each family.
    fn pod_ips_in_order(&self) -> Vec<IpAddr> {
        let six_first = self.host_ips.first().is_some_and(IpAddr::is_ipv6);
        let of_family = |six: bool| self.pod_ips.iter().copied().find(|ip| ip.is_ipv6() == six);
        [of_family(six_first), of_family(!six_first)].into_iter().flatten().collect()
    }
}

/// The variables that one Service gives, in the generator's order. A Service without address of its own gives none.
pub fn of_service(service: &Service) -> Vec<(String, String)> {
    let Some(address) = service_address(service) else { return Vec::new() };
    let prefix = variable_name(&service.meta.name);
    let Some(first) = service.ports.first() else { return vec![(format!("{prefix}_SERVICE_HOST"), address)] };
    let mut list =
        vec![(format!("{prefix}_SERVICE_HOST"), address.clone()), (format!("{prefix}_SERVICE_PORT"), first.port.to_string())];
    for port in service.ports.iter().filter(|p| !p.name.is_empty()) {
        list.push((format!("{prefix}_SERVICE_PORT_{}", variable_name(&port.name)), port.port.to_string()));
    }
    let host = if address.contains(':') { format!("[{address}]") } else { address.clone() };
    for (index, port) in service.ports.iter().enumerate() {
        let protocol = port.protocol.text();
        let url = format!("{}://{host}:{}", protocol.to_lowercase(), port.port);
        if index == 0 {
            list.push((format!("{prefix}_PORT"), url.clone()));
        }
        let link = format!("{prefix}_PORT_{}_{protocol}", port.port);
        list.push((link.clone(), url));
        list.push((format!("{link}_PROTO"), protocol.to_lowercase()));
        list.push((format!("{link}_PORT"), port.port.to_string()));
        list.push((format!("{link}_ADDR"), address.clone()));
    }
    list
}

/// `spec.clusterIP` as stored, unless it is empty or None.
fn service_address(service: &Service) -> Option<String> {
    let written = At::top(&service.doc).at("spec").at("clusterIP").text().unwrap_or_default();
    (!written.is_empty() && written != "None").then(|| written.to_string())
}

/// Upper case, `-` to `_`; nothing else is rewritten.
fn variable_name(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}

/// The Services a pod hears of: `kubernetes` of the default namespace always, and with service links those of its own namespace.
/// A thousand Services make seven thousand variables, so what is kept is the table as the kubelet saw it, which all
/// containers of that time share.
#[derive(Clone, Debug, Default)]
struct Heard {
    services: Table<Service>,
    /// The revision of which the table is.
    revision: u64,
    namespace: Name,
    links: bool,
}

impl Heard {
    fn variables(&self) -> Variables {
        let mut chosen: BTreeMap<&Name, &Service> = BTreeMap::new();
        let own = self.services.in_namespace(&self.namespace).filter(|_| self.links);
        for service in self.services.get("default", "kubernetes").into_iter().chain(own) {
            if service_address(service).is_some() {
                chosen.insert(&service.meta.name, service);
            }
        }
        chosen.values().flat_map(|service| of_service(service)).collect()
    }
}

/// The environment of a container, as it was when the container started.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// What the container declares.
    own: Variables,
    /// Names it declares, with a value or without: the Service's variable of that name is hidden.
    declared: BTreeSet<String>,
    heard: Heard,
}

impl Environment {
    /// All variables.
    pub fn variables(&self) -> Variables {
        let mut all = self.heard.variables();
        all.retain(|name, _| !self.declared.contains(name));
        all.extend(self.own.iter().map(|(name, value)| (name.clone(), value.clone())));
        all
    }
}

/// The whole environment of a container, or the kubelet's words for why it cannot be made.
pub fn of_container(view: &View, pod: &Pod, container: &Value, around: &Around) -> Result<Environment, String> {
    let at = At::top(container);
    let declares = ["env", "envFrom"].iter().any(|list| at.at(list).items().next().is_some());
    let links = match pod.spec.service_links {
        Some(links) => links,
        None if declares => return Err("nil pod.spec.enableServiceLinks encountered, cannot construct envvars".to_string()),
        // A restored pod that declares no environment is let through: scenarios restore pods as they are, to look at something
        // else, and a server would have filled this in.
        None => true,
    };
    let heard = Heard { services: view.services.clone(), revision: view.revision, namespace: pod.meta.namespace.clone(), links };
    let mut services = if declares { heard.variables() } else { Variables::new() };
    let (mut variables, mut declared, mut bytes) = (Variables::new(), BTreeSet::new(), 0);
    for source in at.at("envFrom").items() {
        variables.extend(from_source(view, pod, source)?);
    }
    for entry in at.at("env").items() {
        let name = entry.at("name").text().unwrap_or_default().to_string();
        // The container's own variable hides the Service's of that name, even from its own value.
        services.remove(&name);
        declared.insert(name.clone());
        let text = entry.at("value").text().unwrap_or_default();
        let value = if text.is_empty() && entry.at("valueFrom").exists() {
            referenced(view, pod, container, entry.at("valueFrom"), around)?
        } else {
            let expanded = expand(text, &[&variables, &services], VALUE_BYTES_MAX);
            Some(expanded.ok_or_else(|| too_long(&name, &format!("is longer than {VALUE_BYTES_MAX} bytes")))?)
        };
        let Some(value) = value else { continue };
        bytes += name.len() + value.len();
        if bytes > OWN_BYTES_MAX {
            return Err(too_long(
                &name,
                &format!("makes the variables of the container together longer than {OWN_BYTES_MAX} bytes"),
            ));
        }
        variables.insert(name, value);
    }
    Ok(Environment { own: variables, declared, heard })
}

/// Why a container does not get its variables. In a real cluster the kernel refuses to start the program ("argument list too
/// long") and the container is tried again; here it is held back in the same way, before the value is made.
fn too_long(name: &str, what: &str) -> String {
    format!("kubewalk: variable {name} {what}, and Linux starts no program with that (argument list too long)")
}

/// One entry of `envFrom`: all keys of a ConfigMap or Secret, behind a prefix.
fn from_source(view: &View, pod: &Pod, source: At<'_>) -> Result<Variables, String> {
    let prefix = source.at("prefix").text().unwrap_or_default();
    let (kind, reference) = match source.at("configMapRef").exists() {
        true => ("ConfigMap", source.at("configMapRef")),
        false => ("Secret", source.at("secretRef")),
    };
    if !reference.exists() {
        return Ok(Variables::new());
    }
    let Some(found) = object(view, pod, kind, reference)? else { return Ok(Variables::new()) };
    let pairs = contents(kind, found).map(|(key, value)| (format!("{prefix}{key}"), value));
    // Keys that are no names of variables are skipped (with an event, in a real cluster).
    Ok(pairs.filter(|(name, _)| is_variable_name(name)).collect())
}

/// The document of a referenced ConfigMap or Secret; `None` if it may be missing and is.
fn object<'a>(view: &'a View, pod: &Pod, kind: &str, reference: At<'_>) -> Result<Option<&'a Value>, String> {
    let name = reference.at("name").text().unwrap_or_default();
    let optional = reference.at("optional").flag() == Some(true);
    match view.plain("", kind, &pod.meta.namespace, name) {
        Some(found) => Ok(Some(&found.doc)),
        None if optional => Ok(None),
        None => Err(format!("{} \"{name}\" not found", kind.to_lowercase())),
    }
}

/// The value behind `valueFrom`; `None` if the variable is to be left out.
fn referenced(view: &View, pod: &Pod, container: &Value, from: At<'_>, around: &Around) -> Result<Option<String>, String> {
    for (kind, field) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
        let reference = from.at(field);
        if !reference.exists() {
            continue;
        }
        let Some(found) = object(view, pod, kind, reference)? else { return Ok(None) };
        let key = reference.at("key").text().unwrap_or_default();
        let value = contents(kind, found).find(|(known, _)| *known == key).map(|(_, value)| value);
        let optional = reference.at("optional").flag() == Some(true);
        return match value {
            Some(value) => Ok(Some(value)),
            None if optional => Ok(None),
            None => {
                let name = reference.at("name").text().unwrap_or_default();
                Err(format!("couldn't find key {key} in {kind} {}/{name}", pod.meta.namespace))
            }
        };
    }
    if from.at("resourceFieldRef").exists() {
        return Ok(Some(resource_field(container, from.at("resourceFieldRef"))));
    }
    let path = from.at("fieldRef").at("fieldPath").text().unwrap_or_default();
    field(pod, path, around).map(Some)
}

/// A field of the pod, by the downward API's paths.
fn field(pod: &Pod, path: &str, around: &Around) -> Result<String, String> {
    let first = |ips: &[IpAddr]| ips.first().map(IpAddr::to_string).unwrap_or_default();
    let all = |ips: &[IpAddr]| ips.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
    let keyed = |prefix: &str| {
        path.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("['")).and_then(|rest| rest.strip_suffix("']"))
    };
    let meta = &pod.meta;
    Ok(match path {
        "metadata.name" => meta.name.to_string(),
        "metadata.namespace" => meta.namespace.to_string(),
        "metadata.uid" => meta.uid.as_deref().unwrap_or_default().to_string(),
        "spec.nodeName" => pod.node.as_deref().unwrap_or_default().to_string(),
        "spec.serviceAccountName" => {
            let account = At::top(&pod.spec.doc).at("serviceAccountName").text();
            account.unwrap_or_default().to_string()
        }
        "status.podIP" => first(&around.pod_ips_in_order()),
        "status.podIPs" => all(&around.pod_ips_in_order()),
        "status.hostIP" => first(&around.host_ips),
        "status.hostIPs" => all(&around.host_ips),
        _ => match (keyed("metadata.labels"), keyed("metadata.annotations")) {
            (Some(key), _) => meta.labels.get(key).unwrap_or_default().to_string(),
            (_, Some(key)) => meta.annotations.get(key).unwrap_or_default().to_string(),
            _ => return Err(format!("unsupported fieldPath: {path}")),
        },
    })
}

/// A container's own request or limit in units of the divisor, rounded up.
fn resource_field(container: &Value, reference: At<'_>) -> String {
    let resource = reference.at("resource").text().unwrap_or_default();
    let (list, name) = resource.split_once('.').unwrap_or(("limits", resource));
    let milli = |at: At<'_>| {
        let text = at.text().map(str::to_string).or_else(|| at.int().map(|n| n.to_string()));
        text.and_then(|t| crate::objects::quantity::milli(&t))
    };
    let amount = milli(At::top(container).at("resources").at(list).at(name)).unwrap_or(0);
    let divisor = milli(reference.at("divisor")).filter(|d| *d > 0).unwrap_or(1000);
    amount.saturating_add(divisor - 1).div_euclid(divisor).to_string()
}

/// The entries of a ConfigMap or Secret. (A server turns `stringData` into `data`; a restored Secret may still have it.)
fn contents<'v>(kind: &'v str, doc: &'v Value) -> impl Iterator<Item = (&'v str, String)> {
    let plain = At::top(doc).at("stringData").entries().filter_map(|(key, v)| Some((key, v.text()?.to_string())));
    let data = At::top(doc).at("data").entries().filter_map(move |(key, v)| Some((key, decoded(kind, v.text()?)?)));
    plain.chain(data)
}

fn decoded(kind: &str, value: &str) -> Option<String> {
    if kind == "ConfigMap" {
        return Some(value.to_string());
    }
    let bytes = BASE64_STANDARD.decode(value).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Names that `envFrom` takes: anything printable in ASCII without `=` (since 1.32).
fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'=')
}

/// Replaces `$(NAME)` by its value in the first of `scopes` that has it; `$$` gives `$`; what is unknown stays as it is.
/// `None`: the result would be longer than `most` bytes. It is not made first: values of values double with every step.
pub fn expand(text: &str, scopes: &[&Variables], most: usize) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((name, tail)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match scopes.iter().find_map(|scope| scope.get(name)) {
                Some(value) => out.push_str(value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = tail;
        } else {
            out.push('$');
        }
        if out.len() > most {
            return None;
        }
    }
    out.push_str(rest);
    (out.len() <= most).then_some(out)
}

impl Digestible for Environment {
    fn digest(&self, into: &mut StateDigest) {
        let Environment { own, declared, heard: Heard { services, revision, namespace, links } } = self;
        into.fold(&(own, declared, namespace, links));
        into.version("services", *revision, |into| services.digest(into));
    }
}

#[cfg(test)]
#[path = "env_tests.rs"]
mod upstream;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_expand_once() {
        let known: Variables = [("A", "1"), ("B", "$(A)")].map(|(k, v)| (k.to_string(), v.to_string())).into();
        let cases = [
            ("$(A)", "1"),
            ("x$(A)y", "x1y"),
            ("$$(A)", "$(A)"),
            ("$(C)", "$(C)"),
            ("$(B)", "$(A)"),
            ("$A ${A}", "$A ${A}"),
            ("$(A", "$(A"),
            ("$", "$"),
            ("$$", "$"),
            ("$$$(A)", "$1"),
        ];
        for (text, want) in cases {
            assert_eq!(expand(text, &[&known], 100).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn values_of_values_are_refused_before_they_are_made() {
        let doubling: Vec<Value> =
            (1..60).map(|n| json!({"name": format!("E{n}"), "value": format!("$(E{0})$(E{0})", n - 1)})).collect();
        let env: Vec<Value> = [json!({"name": "E0", "value": "x".repeat(16)})].into_iter().chain(doubling).collect();
        let pod = Pod::parse(&json!({"metadata": {"name": "p"}, "spec": {"enableServiceLinks": false, "containers": []}}));
        let made = of_container(&View::default(), &pod, &json!({"name": "c", "env": env}), &Around::default());
        assert!(made.is_err_and(|why| why.starts_with("kubewalk: variable E14 is longer than 131072 bytes")));

        let wide: Vec<Value> = (0..40).map(|n| json!({"name": format!("E{n}"), "value": "x".repeat(100_000)})).collect();
        let made = of_container(&View::default(), &pod, &json!({"name": "c", "env": wide}), &Around::default());
        assert!(made.is_err_and(|why| why.contains("variable E20 makes")));
    }

    #[test]
    fn a_service_gives_seven_variables_for_its_first_port() {
        let service = Service::parse(
            &json!({"metadata": {"name": "my-nginx", "namespace": "default"}, "spec": {"clusterIP": "10.0.162.149", "ports": [{"port": 80}]}}),
        );
        let names: Vec<String> = of_service(&service).into_iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            names,
            [
                "MY_NGINX_SERVICE_HOST=10.0.162.149",
                "MY_NGINX_SERVICE_PORT=80",
                "MY_NGINX_PORT=tcp://10.0.162.149:80",
                "MY_NGINX_PORT_80_TCP=tcp://10.0.162.149:80",
                "MY_NGINX_PORT_80_TCP_PROTO=tcp",
                "MY_NGINX_PORT_80_TCP_PORT=80",
                "MY_NGINX_PORT_80_TCP_ADDR=10.0.162.149",
            ]
        );
    }
}
