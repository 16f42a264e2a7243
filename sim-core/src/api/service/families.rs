//! Which IP families a Service gets, decided from its policy, its addresses and what the cluster has.

use serde_json::{Value, json};

use super::fields::{
    Family, HEADLESS, ServiceType, cluster_ip, cluster_ips, ip_families, ip_family_policy, is_selectorless, needs_cluster_ip,
    service_type, set_strings,
};
use crate::api::allocate::Allocators;
use crate::api::document::put;
use crate::api::status::Cause;
use crate::api::validate::service_ips;

const POLICY: &str = "spec.ipFamilyPolicy";
const SINGLE: &str = "SingleStack";
const REQUIRE: &str = "RequireDualStack";

/// Writes `ipFamilyPolicy` and `ipFamilies`, and drops what a move to single stack lets go of.
pub(super) fn decide(doc: &mut Value, old: Option<&Value>, pools: &Allocators) -> Result<(), Vec<Cause>> {
    if service_type(doc) == ServiceType::ExternalName || keeps_preferred_dual_stack(doc, old) {
        return Ok(());
    }
    decide_policy(doc, old);
    stop_if(service_ips::fields(doc))?;
    let mut causes = old.map_or_else(Vec::new, |old| release_second(doc, old));
    causes.extend(single_stack_conflicts(doc));
    causes.extend(infer_families(doc, pools));
    stop_if(causes)?;
    if cluster_ip(doc) == HEADLESS && is_selectorless(doc) {
        // Nobody knows which endpoints will be attached, so any families will do on any cluster.
        complete_families(doc, pools, true);
        return Ok(());
    }
    stop_if(cluster_lacks(doc, pools))?;
    complete_families(doc, pools, pools.is_dual_stack());
    Ok(())
}

/// A PreferDualStack Service is not silently upgraded or downgraded when the cluster changed under it.
pub(super) fn keeps_preferred_dual_stack(doc: &Value, old: Option<&Value>) -> bool {
    let Some(old) = old else { return false };
    service_type(doc) == service_type(old)
        && needs_cluster_ip(doc)
        && ip_family_policy(doc) == "PreferDualStack"
        && matches!(ip_family_policy(old), "" | "PreferDualStack")
        && cluster_ips(doc) == cluster_ips(old)
        && ip_families(doc) == ip_families(old)
}

/// Fills in what a Service that came from elsewhere lacks, as reading it from a real store would.
pub(super) fn read(doc: &mut Value, pools: &Allocators) {
    if !needs_cluster_ip(doc) || !ip_families(doc).is_empty() {
        return;
    }
    let default = pools.default_family();
    let (families, policy) = match (cluster_ip(doc) == HEADLESS, is_selectorless(doc)) {
        (true, true) => (vec![default, default.other()], REQUIRE),
        (true, false) => (vec![default], SINGLE),
        _ => {
            let families: Vec<Family> = cluster_ips(doc).into_iter().filter_map(Family::of_text).collect();
            let policy = if families.len() == 2 { REQUIRE } else { SINGLE };
            (families, policy)
        }
    };
    if !families.is_empty() {
        let families: Vec<String> = families.into_iter().map(|f| f.text().into()).collect();
        set_strings(doc, "ipFamilies", &families);
        put(doc, "/spec/ipFamilyPolicy", policy);
    }
}

fn stop_if(causes: Vec<Cause>) -> Result<(), Vec<Cause>> {
    if causes.is_empty() { Ok(()) } else { Err(causes) }
}

fn decide_policy(doc: &mut Value, old: Option<&Value>) {
    if !ip_family_policy(doc).is_empty() {
        return;
    }
    let inherited = old.map_or("", ip_family_policy);
    let policy = match inherited {
        "" if cluster_ip(doc) == HEADLESS && is_selectorless(doc) => REQUIRE,
        "" => SINGLE,
        policy => policy,
    };
    let policy = policy.to_string();
    put(doc, "/spec/ipFamilyPolicy", policy);
}

/// On update, SingleStack lets the second address and family go; any other policy must keep them.
fn release_second(doc: &mut Value, old: &Value) -> Vec<Cause> {
    let (ips, families) = (owned(cluster_ips(doc)), owned(ip_families(doc)));
    let (old_ips, old_families) = (owned(cluster_ips(old)), owned(ip_families(old)));
    if ip_family_policy(doc) == SINGLE {
        if ips == old_ips && ips.len() > 1 {
            set_strings(doc, "clusterIPs", &ips[..1]);
        }
        if families == old_families && families.len() > 1 {
            set_strings(doc, "ipFamilies", &families[..1]);
        }
        return Vec::new();
    }
    let reduced = |new: &[String], old: &[String]| !new.is_empty() && new.len() < old.len();
    let mut causes = Vec::new();
    for (is_reduced, what) in [(reduced(&ips, &old_ips), "cluster IP"), (reduced(&families, &old_families), "IP family")] {
        if is_reduced {
            let why = format!("must be 'SingleStack' to release the secondary {what}");
            causes.push(Cause::invalid(POLICY, &json!(ip_family_policy(doc)), &why));
        }
    }
    causes
}

fn single_stack_conflicts(doc: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (count, what) in [(cluster_ips(doc).len(), "cluster IPs"), (ip_families(doc).len(), "IP families")] {
        if ip_family_policy(doc) == SINGLE && count == 2 {
            let why = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
            causes.push(Cause::invalid(POLICY, &json!(SINGLE), &why));
        }
    }
    causes
}

/// Families that the named addresses imply and the list does not yet hold.
fn infer_families(doc: &mut Value, pools: &Allocators) -> Vec<Cause> {
    let mut families = owned(ip_families(doc));
    let mut causes = Vec::new();
    let ips = owned(cluster_ips(doc));
    for (i, ip) in ips.iter().enumerate() {
        if ip == HEADLESS {
            break;
        }
        let Some(family) = Family::of_text(ip).filter(|_| i >= families.len()) else { continue };
        if pools.pool(family).is_some() {
            families.push(family.text().into());
        } else {
            let why = format!("{} is not configured on this cluster", family.text());
            causes.push(Cause::invalid(format!("spec.clusterIPs[{i}]"), &json!(ips), &why));
        }
    }
    set_strings(doc, "ipFamilies", &families);
    causes
}

fn cluster_lacks(doc: &Value, pools: &Allocators) -> Vec<Cause> {
    let mut causes = Vec::new();
    if ip_family_policy(doc) == REQUIRE && !pools.is_dual_stack() {
        causes.push(Cause::invalid(POLICY, &json!(REQUIRE), "this cluster is not configured for dual-stack services"));
    }
    for (i, family) in ip_families(doc).into_iter().enumerate() {
        if Family::parse(family).and_then(|f| pools.pool(f)).is_none() {
            causes.push(Cause::invalid(format!("spec.ipFamilies[{i}]"), &json!(family), "not configured on this cluster"));
        }
    }
    causes
}

/// The default family where none is named, and the other one where dual stack is wanted and `may_double`.
fn complete_families(doc: &mut Value, pools: &Allocators, may_double: bool) {
    let mut families: Vec<Family> = ip_families(doc).into_iter().filter_map(Family::parse).collect();
    if families.is_empty() {
        families.push(pools.default_family());
    }
    if may_double && families.len() == 1 && ip_family_policy(doc) != SINGLE {
        families.push(families[0].other());
    }
    let families: Vec<String> = families.into_iter().map(|f| f.text().into()).collect();
    set_strings(doc, "ipFamilies", &families);
}

fn owned(list: Vec<&str>) -> Vec<String> {
    list.into_iter().map(String::from).collect()
}
