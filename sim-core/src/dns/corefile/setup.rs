//! From directives to the plugins they set up, in the order in which CoreDNS does it; what is wrong is said in its words.
//!
//! The real things: CoreDNS `plugin.cfg`, `plugin/normalize.go`, and the `setup.go` of each plugin.

use std::net::{IpAddr, SocketAddr};

use super::parse::RawBlock;
use super::words::{Line, Stanza, duration, integer, stanzas};
use super::{Block, CacheOptions, Corefile, Forward, Hosts, Keeping, Policy, Reload, Transfer};
use crate::dns::config::{PodsMode, ServerConfig, canonical};
use crate::dns::rewrite::Rule;
use crate::dns::zone::is_reverse;
use crate::engine::time::Duration;

/// The plugins of the stock binary, in the order of their chain.
pub(super) const PLUGINS: [&str; 52] = [
    "root",
    "metadata",
    "geoip",
    "cancel",
    "tls",
    "quic",
    "timeouts",
    "reload",
    "nsid",
    "bufsize",
    "bind",
    "debug",
    "trace",
    "ready",
    "health",
    "pprof",
    "prometheus",
    "errors",
    "log",
    "dnstap",
    "local",
    "dns64",
    "acl",
    "any",
    "chaos",
    "loadbalance",
    "tsig",
    "cache",
    "rewrite",
    "header",
    "dnssec",
    "autopath",
    "minimal",
    "template",
    "transfer",
    "hosts",
    "route53",
    "azure",
    "clouddns",
    "k8s_external",
    "kubernetes",
    "file",
    "auto",
    "secondary",
    "etcd",
    "loop",
    "forward",
    "grpc",
    "erratic",
    "whoami",
    "on",
    "sign",
];

/// Plugins that change no answer, or only how a server is watched: nothing is missed if they are passed over.
const HARMLESS: [&str; 10] =
    ["root", "metadata", "cancel", "debug", "trace", "ready", "pprof", "prometheus", "timeouts", "local"];

const ONCE: &str = "this plugin can only be used once per Server Block";

/// Sets up all blocks; a directive is looked at in every block before the next one is.
pub(super) fn corefile(raw: &[RawBlock]) -> Result<Corefile, String> {
    let mut file = Corefile { blocks: Vec::new(), reload: None, lameduck: Duration::ZERO, passed_over: Vec::new() };
    for block in raw {
        file.blocks.push(addressed(&block.keys)?);
    }
    for plugin in PLUGINS {
        for (at, block) in raw.iter().enumerate() {
            if let Some((_, tokens)) = block.directives.iter().find(|(name, _)| name == plugin) {
                one(plugin, &stanzas(tokens), &mut file, at).map_err(|why| format!("plugin/{plugin}: {why}"))?;
            }
        }
    }
    unique(&file.blocks)?;
    Ok(file)
}

/// A block with the zones and the port of its keys.
fn addressed(keys: &[String]) -> Result<Block, String> {
    let mut block = Block::default();
    for key in keys {
        let (zone, port) = split(key.strip_prefix("dns://").unwrap_or(key))?;
        block.keys.push((canonical(zone), port.unwrap_or(53)));
    }
    Ok(block)
}

/// Zone and port of a key.
fn split(key: &str) -> Result<(&str, Option<u16>), String> {
    let (zone, port) = match key.rsplit_once(':') {
        Some((_, "")) => return Err(format!("expecting data after last colon: {key:?}")),
        Some((zone, port)) if port.parse::<u64>().is_ok() => (zone, port.parse().ok()),
        _ => (key, None),
    };
    if zone.len() > 255 {
        return Err(format!("specified zone is too long: {} > 255", zone.len()));
    }
    if zone != "." && !zone.is_empty() && !crate::dns::resolver::legal(zone) {
        return Err(format!("zone is not a valid domain name: {zone}"));
    }
    Ok((zone, port))
}

/// No zone is served twice at one port.
fn unique(blocks: &[Block]) -> Result<(), String> {
    let all: Vec<_> = blocks.iter().flat_map(|b| &b.keys).collect();
    match all.iter().enumerate().find(|(at, key)| all[..*at].contains(key)) {
        Some((_, (zone, port))) => Err(format!("cannot serve dns://{zone}:{port} - it is already defined")),
        None => Ok(()),
    }
}

