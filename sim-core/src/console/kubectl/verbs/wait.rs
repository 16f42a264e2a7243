//! `kubectl wait`: lets time pass until something holds of objects.

use serde_json::Value;

use crate::api::table::document::{list, number, text};
use crate::console::kubectl::client::Client;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::go_text::sprint;
use crate::console::kubectl::resource::Resource;
use crate::console::kubectl::targets::{Query, Target};
use crate::console::kubectl::waiting;
use crate::engine::time::Duration;
use crate::jsonpath::Template;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[value("for"), value("timeout"), switch("local")];

const DEFAULT: Duration = Duration::from_secs(30);

enum Until {
    Deleted,
    Created,
    Condition { kind: String, status: String },
    Path { template: Template, value: Option<String> },
}

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let until = read(args.or("for", ""))?;
    let query = Query::of(args);
    let limit = waiting::timeout(args.get("timeout"), DEFAULT)?;
    let start = client.world().elapsed();
    let targets = match until {
        Until::Created => named(client, &query).await?,
        _ => {
            let mut found = query.find(client).await?;
            if matches!(until, Until::Deleted) {
                found.failures.retain(|failure| !failure.is_not_found());
                if found.groups.iter().all(|group| group.targets.is_empty()) && found.failures.is_empty() {
                    return Ok(());
                }
            }
            Failure::gather(found.failures.clone())?;
            found.targets()
        }
    };
    if targets.is_empty() {
        return Err("no matching resources found".into());
    }
    let mut failures = Vec::new();
    for target in targets {
        let spent = client.world().elapsed().since(start);
        let left = Duration::from_nanos(limit.as_nanos().saturating_sub(spent.as_nanos()));
        let uid = text(&target.object, "metadata.uid").to_string();
        let mut gone = false;
        let met = waiting::until(client, &target, left, |object| match (&until, object) {
            (Until::Deleted, object) => object.is_none_or(|object| text(object, "metadata.uid") != uid),
            (Until::Created, object) => object.is_some(),
            (_, None) => {
                gone = true;
                true
            }
            (until, Some(object)) => holds(until, object),
        })
        .await?;
        if gone {
            let (resource, name) = (&target.resource, &target.name);
            failures.push(crate::api::status::Status::not_found(&resource.plural, &resource.group, name).into());
        } else if met {
            client.say(format!("{} condition met", target.label()));
        } else {
            let (resource, name) = (&target.resource.plural, &target.name);
            failures.push(Failure::Error(format!("timed out waiting for the condition on {resource}/{name}")));
        }
    }
    if let [Failure::Error(_)] | [] | [Failure::Refused(_)] = failures.as_slice() {
        return Failure::gather(failures);
    }
    // Several time-outs are told one a line, each with its own prefix.
    Err(Failure::Text(failures.iter().map(|failure| failure.report().0).collect()))
}

async fn named(client: &mut Client<'_>, query: &Query) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    for (resource, names) in query.named(client).await? {
        let namespace = if resource.namespaced { client.namespace.clone() } else { String::new() };
        for name in names {
            let resource: Resource = resource.clone();
            targets.push(Target { resource, namespace: namespace.clone(), name, object: Value::Null, source: String::new() });
        }
    }
    Ok(targets)
}

fn read(text: &str) -> Result<Until, Failure> {
    if text.eq_ignore_ascii_case("delete") {
        return Ok(Until::Deleted);
    }
    if text.eq_ignore_ascii_case("create") {
        return Ok(Until::Created);
    }
    if let Some(condition) = text.strip_prefix("condition=") {
        let (kind, status) = condition.split_once('=').unwrap_or((condition, "true"));
        return Ok(Until::Condition { kind: kind.into(), status: status.into() });
    }
    if let Some(path) = text.strip_prefix("jsonpath=") {
        let (path, value) = match path.find('}') {
            Some(end) => {
                let rest = &path[end + 1..];
                (&path[..=end], rest.strip_prefix('='))
            }
            None => path.split_once('=').map_or((path, None), |(path, value)| (path, Some(value))),
        };
        let quotes = ['"', '\''];
        let value = value.map(|value| value.trim_matches(quotes).to_string());
        if value.as_deref() == Some("") {
            return Err(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3".into()
            );
        }
        return Ok(Until::Path { template: Template::parse_relaxed(path)?, value });
    }
    Err(Failure::Error(format!("unrecognized condition: {text:?}")))
}

fn holds(until: &Until, object: &Value) -> bool {
    match until {
        Until::Deleted | Until::Created => false,
        Until::Condition { kind, status } => {
            let condition = list(object, "status.conditions").iter().find(|c| text(c, "type").eq_ignore_ascii_case(kind));
            condition.is_some_and(|condition| {
                let observed = condition.get("observedGeneration").or(object.pointer("/status/observedGeneration"));
                let stale = observed.and_then(Value::as_i64).is_some_and(|seen| seen < number(object, "metadata.generation"));
                !stale && text(condition, "status").eq_ignore_ascii_case(status)
            })
        }
        Until::Path { template, value } => {
            let found = template.values(object).unwrap_or_default();
            match (found.as_slice(), value) {
                ([], _) => false,
                (_, None) => true,
                ([only], Some(value)) => sprint(only) == *value,
                _ => false,
            }
        }
    }
}
