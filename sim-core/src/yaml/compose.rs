//! Parser events to documents: JSON values, and beside them the place of every key and value.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::scalar::{self, Booleans};
use super::{
    ALIAS_BYTES_MAX, ALIAS_NODES_MAX, ByteRange, DEPTH_MAX, Document, ERRORS_MAX, Fault, NODES_MAX, Profile, ReadError, SpanTree,
    syntax,
};

/// Where in a scenario the manifests begin: below it Kubernetes' booleans hold.
const MANIFESTS_AT: [&str; 2] = ["spec", "objects"];

pub(super) fn read(text: &str, profile: Profile) -> Result<Vec<Document>, Vec<ReadError>> {
    let options = granit_parser::options! { emit_comments: false, simple_key_max_lookahead: 4096 };
    let mut composer = Composer {
        parser: Parser::new_from_str_with_options(text, options),
        text,
        anchors: BTreeMap::new(),
        errors: Vec::new(),
        nodes: 0,
        alias_nodes: 0,
        alias_bytes: 0,
        booleans: Booleans::Yaml11,
        manifests_below: None,
    };
    let documents = composer.stream(profile);
    match documents {
        Ok(documents) if composer.errors.is_empty() => Ok(documents),
        Ok(_) => Err(composer.errors),
        Err(stop) => {
            composer.errors.push(*stop);
            Err(composer.errors)
        }
    }
}

/// An error after which reading cannot go on.
type Stop = Box<ReadError>;

struct Node {
    value: Value,
    spans: SpanTree,
    /// This value and all in it.
    nodes: usize,
}

enum Anchor {
    /// Its node is still being read: an alias now would contain itself.
    Open(ByteRange),
    Done(Node),
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    anchors: BTreeMap<usize, Anchor>,
    errors: Vec<ReadError>,
    nodes: usize,
    alias_nodes: usize,
    alias_bytes: usize,
    booleans: Booleans,
    /// How many keys of [`MANIFESTS_AT`] the current position matches; `None` outside a scenario document.
    manifests_below: Option<usize>,
}

