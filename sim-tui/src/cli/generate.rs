//! `kubewalk generate`: a scenario of a given size, so that growth can be watched.
//!
//! One Deployment stands behind each Service; the pods are dealt out evenly, the first ones getting the rest. The manifests are
//! applied by several steps, so that no text of them is longer than what may be typed.

use std::fmt::Write;

/// Most manifests of one step: well below the length of a text that a step applies.
const GROUPS_A_STEP: u32 = 1_000;
/// Zones are named a, b, c, ...
pub const ZONES_MAX: u32 = 26;

/// How large the scenario is to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes.
    pub nodes: u32,
    /// Pods of all Deployments.
    pub pods: u32,
    /// Services.
    pub services: u32,
    /// Zones that the nodes are dealt out to; 0: nodes have none.
    pub zones: u32,
}

/// The text of the scenario. It ends with `until: converged`.
pub fn scenario_of_size(size: Size) -> String {
    let Size { nodes, pods, services, zones } = size;
    let mut text = format!(
        "apiVersion: kubewalk/v1\nkind: Scenario\n\
         metadata: {{name: generated, title: \"{nodes} nodes, {pods} pods, {services} Services\"}}\n\
         spec:\n  seed: 1\n"
    );
    if zones == 0 {
        let _ = writeln!(text, "  cluster: {{nodes: {nodes}}}");
    } else {
        text.push_str("  cluster:\n    nodes:\n");
        for number in 1..=nodes {
            let zone = char::from(b'a' + u8::try_from((number - 1) % zones.min(ZONES_MAX)).unwrap_or(0));
            let _ = writeln!(text, "    - {{name: node-{number}, zone: {zone}}}");
        }
    }
    text.push_str("  steps:\n");
    let groups = services.max(u32::from(pods > 0));
    for index in 0..groups {
        if index % GROUPS_A_STEP == 0 {
            text.push_str("  - apply: |\n");
        }
        let replicas = pods / groups + u32::from(index < pods % groups);
        if replicas > 0 {
            deployment(&mut text, index, replicas);
        }
        if index < services {
            service(&mut text, index);
        }
    }
    text.push_str("  - until: converged\n    within: 1h\n");
    text
}

fn deployment(text: &mut String, index: u32, replicas: u32) {
    let _ = write!(
        text,
        "      ---\n      {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: app-{index}}}, spec: {{replicas: {replicas}, \
         selector: {{matchLabels: {{app: app-{index}}}}},\n        template: {{metadata: {{labels: {{app: app-{index}}}}}, \
         spec: {{containers: [{{name: web, image: nginx, ports: [{{containerPort: 80}}]}}]}}}}}}}}\n"
    );
}

fn service(text: &mut String, index: u32) {
    let _ = write!(
        text,
        "      ---\n      {{apiVersion: v1, kind: Service, metadata: {{name: app-{index}}}, \
         spec: {{selector: {{app: app-{index}}}, ports: [{{port: 80}}]}}}}\n"
    );
}

#[cfg(test)]
mod tests {
    use sim_core::console::shell::SCRIPT_BYTES_MAX;
    use sim_core::scenario::format::{Action, Apply};
    use sim_core::scenario::load::{File, Input, Options, load};
    use sim_core::scenario::taken::foresee;

    use super::*;

    fn loaded(text: &str) -> Input {
        load(File { name: "generated", bytes: text.as_bytes() }, &Options::default()).expect("it can be used")
    }

    #[test]
    fn pods_are_dealt_out_and_the_text_is_a_scenario() {
        let text = scenario_of_size(Size { nodes: 2, pods: 5, services: 2, zones: 0 });
        let counts: Vec<&str> = text.lines().filter_map(|l| l.split("replicas: ").nth(1)?.split(',').next()).collect();
        assert_eq!(counts, ["3", "2"]);
        assert!(text.ends_with("  - until: converged\n    within: 1h\n"));
        assert_eq!(loaded(&text).scenario.spec.steps.len(), 2);
    }

    #[test]
    fn nodes_are_dealt_out_to_zones() {
        let text = scenario_of_size(Size { nodes: 3, pods: 0, services: 1, zones: 2 });
        assert!(text.contains("- {name: node-2, zone: b}\n    - {name: node-3, zone: a}\n"), "{text}");
        assert_eq!(foresee(&loaded(&text)), []);
    }

    #[test]
    fn the_largest_size_is_applied_in_parts_that_could_be_typed() {
        let input = loaded(&scenario_of_size(Size { nodes: 5_000, pods: 150_000, services: 10_000, zones: 3 }));
        let steps = input.scenario.spec.steps.iter();
        let texts: Vec<&String> =
            steps.filter_map(|s| if let Action::Apply(Apply::Inline(text)) = s.action() { Some(text) } else { None }).collect();
        assert_eq!(texts.len(), 10);
        assert!(texts.iter().all(|text| text.len() < SCRIPT_BYTES_MAX / 2));
        assert_eq!(texts.iter().map(|text| text.matches("kind: Service").count()).sum::<usize>(), 10_000);
    }
}
