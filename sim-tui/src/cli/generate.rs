//! `kubewalk generate`: a scenario of a given size, so that growth can be watched.
//!
//! One Deployment stands behind each Service; the pods are dealt out evenly, the first ones getting the rest.

use std::fmt::Write;

/// The text of the scenario. It ends with `until: converged`.
pub fn scenario_of_size(nodes: u32, pods: u32, services: u32) -> String {
    let mut text = format!(
        "apiVersion: kubewalk/v1\nkind: Scenario\n\
         metadata: {{name: generated, title: \"{nodes} nodes, {pods} pods, {services} Services\"}}\n\
         spec:\n  seed: 1\n  cluster: {{nodes: {nodes}}}\n  steps:\n"
    );
    let groups = services.max(u32::from(pods > 0));
    if groups > 0 {
        text.push_str("  - apply: |\n");
    }
    for index in 0..groups {
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
    use super::*;

    #[test]
    fn pods_are_dealt_out_and_the_text_is_a_scenario() {
        let text = scenario_of_size(2, 5, 2);
        let counts: Vec<&str> = text.lines().filter_map(|l| l.split("replicas: ").nth(1)?.split(',').next()).collect();
        assert_eq!(counts, ["3", "2"]);
        assert!(text.ends_with("  - until: converged\n    within: 1h\n"));
        let file = sim_core::scenario::load::File { name: "generated", bytes: text.as_bytes() };
        let input = sim_core::scenario::load::load(file, &sim_core::scenario::load::Options::default()).expect("it can be used");
        assert_eq!(input.scenario.spec.steps.len(), 2);
    }
}
