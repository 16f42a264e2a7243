//! `--stats`: what a run cost, to standard error.
//!
//! CPU time and peak memory come from the operating system (`/proc/self` on Linux; elsewhere the lines say so).

use std::fmt::Write;
use std::fs;

use sim_core::engine::time::Instant;

/// The text of the statistics.
pub fn text(counts: &[(&'static str, u64)], elapsed: Instant) -> String {
    let total: u64 = counts.iter().map(|(_, n)| n).sum();
    let cpu = cpu_millis();
    let mut text = format!("stats: {total} events");
    if let Some(ms) = cpu.filter(|ms| *ms > 0) {
        let _ = write!(text, ", {} events/s", total.saturating_mul(1000) / ms);
    }
    let _ = writeln!(text, ", simulated {}", elapsed.since(Instant::START));
    let shown = |n: Option<u64>, unit: &str| n.map_or("not known on this system".to_string(), |n| format!("{n} {unit}"));
    let _ = writeln!(text, "stats: CPU {}, peak memory {}", shown(cpu, "ms"), shown(peak_kib(), "KiB"));
    for (kind, n) in counts {
        let _ = writeln!(text, "stats: {n:>10} {kind}");
    }
    text
}

/// User and system time of this process in milliseconds. Linux counts in hundredths of a second here.
fn cpu_millis() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks * 10)
}

/// Peak resident memory of this process in KiB.
fn peak_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
