//! Inputs that keep the grammar and lose the sense: trees with parts exchanged, command lines with words exchanged.

use serde_json::{Map, Value, json};
use sim_core::engine::random::Stream;
use sim_core::yaml::to_yaml;

use super::corpus::Corpus;
use super::surface::Surface;

/// Deepest tree that is made up from nothing.
const DEPTH_MAX: u64 = 4;

/// A text for a reader.
pub fn text(draw: &mut Stream, corpus: &Corpus, surface: Surface) -> Vec<u8> {
    match surface {
        Surface::Scenario => {
            let mut trees = vec![tree(draw, corpus, &corpus.scenario_trees)];
            trees.extend((0..draw.below(3)).map(|_| tree(draw, corpus, &corpus.objects)));
            written(draw, &trees)
        }
        Surface::Manifests => {
            let trees: Vec<Value> = (0..=draw.below(4)).map(|_| tree(draw, corpus, &corpus.objects)).collect();
            written(draw, &trees)
        }
        Surface::Console => script(draw, corpus),
    }
}

fn written(draw: &mut Stream, trees: &[Value]) -> Vec<u8> {
    let write = |tree: &Value| if draw.below(4) == 0 { tree.to_string() } else { to_yaml(tree) };
    trees.iter().map(write).collect::<Vec<_>>().join("\n---\n").into_bytes()
}

/// A seed tree with a few parts changed.
fn tree(draw: &mut Stream, corpus: &Corpus, seeds: &[Value]) -> Value {
    let mut tree = draw.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..=draw.below(4) {
        change(draw, corpus, &mut tree);
    }
    tree
}

/// Goes down the tree at random and changes what is there.
fn change(draw: &mut Stream, corpus: &Corpus, value: &mut Value) {
    let stop = draw.below(6) == 0;
    match value {
        Value::Object(fields) if !stop && !fields.is_empty() => {
            let at = draw.below(fields.len() as u64) as usize;
            let Some(key) = fields.keys().nth(at).cloned() else { return };
            match draw.below(12) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert(word(draw, &corpus.keys), made_up(draw, corpus, 0))),
                2 => {
                    let moved = fields.remove(&key).unwrap_or_default();
                    fields.insert(word(draw, &corpus.keys), moved);
                }
                _ => {
                    if let Some(inner) = fields.get_mut(&key) {
                        change(draw, corpus, inner);
                    }
                }
            }
        }
        Value::Array(items) if !stop && !items.is_empty() => {
            let at = draw.below(items.len() as u64) as usize;
            match draw.below(8) {
                0 => drop(items.remove(at)),
                1 => items.insert(at, items[at].clone()),
                2 => items.push(made_up(draw, corpus, 0)),
                _ => change(draw, corpus, &mut items[at]),
            }
        }
        other => *other = made_up(draw, corpus, 0),
    }
}

fn made_up(draw: &mut Stream, corpus: &Corpus, depth: u64) -> Value {
    const TEXTS: [&str; 24] = [
        "",
        " ",
        "a",
        "default",
        "10.96.0.1",
        "10.96.0.0/12",
        "fd00::1",
        "fd00::/108",
        "0.0.0.0/0",
        "30s",
        "-1s",
        "1e9h",
        "50%",
        "101%",
        "100m",
        "16Gi",
        "1e30",
        "node/node-1",
        "pod/default/web",
        "deployment/web available",
        "converged",
        "{.spec}",
        "é\u{0}",
        "http://web:99999/",
    ];
    match draw.below(if depth < DEPTH_MAX { 14 } else { 11 }) {
        0 => Value::Null,
        1 => Value::Bool(draw.below(2) == 0),
        2 => json!(draw.below(70_000)),
        3 => json!(draw.bits()),
        4 => json!(draw.bits() as i64),
        5 => json!(1e300),
        6 => json!(-0.5),
        7 => draw.pick(&TEXTS).copied().unwrap_or_default().into(),
        8 => word(draw, &corpus.words).into(),
        9 => "x".repeat(1 << draw.below(12)).into(),
        10 => part(draw, &corpus.objects),
        11 => {
            let length = draw.below(4);
            Value::Array((0..length).map(|_| made_up(draw, corpus, depth + 1)).collect())
        }
        12 => {
            let length = draw.below(4);
            let fields: Map<String, Value> =
                (0..length).map(|_| (word(draw, &corpus.keys), made_up(draw, corpus, depth + 1))).collect();
            Value::Object(fields)
        }
        _ => (0..draw.below(150)).fold(Value::Null, |inner, _| json!([inner])),
    }
}

/// A part of a seed tree.
fn part(draw: &mut Stream, seeds: &[Value]) -> Value {
    let mut value = draw.pick(seeds).cloned().unwrap_or_default();
    for _ in 0..draw.below(6) {
        let inner = match &value {
            Value::Object(fields) => fields.values().nth(draw.below(fields.len() as u64) as usize).cloned(),
            Value::Array(items) => draw.pick(items).cloned(),
            _ => None,
        };
        match inner {
            Some(inner) => value = inner,
            None => break,
        }
    }
    value
}

fn word(draw: &mut Stream, words: &[String]) -> String {
    draw.pick(words).cloned().unwrap_or_default()
}

/// A few command lines: seeds with words exchanged, joined by the shell's own signs.
fn script(draw: &mut Stream, corpus: &Corpus) -> Vec<u8> {
    const JOINTS: [&str; 12] = [
        "; ",
        " | ",
        " && ",
        " || ",
        "\n",
        " > f; ",
        " < f; ",
        " | xargs ",
        "; exit\n",
        " &\n",
        "\nfor i in 1 2; do ",
        "; done\n",
    ];
    let mut text = String::new();
    for _ in 0..=draw.below(3) {
        let line = line(draw, corpus);
        match draw.below(12) {
            0 => text.push_str(&format!("echo $({line})")),
            1 => text.push_str(&format!("for i in 1 2 3; do {line}; done")),
            2 => text.push_str(&format!("if {line}; then {line}; fi")),
            3 => text.push_str(&format!("timeout 3 {line}")),
            4 => text.push_str(&format!("kubectl apply -f - <<E\n{}\nE", to_yaml(&tree(draw, corpus, &corpus.objects)))),
            5 => text.push_str(&format!("kubectl exec deploy/web -- {line}")),
            6 => text.push_str(&format!("kubectl patch deploy/web -p '{}'", tree(draw, corpus, &corpus.objects))),
            _ => text.push_str(&line),
        }
        text.push_str(draw.pick(&JOINTS).copied().unwrap_or_default());
    }
    text.into_bytes()
}

fn line(draw: &mut Stream, corpus: &Corpus) -> String {
    let seed = draw.pick(corpus.texts(Surface::Console)).cloned().unwrap_or_default();
    let seed = String::from_utf8_lossy(&seed).into_owned();
    let mut words: Vec<String> = seed.split(' ').map(str::to_string).collect();
    for _ in 0..draw.below(4) {
        let at = draw.below(words.len() as u64) as usize;
        match draw.below(6) {
            0 if words.len() > 1 => drop(words.remove(at)),
            1 => words.insert(at, words[at].clone()),
            2 => words.swap(0, at),
            3 => words.insert(at, word(draw, &corpus.words)),
            4 => words.push(word(draw, &corpus.words)),
            _ => words[at] = word(draw, &corpus.words),
        }
    }
    words.join(" ")
}
