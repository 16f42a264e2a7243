//! A name below the zone, taken apart.
//!
//! The real thing: CoreDNS `plugin/kubernetes/parse.go`; names of services in the Kubernetes DNS specification 1.1.0.

/// What a name below the zone asks for. Empty text = part not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) port: &'a str,
    pub(super) protocol: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) service: &'a str,
    pub(super) namespace: &'a str,
    pub(super) branch: Option<Branch>,
}

/// The label right below the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    Svc,
    Pod,
}

/// Takes apart what stands left of the zone (lower case, no final dot). `None` = no name of this schema.
pub(super) fn parse(base: &str) -> Option<Parts<'_>> {
    let mut parts = Parts::default();
    if matches!(base, "" | "svc" | "pod") {
        return Some(parts);
    }
    let mut labels = base.rsplit('.');
    parts.branch = Some(match labels.next() {
        Some("svc") => Branch::Svc,
        Some("pod") => Branch::Pod,
        _ => return None,
    });
    parts.namespace = labels.next().unwrap_or_default();
    parts.service = labels.next().unwrap_or_default();
    match (labels.next(), labels.next(), labels.next()) {
        (_, _, Some(_)) => return None,
        (Some(protocol), Some(port), None) => {
            parts.protocol = protocol.strip_prefix('_').unwrap_or(protocol);
            parts.port = port.strip_prefix('_').unwrap_or(port);
        }
        (endpoint, ..) => parts.endpoint = endpoint.unwrap_or_default(),
    }
    Some(parts)
}
