//! The scenarios built into the binary.

/// Name and text of each, in the order of the list.
pub const SCENARIOS: &[(&str, &str)] = &[
    ("first-service", include_str!("../../scenarios/first-service.yaml")),
    ("network-policy", include_str!("../../scenarios/network-policy.yaml")),
    ("node-gone", include_str!("../../scenarios/node-gone.yaml")),
    ("partition", include_str!("../../scenarios/partition.yaml")),
    ("control-plane-down", include_str!("../../scenarios/control-plane-down.yaml")),
    ("local-nobody", include_str!("../../scenarios/local-nobody.yaml")),
    ("balancer-tour", include_str!("../../scenarios/balancer-tour.yaml")),
    ("balancer-none", include_str!("../../scenarios/balancer-none.yaml")),
    ("local-balancer", include_str!("../../scenarios/local-balancer.yaml")),
    ("aws-load-balancer", include_str!("../../scenarios/aws-load-balancer.yaml")),
    ("no-endpoint", include_str!("../../scenarios/no-endpoint.yaml")),
    ("nobody-listens", include_str!("../../scenarios/nobody-listens.yaml")),
    ("wrong-port", include_str!("../../scenarios/wrong-port.yaml")),
    ("unallocated-ip", include_str!("../../scenarios/unallocated-ip.yaml")),
    ("reset-mid-request", include_str!("../../scenarios/reset-mid-request.yaml")),
    ("kept-connection", include_str!("../../scenarios/kept-connection.yaml")),
    ("terminating-pod", include_str!("../../scenarios/terminating-pod.yaml")),
    ("rolling-update-lossy", include_str!("../../scenarios/rolling-update-lossy.yaml")),
    ("rolling-update-clean", include_str!("../../scenarios/rolling-update-clean.yaml")),
    ("kept-connections", include_str!("../../scenarios/kept-connections.yaml")),
    ("source-addresses", include_str!("../../scenarios/source-addresses.yaml")),
    ("ipvs", include_str!("../../scenarios/ipvs.yaml")),
    ("trace-tour", include_str!("../../scenarios/trace-tour.yaml")),
    ("photograph", include_str!("../../scenarios/photograph.yaml")),
    ("dns-ndots", include_str!("../../scenarios/dns-ndots.yaml")),
    ("dns-names", include_str!("../../scenarios/dns-names.yaml")),
    ("dns-stale", include_str!("../../scenarios/dns-stale.yaml")),
    ("dns-down", include_str!("../../scenarios/dns-down.yaml")),
    ("dns-race", include_str!("../../scenarios/dns-race.yaml")),
    ("dns-places", include_str!("../../scenarios/dns-places.yaml")),
    ("dns-policy", include_str!("../../scenarios/dns-policy.yaml")),
    ("dns-corefile", include_str!("../../scenarios/dns-corefile.yaml")),
];

/// The text of a built-in scenario.
pub fn find(name: &str) -> Option<&'static str> {
    SCENARIOS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// What `kubewalk list` prints: name and title.
pub fn list() -> String {
    let width = SCENARIOS.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    SCENARIOS.iter().map(|(name, text)| format!("{name:<width$}  {}\n", title(text))).collect()
}

/// The title of a built-in scenario, read off its text.
pub fn title(text: &str) -> String {
    let line = text.lines().find(|l| l.trim_start().starts_with("metadata:")).unwrap_or_default();
    let rest = line.split_once("title: ").map_or("", |(_, rest)| rest);
    rest.trim_end_matches('}').trim_matches('"').to_string()
}
