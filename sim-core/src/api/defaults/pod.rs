//! Defaults of pods and of the pod templates of workloads.

use serde_json::{Value, json};

use crate::api::document::{flag, is_unset, items_mut, number, object, put, put_default, text};

/// Mode of files in volumes: 0644.
const FILE_MODE: i64 = 0o644;
/// Lists of containers in a pod spec.
pub const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Fills in a Pod.
pub fn set(doc: &mut Value) {
    // In Go the spec is there even when the manifest has none.
    put_default(doc, "/spec", json!({}));
    let Some(spec) = doc.get_mut("spec") else { return };
    set_spec(spec);
    // These three are not applied to templates.
    put_default(spec, "/enableServiceLinks", true);
    let on_host = flag(spec, "/hostNetwork") == Some(true);
    for list in ["/containers", "/initContainers"] {
        for container in items_mut(spec, list) {
            requests_from_limits(container);
            for port in items_mut(container, "/ports") {
                if on_host && number(port, "/hostPort").unwrap_or(0) == 0 {
                    let same = number(port, "/containerPort").unwrap_or(0);
                    put(port, "/hostPort", same);
                }
            }
        }
    }
}

/// Fills in a pod spec, of a pod or of a template.
pub fn set_spec(spec: &mut Value) {
    for list in CONTAINER_LISTS {
        items_mut(spec, &format!("/{list}")).iter_mut().for_each(set_container);
    }
    items_mut(spec, "/volumes").iter_mut().for_each(set_volume);
    put_default(spec, "/dnsPolicy", "ClusterFirst");
    put_default(spec, "/restartPolicy", "Always");
    put_default(spec, "/schedulerName", "default-scheduler");
    put_default(spec, "/securityContext", json!({}));
    put_default(spec, "/terminationGracePeriodSeconds", 30);
    // The old name of the field lives on as a copy.
    let account = text(spec, "/serviceAccountName").to_string();
    let account = if account.is_empty() { text(spec, "/serviceAccount").to_string() } else { account };
    if !account.is_empty() {
        put(spec, "/serviceAccountName", account.as_str());
        put(spec, "/serviceAccount", account);
    }
}

fn set_container(container: &mut Value) {
    let policy = pull_policy(text(container, "/image"));
    put_default(container, "/imagePullPolicy", policy);
    put_default(container, "/terminationMessagePath", "/dev/termination-log");
    put_default(container, "/terminationMessagePolicy", "File");
    put_default(container, "/resources", json!({}));
    for port in items_mut(container, "/ports") {
        put_default(port, "/protocol", "TCP");
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            set_probe(probe);
        }
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = container.pointer_mut(&format!("/lifecycle/{hook}")) {
            set_handler(hook);
        }
    }
    for variable in items_mut(container, "/env") {
        if !is_unset(variable, "/valueFrom/fieldRef") {
            put_default(variable, "/valueFrom/fieldRef/apiVersion", "v1");
        }
    }
}

fn set_probe(probe: &mut Value) {
    for (field, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)] {
        // Zero means unset here.
        if number(probe, &format!("/{field}")).unwrap_or(0) == 0 {
            put(probe, &format!("/{field}"), value);
        }
    }
    set_handler(probe);
    if !is_unset(probe, "/grpc") && probe["grpc"].get("service").is_none() {
        put(probe, "/grpc/service", "");
    }
}

fn set_handler(handler: &mut Value) {
    if !is_unset(handler, "/httpGet") {
        put_default(handler, "/httpGet/path", "/");
        put_default(handler, "/httpGet/scheme", "HTTP");
    }
}

fn set_volume(volume: &mut Value) {
    if object(volume, "").is_some_and(|fields| fields.keys().all(|key| key == "name")) {
        put(volume, "/emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if !is_unset(volume, &format!("/{source}")) {
            put_default(volume, &format!("/{source}/defaultMode"), FILE_MODE);
        }
    }
    if !is_unset(volume, "/hostPath") && volume["hostPath"].get("type").is_none() {
        put(volume, "/hostPath/type", "");
    }
    for source in items_mut(volume, "/projected/sources") {
        if !is_unset(source, "/serviceAccountToken") {
            put_default(source, "/serviceAccountToken/expirationSeconds", 3600);
        }
    }
}

fn requests_from_limits(container: &mut Value) {
    let limits: Vec<(String, Value)> = object(container, "/resources/limits")
        .into_iter()
        .flatten()
        .map(|(name, amount)| (name.clone(), amount.clone()))
        .collect();
    for (name, amount) in limits {
        let name = name.replace('~', "~0").replace('/', "~1");
        put_default(container, &format!("/resources/requests/{name}"), amount);
    }
}

/// A moving tag is pulled every time, a fixed one only when it is missing.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, ""), |(name, digest)| (name, digest));
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map_or("", |(_, tag)| tag);
    match (tag, digest) {
        ("" | "latest", "") => "Always",
        _ => "IfNotPresent",
    }
}
