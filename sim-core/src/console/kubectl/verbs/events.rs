//! `kubectl events`: events as the client lays them out (`get events` is the server's table).

use serde_json::Value;

use crate::api::table::document::{namespace, text, time};
use crate::console::kubectl::client::{Client, Filter};
use crate::console::kubectl::describe::event_interval;
use crate::console::kubectl::failure::Failure;
use crate::console::kubectl::flags::{Args, Flag, switch, value};
use crate::console::kubectl::output::{Format, as_list};
use crate::console::kubectl::resource::Resource;
use crate::render::table::table;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[value("for"), value("types"), value("chunk-size"), switch("no-headers"), switch("watch").short('w')];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let everywhere = args.on("all-namespaces");
    let space = if everywhere { String::new() } else { client.namespace.clone() };
    let mut fields = String::new();
    if let Some(about) = args.get("for") {
        let (typed, name) = about.split_once('/').ok_or("--for must be in resource/name form")?;
        let resource = Resource::find(client, typed).await?;
        fields = format!("involvedObject.kind={},involvedObject.name={name}", resource.kind);
    }
    let mut events = client.list(&Resource::named("events"), &space, &Filter { fields, ..Filter::default() }).await?;
    let types = args.listed("types");
    events.retain(|event| types.is_empty() || types.iter().any(|wanted| wanted.eq_ignore_ascii_case(text(event, "type"))));
    let format = Format::of(client, args, false).await?;
    if format != Format::Plain {
        let shown = format.print(&as_list(events), "")?;
        client.out.push_str(&shown);
        return Ok(());
    }
    if events.is_empty() {
        client.warn(if everywhere { "No events found.".into() } else { format!("No events found in {space} namespace.") });
        return Ok(());
    }
    let last =
        |event: &Value| time(event, "series.lastObservedTime").or(time(event, "lastTimestamp")).or(time(event, "eventTime"));
    events.sort_by_key(last);
    let now = client.now();
    let mut rows: Vec<Vec<String>> = Vec::new();
    if !args.on("no-headers") {
        rows.push(["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"].map(String::from).to_vec());
    }
    rows.extend(events.iter().map(|event| {
        let about = format!("{}/{}", text(event, "involvedObject.kind"), text(event, "involvedObject.name"));
        let (kind, reason, message) = (text(event, "type"), text(event, "reason"), text(event, "message").trim());
        vec![event_interval(event, now), kind.into(), reason.into(), about, message.into()]
    }));
    if everywhere {
        let spaces = events.iter().map(|event| namespace(event).to_string());
        let header = (!args.on("no-headers")).then(|| "NAMESPACE".to_string());
        rows.iter_mut().zip(header.into_iter().chain(spaces)).for_each(|(row, space)| row.insert(0, space));
    }
    client.out.push_str(&table(&rows));
    Ok(())
}
