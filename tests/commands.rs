//! The simulator's commands as they are typed: what is written wrongly is refused with a way out, and nothing happens.

use sim_core::cluster::event::KINDS;
use sim_core::console::host::Outcome;
use sim_core::scenario::play::{self, Player};
use sim_tests::{console, input, scenario_files};

const WORLD: &str = "
apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: world}
spec: {cluster: {nodes: 2}}
";

/// Each on a world that is a second old.
fn typed(lines: &[&str]) -> Vec<Outcome> {
    console(&input("world.yaml", WORLD), &[&["advance 1s"], lines].concat()).split_off(1)
}

#[test]
fn what_is_written_wrongly_is_refused() {
    const KIND: &str = "there are api/write, balancer/check, controllers/timer, dns/reload, kubelet/timer, policy/timer, proxy/timer, \
        scheduler/timer, traffic/request, traffic/step, watch/controller, watch/kubelet, watch/policy, watch/proxy, watch/scheduler";
    let cases = [
        ("step foo", format!("step: `foo` is no number and no kind of event; {KIND}")),
        ("step -1", format!("step: `-1` is no number and no kind of event; {KIND}")),
        ("step 1 2", "step: one number or one kind is enough".into()),
        ("rewind 5h", "rewind: this simulation began 1s ago; `seek 0s` goes there".into()),
        ("rewind", "rewind: one duration is needed".into()),
        ("rewind x", "rewind: `x` is not a duration".into()),
        ("fail pod/default/nope", "fail: pod default/nope does not exist; namespace default has no pods".into()),
        ("fail node/x", "fail: node `x` does not exist; the nodes are node-1, node-2".into()),
        ("fail proxy/x", "fail: node `x` does not exist; the nodes are node-1, node-2".into()),
        ("heal link/node-1/fabric", "heal: no link ends at `fabric`; there are apiserver, balancer, core and 5 more".into()),
        ("fail link/node-1/node-1", "fail: a link has two ends, and both are node-1".into()),
        ("fail --foo dns", "fail: `--foo` is not a flag of it; there are --mode, --loss".into()),
        ("fail node/node-1 --mode", "fail: `--mode` needs a value".into()),
        ("fail dns -o json", "fail: `-o` is not a flag of it; there are --mode, --loss".into()),
        ("digest foo", "digest: `foo` is too much: it takes no arguments".into()),
        ("assumptions foo", "assumptions: `foo` is too much: it takes no arguments".into()),
        ("wires foo", "wires: `foo` is too much: it takes no arguments".into()),
        ("settled foo", "settled: `foo` is too much: it takes no arguments".into()),
        ("help me", "help: `me` is too much: it takes no arguments".into()),
        ("timeline 3 4", "timeline: `4` is too much: one number is enough".into()),
        ("timers x", "timers: `x` is not a number of lines".into()),
        ("rules node/node-1 svc/a/b svc/c/d", "rules: `svc/c/d` is too much: one node and one Service are enough".into()),
        ("trace external 10.96.0.1:443 --protocol TCP --protocol UDP", "trace: `--protocol` is given twice; keep one".into()),
        (
            "traffic start a --from external --to http://x",
            "traffic: --rate: how often are requests sent?; add `--rate 50/s`, or `--clients 10` for clients that wait for their answers"
                .into(),
        ),
        (
            "traffic start a --from external --to http://x --rate 5/s --pause 1s",
            "traffic: --pause: a load with a `--rate` does not pause; remove `--pause`, or write `--clients` instead of `--rate`".into(),
        ),
        (
            "traffic start a --from external --to svc/default/web:80 --rate 5/s",
            "traffic: --to: `svc/default/web:80` is how a trace names a Service; a load asks for a URL, as a program does: \
             write http://web.default:80"
                .into(),
        ),
        ("advance 99999999h", "advance: `99999999h` is too long; ten years are 87600h".into()),
        ("traffic start a --rate 5/s --rate 6/s", "traffic: `--rate` is given twice; keep one".into()),
        (
            "trace external 10.96.0.1:443 --at-node node-1",
            "trace: --at-node says where an IP address enters; `external` says by itself where it sends from".into(),
        ),
    ];
    let state = |outcome: &Outcome| outcome.stdout.split(" history").next().map(str::to_string);
    let before = state(&typed(&["digest"])[0]);
    assert!(before.is_some());
    for (line, want) in cases {
        let ran = typed(&[line, "digest"]);
        let said = ran[0].stderr.lines().next().unwrap_or_default();
        assert_eq!((ran[0].exit, said), (2, &*format!("kubewalk: {want}")), "{line}");
        assert!(ran[0].stderr.lines().all(|l| !l.starts_with("usage") || l.len() <= 110), "{}", ran[0].stderr);
        assert_eq!(state(&ran[1]), before, "{line}: nothing happened");
    }
}

