//! `kubectl config`: the client's own settings, a file of the sandbox.

use serde_json::{Value, json};

use crate::api::table::document::{list, text};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::output::pretty;
use crate::console::kubectl::session;
use crate::render::table::table;
use crate::yaml::to_yaml;

/// Flags of all of them.
pub const FLAGS: &[Flag] = &[
    switch("current"),
    switch("minify"),
    switch("raw"),
    switch("flatten"),
    switch("merge"),
    switch("no-headers"),
    value("output").short('o'),
];

/// `config view`.
pub async fn view(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let config = session::read(client.host);
    let text = if args.get("output") == Some("json") { pretty(&config) } else { to_yaml(&config) };
    match args.get("output") {
        Some(form) if form.starts_with("jsonpath") => {
            let format = crate::console::kubectl::output::Format::of(client, args, false).await?;
            let shown = format.print(&config, "")?;
            client.out.push_str(&shown);
        }
        _ => client.out.push_str(&text),
    }
    Ok(())
}

/// `config current-context`.
pub async fn current_context(client: &mut Client<'_>, _: &Args) -> Result<(), Failure> {
    let config = session::read(client.host);
    match text(&config, "current-context") {
        "" => Err("current-context is not set".into()),
        context => {
            client.say(context);
            Ok(())
        }
    }
}

/// `config get-contexts`.
pub async fn get_contexts(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let config = session::read(client.host);
    let current = text(&config, "current-context");
    let mut rows = Vec::new();
    if !args.on("no-headers") && args.get("output").is_none() {
        rows.push(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"].map(String::from).to_vec());
    }
    for context in list(&config, "contexts") {
        let name = text(context, "name");
        if args.get("output") == Some("name") {
            client.say(name);
            continue;
        }
        let mark = if name == current { "*" } else { "" };
        let of = |field: &str| text(context, &format!("context.{field}")).to_string();
        rows.push(vec![mark.into(), name.into(), of("cluster"), of("user"), of("namespace")]);
    }
    client.out.push_str(&table(&rows));
    Ok(())
}

/// `config use-context`.
pub async fn use_context(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let mut config = session::read(client.host);
    let [wanted] = args.words.as_slice() else {
        return Err(Failure::Usage { why: "Unexpected args".into(), command: "config use-context".into() });
    };
    if session::context(&config, wanted).is_none() {
        return Err(Failure::Error(format!("no context exists with the name: {wanted:?}")));
    }
    config["current-context"] = json!(wanted);
    store(client, &config).await?;
    client.say(format!("Switched to context {wanted:?}."));
    Ok(())
}

/// `config set-context`.
pub async fn set_context(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let mut config = session::read(client.host);
    let wanted = match (args.on("current"), args.words.first()) {
        (true, _) => text(&config, "current-context").to_string(),
        (false, Some(name)) => name.clone(),
        (false, None) => {
            let why = "you must specify a non-empty context name or --current";
            return Err(Failure::Usage { why: why.into(), command: "config set-context".into() });
        }
    };
    let known = session::context(&config, &wanted).is_some();
    if !known && let Some(contexts) = config.get_mut("contexts").and_then(Value::as_array_mut) {
        contexts.push(json!({"name": wanted, "context": {}}));
    }
    for context in config.get_mut("contexts").and_then(Value::as_array_mut).into_iter().flatten() {
        if text(context, "name") != wanted {
            continue;
        }
        for field in ["namespace", "cluster", "user"] {
            if let Some(value) = args.get(field) {
                context["context"][field] = value.into();
            }
        }
    }
    store(client, &config).await?;
    client.say(format!("Context {wanted:?} {}.", if known { "modified" } else { "created" }));
    Ok(())
}

async fn store(client: &mut Client<'_>, config: &Value) -> Result<(), Failure> {
    session::write(client.host, config).map_err(|error| Failure::Error(error.0))
}
