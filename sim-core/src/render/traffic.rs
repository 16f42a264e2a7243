//! A load and what became of it, as text and as JSON, from one value.
//!
//! The words of an error are curl's, so that a learner can look them up, and knows them from the next time they are typed.

use serde_json::{Value, json as value};

use super::curl::{exit, said};
use super::prose;
use crate::cluster::traffic::Load;
use crate::cluster::traffic::plan::{Pace, Plan, Sender};
use crate::cluster::traffic::tally::{Count, Failed};
use crate::engine::time::{Duration, Instant};
use crate::network::client::End;
use crate::objects::time::Timestamp;

/// Columns of the timeline.
const COLUMNS: u64 = 60;

/// A load in a line: `shoppers: 50/s from external to http://203.0.113.2:30080 for 2m`.
pub fn plan(plan: &Plan) -> String {
    let mut line = format!("{}: {} from {} to {}", plan.name, pace(plan), plan.from, plan.url);
    if plan.keep_alive {
        line.push_str(", connections kept");
    }
    if let Some(time) = plan.lasting {
        line.push_str(&format!(", for {time}"));
    }
    if let Some(time) = plan.timeout {
        line.push_str(&format!(", {time} each"));
    }
    line
}

fn pace(plan: &Plan) -> String {
    let unit = |per: Duration| match per.to_string() {
        text if matches!(&*text, "1s" | "1ms" | "1m" | "1h") => text[1..].to_string(),
        text => text,
    };
    match plan.pace {
        Pace::Open { count, per, random: false } => format!("{count}/{}", unit(per)),
        Pace::Open { count, per, random: true } => format!("{count}/{} at random", unit(per)),
        Pace::Closed { clients, pause } => format!("{clients} clients, {pause} between requests,"),
    }
}

/// A share in percent, with three digits behind the point, rounded down: what is shown as 100 is all.
fn percent(count: Count) -> String {
    let thousandths = u128::from(count.good) * 100_000 / u128::from(count.all().max(1));
    if count.all() == 0 { "-".to_string() } else { format!("{}.{:03}%", thousandths / 1_000, thousandths % 1_000) }
}

/// `8.4ms`: three digits are enough, and never less than it was.
fn short(time: Duration) -> String {
    let grain = 10_u64.pow(time.as_nanos().max(1).ilog10().saturating_sub(2));
    Duration::from_nanos(time.as_nanos().div_ceil(grain).saturating_mul(grain)).to_string()
}

/// The moment just before a request began, as `seek` takes it.
fn before(began: Instant) -> Duration {
    Duration::from_millis(began.since(Instant::START).as_millis())
}

fn state(load: &Load, now: Instant) -> String {
    match (load.running(now), load.stopped, load.plan.lasting) {
        (true, ..) => format!("running for {}", short(now.since(load.begun))),
        (false, Some(at), _) => format!("stopped after {}", short(at.since(load.begun))),
        (false, None, Some(time)) => format!("over after {time}"),
        (false, None, None) => "over".to_string(),
    }
}

/// Everything known of a load.
pub fn text(load: &Load, now: Instant, start: Timestamp) -> String {
    let tally = &load.tally;
    let began = Timestamp::at(start, load.begun).rfc3339();
    let mut lines = vec![plan(&load.plan), format!("  since      {began}, {}", state(load, now))];
    let Count { good, bad } = tally.ended;
    let mut requests = format!("  requests   {} started, {good} well, {bad} failed, {} open", tally.started, load.open());
    if let Some(oldest) = load.oldest_open() {
        requests.push_str(&format!(" (the oldest for {})", short(now.since(oldest))));
    }
    for (count, words) in [(tally.not_started, "could not be started"), (tally.abandoned, "ended with their client's pod")] {
        if count > 0 {
            requests.push_str(&format!(", {count} {words}"));
        }
    }
    lines.push(requests);
    let (width, pieces) = tally.timeline.pieces(COLUMNS, load.lasted(now));
    lines.push(format!("  success    {} of those that ended", percent(tally.ended)));
    if !pieces.is_empty() {
        lines.push(format!("  timeline   {}", pieces.iter().map(|count| column(*count)).collect::<String>()));
        lines.push(format!("             each {}: # all well, 9 to 1 tenths, 0 less, . nothing ended", short(width)));
    }
    if let Some(max) = tally.latencies.max() {
        let at = |share| short(tally.latencies.per_mille(share).unwrap_or(max));
        lines.push(format!("  latency    p50 {}  p90 {}  p99 {}  max {}", at(500), at(900), at(990), short(max)));
    }
    lines.extend(backends(load));
    lines.extend(failures(load));
    lines.join("\n") + "\n"
}

/// One letter for the requests of a piece of the timeline.
fn column(count: Count) -> char {
    match (count.all(), count.bad) {
        (0, _) => '.',
        (_, 0) => '#',
        (all, _) => char::from_digit(u32::try_from(count.good * 10 / all).unwrap_or(0), 10).unwrap_or('0'),
    }
}

