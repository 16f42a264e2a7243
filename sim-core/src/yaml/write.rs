//! JSON to YAML in the shape of `kubectl -o yaml`: keys sorted, list items under their key without an indent of their own,
//! quotes only where a reader would take the text for something else, long text broken at the first space after column 80.
//!
//! The rules are those of the emitter inside `sigs.k8s.io/yaml` (goyaml.v2), found by feeding kubectl; the golden table in
//! `tests.rs` is its output.

use serde_json::{Map, Value};

use super::{number, scalar};

/// Columns after which a text is broken at its next single space.
const WIDTH: usize = 80;

/// The YAML text of a value, with a final newline.
///
/// ```
/// let value = serde_json::json!({"kind": "Service", "ports": [{"port": "80"}]});
/// assert_eq!(sim_core::yaml::to_yaml(&value), "kind: Service\nports:\n- port: \"80\"\n");
/// ```
pub fn to_yaml(value: &Value) -> String {
    let mut out = Writer { text: String::new(), column: 0 };
    match value {
        Value::Object(map) if !map.is_empty() => out.mapping(map, 0),
        Value::Array(items) if !items.is_empty() => out.list(items, 0),
        other => {
            out.inline(other, 0);
            out.line_end();
        }
    }
    out.text
}

struct Writer {
    text: String,
    /// Characters on the current line.
    column: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn line_end(&mut self) {
        if self.column > 0 || self.text.is_empty() {
            self.text.push('\n');
            self.column = 0;
        }
    }

    fn indent(&mut self, by: usize) {
        self.text.push_str(&" ".repeat(by));
        self.column += by;
    }

    /// The fields of a mapping; the cursor already stands where the first key goes.
    fn mapping(&mut self, map: &Map<String, Value>, indent: usize) {
        for (position, (key, value)) in ordered(map).into_iter().enumerate() {
            if position > 0 {
                self.indent(indent);
            }
            if !is_simple(key) {
                self.put("? ");
                self.inline(&Value::from(key.as_str()), indent + 2);
                self.line_end();
                self.indent(indent);
                self.put(": ");
                self.item(value, indent + 2);
                continue;
            }
            self.key(key);
            self.put(":");
            match value {
                Value::Object(inner) if !inner.is_empty() => {
                    self.line_end();
                    self.indent(indent + 2);
                    self.mapping(inner, indent + 2);
                }
                Value::Array(items) if !items.is_empty() => {
                    self.line_end();
                    self.indent(indent);
                    self.list(items, indent);
                }
                other => {
                    self.put(" ");
                    self.inline(other, indent + 2);
                    self.line_end();
                }
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                self.indent(indent);
            }
            self.put("- ");
            self.item(item, indent + 2);
        }
    }

    /// What stands behind `- ` or an explicit `: `: its parts begin on the same line.
    fn item(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => self.mapping(map, indent),
            Value::Array(inner) if !inner.is_empty() => self.list(inner, indent),
            other => {
                self.inline(other, indent);
                self.line_end();
            }
        }
    }

    fn key(&mut self, key: &str) {
        match style(key) {
            Style::Plain => self.put(key),
            Style::Single => self.put(&format!("'{}'", key.replace('\'', "''"))),
            Style::Double | Style::Literal => self.double_quoted(key, 0, false),
        }
    }

    /// A value without parts. `indent` is that of its continuation lines.
    fn inline(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(b) => self.put(if *b { "true" } else { "false" }),
            Value::Number(n) => self.put(&number::print(n)),
            Value::Array(_) => self.put("[]"),
            Value::Object(_) => self.put("{}"),
            Value::String(text) => match style(text) {
                Style::Plain => self.folded(text, indent),
                Style::Single => {
                    self.put("'");
                    self.folded(&text.replace('\'', "''"), indent);
                    self.put("'");
                }
                Style::Double => self.double_quoted(text, indent, true),
                Style::Literal => self.literal(text, indent),
            },
        }
    }

    /// Text whose single spaces past column 80 become line breaks.
    fn folded(&mut self, text: &str, indent: usize) {
        let mut previous = ' ';
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let next = characters.peek().copied();
            if c == ' ' && previous != ' ' && self.column > WIDTH && next.is_some_and(|n| n != ' ') {
                self.break_line(indent);
            } else {
                self.text.push(c);
                self.column += 1;
            }
            previous = c;
        }
    }

    fn break_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.column = 0;
        self.indent(indent);
    }

    fn double_quoted(&mut self, text: &str, indent: usize, breaks: bool) {
        self.put("\"");
        let mut after_space = true;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let next = characters.peek().copied();
            if c == ' ' && breaks && !after_space && self.column > WIDTH && next.is_some() {
                self.break_line(indent);
                if next == Some(' ') {
                    self.put("\\");
                }
                after_space = true;
                continue;
            }
            match escape(c) {
                Some(escaped) => self.put(&escaped),
                None => {
                    self.text.push(c);
                    self.column += 1;
                }
            }
            after_space = c == ' ';
        }
        self.put("\"");
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        match text.strip_suffix('\n') {
            None => self.put("-"),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.put("+"),
            Some(_) => {}
        }
        self.text.push('\n');
        self.column = 0;
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.indent(indent);
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
        self.column = 0;
    }
}

