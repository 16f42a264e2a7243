//! What a CoreDNS server writes to its log.
//!
//! Left out: the hash of the configuration (`plugin/reload: Running configuration SHA512 = ...`), lines of the Go runtime.
//! The real things: CoreDNS `coremain/run.go`, `plugin/log`, `plugin/loop`.

use super::chain::{Incoming, Served};
use super::config::{canonical, matching_zone};
use super::corefile::{Block, Corefile};
use super::message::{Question, Reply};
use super::size::{UDP_REPLY_MAX, question_bytes, reply_bytes};
use crate::engine::random::{Draws, Stream};
use crate::objects::pod_spec::Protocol;

/// The first port that clients use as their own (Linux: `ip_local_port_range`), and how many there are.
const PORTS: (u64, u64) = (32_768, 28_232);
/// The release that Kubernetes 1.32 installs.
const VERSION: &str = "CoreDNS-1.11.3\nlinux/amd64, go1.21.11, a6338e9\n";

/// The lines by which a server names itself once it has started.
pub fn version() -> String {
    VERSION.to_owned()
}

/// The last words of a server that has heard itself.
pub fn fatal_loop(file: &Corefile, server: &str, draws: Draws) -> String {
    let looping = file.blocks.iter().find(|b| b.loop_check);
    let (zone, listens) = looping.and_then(|b| b.keys.first()).map_or((".", 53), |(zone, port)| (zone, *port));
    let mut draw = draws.keyed("dns/loop", server);
    let query = format!("{}.{}.{}", draw.bits(), draw.bits(), zone.trim_start_matches('.'));
    let port = PORTS.0 + draw.below(PORTS.1);
    let help = "see https://coredns.io/plugins/loop#troubleshooting";
    format!(
        "[FATAL] plugin/loop: Loop (127.0.0.1:{port} -> :{listens}) detected for zone {zone:?}, {help}. Query: \"HINFO {query}\"\n"
    )
}

/// The line of the `log` plugin, if the block has it for that name.
pub fn question(block: &Block, incoming: Incoming<'_>, served: &Served, mut draw: Stream) -> Option<String> {
    matching_zone(&block.log, &incoming.question.name)?;
    let Question { name, kind, udp_size, .. } = incoming.question;
    let client = incoming.client.map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_string());
    let client = if client.contains(':') { format!("[{client}]") } else { client };
    let (port, id) = (PORTS.0 + draw.below(PORTS.1), draw.below(65_536));
    let protocol = if incoming.protocol == Protocol::Udp { "udp" } else { "tcp" };
    let size = match (udp_size, protocol) {
        (Some(size), _) => usize::from(*size).max(UDP_REPLY_MAX),
        (None, "udp") => UDP_REPLY_MAX,
        (None, _) => 65_535,
    };
    let asked = format!("\"{kind} IN {} {protocol} {} false {size}\"", canonical(name), question_bytes(incoming.question));
    let reply = &served.reply;
    let (flags, bytes) = (flags(reply), reply_bytes(reply, incoming.question));
    // A question takes a fifth of a millisecond where nobody else is asked.
    let micros = 100 + draw.below(200) + served.waited.as_nanos() / 1_000;
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    Some(format!("[INFO] {client}:{port} - {id} {asked} {} {flags} {bytes} {seconds}.{fraction:06}000s", reply.rcode.text()))
}

fn flags(reply: &Reply) -> String {
    let marks =
        [(true, "qr"), (reply.authoritative, "aa"), (reply.truncated, "tc"), (true, "rd"), (reply.recursion_available, "ra")];
    marks.into_iter().filter(|(on, _)| *on).map(|(_, mark)| mark).collect::<Vec<_>>().join(",")
}
