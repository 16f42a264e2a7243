//! Namespaces, ConfigMaps, Secrets, ServiceAccounts, quotas and limit ranges.

use std::collections::BTreeSet;

use base64::Engine;
use serde_json::Value;

use super::quantities;
use super::service::finish;
use super::writer::{Page, date};
use crate::api::table::document::{at, entries, list, name, namespace, object, pairs, text, texts};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::resource::Resource;

pub(super) async fn namespace_page(client: &mut Client<'_>, space: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(space));
    page.metadata(space);
    page.field(0, "Status", text(space, "status.phase"));
    let conditions = list(space, "status.conditions");
    if !conditions.is_empty() {
        page.line(0, "Conditions:");
        page.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
        page.line(1, "----\t------\t------------------\t------\t-------");
    }
    for c in conditions {
        let transition = date(c, "lastTransitionTime");
        let (kind, status, reason, message) = (text(c, "type"), text(c, "status"), text(c, "reason"), text(c, "message"));
        page.line(1, format!("{kind}\t{status}\t{transition}\t{reason}\t{message}"));
    }
    page.line(0, "");
    let quotas = client.list(&Resource::named("resourcequotas"), name(space), &Filter::default()).await.unwrap_or_default();
    if quotas.is_empty() {
        page.line(0, "No resource quota.");
    } else {
        page.line(0, "Resource Quotas");
    }
    for quota in &quotas {
        page.field(1, "Name", name(quota));
        scopes(&mut page, quota, 1, "* ");
        page.line(1, "Resource\tUsed\tHard");
        page.line(1, "--------\t---\t---");
        used_of_hard(&mut page, quota, 1);
    }
    page.line(0, "");
    let limits = client.list(&Resource::named("limitranges"), name(space), &Filter::default()).await.unwrap_or_default();
    if limits.is_empty() {
        page.line(0, "No LimitRange resource.");
    } else {
        page.line(0, "Resource Limits");
        page.line(0, " Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
        page.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    }
    for range in &limits {
        limit_rows(&mut page, range, " ");
    }
    page.finish()
}

fn scopes(page: &mut Page, quota: &Value, level: usize, bullet: &str) {
    let mut scopes = texts(quota, "spec.scopes");
    if scopes.is_empty() {
        return;
    }
    scopes.sort_unstable();
    page.field(level, "Scopes", scopes.join(", "));
    for scope in scopes {
        let help = match scope {
            "Terminating" => {
                "Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being \
                 actively terminated by the system."
            }
            "NotTerminating" => {
                "Matches all pods that do not have an active deadline. These pods usually include long running pods whose \
                 container command is not expected to terminate."
            }
            "BestEffort" => {
                "Matches all pods that do not have resource requirements set. These pods have a best effort quality of service."
            }
            "NotBestEffort" => {
                "Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed \
                 quality of service."
            }
            _ => continue,
        };
        page.line(level, format!("{bullet}{help}"));
    }
}

fn used_of_hard(page: &mut Page, quota: &Value, level: usize) {
    for (resource, hard) in entries(quota, "status.hard") {
        let used = at(quota, "status.used").get(resource).map_or("0".into(), quantities::canonical);
        page.line(level, format!("{resource}\t{used}\t{}", quantities::canonical(hard)));
    }
}

pub(super) fn quota(quota: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(quota));
    page.field(0, "Namespace", namespace(quota));
    scopes(&mut page, quota, 0, " * ");
    page.line(0, "Resource\tUsed\tHard");
    page.line(0, "--------\t----\t----");
    used_of_hard(&mut page, quota, 0);
    page.finish()
}

pub(super) fn limit_range(range: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(range));
    page.field(0, "Namespace", namespace(range));
    page.line(0, "Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    page.line(0, "----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    limit_rows(&mut page, range, "");
    page.finish()
}

fn limit_rows(page: &mut Page, range: &Value, prefix: &str) {
    const COLUMNS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for limit in list(range, "spec.limits") {
        let resources: BTreeSet<&String> =
            COLUMNS.iter().filter_map(|column| object(limit, column)).flat_map(serde_json::Map::keys).collect();
        for resource in resources {
            let cell = |column: &&str| at(limit, column).get(resource).map_or("-".into(), quantities::canonical);
            let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
            page.line(0, format!("{prefix}{}\t{resource}\t{}", text(limit, "type"), cells.join("\t")));
        }
    }
}

pub(super) async fn config_map(client: &mut Client<'_>, map: &Value, show_events: bool) -> String {
    let mut page = Page::default();
    page.heading(map);
    page.line(0, "\nData\n====");
    for (key, value) in pairs(map, "data") {
        page.line(0, format!("{key}:\n----\n{value}\n"));
    }
    page.line(0, "\nBinaryData\n====");
    for (key, value) in pairs(map, "binaryData") {
        page.line(0, format!("{key}: {} bytes", decoded(value).len()));
    }
    page.line(0, "");
    finish(client, page, map, show_events).await
}

pub(super) fn secret(secret: &Value) -> String {
    let mut page = Page::default();
    page.heading(secret);
    page.line(0, format!("\nType:\t{}", text(secret, "type")));
    page.line(0, "\nData\n====");
    for (key, value) in pairs(secret, "data") {
        let bytes = decoded(value);
        if key == "token" && text(secret, "type") == "kubernetes.io/service-account-token" {
            page.field(0, key, String::from_utf8_lossy(&bytes));
        } else {
            page.field(0, key, format!("{} bytes", bytes.len()));
        }
    }
    page.finish()
}

fn decoded(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
}

pub(super) async fn service_account(client: &mut Client<'_>, account: &Value, show_events: bool) -> String {
    let secrets = client.list(&Resource::named("secrets"), namespace(account), &Filter::default()).await.unwrap_or_default();
    let is_token = |secret: &&Value| {
        let notes = pairs(secret, "metadata.annotations");
        text(secret, "type") == "kubernetes.io/service-account-token"
            && notes.get("kubernetes.io/service-account.name") == Some(&name(account))
            && notes.get("kubernetes.io/service-account.uid").copied().unwrap_or("") == text(account, "metadata.uid")
    };
    let tokens: Vec<&str> = secrets.iter().filter(is_token).map(name).collect();
    let named = |path| list(account, path).iter().map(|reference| text(reference, "name")).collect::<Vec<_>>();
    let mut page = Page::default();
    page.heading(account);
    for (header, names) in [
        ("Image pull secrets:", named("imagePullSecrets")),
        ("Mountable secrets: ", named("secrets")),
        ("Tokens:            ", tokens),
    ] {
        if names.is_empty() {
            page.line(0, format!("{header}\t<none>"));
        }
        for (at, name_) in names.iter().enumerate() {
            let missing = if secrets.iter().any(|secret| name(secret) == *name_) { "" } else { " (not found)" };
            let prefix = if at == 0 { header.to_string() } else { " ".repeat(header.len()) };
            page.line(0, format!("{prefix}\t{name_}{missing}"));
        }
    }
    finish(client, page, account, show_events).await
}
