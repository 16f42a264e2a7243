//! Text to template.

use serde_json::Value;

use super::{Block, Bound, Node, Template};

/// Deepest nesting of filters and ranges; far beyond any use, it only keeps the stack small.
const DEPTH_MAX: usize = 64;

pub(super) fn template(text: &str) -> Result<Template, String> {
    let mut paths = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            paths.push(vec![Node::Text(rest[..open].into())]);
        }
        let mut reader = Reader { text: rest, at: open + 1, depth: 0 };
        paths.push(reader.action(true)?);
        rest = &rest[reader.at..];
    }
    if !rest.is_empty() {
        paths.push(vec![Node::Text(rest.into())]);
    }
    let mut paths = paths.into_iter();
    let blocks = nest(&mut paths, 0)?;
    Ok(Template { blocks })
}

/// Puts what stands between `range` and `end` into its range. A range without end reaches to the end of the text.
fn nest(paths: &mut impl Iterator<Item = Vec<Node>>, depth: usize) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    while let Some(mut path) = paths.next() {
        match path.first() {
            Some(Node::Identifier(word)) if word == "range" => {
                if depth == DEPTH_MAX {
                    return Err(format!("more than {DEPTH_MAX} nested ranges"));
                }
                path.remove(0);
                blocks.push(Block::Range(path, nest(paths, depth + 1)?));
            }
            Some(Node::Identifier(word)) if word == "end" => {
                if depth == 0 {
                    return Err("not in range, nothing to end".into());
                }
                return Ok(blocks);
            }
            _ => blocks.push(Block::Path(path)),
        }
    }
    Ok(blocks)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.text[self.at..].starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    /// Reads steps up to the closing brace (`braces`) or, for the parts of filters and unions, the end of the text.
    fn action(&mut self, braces: bool) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        loop {
            if braces && self.eat("}") {
                return Ok(nodes);
            }
            if self.eat("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if self.eat("..") {
                nodes.push(Node::Recursive);
                if self.peek().is_some_and(is_word) {
                    nodes.push(self.field());
                }
                continue;
            }
            match self.next() {
                None if !braces => return Ok(nodes),
                None | Some('\n' | '\r') => return Err("unclosed action".into()),
                Some(' ' | '@' | '$') => {}
                Some('[') => self.array(&mut nodes)?,
                Some(quote @ ('"' | '\'')) => nodes.push(self.quoted(quote)?),
                Some('.') => nodes.push(self.field()),
                Some(first) if first == '+' || first == '-' || first.is_ascii_digit() => nodes.push(self.number(first)?),
                Some(first) if is_word(first) => nodes.push(self.identifier(first)),
                Some(other) => return Err(format!("unrecognized character in action: U+{:04X} '{other}'", other as u32)),
            }
        }
    }

    fn field(&mut self) -> Node {
        let mut name = String::new();
        while let Some(letter) = self.peek() {
            if letter == '\\' {
                self.next();
                name.extend(self.next());
                continue;
            }
            if matches!(letter, '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}' | ' ' | '\t' | '\r' | '\n') {
                break;
            }
            name.push(letter);
            self.next();
        }
        if name == "*" { Node::Wildcard } else { Node::Field(name) }
    }

    fn quoted(&mut self, quote: char) -> Result<Node, String> {
        let mut text = String::new();
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".into()),
                Some(letter) if letter == quote => return Ok(Node::Text(text)),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(letter @ ('\\' | '"' | '\'' | '/')) => text.push(letter),
                    _ => return Err("invalid syntax".into()),
                },
                Some(letter) => text.push(letter),
            }
        }
    }

    fn number(&mut self, first: char) -> Result<Node, String> {
        let mut digits = String::from(first);
        while let Some(letter) = self.peek().filter(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '+' | '-')) {
            digits.push(letter);
            self.next();
        }
        let value: Result<Value, _> = serde_json::from_str(digits.trim_start_matches('+'));
        value.map(Node::Literal).map_err(|_| format!("cannot parse number {digits}"))
    }

    fn identifier(&mut self, first: char) -> Node {
        let mut word = String::from(first);
        while let Some(letter) = self.peek().filter(|c| is_word(*c)) {
            word.push(letter);
            self.next();
        }
        match word.as_str() {
            "true" => Node::Literal(Value::Bool(true)),
            "false" => Node::Literal(Value::Bool(false)),
            _ => Node::Identifier(word),
        }
    }

    fn inner(&self, text: &str) -> Result<Vec<Node>, String> {
        if self.depth == DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} nested filters"));
        }
        Reader { text, at: 0, depth: self.depth + 1 }.action(false)
    }

    /// What stands in brackets: a union, a quoted key, an index or a slice.
    fn array(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        let rest = &self.text[self.at..];
        let end = rest.find(['\n', ']']).filter(|end| rest[*end..].starts_with(']'));
        let end = end.ok_or("unterminated array")?;
        let inside = &rest[..end];
        self.at += end + 1;
        if inside.contains(',') {
            let parts = inside.split(',').map(|part| self.inner(&format!("[{}]", part.trim_matches(' '))));
            nodes.push(Node::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        if let Some(key) = inside.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).filter(|key| !key.contains('\'')) {
            nodes.extend(self.inner(&format!(".{key}"))?);
            return Ok(());
        }
        let text = if inside == "*" { ":" } else { inside };
        nodes.push(slice(text).ok_or_else(|| format!("invalid array index {inside}"))?);
        Ok(())
    }

    /// A filter, from behind `[?(`. A `)` inside quotes does not end it.
    fn filter(&mut self) -> Result<Node, String> {
        let start = self.at;
        let mut quote: Option<(char, bool)> = None;
        let mut last = ' ';
        loop {
            let letter = self.next().filter(|letter| *letter != '\n').ok_or("unterminated filter")?;
            match (letter, quote) {
                ('"' | '\'', None) => quote = Some((letter, false)),
                ('"' | '\'', Some((open, false))) if letter == open && last != '\\' => quote = Some((open, true)),
                (')', None | Some((_, true))) => break,
                _ => {}
            }
            last = letter;
        }
        let inside = &self.text[start..self.at - 1];
        if !self.eat("]") {
            return Err("unclosed array expect ]".into());
        }
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let operator_at = inside.find(is_operator).filter(|at| *at > 0);
        let Some(at) = operator_at else {
            return Ok(Node::Filter { left: self.inner(inside)?, operator: "exists".into(), right: Vec::new() });
        };
        let length = inside[at..].find(|c| !is_operator(c)).unwrap_or(inside.len() - at);
        Ok(Node::Filter {
            left: self.inner(&inside[..at])?,
            operator: inside[at..at + length].into(),
            right: self.inner(&inside[at + length..])?,
        })
    }
}

fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

/// `3`, `-1`, `1:3`, `:`, `0:9:2`.
fn slice(text: &str) -> Option<Node> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 || text.is_empty() {
        return None;
    }
    let mut bounds = [Bound::Open; 3];
    for (bound, part) in bounds.iter_mut().zip(&parts) {
        if !part.is_empty() {
            *bound = Bound::At(part.parse().ok()?);
        }
    }
    if let ([Bound::At(index), ..], 1) = (bounds, parts.len()) {
        bounds[1] = Bound::After(index.checked_add(1)?);
    }
    Some(Node::Slice(bounds))
}
