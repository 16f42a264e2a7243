//! Containers of pods and of pod templates.

use serde_json::Value;

use super::quantities;
use super::writer::{Page, date};
use crate::api::table::document::{at, entries, flag, has, host_port, list, number, or_none, pairs, plain, text, texts};

/// Where containers are shown: in a pod, or indented in a template.
pub struct Place<'a> {
    /// Indent of the title; names are indented by one blank more when it is not empty.
    pub space: &'a str,
    /// The pod, whose fields environment variables may show. Templates have none.
    pub pod: Option<&'a Value>,
}

/// Writes the containers under `label`.
pub fn describe(page: &mut Page, label: &str, containers: &[Value], statuses: &[Value], place: &Place<'_>) {
    let none = if containers.is_empty() { " <none>" } else { "" };
    page.line(0, format!("{}{label}:{none}", place.space));
    let indent = if place.space.is_empty() { "" } else { " " };
    for container in containers {
        page.line(1, format!("{indent}{}:", text(container, "name")));
        let status = statuses.iter().find(|status| text(status, "name") == text(container, "name"));
        basics(page, container, status);
        for (title, field) in [("Command", "command"), ("Args", "args")] {
            let words = texts(container, field);
            if !words.is_empty() {
                page.line(2, format!("{title}:"));
                for line in words.iter().flat_map(|word| word.split('\n')) {
                    page.line(3, line);
                }
            }
        }
        if let Some(status) = status {
            state(page, "State", at(status, "state"));
            if has(status, "lastState.terminated") {
                state(page, "Last State", at(status, "lastState"));
            }
            page.field(2, "Ready", if flag(status, "ready") { "True" } else { "False" });
            page.field(2, "Restart Count", number(status, "restartCount"));
        }
        resources(page, container);
        for (title, field) in [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")] {
            if has(container, field) {
                page.field(2, title, probe(at(container, field)));
            }
        }
        env_from(page, container);
        env(page, container, place.pod);
        mounts(page, container);
    }
}

fn basics(page: &mut Page, container: &Value, status: Option<&Value>) {
    if let Some(status) = status {
        page.field(2, "Container ID", text(status, "containerID"));
    }
    page.field(2, "Image", text(container, "image"));
    if let Some(status) = status {
        page.field(2, "Image ID", text(status, "imageID"));
    }
    for (title, field) in [("Port", "containerPort"), ("Host Port", "hostPort")] {
        let ports = list(container, "ports").iter();
        let ports: Vec<String> = ports.map(|port| format!("{}/{}", number(port, field), text(port, "protocol"))).collect();
        let plural = if ports.len() > 1 { "s" } else { "" };
        page.field(2, &format!("{title}{plural}"), or_none(ports.join(", ")));
    }
    let seccomp = text(container, "securityContext.seccompProfile.type");
    if !seccomp.is_empty() {
        page.field(2, "SeccompProfile", seccomp);
        if seccomp == "Localhost" {
            page.field(3, "LocalhostProfile", text(container, "securityContext.seccompProfile.localhostProfile"));
        }
    }
}

fn state(page: &mut Page, title: &str, state: &Value) {
    if has(state, "running") {
        page.field(2, title, "Running");
        page.field(3, "Started", date(state, "running.startedAt"));
    } else if has(state, "terminated") {
        let end = at(state, "terminated");
        page.field(2, title, "Terminated");
        for (key, field) in [("Reason", "reason"), ("Message", "message")] {
            if !text(end, field).is_empty() {
                page.field(3, key, text(end, field));
            }
        }
        page.field(3, "Exit Code", number(end, "exitCode"));
        if number(end, "signal") > 0 {
            page.field(3, "Signal", number(end, "signal"));
        }
        page.field(3, "Started", date(end, "startedAt"));
        page.field(3, "Finished", date(end, "finishedAt"));
    } else {
        page.field(2, title, "Waiting");
        let reason = text(state, "waiting.reason");
        if !reason.is_empty() {
            page.field(3, "Reason", reason);
        }
    }
}

fn resources(page: &mut Page, container: &Value) {
    for (title, field) in [("Limits", "resources.limits"), ("Requests", "resources.requests")] {
        let amounts = entries(container, field);
        if !amounts.is_empty() {
            page.line(2, format!("{title}:"));
        }
        for (name, amount) in amounts {
            page.field(3, name, quantities::canonical(amount));
        }
    }
}

