//! `ssh [USER@]NODE [COMMAND...]`: a shell on a node.
//!
//! In a real cluster one reaches nodes by name if the machine outside can resolve them; here every Node of the API can be.
//! Left out: keys, host checking, ports, forwarding.

use super::options;
use crate::api::request::{Request, Response, Verb};
use crate::console::host::{Host, Outcome, Place};

/// Runs a command on a node, or opens a shell there.
pub(super) async fn ssh(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let options = match options::read(argv, "tTqnAo:i:l:p:", &[], true) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let Some((target, command)) = options.rest.split_first() else {
        return Outcome::err(
            255,
            "usage: ssh [-AnqTt] [-i identity_file] [-l login_name] [-o option] [-p port] destination [command]",
        );
    };
    let node = target.rsplit_once('@').map_or(target.as_str(), |(_, node)| node);
    if !exists(host, node) {
        return Outcome::err(255, format!("ssh: Could not resolve hostname {node}: Name or service not known"));
    }
    let place = Place::Node(node.to_string());
    let shell = |text: String| ["sh".to_string(), "-c".to_string(), text];
    if !command.is_empty() {
        // sshd hands the words, joined, to the login shell.
        let exit = host.run_through(&place, &shell(command.join(" ")), stdin).await;
        return Outcome { exit, ..Outcome::default() };
    }
    if !stdin.is_empty() {
        let exit = host.run_through(&place, &["sh".to_string()], stdin).await;
        return Outcome { exit, ..Outcome::default() };
    }
    host.enter(place, None);
    Outcome::default()
}

fn exists(host: &mut dyn Host, node: &str) -> bool {
    let request = Request::new(Verb::Get, "", "v1", "nodes", "", node);
    !node.is_empty() && matches!(host.world().request(request).response, Response::Object(_))
}
