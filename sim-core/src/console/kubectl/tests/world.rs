//! A world of documents: answers requests, and lets time pass only as a script says.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::allocate::Allocators;
use crate::api::component::Clock;
use crate::api::kinds;
use crate::api::patch;
use crate::api::request::{Answer, Request, Response, Verb};
use crate::api::selectors::{FieldSelector, LabelSelector};
use crate::api::server::ApiServer;
use crate::api::status::Status;
use crate::api::table::document::{name, namespace, text};
use crate::console::host::{ContainerView, Doing, FileError, Host, Lent, Outcome, Place, Stopped, World, WorldRef};
use crate::console::kubectl::kubectl;
use crate::engine::random::{Draws, Seed};
use crate::engine::time::{Duration, Instant};
use crate::lab::tasks::{Waiting, at_once};
use crate::objects::time::Timestamp;
use crate::store::Store;

type Key = (String, String, String, String);
type Change = Box<dyn FnOnce(&mut FakeWorld)>;

/// The cluster and the machine in one.
pub struct FakeWorld {
    pub objects: BTreeMap<Key, Value>,
    pub start: Timestamp,
    pub elapsed: Instant,
    pub revision: u64,
    /// The real API server, when a test wants it to answer instead of the documents.
    pub server: Option<(ApiServer, Store)>,
    /// What happens by itself, at which moment, in order.
    pub script: Vec<(Instant, Change)>,
}

pub struct FakeHost {
    pub world: FakeWorld,
    pub files: BTreeMap<String, String>,
    pub env: BTreeMap<String, String>,
    pub entered: Vec<(Place, Option<Vec<String>>)>,
    /// What was printed before the command ended.
    pub printed: (String, String),
}

impl FakeHost {
    pub fn new(objects: Vec<Value>, now: &str) -> FakeHost {
        let mut world = FakeWorld {
            objects: BTreeMap::new(),
            start: Timestamp::parse(now).expect("a time"),
            elapsed: Instant::START,
            revision: 1,
            server: None,
            script: Vec::new(),
        };
        objects.into_iter().for_each(|object| world.put(object));
        FakeHost { world, files: BTreeMap::new(), env: BTreeMap::new(), entered: Vec::new(), printed: Default::default() }
    }

    /// A host whose cluster is the real API server over these objects, stored as they are.
    pub fn served(objects: &[Value], now: &str) -> FakeHost {
        let mut host = FakeHost::new(Vec::new(), now);
        let pools = Allocators::new(&["10.96.0.0/12".into()], (30_000, 32_767)).expect("pools");
        let (mut api, mut store) = (ApiServer::new(pools), Store::default());
        objects.iter().for_each(|object| api.restore(&mut store, object));
        host.world.server = Some((api, store));
        host
    }

    pub fn run(&mut self, line: &str) -> Outcome {
        self.run_words(&split(line), "")
    }

    pub fn run_words(&mut self, words: &[String], stdin: &str) -> Outcome {
        let left = at_once(kubectl(self, words, stdin));
        let (out, err) = std::mem::take(&mut self.printed);
        Outcome { stdout: out + &left.stdout, stderr: err + &left.stderr, exit: left.exit }
    }

    /// Both streams, for snapshots.
    pub fn show(&mut self, line: &str) -> String {
        let outcome = self.run(line);
        let mut text = outcome.stdout;
        text.extend(outcome.stderr.lines().map(|line| format!("! {line}\n")));
        if outcome.exit != 0 {
            text.push_str(&format!("exit {}\n", outcome.exit));
        }
        text
    }
}

/// Words with single and double quotes.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => (quote, open) = (Some(c), true),
            (c, Some(q)) if c == q => quote = None,
            (' ', None) => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            (c, _) => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

impl FakeWorld {
    fn key(object: &Value) -> Key {
        let kind = kinds::of(text(object, "apiVersion"), text(object, "kind")).expect("a served kind");
        (kind.group.into(), kind.plural.into(), namespace(object).into(), name(object).into())
    }

    pub fn put(&mut self, object: Value) {
        self.revision += 1;
        self.objects.insert(Self::key(&object), object);
    }

    pub fn remove(&mut self, group: &str, plural: &str, namespace: &str, name: &str) {
        self.revision += 1;
        self.objects.remove(&(group.into(), plural.into(), namespace.into(), name.into()));
    }

    fn answer(&mut self, r: Request) -> Result<Response, Status> {
        let key: Key = (r.group.clone(), r.resource.clone(), r.namespace.clone(), r.name.clone());
        let missing = || Status::not_found(&r.resource, &r.group, &r.name);
        match r.verb {
            Verb::Get => self.objects.get(&key).cloned().map(Response::Object).ok_or_else(missing),
            Verb::List => {
                let labels = LabelSelector::parse(&r.options.label_selector).expect("labels");
                let fields = FieldSelector::parse(&r.options.field_selector).expect("fields");
                let wanted = |(key, object): &(&Key, &Value)| {
                    (&key.0, &key.1) == (&r.group, &r.resource)
                        && (r.namespace.is_empty() || key.2 == r.namespace)
                        && labels.matches_labels(object, "/metadata/labels")
                        && fields.matches(object)
                };
                let items = self.objects.iter().filter(wanted).map(|(_, object)| object.clone()).collect();
                Ok(Response::List { items, revision: self.revision })
            }
            Verb::Create => {
                let mut object = r.body.clone();
                if !r.namespace.is_empty() {
                    object["metadata"]["namespace"] = json!(r.namespace);
                }
                let named = name(&object).to_string();
                if self.objects.contains_key(&(key.0, key.1, key.2, named.clone())) {
                    return Err(Status::already_exists(&r.resource, &r.group, &named));
                }
                if !r.options.dry_run {
                    self.put(object.clone());
                }
                Ok(Response::Object(object))
            }
            Verb::Update => {
                self.objects.get(&key).ok_or_else(missing)?;
                self.put(r.body.clone());
                Ok(Response::Object(r.body))
            }
            Verb::Patch(how) => {
                let old = self.objects.get(&key).cloned().ok_or_else(missing)?;
                let kind = kinds::of_resource(&r.group, &r.version, &r.resource);
                let patched = patch::apply(how, kind, &old, &r.body)?;
                if patched != old && !r.options.dry_run {
                    self.put(patched.clone());
                }
                Ok(Response::Object(patched))
            }
            Verb::Delete => {
                let gone = self.objects.get(&key).cloned().ok_or_else(missing)?;
                if !r.options.dry_run {
                    self.remove(&key.0, &key.1, &key.2, &key.3);
                }
                Ok(Response::Object(gone))
            }
            Verb::DeleteCollection => Err(Status::method_not_allowed()),
        }
    }
}

