//! The write path of Services: what happens to a Service between decoding and the store.
//!
//! In a real server a Service is the kind whose write does most: default, restore allocated values that a client left out, keep
//! `clusterIP` and `clusterIPs` in step, decide IP families, allocate addresses and ports, wipe what a changed type no longer
//! needs, validate. We model all of it, in that order, which users can see: an allocation error hides validation errors.
//! A failing step leaves the pools as they were, since all taking happens on a copy.
//! The real thing: `pkg/registry/core/service/storage/{storage,alloc}.go`, `strategy.go`.

mod families;
pub mod fields;
mod linked;
mod node_ports;

use serde_json::{Value, json};

use super::allocate::{Allocators, Draw};
use super::defaults;
use super::document::{put, remove, strings, text};
use super::kinds::{self, Kind};
use super::status::{Cause, Status};
use super::validate;
use fields::{Family, cluster_ips, health_check_port, is_headless, needs_cluster_ip, needs_health_check, node_ports as ports_of};

/// Prepares a new Service for the store: on success `doc` is what is to be stored and `allocators` hold what it took.
/// For a dry run, pass a clone of the allocators.
pub fn on_create(doc: &mut Value, allocators: &mut Allocators, draw: Draw<'_>) -> Result<(), Status> {
    let mut pools = allocators.clone();
    defaults::service::set(doc);
    put(doc, "/status", json!({"loadBalancer": {}}));
    linked::sync_cluster_ips(doc, None);
    families::decide(doc, None, &pools).map_err(|causes| invalid(doc, causes))?;
    allocate_ips(doc, &mut pools, draw)?;
    node_ports::allocate(doc, &mut pools.ports, draw)?;
    refuse_if(doc, validate::on_create(kind(), doc))?;
    *allocators = pools;
    Ok(())
}

/// Prepares the replacement of `old` by `doc`, as [`on_create`] does for a new Service.
pub fn on_update(doc: &mut Value, old: &Value, allocators: &mut Allocators, draw: Draw<'_>) -> Result<(), Status> {
    let mut pools = allocators.clone();
    let old = &as_read(old, &pools);
    defaults::service::set(doc);
    let status = old.get("status").cloned().unwrap_or_else(|| json!({"loadBalancer": {}}));
    put(doc, "/status", status);
    linked::restore_allocated(doc, old);
    linked::sync_cluster_ips(doc, Some(old));
    families::decide(doc, Some(old), &pools).map_err(|causes| invalid(doc, causes))?;
    let mut released = update_ips(doc, old, &mut pools, draw)?;
    released.extend(node_ports::update(doc, old, &mut pools.ports, draw)?);
    linked::wipe_type_dependent(doc, old);
    refuse_if(doc, validate::on_update(kind(), doc, old))?;
    // Only now is anything given back: within one write an address is never released and taken again.
    for held in released {
        match held {
            Held::Ip(ip) => pools.release_ip(&ip),
            Held::Port(port) => pools.ports.release(port),
        }
    }
    *allocators = pools;
    Ok(())
}

/// Gives back what a deleted Service held.
pub fn on_delete(doc: &Value, allocators: &mut Allocators) {
    if needs_cluster_ip(doc) && !is_headless(doc) {
        cluster_ips(doc).into_iter().for_each(|ip| allocators.release_ip(ip));
    }
    ports_of(doc).into_iter().for_each(|port| allocators.ports.release(port));
    if needs_health_check(doc) {
        allocators.ports.release(health_check_port(doc));
    }
}

/// The stored Service with all it should have: objects of a scenario are stored without defaults.
fn as_read(stored: &Value, pools: &Allocators) -> Value {
    let mut old = stored.clone();
    defaults::service::set(&mut old);
    linked::sync_cluster_ips(&mut old, None);
    families::read(&mut old, pools);
    old
}

/// Something that an update gives back once it has succeeded.
enum Held {
    Ip(String),
    Port(i64),
}

fn kind() -> &'static Kind {
    kinds::of("v1", "Service").expect("invariant: the table of kinds holds v1 Service")
}

