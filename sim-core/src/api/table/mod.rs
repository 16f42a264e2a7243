//! The tables behind `kubectl get`: which columns a kind has, and what its cells say.
//!
//! In a real cluster kube-apiserver renders them: a client that asks for `as=Table` gets column definitions and rows, and
//! only lays them out. We model the printers of the built-in kinds that the simulator knows; any other kind has the two
//! columns that every object has. Left out: CRD printer columns and row conditions.
//! The real thing: `pkg/printers/internalversion/printers.go`.

mod config;
pub mod document;
mod networking;
mod nodes;
mod pods;
mod workloads;

pub use nodes::roles as node_roles;

use serde_json::Value;

use crate::objects::time::Timestamp;
use crate::render::age;
use document::{name, time};

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Header as the server writes it (`Port(s)`); clients show it in upper case.
    pub name: &'static str,
    /// Whether only `-o wide` shows it.
    pub wide: bool,
}

/// The columns of one kind and the function that fills a row.
#[derive(Clone, Copy)]
pub struct Table {
    /// All columns, wide ones included, in order.
    pub columns: &'static [Column],
    /// One row: a cell for each column.
    pub row: fn(&Value, Timestamp) -> Vec<String>,
}

pub(crate) const fn always(name: &'static str) -> Column {
    Column { name, wide: false }
}

pub(crate) const fn wide(name: &'static str) -> Column {
    Column { name, wide: true }
}

/// The table of a kind; objects of kinds without one of their own show their name and age.
pub fn table_for(group: &str, kind: &str) -> Table {
    match (group, kind) {
        ("", "Pod") => pods::POD,
        ("", "Service") => networking::SERVICE,
        ("", "Endpoints") => networking::ENDPOINTS,
        ("discovery.k8s.io", "EndpointSlice") => networking::ENDPOINT_SLICE,
        ("networking.k8s.io", "Ingress") => networking::INGRESS,
        ("networking.k8s.io", "IngressClass") => networking::INGRESS_CLASS,
        ("networking.k8s.io", "NetworkPolicy") => networking::NETWORK_POLICY,
        ("apps", "Deployment") => workloads::DEPLOYMENT,
        ("apps", "ReplicaSet") => workloads::REPLICA_SET,
        ("", "ReplicationController") => workloads::REPLICATION_CONTROLLER,
        ("apps", "StatefulSet") => workloads::STATEFUL_SET,
        ("apps", "DaemonSet") => workloads::DAEMON_SET,
        ("batch", "Job") => workloads::JOB,
        ("batch", "CronJob") => workloads::CRON_JOB,
        ("apps", "ControllerRevision") => workloads::CONTROLLER_REVISION,
        ("autoscaling", "HorizontalPodAutoscaler") => workloads::AUTOSCALER,
        ("policy", "PodDisruptionBudget") => workloads::DISRUPTION_BUDGET,
        ("", "Node") => nodes::NODE,
        ("coordination.k8s.io", "Lease") => nodes::LEASE,
        ("", "Namespace") => config::NAMESPACE,
        ("", "ConfigMap") => config::CONFIG_MAP,
        ("", "Secret") => config::SECRET,
        ("", "ServiceAccount") => config::SERVICE_ACCOUNT,
        ("" | "events.k8s.io", "Event") => config::EVENT,
        ("", "PersistentVolumeClaim") => config::CLAIM,
        ("", "PersistentVolume") => config::VOLUME,
        ("storage.k8s.io", "StorageClass") => config::STORAGE_CLASS,
        ("scheduling.k8s.io", "PriorityClass") => config::PRIORITY_CLASS,
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => config::CREATED_AT,
        ("", "LimitRange") | ("apiextensions.k8s.io", "CustomResourceDefinition") => config::CREATED_AT,
        ("", "ResourceQuota") => config::QUOTA,
        ("", "PodTemplate") => workloads::POD_TEMPLATE,
        ("node.k8s.io", "RuntimeClass") => config::RUNTIME_CLASS,
        ("admissionregistration.k8s.io", _) => config::WEBHOOKS,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => config::ROLE_BINDING,
        _ => ANY,
    }
}

const ANY: Table =
    Table { columns: &[always("Name"), always("Age")], row: |object, now| vec![name(object).into(), created(object, now)] };

/// The AGE cell.
pub(crate) fn created(object: &Value, now: Timestamp) -> String {
    age::age(time(object, "metadata.creationTimestamp"), now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::kinds::KINDS;

    /// Clients pair cells with columns, so both must have the same number, for an empty object too.
    #[test]
    fn every_row_fills_its_columns() {
        for kind in KINDS {
            let table = table_for(kind.group, kind.kind);
            let row = (table.row)(&json!({"metadata": {"name": "x"}}), Timestamp::default());
            assert_eq!(row.len(), table.columns.len(), "{}", kind.kind);
        }
    }
}
