//! Validation of the addresses and IP families of Services, and of how they may change.
//!
//! The real thing: `ValidateServiceClusterIPsRelatedFields`, `validateUpgradeDowngradeClusterIPs` and
//! `validateUpgradeDowngradeIPFamilies` in `pkg/apis/core/validation/validation.go` (as of 1.32).

use serde_json::{Value, json};

use super::service::FIXED;
use super::{invalid_go, names};
use crate::api::service::fields::{
    Family, ServiceType, cluster_ip, cluster_ips, ip_families, ip_family_policy, is_headless, service_type,
};
use crate::api::status::Cause;

/// `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy` among themselves. Allocation asks this too, before it begins.
pub fn fields(doc: &Value) -> Vec<Cause> {
    if service_type(doc) == ServiceType::ExternalName {
        return Vec::new();
    }
    let (ips, families) = (cluster_ips(doc), ip_families(doc));
    let mut causes = Vec::new();
    match (cluster_ip(doc), ips.first()) {
        ("", Some(_)) => {
            causes.push(Cause::invalid("spec.clusterIPs", &json!(ips), "must be empty when `clusterIP` is not specified"));
        }
        ("", None) => {}
        (_, None) => causes.push(Cause::required("spec.clusterIPs", "")),
        (single, Some(first)) if single != *first => {
            causes.push(Cause::invalid("spec.clusterIPs", &json!(ips), "first value must match `clusterIP`"));
        }
        _ => {}
    }
    for (i, family) in families.iter().enumerate() {
        let field = format!("spec.ipFamilies[{i}]");
        if Family::parse(family).is_none() {
            causes.push(Cause::not_supported(field.as_str(), &json!(family), &["IPv4", "IPv6"]));
        }
        if families[..i].contains(family) {
            causes.push(Cause::duplicate(field, &json!(family)));
        }
    }
    let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
    let policy = ip_family_policy(doc);
    if !policy.is_empty() && !policies.contains(&policy) {
        causes.push(Cause::not_supported("spec.ipFamilyPolicy", &json!(policy), &policies));
    }
    causes.extend(cluster_ip_list(doc, &ips, &families));
    causes
}

fn cluster_ip_list(doc: &Value, ips: &[&str], families: &[&str]) -> Vec<Cause> {
    let mut wrong_ips = Vec::new();
    for (i, ip) in ips.iter().enumerate() {
        if i == 0 && *ip == "None" {
            if ips.len() > 1 {
                let why = "'None' must be the first and only value";
                wrong_ips.push(Cause::invalid("spec.clusterIPs", &json!(ips), why));
            }
            continue;
        }
        wrong_ips.extend(names::ip(ip).iter().map(|wrong| Cause::invalid(format!("spec.clusterIPs[{i}]"), &json!(ip), wrong)));
    }
    let any_wrong = !wrong_ips.is_empty();
    let mut causes = wrong_ips;
    if ips.len() > 2 {
        causes.push(Cause::invalid("spec.clusterIPs", &json!(ips), "may only hold up to 2 values"));
    }
    if any_wrong {
        return causes;
    }
    let has = |family| ips.iter().any(|ip| Family::of_text(ip) == Some(family));
    if ips.len() > 1 && !(has(Family::V4) && has(Family::V6)) {
        let why = "may specify no more than one IP for each IP family";
        causes.push(Cause::invalid("spec.clusterIPs", &json!(ips), why));
    }
    if !is_headless(doc) {
        for (i, (ip, family)) in ips.iter().zip(families).enumerate() {
            let expected = Family::parse(family);
            if expected.is_some() && expected != Family::of_text(ip) {
                let why = format!("expected an {family} value as indicated by `ipFamilies[{i}]`");
                causes.push(Cause::invalid(format!("spec.clusterIPs[{i}]"), &json!(ip), &why));
            }
        }
    }
    causes
}

/// Addresses stay; only the second one may come, or go with a move to single stack.
pub(super) fn cluster_ips_change(doc: &Value, old: &Value) -> Vec<Cause> {
    let alias = [doc, old].iter().any(|d| service_type(d) == ServiceType::ExternalName);
    if alias || is_headless(doc) && is_headless(old) {
        return Vec::new();
    }
    let (ips, old_ips) = (cluster_ips(doc), cluster_ips(old));
    let fixed = |i: usize| Cause::invalid(format!("spec.clusterIPs[{i}]"), &json!(ips), FIXED);
    let mut causes = Vec::new();
    if ips.len() == old_ips.len() {
        causes.extend((0..ips.len()).filter(|i| ips[*i] != old_ips[*i]).map(fixed));
        return causes;
    }
    if ips.is_empty() {
        causes.push(invalid_go("spec.clusterIPs[0]", "[]string(nil)", "primary clusterIP can not be unset"));
    } else if old_ips.first().is_some_and(|first| *first != ips[0]) {
        causes.push(fixed(0));
    }
    if ips.len() == 1 && old_ips.len() == 2 && ip_family_policy(doc) != "SingleStack" {
        causes.push(released(doc, "clusterIP"));
    }
    causes
}

/// The same for families.
pub(super) fn ip_families_change(doc: &Value, old: &Value) -> Vec<Cause> {
    let alias = [doc, old].iter().any(|d| service_type(d) == ServiceType::ExternalName);
    if alias || is_headless(doc) || is_headless(old) {
        return Vec::new();
    }
    let (families, old_families) = (ip_families(doc), ip_families(old));
    let listed: Vec<String> = families.iter().map(|f| format!("{f:?}")).collect();
    let listed = format!("[]core.IPFamily{{{}}}", listed.join(", "));
    let fixed = || invalid_go("spec.ipFamilies[0]", &listed, FIXED);
    let mut causes = Vec::new();
    if families.len() == old_families.len() {
        causes.extend((0..families.len()).filter(|i| families[*i] != old_families[*i]).map(|_| fixed()));
        return causes;
    }
    // In these two branches the server shows the cluster IPs as the offending value.
    let changed = families.first().zip(old_families.first()).is_some_and(|(new, old)| new != old);
    if families.len() < old_families.len() && cluster_ips(doc).is_empty() {
        causes.push(invalid_go("spec.ipFamilies[0]", &listed, "primary ipFamily can not be unset"));
    }
    if changed {
        causes.push(Cause::invalid("spec.ipFamilies[0]", &json!(cluster_ips(doc)), FIXED));
    }
    if families.len() == 1 && old_families.len() == 2 && ip_family_policy(doc) != "SingleStack" {
        causes.push(released(doc, "ipFamily"));
    }
    causes
}

fn released(doc: &Value, what: &str) -> Cause {
    let policy = ip_family_policy(doc);
    let policy = if policy.is_empty() { "null" } else { policy };
    let why = format!("must be set to 'SingleStack' when releasing the secondary {what}");
    Cause::invalid("spec.ipFamilyPolicy", &json!(policy), &why)
}