/// A probe in one line.
pub fn probe(probe: &Value) -> String {
    let timing = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        number(probe, "initialDelaySeconds"),
        number(probe, "timeoutSeconds"),
        number(probe, "periodSeconds"),
        number(probe, "successThreshold"),
        number(probe, "failureThreshold")
    );
    if has(probe, "exec") {
        return format!("exec [{}] {timing}", texts(probe, "exec.command").join(" "));
    }
    if has(probe, "httpGet") {
        let get = at(probe, "httpGet");
        let (scheme, host, port) = (text(get, "scheme").to_lowercase(), text(get, "host"), plain(at(get, "port")));
        let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}:") };
        let path = text(get, "path");
        let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
        return format!("http-get {scheme}//{}{slash}{path} {timing}", host_port(host, &port));
    }
    if has(probe, "tcpSocket") {
        let socket = at(probe, "tcpSocket");
        return format!("tcp-socket {}:{} {timing}", text(socket, "host"), plain(at(socket, "port")));
    }
    if has(probe, "grpc") {
        return format!("grpc <pod>:{} {} {timing}", number(probe, "grpc.port"), text(probe, "grpc.service"));
    }
    format!("unknown {timing}")
}

fn env_from(page: &mut Page, container: &Value) {
    let sources = list(container, "envFrom");
    if sources.is_empty() {
        return;
    }
    page.line(2, "Environment Variables from:");
    for source in sources {
        let (kind, reference) = if has(source, "configMapRef") {
            ("ConfigMap", at(source, "configMapRef"))
        } else if has(source, "secretRef") {
            ("Secret", at(source, "secretRef"))
        } else {
            ("", &Value::Null)
        };
        let prefix = match text(source, "prefix") {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        let optional = flag(reference, "optional");
        page.line(3, format!("{}\t{kind}{prefix}\tOptional: {optional}", text(reference, "name")));
    }
}

fn env(page: &mut Page, container: &Value, pod: Option<&Value>) {
    let variables = list(container, "env");
    page.line(2, if variables.is_empty() { "Environment:\t<none>" } else { "Environment:" });
    for variable in variables {
        let name = text(variable, "name");
        let from = at(variable, "valueFrom");
        if from.is_null() {
            let mut lines = text(variable, "value").split('\n');
            page.line(3, format!("{name}:\t{}", lines.next().unwrap_or("")));
            for line in lines {
                page.line(3, format!("\t{line}"));
            }
        } else if has(from, "fieldRef") {
            let reference = at(from, "fieldRef");
            let path = text(reference, "fieldPath");
            let shown = pod.map(|pod| pod_field(pod, path)).unwrap_or_default();
            let version = match text(reference, "apiVersion") {
                "" => "v1",
                version => version,
            };
            page.line(3, format!("{name}:\t{shown} ({version}:{path})"));
        } else if has(from, "resourceFieldRef") {
            let resource = text(from, "resourceFieldRef.resource");
            let amount = quantities::of_container(container, at(from, "resourceFieldRef"));
            let amount = match (amount.as_str(), resource) {
                ("0", "limits.cpu" | "limits.memory") => "node allocatable".into(),
                _ => amount,
            };
            page.line(3, format!("{name}:\t{amount} ({resource})"));
        } else {
            for (field, of) in [("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")] {
                let reference = at(from, field);
                if !reference.is_null() {
                    let (key, from) = (text(reference, "key"), text(reference, "name"));
                    let optional = flag(reference, "optional");
                    page.line(3, format!("{name}:\t<set to the key '{key}' {of} '{from}'>\tOptional: {optional}"));
                }
            }
        }
    }
}

/// The value of a pod's field, as far as kubectl looks it up: metadata only.
fn pod_field(pod: &Value, path: &str) -> String {
    let keyed = |prefix: &str, place: &str| {
        let key = path.strip_prefix(prefix)?.strip_prefix("['")?.strip_suffix("']")?;
        Some(pairs(pod, place).get(key).copied().unwrap_or("").to_string())
    };
    keyed("metadata.labels", "metadata.labels")
        .or_else(|| keyed("metadata.annotations", "metadata.annotations"))
        .or_else(|| ["metadata.name", "metadata.namespace", "metadata.uid"].contains(&path).then(|| text(pod, path).into()))
        .unwrap_or_default()
}

fn mounts(page: &mut Page, container: &Value) {
    let mut mounts: Vec<&Value> = list(container, "volumeMounts").iter().collect();
    page.line(2, if mounts.is_empty() { "Mounts:\t<none>" } else { "Mounts:" });
    mounts.sort_by_key(|mount| text(mount, "mountPath"));
    for mount in mounts {
        let mut flags = if flag(mount, "readOnly") { "ro".to_string() } else { "rw".into() };
        if !text(mount, "subPath").is_empty() {
            flags.push_str(&format!(",path={:?}", text(mount, "subPath")));
        }
        page.line(3, format!("{} from {} ({flags})", text(mount, "mountPath"), text(mount, "name")));
    }
    let mut devices: Vec<&Value> = list(container, "volumeDevices").iter().collect();
    devices.sort_by_key(|device| text(device, "devicePath"));
    if !devices.is_empty() {
        page.line(2, if list(container, "volumeMounts").is_empty() { "Devices:\t<none>" } else { "Devices:" });
    }
    for device in devices {
        page.line(3, format!("{} from {}", text(device, "devicePath"), text(device, "name")));
    }
}
