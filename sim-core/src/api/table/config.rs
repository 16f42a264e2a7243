//! Rows of the smaller kinds: Namespaces, ConfigMaps, Secrets, ServiceAccounts, Events, storage and access rules.
//!
//! The real thing: the print functions of these names in `pkg/printers/internalversion/printers.go`.

use serde_json::Value;

use super::document::{at, entries, flag, has, list, name, number, object, or_none, pairs, plain, text, texts, time};
use super::{Table, always, created, wide};
use crate::objects::quantity;
use crate::objects::time::Timestamp;
use crate::render::age;

fn count(document: &Value, path: &str) -> usize {
    object(document, path).map_or(0, serde_json::Map::len)
}

/// A quantity in its canonical form.
fn amount(value: &Value) -> String {
    let text = plain(value);
    quantity::canonical(&text).unwrap_or(text)
}

pub(super) const NAMESPACE: Table = Table {
    columns: &[always("Name"), always("Status"), always("Age")],
    row: |ns, now| vec![name(ns).into(), text(ns, "status.phase").into(), created(ns, now)],
};

pub(super) const CONFIG_MAP: Table = Table {
    columns: &[always("Name"), always("Data"), always("Age")],
    row: |map, now| {
        let total = count(map, "data") + count(map, "binaryData");
        vec![name(map).into(), total.to_string(), created(map, now)]
    },
};

pub(super) const SECRET: Table = Table {
    columns: &[always("Name"), always("Type"), always("Data"), always("Age")],
    row: |secret, now| {
        vec![name(secret).into(), text(secret, "type").into(), count(secret, "data").to_string(), created(secret, now)]
    },
};

pub(super) const SERVICE_ACCOUNT: Table = Table {
    columns: &[always("Name"), always("Secrets"), always("Age")],
    row: |account, now| vec![name(account).into(), list(account, "secrets").len().to_string(), created(account, now)],
};

pub(super) const EVENT: Table = Table {
    columns: &[
        always("Last Seen"),
        always("Type"),
        always("Reason"),
        always("Object"),
        wide("Subobject"),
        wide("Source"),
        always("Message"),
        wide("First Seen"),
        wide("Count"),
        wide("Name"),
    ],
    row: event,
};

fn event(event: &Value, now: Timestamp) -> Vec<String> {
    let event_time = time(event, "eventTime");
    let first = time(event, "firstTimestamp").or(event_time);
    let mut last = time(event, "lastTimestamp").or(first);
    let mut count = number(event, "count");
    if has(event, "series") {
        last = time(event, "series.lastObservedTime");
        count = number(event, "series.count");
    } else if count == 0 {
        // An event of the newer API that was seen once carries no count.
        count = 1;
    }
    let about = match text(event, "involvedObject.name") {
        "" => text(event, "involvedObject.kind").to_lowercase(),
        name => format!("{}/{name}", text(event, "involvedObject.kind").to_lowercase()),
    };
    vec![
        age::age(last, now),
        text(event, "type").into(),
        text(event, "reason").into(),
        about,
        text(event, "involvedObject.fieldPath").into(),
        source(event),
        text(event, "message").trim().into(),
        age::age(first, now),
        count.to_string(),
        name(event).into(),
    ]
}

/// The component that reported an event, and the machine it runs on.
fn source(event: &Value) -> String {
    let component = match text(event, "source.component") {
        "" => text(event, "reportingComponent"),
        component => component,
    };
    let host = match text(event, "source.host") {
        "" => text(event, "reportingInstance"),
        host => host,
    };
    if host.is_empty() { component.into() } else { format!("{component}, {host}") }
}

pub(super) const CLAIM: Table = Table {
    columns: &[
        always("Name"),
        always("Status"),
        always("Volume"),
        always("Capacity"),
        always("Access Modes"),
        always("StorageClass"),
        always("VolumeAttributesClass"),
        always("Age"),
        wide("VolumeMode"),
    ],
    row: |claim, now| {
        let phase = if has(claim, "metadata.deletionTimestamp") { "Terminating" } else { text(claim, "status.phase") };
        let bound = !text(claim, "spec.volumeName").is_empty();
        let (capacity, modes) = if bound {
            (amount(at(claim, "status.capacity.storage")), access_modes(&texts(claim, "status.accessModes")))
        } else {
            Default::default()
        };
        vec![
            name(claim).into(),
            phase.into(),
            text(claim, "spec.volumeName").into(),
            capacity,
            modes,
            text(claim, "spec.storageClassName").into(),
            match text(claim, "spec.volumeAttributesClassName") {
                "" => "<unset>".into(),
                class => class.into(),
            },
            created(claim, now),
            match text(claim, "spec.volumeMode") {
                "" => "<unset>".into(),
                mode => mode.into(),
            },
        ]
    },
};

