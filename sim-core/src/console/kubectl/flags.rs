//! Command-line flags, read the way kubectl's own parser reads them.
//!
//! A verb declares a table of [`Flag`]s; nothing else about parsing is written by hand. Long flags take `--name=value` or
//! `--name value`, short ones bundle (`-it`, `-nweb`), words after `--` are never flags.
//! The real thing: `github.com/spf13/pflag`, with the texts of `k8s.io/kubectl/pkg/cmd/util`.

use std::collections::BTreeMap;

/// What a flag wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing; present means true. `--flag=false` is understood.
    Nothing,
    /// A value.
    Value,
    /// A value after `=`; bare, it means this one.
    OptionalValue(&'static str),
}

/// One flag of a verb.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Long name, without dashes.
    pub name: &'static str,
    /// One-letter name.
    pub short: Option<char>,
    /// What it takes.
    pub takes: Takes,
}

/// A flag with a value.
pub const fn value(name: &'static str) -> Flag {
    Flag { name, short: None, takes: Takes::Value }
}

/// A flag that is on or off.
pub const fn switch(name: &'static str) -> Flag {
    Flag { name, short: None, takes: Takes::Nothing }
}

/// A flag whose value may be left out.
pub const fn optional(name: &'static str, bare: &'static str) -> Flag {
    Flag { name, short: None, takes: Takes::OptionalValue(bare) }
}

impl Flag {
    /// The same flag with a one-letter name.
    pub const fn short(mut self, letter: char) -> Flag {
        self.short = Some(letter);
        self
    }
}

/// The flags of a verb, in groups that verbs share.
pub type Flags = &'static [&'static [Flag]];

/// How results are printed.
pub const PRINT: &[Flag] = &[
    value("output").short('o'),
    value("template"),
    switch("show-managed-fields"),
    optional("allow-missing-template-keys", "true"),
];

/// Manifests as the source.
pub const FILES: &[Flag] = &[value("filename").short('f'), value("kustomize").short('k'), switch("recursive").short('R')];

/// Objects by label.
pub const SELECT: &[Flag] =
    &[value("selector").short('l'), value("field-selector"), switch("all"), switch("all-namespaces").short('A')];

/// What all writes understand.
pub const WRITE: &[Flag] = &[
    optional("dry-run", "unchanged"),
    optional("validate", "strict"),
    value("field-manager"),
    switch("save-config"),
    switch("record"),
];

/// Flags that every kubectl command has. Those about reaching and proving oneself to a server are read and mean nothing here.
pub const GLOBAL: &[Flag] = &[
    value("namespace").short('n'),
    value("context"),
    value("cluster"),
    value("user"),
    value("kubeconfig"),
    value("server").short('s'),
    value("token"),
    value("as"),
    value("as-group"),
    value("as-uid"),
    value("cache-dir"),
    value("certificate-authority"),
    value("client-certificate"),
    value("client-key"),
    value("tls-server-name"),
    value("request-timeout"),
    value("log-flush-frequency"),
    value("profile"),
    value("profile-output"),
    value("vmodule"),
    value("v").short('v'),
    switch("insecure-skip-tls-verify"),
    switch("disable-compression"),
    switch("match-server-version"),
    switch("warnings-as-errors"),
    switch("help").short('h'),
];

/// A parsed command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args {
    /// Words that are no flags, in order; those after `--` included.
    pub words: Vec<String>,
    /// How many of `words` stood before `--`, if there was one.
    pub dash: Option<usize>,
    given: BTreeMap<&'static str, Vec<String>>,
}

impl Args {
    /// The last value given for a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).and_then(|all| all.last()).map(String::as_str)
    }

    /// The last value given for a flag, or `default`.
    pub fn or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.get(name).unwrap_or(default)
    }

    /// All values given for a flag, in order.
    pub fn all(&self, name: &str) -> &[String] {
        self.given.get(name).map_or(&[], Vec::as_slice)
    }

    /// All values given for a flag, each split at commas.
    pub fn listed(&self, name: &str) -> Vec<String> {
        self.all(name).iter().flat_map(|value| value.split(',')).map(String::from).collect()
    }

    /// Whether an on-off flag is on.
    pub fn on(&self, name: &str) -> bool {
        self.is_true(name, false)
    }

    /// Whether an on-off flag is on, where absent means `default`.
    pub fn is_true(&self, name: &str, default: bool) -> bool {
        self.get(name).map_or(default, |value| matches!(value, "true" | "1" | "t" | "T" | "TRUE" | "True"))
    }

    /// Whether the flag was given at all.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The words after `--`.
    pub fn after_dash(&self) -> &[String] {
        self.dash.map_or(&[], |at| &self.words[at..])
    }

    /// The words before `--`.
    pub fn before_dash(&self) -> &[String] {
        &self.words[..self.dash.unwrap_or(self.words.len())]
    }

    /// A flag's value as a whole number.
    pub fn number(&self, name: &str) -> Result<Option<i64>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            format!("invalid argument {text:?} for \"--{name}\" flag: strconv.ParseInt: parsing {text:?}: invalid syntax")
        })
    }
}

