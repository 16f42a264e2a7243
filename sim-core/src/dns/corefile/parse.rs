//! Server blocks and their directives, before anyone looks at what the directives say.
//!
//! We model keys with commas, blocks with and without braces, snippets and their import. Left out: importing files, of which a
//! CoreDNS pod has none beside the Corefile; environment variables, which are empty in it.
//! The real thing: `coredns/caddy`, `caddyfile/parse.go`, whose error texts these are.

use super::PATH;
use super::lexer::{Token, tokens};

/// Most words of a file after snippets are put in; a file that needs more is refused as one that imports itself.
const TOKENS_MAX: usize = 100_000;
/// Most imports; upstream, whose text names the figure below, allows ten times as many.
const IMPORTS_MAX: usize = 1_000;

/// One server block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawBlock {
    /// What stands before the brace.
    pub(super) keys: Vec<String>,
    /// The words of each directive, its name first; one that is given twice is one list with both.
    pub(super) directives: Vec<(String, Vec<Token>)>,
}

/// The blocks of a file. `known` lists the directives there are; anything goes if it is empty.
pub(super) fn blocks(text: &str, known: &[&str]) -> Result<Vec<RawBlock>, String> {
    let mut parser = Parser { tokens: tokens(text), at: 0, snippets: Vec::new(), known, imports: 0 };
    let mut blocks = Vec::new();
    while parser.at < parser.tokens.len() {
        if let Some(block) = parser.block()? {
            blocks.push(block);
        }
    }
    Ok(blocks)
}

/// An error at a line of the Corefile.
pub(super) fn error_at(line: usize, what: &str) -> String {
    format!("{PATH}:{line} - Error during parsing: {what}")
}

struct Parser<'k> {
    tokens: Vec<Token>,
    at: usize,
    snippets: Vec<(String, Vec<Token>)>,
    known: &'k [&'k str],
    imports: usize,
}

impl Parser<'_> {
    fn text(&self) -> &str {
        self.tokens.get(self.at).map_or("", |t| &t.text)
    }

    /// The word being looked at; behind the end the last one, as upstream has it.
    fn here(&self) -> (usize, &str) {
        self.tokens.get(self.at).or(self.tokens.last()).map_or((0, ""), |t| (t.line, &t.text))
    }

    fn error(&self, what: &str) -> String {
        error_at(self.here().0, what)
    }

    fn syntax(&self, expected: &str) -> String {
        let (line, text) = self.here();
        format!("{PATH}:{line} - Syntax error: Unexpected token '{text}', expecting '{expected}'")
    }

    fn on_new_line(&self) -> bool {
        match self.at.checked_sub(1).and_then(|before| self.tokens.get(before)) {
            Some(before) => self.tokens.get(self.at).is_some_and(|t| before.last_line() < t.line),
            None => true,
        }
    }

    /// One block, or none if it was a snippet.
    fn block(&mut self) -> Result<Option<RawBlock>, String> {
        let keys = self.keys()?;
        if let [key] = &keys[..]
            && let Some(name) = key.strip_prefix('(').and_then(|k| k.strip_suffix(')'))
        {
            let name = name.to_owned();
            self.snippet(name)?;
            return Ok(None);
        }
        let mut block = RawBlock { keys, directives: Vec::new() };
        if self.at < self.tokens.len() {
            self.contents(&mut block)?;
        }
        Ok((!block.keys.is_empty()).then_some(block))
    }

    /// Leaves the first word behind the keys to be looked at.
    fn keys(&mut self) -> Result<Vec<String>, String> {
        let mut keys = Vec::new();
        let mut another = false;
        while self.at < self.tokens.len() {
            if self.text() == "import" && self.on_new_line() {
                self.import()?;
                continue;
            }
            if self.text() == "{" {
                if another {
                    return Err(self.error("Expected another address but had '{' - check for extra comma"));
                }
                return Ok(keys);
            }
            let key = self.text().to_owned();
            another = key.ends_with(',');
            let key = key.strip_suffix(',').unwrap_or(&key);
            if !key.is_empty() {
                keys.push(key.to_owned());
            }
            self.at += 1;
            if self.at < self.tokens.len() && !another && self.on_new_line() {
                return Ok(keys);
            }
        }
        if another { Err(self.error("Unexpected EOF")) } else { Ok(keys) }
    }

    fn contents(&mut self, block: &mut RawBlock) -> Result<(), String> {
        let braced = self.text() == "{";
        if braced {
            self.at += 1;
        }
        while self.at < self.tokens.len() {
            match self.text() {
                "}" => break,
                "import" => self.import()?,
                _ => self.directive(block)?,
            }
        }
        // A brace at the very end closes the block even if it has closed a directive before.
        if braced && self.here().1 != "}" {
            return Err(self.syntax("}"));
        }
        self.at += 1;
        Ok(())
    }

    fn directive(&mut self, block: &mut RawBlock) -> Result<(), String> {
        let name = self.text().to_owned();
        if !self.known.is_empty() && !self.known.contains(&&*name) {
            return Err(self.error(&format!("Unknown directive '{name}'")));
        }
        let mut words = vec![self.tokens[self.at].clone()];
        let mut depth = 0_usize;
        self.at += 1;
        while self.at < self.tokens.len() {
            match self.text() {
                "{" => depth += 1,
                _ if self.on_new_line() && depth == 0 => break,
                "}" if depth > 0 => depth -= 1,
                "}" => return Err(self.error("Unexpected '}' because no matching opening brace")),
                "import" if self.on_new_line() => {
                    self.import()?;
                    continue;
                }
                _ => {}
            }
            words.push(self.tokens[self.at].clone());
            self.at += 1;
        }
        if depth > 0 {
            return Err(self.error("Unexpected EOF"));
        }
        match block.directives.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.append(&mut words),
            None => block.directives.push((name, words)),
        }
        Ok(())
    }

    fn snippet(&mut self, name: String) -> Result<(), String> {
        if self.snippets.iter().any(|(known, _)| *known == name) {
            return Err(self.error(&format!("redeclaration of previously declared snippet {name}")));
        }
        if self.text() != "{" {
            return Err(self.syntax("{"));
        }
        let mut depth = 1_usize;
        let mut words = Vec::new();
        self.at += 1;
        while self.at < self.tokens.len() {
            match self.text() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            words.push(self.tokens[self.at].clone());
            self.at += 1;
        }
        if depth > 0 {
            return Err(self.syntax("}"));
        }
        self.at += 1;
        self.snippets.push((name, words));
        Ok(())
    }

    /// Puts a snippet in place of the two words of its import.
    fn import(&mut self) -> Result<(), String> {
        let line = self.tokens[self.at].line;
        let named = self.tokens.get(self.at + 1).filter(|t| t.line == line).map(|t| t.text.clone());
        let Some(named) = named else {
            return Err(self.error("Wrong argument count or unexpected line ending after 'import'"));
        };
        if self.tokens.get(self.at + 2).is_some_and(|t| t.line == line && t.text != "}") {
            return Err(error_at(line, "Import takes only one argument (glob pattern or file)"));
        }
        let Some((_, words)) = self.snippets.iter().find(|(known, _)| *known == named) else {
            return Err(error_at(line, &format!("File to import not found: {named}")));
        };
        self.imports += 1;
        if self.imports > IMPORTS_MAX || self.tokens.len() + words.len() > TOKENS_MAX {
            return Err(error_at(line, "maximum snippet import depth (10000) exceeded"));
        }
        self.tokens.splice(self.at..self.at + 2, words.clone());
        Ok(())
    }
}
