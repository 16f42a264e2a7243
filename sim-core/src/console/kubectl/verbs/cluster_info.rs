//! `kubectl cluster-info`, `cluster-info dump`, `version`, `api-resources`, `api-versions`.

use serde_json::{Value, json};

use crate::api::kinds::KINDS;
use crate::api::table::document::{list, name, namespace, text};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, optional, switch, value};
use crate::console::kubectl::output::{self, pretty};
use crate::console::kubectl::resource::Resource;
use crate::console::kubectl::{pods, session};
use crate::render::table::table;
use crate::yaml::to_yaml;

/// Flags of `cluster-info dump`.
pub const DUMP: &[Flag] = &[value("output-directory"), value("namespaces"), value("pod-running-timeout")];
/// Flags of `version`.
pub const VERSION: &[Flag] = &[switch("client")];
/// Flags of `api-resources`.
pub const RESOURCES: &[Flag] = &[
    value("api-group"),
    value("verbs"),
    value("categories"),
    value("sort-by"),
    switch("no-headers"),
    switch("cached"),
    optional("namespaced", "true"),
];

/// The version that this client is modelled on.
const CLIENT: &str = "v1.32.4";
const KUSTOMIZE: &str = "v5.5.0";

/// `kubectl cluster-info`.
pub async fn run(client: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    let server = server(client);
    client.say(format!("Kubernetes control plane is running at {server}"));
    let filter = Filter { labels: "kubernetes.io/cluster-service=true".into(), ..Filter::default() };
    for service in client.list(&Resource::named("services"), "kube-system", &filter).await? {
        let shown = service.pointer("/metadata/labels/kubernetes.io~1name").and_then(Value::as_str).unwrap_or(name(&service));
        let port = list(&service, "spec.ports").first().map_or("", |port| text(port, "name"));
        let port = if port.is_empty() { String::new() } else { format!(":{port}") };
        let path = format!("api/v1/namespaces/{}/services/{}{port}/proxy", namespace(&service), name(&service));
        client.say(format!("{shown} is running at {server}/{path}"));
    }
    client.say("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.");
    Ok(())
}

fn server(client: &mut Client<'_>) -> String {
    let config = session::read(client.host);
    let cluster = list(&config, "clusters").first().map_or("", |cluster| text(cluster, "cluster.server"));
    if cluster.is_empty() { session::SERVER.into() } else { cluster.into() }
}

/// `kubectl cluster-info dump`: JSON lists of what matters, then the logs of all pods.
pub async fn dump(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let all = Filter::default();
    let yaml = args.get("output") == Some("yaml");
    dump_list(client, "nodes", "", yaml).await?;
    let spaces: Vec<String> = if args.on("all-namespaces") {
        client.list(&Resource::named("namespaces"), "", &all).await?.iter().map(|space| name(space).to_string()).collect()
    } else if args.has("namespaces") {
        args.listed("namespaces")
    } else {
        vec!["kube-system".into(), client.namespace.clone()]
    };
    for space in &spaces {
        let mut found = Vec::new();
        for typed in ["events", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "pods"] {
            found = dump_list(client, typed, space, yaml).await?;
        }
        for pod in &found {
            dump_logs(client, pod);
        }
    }
    Ok(())
}

/// Prints the objects of a kind as a list.
async fn dump_list(client: &mut Client<'_>, typed: &str, space: &str, yaml: bool) -> Result<Vec<Value>, Failure> {
    let resource = Resource::named(typed);
    let items = client.list(&resource, space, &Filter::default()).await?;
    let bare = items.iter().cloned().map(|item| {
        let mut item = output::without_managed_fields(item);
        if let Some(map) = item.as_object_mut() {
            map.remove("apiVersion");
            map.remove("kind");
        }
        item
    });
    let group = if resource.group.is_empty() { String::new() } else { format!("{}/", resource.group) };
    let list = json!({
        "apiVersion": format!("{group}{}", resource.version),
        "items": bare.collect::<Vec<_>>(),
        "kind": format!("{}List", resource.kind),
        "metadata": {"resourceVersion": client.world().revision().to_string()},
    });
    let text = if yaml { to_yaml(&list) } else { pretty(&list) };
    client.out.push_str(&text);
    Ok(items)
}

