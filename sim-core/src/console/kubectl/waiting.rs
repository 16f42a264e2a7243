//! Waiting for an object: until it is gone, or until something holds of it.

use serde_json::Value;

use super::client::Client;
use super::failure::Failure;
use super::targets::Target;
use crate::api::request::{Request, Response, Verb};
use crate::api::table::document::text;
use crate::console::host::World;
use crate::engine::time::Duration;

/// How long "for ever" is: a week, as for the real kubectl.
pub const FOREVER: Duration = Duration::from_secs(7 * 24 * 3600);

/// Lets time pass until `holds` says so of the object (`None` when it is not there); false when `limit` is over. One watch serves
/// it, so looking again takes no time.
pub async fn until(
    client: &mut Client<'_>,
    target: &Target,
    limit: Duration,
    mut holds: impl FnMut(Option<&Value>) -> bool,
) -> Result<bool, Failure> {
    let request = Client::request(Verb::Get, &target.resource, &target.namespace, &target.name);
    let deadline = client.world().elapsed() + limit;
    loop {
        let (object, now) = {
            let mut world = client.world();
            (read(&mut *world, request.clone()), world.elapsed())
        };
        if holds(object.as_ref()) {
            return Ok(true);
        }
        if now >= deadline {
            return Ok(false);
        }
        client.change(deadline).await?;
    }
}

fn read(world: &mut dyn World, request: Request) -> Option<Value> {
    match world.request(request).response {
        Response::Object(object) => Some(object),
        Response::List { .. } | Response::Failure(_) => None,
    }
}

/// Waits until the object is gone, or another one of its name is there.
pub async fn gone(client: &mut Client<'_>, target: &Target, uid: &str, limit: Duration) -> Result<(), Failure> {
    let is_gone = |object: Option<&Value>| object.is_none_or(|object| !uid.is_empty() && text(object, "metadata.uid") != uid);
    if until(client, target, limit, is_gone).await? {
        return Ok(());
    }
    Err(Failure::Error(format!("timed out waiting for the condition on {}/{}", target.resource.plural, target.name)))
}

/// A `--timeout`: a number with a unit; none or zero means for ever.
pub fn timeout(text: Option<&str>, default: Duration) -> Result<Duration, Failure> {
    let Some(text) = text else { return Ok(default) };
    if text.starts_with('-') {
        return Ok(FOREVER);
    }
    match Duration::parse(text) {
        Some(duration) => Ok(duration),
        None => Err(Failure::Error(format!(
            "invalid argument {text:?} for \"--timeout\" flag: time: missing unit in duration {text:?}"
        ))),
    }
}
