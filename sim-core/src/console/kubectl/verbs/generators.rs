//! `kubectl create KIND`: objects made from flags.
//!
//! The real thing: `k8s.io/kubectl/pkg/cmd/create`. What is made is compared in tests with what kubectl 1.32 prints for
//! `--dry-run=client -o yaml`.

use base64::Engine;
use serde_json::{Map, Value, json};

use super::create::generated;
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};

/// Flags of `create deployment`.
pub const DEPLOYMENT: &[Flag] = &[value("image"), value("port"), value("replicas").short('r')];
/// Flags of `create service`.
pub const SERVICE: &[Flag] = &[value("tcp"), value("clusterip"), value("node-port"), value("external-name")];
/// Flags of `create configmap` and `create secret generic`.
pub const DATA: &[Flag] =
    &[value("from-literal"), value("from-file"), value("from-env-file"), value("type"), switch("append-hash")];
/// Flags of `create job`.
pub const JOB: &[Flag] = &[value("image"), value("from")];

/// The one name that a generator takes.
fn only_name(args: &Args, command: &str) -> Result<String, Failure> {
    match args.before_dash() {
        [name] => Ok(name.clone()),
        names => {
            let why = format!("exactly one NAME is required, got {}", names.len());
            Err(Failure::Usage { why, command: command.into() })
        }
    }
}

fn required(args: &Args, flag: &str) -> Result<(), Failure> {
    match args.has(flag) {
        true => Ok(()),
        false => Err(Failure::Error(format!("required flag(s) {flag:?} not set"))),
    }
}

/// `create deployment`.
pub async fn deployment(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    required(args, "image")?;
    let name = only_name(args, "create deployment")?;
    let images = args.listed("image");
    if images.len() > 1 && !args.after_dash().is_empty() {
        return Err("cannot specify multiple --image options and command".into());
    }
    let port = args.number("port")?;
    let containers = images.iter().enumerate().map(|(at, image)| {
        let last = image.rsplit('/').next().unwrap_or(image);
        let mut container = json!({"image": image, "name": last.split(['@', ':']).next().unwrap_or(last), "resources": {}});
        if at == 0 && !args.after_dash().is_empty() {
            container["command"] = json!(args.after_dash());
        }
        if let (0, Some(port)) = (at, port.filter(|port| *port > 0)) {
            container["ports"] = json!([{"containerPort": port}]);
        }
        container
    });
    let labels = json!({"app": name});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"creationTimestamp": null, "labels": labels, "name": name},
        "spec": {
            "replicas": args.number("replicas")?.unwrap_or(1),
            "selector": {"matchLabels": labels},
            "strategy": {},
            "template": {
                "metadata": {"creationTimestamp": null, "labels": labels},
                "spec": {"containers": containers.collect::<Vec<_>>()},
            },
        },
        "status": {},
    });
    generated(client, args, object, Some("failed to create deployment:")).await
}

/// `create service clusterip`.
pub async fn cluster_ip(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    service(client, args, "ClusterIP", "clusterip").await
}

/// `create service nodeport`.
pub async fn node_port(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    service(client, args, "NodePort", "nodeport").await
}

/// `create service loadbalancer`.
pub async fn load_balancer(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    service(client, args, "LoadBalancer", "loadbalancer").await
}

/// `create service externalname`.
pub async fn external_name(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    required(args, "external-name")?;
    service(client, args, "ExternalName", "externalname").await
}

async fn service(client: &mut Client<'_>, args: &Args, kind: &str, command: &str) -> Result<(), Failure> {
    let name = only_name(args, &format!("create service {command}"))?;
    let cluster_ip = args.or("clusterip", "");
    let ports = args.listed("tcp");
    if ports.is_empty() && cluster_ip != "None" && kind != "ExternalName" {
        return Err("at least one tcp port specifier must be provided".into());
    }
    let node_port = args.number("node-port")?.unwrap_or(0);
    let mut list = Vec::new();
    for text in &ports {
        let mut port = tcp(text)?;
        if node_port > 0 {
            port["nodePort"] = node_port.into();
        }
        list.push(port);
    }
    let mut spec = json!({"selector": {"app": name}, "type": kind});
    if !list.is_empty() {
        spec["ports"] = list.into();
    }
    if !cluster_ip.is_empty() {
        spec["clusterIP"] = cluster_ip.into();
    }
    if kind == "ExternalName" {
        spec["externalName"] = args.or("external-name", "").into();
    }
    let object = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"creationTimestamp": null, "labels": {"app": name}, "name": name},
        "spec": spec,
        "status": {"loadBalancer": {}},
    });
    generated(client, args, object, Some(&format!("failed to create {kind} service:"))).await
}

