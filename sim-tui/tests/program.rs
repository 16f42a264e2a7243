//! The program as a script sees it: arguments and standard input in, output and exit status out.

// Starting the program is the point.
#![allow(clippy::disallowed_methods)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases")
}

struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

/// Runs the program in `tests/cases`.
fn kubewalk(arguments: &[&str], stdin: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubewalk"));
    command.args(arguments).current_dir(cases()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { exit: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

const MADE_UP: &str = "made-up/";

#[test]
fn a_made_up_application_runs_from_a_folder() {
    let ran =
        kubewalk(&["sh", MADE_UP, "-c", "advance to converged", "-c", "kubectl get pods,endpoints -n harbour --no-headers"], "");
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    insta::assert_snapshot!(ran.stderr);
    let pods: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("pod/")).collect();
    assert_eq!(pods.len(), 3, "{}", ran.stdout);
    assert!(pods.iter().all(|line| line.contains(" 1/1 ") && line.contains("Running")), "{}", ran.stdout);
    let endpoints = |name: &str| ran.stdout.lines().find(|line| line.starts_with(name)).map(|line| line.matches(':').count());
    assert_eq!((endpoints("endpoints/quay"), endpoints("endpoints/crane")), (Some(2), Some(1)));
}

#[test]
fn and_through_a_pipe() {
    let texts = ["10-platform", "20-app", "30-unknown"]
        .map(|n| std::fs::read_to_string(cases().join(MADE_UP).join(format!("{n}.yaml"))).unwrap());
    let ran = kubewalk(&["run", "-"], &texts.join("---\n"));
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.starts_with(
        "simulated: 2 Deployment, 1 Namespace, 1 NetworkPolicy, 2 Service; kept, nothing acts on them: 1 ConfigMap"
    ));
    assert!(ran.stdout.contains("lighthouse.coast.example.org/north-point created"), "{}", ran.stdout);
    assert!(ran.stdout.contains("all expectations held"));
}

#[test]
fn custom_kinds_are_found_by_the_names_of_their_definition() {
    for word in ["lighthouse", "lighthouses", "lh", "Lighthouse", "lighthouses.coast.example.org"] {
        let ran = kubewalk(&["sh", MADE_UP, "-c", &format!("kubectl get {word} -n harbour -o name")], "");
        assert_eq!((ran.exit, ran.stdout.as_str()), (0, "lighthouse.coast.example.org/north-point\n"), "{word}: {}", ran.stderr);
    }
    // Nothing defines this one; the simulator keeps it all the same.
    let ran = kubewalk(&["sh", MADE_UP, "-c", "kubectl get tidetable/spring -n harbour -o jsonpath={.entries[1].metres}"], "");
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "-0.5"), "{}", ran.stderr);
    let ran = kubewalk(&["sh", MADE_UP, "-c", "kubectl get boats"], "");
    assert_eq!(ran.exit, 1);
    assert!(ran.stderr.ends_with("error: the server doesn't have a resource type \"boats\"\n"));
}

/// What is said of a line of a scenario names its file, however the scenario was asked for.
#[test]
fn a_scenario_is_the_same_by_name_and_by_path() {
    for name in ["trace-tour", "no-endpoint"] {
        let path = format!("../../scenarios/{name}.yaml");
        let (by_name, by_path) = (kubewalk(&["run", name], ""), kubewalk(&["run", &path], ""));
        assert_eq!((by_name.exit, by_path.exit), (0, 0), "{name}: {}{}", by_name.stdout, by_path.stdout);
        let place = |text: &str| text.split(&format!("{name}.yaml:")).nth(1).and_then(|t| t.get(..4)).map(str::to_string);
        assert!(place(&by_name.stdout).is_some(), "{name}: {}", by_name.stdout);
        assert_eq!(place(&by_name.stdout), place(&by_path.stdout), "{name}");
    }
}

