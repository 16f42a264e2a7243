//! Verbs that the simulator does not model, or for which the simulated cluster lacks the server side. Each says so: in
//! Kubernetes' words where a real cluster without that part says the same, else plainly as the simulator.

use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, optional, switch, value};

/// Flags that these verbs take without effect.
pub const FLAGS: &[Flag] = &[
    value("address"),
    value("pod-running-timeout"),
    value("container").short('c'),
    value("sort-by"),
    value("subresource"),
    value("image"),
    value("target"),
    value("profile"),
    value("copy-to"),
    value("port").short('p'),
    value("api-version"),
    switch("containers"),
    switch("no-headers"),
    switch("sum"),
    switch("quiet").short('q'),
    switch("list"),
    switch("stdin").short('i'),
    switch("tty").short('t'),
    optional("recursive", "true"),
];

/// `kubectl top`: there is no metrics server.
pub async fn top(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err("Metrics API not available".into())
}

/// `kubectl auth can-i`: every user of the simulated cluster is its administrator.
pub async fn can_i(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    if args.words.len() < 2 && !args.on("list") {
        return Err(Failure::Text(
            "error: you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' \
             for help and examples."
                .into(),
        ));
    }
    if !args.on("quiet") {
        client.say("yes");
    }
    Ok(())
}

fn not_modelled(what: &str, instead: &str) -> Failure {
    Failure::Text(format!("kubewalk: kubectl {what} is not modelled; {instead}"))
}

/// `kubectl port-forward`.
pub async fn port_forward(_: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    if args.words.len() < 2 {
        let why = "TYPE/NAME and list of ports are required for port-forward".into();
        return Err(Failure::Usage { why, command: "port-forward".into() });
    }
    Err(not_modelled("port-forward", "ask from inside the cluster with kubectl exec or kubectl run -it"))
}

/// `kubectl attach`.
pub async fn attach(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err(not_modelled("attach", "open a shell with kubectl exec -it POD -- sh, or read kubectl logs"))
}

/// `kubectl cp`.
pub async fn cp(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err(not_modelled("cp", "read files with kubectl exec POD -- cat FILE"))
}

/// `kubectl debug`.
pub async fn debug(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err(not_modelled("debug", "start a pod beside with kubectl run -it NAME --image=IMAGE"))
}

/// `kubectl proxy`.
pub async fn proxy(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err(not_modelled("proxy", "ask for objects with kubectl get -o json"))
}

/// `kubectl explain`.
pub async fn explain(_: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    if args.words.is_empty() {
        return Err("You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of \
                    supported resources."
            .into());
    }
    Err(not_modelled("explain", "the field texts are at kubernetes.io/docs/reference/kubernetes-api"))
}

/// `kubectl diff`.
pub async fn diff(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err(not_modelled("diff", "compare with kubectl apply --dry-run=server -o yaml"))
}

/// `kubectl autoscale`.
pub async fn autoscale(_: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    Err(not_modelled("autoscale", "nothing measures load here; use kubectl scale"))
}
