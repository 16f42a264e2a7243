//! `kubectl run`: one pod from an image, perhaps with the user inside it.

use serde_json::{Value, json};

use super::create::{generated, without_nulls};
use crate::api::request::Verb;
use crate::api::table::document::{list, number, text};
use crate::console::host::Place;
use crate::console::kubectl::changes::{Change, DryRun};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, optional, switch, value};
use crate::console::kubectl::resource::Resource;
use crate::console::kubectl::targets::Target;
use crate::console::kubectl::{pods, waiting};
use crate::engine::time::Duration;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("image"),
    value("image-pull-policy"),
    value("restart"),
    value("env"),
    value("labels").short('l'),
    value("annotations"),
    value("port"),
    value("overrides"),
    value("override-type"),
    value("pod-running-timeout"),
    value("grace-period"),
    value("timeout"),
    optional("cascade", "background"),
    switch("expose"),
    switch("command"),
    switch("attach"),
    switch("rm"),
    switch("stdin").short('i'),
    switch("tty").short('t'),
    switch("leave-stdin-open"),
    switch("privileged"),
    switch("quiet").short('q'),
    switch("force"),
    switch("wait"),
];

/// How long an attaching run waits for its pod.
const RUNNING_WITHIN: Duration = Duration::from_secs(60);

fn usage(why: impl Into<String>) -> Failure {
    Failure::Usage { why: why.into(), command: "run".into() }
}

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let image = args.get("image").ok_or("required flag(s) \"image\" not set")?;
    let (Some(name), true) = (args.words.first(), args.dash != Some(0)) else {
        return Err(usage("NAME is required for run"));
    };
    let valid = |c: char| c.is_ascii_alphanumeric() || "-._/:@".contains(c);
    if image.is_empty() || !image.chars().all(valid) || image.starts_with(['/', ':', '@', '-', '.']) {
        return Err(Failure::Error(format!("Invalid image name {image:?}: invalid reference format")));
    }
    if args.on("tty") && !args.on("stdin") {
        return Err(usage("-i/--stdin is required for containers with -t/--tty=true"));
    }
    if args.on("expose") && !args.has("port") {
        return Err(usage("--port must be set when exposing a service"));
    }
    let restart = args.or("restart", "Always");
    if !matches!(restart, "Always" | "OnFailure" | "Never") {
        return Err(usage(format!("invalid restart policy: {restart}")));
    }
    let attach = args.is_true("attach", args.on("stdin"));
    if args.on("rm") && !attach {
        return Err(usage("--rm should only be used for attached containers"));
    }
    let change = Change::of(client, args, "kubectl-run").await?;
    if attach && change.dry_run != DryRun::No {
        return Err(usage(
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    let object = pod(args, name, image, restart)?;
    if args.on("expose") {
        generated(client, args, service(args, name, &object)?, None).await?;
    }
    let target = Target {
        resource: Resource::named("pods"),
        namespace: client.namespace.clone(),
        name: name.clone(),
        object: Value::Null,
        source: String::new(),
    };
    let mut stored = object;
    if change.dry_run != DryRun::Client {
        let body = without_nulls(stored);
        stored = client.write(Verb::Create, &target.resource, (&target.namespace, ""), body, change.options()).await?;
    }
    if attach { attached(client, args, &target, restart).await } else { change.tell(client, &target, &stored, "created").await }
}

fn pod(args: &Args, name: &str, image: &str, restart: &str) -> Result<Value, Failure> {
    let mut container = json!({"image": image, "name": name, "resources": {}});
    let words = &args.words[1..];
    if !words.is_empty() {
        container[if args.on("command") { "command" } else { "args" }] = json!(words);
    }
    let mut env = Vec::new();
    for text in args.all("env") {
        let (key, value) = text.split_once('=').ok_or_else(|| Failure::Error(format!("invalid env: {text}")))?;
        env.push(json!({"name": key, "value": value}));
    }
    if !env.is_empty() {
        container["env"] = env.into();
    }
    if let Some(port) = args.number("port")? {
        container["ports"] = json!([{"containerPort": port}]);
    }
    for (flag, field) in [("stdin", "stdin"), ("tty", "tty")] {
        if args.on(flag) {
            container[field] = true.into();
        }
    }
    if args.on("stdin") && !args.on("leave-stdin-open") {
        container["stdinOnce"] = true.into();
    }
    if let Some(policy) = args.get("image-pull-policy") {
        container["imagePullPolicy"] = policy.into();
    }
    if args.on("privileged") {
        container["securityContext"] = json!({"privileged": true});
    }
    let mut metadata = json!({"creationTimestamp": null, "labels": labels(args, name)?, "name": name});
    if args.has("annotations") {
        metadata["annotations"] = super::label::map(&args.listed("annotations"))?;
    }
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart},
        "status": {},
    });
    overridden(args, pod)
}