fn invalid(doc: &Value, causes: Vec<Cause>) -> Status {
    Status::invalid("Service", "", text(doc, "/metadata/name"), causes)
}

fn refuse_if(doc: &Value, causes: Vec<Cause>) -> Result<(), Status> {
    if causes.is_empty() { Ok(()) } else { Err(invalid(doc, causes)) }
}

/// Fills `clusterIPs` to one address per family; named ones are taken, missing ones are drawn.
fn allocate_ips(doc: &mut Value, pools: &mut Allocators, draw: Draw<'_>) -> Result<(), Status> {
    if !needs_cluster_ip(doc) || cluster_ips(doc).first() == Some(&fields::HEADLESS) {
        return Ok(());
    }
    let families: Vec<Family> = strings(doc, "/spec/ipFamilies").into_iter().filter_map(Family::parse).collect();
    let mut ips: Vec<String> = cluster_ips(doc).into_iter().map(String::from).collect();
    for (i, family) in families.into_iter().enumerate() {
        let asked = ips.get(i).cloned().unwrap_or_default();
        let ip = allocate_ip(doc, &asked, family, pools, draw)?;
        match ips.get_mut(i) {
            Some(slot) => *slot = ip,
            None => ips.push(ip),
        }
    }
    store_ips(doc, &ips);
    Ok(())
}

fn allocate_ip(doc: &Value, asked: &str, family: Family, pools: &mut Allocators, draw: Draw<'_>) -> Result<String, Status> {
    let pool = pools.pool_mut(family).ok_or_else(|| Status::internal(format!("no pool of family {}", family.text())))?;
    match validate::names::parse_ip(asked) {
        None => {
            let drawn = pool.take_any(draw);
            drawn.map(|ip| ip.to_string()).map_err(|why| Status::internal(format!("failed to allocate a serviceIP: {why}")))
        }
        Some(address) => {
            let taken = pool.take(address);
            taken.map(|()| asked.to_string()).map_err(|why| {
                let why = format!("failed to allocate IP {asked}: {why}");
                invalid(doc, vec![Cause::invalid("spec.clusterIPs", &json!(cluster_ips(doc)), &why)])
            })
        }
    }
}

/// Addresses of an updated Service: all new when it stops being an alias, all back when it becomes one, and the second one
/// taken or given back when it changes between single and dual stack.
fn update_ips(doc: &mut Value, old: &Value, pools: &mut Allocators, draw: Draw<'_>) -> Result<Vec<Held>, Status> {
    if families::keeps_preferred_dual_stack(doc, Some(old)) {
        return Ok(Vec::new());
    }
    let held = |ips: &[&str]| ips.iter().map(|ip| Held::Ip(ip.to_string())).collect::<Vec<_>>();
    match (needs_cluster_ip(old), needs_cluster_ip(doc)) {
        (false, true) => return allocate_ips(doc, pools, draw).map(|()| Vec::new()),
        _ if cluster_ips(old).first() == Some(&fields::HEADLESS) => return Ok(Vec::new()),
        (true, false) => return Ok(held(&cluster_ips(old))),
        _ => {}
    }
    let before = fields::ip_families(old).len();
    let families: Vec<Family> = fields::ip_families(doc).into_iter().filter_map(Family::parse).collect();
    match (before, &families[..]) {
        (1, [_, second]) => {
            let mut ips: Vec<String> = cluster_ips(doc).into_iter().map(String::from).collect();
            ips.resize(2, String::new());
            fields::set_strings(doc, "clusterIPs", &ips);
            ips[1] = allocate_ip(doc, &ips[1], *second, pools, draw)?;
            fields::set_strings(doc, "clusterIPs", &ips);
            Ok(Vec::new())
        }
        (2, [_]) => Ok(held(cluster_ips(old).get(1..).unwrap_or(&[]))),
        _ => Ok(Vec::new()),
    }
}

fn store_ips(doc: &mut Value, ips: &[String]) {
    fields::set_strings(doc, "clusterIPs", ips);
    match ips.first() {
        Some(first) => put(doc, "/spec/clusterIP", first.as_str()),
        None => drop(remove(doc, "/spec/clusterIP")),
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
