//! What becomes of an input: objects that the API server refuses, files that may not be read or replaced, output that cannot be written.
//!
//! Each file in `tests/cases/refused/` has beside it what `sh FILE` says of it (`NAME.snap`).

// Starting the program is the point.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/refused")
}

#[derive(Debug)]
struct Ran {
    exit: i32,
    stdout: String,
    stderr: String,
}

fn kubewalk(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubewalk"));
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { exit: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// An empty folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("kubewalk-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        kubewalk(&self.0, arguments)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: nginx}]}\n";
const SCENARIO: &str = "apiVersion: kubewalk/v1\nkind: Scenario\nmetadata: {name: x}\nspec:\n  steps:\n";

#[test]
fn what_the_server_refuses_is_told_with_its_place() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(cases());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut names: Vec<String> = fs::read_dir(cases()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".yaml"));
    names.sort();
    assert!(names.len() >= 10);
    for name in names {
        let played = kubewalk(&cases(), &["sh", &name, "--play", "-c", "true"]);
        assert_eq!((played.exit, played.stdout.as_str()), (1, ""), "{name}: {}", played.stderr);
        settings.bind(|| insta::assert_snapshot!(name.trim_end_matches(".yaml"), played.stderr));
        // A run says the same on standard error, and so does lint before.
        let summary = |line: &&str| ["simulated:", "kept,", "of unknown", "refused:"].iter().any(|word| line.starts_with(word));
        let complaints = |text: &str| {
            let lines: Vec<String> = text.lines().take_while(|line| !summary(line)).map(str::to_string).collect();
            lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        // What only a cluster knows, lint cannot say of a scenario.
        if name.starts_with("cluster-") {
            continue;
        }
        let (run, lint) = (kubewalk(&cases(), &["run", &name]), kubewalk(&cases(), &["lint", &name]));
        assert_eq!((run.exit, lint.exit), (1, 1), "{name}: {}{}", run.stdout, lint.stderr);
        assert_eq!(complaints(&run.stderr), complaints(&played.stderr), "{name}");
        assert_eq!(complaints(&lint.stderr), complaints(&played.stderr), "{name}");
    }
}

#[test]
fn the_last_command_counts_when_it_failed() {
    let ran = kubewalk(&cases(), &["sh", "selector-missing.yaml", "-c", "curl -s http://203.0.113.2"]);
    assert_eq!(ran.exit, 7, "{}", ran.stderr);
}

#[test]
fn sizes_are_those_of_the_server() {
    let folder = Folder::new("sizes");
    let map = |name: &str, bytes: usize| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: {}}}\n", "x".repeat(bytes))
    };
    folder.write("remembered.yaml", &map("remembered", 300_000));
    folder.write("data.yaml", &map("data", 1_100_000));
    let thing = format!("apiVersion: shop.example.com/v1\nkind: Thing\nmetadata: {{name: t}}\na: {}\n", "x".repeat(1_600_000));
    folder.write("thing.yaml", &thing);
    folder.write("body.yaml", &map("body", 3_200_000));
    let run = folder.run(&["run", "remembered.yaml"]);
    assert_eq!(run.exit, 1);
    let wanted = "The ConfigMap \"remembered\" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes\n";
    assert!(run.stdout.contains(wanted), "{}", run.stdout);
    assert!(run.stderr.contains("\n --> remembered.yaml:3:1\n"), "{}", run.stderr);
    for (file, wanted) in [
        ("remembered.yaml", ""),
        ("data.yaml", "The ConfigMap \"data\" is invalid: []: Too long: may not be more than 1048576 bytes\n"),
        ("thing.yaml", "Error from server: error when creating \"thing.yaml\": etcdserver: request is too large\n"),
        (
            "body.yaml",
            "Error from server (RequestEntityTooLarge): error when creating \"body.yaml\": Request entity too large: limit is 3145728\n",
        ),
    ] {
        let ran = folder.run(&["sh", "-c", &format!("kubectl create -f {file}")]);
        assert_eq!((ran.exit, ran.stderr.as_str()), (i32::from(!wanted.is_empty()), wanted));
    }
}