/// `80`, `80:8080` or `80:http`.
fn tcp(text: &str) -> Result<Value, Failure> {
    let (port, target) = text.split_once(':').unwrap_or((text, text));
    let number = |text: &str| {
        text.parse::<u16>().map_err(|_| {
            let why = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
                "value out of range"
            } else {
                "invalid syntax"
            };
            Failure::Error(format!("strconv.ParseUint: parsing {text:?}: {why}"))
        })
    };
    let target = match target.parse::<u16>() {
        Ok(number) => json!(number),
        Err(_) if text.contains(':') => json!(target),
        Err(_) => json!(number(target)?),
    };
    let name = text.replace(':', "-");
    Ok(json!({"name": name, "port": number(port)?, "protocol": "TCP", "targetPort": target}))
}

/// `create namespace`.
pub async fn namespace(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let name = only_name(args, "create namespace")?;
    let metadata = json!({"creationTimestamp": null, "name": name});
    generated(
        client,
        args,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "spec": {}, "status": {}}),
        None,
    )
    .await
}

/// `create serviceaccount`.
pub async fn service_account(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let name = only_name(args, "create serviceaccount")?;
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"creationTimestamp": null, "name": name}});
    generated(client, args, object, Some("failed to create serviceaccount:")).await
}

/// `create configmap`.
pub async fn config_map(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let name = only_name(args, "create configmap")?;
    let data = data(client, args)?;
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"creationTimestamp": null, "name": name}});
    if !data.is_empty() {
        object["data"] = Value::Object(data.into_iter().map(|(key, text)| (key, text.into())).collect());
    }
    generated(client, args, object, Some("failed to create configmap:")).await
}

/// `create secret generic`.
pub async fn secret(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let name = only_name(args, "create secret generic")?;
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let data: Map<String, Value> = data(client, args)?.into_iter().map(|(key, text)| (key, encode(text).into())).collect();
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"creationTimestamp": null, "name": name}});
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if let Some(kind) = args.get("type") {
        object["type"] = kind.into();
    }
    generated(client, args, object, Some("failed to create secret")).await
}

/// Keys and values from `--from-literal`, `--from-file` and `--from-env-file`.
fn data(client: &mut Client<'_>, args: &Args) -> Result<Vec<(String, String)>, Failure> {
    let mut data = Vec::new();
    for literal in args.all("from-literal") {
        let Some((key, value)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            return Err(Failure::Error(format!("invalid literal source {literal}, expected key=value")));
        };
        let quoted = ['"', '\''].iter().any(|q| value.len() > 1 && value.starts_with(*q) && value.ends_with(*q));
        data.push((key.into(), if quoted { value[1..value.len() - 1].into() } else { value.into() }));
    }
    for source in args.all("from-file") {
        let base = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or(path).to_string();
        let (key, path) = source.split_once('=').map_or((None, source.as_str()), |(key, path)| (Some(key), path));
        match client.host.list_dir(path) {
            Ok(names) if key.is_none() => {
                for file in names.into_iter().filter(|file| !file.ends_with('/')) {
                    let text = client.file(&format!("{}/{file}", path.trim_end_matches('/')))?;
                    data.push((file, text));
                }
            }
            _ => data.push((key.map_or_else(|| base(path), String::from), client.file(path)?)),
        }
    }
    for path in args.all("from-env-file") {
        let text = client.file(path)?;
        for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            data.push((key.into(), value.into()));
        }
    }
    for (at, (key, _)) in data.iter().enumerate() {
        if data[..at].iter().any(|(other, _)| other == key) {
            return Err(Failure::Error(format!("cannot add key {key}, another key by that name already exists in Data")));
        }
    }
    Ok(data)
}

/// `create job`.
pub async fn job(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let name = only_name(args, "create job")?;
    let Some(image) = args.get("image") else {
        return Err("either --image or --from must be specified".into());
    };
    let mut container = json!({"image": image, "name": name, "resources": {}});
    if !args.after_dash().is_empty() {
        container["command"] = json!(args.after_dash());
    }
    let object = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"creationTimestamp": null, "name": name},
        "spec": {"template": {
            "metadata": {"creationTimestamp": null},
            "spec": {"containers": [container], "restartPolicy": "Never"},
        }},
        "status": {},
    });
    generated(client, args, object, Some("failed to create job:")).await
}
