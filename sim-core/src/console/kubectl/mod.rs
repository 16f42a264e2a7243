//! kubectl: the client through which people talk to a cluster.
//!
//! In a real cluster it is a program on the user's machine that turns words into requests to kube-apiserver and answers into
//! text. We model version 1.32: its verbs, flags, tables, pages and error texts. It speaks to the simulated API server through
//! [`World`](crate::console::host::World) and keeps its settings in a file of the sandbox, as the real one does. Left out:
//! plugins, kustomize, attach, cp, debug, proxy, and everything that needs a terminal. What is left out says so plainly.
//! The real thing: `k8s.io/kubectl` and `k8s.io/cli-runtime`.

mod changes;
mod client;
mod describe;
mod failure;
mod flags;
mod get;
mod go_template;
mod go_text;
mod manifest;
mod output;
mod pods;
mod resource;
mod revisions;
mod session;
mod sort;
mod targets;
#[cfg(test)]
mod tests;
mod verbs;
mod waiting;
mod watch;

pub use verbs::remembering;

use self::client::Client;
use self::failure::Failure;
use serde_json::Value;

use self::flags::Args;
use super::host::{Host, Outcome};
use crate::jsonpath::Template;

/// The program: `argv[0]` is its own name.
pub async fn kubectl(host: &mut dyn Host, argv: &[String], stdin: &str) -> Outcome {
    let words = argv.get(1..).unwrap_or(&[]);
    let mut client = Client::new(host, stdin);
    let result = dispatch(&mut client, words).await;
    let Client { out: stdout, err: mut stderr, .. } = client;
    let exit = match result {
        Ok(()) => 0,
        Err(failure) => {
            let (text, exit) = failure.report();
            stderr.push_str(&text);
            exit
        }
    };
    Outcome { stdout, stderr, exit }
}

async fn dispatch(client: &mut Client<'_>, words: &[String]) -> Result<(), Failure> {
    let (verb, rest) = verbs::find(words)?;
    let args = flags::parse(&rest, verb.flags)
        .map_err(|why| Failure::Text(format!("error: {why}\nSee 'kubectl {} --help' for usage.", verb.name)))?;
    if args.on("help") {
        client.say(verbs::help(verb));
        return Ok(());
    }
    settle_namespace(client, &args);
    (verb.run)(client, &args).await
}

fn settle_namespace(client: &mut Client<'_>, args: &Args) {
    match args.get("namespace").filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => (client.namespace, client.namespace_given) = (namespace.into(), true),
        None => client.namespace = session::namespace(&session::read(client.host)),
    }
}

/// An object, or the part of it that a path template gives, as kubectl prints it; `None` if the template does not fit.
pub fn printed(object: &Value, path: Option<&str>) -> Option<String> {
    match path {
        None => Some(output::pretty(object)),
        Some(path) => Template::parse(path).ok()?.render(object).ok(),
    }
}
