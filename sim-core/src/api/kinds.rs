//! The table of kinds: which resources the API server serves, under which names, in discovery order.
//!
//! In a real cluster clients read this table from `/api` and `/apis` before their first request; kubectl turns `svc`, `deploy` or
//! `ingresses.networking.k8s.io` into a resource with it, and `get all` walks the category `all` in its order.
//! We model the kinds of Kubernetes' own groups that tutorials and charts use, each in its served versions. Left out: aggregated
//! APIs, and custom resources as served resources (see [`Dynamic`] for how a foreign object is kept).
//! The real thing: `GET /apis`, `pkg/registry/*/rest/storage_*.go`, `k8s.io/apimachinery/pkg/api/meta/restmapper.go`.

use Class::{Inert, Simulated};

/// One served resource in one version.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version, for example `v1`.
    pub version: &'static str,
    /// Kind, as in a manifest.
    pub kind: &'static str,
    /// Plural resource name, as in a URL.
    pub plural: &'static str,
    /// Singular resource name, as in `service/web created`.
    pub singular: &'static str,
    /// Abbreviations that kubectl accepts.
    pub short_names: &'static [&'static str],
    /// Lives in a namespace.
    pub namespaced: bool,
    /// Categories; only `all` matters to users.
    pub categories: &'static [&'static str],
    /// Whether anything in the simulation acts on it.
    pub class: Class,
}

/// What the simulation does with objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Some box of the cluster reads or writes it.
    Simulated,
    /// Validated and kept whole; nothing acts on it.
    Inert,
}

/// How a pair of apiVersion and kind stands to this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// In the table.
    Known(&'static Kind),
    /// One of Kubernetes' own groups, but this version or kind is not served (removed, or not modelled): "no matches for kind".
    NoMatch,
    /// A group that is not Kubernetes' own: a custom resource.
    Foreign(Dynamic),
}

/// An object of a kind outside the table, kept whole like a row of etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dynamic {
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural resource name, guessed from the kind.
    pub plural: String,
}

const ALL: &[&str] = &["all"];
const NONE: &[&str] = &[];

/// A row: group, version, kind, plural, short names, namespaced, categories, class. The singular is the kind in lower case.
macro_rules! rows {
    ($($group:literal $version:literal { $($kind:literal $singular:literal $plural:literal $short:expr, $ns:literal, $cats:expr, $class:expr;)+ })+) => {
        &[$($(Kind { group: $group, version: $version, kind: $kind, plural: $plural, singular: $singular, short_names: &$short,
            namespaced: $ns, categories: $cats, class: $class },)+)+]
    };
}