fn backends(load: &Load) -> Vec<String> {
    let tally = &load.tally;
    let mut rows: Vec<(String, String, Count)> =
        tally.backends.iter().map(|((address, pod), count)| (address.to_string(), pod.to_string(), *count)).collect();
    if tally.elsewhere.all() > 0 {
        rows.push(("none".to_string(), "no backend was picked, or met".to_string(), tally.elsewhere));
    }
    let width = |of: fn(&(String, String, Count)) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let (address, pod) = (width(|r| r.0.len()), width(|r| r.1.len()));
    let row = |(n, (a, p, count)): (usize, &(String, String, Count))| {
        let title = if n == 0 { "backends" } else { "" };
        format!("  {title:<9}  {a:<address$}  {p:<pod$}  {:>6} well  {:>6} failed", count.good, count.bad)
    };
    rows.iter().enumerate().map(row).collect()
}

/// The errors, by what was met first, and how to look at the first of all.
fn failures(load: &Load) -> Vec<String> {
    let mut errors: Vec<(&End, &Failed)> = load.tally.errors.iter().collect();
    errors.sort_by_key(|(_, failed)| failed.ended);
    let row = |(n, (end, failed)): (usize, &(&End, &Failed))| {
        let title = if n == 0 { "errors" } else { "" };
        let text = said(**end, (&load.plan.to.host, load.plan.to.port), failed.ended.since(failed.began), load.plan.timeout);
        format!("  {title:<9}  {:>6}  first at {}  {text}", failed.count, before(failed.began))
    };
    let why = |failed: &Failed| failed.why.as_ref().map(|why| format!("{:22}{}", "", prose::reason(why)));
    let rows = errors.iter().enumerate().flat_map(|error| [Some(row(error)), why(error.1.1)]);
    let mut lines: Vec<String> = rows.flatten().collect();
    lines.extend(look(load).map(|line| format!("  look       {line}")));
    lines
}

/// What to type to see the way of the first request that failed: its own packet, at the moment that decided its end.
fn look(load: &Load) -> Option<String> {
    let failed = load.tally.first_failure()?;
    let (host, port) = (&load.plan.to.host, load.plan.to.port);
    let to = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let asked = format!("trace {} {to}", Sender::One(failed.from.clone()));
    Some(match failed.seen_in {
        Some((client_port, at)) => format!("seek {}; {asked} --client-port {client_port}", at.since(Instant::START)),
        None => format!("seek {}; {asked}", before(failed.began)),
    })
}

/// A line for each of several loads.
pub fn table(loads: &[&Load], now: Instant) -> String {
    let mut rows = vec![["NAME", "STATE", "STARTED", "WELL", "FAILED", "OPEN", "SUCCESS"].map(String::from)];
    rows.extend(loads.iter().map(|load| {
        let tally = &load.tally;
        let numbers = [tally.started, tally.ended.good, tally.ended.bad, load.open() as u64].map(|n| n.to_string());
        let [started, good, bad, open] = numbers;
        [load.plan.name.to_string(), state(load, now), started, good, bad, open, percent(tally.ended)]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let line = |row: &[String; 7]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("   ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// The JSON form.
pub fn json(load: &Load, now: Instant, start: Timestamp) -> Value {
    let (plan, tally) = (&load.plan, &load.tally);
    let ns = |time: Option<Duration>| time.map(Duration::as_nanos);
    let counts = |count: Count| value!({"well": count.good, "failed": count.bad});
    let pace = match plan.pace {
        Pace::Open { count, per, random } => value!({"count": count, "per_ns": per.as_nanos(), "random": random}),
        Pace::Closed { clients, pause } => value!({"clients": clients, "pause_ns": pause.as_nanos()}),
    };
    let backend = |((address, pod), count): (&(std::net::SocketAddr, crate::objects::Name), &Count)| value!({"address": address.to_string(), "pod": &**pod, "well": count.good, "failed": count.bad});
    let error = |(end, failed): (&End, &Failed)| {
        let after = failed.ended.since(failed.began);
        let why = failed.why.as_ref().map(|why| value!({"code": why.code(), "text": prose::reason(why)}));
        value!({"exit": exit(*end), "count": failed.count, "reason": why, "first": said(*end, (&plan.to.host, plan.to.port), after, plan.timeout),
            "first_at": Timestamp::at(start, failed.began).rfc3339_micro(), "first_elapsed_ns": failed.began.as_nanos()})
    };
    let (width, pieces) = tally.timeline.pieces(COLUMNS, load.lasted(now));
    value!({
        "name": &*plan.name, "from": plan.from.to_string(), "to": plan.url, "pace": pace, "keep_alive": plan.keep_alive,
        "for_ns": ns(plan.lasting), "timeout_ns": ns(plan.timeout),
        "since": Timestamp::at(start, load.begun).rfc3339(), "running": load.running(now),
        "requests": {"started": tally.started, "well": tally.ended.good, "failed": tally.ended.bad, "open": load.open(),
            "oldest_open_ns": ns(load.oldest_open().map(|began| now.since(began))),
            "not_started": tally.not_started, "abandoned": tally.abandoned},
        "success": percent(tally.ended),
        "timeline": {"each_ns": width.as_nanos(), "counts": pieces.into_iter().map(counts).collect::<Vec<_>>()},
        "latency_ns": {"p50": ns(tally.latencies.per_mille(500)), "p90": ns(tally.latencies.per_mille(900)),
            "p99": ns(tally.latencies.per_mille(990)), "max": ns(tally.latencies.max())},
        "backends": tally.backends.iter().map(backend).collect::<Vec<_>>(), "elsewhere": counts(tally.elsewhere),
        "errors": tally.errors.iter().map(error).collect::<Vec<_>>(), "look": look(load),
    })
}
