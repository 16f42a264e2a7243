//! Who and where one is: `env`, `printenv`, `hostname`, `id`, `whoami`, `which`.

use super::not_modelled;
use crate::console::host::{Host, Outcome, Place};
use crate::console::shell::is_name;

fn listing(host: &dyn Host) -> String {
    host.environment().iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// `env`, `env NAME=VALUE... COMMAND...`
pub(super) async fn env(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let rest = &argv[1..];
    if let Some(option) = rest.first().filter(|a| a.starts_with('-')) {
        return not_modelled("env", &format!("option {option} is not modelled"));
    }
    let settings = rest.iter().take_while(|a| a.split_once('=').is_some_and(|(name, _)| is_name(name))).count();
    let (settings, command) = rest.split_at(settings);
    if command.is_empty() {
        let mut all = host.environment();
        all.extend(settings.iter().filter_map(|s| s.split_once('=')).map(|(n, v)| (n.to_string(), v.to_string())));
        return Outcome::out(all.iter().map(|(name, value)| format!("{name}={value}\n")).collect::<String>());
    }
    // A shell sets the variables and becomes the command.
    let place = host.place();
    if settings.is_empty() {
        let exit = host.run_through(&place, command, stdin).await;
        return Outcome { exit, ..Outcome::default() };
    }
    let script = "while [ $# -gt 0 ]; do case $1 in --) shift; break;; *) export \"$1\"; shift;; esac; done; \"$@\"";
    let mut shell: Vec<String> = ["sh", "-c", script, "env"].map(str::to_string).to_vec();
    shell.extend(settings.iter().cloned());
    shell.push("--".to_string());
    shell.extend(command.iter().cloned());
    let exit = host.run_through(&place, &shell, stdin).await;
    Outcome { exit, ..Outcome::default() }
}

/// `printenv [NAME...]`
pub(super) fn printenv(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    if argv.len() == 1 {
        return Outcome::out(listing(host));
    }
    let mut outcome = Outcome::default();
    for name in &argv[1..] {
        match host.env(name) {
            Some(value) => outcome.stdout.push_str(&format!("{value}\n")),
            None => outcome.exit = 1,
        }
    }
    outcome
}

/// `hostname`, `hostname -s`
pub(super) fn hostname(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let name = host.read_file("/etc/hostname").unwrap_or_default();
    let name = name.trim_end();
    match argv.get(1).map(String::as_str) {
        None => Outcome::out(format!("{name}\n")),
        Some("-s") => Outcome::out(format!("{}\n", name.split('.').next().unwrap_or_default())),
        // The address is written beside the name in the hosts file that the kubelet makes.
        Some("-i") => {
            let hosts = host.read_file("/etc/hosts").unwrap_or_default();
            let line = hosts.lines().find(|line| line.split_whitespace().skip(1).any(|word| word == name));
            match line.and_then(|line| line.split_whitespace().next()) {
                Some(address) => Outcome::out(format!("{address}\n")),
                None => Outcome::err(1, "hostname: Name or service not known"),
            }
        }
        Some(other) => not_modelled("hostname", &format!("option {other} is not modelled")),
    }
}

fn user(place: &Place) -> (&'static str, u32) {
    if *place == Place::Outside { ("user", 1000) } else { ("root", 0) }
}

/// `whoami`
pub(super) fn whoami(host: &mut dyn Host, _: &[String], _: &str) -> Outcome {
    Outcome::out(format!("{}\n", user(&host.place()).0))
}

/// `id`, `id -u`, `id -un`
pub(super) fn id(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let (name, number) = user(&host.place());
    match argv.get(1).map(String::as_str) {
        None => Outcome::out(format!("uid={number}({name}) gid={number}({name}) groups={number}({name})\n")),
        Some("-u" | "-g") => Outcome::out(format!("{number}\n")),
        Some("-un" | "-gn") => Outcome::out(format!("{name}\n")),
        Some(other) => not_modelled("id", &format!("option {other} is not modelled")),
    }
}

/// `which NAME...`
pub(super) async fn which(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let place = host.place();
    let mut outcome = Outcome::default();
    for name in &argv[1..] {
        let ask = ["sh", "-c", "command -v \"$0\"", name].map(str::to_string);
        let path = host.run_in(&place, &ask, stdin).await.stdout;
        if path.starts_with('/') {
            outcome.stdout.push_str(&path);
        } else {
            outcome.exit = 1;
        }
    }
    outcome
}