impl<'a> Composer<'a> {
    fn stream(&mut self, profile: Profile) -> Result<Vec<Document>, Stop> {
        let mut documents = Vec::new();
        while let Some((event, _)) = self.next()? {
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(..) => {
                    let script = profile == Profile::Scenario && documents.is_empty();
                    self.booleans = if script { Booleans::Strict } else { Booleans::Yaml11 };
                    self.manifests_below = script.then_some(0);
                    self.anchors.clear();
                    let node = self.node(0)?;
                    if !node.value.is_null() {
                        let start = node.spans.range.start;
                        documents.push(Document { value: node.value, spans: node.spans, start });
                    }
                }
                _ => {}
            }
        }
        Ok(documents)
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Stop> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(pair)) => Ok(Some(pair)),
            Some(Err(error)) => Err(Box::new(syntax::explain(&error, self.text))),
        }
    }

    fn node(&mut self, depth: usize) -> Result<Node, Stop> {
        let Some((event, span)) = self.next()? else { return Ok(self.leaf(Value::Null, 0..0)) };
        self.node_from(event, span, depth)
    }

    fn node_from(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        let range = bytes(&span, self.text);
        self.spend(1, &range)?;
        if depth > DEPTH_MAX {
            return Err(stop(
                Fault::Budget,
                range,
                format!("nested deeper than {DEPTH_MAX} levels"),
                "no Kubernetes object needs that; look for an unclosed bracket",
            ));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style, tag.as_deref(), &range)?;
                let node = self.leaf(value, range);
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(anchor, tag.as_deref(), "seq", &range)?;
                let node = self.sequence(range, depth)?;
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.open(anchor, tag.as_deref(), "map", &range)?;
                let node = self.mapping(range, depth)?;
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::Alias(id) => self.alias(id, range),
            _ => Ok(self.leaf(Value::Null, range)),
        }
    }

    fn leaf(&self, value: Value, range: ByteRange) -> Node {
        Node { value, spans: SpanTree::scalar(range), nodes: 1 }
    }

    fn sequence(&mut self, start: ByteRange, depth: usize) -> Result<Node, Stop> {
        let (mut items, mut trees, mut nodes, mut end) = (Vec::new(), Vec::new(), 1, start.end);
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                end = end.max(closing(&span, self.text));
                break;
            }
            let item = self.node_from(event, span, depth + 1)?;
            end = end.max(item.spans.range.end);
            nodes += item.nodes;
            items.push(item.value);
            trees.push(item.spans);
        }
        Ok(Node { value: Value::Array(items), spans: SpanTree::list(start.start..end, trees), nodes })
    }

    fn mapping(&mut self, start: ByteRange, depth: usize) -> Result<Node, Stop> {
        let mut fields = Fields::default();
        let mut end = start.end;
        let mut merges = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                end = end.max(closing(&span, self.text));
                break;
            }
            let (key, key_range, merge) = self.key(event, span)?;
            let outside = self.enter(&key);
            let node = self.node(depth + 1)?;
            self.leave(outside);
            end = end.max(node.spans.range.end).max(key_range.end);
            match merge {
                true => merges.push((key_range, node)),
                false => self.insert(&mut fields, key, key_range, node)?,
            }
        }
        for (key_range, node) in merges {
            fields.merge(node).map_err(|message| {
                stop(
                    Fault::NotJson,
                    key_range,
                    message,
                    "`<<` takes an alias of a mapping (`<<: *name`) or a list of such aliases",
                )
            })?;
        }
        let nodes = fields.nodes + 1;
        Ok(Node { value: Value::Object(fields.values), spans: SpanTree::mapping(start.start..end, fields.trees), nodes })
    }

    /// A key as text, its place, and whether it is the merge key.
    fn key(&mut self, event: Event<'a>, span: Span) -> Result<(String, ByteRange, bool), Stop> {
        let range = bytes(&span, self.text);
        let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, 0, None) if text == "<<");
        if let Event::Scalar(text, ScalarStyle::Plain, 0, None) = &event
            && matches!(self.booleans, Booleans::Strict)
            && text != "null"
            && text != "~"
        {
            return Ok((text.to_string(), range, merge));
        }
        let node = self.node_from(event, span, 0)?;
        let key = match node.value {
            Value::String(text) => text,
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => super::number::print(&n),
            Value::Null => {
                return Err(stop(
                    Fault::NotJson,
                    range,
                    "a key is missing here (or is null)",
                    "write the key before the colon, or quote it",
                ));
            }
            Value::Array(_) | Value::Object(_) => return Err(self.not_a_key(node.spans.range)),
        };
        Ok((key, range, merge))
    }

    fn not_a_key(&self, range: ByteRange) -> Stop {
        if self.text[..range.start].ends_with('{') {
            return stop(Fault::NotJson, range, syntax::TEMPLATE, syntax::TEMPLATE_HELP);
        }
        stop(
            Fault::NotJson,
            range,
            "a key must be text, and this one is a list or a mapping",
            "quote it if the brackets are part of the text",
        )
    }

    fn insert(&mut self, fields: &mut Fields, key: String, range: ByteRange, node: Node) -> Result<(), Stop> {
        let Some((first, _)) = fields.trees.get(&key) else {
            fields.put(key, range, node);
            return Ok(());
        };
        let error = duplicate(&key, range, first.clone());
        if self.errors.len() + 1 >= ERRORS_MAX {
            return Err(Box::new(error));
        }
        self.errors.push(error);
        Ok(())
    }

    fn alias(&mut self, id: usize, range: ByteRange) -> Result<Node, Stop> {
        let (copy, size) = match self.anchors.get(&id) {
            Some(Anchor::Done(node)) if node.nodes + self.alias_nodes <= ALIAS_NODES_MAX => {
                (Node { value: node.value.clone(), spans: node.spans.clone(), nodes: node.nodes }, text_size(&node.value))
            }
            Some(Anchor::Done(_)) => return Err(laughs(range)),
            Some(Anchor::Open(opened)) => {
                let mut error = ReadError::new(
                    Fault::NotJson,
                    range,
                    "this alias stands inside the value it repeats, so the value would never end",
                    "move the anchor (&name) to a value that does not contain this alias, or write the value out",
                );
                error.related = Some((opened.clone(), "the value begins here".to_string()));
                return Err(Box::new(error));
            }
            None => {
                return Err(stop(
                    Fault::Syntax,
                    range,
                    "this alias names no anchor",
                    "define it earlier in the same document with &name",
                ));
            }
        };
        self.alias_nodes += copy.nodes;
        self.alias_bytes += size;
        if self.alias_bytes > ALIAS_BYTES_MAX {
            return Err(laughs(range));
        }
        self.spend(copy.nodes, &range)?;
        Ok(copy)
    }

    fn open(&mut self, anchor: usize, tag: Option<&Tag>, wanted: &str, range: &ByteRange) -> Result<(), Stop> {
        if tag.is_some_and(|t| t.is_yaml_core_schema() && !t.is_yaml_core_schema_tag(wanted)) {
            return Err(wrong_tag(tag, range));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor::Open(range.clone()));
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Stop> {
        if anchor != 0 {
            self.spend(node.nodes, &node.spans.range)?;
            let copy = Node { value: node.value.clone(), spans: node.spans.clone(), nodes: node.nodes };
            self.anchors.insert(anchor, Anchor::Done(copy));
        }
        Ok(())
    }

    fn spend(&mut self, nodes: usize, range: &ByteRange) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(stop(
            Fault::Budget,
            range.clone(),
            format!("more than {NODES_MAX} values in one text"),
            "split it into several files, or let a Deployment with `replicas` stand for many equal Pods",
        ))
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, range: &ByteRange) -> Result<Value, Stop> {
        let plain = || {
            scalar::resolve(text, self.booleans).ok_or_else(|| {
                stop(
                    Fault::NotJson,
                    range.clone(),
                    format!("`{text}` is not a number that JSON can hold"),
                    "quote it if you mean the text",
                )
            })
        };
        let Some(tag) = tag else {
            return if style == ScalarStyle::Plain { plain() } else { Ok(Value::String(text.to_string())) };
        };
        let fits = match (tag.handle(), tag.suffix()) {
            ("tag:yaml.org,2002:", "str") | ("", "!") | ("!", "") => return Ok(Value::String(text.to_string())),
            ("tag:yaml.org,2002:", kind) => plain().ok().filter(|v| has_kind(v, kind)),
            _ => return Ok(Value::String(text.to_string())),
        };
        fits.ok_or_else(|| wrong_tag(Some(tag), range))
    }

    /// Notes that the value of `key` is read next; gives what [`Composer::leave`] needs.
    fn enter(&mut self, key: &str) -> (Booleans, Option<usize>) {
        let outside = (self.booleans, self.manifests_below);
        self.manifests_below = self.manifests_below.filter(|at| MANIFESTS_AT.get(*at) == Some(&key)).map(|at| at + 1);
        if self.manifests_below == Some(MANIFESTS_AT.len()) {
            self.booleans = Booleans::Yaml11;
        }
        outside
    }

    fn leave(&mut self, outside: (Booleans, Option<usize>)) {
        (self.booleans, self.manifests_below) = outside;
    }
}

