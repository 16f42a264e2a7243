//! What all writing verbs share: dry runs, validation, and how the result is told.

use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::flags::Args;
use super::output::Format;
use super::targets::Target;
use crate::api::request::{FieldValidation, Options};

/// Whether a write is only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// It is done.
    No,
    /// kubectl prints what it would send.
    Client,
    /// The server does all but store it.
    Server,
}

/// How a verb writes, and how it tells about it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Whether it is only tried.
    pub dry_run: DryRun,
    /// The `-o` form.
    pub format: Format,
    validation: FieldValidation,
    manager: String,
}

impl Change {
    /// Reads the flags; `manager` is the verb's name for itself.
    pub async fn of(client: &mut Client<'_>, args: &Args, manager: &str) -> Result<Change, Failure> {
        let dry_run = match args.or("dry-run", "none") {
            "none" => DryRun::No,
            "client" => DryRun::Client,
            "server" => DryRun::Server,
            "unchanged" => {
                client.warn("--dry-run is deprecated and can be replaced with --dry-run=client.");
                DryRun::Client
            }
            other => {
                return Err(Failure::Error(format!(
                    "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
                )));
            }
        };
        let validation = match args.or("validate", "strict") {
            "true" | "strict" => FieldValidation::Strict,
            "warn" => FieldValidation::Warn,
            "false" | "ignore" => FieldValidation::Ignore,
            other => {
                return Err(Failure::Error(format!(
                    "invalid - validate option {other:?}; must be one of: strict (or true), warn, ignore (or false)"
                )));
            }
        };
        let manager = args.or("field-manager", manager).to_string();
        Ok(Change { dry_run, format: Format::of(client, args, false).await?, validation, manager })
    }

    /// The options of a request.
    pub fn options(&self) -> Options {
        Options {
            dry_run: self.dry_run == DryRun::Server,
            field_validation: self.validation,
            field_manager: self.manager.clone(),
            ..Options::default()
        }
    }

    /// Tells what has been done to an object: the verb's word, or the object in the `-o` form.
    pub async fn tell(&self, client: &mut Client<'_>, target: &Target, object: &Value, done: &str) -> Result<(), Failure> {
        let suffix = match self.dry_run {
            DryRun::No => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        };
        let text = self.format.print_target(target, object, &format!("{done}{suffix}"))?;
        client.out.push_str(&text);
        Ok(())
    }
}