#[test]
fn files_of_the_machine_are_read_unless_told_otherwise() {
    let line = "kubectl apply -f made-up/10-platform.yaml | head -n 1";
    let ran = kubewalk(&["sh", "-c", line], "");
    assert_eq!(ran.stdout, "namespace/harbour created\n", "{}", ran.stderr);
    let ran = kubewalk(&["sh", "--no-host-files", "-c", line, "-c", "cat made-up/10-platform.yaml"], "");
    assert_eq!((ran.exit, ran.stdout.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stderr, @r#"
    error: the path "made-up/10-platform.yaml" does not exist
    cat: made-up/10-platform.yaml: No such file or directory
    "#);
}

#[test]
fn an_assumption_fails_a_run_that_allows_none() {
    let pod = |image: &str| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{{name: a, image: {image}}}]}}\n")
    };
    let scenario = |image: &str| {
        let indented: String = pod(image).lines().map(|line| format!("        {line}\n")).collect();
        format!(
            "apiVersion: kubewalk/v1\nkind: Scenario\nmetadata: {{name: a}}\nspec:\n  steps:\n    - apply: |\n{indented}    - until: pod/a ready\n"
        )
    };
    for (image, flags, exit) in [
        ("nginx", &["--no-assumptions"][..], 0),
        ("example.org/mine:1", &[], 0),
        ("example.org/mine:1", &["--no-assumptions"], 1),
    ] {
        let ran = kubewalk(&[&["run", "-"], flags].concat(), &scenario(image));
        assert_eq!(ran.exit, exit, "{image} {flags:?}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stdout.contains("assumed:"), image != "nginx", "{}", ran.stdout);
    }
    let wait = ["-c", "kubectl run a --image=example.org/mine:1", "-c", "kubectl wait --for=condition=Ready pod/a"];
    assert_eq!(kubewalk(&[&["sh"], &wait[..]].concat(), "").exit, 0);
    assert_eq!(kubewalk(&[&["sh", "--no-assumptions"], &wait[..]].concat(), "").exit, 1);
}

/// An answer given beside the world is an answer, too.
#[test]
fn an_assumed_answer_fails_a_run_that_allows_none() {
    let said = "assumed: address 198.51.100.9: outside the cluster; assumed that it answers\n";
    for (step, assumed) in [
        ("trace: {from: external, to: '198.51.100.9:80'}", true),
        ("run: curl -s http://198.51.100.9", true),
        ("run: ping -c 1 198.51.100.9", true),
        ("trace: {from: node/node-1, to: '192.168.0.2:6443'}", false),
    ] {
        let scenario = format!("apiVersion: kubewalk/v1\nkind: Scenario\nmetadata: {{name: a}}\nspec:\n  steps:\n    - {step}\n");
        let ran = kubewalk(&["run", "-", "--no-assumptions"], &scenario);
        assert_eq!((ran.exit, ran.stdout.contains(said)), (i32::from(assumed), assumed), "{step}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(kubewalk(&["run", "-"], &scenario).exit, 0, "{step}");
    }
    // It was given, whatever moment the world is taken back to.
    let lines = ["-c", "trace external 198.51.100.9:80", "-c", "seek 0s", "-c", "assumptions"];
    let ran = kubewalk(&[&["sh", "--no-assumptions"], &lines[..]].concat(), "");
    assert_eq!(ran.exit, 1);
    assert!(ran.stdout.ends_with(said.strip_prefix("assumed: ").unwrap()), "{}", ran.stdout);
}

#[test]
fn an_expectation_that_depends_on_a_tie_is_a_finding() {
    let scenario = "ties/first-come.yaml";
    assert_eq!(kubewalk(&["run", scenario], "").exit, 0, "as scheduled it holds");
    let runs: Vec<(u64, Ran)> =
        (1..=8).map(|n| (n, kubewalk(&["run", scenario, "--shuffle-ties", &n.to_string()], ""))).collect();
    let (lucky, unlucky): (Vec<_>, Vec<_>) = runs.iter().partition(|(_, ran)| ran.exit == 0);
    assert!(!unlucky.is_empty(), "one of eight orders is another");
    assert!(lucky.iter().all(|(_, ran)| !ran.stdout.contains("??")));
    for (n, ran) in unlucky {
        let said = format!(
            "?? step 4: holds as scheduled, not with --shuffle-ties {n}: it depends on the order of events of one instant\n"
        );
        assert_eq!((ran.exit, ran.stdout.matches("?? step").count()), (1, 1), "{}", ran.stdout);
        assert!(ran.stdout.contains(&said), "{}", ran.stdout);
        let json = kubewalk(&["run", scenario, "-o", "json", "--shuffle-ties", &n.to_string()], "");
        let summary: serde_json::Value = serde_json::from_str(json.stdout.lines().last().unwrap()).unwrap();
        let finding = &summary["findings"][0];
        assert_eq!(
            (&finding["step"], &finding["shuffle_ties"], &finding["fails"]),
            (&4.into(), &(*n).into(), &"shuffled".into())
        );
    }
}

#[test]
fn exit_leaves_the_outermost_shell() {
    for (arguments, stdin) in
        [(&["sh"][..], "echo one\nexit 3\necho two\n"), (&["sh", "-c", "echo one; exit 3", "-c", "echo two"], "")]
    {
        let ran = kubewalk(arguments, stdin);
        assert_eq!((ran.exit, ran.stdout.as_str()), (3, "one\n"), "{}", ran.stderr);
    }
    let nested = "kubectl run box -it --image=busybox\nexit\necho back\n";
    assert_eq!(kubewalk(&["sh"], nested).stdout.lines().last(), Some("back"));
}
