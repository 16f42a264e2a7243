//! `kubectl get -w`: a table that grows by a row with every change.
//!
//! A real watch ends when the user interrupts it. Ours ends when nothing that is watched has changed for half a minute.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::flags::Args;
use super::get::View;
use super::output::Format;
use super::targets::{Found, Query, Target};
use crate::api::table::document::{name, namespace, text};
use crate::engine::time::Duration;
use crate::render::table::Columns;

/// A watch ends when nothing has changed for so long.
pub const QUIET: Duration = Duration::from_secs(30);
/// Most rows of one watch.
const EVENTS_MAX: usize = 100_000;

/// Runs `get` with `-w` or `--watch-only`.
pub async fn run(client: &mut Client<'_>, args: &Args, query: &Query, format: &Format) -> Result<(), Failure> {
    let named = query.named(client).await?;
    if query.files.is_empty() && named.len() > 1 {
        return Err("you may only specify a single resource type".into());
    }
    let found = query.find(client).await?;
    Failure::gather(found.failures.clone())?;
    let Some(resource) = found.groups.first().map(|group| group.resource.clone()) else { return Ok(()) };
    let mut printer = Printer {
        view: View::new(args, &resource, query.everywhere, false, *format == Format::Wide),
        columns: Columns::default(),
        headers: !args.on("no-headers"),
        events: args.on("output-watch-events"),
        format: format.clone(),
    };
    let mut known = keyed(found);
    if !args.on("watch-only") {
        let first: Vec<(&str, &Target)> = known.values().map(|target| ("ADDED", target)).collect();
        printer.print(client, &first).await?;
    }
    let (mut rows, mut last) = (0, client.world().elapsed());
    client.watches = true;
    loop {
        let current = keyed(again(query, client).await);
        let now = client.world().elapsed();
        let events = changes(&known, &current);
        if !events.is_empty() {
            last = now;
            rows += events.len();
            printer.print(client, &events).await?;
            known = current;
        }
        // Changes of other kinds neither show nor keep the watch alive.
        if now.since(last) >= QUIET {
            return Ok(());
        }
        if rows > EVENTS_MAX {
            return Err(Failure::Text(format!("kubewalk: the watch stopped after {EVENTS_MAX} changes")));
        }
        client.change(last + QUIET).await?;
    }
}

type Objects = BTreeMap<(String, String), Target>;

/// The list again; an object that was named and is gone leaves an empty list.
async fn again(query: &Query, client: &mut Client<'_>) -> Found {
    query.find(client).await.unwrap_or_default()
}

fn keyed(found: Found) -> Objects {
    let key = |object: &Value| (namespace(object).to_string(), name(object).to_string());
    found.targets().into_iter().map(|target| (key(&target.object), target)).collect()
}

fn changes<'a>(before: &'a Objects, after: &'a Objects) -> Vec<(&'static str, &'a Target)> {
    let version = |target: &Target| text(&target.object, "metadata.resourceVersion").to_string();
    let mut events = Vec::new();
    for (key, target) in after {
        match before.get(key) {
            None => events.push(("ADDED", target)),
            Some(old) if version(old) != version(target) || old.object != target.object => events.push(("MODIFIED", target)),
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|(key, _)| !after.contains_key(*key));
    events.extend(gone.map(|(_, target)| ("DELETED", target)));
    events
}

struct Printer {
    view: View,
    columns: Columns,
    headers: bool,
    events: bool,
    format: Format,
}

impl Printer {
    async fn print(&mut self, client: &mut Client<'_>, events: &[(&str, &Target)]) -> Result<(), Failure> {
        if !matches!(self.format, Format::Plain | Format::Wide) {
            for (_, target) in events {
                let text = self.format.print(&target.object, &target.label())?;
                client.out.push_str(&text);
            }
            return Ok(());
        }
        let now = client.now();
        let mut rows = Vec::new();
        if !events.is_empty() && std::mem::take(&mut self.headers) {
            let mut headers = self.view.headers();
            if self.events {
                headers.insert(0, "EVENT".into());
            }
            rows.push(headers);
        }
        for (event, target) in events {
            let mut row = self.view.row(&target.object, now);
            if self.events {
                row.insert(0, format!("{event:<8}"));
            }
            rows.push(row);
        }
        client.out.push_str(&self.columns.lay_out(&rows));
        Ok(())
    }
}