/// Reads `words` with the flags of a verb (and the global ones). The error is the text after `error: `.
pub fn parse(words: &[String], flags: Flags) -> Result<Args, String> {
    let mut args = Args::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if word == "--" {
            args.dash = Some(args.words.len());
            args.words.extend(rest.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            long_flag(long, flags, &mut rest, &mut args)?;
        } else if word.len() > 1 && word.starts_with('-') {
            short_flags(&word[1..], flags, &mut rest, &mut args)?;
        } else {
            args.words.push(word.clone());
        }
    }
    Ok(args)
}

type Words<'a> = std::slice::Iter<'a, String>;

fn long_flag(text: &str, flags: Flags, rest: &mut Words<'_>, args: &mut Args) -> Result<(), String> {
    let (name, given) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value.to_string())));
    let flag = all(flags).find(|flag| flag.name == name).ok_or_else(|| format!("unknown flag: --{name}"))?;
    let value = match (given, flag.takes) {
        (Some(value), _) => value,
        (None, Takes::Nothing) => "true".into(),
        (None, Takes::OptionalValue(bare)) => bare.into(),
        (None, Takes::Value) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
    };
    keep(args, flag, value, &format!("--{name}"))
}

fn short_flags(text: &str, flags: Flags, rest: &mut Words<'_>, args: &mut Args) -> Result<(), String> {
    let letters = text.char_indices();
    for (at, letter) in letters {
        let flag = all(flags).find(|flag| flag.short == Some(letter));
        let flag = flag.ok_or_else(|| format!("unknown shorthand flag: {letter:?} in -{text}"))?;
        let tail = &text[at + letter.len_utf8()..];
        let value = match (tail.strip_prefix('='), flag.takes) {
            (Some(value), _) => value.to_string(),
            (None, Takes::Nothing) => {
                keep(args, flag, "true".into(), "")?;
                continue;
            }
            (None, Takes::OptionalValue(bare)) => {
                keep(args, flag, bare.into(), "")?;
                continue;
            }
            (None, Takes::Value) if !tail.is_empty() => tail.to_string(),
            (None, Takes::Value) => {
                rest.next().cloned().ok_or_else(|| format!("flag needs an argument: {letter:?} in -{text}"))?
            }
        };
        return keep(args, flag, value, &format!("-{letter}, --{}", flag.name));
    }
    Ok(())
}

fn keep(args: &mut Args, flag: &Flag, value: String, shown: &str) -> Result<(), String> {
    let truth =
        matches!(value.as_str(), "1" | "t" | "T" | "true" | "TRUE" | "True" | "0" | "f" | "F" | "false" | "FALSE" | "False");
    if flag.takes == Takes::Nothing && !truth {
        return Err(format!(
            "invalid argument {value:?} for {shown:?} flag: strconv.ParseBool: parsing {value:?}: invalid syntax"
        ));
    }
    args.given.entry(flag.name).or_default().push(value);
    Ok(())
}

fn all(flags: Flags) -> impl Iterator<Item = &'static Flag> {
    flags.iter().flat_map(|group| group.iter()).chain(GLOBAL)
}

/// Where the next word that is no flag stands, given that only global flags may come before it.
pub fn first_word(words: &[String]) -> Option<usize> {
    let mut at = 0;
    while at < words.len() {
        let word = &words[at];
        let Some(body) = word.strip_prefix('-') else { return Some(at) };
        let flag = GLOBAL.iter().find(|flag| {
            body.strip_prefix('-') == Some(flag.name) || flag.short.is_some_and(|letter| body == letter.to_string())
        });
        at += if flag.is_some_and(|flag| flag.takes == Takes::Value) { 2 } else { 1 };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: Flags =
        &[&[value("output").short('o'), switch("stdin").short('i'), switch("tty").short('t'), optional("dry-run", "unchanged")]];

    fn read(line: &str) -> Result<Args, String> {
        parse(&line.split(' ').map(String::from).collect::<Vec<_>>(), FLAGS)
    }

    #[test]
    fn flags_in_every_form() {
        let args = read("a -it -oyaml -n web b --dry-run --output=json -- -x").unwrap();
        assert_eq!(args.words, ["a", "b", "-x"]);
        assert_eq!(args.after_dash(), ["-x"]);
        assert!(args.on("stdin") && args.on("tty"));
        assert_eq!(args.all("output"), ["yaml", "json"]);
        assert_eq!(args.get("namespace"), Some("web"));
        assert_eq!(args.get("dry-run"), Some("unchanged"));
    }

    #[test]
    fn mistakes_in_pflags_words() {
        for (line, text) in [
            ("--foo", "unknown flag: --foo"),
            ("-z", "unknown shorthand flag: 'z' in -z"),
            ("-o", "flag needs an argument: 'o' in -o"),
            ("--output", "flag needs an argument: --output"),
            ("--tty=x", "invalid argument \"x\" for \"--tty\" flag: strconv.ParseBool: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(read(line), Err(text.into()), "{line}");
        }
    }
}
