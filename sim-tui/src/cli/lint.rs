//! `kubewalk lint`: checks scenario files and manifests without running them.

use super::{Common, Format, UNUSABLE, input, print};

/// Checks each file; exit 2 if one of them cannot be used.
pub fn lint(files: &[String], common: &Common) -> u8 {
    let mut worst = 0;
    for file in files {
        match input::load(file, common) {
            Ok(loaded) if common.output == Format::Text => {
                let steps = loaded.scenario.spec.steps.len();
                print(&format!("{file}: ok, {steps} steps, {} documents\n", loaded.manifests.len()));
            }
            Ok(_) => {}
            Err(_) => worst = UNUSABLE,
        }
    }
    worst
}
