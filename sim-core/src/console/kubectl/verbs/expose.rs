//! `kubectl expose`: a Service for what is there.

use serde_json::{Value, json};

use super::create::sent;
use crate::api::table::document::{list, number, object, pairs, text};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, value};
use crate::console::kubectl::targets::{Query, Target};

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("port"),
    value("target-port"),
    value("name"),
    value("type"),
    value("protocol"),
    value("selector"),
    value("labels").short('l'),
    value("external-ip"),
    value("cluster-ip"),
    value("load-balancer-ip"),
    value("session-affinity"),
    value("overrides"),
    value("override-type"),
];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let query = Query { filter: Default::default(), ..Query::of(args) };
    let found = query.find(client).await?;
    Failure::gather(found.failures.clone())?;
    for target in found.targets() {
        let service = service(args, &target)?;
        sent(client, args, service, None, "exposed").await?;
    }
    Ok(())
}

fn service(args: &Args, target: &Target) -> Result<Value, Failure> {
    let object = &target.object;
    let kind = target.resource.kind.as_str();
    if !matches!(kind, "Service" | "Pod" | "ReplicationController" | "Deployment" | "ReplicaSet") {
        return Err(Failure::Error(format!("cannot expose a {}", target.resource.label())));
    }
    let ports = ports(args, kind, object)?;
    let labels = match args.has("labels") {
        true => super::label::map(&args.listed("labels"))?,
        false => json!(pairs(object, "metadata.labels")),
    };
    let mut spec = json!({"ports": ports, "selector": selector(args, kind, object)?});
    for (flag, field) in [
        ("type", "type"),
        ("cluster-ip", "clusterIP"),
        ("load-balancer-ip", "loadBalancerIP"),
        ("session-affinity", "sessionAffinity"),
    ] {
        if let Some(value) = args.get(flag) {
            spec[field] = value.into();
        }
    }
    if args.has("external-ip") {
        spec["externalIPs"] = json!(args.listed("external-ip"));
    }
    let mut metadata = json!({"creationTimestamp": null, "name": args.or("name", &target.name)});
    if labels.as_object().is_some_and(|labels| !labels.is_empty()) {
        metadata["labels"] = labels;
    }
    Ok(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}))
}

fn selector(args: &Args, kind: &str, source: &Value) -> Result<Value, Failure> {
    if args.has("selector") {
        return super::label::map(&args.listed("selector"));
    }
    let (path, why) = match kind {
        "Pod" => ("metadata.labels", "the pod has no labels and cannot be exposed"),
        "Service" | "ReplicationController" => ("spec.selector", "the service has no pod selector set"),
        _ if !list(source, "spec.selector.matchExpressions").is_empty() => {
            let why = "couldn't retrieve selectors via --selector flag or introspection: couldn't convert expressions - \
                       matchExpressions to map-based selector format";
            return Err(Failure::Error(why.into()));
        }
        _ => ("spec.selector.matchLabels", "invalid deployment: no selectors, therefore cannot be exposed"),
    };
    match object(source, path).filter(|labels| !labels.is_empty()) {
        Some(labels) => Ok(Value::Object(labels.clone())),
        None => Err(Failure::Error(format!("couldn't retrieve selectors via --selector flag or introspection: {why}"))),
    }
}

/// The ports of the new service: those of `--port`, else those that the source declares.
fn ports(args: &Args, kind: &str, object: &Value) -> Result<Vec<Value>, Failure> {
    let declared: Vec<(i64, String)> = match kind {
        "Service" => list(object, "spec.ports").iter().map(|p| (number(p, "port"), text(p, "protocol").to_string())).collect(),
        _ => {
            let containers =
                if kind == "Pod" { list(object, "spec.containers") } else { list(object, "spec.template.spec.containers") };
            let ports = containers.iter().flat_map(|container| list(container, "ports"));
            ports.map(|p| (number(p, "containerPort"), text(p, "protocol").to_string())).collect()
        }
    };
    let numbers: Vec<i64> = match args.has("port") {
        true => args
            .listed("port")
            .iter()
            .map(|port| port.parse().map_err(|_| Failure::Error(format!("strconv.Atoi: parsing {port:?}: invalid syntax"))))
            .collect::<Result<_, _>>()?,
        false => declared.iter().map(|(port, _)| *port).collect(),
    };
    if numbers.is_empty() {
        return Err(Failure::Usage {
            why: "couldn't find port via --port flag or introspection".into(),
            command: "expose".into(),
        });
    }
    let several = numbers.len() > 1;
    let target = |number: i64| match args.get("target-port") {
        None => json!(number),
        Some(text) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
    };
    let known = |number: i64| declared.iter().find(|(port, _)| *port == number).map(|(_, protocol)| protocol.as_str());
    let protocol = |number: i64| match args.get("protocol").or(known(number)) {
        None | Some("") => "TCP".to_string(),
        Some(protocol) => protocol.into(),
    };
    Ok(numbers
        .iter()
        .enumerate()
        .map(|(index, number)| {
            let mut port = json!({"port": number, "protocol": protocol(*number), "targetPort": target(*number)});
            if several {
                port["name"] = format!("port-{}", index + 1).into();
            }
            port
        })
        .collect())
}