pub(super) const VOLUME: Table = Table {
    columns: &[
        always("Name"),
        always("Capacity"),
        always("Access Modes"),
        always("Reclaim Policy"),
        always("Status"),
        always("Claim"),
        always("StorageClass"),
        always("VolumeAttributesClass"),
        always("Reason"),
        always("Age"),
        wide("VolumeMode"),
    ],
    row: |volume, now| {
        let claim = at(volume, "spec.claimRef");
        let phase = if has(volume, "metadata.deletionTimestamp") { "Terminating" } else { text(volume, "status.phase") };
        let unset = |path| match text(volume, path) {
            "" => "<unset>".to_string(),
            value => value.into(),
        };
        vec![
            name(volume).into(),
            amount(at(volume, "spec.capacity.storage")),
            access_modes(&texts(volume, "spec.accessModes")),
            text(volume, "spec.persistentVolumeReclaimPolicy").into(),
            phase.into(),
            if claim.is_null() { String::new() } else { format!("{}/{}", text(claim, "namespace"), text(claim, "name")) },
            text(volume, "spec.storageClassName").into(),
            unset("spec.volumeAttributesClassName"),
            text(volume, "status.reason").into(),
            created(volume, now),
            unset("spec.volumeMode"),
        ]
    },
};

/// `RWO,ROX,RWX,RWOP`: each mode once, in this order.
fn access_modes(modes: &[&str]) -> String {
    let short = [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    short.iter().filter(|(long, _)| modes.contains(long)).map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

pub(super) const STORAGE_CLASS: Table = Table {
    columns: &[
        always("Name"),
        always("Provisioner"),
        always("ReclaimPolicy"),
        always("VolumeBindingMode"),
        always("AllowVolumeExpansion"),
        always("Age"),
    ],
    row: |class, now| {
        let is_default = pairs(class, "metadata.annotations").get("storageclass.kubernetes.io/is-default-class") == Some(&"true");
        let or = |path, default: &str| match text(class, path) {
            "" => default.to_string(),
            value => value.into(),
        };
        vec![
            if is_default { format!("{} (default)", name(class)) } else { name(class).into() },
            text(class, "provisioner").into(),
            or("reclaimPolicy", "Delete"),
            or("volumeBindingMode", "Immediate"),
            flag(class, "allowVolumeExpansion").to_string(),
            created(class, now),
        ]
    },
};

pub(super) const PRIORITY_CLASS: Table = Table {
    columns: &[always("Name"), always("Value"), always("Global-Default"), always("Age"), always("PreemptionPolicy")],
    row: |class, now| {
        let policy = text(class, "preemptionPolicy");
        vec![
            name(class).into(),
            number(class, "value").to_string(),
            flag(class, "globalDefault").to_string(),
            created(class, now),
            or_none(policy),
        ]
    },
};

/// Kinds of which the server only tells when they were made.
pub(super) const CREATED_AT: Table = Table {
    columns: &[always("Name"), always("Created At")],
    row: |role, _| {
        let at = time(role, "metadata.creationTimestamp");
        vec![name(role).into(), at.map_or("<unknown>".into(), Timestamp::rfc3339)]
    },
};

pub(super) const ROLE_BINDING: Table = Table {
    columns: &[always("Name"), always("Role"), always("Age"), wide("Users"), wide("Groups"), wide("ServiceAccounts")],
    row: |binding, now| {
        let subjects = |kind: &str| {
            let named = list(binding, "subjects").iter().filter(|s| text(s, "kind") == kind);
            let shown = named.map(|s| match text(s, "namespace") {
                "" => text(s, "name").to_string(),
                ns => format!("{ns}/{}", text(s, "name")),
            });
            shown.collect::<Vec<_>>().join(", ")
        };
        vec![
            name(binding).into(),
            format!("{}/{}", text(binding, "roleRef.kind"), text(binding, "roleRef.name")),
            created(binding, now),
            subjects("User"),
            subjects("Group"),
            subjects("ServiceAccount"),
        ]
    },
};

pub(super) const QUOTA: Table = Table {
    columns: &[always("Name"), always("Age"), always("Request"), always("Limit")],
    row: |quota, now| {
        let (mut requests, mut limits) = (Vec::new(), Vec::new());
        for (resource, hard) in entries(quota, "status.hard") {
            let used = at(quota, "status.used").get(resource).map_or("0".into(), amount);
            let side = if resource.starts_with("limits.") { &mut limits } else { &mut requests };
            side.push(format!("{resource}: {used}/{}", amount(hard)));
        }
        vec![name(quota).into(), created(quota, now), requests.join(", "), limits.join(", ")]
    },
};

pub(super) const RUNTIME_CLASS: Table = Table {
    columns: &[always("Name"), always("Handler"), always("Age")],
    row: |class, now| vec![name(class).into(), text(class, "handler").into(), created(class, now)],
};

pub(super) const WEBHOOKS: Table = Table {
    columns: &[always("Name"), always("Webhooks"), always("Age")],
    row: |hooks, now| vec![name(hooks).into(), list(hooks, "webhooks").len().to_string(), created(hooks, now)],
};
