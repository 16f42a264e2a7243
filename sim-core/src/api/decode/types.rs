//! Which generated type judges which kind.

use k8s_openapi::api::admissionregistration::v1 as admission;
use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::autoscaling::{v1 as autoscaling_v1, v2 as autoscaling_v2};
use k8s_openapi::api::batch::v1 as batch;
use k8s_openapi::api::certificates::v1 as certificates;
use k8s_openapi::api::coordination::v1 as coordination;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::api::events::v1 as events;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::api::node::v1 as node;
use k8s_openapi::api::policy::v1 as policy;
use k8s_openapi::api::rbac::v1 as rbac;
use k8s_openapi::api::scheduling::v1 as scheduling;
use k8s_openapi::api::storage::v1 as storage;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1 as registration;

use super::Problem;
use super::reader::Reader;
use crate::api::kinds::Kind;

/// Reads the document as the type of its kind; unknown fields go to the reader's log, the first wrong type comes back.
pub(super) fn judge(kind: &Kind, reader: Reader<'_, '_>) -> Result<(), Problem> {
    macro_rules! choose {
        ($($group:literal $version:literal $module:ident [$($name:ident)+])+) => {
            match (kind.group, kind.version, kind.kind) {
                $($(($group, $version, stringify!($name)) => reader.judge::<$module::$name>(),)+)+
                _ => Ok(()),
            }
        };
    }
    choose! {
        "" "v1" core [
            ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume PersistentVolumeClaim Pod PodTemplate
            ReplicationController ResourceQuota Secret Service ServiceAccount
        ]
        "admissionregistration.k8s.io" "v1" admission [MutatingWebhookConfiguration ValidatingWebhookConfiguration]
        "apiextensions.k8s.io" "v1" extensions [CustomResourceDefinition]
        "apiregistration.k8s.io" "v1" registration [APIService]
        "apps" "v1" apps [ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet]
        "autoscaling" "v1" autoscaling_v1 [HorizontalPodAutoscaler]
        "autoscaling" "v2" autoscaling_v2 [HorizontalPodAutoscaler]
        "batch" "v1" batch [CronJob Job]
        "certificates.k8s.io" "v1" certificates [CertificateSigningRequest]
        "coordination.k8s.io" "v1" coordination [Lease]
        "discovery.k8s.io" "v1" discovery [EndpointSlice]
        "events.k8s.io" "v1" events [Event]
        "networking.k8s.io" "v1" networking [Ingress IngressClass NetworkPolicy]
        "node.k8s.io" "v1" node [RuntimeClass]
        "policy" "v1" policy [PodDisruptionBudget]
        "rbac.authorization.k8s.io" "v1" rbac [ClusterRole ClusterRoleBinding Role RoleBinding]
        "scheduling.k8s.io" "v1" scheduling [PriorityClass]
        "storage.k8s.io" "v1" storage [CSIDriver CSINode StorageClass VolumeAttachment]
    }
}
