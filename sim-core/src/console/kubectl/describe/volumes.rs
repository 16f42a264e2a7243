//! Volumes of pods. Sources of retired in-tree plugins are shown as `<unknown>`, like anything newer than the client.

use serde_json::Value;

use super::quantities;
use super::writer::Page;
use crate::api::table::document::{at, flag, has, list, number, pairs, text};

/// Writes the volumes; `space` is the indent of the title.
pub fn describe(page: &mut Page, volumes: &[Value], space: &str) {
    if volumes.is_empty() {
        page.line(0, format!("{space}Volumes:\t<none>"));
        return;
    }
    page.line(0, format!("{space}Volumes:"));
    let indent = if space.is_empty() { "" } else { " " };
    for volume in volumes {
        page.line(1, format!("{indent}{}:", text(volume, "name")));
        source(page, volume);
    }
}

/// A source that is told by a title and some of its fields: its name, the title, and keys with the fields they show.
type Plain = (&'static str, &'static str, &'static [(&'static str, &'static str, Shown)]);

/// How a field is shown.
enum Shown {
    /// As it is, `""` if absent.
    Text,
    /// As it is, `<none>` if absent.
    TextOrNone,
    /// `true` or `false`.
    Flag,
    /// A quantity, `<unset>` if absent.
    Amount,
}

use Shown::{Amount, Flag, Text, TextOrNone};

const PLAIN: &[Plain] = &[
    ("hostPath", "HostPath (bare host directory volume)", &[("Path", "path", Text), ("HostPathType", "type", TextOrNone)]),
    (
        "emptyDir",
        "EmptyDir (a temporary directory that shares a pod's lifetime)",
        &[("Medium", "medium", Text), ("SizeLimit", "sizeLimit", Amount)],
    ),
    ("secret", "Secret (a volume populated by a Secret)", &[("SecretName", "secretName", Text), ("Optional", "optional", Flag)]),
    ("configMap", "ConfigMap (a volume populated by a ConfigMap)", &[("Name", "name", Text), ("Optional", "optional", Flag)]),
    (
        "nfs",
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        &[("Server", "server", Text), ("Path", "path", Text), ("ReadOnly", "readOnly", Flag)],
    ),
    (
        "persistentVolumeClaim",
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        &[("ClaimName", "claimName", Text), ("ReadOnly", "readOnly", Flag)],
    ),
    (
        "csi",
        "CSI (a Container Storage Interface (CSI) volume source)",
        &[("Driver", "driver", Text), ("FSType", "fsType", Text), ("ReadOnly", "readOnly", Flag)],
    ),
    (
        "image",
        "Image (a container image or OCI artifact)",
        &[("Reference", "reference", Text), ("PullPolicy", "pullPolicy", Text)],
    ),
    ("downwardAPI", "DownwardAPI (a volume populated by information about the pod)", &[]),
    ("projected", "Projected (a volume that contains injected data from multiple sources)", &[]),
    ("ephemeral", "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)", &[]),
];

fn source(page: &mut Page, volume: &Value) {
    let Some((kind, title, fields)) = PLAIN.iter().find(|(kind, ..)| has(volume, kind)) else {
        page.line(1, "<unknown>");
        return;
    };
    let source = at(volume, kind);
    page.field(2, "Type", title);
    for (key, field, shown) in *fields {
        let value = match shown {
            Flag => flag(source, field).to_string(),
            TextOrNone if !has(source, field) => "<none>".into(),
            Text | TextOrNone => text(source, field).into(),
            Amount if !has(source, field) => "<unset>".into(),
            Amount => quantities::canonical(at(source, field)),
        };
        page.field(2, key, value);
    }
    match *kind {
        "downwardAPI" => downward(page, source),
        "projected" => projected(page, source),
        "csi" => attributes(page, source),
        "ephemeral" => claim(page, at(source, "volumeClaimTemplate")),
        _ => {}
    }
}

fn downward(page: &mut Page, source: &Value) {
    page.line(2, "Items:");
    for item in list(source, "items") {
        for field in ["fieldRef.fieldPath", "resourceFieldRef.resource"] {
            if !text(item, field).is_empty() {
                page.line(3, format!("{} -> {}", text(item, field), text(item, "path")));
            }
        }
    }
}

/// Upstream writes each entry with its indent once more, behind the tab.
fn attributes(page: &mut Page, source: &Value) {
    let entries = pairs(source, "volumeAttributes");
    let mut prefix = "VolumeAttributes:";
    if entries.is_empty() {
        page.line(2, format!("{prefix}\t<none>"));
    }
    for (key, value) in entries {
        page.line(2, format!("{prefix}\t    {key}={value}"));
        prefix = "    ";
    }
}

/// The claim that is made together with the pod; nothing of it is bound yet.
fn claim(page: &mut Page, template: &Value) {
    page.field(2, "StorageClass", text(template, "spec.storageClassName"));
    page.field(2, "Volume", text(template, "spec.volumeName"));
    for (title, path) in [("Labels", "metadata.labels"), ("Annotations", "metadata.annotations")] {
        let mut prefix = format!("{title}:");
        let entries = pairs(template, path);
        if entries.is_empty() {
            page.line(2, format!("{prefix}\t    <none>"));
        }
        for (key, value) in entries {
            page.line(2, format!("{prefix}\t    {key}={value}"));
            prefix = String::new();
        }
    }
    page.field(2, "Capacity", "");
    page.field(2, "Access Modes", "");
    page.optional_at(2, template, "spec.volumeMode", "VolumeMode");
}

fn projected(page: &mut Page, source: &Value) {
    // kubectl 1.32 prints the optional mark of these as Go prints a pointer: nil when it is not set.
    let optional = |from: &Value| if has(from, "optional") { flag(from, "optional").to_string() } else { "<nil>".into() };
    for from in list(source, "sources") {
        if has(from, "secret") {
            page.field(2, "SecretName", text(from, "secret.name"));
            page.field(2, "SecretOptionalName", optional(at(from, "secret")));
        } else if has(from, "downwardAPI") {
            page.field(2, "DownwardAPI", "true");
        } else if has(from, "configMap") {
            page.field(2, "ConfigMapName", text(from, "configMap.name"));
            page.field(2, "ConfigMapOptional", optional(at(from, "configMap")));
        } else if has(from, "serviceAccountToken") {
            page.field(2, "TokenExpirationSeconds", number(from, "serviceAccountToken.expirationSeconds"));
        }
    }
}
