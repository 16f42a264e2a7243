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
pub fn run(client: &mut Client<'_>, args: &Args, query: &Query, format: &Format) -> Result<(), Failure> {
    let named = query.named(client)?;
    if query.files.is_empty() && named.len() > 1 {
        return Err("you may only specify a single resource type".into());
    }
    let found = query.find(client)?;
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
        printer.print(client, &first)?;
    }
    let mut rows = 0;
    loop {
        let revision = client.world().revision();
        if !client.world().advance_until(QUIET, &mut |world| world.revision() != revision)? {
            return Ok(());
        }
        let start = client.world().elapsed();
        // Changes of other kinds neither show nor keep the watch alive.
        let mut current = keyed(again(query, client));
        while same(&known, &current) {
            let waited = client.world().elapsed().since(start);
            if waited >= QUIET {
                return Ok(());
            }
            let revision = client.world().revision();
            let left = Duration::from_nanos(QUIET.as_nanos() - waited.as_nanos());
            if !client.world().advance_until(left, &mut |world| world.revision() != revision)? {
                return Ok(());
            }
            current = keyed(again(query, client));
        }
        let events = changes(&known, &current);
        rows += events.len();
        printer.print(client, &events)?;
        known = current;
        if rows > EVENTS_MAX {
            return Err(Failure::Stopped(format!("the watch stopped after {EVENTS_MAX} changes")));
        }
    }
}

type Objects = BTreeMap<(String, String), Target>;

/// The list again; an object that was named and is gone leaves an empty list.
fn again(query: &Query, client: &mut Client<'_>) -> Found {
    query.find(client).unwrap_or_default()
}

fn keyed(found: Found) -> Objects {
    let key = |object: &Value| (namespace(object).to_string(), name(object).to_string());
    found.targets().into_iter().map(|target| (key(&target.object), target)).collect()
}

fn same(before: &Objects, after: &Objects) -> bool {
    changes(before, after).is_empty()
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
    fn print(&mut self, client: &mut Client<'_>, events: &[(&str, &Target)]) -> Result<(), Failure> {
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