#[test]
fn a_generated_file_starts() {
    let folder = Folder::new("generated");
    let text = folder.run(&["generate", "--nodes", "3", "--pods", "6", "--services", "1500", "--zones", "3"]).stdout;
    assert_eq!(text.matches("- apply: |").count(), 2);
    folder.write("made.yaml", &text.replace("until: converged", "say: applied").replace("    within: 1h\n", ""));
    let ran = folder.run(&["run", "made.yaml"]);
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("service/app-1499 created"));
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_read() {
    let folder = Folder::new("regular");
    let fifo = folder.0.join("pipe.yaml");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let told = |arguments: &[&str]| folder.run(arguments).stderr;
    assert_eq!(told(&["run", "pipe.yaml"]), "kubewalk: pipe.yaml: this is a named pipe, and only regular files are read\n");
    assert_eq!(told(&["lint", "/dev/zero"]), "kubewalk: /dev/zero: this is a device, and only regular files are read\n");
    assert_eq!(told(&["run", "absent.yaml"]), "kubewalk: absent.yaml: no such file or folder\n");
    let folder_told = told(&["run", "./"]);
    assert!(folder_told.ends_with("pipe.yaml: this is a named pipe, and only regular files are read\n"), "{folder_told}");
    let read = folder.run(&["sh", "-c", "cat pipe.yaml", "-c", "cat /dev/zero"]);
    assert!(read.stderr.contains("cat: pipe.yaml: this is a named pipe"), "{}", read.stderr);
    assert!(read.stderr.contains("cat: /dev/zero: this is a device"), "{}", read.stderr);
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_a_folder() {
    let folder = Folder::new("links");
    folder.write("secret.yaml", POD);
    let inside = folder.write("app/pod.yaml", POD);
    std::os::unix::fs::symlink("pod.yaml", inside.with_file_name("same.yaml")).unwrap();
    std::os::unix::fs::symlink(".", inside.with_file_name("loop")).unwrap();
    assert_eq!(folder.run(&["lint", "app/"]).exit, 0);
    std::os::unix::fs::symlink("../secret.yaml", inside.with_file_name("out.yaml")).unwrap();
    let ran = folder.run(&["lint", "app/"]);
    assert_eq!(ran.exit, 2);
    assert!(ran.stderr.contains("out.yaml: this is a link that leads out of the folder"), "{}", ran.stderr);
}

#[test]
fn a_scenario_reads_its_own_folder_only() {
    let folder = Folder::new("reads");
    folder.write("shared/pod.yaml", POD);
    folder.write("mine/pod.yaml", POD);
    let steps = "  - apply: {file: pod.yaml}\n  - run: cat ../shared/pod.yaml\n    expect: {exit: 1}\n  - run: cat /etc/passwd\n    expect: {exit: 1, stdout: {equals: \"\"}}\n";
    folder.write("mine/scenario.yaml", &format!("{SCENARIO}{steps}"));
    let ran = folder.run(&["run", "mine/scenario.yaml"]);
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
    let why = "cat: ../shared/pod.yaml: outside of the scenario's folder; `--host-files DIR` lets it read more\n";
    assert!(ran.stdout.contains(why), "{}", ran.stdout);
    assert_eq!(folder.run(&["sh", "mine/scenario.yaml", "--play", "-c", "cat shared/pod.yaml"]).stdout, POD);
    let allowed = format!("{SCENARIO}  - run: cat ../shared/pod.yaml\n  - apply: {{file: ../shared/pod.yaml}}\n");
    folder.write("mine/allowed.yaml", &allowed);
    assert_eq!(folder.run(&["lint", "mine/allowed.yaml"]).exit, 1);
    assert_eq!(folder.run(&["run", "mine/allowed.yaml"]).exit, 1);
    assert_eq!(folder.run(&["run", "mine/allowed.yaml", "--host-files", "shared"]).exit, 0);
    assert_eq!(folder.run(&["lint", "mine/allowed.yaml", "--host-files", "shared"]).exit, 0);
    // A scenario's name is of no matter to what it expects.
    for name in ["no-endpoint", "trace-tour"] {
        let text = fs::read_to_string(cases().join(format!("../../../scenarios/{name}.yaml"))).unwrap();
        folder.write("renamed.yaml", &text);
        let ran = folder.run(&["run", "renamed.yaml"]);
        assert_eq!(ran.exit, 0, "{name}: {}", ran.stdout);
    }
}

#[cfg(unix)]
#[test]
fn a_saved_file_is_the_old_or_the_new_one() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("save");
    let input = folder.write("pod.yaml", POD);
    let saved = folder.write("saved.yaml", "old");
    fs::set_permissions(&saved, fs::Permissions::from_mode(0o640)).unwrap();
    let ran = folder.run(&["run", "pod.yaml", "--save", "saved.yaml"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    assert!(fs::read_to_string(&saved).unwrap().starts_with("apiVersion: kubewalk/v1\n"));
    assert_eq!(fs::metadata(&saved).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(folder.run(&["run", "saved.yaml"]).exit, 0);
    std::os::unix::fs::symlink("pod.yaml", folder.0.join("link.yaml")).unwrap();
    for (file, why) in [
        ("pod.yaml", "this is the input itself; name another file, or replace it with --force"),
        ("link.yaml", "this is a link; name the file that it leads to, or replace the link with --force"),
        ("/dev/null", "this is a device, not a file that can be replaced"),
        (".", "this is a folder, not a file that can be replaced"),
        ("absent/saved.yaml", "no such file or folder"),
    ] {
        let ran = folder.run(&["run", "pod.yaml", "--save", file]);
        assert_eq!((ran.exit, ran.stderr), (2, format!("kubewalk: --save {file}: {why}\n")));
        assert_eq!(fs::read_to_string(&input).unwrap(), POD);
    }
    let printed = folder.run(&["run", "pod.yaml", "--save", "-"]);
    assert_eq!((printed.exit, fs::read_to_string(&saved).unwrap()), (0, printed.stdout));
    assert!(!folder.0.join("-").exists());
    assert_eq!(folder.run(&["run", "pod.yaml", "--save", "pod.yaml", "--force"]).exit, 0);
    assert!(fs::read_to_string(&input).unwrap().starts_with("apiVersion: kubewalk/v1\n"));
    let mut names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["link.yaml", "pod.yaml", "saved.yaml"]);
}

#[test]
fn an_object_that_cannot_be_decoded_is_not_saved() {
    let folder = Folder::new("save-refused");
    folder.write("two.yaml", &format!("{POD}---\n{}", POD.replace("image", "imag").replace("name: a", "name: b")));
    assert_eq!(folder.run(&["run", "two.yaml", "--save", "saved.yaml"]).exit, 1);
    let ran = folder.run(&["run", "saved.yaml"]);
    assert_eq!(ran.exit, 0, "{}{}", ran.stdout, ran.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_hides_nothing() {
    let folder = Folder::new("output");
    folder.write("good.yaml", &format!("{SCENARIO}  - run: seq 100000\n"));
    folder.write("bad.yaml", &format!("{SCENARIO}  - run: seq 100000\n  - run: \"false\"\n"));
    let program = env!("CARGO_BIN_EXE_kubewalk");
    let line = |text: String| {
        let output = Command::new("bash").args(["-c", &text]).current_dir(&folder.0).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let full = "kubewalk: standard output: No space left on device\n".to_string();
    assert_eq!(line(format!("{program} run good.yaml >/dev/full")), (2, String::new(), full.clone()));
    assert_eq!(line(format!("{program} run bad.yaml >/dev/full")), (1, String::new(), full.clone()));
    assert_eq!(line(format!("{program} list >/dev/full")), (2, String::new(), full.clone()));
    assert_eq!(line(format!("{program} sh -c 'echo a' >/dev/full")), (2, String::new(), full));
    for (command, status) in [("run good.yaml", 0), ("run bad.yaml", 1), ("list", 0), ("sh -c 'seq 100000'", 0)] {
        let (_, stdout, stderr) = line(format!("{program} {command} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"));
        assert_eq!((stdout, stderr), (format!("{status}\n"), String::new()), "{command}");
    }
}