fn dump_logs(client: &mut Client<'_>, pod: &Value) {
    let (space, pod_name) = pods::place(pod);
    for container in list(pod, "spec.containers").iter().map(|container| text(container, "name")) {
        client.say(format!("==== START logs for container {container} of pod {space}/{pod_name} ===="));
        let logs = client.world().logs(&space, &pod_name, container, false);
        match logs {
            Ok(lines) => lines.into_iter().for_each(|(_, line)| client.say(line)),
            Err(why) => client.say(format!("Request log error: {why}")),
        }
        client.say(format!("==== END logs for container {container} of pod {space}/{pod_name} ===="));
    }
}

/// `kubectl version`.
pub async fn version(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let nodes = client.list(&Resource::named("nodes"), "", &Filter::default()).await.unwrap_or_default();
    let of_nodes = nodes.first().map_or("", |node| text(node, "status.nodeInfo.kubeletVersion"));
    let server = if of_nodes.is_empty() { CLIENT } else { of_nodes };
    let info = |version: &str| {
        let mut parts = version.trim_start_matches('v').split('.');
        json!({"gitVersion": version, "major": parts.next(), "minor": parts.next()})
    };
    let mut all = json!({"clientVersion": info(CLIENT), "kustomizeVersion": KUSTOMIZE});
    if !args.on("client") {
        all["serverVersion"] = info(server);
    }
    match args.get("output") {
        None => {
            client.say(format!("Client Version: {CLIENT}\nKustomize Version: {KUSTOMIZE}"));
            if !args.on("client") {
                client.say(format!("Server Version: {server}"));
            }
        }
        Some("json") => client.out.push_str(&pretty(&all).replace("    ", "  ")),
        Some("yaml") => client.out.push_str(&to_yaml(&all)),
        Some(_) => return Err("--output must be 'yaml' or 'json'".into()),
    }
    Ok(())
}

/// `kubectl api-versions`.
pub async fn api_versions(client: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    let mut versions: Vec<String> = KINDS.iter().map(|kind| kind.api_version()).collect();
    versions.sort();
    versions.dedup();
    versions.iter().for_each(|version| client.say(version));
    Ok(())
}

/// `kubectl api-resources`.
pub async fn api_resources(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let wanted_scope = args.get("namespaced").map(|text| text == "true");
    let categories = args.listed("categories");
    let mut kinds: Vec<_> = KINDS.iter().collect();
    kinds.sort_by_key(|kind| (kind.group, kind.plural));
    kinds.dedup_by_key(|kind| (kind.group, kind.plural));
    kinds.retain(|kind| {
        wanted_scope.is_none_or(|scope| scope == kind.namespaced)
            && args.get("api-group").is_none_or(|group| group == kind.group)
            && (categories.is_empty() || categories.iter().any(|wanted| kind.categories.contains(&wanted.as_str())))
    });
    match args.get("sort-by") {
        Some("kind") => kinds.sort_by_key(|kind| kind.kind),
        Some("name") => kinds.sort_by_key(|kind| kind.plural),
        _ => {}
    }
    if args.get("output") == Some("name") {
        kinds.iter().for_each(|kind| client.say(kind.resource()));
        return Ok(());
    }
    let mut rows: Vec<Vec<String>> = kinds
        .iter()
        .map(|kind| {
            let scope = kind.namespaced.to_string();
            vec![kind.plural.into(), kind.short_names.join(","), kind.api_version(), scope, kind.kind.into()]
        })
        .collect();
    if !args.on("no-headers") {
        rows.insert(0, ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"].map(String::from).into());
    }
    client.out.push_str(&table(&rows));
    Ok(())
}
