//! `sleep` and `watch`: the programs that take simulated time.

use super::options;
use crate::console::host::{self, Host, Outcome, elapsed};
use crate::console::net::stopped;
use crate::engine::time::Duration;

/// A non-interactive `watch` ends when its output has not changed for this long: nobody is there to stop it.
const WATCH_QUIET: Duration = Duration::from_secs(30);
/// And in any case after this long.
const WATCH_MAX: Duration = Duration::from_secs(600);

/// Reads a time as coreutils do: a number with an optional fraction and one of the suffixes s, m, h, d.
pub fn interval(text: &str) -> Option<Duration> {
    let (number, unit, times) = match text.chars().last()? {
        's' => (text.strip_suffix('s')?, "s", 1),
        'm' => (text.strip_suffix('m')?, "m", 1),
        'h' => (text.strip_suffix('h')?, "h", 1),
        'd' => (text.strip_suffix('d')?, "h", 24),
        _ => (text, "s", 1),
    };
    let is_number = number.chars().all(|c| c.is_ascii_digit() || c == '.') && number.contains(|c: char| c.is_ascii_digit());
    if !is_number {
        return None;
    }
    Duration::parse(&format!("{number}{unit}")).map(|d| d.times(times))
}

/// `sleep TIME...`: simulated time passes.
pub(super) async fn sleep(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    if argv.len() == 1 {
        return Outcome::err(1, "sleep: missing operand\nTry 'sleep --help' for more information.");
    }
    let mut total = Duration::ZERO;
    for text in &argv[1..] {
        match interval(text) {
            Some(time) => total = total + time,
            None => {
                let said = format!("sleep: invalid time interval '{text}'\nTry 'sleep --help' for more information.");
                return Outcome::err(1, said);
            }
        }
    }
    match host::sleep(host, total).await {
        Ok(()) => Outcome::default(),
        Err(why) => stopped(&why),
    }
}

/// `watch [-n SECONDS] [-t] COMMAND`: the command again and again; each screen that differs from the one before is printed.
pub(super) async fn watch(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let long = [("interval", 'n'), ("no-title", 't'), ("differences", 'd'), ("exec", 'x')];
    let options = match options::read(argv, "n:tdex", &long, true) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    let text = options.value('n').unwrap_or("2");
    let Some(every) = interval(text).filter(|_| !options.rest.is_empty()) else {
        let said = if options.rest.is_empty() {
            "watch: no command given".to_string()
        } else {
            format!("watch: failed to parse argument: '{text}'")
        };
        return Outcome::err(1, said);
    };
    // As the real one, which takes shorter intervals for a tenth of a second.
    let every = every.max(Duration::from_millis(100));
    let command = options.rest.join(" ");
    let shell = if options.has('x') { options.rest.clone() } else { ["sh", "-c", command.as_str()].map(str::to_string).to_vec() };
    let start = elapsed(host);
    let (mut changed, mut shown, mut printed) = (start, None, 0);
    loop {
        let place = host.place();
        let ran = host.run_in(&place, &shell, "").await;
        let screen = ran.stdout + &ran.stderr;
        let now = elapsed(host);
        if shown.as_ref() != Some(&screen) {
            if shown.as_ref().is_none_or(|shown| ageless(shown) != ageless(&screen)) {
                changed = now;
            }
            if !options.has('t') {
                host.print(&format!("Every {}s: {command}\n\n", tenths(every)));
            }
            host.print(&screen);
            printed += screen.len();
            shown = Some(screen);
        }
        let full = printed > super::OUTPUT_BYTES_MAX / 8;
        if now.since(changed) >= WATCH_QUIET || now.since(start) >= WATCH_MAX || full || ran.exit == 124 {
            return Outcome::default();
        }
        if let Err(why) = host::sleep(host, every).await {
            return stopped(&why);
        }
    }
}

fn tenths(d: Duration) -> String {
    format!("{}.{}", d.as_secs(), d.as_millis() % 1_000 / 100)
}

/// A screen without its ages (`5s`, `2m10s`), which change by themselves.
fn ageless(screen: &str) -> Vec<&str> {
    screen.split_whitespace().filter(|word| Duration::parse(word).is_none()).collect()
}
