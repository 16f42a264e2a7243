//! The whole zone, record by record, as a zone transfer (AXFR) sends it.
//!
//! In a real cluster it is off unless the Corefile has `transfer`. We model CoreDNS's list, with its quirks: no SRV records for
//! unnamed ports of endpoints, no pod records. Left out: incremental transfers, which upstream answers with the whole zone too.
//! The real thing: CoreDNS `plugin/kubernetes/xfr.go`.

use std::cell::RefCell;
use std::net::IpAddr;

use super::find::{join, ready};
use super::{Server, kind_of};
use crate::dns::config::{ServerConfig, canonical, fqdn};
use crate::dns::message::Record;
use crate::objects::service::Service;
use crate::store::View;

/// All records of a zone, its SOA first and last; `None` if the server has no such zone.
pub fn records(view: &View, config: &ServerConfig, zone: &str, serial: u32) -> Option<Vec<Record>> {
    let zone = fqdn(zone);
    config.zones.iter().find(|z| canonical(z) == canonical(&zone))?;
    let mut nobody = |_: &_| crate::dns::message::Reply::failure(crate::dns::message::Rcode::ServFail);
    let server = Server { view, config, next: RefCell::new(&mut nobody) };
    let soa = super::soa(config, &zone, serial);
    let mut list = vec![soa.clone()];
    let mut hosts: Vec<String> = Vec::new();
    for (host, ip) in server.name_servers(&zone) {
        if !hosts.contains(&host) {
            list.push(server.record(&zone, "NS", &host));
            hosts.push(host.clone());
        }
        list.push(server.address(&host, ip));
    }
    let mut services: Vec<_> = view.services.iter().filter(|s| server.exposed(&s.meta.namespace)).collect();
    services.sort_by(|a, b| (&a.meta.name, &a.meta.namespace).cmp(&(&b.meta.name, &b.meta.namespace)));
    services.into_iter().for_each(|service| server.transfer(service, &zone, &mut list));
    list.push(soa);
    Some(list)
}

impl Server<'_> {
    fn address(&self, name: &str, ip: IpAddr) -> Record {
        self.record(name, kind_of(ip), ip)
    }

    fn transfer(&self, service: &Service, zone: &str, list: &mut Vec<Record>) {
        let name = join(&[&service.meta.name, &service.meta.namespace, "svc"], zone);
        if service.is_external_name() {
            let target = service.external_name.as_deref().unwrap_or_default();
            if target.parse::<IpAddr>().is_err() {
                list.push(self.record(&name, "CNAME", fqdn(target)));
            }
        } else if service.headless {
            self.transfer_endpoints(service, &name, list);
        } else {
            list.extend(service.cluster_ips.iter().map(|ip| self.address(&name, *ip)));
            for port in &service.ports {
                let data = format!("0 100 {} {name}", port.port);
                list.push(self.record(&name, "SRV", &data));
                if !port.name.is_empty() {
                    let owner = below(&name, &port.name, port.protocol.text());
                    list.push(self.record(&owner, "SRV", data));
                }
            }
        }
    }

    fn transfer_endpoints(&self, service: &Service, name: &str, list: &mut Vec<Record>) {
        for slice in self.slices(&service.meta.namespace, &service.meta.name) {
            let weight = (100 / ready(slice).count().max(1)).max(1);
            for (endpoint, address) in ready(slice) {
                let Ok(ip) = address.parse() else { continue };
                let host = format!("{}.{name}", self.label(endpoint, address));
                list.extend([self.address(name, ip), self.address(&host, ip)]);
                for port in &slice.ports {
                    let named = port.name.as_deref().filter(|n| !n.is_empty());
                    if let (Some(named), Some(number)) = (named, port.port) {
                        let owner = below(name, named, port.protocol.text());
                        list.push(self.record(&owner, "SRV", format!("0 {weight} {number} {host}")));
                    }
                }
            }
        }
    }
}

/// The name of a port below its service.
fn below(name: &str, port: &str, protocol: &str) -> String {
    format!("_{}._{}.{name}", port.to_ascii_lowercase(), protocol.to_ascii_lowercase())
}
