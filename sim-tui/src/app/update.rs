//! What a message changes. The one place where the state is written.

use tui_input::{Input, InputRequest};

use super::keys::KEYS;
use super::message::{Edit, Effect, Message};
use super::state::{REMEMBERED_MAX, State};
use super::walk::{Pane, Walk};

/// Lines of a page.
const PAGE: usize = 10;
/// Longest line that can be typed.
const LINE_CHARS_MAX: usize = 4_096;

/// Takes a message in. What only the program around can do is handed back.
pub fn update(state: &mut State, message: Message) -> Option<Effect> {
    state.note = None;
    match message {
        Message::Up => scroll(state, 1, 0),
        Message::Down => scroll(state, 0, 1),
        Message::PageUp => scroll(state, PAGE, 0),
        Message::PageDown => scroll(state, 0, PAGE),
        Message::Choose => return Some(Effect::Open(state.selected)),
        Message::Opened(Ok(player)) => state.walk = Some(Walk::new(*player)),
        Message::Opened(Err(why)) => state.note = Some(why),
        Message::Next => {
            if state.walk.as_mut().is_some_and(|walk| !walk.forward()) {
                state.note = Some("that was the last step; the console is yours: press i".to_string());
            }
        }
        Message::Back => back(state),
        Message::Pane => {
            if let Some(walk) = &mut state.walk {
                walk.pane = match walk.pane {
                    Pane::Output => Pane::Map,
                    Pane::Map => Pane::Packet,
                    Pane::Packet => Pane::Output,
                };
            }
        }
        Message::Type => (state.help, state.line, state.recalled) = (false, Some(Input::default()), 0),
        Message::Edit(edit) => type_into(state, edit),
        Message::Submit => return submit(state),
        Message::Leave => return leave(state),
        Message::Help => (state.help, state.help_top) = (!state.help, 0),
        Message::Quit => return Some(Effect::Quit),
    }
    None
}

/// Moves the selection, or the output by lines from its end.
fn scroll(state: &mut State, up: usize, down: usize) {
    if state.help {
        state.help_top = (state.help_top + down).saturating_sub(up).min(KEYS.len());
        return;
    }
    match &mut state.walk {
        Some(walk) => {
            let lines: usize = super::scene::output(walk).len();
            walk.scrolled = (walk.scrolled + up).saturating_sub(down).min(lines.saturating_sub(1));
        }
        None => {
            let last = state.scenarios.len().saturating_sub(1);
            state.selected = (state.selected + down).saturating_sub(up).min(last);
        }
    }
}

fn back(state: &mut State) {
    let Some(walk) = &mut state.walk else { return };
    state.note = match walk.back() {
        Ok(true) => None,
        Ok(false) => Some("this is the start".to_string()),
        Err(why) => Some(why),
    };
}

fn type_into(state: &mut State, edit: Edit) {
    let Some(line) = &mut state.line else { return };
    let request = match edit {
        Edit::Insert(_) if line.value().chars().count() >= LINE_CHARS_MAX => return,
        Edit::Insert(c) => InputRequest::InsertChar(c),
        Edit::Backspace => InputRequest::DeletePrevChar,
        Edit::Delete => InputRequest::DeleteNextChar,
        Edit::Left => InputRequest::GoToPrevChar,
        Edit::Right => InputRequest::GoToNextChar,
        Edit::Home => InputRequest::GoToStart,
        Edit::End => InputRequest::GoToEnd,
        Edit::Word => InputRequest::DeletePrevWord,
        Edit::Clear => InputRequest::DeleteLine,
        Edit::Older | Edit::Newer => return recall(state, edit == Edit::Older),
    };
    line.handle(request);
}

/// Shows a line typed before.
fn recall(state: &mut State, older: bool) {
    let wanted = if older { state.recalled + 1 } else { state.recalled.saturating_sub(1) };
    state.recalled = wanted.min(state.remembered.len());
    let at = state.remembered.len() - state.recalled;
    state.line = Some(Input::new(state.remembered.get(at).cloned().unwrap_or_default()));
}

/// Runs the line; the console stays open for the next one.
fn submit(state: &mut State) -> Option<Effect> {
    let line = state.line.take()?.value().to_string();
    if matches!(line.trim(), "q" | "quit") {
        return Some(Effect::Quit);
    }
    state.recalled = 0;
    let Some(walk) = &mut state.walk else {
        state.note = Some("no cluster is open yet; Enter opens the selected scenario".to_string());
        return None;
    };
    state.line = Some(Input::default());
    if line.trim().is_empty() {
        return None;
    }
    walk.line(&line);
    if state.remembered.len() == REMEMBERED_MAX {
        state.remembered.remove(0);
    }
    state.remembered.push(line);
    None
}

/// Closes what is open innermost; the start list is left by leaving the program.
fn leave(state: &mut State) -> Option<Effect> {
    if state.line.take().is_some() {
        return None;
    }
    if state.help {
        state.help = false;
        return None;
    }
    if state.walk.take().is_some() { None } else { Some(Effect::Quit) }
}
