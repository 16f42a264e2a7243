//! `kubectl get`: objects as tables or in one of the `-o` forms.
//!
//! The real thing: `k8s.io/kubectl/pkg/cmd/get`.

use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::flags::{Args, Flag, switch, value};
use super::output::{self, Format};
use super::resource::Resource;
use super::sort;
use super::targets::{Found, Query, Target};
use super::watch;
use crate::api::table::document::{format_labels, pairs};
use crate::api::table::{Table, table_for};
use crate::jsonpath::Template;
use crate::objects::time::Timestamp;
use crate::render::table::table;

/// Flags of the verb.
pub const FLAGS: &[Flag] = &[
    value("sort-by"),
    value("label-columns").short('L'),
    value("chunk-size"),
    value("raw"),
    value("subresource"),
    switch("watch").short('w'),
    switch("watch-only"),
    switch("output-watch-events"),
    switch("no-headers"),
    switch("show-labels"),
    switch("show-kind"),
    switch("ignore-not-found"),
    switch("server-print"),
];

/// Runs the verb.
pub async fn run(client: &mut Client<'_>, args: &Args) -> Result<(), Failure> {
    let format = Format::of(client, args, true).await?;
    let query = Query::listing(args);
    if query.words.is_empty() && query.files.is_empty() {
        let hint = "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported \
                    resources.\n";
        client.warn(hint);
        return Err(Failure::Usage {
            why: "Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that \
                  resource (e.g. kubectl explain pods)."
                .into(),
            command: "get".into(),
        });
    }
    if args.on("watch") || args.on("watch-only") {
        return watch::run(client, args, &query, &format).await;
    }
    let mut found = query.find(client).await?;
    if args.on("ignore-not-found") {
        found.failures.retain(|failure| !failure.is_not_found());
    }
    if let Some(path) = args.get("sort-by") {
        let path = Template::parse_relaxed(path)?;
        for group in &mut found.groups {
            sort::by_path(&mut group.targets, &path)?;
        }
    }
    match format {
        Format::Plain | Format::Wide => print_tables(client, args, &query, found, format == Format::Wide).await,
        format => print_objects(client, args, found, &format).await,
    }
}

async fn print_objects(client: &mut Client<'_>, args: &Args, found: Found, format: &Format) -> Result<(), Failure> {
    let Found { groups, failures, single } = found;
    let mut targets: Vec<Target> = groups.into_iter().flat_map(|group| group.targets).collect();
    if targets.is_empty() && (single || args.on("ignore-not-found")) {
        return Failure::gather(failures);
    }
    if !args.on("show-managed-fields") {
        for target in &mut targets {
            target.object = output::without_managed_fields(std::mem::take(&mut target.object));
        }
    }
    let text = if *format == Format::Name {
        targets.iter().map(|target| target.label() + "\n").collect()
    } else {
        let whole = match targets.as_mut_slice() {
            [only] if single => std::mem::take(&mut only.object),
            all => output::as_list(all.iter_mut().map(|target| std::mem::take(&mut target.object)).collect()),
        };
        match format {
            Format::CustomColumns(columns) if args.on("no-headers") => output::custom_rows(columns, &whole)?,
            format => format.print(&whole, "")?,
        }
    };
    client.out.push_str(&text);
    Failure::gather(failures)
}

async fn print_tables(client: &mut Client<'_>, args: &Args, query: &Query, found: Found, wide: bool) -> Result<(), Failure> {
    let several = found.groups.iter().any(|group| group.resource != found.groups[0].resource);
    let now = client.now();
    let before = client.out.len();
    let mut all_namespaced = !query.everywhere;
    for group in &found.groups {
        all_namespaced &= group.resource.namespaced;
        if group.targets.is_empty() {
            continue;
        }
        let view = View::new(args, &group.resource, query.everywhere, several, wide);
        let mut rows: Vec<Vec<String>> = group.targets.iter().map(|target| view.row(&target.object, now)).collect();
        if !args.on("no-headers") {
            rows.insert(0, view.headers());
            if client.out.len() > before {
                client.say("");
            }
        }
        client.out.push_str(&table(&rows));
    }
    if client.out.len() == before && found.failures.is_empty() && !args.on("ignore-not-found") {
        if all_namespaced {
            client.warn(format!("No resources found in {} namespace.", client.namespace.clone()));
        } else {
            client.warn("No resources found");
        }
    }
    Failure::gather(found.failures)
}

/// The columns of one table as the flags want them.
pub struct View {
    table: Table,
    wide: bool,
    namespace: bool,
    prefix: Option<String>,
    labels: bool,
    label_columns: Vec<String>,
}

impl View {
    /// The view of one kind.
    pub fn new(args: &Args, resource: &Resource, everywhere: bool, several: bool, wide: bool) -> View {
        View {
            table: table_for(&resource.group, &resource.kind),
            wide,
            namespace: everywhere && resource.namespaced,
            prefix: (several || args.on("show-kind")).then(|| resource.label()),
            labels: args.on("show-labels"),
            label_columns: args.listed("label-columns"),
        }
    }

    /// The header row.
    pub fn headers(&self) -> Vec<String> {
        let mut row = Vec::new();
        if self.namespace {
            row.push("NAMESPACE".into());
        }
        let shown = self.table.columns.iter().filter(|column| self.wide || !column.wide);
        row.extend(shown.map(|column| column.name.to_uppercase()));
        let short = |key: &String| key.rsplit('/').next().unwrap_or(key).to_uppercase();
        row.extend(self.label_columns.iter().map(short));
        if self.labels {
            row.push("LABELS".into());
        }
        row
    }

    /// The row of one object.
    pub fn row(&self, object: &Value, now: Timestamp) -> Vec<String> {
        let mut row = Vec::new();
        if self.namespace {
            row.push(pairs(object, "metadata").get("namespace").copied().unwrap_or("").into());
        }
        let cells = (self.table.row)(object, now).into_iter().zip(self.table.columns);
        for (cell, column) in cells.filter(|(_, column)| self.wide || !column.wide) {
            let cell = cut(cell);
            row.push(match &self.prefix {
                Some(kind) if column.name == "Name" => format!("{kind}/{cell}"),
                _ => cell,
            });
        }
        let labels = pairs(object, "metadata.labels");
        row.extend(self.label_columns.iter().map(|key| labels.get(key.as_str()).copied().unwrap_or("").to_string()));
        if self.labels {
            row.push(format_labels(&labels));
        }
        row
    }
}

/// A cell ends at its first line break.
fn cut(cell: String) -> String {
    match cell.find(['\n', '\r', '\x0c']) {
        Some(at) => format!("{}...", &cell[..at]),
        None => cell,
    }
}
