//! `kubectl exec`: a program inside a container.

use serde_json::Value;

use crate::api::status::Status;
use crate::api::table::document::text;
use crate::console::host::Place;
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::pods;
use crate::console::kubectl::targets::Query;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("container").short('c'),
    value("filename").short('f'),
    value("pod-running-timeout"),
    switch("stdin").short('i'),
    switch("tty").short('t'),
    switch("quiet").short('q'),
];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let (target, command) = (args.before_dash(), args.after_dash());
    if args.dash.is_none() && target.len() > 1 {
        return Err(Failure::Usage {
            why: "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead".into(),
            command: "exec".into(),
        });
    }
    let Some(named) = target.first() else {
        return Err("pod, type/name or --filename must be specified".into());
    };
    if command.is_empty() {
        return Err("you must specify at least one command for the container".into());
    }
    let pod = find(client, named).await?;
    if matches!(text(&pod, "status.phase"), "Succeeded" | "Failed") {
        let phase = text(&pod, "status.phase");
        return Err(Failure::Error(format!("cannot exec into a container in a completed pod; current phase is {phase}")));
    }
    let container = pods::container(client, &pod, args.get("container"), args.on("quiet")).await;
    let (namespace, name) = pods::place(&pod);
    if !pods::container_names(&pod).iter().any(|(known, _)| *known == container) {
        return Err(Status::bad_request(format!("container {container} is not valid for pod {name}")).into());
    }
    client.world().container(&namespace, &name, &container).map_err(Failure::Error)?;
    let place = Place::Pod { namespace, pod: name, container };
    if args.on("stdin") && args.on("tty") && pods::is_shell(command) {
        client.host.enter(place, None);
        return Ok(());
    }
    let stdin = if args.on("stdin") { client.stdin } else { "" };
    client.flush();
    let exit = client.host.run_through(&place, command, stdin).await;
    if let Some(stopped) = client.host.clock().and_then(|clock| clock.stopped()) {
        return Err(stopped.into());
    }
    match exit {
        0 => Ok(()),
        code => {
            client.warn(format!("command terminated with exit code {code}"));
            Err(Failure::Exit(code))
        }
    }
}

/// The pod that `POD`, `pod/NAME`, `deploy/NAME` or `svc/NAME` stands for.
pub async fn find(client: &mut Client<'_>, named: &str) -> Result<Value, Failure> {
    let words = if named.contains('/') { vec![named.to_string()] } else { vec!["pods".into(), named.into()] };
    let found = Query { words, ..Query::default() }.find(client).await?;
    Failure::gather(found.failures.clone())?;
    let Some(target) = found.targets().into_iter().next() else { return Err(Failure::Exit(1)) };
    let pod = pods::of(client, &target).await?.into_iter().next();
    pod.ok_or_else(|| Failure::Error(format!("no pods found for {}", target.label())))
}
