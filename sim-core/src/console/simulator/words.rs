//! The arguments of a question: plain words, flags with a value, and `-o json`.

use std::collections::BTreeMap;

/// Arguments taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// What is no flag, in order.
    pub plain: Vec<String>,
    /// Whether JSON is wanted.
    pub json: bool,
    values: BTreeMap<String, Vec<String>>,
}

impl Words {
    /// Reads the arguments of a question; `flags` are those with a value, besides `-o`.
    pub fn read(argv: &[String], flags: &[&str]) -> Result<Words, String> {
        Words::read_all(argv, flags, true)
    }

    /// Reads the arguments of a command that prints nothing.
    pub fn read_silent(argv: &[String], flags: &[&str]) -> Result<Words, String> {
        Words::read_all(argv, flags, false)?.once()
    }

    /// Refuses a flag that is given twice, where one value is meant.
    pub fn once(self) -> Result<Words, String> {
        match self.values.iter().find(|(_, values)| values.len() > 1) {
            Some((flag, _)) => Err(format!("`--{flag}` is given twice; keep one")),
            None => Ok(self),
        }
    }

    fn read_all(argv: &[String], flags: &[&str], prints: bool) -> Result<Words, String> {
        let mut words = Words::default();
        let mut rest = argv.iter().skip(1);
        while let Some(word) = rest.next() {
            if !word.starts_with('-') || word == "-" {
                words.plain.push(word.clone());
                continue;
            }
            let (name, inline) = word.split_once('=').map_or((word.as_str(), None), |(n, v)| (n, Some(v.to_string())));
            let output = prints && ["-o", "--output"].contains(&name);
            let flag = name.strip_prefix("--").filter(|n| flags.contains(n));
            if prints && word == "-ojson" {
                words.json = true;
                continue;
            }
            if !output && flag.is_none() {
                let mut known: Vec<String> = flags.iter().map(|f| format!("--{f}")).collect();
                known.extend(prints.then(|| "-o json".to_string()));
                return Err(format!("`{name}` is not a flag of it; there are {}", known.join(", ")));
            }
            let value = inline.or_else(|| rest.next().cloned()).filter(|v| !v.is_empty());
            let value = value.ok_or_else(|| format!("`{name}` needs a value"))?;
            match flag {
                Some(flag) => words.values.entry(flag.to_string()).or_default().push(value),
                None if value == "json" => words.json = true,
                None if value == "text" => words.json = false,
                None => return Err(format!("`{value}` is not a form of output; there are text and json")),
            }
        }
        Ok(words)
    }

    /// The value of a flag.
    pub fn value(&self, flag: &str) -> Option<&str> {
        self.values(flag).last().map(String::as_str)
    }

    /// The values of a flag that may be given more than once, in order.
    pub fn values(&self, flag: &str) -> &[String] {
        self.values.get(flag).map(Vec::as_slice).unwrap_or_default()
    }
}