impl World for FakeWorld {
    fn now(&self) -> Timestamp {
        Timestamp::at(self.start, self.elapsed)
    }
    fn elapsed(&self) -> Instant {
        self.elapsed
    }
    fn request(&mut self, request: Request) -> Answer {
        let clock = Clock { now: self.elapsed, start: self.start, draws: Draws::new(Seed(7)) };
        match &mut self.server {
            Some((api, store)) => api.handle(store, &request, clock),
            None => self.answer(request).map_or_else(Answer::from, Answer::from),
        }
    }
    fn revision(&self) -> u64 {
        self.revision
    }
    fn advance(&mut self, by: Duration) -> Result<(), Stopped> {
        self.advance_until(by, &mut |_| false).map(drop)
    }
    fn advance_until(&mut self, limit: Duration, done: &mut dyn FnMut(&mut dyn World) -> bool) -> Result<bool, Stopped> {
        let end = self.elapsed + limit;
        while !done(self) {
            if self.script.first().is_none_or(|(at, _)| *at > end) {
                self.elapsed = end;
                return Ok(false);
            }
            let (at, change) = self.script.remove(0);
            self.elapsed = self.elapsed.max(at);
            change(self);
        }
        Ok(true)
    }
    fn container(&mut self, _: &str, _: &str, _: &str) -> Result<ContainerView, String> {
        Ok(ContainerView::default())
    }
    fn logs(&mut self, _: &str, pod: &str, _: &str, previous: bool) -> Result<Vec<(Timestamp, String)>, String> {
        if previous {
            return Err(format!("previous terminated container of {pod} not found"));
        }
        Ok((1..=3).map(|line| (self.now(), format!("{pod} line {line}"))).collect())
    }
}

impl Host for FakeHost {
    fn world(&mut self) -> WorldRef<'_> {
        Lent::Owned(&mut self.world)
    }
    /// What a call itself takes is not what is tested here.
    fn until(&mut self, at: Instant) -> Waiting {
        let by = at.since(self.world.elapsed);
        Waiting::Over(if by < Duration::from_millis(200) { Ok(()) } else { self.world.advance(by) })
    }
    fn change(&mut self, at: Instant) -> Waiting {
        let (by, seen) = (at.since(self.world.elapsed), self.world.revision);
        Waiting::Over(self.world.advance_until(by, &mut |world| world.revision() != seen).map(drop))
    }
    fn print(&mut self, text: &str) {
        self.printed.0.push_str(text);
    }
    fn print_error(&mut self, text: &str) {
        self.printed.1.push_str(text);
    }
    fn place(&self) -> Place {
        Place::Outside
    }
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
    fn environment(&self) -> BTreeMap<String, String> {
        self.env.clone()
    }
    fn read_file(&mut self, path: &str) -> Result<String, FileError> {
        self.files.get(path).cloned().ok_or(FileError("No such file or directory".into()))
    }
    fn list_dir(&mut self, path: &str) -> Result<Vec<String>, FileError> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let names: Vec<String> = self.files.keys().filter_map(|file| file.strip_prefix(&prefix)).map(String::from).collect();
        if names.is_empty() { Err(FileError("No such file or directory".into())) } else { Ok(names) }
    }
    fn write_file(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        self.files.insert(path.into(), text.into());
        Ok(())
    }
    fn run_in<'h>(&'h mut self, place: &'h Place, argv: &'h [String], _: &'h str) -> Doing<'h, Outcome> {
        let outcome = match argv.first().map(String::as_str) {
            // An editor in miniature: `swap OLD NEW FILE`.
            Some("swap") => {
                let text = self.files[&argv[3]].replace(&argv[1], &argv[2]);
                self.files.insert(argv[3].clone(), text);
                Outcome::default()
            }
            Some("false") => Outcome { exit: 3, ..Outcome::default() },
            _ => Outcome::out(format!("{place:?} runs {argv:?}\n")),
        };
        Box::pin(std::future::ready(outcome))
    }
    fn run_through<'h>(&'h mut self, place: &'h Place, argv: &'h [String], stdin: &'h str) -> Doing<'h, i32> {
        Box::pin(async move {
            let outcome = self.run_in(place, argv, stdin).await;
            self.print(&outcome.stdout);
            self.print_error(&outcome.stderr);
            outcome.exit
        })
    }
    fn enter(&mut self, place: Place, goodbye: Option<Vec<String>>) {
        self.entered.push((place, goodbye));
    }
}
