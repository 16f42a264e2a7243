//! What had to be assumed, one sentence each.

use crate::explain::assumed::Assumption;

/// One sentence each.
pub fn sentences(assumptions: &[Assumption]) -> Vec<String> {
    assumptions.iter().map(sentence).collect()
}

/// The sentence.
pub fn sentence(assumption: &Assumption) -> String {
    match assumption {
        Assumption::Command { container, image, command, init } => {
            let does = if *init { "ends well after a second" } else { "runs until it is stopped" };
            format!("container {container} of image {image}: command `{command}` not recognised; assumed that it {does}")
        }
        Assumption::Image(image) => format!(
            "image {image}: not known; assumed that it starts, listens on its declared ports, passes its probes and answers 200 \
             (say otherwise under spec.images)"
        ),
        Assumption::CorefilePlugin(name) => format!("Corefile plugin {name}: not simulated; assumed that it changes no answer"),
        Assumption::OutsideAnswers(ip) => format!("address {ip}: outside the cluster; assumed that it answers"),
        Assumption::NotModelled(ip) => format!("address {ip}: what is behind it is not modelled; no answer is given"),
        Assumption::ForeignBalancer => {
            "load balancer: not one of this cluster's; assumed that it sends to any node that has power".to_string()
        }
        Assumption::Decision(code) => format!("{code}: assumed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_assumption_has_a_sentence() {
        let command = |init| Assumption::Command { container: "c".into(), image: "i:1".into(), command: "serve".into(), init };
        for (assumption, want) in [
            (command(true), "container c of image i:1: command `serve` not recognised; assumed that it ends well after a second"),
            (
                command(false),
                "container c of image i:1: command `serve` not recognised; assumed that it runs until it is stopped",
            ),
            (
                Assumption::Image("i:1".into()),
                "image i:1: not known; assumed that it starts, listens on its declared ports, passes its probes and answers 200 \
                 (say otherwise under spec.images)",
            ),
            (Assumption::CorefilePlugin("acl".into()), "Corefile plugin acl: not simulated; assumed that it changes no answer"),
            (
                Assumption::OutsideAnswers([192, 0, 2, 9].into()),
                "address 192.0.2.9: outside the cluster; assumed that it answers",
            ),
            (
                Assumption::NotModelled([192, 0, 2, 9].into()),
                "address 192.0.2.9: what is behind it is not modelled; no answer is given",
            ),
            (
                Assumption::ForeignBalancer,
                "load balancer: not one of this cluster's; assumed that it sends to any node that has power",
            ),
            (Assumption::Decision("some-code"), "some-code: assumed"),
        ] {
            assert_eq!(sentence(&assumption), want);
        }
    }
}
