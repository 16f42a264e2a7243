//! What a shell remembers between commands: variables, functions, parameters, its working directory.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use super::ast::Command;

/// A variable of the shell.
#[derive(Clone, Debug, PartialEq)]
struct Variable {
    value: Arc<str>,
    exported: bool,
}

/// Switches of `set`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-e`: the shell ends when a command fails that nothing tests.
    pub errexit: bool,
    /// `-u`: an unset parameter is an error.
    pub nounset: bool,
    /// `-x`: commands are printed before they run.
    pub xtrace: bool,
    /// `-o pipefail`: a pipeline fails if any of its commands fails.
    pub pipefail: bool,
}

/// State of one shell. Copying is cheap; a subshell is a copy that is thrown away.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shell {
    variables: OrdMap<String, Variable>,
    /// Functions by name.
    pub functions: OrdMap<String, Arc<Command>>,
    /// `$0`
    pub name: String,
    /// `$1` and so on.
    pub positional: Vec<String>,
    /// `$?`
    pub status: i32,
    /// Working directory, absolute.
    pub cwd: String,
    /// Switches of `set`.
    pub options: Options,
    /// `$!`
    pub last_job: Option<u64>,
}

impl Shell {
    /// A shell in `cwd` with these exported variables.
    pub fn new(cwd: &str, environment: BTreeMap<String, String>) -> Shell {
        let mut shell = Shell { cwd: cwd.to_string(), name: "sh".to_string(), ..Shell::default() };
        for (name, value) in environment {
            shell.set(&name, &value);
            shell.export(&name);
        }
        shell
    }

    /// Value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|v| &*v.value)
    }

    /// Value of a variable or of a special or positional parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "#" => Some(self.positional.len().to_string()),
            "@" | "*" => (!self.positional.is_empty()).then(|| self.positional.join(" ")),
            // One shell, one process: any fixed number serves as its id.
            "$" => Some("1".to_string()),
            "!" => Some(self.last_job.map_or(String::new(), |job| job.to_string())),
            "-" => Some(String::new()),
            "0" => Some(self.name.clone()),
            _ if name.starts_with(|c: char| c.is_ascii_digit()) => {
                name.parse::<usize>().ok().and_then(|n| self.positional.get(n - 1)).cloned()
            }
            _ => self.get(name).map(str::to_string),
        }
    }

    /// Sets a variable; an exported one stays exported.
    pub fn set(&mut self, name: &str, value: &str) {
        let exported = self.variables.get(name).is_some_and(|v| v.exported);
        self.variables.insert(name.to_string(), Variable { value: Arc::from(value), exported });
    }

    /// Marks a variable for export, creating it empty.
    pub fn export(&mut self, name: &str) {
        match self.variables.get_mut(name) {
            Some(variable) => variable.exported = true,
            None => {
                self.variables.insert(name.to_string(), Variable { value: Arc::from(""), exported: true });
            }
        }
    }

    /// Forgets a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Puts back a variable as it was in `before`.
    pub fn restore(&mut self, name: &str, before: &Shell) {
        match before.variables.get(name) {
            Some(variable) => {
                self.variables.insert(name.to_string(), variable.clone());
            }
            None => self.unset(name),
        }
    }

    /// The exported variables.
    pub fn environment(&self) -> BTreeMap<String, String> {
        self.variables.iter().filter(|(_, v)| v.exported).map(|(name, v)| (name.clone(), v.value.to_string())).collect()
    }

    /// All variables with their values.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, v)| (name.as_str(), &*v.value))
    }
}
