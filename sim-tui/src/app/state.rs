//! What is open: the list of scenarios or a walkthrough, with the line being typed and the help laid over it.

use tui_input::Input;

use super::walk::Walk;

/// Lines that can be called back by the cursor keys.
pub const REMEMBERED_MAX: usize = 200;

/// The whole state of the interface.
pub struct State {
    /// What can be opened: name and title.
    pub scenarios: Vec<(String, String)>,
    /// Which is selected.
    pub selected: usize,
    /// The scenario being walked through; none = the start list is shown.
    pub walk: Option<Walk>,
    /// Whether the help lies over it.
    pub help: bool,
    /// Lines of the help that are scrolled away.
    pub help_top: usize,
    /// The line being typed.
    pub line: Option<Input>,
    /// Lines typed before, oldest first.
    pub remembered: Vec<String>,
    /// Which of them is shown, counted from the newest; 0 = a new line.
    pub recalled: usize,
    /// A remark for the user, until the next key.
    pub note: Option<String>,
}

/// What keys mean depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mode {
    Start,
    Walk,
    Help,
    Typing,
}

impl State {
    /// The start list.
    pub fn new(scenarios: Vec<(String, String)>) -> State {
        State {
            scenarios,
            selected: 0,
            walk: None,
            help: false,
            help_top: 0,
            line: None,
            remembered: Vec::new(),
            recalled: 0,
            note: None,
        }
    }

    /// The mode: the innermost thing that is open.
    pub fn mode(&self) -> Mode {
        match () {
            () if self.line.is_some() => Mode::Typing,
            () if self.help => Mode::Help,
            () if self.walk.is_some() => Mode::Walk,
            () => Mode::Start,
        }
    }
}
