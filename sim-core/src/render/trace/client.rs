//! What curl says of a way.

use crate::ask::trace::{Client, Said};
use crate::render::curl;

/// The line a user would read; empty if all went well, or if it is not known.
pub(super) fn text(client: &Client) -> String {
    match client.said {
        Said::AllWell | Said::Unknown => String::new(),
        Said::Fails(end) => curl::said(end, (&client.host, client.port), client.connecting, None),
    }
}

/// curl's exit status; `None` where none can be told.
pub(super) fn exit(client: &Client) -> Option<i32> {
    match client.said {
        Said::AllWell => Some(0),
        Said::Unknown => None,
        Said::Fails(end) => Some(curl::exit(end)),
    }
}
