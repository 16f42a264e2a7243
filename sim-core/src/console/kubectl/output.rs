//! The `-o` forms other than tables: yaml, json, name, jsonpath, custom-columns, go-template.
//!
//! The real thing: `k8s.io/cli-runtime/pkg/printers`.

use serde_json::{Value, json};

use super::client::Client;
use super::failure::Failure;
use super::flags::Args;
use super::go_template::GoTemplate;
use super::go_text;
use super::targets::Target;
use crate::api::table::document::list;
use crate::jsonpath::{Template, escape_html};
use crate::render::table::table;
use crate::yaml::to_yaml;

/// How objects are printed.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// The message of the verb, or a table.
    Plain,
    /// A table with the wide columns.
    Wide,
    /// `-o yaml`.
    Yaml,
    /// `-o json`.
    Json,
    /// `-o name`.
    Name,
    /// `-o jsonpath=…`, with its text.
    JsonPath(Template, String),
    /// `-o jsonpath-as-json=…`, with its text.
    JsonPathAsJson(Template, String),
    /// `-o custom-columns=…`: headers and paths.
    CustomColumns(Vec<(String, Template)>),
    /// `-o go-template=…`.
    GoTemplate(GoTemplate),
}

const TABLE_FORMATS: &str = "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,\
                             jsonpath-file,name,template,templatefile,wide,yaml";
const OBJECT_FORMATS: &str =
    "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,yaml";

impl Format {
    /// The format that `-o` names; `tables` tells whether the verb knows the table formats.
    pub async fn of(client: &mut Client<'_>, args: &Args, tables: bool) -> Result<Format, Failure> {
        let Some(given) = args.get("output").filter(|given| !given.is_empty()) else {
            return match args.get("template") {
                Some(template) => Ok(Format::GoTemplate(GoTemplate::parse(template)?)),
                None => Ok(Format::Plain),
            };
        };
        let (kind, body) = given.split_once('=').unwrap_or((given, args.or("template", "")));
        let (kind, body) = match kind {
            "jsonpath-file" | "custom-columns-file" | "go-template-file" | "templatefile" => {
                (kind.trim_end_matches("file").trim_end_matches('-'), client.file(body)?)
            }
            _ => (kind, body.to_string()),
        };
        let needs_body = || match body.is_empty() {
            true => Err(Failure::Error("template format specified but no template given".into())),
            false => Ok(()),
        };
        let path =
            |text: &str| Template::parse(text).map_err(|why| Failure::Error(format!("error parsing jsonpath {text}, {why}")));
        match kind {
            "yaml" => Ok(Format::Yaml),
            "json" => Ok(Format::Json),
            "name" => Ok(Format::Name),
            "wide" if tables => Ok(Format::Wide),
            "jsonpath" => needs_body().and_then(|()| Ok(Format::JsonPath(path(&body)?, body))),
            "jsonpath-as-json" => needs_body().and_then(|()| Ok(Format::JsonPathAsJson(path(&body)?, body))),
            "custom-columns" if tables && given.contains("file") => {
                let mut lines = body.lines().map(|line| line.split_whitespace());
                let (headers, paths) = (lines.next().into_iter().flatten(), lines.next().into_iter().flatten());
                columns(headers.zip(paths).map(|(header, path)| format!("{header}:{path}"))).map(Format::CustomColumns)
            }
            "custom-columns" if tables => custom_columns(&body),
            "go-template" | "template" => {
                needs_body()?;
                Ok(Format::GoTemplate(GoTemplate::parse(&body)?))
            }
            _ => Err(Failure::Error(format!(
                "unable to match a printer suitable for the output format {given:?}, allowed formats are: {}",
                if tables { TABLE_FORMATS } else { OBJECT_FORMATS }
            ))),
        }
    }

    /// Prints one object, or a `List`.
    pub fn print(&self, value: &Value, label: &str) -> Result<String, Failure> {
        match self {
            Format::Plain | Format::Wide => Ok(String::new()),
            Format::Name => Ok(format!("{label}\n")),
            Format::Yaml => Ok(to_yaml(value)),
            Format::Json => Ok(pretty(value)),
            Format::JsonPath(template, text) => template.render(value).map_err(|why| template_failed(text, &why, value)),
            Format::JsonPathAsJson(template, text) => {
                let values = template.values(value).map_err(|why| template_failed(text, &why, value))?;
                Ok(pretty(&values.into_iter().map(std::borrow::Cow::into_owned).collect()))
            }
            Format::CustomColumns(columns) => custom_table(columns, value, true),
            Format::GoTemplate(template) => template.render(value).map_err(Failure::Error),
        }
    }

    /// Prints one object as a verb does after it has changed it, or with `-o`.
    pub fn print_target(&self, target: &Target, object: &Value, message: &str) -> Result<String, Failure> {
        match self {
            Format::Plain | Format::Wide => Ok(format!("{} {message}\n", target.label())),
            format => format.print(&without_managed_fields(object.clone()), &target.label()),
        }
    }
}

/// The objects as kubectl wraps several of them.
pub fn as_list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

/// Drops the bookkeeping of server-side apply, as kubectl does unless asked to show it.
pub fn without_managed_fields(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// JSON with an indent of four, as kubectl prints it.
pub fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    if serde::Serialize::serialize(value, &mut writer).is_err() {
        return String::new();
    }
    escape_html(&String::from_utf8_lossy(&bytes)) + "\n"
}

fn template_failed(template: &str, why: &str, data: &Value) -> Failure {
    Failure::Error(format!(
        "error executing jsonpath {template:?}: Error executing template: {why}. Printing more information for debugging the \
         template:\n\ttemplate was:\n\t\t{template}\n\tobject given to jsonpath engine was:\n\t\t{}\n\n\n",
        go_text::syntax(data)
    ))
}

fn custom_columns(spec: &str) -> Result<Format, Failure> {
    if spec.is_empty() {
        return Err("custom-columns format specified but no custom columns given".into());
    }
    columns(spec.split(',').map(String::from)).map(Format::CustomColumns)
}

fn columns(parts: impl Iterator<Item = String>) -> Result<Vec<(String, Template)>, Failure> {
    parts
        .map(|part| match part.split_once(':') {
            Some((header, path)) => Ok((header.to_string(), Template::parse_relaxed(path)?)),
            None => Err(Failure::Error(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"))),
        })
        .collect()
}

/// A table of custom columns; a List gives a row for each of its items.
fn custom_table(columns: &[(String, Template)], value: &Value, headers: bool) -> Result<String, Failure> {
    let mut rows = Vec::new();
    if headers {
        rows.push(columns.iter().map(|(header, _)| header.clone()).collect());
    }
    let one = std::slice::from_ref(value);
    let items = if value.get("kind") == Some(&json!("List")) { list(value, "items") } else { one };
    for item in items {
        let cell = |(_, template): &(String, Template)| {
            let values = template.values(item)?;
            let texts: Vec<String> = values.iter().map(|value| go_text::sprint(value)).collect();
            Ok(if texts.is_empty() { "<none>".into() } else { texts.join(",") })
        };
        rows.push(columns.iter().map(cell).collect::<Result<Vec<String>, String>>()?);
    }
    Ok(table(&rows))
}

/// A table of custom columns without its header row.
pub fn custom_rows(columns: &[(String, Template)], value: &Value) -> Result<String, Failure> {
    custom_table(columns, value, false)
}
