//! Node ports and health check ports of a Service.

use serde_json::{Value, json};

use super::fields::{ServiceType, health_check_port, needs_health_check, needs_node_ports, node_port, node_ports, service_type};
use super::{Held, invalid};
use crate::api::allocate::{Draw, PortPool, Refused};
use crate::api::document::{flag, items, number, put, text};
use crate::api::status::{Cause, Status};

/// Ports of a new Service. Entries with the same `port` (DNS on TCP and UDP) share one node port.
pub(super) fn allocate(doc: &mut Value, pool: &mut PortPool, draw: Draw<'_>) -> Result<(), Status> {
    if needs_node_ports(doc) {
        let mut shared: Vec<(i64, i64)> = Vec::new();
        for i in 0..items(doc, "/spec/ports").len() {
            let entry = &items(doc, "/spec/ports")[i];
            let (port, asked) = (number(entry, "/port").unwrap_or(0), node_port(entry));
            if asked == 0 && !wants_node_ports(doc) {
                continue;
            }
            match shared.iter().find(|(p, _)| *p == port).map(|(_, n)| *n) {
                Some(given) if asked == 0 => put_node_port(doc, i, given),
                Some(given) if asked != given => take(doc, i, asked, pool)?,
                Some(_) => {}
                None => {
                    let requested = requested_for(doc, port);
                    let given = if requested != 0 {
                        take(doc, i, requested, pool)?;
                        requested
                    } else {
                        take_any(pool, draw)?
                    };
                    put_node_port(doc, i, given);
                    shared.push((port, given));
                }
            }
        }
    }
    if needs_health_check(doc) { allocate_health_check(doc, pool, draw) } else { Ok(()) }
}

/// Ports of an updated Service; what it returns is to be given back once the update has succeeded.
pub(super) fn update(doc: &mut Value, old: &Value, pool: &mut PortPool, draw: Draw<'_>) -> Result<Vec<Held>, Status> {
    let mut released = Vec::new();
    if needs_node_ports(doc) {
        take_changed(doc, old, pool, draw)?;
        let kept = node_ports(doc);
        released.extend(node_ports(old).into_iter().filter(|port| !kept.contains(port)).map(Held::Port));
    } else if needs_node_ports(old) {
        released.extend(node_ports(old).into_iter().map(Held::Port));
    }
    match (needs_health_check(old), needs_health_check(doc)) {
        (false, true) => allocate_health_check(doc, pool, draw)?,
        (true, false) => released.push(Held::Port(health_check_port(old))),
        _ => {}
    }
    Ok(released)
}

fn take_changed(doc: &mut Value, old: &Value, pool: &mut PortPool, draw: Draw<'_>) -> Result<(), Status> {
    let held = node_ports(old);
    let mut taken: Vec<i64> = Vec::new();
    let mut used: Vec<(String, i64)> = Vec::new();
    for i in 0..items(doc, "/spec/ports").len() {
        let entry = &items(doc, "/spec/ports")[i];
        let (asked, protocol) = (node_port(entry), text(entry, "/protocol").to_string());
        if asked == 0 && !wants_node_ports(doc) {
            continue;
        }
        let given = if asked != 0 {
            if !held.contains(&asked) && !taken.contains(&asked) {
                take(doc, i, asked, pool)?;
                taken.push(asked);
            }
            asked
        } else {
            take_any(pool, draw)?
        };
        put_node_port(doc, i, given);
        if used.contains(&(protocol.clone(), given)) {
            return Err(Status::internal(format!("duplicate nodePort: {{{protocol} {given}}}")));
        }
        used.push((protocol, given));
    }
    Ok(())
}

fn take(doc: &Value, i: usize, port: i64, pool: &mut PortPool) -> Result<(), Status> {
    pool.take(port).map_err(|why| {
        let field = format!("spec.ports[{i}].nodePort");
        invalid(doc, vec![Cause::invalid(field, &json!(port), &why.to_string())])
    })
}

fn take_any(pool: &mut PortPool, draw: Draw<'_>) -> Result<i64, Status> {
    let drawn = pool.take_any(draw).map(i64::from);
    drawn.map_err(|why| Status::internal(format!("failed to allocate a nodePort: {why}")))
}

fn allocate_health_check(doc: &mut Value, pool: &mut PortPool, draw: Draw<'_>) -> Result<(), Status> {
    let asked = health_check_port(doc);
    if asked != 0 {
        let fail = |why: Refused| Status::internal(format!("failed to allocate requested HealthCheck NodePort {asked}: {why}"));
        return pool.take(asked).map_err(fail);
    }
    let drawn = pool.take_any(draw);
    let given = drawn.map_err(|why| Status::internal(format!("failed to allocate a HealthCheck NodePort 0: {why}")))?;
    put(doc, "/spec/healthCheckNodePort", given);
    Ok(())
}

fn wants_node_ports(doc: &Value) -> bool {
    match service_type(doc) {
        ServiceType::NodePort => true,
        ServiceType::LoadBalancer => flag(doc, "/spec/allocateLoadBalancerNodePorts").unwrap_or(true),
        _ => false,
    }
}

/// The first node port that any entry with this `port` asks for; 0 when none does.
fn requested_for(doc: &Value, port: i64) -> i64 {
    let mut same = items(doc, "/spec/ports").iter().filter(|p| number(p, "/port").unwrap_or(0) == port);
    same.find_map(|p| Some(node_port(p)).filter(|n| *n != 0)).unwrap_or(0)
}

fn put_node_port(doc: &mut Value, i: usize, port: i64) {
    put(doc, &format!("/spec/ports/{i}/nodePort"), port);
}