fn one(plugin: &str, uses: &[Stanza<'_>], file: &mut Corefile, at: usize) -> Result<(), String> {
    let Some(first) = uses.first() else { return Ok(()) };
    let zones = file.blocks[at].zones(None);
    let block = &mut file.blocks[at];
    match plugin {
        "reload" => file.reload = Some(reload(first)?),
        "health" => file.lameduck = health(uses)?,
        "errors" => {
            errors(uses)?;
            block.errors = true;
        }
        "log" => block.log = log(uses)?,
        "bufsize" => block.buffer = Some(bufsize(first)?),
        "loadbalance" => block.loadbalance = loadbalance(uses)?,
        "cache" => block.cache = Some(cache(uses, &zones)?),
        "rewrite" => block.rewrite = rewrite(uses)?,
        "transfer" => block.transfer = transfer(uses, &zones)?,
        "hosts" => block.hosts = Some(hosts(uses, &zones)?),
        "kubernetes" => block.kubernetes = Some(kubernetes(uses, &zones)?),
        "loop" => {
            once(uses)?.head.none()?;
            block.loop_check = true;
        }
        "forward" => block.forward = uses.iter().map(forward).collect::<Result<_, _>>()?,
        _ if HARMLESS.contains(&plugin) => return Ok(()),
        _ => file.passed_over.push(plugin.to_owned()),
    }
    let block = &mut file.blocks[at];
    block.answers |= !matches!(plugin, "reload" | "health" | "bufsize");
    Ok(())
}

fn once<'s, 't>(uses: &'s [Stanza<'t>]) -> Result<&'s Stanza<'t>, String> {
    match uses {
        [one] => Ok(one),
        _ => Err(ONCE.to_owned()),
    }
}

/// The zones that arguments name, else those of the block.
fn origins(args: &[&str], block: &[String]) -> Vec<String> {
    if args.is_empty() {
        return block.to_vec();
    }
    args.iter().filter_map(|a| split(a).ok()).map(|(zone, _)| canonical(zone)).collect()
}

/// `fallthrough [ZONES...]`.
fn fall_through(args: &[&str]) -> Vec<String> {
    origins(args, &[".".to_owned()])
}

fn reload(stanza: &Stanza<'_>) -> Result<Reload, String> {
    let args = stanza.head.args();
    if args.len() > 2 {
        return Err(stanza.head.count_error());
    }
    let read = |at: usize, default: u64| match args.get(at) {
        Some(text) => duration(text).map(|(negative, d)| if negative { Duration::ZERO } else { d }),
        None => Ok(Duration::from_secs(default)),
    };
    let interval = read(0, 30)?;
    if interval < Duration::from_secs(2) {
        return Err("interval value must be greater or equal to 2s".to_owned());
    }
    let jitter = read(1, 15)?;
    if jitter != Duration::ZERO && jitter < Duration::from_secs(1) {
        return Err("jitter value must be 0 or greater or equal to 1s".to_owned());
    }
    Ok(Reload { interval, jitter: jitter.min(Duration::from_nanos(interval.as_nanos() / 2)) })
}