/// Whether a key may stand before its colon on one line: one line itself, and at most 128 bytes.
fn is_simple(key: &str) -> bool {
    key.len() <= 128 && !key.contains(is_break)
}

/// The fields in the order of kubectl's output: names as a person would sort them, `item9` before `item10`.
///
/// That order is not transitive for odd mixtures of digits and letters, so the standard sort may not be used with it.
fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<(&String, &Value)> = Vec::with_capacity(map.len());
    for field in map {
        let at = fields.partition_point(|(key, _)| natural_order(key, field.0).is_lt());
        fields.insert(at, field);
    }
    fields
}

/// Decided at the first difference: other characters before letters, letters by code, numbers by value.
fn natural_order(a: &str, b: &str) -> std::cmp::Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(l, r)| l != r) else {
        return left.len().cmp(&right.len());
    };
    let (l, r) = (left[at], right[at]);
    match (l.is_alphabetic(), r.is_alphabetic()) {
        (true, true) => l.cmp(&r),
        (true, false) => std::cmp::Ordering::Greater,
        (false, true) => std::cmp::Ordering::Less,
        (false, false) => {
            // A zero inside a number counts: `109` is more than `19`, though `09` is the same as `9` here.
            let before = left[..at].iter().rev().take_while(|c| c.is_ascii_digit());
            let carried = u64::from((l == '0' || r == '0') && before.into_iter().any(|c| *c != '0'));
            let (l_value, l_length) = number_at(&left[at..], carried);
            let (r_value, r_length) = number_at(&right[at..], carried);
            l_value.cmp(&r_value).then(l_length.cmp(&r_length)).then(l.cmp(&r))
        }
    }
}

/// The number at the front of a text and its length; `carried` stands for the digits before it.
fn number_at(text: &[char], carried: u64) -> (u64, usize) {
    let digits = text.iter().map_while(|c| c.to_digit(10));
    digits.fold((carried, 0), |(value, length), d| (value.saturating_mul(10).saturating_add(u64::from(d)), length + 1))
}

enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

fn style(text: &str) -> Style {
    if text.is_empty() || scalar::needs_quotes(text) {
        return Style::Double;
    }
    let shape = Shape::of(text);
    if shape.unprintable || shape.space_before_break {
        return Style::Double;
    }
    if text.contains('\n') {
        // A space at the very end would be lost to the eye.
        return if text.ends_with(' ') { Style::Double } else { Style::Literal };
    }
    if shape.other_break || shape.indicators || text.starts_with(' ') || text.ends_with(' ') {
        return Style::Single;
    }
    Style::Plain
}

/// What the emitter finds out about a text before it chooses quotes.
struct Shape {
    indicators: bool,
    unprintable: bool,
    space_before_break: bool,
    other_break: bool,
}

impl Shape {
    fn of(text: &str) -> Shape {
        let mut shape = Shape { indicators: false, unprintable: false, space_before_break: false, other_break: false };
        if text.starts_with("---") || text.starts_with("...") {
            shape.indicators = true;
        }
        let mut previous = None;
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            let next = characters.peek().copied();
            let before_blank = next.is_none_or(is_blank);
            shape.indicators |= match (previous, c) {
                (None, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`') => true,
                (None, '?' | ':' | '-') => before_blank,
                (Some(_), ':') => before_blank,
                (Some(p), '#') => is_blank(p),
                _ => false,
            };
            shape.unprintable |= escape_needed(c);
            shape.space_before_break |= c == ' ' && next.is_some_and(is_break);
            shape.other_break |= matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
            previous = Some(c);
        }
        shape
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_break(c)
}

/// Characters that only a double-quoted text can hold.
fn escape_needed(c: char) -> bool {
    let printable = matches!(c, '\n' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}';
    !printable
}

fn escape(c: char) -> Option<String> {
    Some(match c {
        '"' => "\\\"".into(),
        '\\' => "\\\\".into(),
        '\n' => "\\n".into(),
        '\t' => "\\t".into(),
        '\r' => "\\r".into(),
        '\0' => "\\0".into(),
        '\u{7}' => "\\a".into(),
        '\u{8}' => "\\b".into(),
        '\u{b}' => "\\v".into(),
        '\u{c}' => "\\f".into(),
        '\u{1b}' => "\\e".into(),
        '\u{85}' => "\\N".into(),
        '\u{2028}' => "\\L".into(),
        '\u{2029}' => "\\P".into(),
        c if !escape_needed(c) => return None,
        c if (c as u32) < 0x100 => format!("\\x{:02X}", c as u32),
        c if (c as u32) < 0x10000 => format!("\\u{:04X}", c as u32),
        c => format!("\\U{:08X}", c as u32),
    })
}