#[test]
fn each_command_tells_how_it_is_written() {
    let help = &typed(&["help"])[0];
    assert_eq!((help.exit, help.stderr.as_str()), (0, ""));
    let names: Vec<&str> = help.stdout.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert!(names.len() >= 18 && help.stdout.lines().all(|line| line.len() <= 80), "{}", help.stdout);
    for name in names.into_iter().filter(|name| *name != "resolve") {
        for flag in ["--help", "-h"] {
            let told = &typed(&[&format!("{name} {flag}")])[0];
            assert_eq!((told.exit, told.stderr.as_str()), (0, ""), "{name}");
            assert!(told.stdout.starts_with(&format!("usage: {name}")) || name == "heal", "{}", told.stdout);
        }
    }
}

/// `step KIND` knows the name of everything that happens.
#[test]
fn every_kind_of_event_can_be_stepped_to() {
    for (name, text) in scenario_files() {
        let mut player = Player::new(input(&name, &text), &play::Options::default()).expect("the cluster can be built");
        while player.step().is_some() {}
        for (kind, _) in player.sim().engine().counts() {
            assert!(KINDS.contains(&kind) || kind.starts_with("input/"), "{name}: {kind}");
        }
    }
}

/// What a step names means itself: no quote, semicolon or substitution in it starts another command.
#[test]
fn no_target_of_a_step_starts_a_second_command() {
    let pieces = [
        "web",
        ":80",
        "/",
        "?a=1",
        "&b=2",
        ";",
        "'",
        "\"",
        "`fail dns`",
        "$(fail dns)",
        "|",
        "\n",
        " ",
        "${X}",
        "http://",
        "\\",
        ">f",
        "#",
    ];
    let mut number = 7_u64;
    let mut roll = |sides: usize| {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(number >> 33).expect("31 bits") % sides
    };
    let (mut accepted, quiet) = (0, typed(&["kubectl get pods -A", "fail node/node-9"])[0].clone());
    for _ in 0..400 {
        let words: Vec<&str> = (0..=roll(6)).map(|_| pieces[roll(pieces.len())]).collect();
        let target = words.concat();
        let steps = serde_json::json!([
            {"wait": "1s"}, {"trace": {"from": "external", "to": target}}, {"fail": target}, {"run": "kubectl get pods -A"},
        ]);
        let scenario = serde_json::json!({"apiVersion": "kubewalk/v1", "kind": "Scenario", "metadata": {"name": "t"},
            "spec": {"cluster": {"nodes": 2}, "steps": steps}});
        let text = scenario.to_string();
        // What lint refuses is played with the step that it takes.
        let Some(input) = [text.clone(), text.replacen("\"fail\":", "\"say\":", 1)].iter().find_map(|text| taken(text)) else {
            continue;
        };
        accepted += 1;
        let mut player = Player::new(input, &play::Options::default()).expect("the cluster can be built");
        let mut last = None;
        while let Some(played) = player.step() {
            last = Some(played.outcome);
        }
        assert!(player.sim().cluster().faults.iter().next().is_none(), "{target:?}");
        assert_eq!(last.map(|outcome| outcome.stdout), Some(quiet.stdout.clone()), "{target:?}");
    }
    assert!(accepted > 50, "some targets can be played: {accepted}");
}

/// A scenario, if it can be used.
fn taken(text: &str) -> Option<std::sync::Arc<sim_core::scenario::load::Input>> {
    use sim_core::scenario::load::{File, Options, load};
    let options = Options { set: &[], is_modelled: |_| true };
    load(File { name: "t.json", bytes: text.as_bytes() }, &options).ok().map(std::sync::Arc::new)
}
