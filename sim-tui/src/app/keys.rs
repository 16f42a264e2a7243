//! The table of keys: what a key means in each mode. The help screen is drawn from it, so it cannot tell another story.

use super::message::{Edit, Message};
use super::state::Mode;

/// A key as a terminal or a browser reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Key {
    Char(char),
    Ctrl(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    PageUp,
    PageDown,
}

/// One line of the table.
pub struct Binding {
    /// Where it holds.
    pub modes: &'static [Mode],
    /// The keys.
    pub keys: &'static [Key],
    /// How the help calls them.
    pub shown: &'static str,
    /// What the help says they do.
    pub does: &'static str,
    message: fn() -> Message,
}

const START: &[Mode] = &[Mode::Start];
const WALK: &[Mode] = &[Mode::Walk];
const HELP: &[Mode] = &[Mode::Help];
const TYPING: &[Mode] = &[Mode::Typing];
const READING: &[Mode] = &[Mode::Start, Mode::Walk, Mode::Help];
const EVERYWHERE: &[Mode] = &[Mode::Start, Mode::Walk, Mode::Help, Mode::Typing];

/// Every binding, in the order of the help. The first that fits counts.
pub const KEYS: &[Binding] = &[
    Binding {
        modes: START,
        keys: &[Key::Enter, Key::Char(' ')],
        shown: "Enter",
        does: "open the selected scenario",
        message: || Message::Choose,
    },
    Binding {
        modes: WALK,
        keys: &[Key::Char(' '), Key::Right, Key::Char('n')],
        shown: "Space → n",
        does: "play the next step",
        message: || Message::Next,
    },
    Binding {
        modes: WALK,
        keys: &[Key::Left, Key::Char('p')],
        shown: "← p",
        does: "take the last thing back",
        message: || Message::Back,
    },
    Binding { modes: READING, keys: &[Key::Up, Key::Char('k')], shown: "↑ k", does: "up", message: || Message::Up },
    Binding { modes: READING, keys: &[Key::Down, Key::Char('j')], shown: "↓ j", does: "down", message: || Message::Down },
    Binding { modes: WALK, keys: &[Key::PageUp], shown: "PgUp", does: "one page up", message: || Message::PageUp },
    Binding { modes: WALK, keys: &[Key::PageDown], shown: "PgDn", does: "one page down", message: || Message::PageDown },
    Binding { modes: WALK, keys: &[Key::Tab], shown: "Tab", does: "next pane, where one fits", message: || Message::Pane },
    Binding {
        modes: READING,
        keys: &[Key::Char(':'), Key::Char('i')],
        shown: ": i",
        does: "type a console line",
        message: || Message::Type,
    },
    Binding { modes: TYPING, keys: &[Key::Enter], shown: "Enter", does: "run the line (q quits)", message: || Message::Submit },
    Binding { modes: READING, keys: &[Key::Char('?')], shown: "?", does: "this help", message: || Message::Help },
    Binding { modes: EVERYWHERE, keys: &[Key::Esc], shown: "Esc", does: "leave", message: || Message::Leave },
    Binding {
        modes: HELP,
        keys: &[Key::Enter, Key::Char(' ')],
        shown: "Enter",
        does: "close the help",
        message: || Message::Leave,
    },
    Binding { modes: READING, keys: &[Key::Char('q')], shown: "q :q", does: "quit", message: || Message::Quit },
    Binding { modes: EVERYWHERE, keys: &[Key::Ctrl('c')], shown: "Ctrl-C", does: "quit", message: || Message::Quit },
];

/// What a key means in a mode.
pub fn meaning(mode: Mode, key: Key) -> Option<Message> {
    let bound = KEYS.iter().find(|b| b.modes.contains(&mode) && b.keys.contains(&key));
    match bound {
        Some(binding) => Some((binding.message)()),
        None if mode == Mode::Typing => edit(key).map(Message::Edit),
        None => None,
    }
}

/// The keys of line editing, as a shell has them.
fn edit(key: Key) -> Option<Edit> {
    Some(match key {
        Key::Char(c) => Edit::Insert(c),
        Key::Backspace | Key::Ctrl('h') => Edit::Backspace,
        Key::Delete => Edit::Delete,
        Key::Left | Key::Ctrl('b') => Edit::Left,
        Key::Right | Key::Ctrl('f') => Edit::Right,
        Key::Home | Key::Ctrl('a') => Edit::Home,
        Key::End | Key::Ctrl('e') => Edit::End,
        Key::Ctrl('w') => Edit::Word,
        Key::Ctrl('u') => Edit::Clear,
        Key::Up => Edit::Older,
        Key::Down => Edit::Newer,
        _ => return None,
    })
}