/// The fields of a mapping while it is read.
#[derive(Default)]
struct Fields {
    values: Map<String, Value>,
    trees: BTreeMap<String, (ByteRange, SpanTree)>,
    nodes: usize,
}

impl Fields {
    fn put(&mut self, key: String, range: ByteRange, node: Node) {
        self.nodes += node.nodes;
        self.values.insert(key.clone(), node.value);
        self.trees.insert(key, (range, node.spans));
    }

    /// Takes over what `<<` brings; a key that is written out wins, then the first source that has it.
    fn merge(&mut self, node: Node) -> Result<(), &'static str> {
        match (node.value, node.spans) {
            (Value::Object(map), spans) => {
                for (key, value) in map {
                    if self.values.contains_key(&key) {
                        continue;
                    }
                    let path = super::Path::root().field(&key);
                    let key_range = spans.key_range(&path).unwrap_or_default();
                    let tree = spans.get(&path).cloned().unwrap_or_default();
                    self.put(key, key_range, Node { value, spans: tree, nodes: 0 });
                }
                self.nodes += node.nodes;
                Ok(())
            }
            (Value::Array(items), spans) if items.iter().all(Value::is_object) => {
                for (index, value) in items.into_iter().enumerate() {
                    let tree = spans.child(&super::Segment::Index(index)).cloned().unwrap_or_default();
                    self.merge(Node { value, spans: tree, nodes: 0 })?;
                }
                self.nodes += node.nodes;
                Ok(())
            }
            _ => Err("only a mapping can be merged"),
        }
    }
}

fn has_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "bool" => value.is_boolean(),
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        _ => false,
    }
}

/// Bytes of text in a value, keys included.
fn text_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_size).sum(),
        Value::Object(map) => map.iter().map(|(key, item)| key.len() + text_size(item)).sum(),
        _ => 0,
    }
}

pub(super) fn duplicate(key: &str, range: ByteRange, first: ByteRange) -> ReadError {
    let mut error = ReadError::new(
        Fault::DuplicateKey,
        range,
        format!("the key `{key}` stands here a second time"),
        "a mapping holds each key once: remove one of the two, or start a new list item with `-`",
    );
    error.related = Some((first, "it stands here first".to_string()));
    error
}

fn stop(fault: Fault, range: ByteRange, message: impl Into<String>, help: impl Into<String>) -> Stop {
    Box::new(ReadError::new(fault, range, message, help))
}

fn laughs(range: ByteRange) -> Stop {
    stop(
        Fault::Budget,
        range,
        format!("the aliases of this text repeat more than {ALIAS_NODES_MAX} values or {ALIAS_BYTES_MAX} bytes"),
        "aliases of aliases multiply; write the values out, or repeat smaller parts",
    )
}

fn wrong_tag(tag: Option<&Tag>, range: &ByteRange) -> Stop {
    let name = tag.map(Tag::original).unwrap_or_default();
    stop(Fault::NotJson, range.clone(), format!("the value does not fit its tag `{name}`"), "remove the tag; manifests need none")
}

/// The bytes of an event.
fn bytes(span: &Span, text: &str) -> ByteRange {
    let range = span.byte_range().unwrap_or_default();
    range.start.min(text.len())..range.end.min(text.len())
}

/// Where a closing bracket ends; a block ends with its last part, so its end event counts for nothing.
fn closing(span: &Span, text: &str) -> usize {
    let range = bytes(span, text);
    if text.get(range.clone()).is_some_and(|s| s == "]" || s == "}") { range.end } else { 0 }
}
