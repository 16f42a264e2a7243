//! Which programs exist, and in which places.
//!
//! In a real cluster that is decided by what is installed: everything on the user's machine and on nodes, in a container
//! what its image holds. We know the programs and a rule per image; an image without a shell has nothing to run.

use std::collections::BTreeMap;

use super::host::{Place, Program};

/// Decides whether the program `name` exists at a place; `image` is given for containers.
pub type Availability = fn(place: &Place, image: Option<&str>, name: &str) -> bool;

/// The programs of a console.
#[derive(Clone)]
pub struct Catalogue {
    programs: BTreeMap<&'static str, Program>,
    available: Availability,
}

/// Programs that only the user's own machine has.
const OUTSIDE_ONLY: [&str; 4] = ["kubectl", "ssh", "jq", "resolve"];
/// The program that only its own image has.
const AGNHOST: &str = "agnhost";
/// Names of the shell.
pub const SHELLS: [&str; 4] = ["sh", "ash", "dash", "bash"];

/// The rule used unless another is given: containers have what busybox or a Debian base image has.
pub fn default_availability(place: &Place, image: Option<&str>, name: &str) -> bool {
    if name == AGNHOST {
        return image.is_some_and(|image| image.contains(AGNHOST));
    }
    match place {
        Place::Outside => true,
        Place::Node(_) => !OUTSIDE_ONLY.contains(&name) && !is_simulators(name),
        Place::Pod { .. } => {
            let image = image.unwrap_or_default();
            let bare = image.contains("distroless") || image.contains("pause") || image.contains("coredns");
            // Alpine and busybox images bring ash only.
            let bash = name != "bash" || !(image.contains("busybox") || image.contains("alpine"));
            !bare && bash && !OUTSIDE_ONLY.contains(&name) && !is_simulators(name)
        }
    }
}

/// Whether it is one of the simulator's own commands: those are typed on the user's machine.
fn is_simulators(name: &str) -> bool {
    super::simulator::COMMANDS.iter().any(|(known, _)| *known == name)
}

impl Catalogue {
    /// No programs yet.
    pub fn new() -> Catalogue {
        Catalogue { programs: BTreeMap::new(), available: default_availability }
    }

    /// Adds programs; a later one of the same name replaces an earlier one.
    pub fn with(mut self, programs: &[(&'static str, Program)]) -> Catalogue {
        self.programs.extend(programs.iter().copied());
        self
    }

    /// Uses another rule for where programs exist.
    pub fn available_by(mut self, available: Availability) -> Catalogue {
        self.available = available;
        self
    }

    /// Whether the place has a program of this name (the shell included).
    pub fn has(&self, place: &Place, image: Option<&str>, name: &str) -> bool {
        let known = self.programs.contains_key(name) || SHELLS.contains(&name) || name == "timeout";
        known && (self.available)(place, image, name)
    }

    /// The program of this name.
    pub fn program(&self, name: &str) -> Option<Program> {
        self.programs.get(name).copied()
    }

    /// The names of all programs, sorted; for completion.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.programs.keys().copied()
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue::new().with(&super::programs::ORDINARY)
    }
}
