//! The words of a Corefile, each with its line.
//!
//! Words end at white space; one that starts with a quote goes to the next quote; `#` starts a comment wherever it stands.
//! The real thing: the Caddyfile lexer CoreDNS is built on (`coredns/caddy`, `caddyfile/lexer.go`).

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) text: String,
}

impl Token {
    /// The line on which it ends: a quoted word may span some.
    pub(super) fn last_line(&self) -> usize {
        self.line + self.text.matches('\n').count()
    }
}

/// All words of a file.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { line: 1, word: None, done: Vec::new() };
    let mut chars = text.strip_prefix('\u{feff}').unwrap_or(text).chars();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {}
            _ if c.is_whitespace() => lexer.blank(c),
            '#' => lexer.comment(&mut chars),
            '"' if lexer.word.is_none() => lexer.quoted(&mut chars),
            _ => lexer.letter(c),
        }
    }
    lexer.close();
    lexer.done
}

struct Lexer {
    line: usize,
    word: Option<Token>,
    done: Vec<Token>,
}

impl Lexer {
    fn blank(&mut self, c: char) {
        self.close();
        self.line += usize::from(c == '\n');
    }

    fn letter(&mut self, c: char) {
        let line = self.line;
        self.word.get_or_insert_with(|| Token { line, text: String::new() }).text.push(c);
    }

    fn close(&mut self) {
        self.done.extend(self.word.take());
    }

    /// The rest of the line is no word; one that was begun goes on to there.
    fn comment(&mut self, rest: &mut std::str::Chars<'_>) {
        if rest.any(|c| c == '\n') {
            self.blank('\n');
        }
    }

    /// Only quotes can be escaped. A word that is never closed ends with the file.
    fn quoted(&mut self, rest: &mut std::str::Chars<'_>) {
        let mut token = Token { line: self.line, text: String::new() };
        let mut escaped = false;
        for c in rest {
            self.line += usize::from(c == '\n');
            match (escaped, c) {
                (false, '\\') => escaped = true,
                (false, '"') => break,
                (true, '"') => (escaped, _) = (false, token.text.push('"')),
                (was, _) => {
                    if was {
                        token.text.push('\\');
                    }
                    token.text.push(c);
                    escaped = false;
                }
            }
        }
        self.done.push(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(usize, String)> {
        tokens(text).into_iter().map(|t| (t.line, t.text)).collect()
    }

    #[test]
    fn words_know_their_lines() {
        let at = |line: usize, text: &str| (line, text.to_owned());
        assert_eq!(words(".:53 {\r\n  cache 30 # long\n}"), [at(1, ".:53"), at(1, "{"), at(2, "cache"), at(2, "30"), at(3, "}")]);
        assert_eq!(words("a \"b \\\" c\nd\" e"), [at(1, "a"), at(1, "b \" c\nd"), at(2, "e")]);
        assert_eq!(words("a#b c\nd \"never closed"), [at(1, "a"), at(2, "d"), at(2, "never closed")]);
        assert_eq!(words("\"\\x\""), [at(1, "\\x")]);
    }
}
