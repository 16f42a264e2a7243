//! The terminal that the program runs on.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{self, KeyCode, KeyModifiers};
use ratatui::DefaultTerminal;
use sim_core::scenario::load::Input;
use sim_core::scenario::play::Player;

use super::{Colour, Common, UNUSABLE, complain, input};
use crate::app::keys::{Key, meaning};
use crate::app::message::{Effect, Message};
use crate::app::scene::Scene;
use crate::app::state::State;
use crate::app::update::update;
use crate::app::walk::Walk;
use crate::builtin;
use crate::view;
use crate::view::theme::Theme;

/// Most keys that are kept while a command runs.
const KEYS_AHEAD_MAX: usize = 256;

/// Whether a person sits in front of the program. An input that comes through standard input leaves the keys on the terminal.
pub fn interactive(input: Option<&str>) -> bool {
    std::io::stdout().is_terminal() && (std::io::stdin().is_terminal() || input == Some("-"))
}

/// Opens the terminal UI on an input, or on the list of scenarios. Whatever ends it, the terminal is given back as it was.
pub fn play(input: Option<&str>, common: &Common) -> u8 {
    if !interactive(input) {
        complain("kubewalk: play needs a terminal; without one use `kubewalk run INPUT` or `kubewalk sh INPUT`");
        return UNUSABLE;
    }
    let entries = builtin::SCENARIOS.iter().map(|scenario| (scenario.name.to_string(), scenario.title()));
    let mut state = State::new(entries.collect());
    let keys = Keys::default();
    if let Some(name) = input {
        // Complaints about the input are printed before the screen is taken.
        let opened = match input::load(name, common) {
            Ok(loaded) => player(loaded, input::folder_of(name), common, &keys),
            Err(code) => return code,
        };
        match opened {
            Ok(player) => state.walk = Some(Walk::new(player)),
            Err(why) => {
                complain(&format!("kubewalk: {name}: {why}"));
                return UNUSABLE;
            }
        }
    }
    // Sets a panic hook that restores the terminal first.
    let ended = ratatui::try_init().and_then(|mut terminal| run(&mut terminal, &mut state, common, &keys));
    ratatui::restore();
    match ended {
        Ok(()) => 0,
        Err(error) => {
            complain(&format!("kubewalk: the terminal failed: {error}"));
            UNUSABLE
        }
    }
}

/// Draws, waits for a key, takes it in; draws again only if something changed.
fn run(terminal: &mut DefaultTerminal, state: &mut State, common: &Common, keys: &Keys) -> io::Result<()> {
    let theme = Theme { coloured: common.color != Colour::Never && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) };
    loop {
        // For the test that the terminal is given back whatever happens; a released program never looks.
        assert!(cfg!(not(debug_assertions)) || std::env::var_os("KUBEWALK_PANIC").is_none(), "asked to panic by KUBEWALK_PANIC");
        terminal.draw(|frame| {
            let area = frame.area();
            let cursor = view::draw(&Scene::of(state), theme, area, frame.buffer_mut());
            if let Some(cursor) = cursor {
                frame.set_cursor_position(cursor);
            }
        })?;
        let message = loop {
            match keys.next()? {
                None => break None,
                Some(key) => match meaning(state.mode(), key) {
                    Some(message) => break Some(message),
                    None => continue,
                },
            }
        };
        let effect = message.and_then(|message| update(state, message));
        match effect {
            Some(Effect::Quit) => return Ok(()),
            Some(Effect::Open(number)) => {
                let opened = open(number, common, keys).map(Box::new);
                update(state, Message::Opened(opened));
            }
            None => {}
        }
    }
}

/// Opens a built-in scenario.
fn open(number: usize, common: &Common, keys: &Keys) -> Result<Player, String> {
    let name = builtin::SCENARIOS.get(number).map(|scenario| scenario.name).ok_or("there is no such scenario")?;
    let loaded = input::load(name, common).map_err(|_| format!("{name} cannot be opened with these flags"))?;
    player(loaded, None, common, keys)
}

fn player(loaded: Arc<Input>, folder: Option<&Path>, common: &Common, keys: &Keys) -> Result<Player, String> {
    let player = Player::new(loaded, &input::play_options(common, folder))?;
    let keys = keys.clone();
    player.sim_mut().interrupted_by(Rc::new(move || keys.interrupted()));
    Ok(player)
}

/// The keys pressed and not yet taken: while a long command runs, Ctrl-C is looked for and the others are kept.
#[derive(Clone, Default)]
struct Keys(Rc<RefCell<VecDeque<Key>>>);

impl Keys {
    /// Waits for a key. None: the screen changed its size.
    fn next(&self) -> io::Result<Option<Key>> {
        if let Some(key) = self.0.borrow_mut().pop_front() {
            return Ok(Some(key));
        }
        loop {
            match event::read()? {
                event::Event::Key(pressed) if pressed.kind != event::KeyEventKind::Release => {
                    if let Some(key) = key(pressed) {
                        return Ok(Some(key));
                    }
                }
                event::Event::Resize(..) => return Ok(None),
                _ => {}
            }
        }
    }

    /// Whether Ctrl-C was pressed while something runs.
    fn interrupted(&self) -> bool {
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(event::Event::Key(pressed)) = event::read() else { continue };
            match key(pressed) {
                Some(Key::Ctrl('c')) => return true,
                Some(key) if self.0.borrow().len() < KEYS_AHEAD_MAX => self.0.borrow_mut().push_back(key),
                _ => {}
            }
        }
        false
    }
}

/// A terminal's key as the table of keys calls it.
fn key(pressed: event::KeyEvent) -> Option<Key> {
    Some(match pressed.code {
        KeyCode::Char(c) if pressed.modifiers.contains(KeyModifiers::CONTROL) => Key::Ctrl(c),
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        _ => return None,
    })
}