/// Every served kind. Groups stand in the order of the server's group priorities, kinds of a group by plural name.
/// A kind served in two versions has its preferred version first.
pub static KINDS: &[Kind] = rows! {
    "" "v1" {
        "ConfigMap" "configmap" "configmaps" ["cm"], true, NONE, Inert;
        "Endpoints" "endpoints" "endpoints" ["ep"], true, NONE, Simulated;
        "Event" "event" "events" ["ev"], true, NONE, Simulated;
        "LimitRange" "limitrange" "limitranges" ["limits"], true, NONE, Inert;
        "Namespace" "namespace" "namespaces" ["ns"], false, NONE, Simulated;
        "Node" "node" "nodes" ["no"], false, NONE, Simulated;
        "PersistentVolumeClaim" "persistentvolumeclaim" "persistentvolumeclaims" ["pvc"], true, NONE, Inert;
        "PersistentVolume" "persistentvolume" "persistentvolumes" ["pv"], false, NONE, Inert;
        "Pod" "pod" "pods" ["po"], true, ALL, Simulated;
        "PodTemplate" "podtemplate" "podtemplates" [], true, NONE, Inert;
        "ReplicationController" "replicationcontroller" "replicationcontrollers" ["rc"], true, ALL, Inert;
        "ResourceQuota" "resourcequota" "resourcequotas" ["quota"], true, NONE, Inert;
        "Secret" "secret" "secrets" [], true, NONE, Inert;
        "ServiceAccount" "serviceaccount" "serviceaccounts" ["sa"], true, NONE, Inert;
        "Service" "service" "services" ["svc"], true, ALL, Simulated;
    }
    "apiregistration.k8s.io" "v1" {
        "APIService" "apiservice" "apiservices" [], false, NONE, Inert;
    }
    "apps" "v1" {
        "ControllerRevision" "controllerrevision" "controllerrevisions" [], true, NONE, Inert;
        "DaemonSet" "daemonset" "daemonsets" ["ds"], true, ALL, Inert;
        "Deployment" "deployment" "deployments" ["deploy"], true, ALL, Simulated;
        "ReplicaSet" "replicaset" "replicasets" ["rs"], true, ALL, Simulated;
        "StatefulSet" "statefulset" "statefulsets" ["sts"], true, ALL, Inert;
    }
    "events.k8s.io" "v1" {
        "Event" "event" "events" ["ev"], true, NONE, Simulated;
    }
    "autoscaling" "v2" {
        "HorizontalPodAutoscaler" "horizontalpodautoscaler" "horizontalpodautoscalers" ["hpa"], true, ALL, Inert;
    }
    "autoscaling" "v1" {
        "HorizontalPodAutoscaler" "horizontalpodautoscaler" "horizontalpodautoscalers" ["hpa"], true, ALL, Inert;
    }
    "batch" "v1" {
        "CronJob" "cronjob" "cronjobs" ["cj"], true, ALL, Inert;
        "Job" "job" "jobs" [], true, ALL, Inert;
    }
    "certificates.k8s.io" "v1" {
        "CertificateSigningRequest" "certificatesigningrequest" "certificatesigningrequests" ["csr"], false, NONE, Inert;
    }
    "networking.k8s.io" "v1" {
        "IngressClass" "ingressclass" "ingressclasses" [], false, NONE, Inert;
        "Ingress" "ingress" "ingresses" ["ing"], true, NONE, Inert;
        "NetworkPolicy" "networkpolicy" "networkpolicies" ["netpol"], true, NONE, Simulated;
    }
    "policy" "v1" {
        "PodDisruptionBudget" "poddisruptionbudget" "poddisruptionbudgets" ["pdb"], true, NONE, Inert;
    }
    "rbac.authorization.k8s.io" "v1" {
        "ClusterRoleBinding" "clusterrolebinding" "clusterrolebindings" [], false, NONE, Inert;
        "ClusterRole" "clusterrole" "clusterroles" [], false, NONE, Inert;
        "RoleBinding" "rolebinding" "rolebindings" [], true, NONE, Inert;
        "Role" "role" "roles" [], true, NONE, Inert;
    }
    "storage.k8s.io" "v1" {
        "CSIDriver" "csidriver" "csidrivers" [], false, NONE, Inert;
        "CSINode" "csinode" "csinodes" [], false, NONE, Inert;
        "StorageClass" "storageclass" "storageclasses" ["sc"], false, NONE, Inert;
        "VolumeAttachment" "volumeattachment" "volumeattachments" [], false, NONE, Inert;
    }
    "admissionregistration.k8s.io" "v1" {
        "MutatingWebhookConfiguration" "mutatingwebhookconfiguration" "mutatingwebhookconfigurations" [], false, NONE, Inert;
        "ValidatingWebhookConfiguration" "validatingwebhookconfiguration" "validatingwebhookconfigurations" [], false, NONE, Inert;
    }
    "apiextensions.k8s.io" "v1" {
        "CustomResourceDefinition" "customresourcedefinition" "customresourcedefinitions" ["crd", "crds"], false, NONE, Inert;
    }
    "scheduling.k8s.io" "v1" {
        "PriorityClass" "priorityclass" "priorityclasses" ["pc"], false, NONE, Inert;
    }
    "coordination.k8s.io" "v1" {
        "Lease" "lease" "leases" [], true, NONE, Simulated;
    }
    "node.k8s.io" "v1" {
        "RuntimeClass" "runtimeclass" "runtimeclasses" [], false, NONE, Inert;
    }
    "discovery.k8s.io" "v1" {
        "EndpointSlice" "endpointslice" "endpointslices" [], true, NONE, Simulated;
    }
};

/// Groups of Kubernetes' own that the table does not serve at all, but that old manifests still name.
const RETIRED_GROUPS: &[&str] =
    &["extensions", "settings.k8s.io", "flowcontrol.apiserver.k8s.io", "authentication.k8s.io", "authorization.k8s.io"];

impl Kind {
    /// `v1`, or `apps/v1` outside the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `service`, or `deployment.apps` outside the core group: how kubectl names an object of this kind in its messages.
    pub fn label(&self) -> String {
        super::status::qualified(self.singular, self.group)
    }

    /// `services`, or `deployments.apps` outside the core group: how the server names the resource in its refusals.
    pub fn resource(&self) -> String {
        super::status::qualified(self.plural, self.group)
    }
}

/// Splits `apps/v1` into group and version; the core group is empty.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The row of a manifest's `apiVersion` and `kind`.
pub fn of(api_version: &str, kind: &str) -> Option<&'static Kind> {
    let (group, version) = split_api_version(api_version);
    KINDS.iter().find(|k| k.group == group && k.version == version && k.kind == kind)
}

/// The row of a URL: group, version and plural.
pub fn of_resource(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.group == group && k.version == version && k.plural == plural)
}

/// How a manifest's `apiVersion` and `kind` stand to this server.
pub fn served(api_version: &str, kind: &str) -> Served {
    if let Some(known) = of(api_version, kind) {
        return Served::Known(known);
    }
    let (group, version) = split_api_version(api_version);
    if group.is_empty() || RETIRED_GROUPS.contains(&group) || KINDS.iter().any(|k| k.group == group) {
        return Served::NoMatch;
    }
    Served::Foreign(Dynamic { group: group.into(), version: version.into(), kind: kind.into(), plural: guess_plural(kind) })
}

