//! The pools that Services draw from: cluster IPs by family, and node ports.
//!
//! In a real cluster the API server keeps a bitmap (later an object) of what is taken. Explicit requests may name any address
//! of the range; automatic ones start at a random place of the upper band and fall back to the lower, static band, so that
//! hand-picked low addresses rarely clash (KEP-3070 and KEP-3668). We model both bands, all sizes, and the exact refusals.
//! A pool is a persistent set: a clone is cheap, so a dry run, or a write that fails later, just forgets its copy.
//! The real thing: `pkg/registry/core/service/ipallocator`, `portallocator`, `allocator/bitmap.go`.

mod ip;
mod port;

pub use ip::{IpPool, NotAPool};
pub use port::PortPool;

use serde_json::Value;

use super::service::fields::{Family, cluster_ips, health_check_port, node_ports};
use super::validate::names::parse_ip;
use crate::engine::digest::{Digestible, StateDigest};

/// Draws a number below its argument (which is at least 1).
pub type Draw<'a> = &'a mut dyn FnMut(u64) -> u64;

/// Why a pool gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The address is outside the pool.
    #[error("the provided IP ({0}) is not in the valid range. The range of valid IPs is {1}")]
    IpOutOfRange(String, String),
    /// The address is taken.
    #[error("provided IP is already allocated")]
    IpTaken,
    /// The port is outside the pool.
    #[error("provided port is not in the valid range. The range of valid ports is {0}-{1}")]
    PortOutOfRange(u16, u16),
    /// The port is taken.
    #[error("provided port is already allocated")]
    PortTaken,
    /// Nothing is left.
    #[error("range is full")]
    Full,
}

/// All pools of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocators {
    /// One or two pools; the first family is the cluster's default.
    ips: Vec<IpPool>,
    /// Node ports and health check ports share one pool, whatever the protocol.
    pub ports: PortPool,
}

impl Allocators {
    /// Pools for `service_cidrs` (one, or one of each family) and the node port range (both ends included).
    pub fn new(service_cidrs: &[String], node_ports: (u16, u16)) -> Result<Self, NotAPool> {
        let ips: Vec<IpPool> = service_cidrs.iter().map(|cidr| IpPool::new(cidr)).collect::<Result<_, _>>()?;
        match &ips[..] {
            [] => return Err(NotAPool { cidr: String::new(), why: "at least one service CIDR is needed" }),
            [_] => {}
            [a, b] if a.family() != b.family() => {}
            _ => {
                return Err(NotAPool {
                    cidr: service_cidrs[1].clone(),
                    why: "a second service CIDR must be of the other IP family",
                });
            }
        }
        Ok(Allocators { ips, ports: PortPool::new(node_ports.0, node_ports.1) })
    }

    /// The family of the first service CIDR.
    pub fn default_family(&self) -> Family {
        self.ips[0].family()
    }

    /// Both families are configured.
    pub fn is_dual_stack(&self) -> bool {
        self.ips.len() == 2
    }

    /// The pool of a family, if the cluster has one.
    pub fn pool(&self, family: Family) -> Option<&IpPool> {
        self.ips.iter().find(|pool| pool.family() == family)
    }

    /// The pool of a family, to take from.
    pub fn pool_mut(&mut self, family: Family) -> Option<&mut IpPool> {
        self.ips.iter_mut().find(|pool| pool.family() == family)
    }

    /// Gives an address back, whatever family it has; unknown ones are ignored.
    pub fn release_ip(&mut self, ip: &str) {
        if let Some(address) = parse_ip(ip)
            && let Some(pool) = self.pool_mut(Family::of(address))
        {
            pool.release(address);
        }
    }

    /// Marks what a stored Service holds. What lies outside the pools, or is held twice, is let be: such objects came in by the
    /// side door of a scenario.
    pub fn learn(&mut self, service: &Value) {
        for address in cluster_ips(service).into_iter().filter_map(parse_ip) {
            if let Some(pool) = self.pool_mut(Family::of(address)) {
                let _ = pool.take(address);
            }
        }
        for port in node_ports(service).into_iter().chain([health_check_port(service)]) {
            let _ = self.ports.take(port);
        }
    }
}

impl Digestible for Allocators {
    fn digest(&self, into: &mut StateDigest) {
        let Allocators { ips, ports } = self;
        into.parts((0_u8..).zip(ips));
        ports.digest(into);
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
