//! Messages in, states and screens out. The screens are snapshots of the built-in walkthrough.

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use sim_core::scenario::load::{self, File};
use sim_core::scenario::play::{self, Player};

use super::keys::{Key, meaning};
use super::message::{Effect, Message};
use super::scene::{Body, Scene, WalkScene};
use super::state::{Mode, State};
use super::update::update;
use crate::view;
use crate::view::theme::Theme;

const SCENARIO: &str = r#"apiVersion: kubewalk/v1
kind: Scenario
metadata: {name: small, title: "A small one"}
spec:
  cluster: {nodes: 2}
  steps:
    - say: Two pods and a Service.
    - apply: {doc: deployment/web}
    - apply: {doc: service/web}
    - until: converged
    - trace: {from: node/node-1, to: "svc/default/web:80"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"#;

fn start() -> State {
    State::new(vec![("small".into(), "A small one".into()), ("other".into(), "Another one".into())])
}

fn player() -> Player {
    let input = load::load(File { name: "small.yaml", bytes: SCENARIO.as_bytes() }, &load::Options::default()).unwrap();
    Player::new(Arc::new(input), &play::Options::default()).unwrap()
}

fn opened() -> State {
    let mut state = start();
    update(&mut state, Message::Opened(Ok(Box::new(player()))));
    state
}

/// Presses keys one after the other; the last effect.
fn press(state: &mut State, keys: &[Key]) -> Option<Effect> {
    keys.iter().fold(None, |_, key| meaning(state.mode(), *key).and_then(|message| update(state, message)))
}

fn write(state: &mut State, text: &str) {
    let keys: Vec<Key> = text.chars().map(Key::Char).collect();
    press(state, &keys);
}

fn walk(state: &State) -> WalkScene {
    match Scene::of(state).body {
        Body::Walk(walk) => *walk,
        Body::Start(..) => panic!("the start list is open"),
    }
}

fn screen(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme { coloured: false };
    terminal
        .draw(|frame| {
            let area = frame.area();
            view::draw(&Scene::of(state), theme, area, frame.buffer_mut());
        })
        .unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_list_selects_and_opens() {
    use Key::{Down, Enter, Up};
    for (keys, effect) in [
        (&[Enter][..], Effect::Open(0)),
        (&[Down, Enter], Effect::Open(1)),
        (&[Down, Down, Down, Enter], Effect::Open(1)),
        (&[Down, Up, Up, Enter], Effect::Open(0)),
        (&[Key::Char('q')], Effect::Quit),
        (&[Key::Char('?'), Key::Char(':'), Key::Char('q'), Enter], Effect::Quit),
        (&[Key::Char('?'), Key::Esc, Key::Esc], Effect::Quit),
        (&[Key::Char('i'), Key::Ctrl('c')], Effect::Quit),
    ] {
        assert_eq!(press(&mut start(), keys), Some(effect), "{keys:?}");
    }
}

#[test]
fn what_cannot_be_opened_is_said() {
    let mut state = start();
    update(&mut state, Message::Opened(Err("no".into())));
    assert_eq!((state.mode(), state.note.as_deref()), (Mode::Start, Some("no")));
    press(&mut state, &[Key::Down]);
    assert_eq!(state.note, None);
}

#[test]
fn stepping_back_and_forth_shows_the_same_again() {
    let mut state = opened();
    let mut scenes = vec![walk(&state)];
    for _ in 0..5 {
        press(&mut state, &[Key::Char(' ')]);
        scenes.push(walk(&state));
    }
    press(&mut state, &[Key::Char(' ')]);
    assert!(state.note.as_deref().is_some_and(|n| n.contains("last step")), "{:?}", state.note);
    assert!(scenes.iter().all(|s| s.failures.is_empty()), "{scenes:#?}");
    for scene in scenes.iter().rev().skip(1) {
        press(&mut state, &[Key::Left]);
        assert_eq!(walk(&state), *scene);
    }
    press(&mut state, &[Key::Left]);
    assert_eq!(state.note.as_deref(), Some("this is the start"));
    for scene in &scenes[1..] {
        press(&mut state, &[Key::Right]);
        assert_eq!(walk(&state), *scene);
    }
}

#[test]
fn a_console_line_runs_is_remembered_and_taken_back() {
    let mut state = opened();
    let before = walk(&state);
    write(&mut state, "iecho hullo");
    press(&mut state, &[Key::Left, Key::Backspace, Key::Char('l'), Key::Enter]);
    assert_eq!(walk(&state).output, ["$ echo hullo", "hullo"]);
    press(&mut state, &[Key::Up]);
    assert_eq!(Scene::of(&state).line, Some(("$ ".into(), "echo hullo".into(), 10)));
    press(&mut state, &[Key::Down]);
    assert_eq!(Scene::of(&state).line, Some(("$ ".into(), String::new(), 0)));
    press(&mut state, &[Key::Esc, Key::Left]);
    assert_eq!(walk(&state), before);
}

#[test]
fn output_scrolls_within_its_bounds() {
    let mut state = opened();
    write(&mut state, "iseq 1 30");
    press(&mut state, &[Key::Enter, Key::Esc]);
    for (key, scrolled) in
        [(Key::PageUp, 10), (Key::Up, 11), (Key::PageUp, 21), (Key::PageUp, 30), (Key::PageDown, 20), (Key::Down, 19)]
    {
        press(&mut state, &[key]);
        assert_eq!(walk(&state).scrolled, scrolled, "{key:?}");
    }
}

#[test]
fn the_start_list_is_drawn() {
    insta::assert_snapshot!(screen(&start(), 80, 24));
    insta::assert_snapshot!(screen(&start(), 40, 12));
}

#[test]
fn a_walkthrough_is_drawn() {
    let mut state = opened();
    press(&mut state, &[Key::Char(' '); 3]);
    insta::assert_snapshot!("in_the_middle", screen(&state, 80, 24));
    press(&mut state, &[Key::Char(' '); 2]);
    insta::assert_snapshot!("at_the_end", screen(&state, 80, 24));
    insta::assert_snapshot!("small_output", screen(&state, 40, 12));
    press(&mut state, &[Key::Tab]);
    insta::assert_snapshot!("small_map", screen(&state, 40, 12));
    press(&mut state, &[Key::Tab]);
    insta::assert_snapshot!("small_packet", screen(&state, 40, 12));
}

#[test]
fn the_help_is_drawn() {
    let mut state = start();
    press(&mut state, &[Key::Char('?')]);
    insta::assert_snapshot!(screen(&state, 80, 24));
    insta::assert_snapshot!(screen(&state, 40, 12));
}

#[test]
fn every_size_is_drawn() {
    let mut state = opened();
    press(&mut state, &[Key::Char(' '); 5]);
    write(&mut state, "iecho 日本語 and a line that is longer than the narrowest screen is wide");
    for (width, height) in [(1, 1), (39, 10), (40, 9), (40, 10), (75, 30), (76, 16), (80, 24), (200, 60)] {
        let text = screen(&state, width, height);
        let small = width < view::WIDTH_MIN || height < view::HEIGHT_MIN;
        assert_eq!(text.contains("longer than"), !small && width > 60, "{width}x{height}\n{text}");
    }
}

#[test]
fn without_colour_nothing_is_coloured() {
    let mut state = opened();
    press(&mut state, &[Key::Char(' '); 5]);
    for coloured in [false, true] {
        let area = Rect::new(0, 0, 80, 24);
        let mut buffer = Buffer::empty(area);
        view::draw(&Scene::of(&state), Theme { coloured }, area, &mut buffer);
        let colours = buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        assert_eq!(colours, coloured);
    }
}
