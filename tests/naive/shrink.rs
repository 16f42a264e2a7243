//! The smallest world that still shows a difference.

use serde_json::Value;

use super::compare::{Counts, Difference, compare};
use super::worlds::World;

/// Takes away packets, documents and fields as long as the same packet is still answered in two ways. Also says what differs in
/// the end.
pub fn smallest(world: &World, difference: &Difference) -> (World, String) {
    let mut best = world.clone();
    best.packets.truncate(difference.packet + 1);
    let mut what = difference.what.clone();
    // The API has no Service without ports, and no two objects of one name.
    let whole = |document: &Value| document["kind"] != "Service" || document["spec"]["ports"][0]["port"].is_u64();
    let still = |world: &World| {
        let mut names: Vec<&Value> = world.documents.iter().map(|document| &document["metadata"]["name"]).collect();
        names.dedup();
        if names.len() < world.documents.len() || !world.documents.iter().all(whole) {
            return None;
        }
        let found = compare(world, &mut Counts::default())?;
        (found.packet + 1 == world.packets.len()).then_some(found.what)
    };
    let mut shrunk = true;
    while shrunk {
        shrunk = false;
        let mut n = 0;
        while n < size(&best) {
            let mut smaller = best.clone();
            take_away(&mut smaller, n);
            match still(&smaller) {
                Some(found) => (best, what, shrunk) = (smaller, found, true),
                None => n += 1,
            }
        }
    }
    (best, what)
}

/// How many things can be taken away.
fn size(world: &World) -> usize {
    world.packets.len() - 1 + world.documents.iter().map(|document| 1 + parts(document)).sum::<usize>()
}

fn take_away(world: &mut World, mut n: usize) {
    if n < world.packets.len() - 1 {
        world.packets.remove(n);
        return;
    }
    n -= world.packets.len() - 1;
    for at in 0..world.documents.len() {
        if n == 0 {
            world.documents.remove(at);
            return;
        }
        n -= 1;
        let inside = parts(&world.documents[at]);
        if n < inside {
            remove(&mut world.documents[at], n);
            return;
        }
        n -= inside;
    }
}

/// How many fields and items there are in a value, at any depth.
fn parts(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + parts(item)).sum(),
        Value::Object(fields) => fields.values().map(|field| 1 + parts(field)).sum(),
        _ => 0,
    }
}

/// Removes the `n`th of them.
fn remove(value: &mut Value, mut n: usize) {
    match value {
        Value::Array(items) => {
            for at in 0..items.len() {
                if n == 0 {
                    items.remove(at);
                    return;
                }
                n -= 1;
                let inside = parts(&items[at]);
                if n < inside {
                    return remove(&mut items[at], n);
                }
                n -= inside;
            }
        }
        Value::Object(fields) => {
            let keys: Vec<String> = fields.keys().cloned().collect();
            for key in keys {
                if n == 0 {
                    fields.remove(&key);
                    return;
                }
                n -= 1;
                let inside = parts(&fields[&key]);
                if n < inside {
                    return remove(&mut fields[&key], n);
                }
                n -= inside;
            }
        }
        _ => {}
    }
}