fn health(uses: &[Stanza<'_>]) -> Result<Duration, String> {
    let mut lameduck = Duration::ZERO;
    for stanza in uses {
        if stanza.head.args().len() > 1 {
            return Err(stanza.head.count_error());
        }
        for line in &stanza.body {
            let "lameduck" = line.name() else { return Err(line.unknown()) };
            let text = line.one()?;
            let (_, read) = duration(text).map_err(|why| format!("unable to parse lameduck duration value: '{text}' : {why}"))?;
            lameduck = read;
        }
    }
    Ok(lameduck)
}

fn errors(uses: &[Stanza<'_>]) -> Result<(), String> {
    let stanza = once(uses)?;
    match stanza.head.args()[..] {
        [] | ["stdout"] => {}
        [file] => return Err(stanza.head.error(&format!("invalid log file: {file}"))),
        _ => return Err(stanza.head.count_error()),
    }
    match stanza.body.iter().find(|l| !matches!(l.name(), "stacktrace" | "consolidate")) {
        Some(line) => Err(line.error(&format!("Unknown field {}", line.name()))),
        None => Ok(()),
    }
}

fn log(uses: &[Stanza<'_>]) -> Result<Vec<String>, String> {
    let mut zones = Vec::new();
    for stanza in uses {
        let args = stanza.head.args();
        let named: Vec<&str> = args.iter().copied().filter(|a| !a.contains('{')).collect();
        zones.extend(fall_through(&named));
        if let Some(line) = stanza.body.iter().find(|l| l.name() != "class") {
            return Err(line.unknown());
        }
    }
    Ok(zones)
}

fn bufsize(stanza: &Stanza<'_>) -> Result<usize, String> {
    let wrong = || format!("plugin/bufsize: {}", stanza.head.count_error());
    match stanza.head.args()[..] {
        [] => Ok(1232),
        [size] => size.parse().ok().filter(|n| (512..=4096).contains(n)).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

fn loadbalance(uses: &[Stanza<'_>]) -> Result<bool, String> {
    for stanza in uses {
        match stanza.head.args()[..] {
            [] | ["round_robin"] => {}
            ["round_robin", ..] => return Err(stanza.head.error("unknown property for round_robin")),
            ["weighted"] => return Err(stanza.head.error("missing weight file argument")),
            ["weighted", ..] => {}
            [other, ..] => return Err(format!("unknown policy: {other}")),
        }
    }
    Ok(true)
}

fn cache(uses: &[Stanza<'_>], zones: &[String]) -> Result<CacheOptions, String> {
    let stanza = once(uses)?;
    let keeping = |ttl_max| Keeping { capacity: 9984, ttl_max, ttl_min: 5, except: vec![] };
    let mut args = stanza.head.args();
    let (mut success, mut denial) = (keeping(3600), keeping(1800));
    if let Some(ttl) = args.first().and_then(|a| integer(a).ok()) {
        let ttl = positive(ttl)?;
        (success.ttl_max, denial.ttl_max) = (ttl, ttl);
        args.remove(0);
    }
    let mut options = CacheOptions { zones: origins(&args, zones), success, denial, servfail: 5, keep_ttl: false };
    for line in &stanza.body {
        match line.name() {
            "success" => limits(line, &mut options.success)?,
            "denial" => limits(line, &mut options.denial)?,
            "servfail" => {
                let (negative, time) = duration(line.one()?)?;
                match time.as_secs() {
                    _ if negative => return Err("invalid negative ttl for servfail".to_owned()),
                    301.. => return Err("caching SERVFAIL responses over 5 minutes is not permitted".to_owned()),
                    seconds => options.servfail = seconds as u32,
                }
            }
            "disable" => {
                let args = line.some()?;
                let zones = fall_through(&args[1..]);
                match args[0] {
                    "success" => options.success.except = zones,
                    "denial" => options.denial.except = zones,
                    _ => return Err("cache type for disable must be \"success\" or \"denial\"".to_owned()),
                }
            }
            "keepttl" => {
                line.none()?;
                options.keep_ttl = true;
            }
            // Not simulated: they change when upstream is asked again, not what is kept.
            "prefetch" | "serve_stale" | "serve_stale_policy" => {}
            _ => return Err(line.count_error()),
        }
    }
    Ok(options)
}

fn positive(ttl: i64) -> Result<u32, String> {
    match u32::try_from(ttl) {
        Ok(ttl) if ttl > 0 => Ok(ttl),
        _ => Err(format!("cache TTL can not be zero or negative: {ttl}")),
    }
}

/// `success|denial CAPACITY [TTL] [MINTTL]`. A capacity is spread over 256 shards, of four replies at least.
fn limits(line: &Line<'_>, keeping: &mut Keeping) -> Result<(), String> {
    let args = line.some()?;
    let capacity = usize::try_from(integer(args[0])?).unwrap_or(0);
    keeping.capacity = (capacity / 256).clamp(4, 400) * 256;
    if let Some(ttl) = args.get(1) {
        keeping.ttl_max = positive(integer(ttl)?)?;
    }
    if let Some(ttl) = args.get(2) {
        let ttl = integer(ttl)?;
        keeping.ttl_min = u32::try_from(ttl).map_err(|_| format!("cache min TTL can not be negative: {ttl}"))?;
    }
    Ok(())
}

fn rewrite(uses: &[Stanza<'_>]) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    for stanza in uses {
        let args = stanza.head.args();
        if stanza.body.is_empty() {
            rules.push(Rule::read(&args)?);
        }
        for line in &stanza.body {
            let whole: Vec<&str> = args.iter().copied().chain([line.name()]).chain(line.args()).collect();
            rules.push(Rule::read(&whole)?);
        }
    }
    Ok(rules)
}

fn transfer(uses: &[Stanza<'_>], zones: &[String]) -> Result<Vec<Transfer>, String> {
    let mut transfers = Vec::new();
    for stanza in uses {
        let mut all = Transfer { zones: origins(&stanza.head.args(), zones), to: vec![] };
        let mut named = false;
        for line in &stanza.body {
            let "to" = line.name() else {
                return Err(format!("plugin/transfer: {}", line.error(&format!("unknown property {:?}", line.name()))));
            };
            let hosts = line.some()?;
            named = true;
            all.to.extend(hosts.iter().filter_map(|h| h.parse::<IpAddr>().ok()));
            if hosts.contains(&"*") {
                all.to.clear();
            }
        }
        if !named {
            return Err(format!("plugin/transfer: {}", stanza.head.error("'to' is required")));
        }
        transfers.push(all);
    }
    Ok(transfers)
}

fn hosts(uses: &[Stanza<'_>], zones: &[String]) -> Result<Hosts, String> {
    let stanza = once(uses)?;
    let args = stanza.head.args();
    let zones = origins(args.get(1..).unwrap_or_default(), zones);
    let mut hosts = Hosts { zones, entries: vec![], fall_through: vec![], ttl: 3600, reverse: true };
    for line in &stanza.body {
        match line.name() {
            "fallthrough" => hosts.fall_through = fall_through(&line.args()),
            "no_reverse" => hosts.reverse = false,
            "ttl" => {
                let text = *line.args().first().ok_or_else(|| line.error("ttl needs a time in second"))?;
                let ttl = integer(text).map_err(|_| line.error("ttl needs a number of second"))?;
                hosts.ttl =
                    u16::try_from(ttl).ok().filter(|t| *t > 0).ok_or_else(|| line.error("ttl provided is invalid"))?.into();
            }
            "reload" => {}
            _ if !hosts.fall_through.is_empty() => return Err(line.unknown()),
            address => {
                if let Ok(ip) = address.parse() {
                    let names = line.args().into_iter().map(canonical);
                    hosts
                        .entries
                        .extend(names.filter(|n| crate::dns::config::matching_zone(&hosts.zones, n).is_some()).map(|n| (ip, n)));
                }
            }
        }
    }
    Ok(hosts)
}

fn kubernetes(uses: &[Stanza<'_>], zones: &[String]) -> Result<ServerConfig, String> {
    let stanza = once(uses)?;
    let mut server = ServerConfig { zones: origins(&stanza.head.args(), zones), ..ServerConfig::default() };
    if server.zones.iter().all(|z| is_reverse(z)) {
        return Err("non-reverse zone name must be used".to_owned());
    }
    for line in &stanza.body {
        match line.name() {
            "pods" => {
                let word = line.one()?;
                server.pods = PodsMode::parse(word)
                    .ok_or_else(|| format!("wrong value for pods: {word},  must be one of: disabled, verified, insecure"))?;
            }
            "namespaces" => server.namespaces.extend(line.some()?.into_iter().map(str::to_owned)),
            "endpoint_pod_names" => {
                line.none()?;
                server.endpoint_pod_names = true;
            }
            "noendpoints" => {
                line.none()?;
                server.no_endpoints = true;
            }
            "fallthrough" => server.fall_through = fall_through(&line.args()),
            "ttl" => {
                let ttl = integer(line.some()?[0])?;
                server.ttl = u32::try_from(ttl)
                    .ok()
                    .filter(|t| *t <= 3600)
                    .ok_or_else(|| line.error(&format!("ttl must be in range [0, 3600]: {ttl}")))?;
            }
            "ignore" => match line.args().first() {
                Some(&"empty_service") => server.ignore_empty_service = true,
                Some(other) => return Err(format!("unable to parse ignore value: '{other}'")),
                None => {}
            },
            // How the API is reached; which objects are read by their labels is not simulated.
            "endpoint" | "tls" | "kubeconfig" | "labels" | "namespace_labels" | "startup_timeout" => drop(line.some()?),
            _ => return Err(line.unknown()),
        }
    }
    Ok(server)
}

fn forward(stanza: &Stanza<'_>) -> Result<Forward, String> {
    let args = stanza.head.args();
    let [from, to @ ..] = &args[..] else { return Err(stanza.head.count_error()) };
    if to.is_empty() {
        return Err(stanza.head.count_error());
    }
    let from = split(from).map(|(zone, _)| canonical(zone)).map_err(|_| format!("unable to normalize '{from}'"))?;
    let mut forward = Forward { from, except: vec![], to: vec![], files: vec![], policy: Policy::default(), tcp: false };
    for host in to {
        match upstream(host) {
            Some(server) => forward.to.push(server),
            None if host.starts_with('/') => forward.files.push((*host).to_owned()),
            None => return Err(format!("not an IP address or file: {host:?}")),
        }
    }
    for line in &stanza.body {
        match line.name() {
            "except" => forward.except.extend(fall_through(&line.some()?)),
            "force_tcp" => {
                line.none()?;
                forward.tcp = true;
            }
            "policy" => {
                forward.policy = match line.one()? {
                    "random" => Policy::Random,
                    "round_robin" => Policy::RoundRobin,
                    "sequential" => Policy::Sequential,
                    other => return Err(line.error(&format!("unknown policy '{other}'"))),
                }
            }
            "prefer_udp" => line.none()?,
            "max_fails"
            | "max_concurrent"
            | "expire"
            | "health_check"
            | "tls"
            | "tls_servername"
            | "next"
            | "failover"
            | "failfast_all_unhealthy_upstreams"
            | "max_connect_attempts"
            | "read_timeout"
            | "max_age"
            | "max_idle_conns" => {}
            _ => return Err(line.unknown()),
        }
    }
    Ok(forward)
}

/// `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`, behind `dns://` or `tls://`.
fn upstream(text: &str) -> Option<SocketAddr> {
    let (host, port) = match text.strip_prefix("tls://") {
        Some(host) => (host.split('%').next().unwrap_or(host), 853),
        None => (text.strip_prefix("dns://").unwrap_or(text), 53),
    };
    host.parse().ok().or_else(|| host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port)))
}