fn labels(args: &Args, name: &str) -> Result<Value, Failure> {
    if args.has("labels") { super::label::map(&args.listed("labels")) } else { Ok(json!({"run": name})) }
}

/// `--overrides`: a JSON merge patch over the generated pod.
fn overridden(args: &Args, pod: Value) -> Result<Value, Failure> {
    let Some(text) = args.get("overrides") else { return Ok(pod) };
    let patch: Value = serde_json::from_str(text).map_err(|why| Failure::Error(format!("Invalid JSON Patch: {why}")))?;
    Ok(crate::api::patch::merge(&pod, &patch))
}

fn service(args: &Args, name: &str, pod: &Value) -> Result<Value, Failure> {
    let port = args.number("port")?.unwrap_or(0);
    Ok(json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"creationTimestamp": null, "name": name},
        "spec": {
            "ports": [{"port": port, "protocol": "TCP", "targetPort": port}],
            "selector": pod["metadata"]["labels"],
        },
        "status": {"loadBalancer": {}},
    }))
}

/// Waits for the pod, then puts the user (or the given program) into it.
async fn attached(client: &mut Client<'_>, args: &Args, target: &Target, restart: &str) -> Result<(), Failure> {
    let limit = waiting::timeout(args.get("pod-running-timeout"), RUNNING_WITHIN)?;
    let started = waiting::until(client, target, limit, |pod| {
        pod.is_none_or(|pod| {
            let ready = list(pod, "status.conditions").iter().any(|c| text(c, "type") == "Ready" && text(c, "status") == "True");
            match text(pod, "status.phase") {
                "Running" => ready,
                phase => matches!(phase, "Succeeded" | "Failed"),
            }
        })
    })
    .await;
    let result = match started {
        Err(stopped) => return Err(stopped),
        Ok(false) => Err(Failure::Error("timed out waiting for the condition".into())),
        Ok(true) => inside(client, args, target, restart).await,
    };
    match result {
        // The nested shell cleans up when it is left.
        Ok(true) => Ok(()),
        other => {
            if args.on("rm") {
                let line = ["delete", "pod", &target.name, "-n", &target.namespace].map(String::from);
                super::super::dispatch(client, &line).await?;
            }
            other.map(drop)
        }
    }
}

/// Tells whether a nested shell was opened.
async fn inside(client: &mut Client<'_>, args: &Args, target: &Target, restart: &str) -> Result<bool, Failure> {
    let pod = client.get(&target.resource, &target.namespace, &target.name).await?;
    let container = target.name.clone();
    if matches!(text(&pod, "status.phase"), "Succeeded" | "Failed") {
        let lines = client.world().logs(&target.namespace, &target.name, &container, false).unwrap_or_default();
        lines.into_iter().for_each(|(_, line)| client.say(line));
        let code = list(&pod, "status.containerStatuses").first().map_or(0, |status| number(status, "state.terminated.exitCode"));
        return ended(target, restart, i32::try_from(code).unwrap_or(1)).map(|()| false);
    }
    let place = Place::Pod { namespace: target.namespace.clone(), pod: target.name.clone(), container };
    if !args.on("quiet") {
        client.warn("If you don't see a command prompt, try pressing enter.");
    }
    let words = &args.words[1..];
    if args.on("tty") && (words.is_empty() || pods::is_shell(words)) {
        let (name, space) = (target.name.clone(), target.namespace.clone());
        let goodbye: Option<Vec<String>> = if args.on("rm") {
            Some(["kubectl", "delete", "pod", &name, "-n", &space].map(String::from).into())
        } else if restart == "Always" {
            let again = format!("kubectl attach {name} -c {name} -i -t");
            let text = format!("Session ended, resume using '{again}' command when the pod is running");
            Some(vec!["echo".into(), text])
        } else {
            None
        };
        client.host.enter(place, goodbye);
        return Ok(true);
    }
    let words = if words.is_empty() { vec!["sh".to_string()] } else { words.to_vec() };
    let stdin = if args.on("stdin") { client.stdin } else { "" };
    client.flush();
    let exit = client.host.run_through(&place, &words, stdin).await;
    ended(target, restart, exit).map(|()| false)
}

/// The exit status of the program counts only for pods that are not restarted.
fn ended(target: &Target, restart: &str, code: i32) -> Result<(), Failure> {
    if code == 0 || restart == "Always" {
        return Ok(());
    }
    Err(Failure::Several(vec![
        Failure::Text(format!("pod {}/{} terminated (Error)", target.namespace, target.name)),
        Failure::Exit(code),
    ]))
}
