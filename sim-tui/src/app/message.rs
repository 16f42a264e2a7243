//! What the user can want, and what the program around must do for it.

use sim_core::scenario::play::Player;

/// What the user wants, or what came of an [`Effect`].
pub enum Message {
    /// One line or entry up.
    Up,
    /// One line or entry down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// Opens the selected scenario.
    Choose,
    /// Plays the next step.
    Next,
    /// Takes the last step or console line back.
    Back,
    /// Shows the next pane, where only one fits.
    Pane,
    /// Begins to type into the console.
    Type,
    /// Changes what is being typed.
    Edit(Edit),
    /// Runs what was typed.
    Submit,
    /// Leaves what is open innermost.
    Leave,
    /// Opens or closes the help.
    Help,
    /// Ends the program.
    Quit,
    /// A scenario was opened, or why it was not.
    Opened(Result<Box<Player>, String>),
}

/// A change of the line being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Puts a character at the cursor.
    Insert(char),
    /// Deletes before the cursor.
    Backspace,
    /// Deletes at the cursor.
    Delete,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Cursor to the start.
    Home,
    /// Cursor to the end.
    End,
    /// Deletes the word before the cursor.
    Word,
    /// Deletes the line.
    Clear,
    /// The line run before.
    Older,
    /// The line run after.
    Newer,
}

/// What the program around the state must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the scenario with this number, and answer with [`Message::Opened`].
    Open(usize),
    /// End.
    Quit,
}