/// The kind a user means by `po`, `Pod`, `pods`, `deployments.apps` or `deployments.v1.apps`; case does not matter.
/// Of two kinds with the same name the one first in discovery wins (core `events` before `events.k8s.io`).
pub fn find(name: &str) -> Option<&'static Kind> {
    let name = name.to_ascii_lowercase();
    let (resource, rest) = name.split_once('.').unwrap_or((&name, ""));
    KINDS.iter().find(|k| {
        let named = k.plural == resource || k.singular == resource || k.short_names.contains(&resource);
        let versioned = rest.strip_prefix(k.version).and_then(|r| r.strip_prefix('.'));
        // Discovery's short names have no group: `deploy.apps` is expanded by prefix, as kubectl's shortcut expander does.
        named
            && (rest.is_empty() || k.group == rest || versioned == Some(k.group) || !rest.is_empty() && k.group.starts_with(rest))
    })
}

/// The kinds of a category in discovery order, each once.
pub fn category(name: &str) -> Vec<&'static Kind> {
    let mut kinds: Vec<&'static Kind> = Vec::new();
    for kind in KINDS.iter().filter(|k| k.categories.contains(&name)) {
        if !kinds.iter().any(|k| (k.group, k.plural) == (kind.group, kind.plural)) {
            kinds.push(kind);
        }
    }
    kinds
}

/// `Ingress` -> `ingresses`, `Policy` -> `policies`, `Gateway` -> `gateways`: the plural that authors of custom resources choose.
pub fn guess_plural(kind: &str) -> String {
    let lower = kind.to_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if lower.ends_with('s') => format!("{lower}es"),
        _ => format!("{lower}s"),
    }
}

/// What kubectl says about a manifest whose kind no server resource matches; `source` is the file, or `STDIN`.
pub fn no_match_text(name: &str, namespace: &str, source: &str, api_version: &str, kind: &str) -> String {
    format!(
        "resource mapping not found for name: \"{name}\" namespace: \"{namespace}\" from \"{source}\": \
         no matches for kind \"{kind}\" in version \"{api_version}\"\nensure CRDs are installed first"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_name_kinds_in_many_ways() {
        for (typed, kind, group) in [
            ("svc", "Service", ""),
            ("Service", "Service", ""),
            ("po", "Pod", ""),
            ("deploy", "Deployment", "apps"),
            ("deployments.apps", "Deployment", "apps"),
            ("deployments.v1.apps", "Deployment", "apps"),
            ("ing", "Ingress", "networking.k8s.io"),
            ("events", "Event", ""),
            ("events.events.k8s.io", "Event", "events.k8s.io"),
            ("endpoints", "Endpoints", ""),
            ("netpol", "NetworkPolicy", "networking.k8s.io"),
        ] {
            let found = find(typed).unwrap_or_else(|| panic!("{typed}"));
            assert_eq!((found.kind, found.group), (kind, group), "{typed}");
        }
        for typed in ["foos", "", "pods.apps", "svc."] {
            assert_eq!(find(typed).map(|k| k.kind), if typed == "svc." { Some("Service") } else { None }, "{typed:?}");
        }
    }

    #[test]
    fn get_all_walks_the_category_in_discovery_order() {
        let order: Vec<_> = category("all").iter().map(|k| k.plural).collect();
        assert_eq!(
            order.join(" "),
            "pods replicationcontrollers services daemonsets deployments replicasets statefulsets \
             horizontalpodautoscalers cronjobs jobs"
        );
    }

    #[test]
    fn removed_versions_do_not_match_and_foreign_kinds_are_kept() {
        assert_eq!(served("extensions/v1beta1", "Ingress"), Served::NoMatch);
        assert_eq!(served("apps/v1beta1", "Deployment"), Served::NoMatch);
        assert_eq!(served("v1", "Deployment"), Served::NoMatch);
        let Served::Foreign(gateway) = served("gateway.networking.k8s.io/v1", "Gateway") else { panic!() };
        assert_eq!((gateway.group.as_str(), gateway.plural.as_str()), ("gateway.networking.k8s.io", "gateways"));
        insta::assert_snapshot!(no_match_text("x", "", "f.yaml", "extensions/v1beta1", "Ingress"), @r#"
        resource mapping not found for name: "x" namespace: "" from "f.yaml": no matches for kind "Ingress" in version "extensions/v1beta1"
        ensure CRDs are installed first
        "#);
    }

    #[test]
    fn the_table_is_consistent() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert_eq!(kind.singular, kind.kind.to_lowercase());
            let twin = KINDS[..at].iter().find(|k| (k.group, k.version, k.kind) == (kind.group, kind.version, kind.kind));
            assert_eq!(twin, None);
            assert_eq!(of(&kind.api_version(), kind.kind), Some(kind));
            assert_eq!(of_resource(kind.group, kind.version, kind.plural), Some(kind));
        }
    }
}
