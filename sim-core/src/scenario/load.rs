//! Text to [`Input`]: a scenario with its manifests, or plain manifests made into a scenario that applies them.
//!
//! Files are read by the program; here come their names and bytes. Left out: Markdown lessons and dumps of real clusters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::check;
use super::diagnostic::{Diagnostic, Sources, code};
use super::finding::Finding;
use super::format::{API_VERSION, Apply, ApplyFrom, KIND, Scenario, Step};
use super::inline::Inline;
use super::manifests::{self, Index, Manifest};
use super::meaning;
use super::notation::{DocRef, Written};
use super::report::{Report, standing};
use super::schema::schema;
use super::set::{Assignment, set};
use super::settings;
use crate::objects::nearest::nearest;
use crate::yaml::{ByteRange, Document, Fault, Path, Profile, SpanTree, decode, read};

/// A file as the program found it.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name for messages; in a folder, its path below the folder.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What the command line adds to a file.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The arguments of `--set`, in order.
    pub set: &'a [String],
    /// Tells whether an image has a built-in model.
    pub is_modelled: fn(&str) -> bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { set: &[], is_modelled: |_| false }
    }
}

/// Everything a session needs to begin.
#[derive(Clone, Debug)]
pub struct Input {
    /// Name of the file.
    pub file: String,
    /// The script.
    pub scenario: Scenario,
    /// The further documents, which steps name.
    pub manifests: Vec<Manifest>,
    /// The texts, for later diagnostics.
    pub sources: Sources,
    /// For plain manifests: what was taken and assumed. The scenario then applies each manifest in a step of its own.
    pub report: Option<Report>,
    index: Index,
    script: Option<SpanTree>,
}

impl Input {
    /// The further document that a step names.
    pub fn document(&self, reference: &DocRef) -> Option<&Manifest> {
        self.index.find(reference).and_then(|position| self.manifests.get(position))
    }

    /// Where the parts of one of `spec.objects` stand in [`Input::file`].
    pub fn object_spans(&self, index: usize) -> Option<&SpanTree> {
        self.script.as_ref()?.get(&Path::root().field("spec").field("objects").index(index))
    }

    /// The bytes of a step in [`Input::file`]; `None` in a scenario made from manifests.
    pub fn step_range(&self, index: usize) -> Option<ByteRange> {
        self.script_range(&Path::root().field("spec").field("steps").index(index))
    }

    /// The bytes of a value of the script.
    pub fn script_range(&self, path: &Path) -> Option<ByteRange> {
        self.script.as_ref()?.value_range(path)
    }

    /// File and bytes of a step; of plain manifests, those of the object that it applies.
    pub fn step_place(&self, index: usize) -> Option<(&str, ByteRange)> {
        if self.report.is_some() {
            return self.manifests.get(index).map(|manifest| (manifest.file.as_str(), manifest.spans.range.clone()));
        }
        Some((&self.file, self.step_range(index)?))
    }

    /// A refusal that a step met and no object of the input can be blamed for.
    pub fn step_complaint(&self, index: usize, key: &str, words: String) -> Option<Diagnostic> {
        let path = Path::root().field("spec").field("steps").index(index).field(key);
        let help = "correct what is applied, or say with `expect: {exit: 1}` that this step is to be refused";
        Some(Finding::key(code::REFUSED, path, words, help).place(&self.file, self.script.as_ref()?))
    }
}

/// Why an input cannot be used.
#[derive(Clone, Debug)]
pub struct Refused {
    /// At least one complaint.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that they point into.
    pub sources: Sources,
}

/// Reads one file, or standard input under the name `-`.
pub fn load(file: File<'_>, options: &Options<'_>) -> Result<Input, Refused> {
    let mut loading = Loading::default();
    let documents = loading.documents(file);
    loading.finish(documents.into_iter().map(|d| (file.name.to_string(), d)).collect(), file.name, options)
}

/// Reads a folder: its manifests in the order of their names. `name` is that of the folder.
pub fn load_folder(name: &str, files: &[File<'_>], options: &Options<'_>) -> Result<Input, Refused> {
    let mut loading = Loading::default();
    if let Some(diagnostic) = needs_rendering(name, files) {
        loading.diagnostics.push(diagnostic);
        return Err(loading.refused());
    }
    let mut chosen: Vec<File<'_>> = files.iter().copied().filter(|f| is_manifest_name(f.name)).collect();
    chosen.sort_by(|a, b| a.name.cmp(b.name));
    if chosen.is_empty() {
        let help = "give a folder with .yaml, .yml or .json files, or name one file";
        loading.diagnostics.push(Diagnostic::error(code::EMPTY, name, "this folder has no manifests", help));
        return Err(loading.refused());
    }
    let mut documents = Vec::new();
    for file in chosen {
        documents.extend(loading.documents(file).into_iter().map(|d| (file.name.to_string(), d)));
    }
    if let Some((script, document)) = documents.iter().find(|(_, d)| is_scenario(&d.value)) {
        let help = "name the scenario file itself; manifests beside it are read by its steps with apply: {file: ...}";
        let finding = Finding::key(code::EMPTY, Path::root().field("kind"), "a scenario among the manifests of a folder", help);
        let diagnostic = finding.place(script, &document.spans);
        loading.diagnostics.push(diagnostic);
        return Err(loading.refused());
    }
    loading.finish(documents, name, options)
}

/// Whether a file of a folder is read as manifests.
pub fn is_manifest_name(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// Names of files that say by being there that the folder holds no finished manifests.
const CHARTS: [&str; 2] = ["Chart.yaml", "Chart.yml"];
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file of this name decides what its folder is, whatever it holds.
pub fn needs_no_content(name: &str) -> bool {
    CHARTS.contains(&name) || KUSTOMIZATIONS.contains(&name)
}

fn needs_rendering(folder: &str, files: &[File<'_>]) -> Option<Diagnostic> {
    let has = |names: &[&str]| files.iter().any(|f| names.contains(&f.name));
    let error = |message: &str, help: String| Some(Diagnostic::error(code::NEEDS_RENDERING, folder, message, help));
    if has(&CHARTS) {
        return error(
            "this folder is a Helm chart, not manifests",
            format!("render it first: `helm template {folder} | kubewalk play -`"),
        );
    }
    if has(&KUSTOMIZATIONS) {
        return error(
            "this folder is a kustomization, not manifests",
            format!("build it first: `kubectl kustomize {folder} | kubewalk play -`"),
        );
    }
    None
}

fn is_scenario(value: &Value) -> bool {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    text("apiVersion").starts_with("kubewalk/") || text("kind") == KIND && !text("apiVersion").contains('/')
}

#[derive(Default)]
struct Loading {
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
}

impl Loading {
    fn refused(mut self) -> Refused {
        let place = |d: &Diagnostic| (d.file.clone(), d.labels.first().map_or(0, |label| label.range.start));
        self.diagnostics.sort_by_cached_key(place);
        Refused { diagnostics: self.diagnostics, sources: self.sources }
    }

    /// The documents of a file; the first as a script if it is one.
    fn documents(&mut self, file: File<'_>) -> Vec<Document> {
        let text = match decode(file.bytes) {
            Ok(text) => text,
            Err(error) => {
                // A place is shown but in texts that are no text at all.
                if error.fault == Fault::Encoding && (error.range.start > 0 || !file.bytes.contains(&0)) {
                    self.sources.add(file.name, String::from_utf8_lossy(file.bytes));
                }
                self.diagnostics.push(Diagnostic::from_read_error(file.name, error));
                return Vec::new();
            }
        };
        self.sources.add(file.name, text);
        // A cheap look decides how the first document's booleans are read; a wrong guess is read again.
        let profile = if text.contains("kubewalk/") || text.contains(KIND) { Profile::Scenario } else { Profile::Kube };
        let documents = match read(text, profile) {
            Ok(documents) if profile == Profile::Scenario && !documents.first().is_some_and(|d| is_scenario(&d.value)) => {
                read(text, Profile::Kube)
            }
            other => other,
        };
        documents.unwrap_or_else(|errors| {
            self.diagnostics.extend(errors.into_iter().map(|e| Diagnostic::from_read_error(file.name, e)));
            Vec::new()
        })
    }

    fn finish(mut self, mut documents: Vec<(String, Document)>, name: &str, options: &Options<'_>) -> Result<Input, Refused> {
        if documents.is_empty() && self.diagnostics.is_empty() {
            let help = "write a scenario or Kubernetes manifests; `kubewalk run first-service` plays a built-in one";
            self.diagnostics.push(Diagnostic::error(code::EMPTY, name, "there is nothing in this input", help));
        }
        if !self.diagnostics.is_empty() {
            return Err(self.refused());
        }
        let script = documents.first().is_some_and(|(_, d)| is_scenario(&d.value)).then(|| documents.remove(0));
        let mut manifests = Vec::new();
        for (file, document) in documents {
            if is_scenario(&document.value) {
                let help = "one file holds one scenario: put this one into a file of its own";
                let finding = Finding::key(code::VERSION, Path::root().field("kind"), "a second scenario", help);
                self.diagnostics.push(finding.place(&file, &document.spans));
                continue;
            }
            manifests.extend(manifests::collect(&file, vec![document], &mut self.diagnostics));
        }
        let report = script.is_none().then(|| Report::of(&manifests, standing, options.is_modelled));
        let fields: Vec<Vec<Diagnostic>> = manifests.iter().map(Manifest::field_errors).collect();
        // What `kubectl apply` would hear of one object does not keep it from the others.
        if report.is_none() || !fields.is_empty() && fields.iter().all(|errors| !errors.is_empty()) {
            self.diagnostics.extend(fields.into_iter().flatten());
        }
        let (value, spans) = match script {
            Some((_, document)) => (document.value, Some(document.spans)),
            None => (script_for(&manifests), None),
        };
        let index = Index::of(&manifests);
        let scenario = self.scenario(name, value, spans.as_ref(), &index, options);
        match scenario {
            Some(scenario) if self.diagnostics.is_empty() && self.stored_once(&scenario, &manifests) => {
                Ok(Input { file: name.to_string(), scenario, manifests, sources: self.sources, report, index, script: spans })
            }
            _ => Err(self.refused()),
        }
    }

    fn scenario(
        &mut self,
        file: &str,
        mut value: Value,
        spans: Option<&SpanTree>,
        documents: &Index,
        options: &Options<'_>,
    ) -> Option<Scenario> {
        let nowhere = SpanTree::default();
        let spans = spans.unwrap_or(&nowhere);
        if let Some(finding) = version(&value) {
            self.diagnostics.push(finding.place(file, spans));
            return None;
        }
        let assigned = self.assign(&mut value, options.set);
        let mut findings = check(&schema(), &value);
        let scenario = if findings.is_empty() { typed(&value, &mut findings) } else { None };
        if let Some(scenario) = &scenario {
            findings.extend(meaning::judge(scenario, documents));
            self.embedded(file, scenario, spans);
        }
        for finding in findings {
            let by_hand = assigned.iter().rev().find(|(path, _)| finding.path.is_within(path));
            let diagnostic = match by_hand {
                None => finding.place(file, spans),
                Some((_, argument)) => self.in_argument(argument, finding),
            };
            self.diagnostics.push(diagnostic);
        }
        scenario
    }

    fn stored_once(&mut self, scenario: &Scenario, manifests: &[Manifest]) -> bool {
        self.diagnostics.extend(settings::stored_twice(scenario, manifests));
        self.diagnostics.is_empty()
    }

    /// Follows the `--set` arguments; gives the paths they wrote to.
    fn assign(&mut self, value: &mut Value, arguments: &[String]) -> Vec<(Path, String)> {
        let mut assigned = Vec::new();
        for argument in arguments {
            match Assignment::parse(argument).and_then(|a| set(value, &a).map(|()| a)) {
                Ok(assignment) => assigned.push((assignment.path, argument.clone())),
                Err(mistake) => {
                    let finding = Finding::value(code::SET, Path::root(), mistake.message, mistake.help);
                    let diagnostic = self.in_argument(argument, finding);
                    self.diagnostics.push(diagnostic);
                }
            }
        }
        assigned
    }

    /// A complaint about a `--set` argument.
    fn in_argument(&mut self, argument: &str, finding: Finding) -> Diagnostic {
        let name = format!("--set {argument}");
        self.sources.add(&name, argument);
        let help = match argument.split_once('=') {
            Some((path, value)) if finding.help.starts_with(super::check::QUOTE_IT) => {
                format!("put it in quotes for YAML, inside those of the shell: --set '{path}=\"{value}\"'")
            }
            _ => finding.help,
        };
        Diagnostic::error(finding.code, name, finding.message, help).with_label(0..argument.len(), finding.label)
    }

    /// Manifests inside the script: `objects`, and the texts of `apply`.
    fn embedded(&mut self, file: &str, scenario: &Scenario, spans: &SpanTree) {
        let spec = Path::root().field("spec");
        for (index, object) in scenario.spec.objects.iter().enumerate() {
            let path = spec.field("objects").index(index);
            self.diagnostics.extend(manifests::field_errors(file, &object.0, spans, &path));
        }
        for (index, step) in scenario.spec.steps.iter().enumerate() {
            let Some(Apply::Inline(text)) = &step.apply else { continue };
            let mut found = Vec::new();
            match read(text, Profile::Kube) {
                Ok(documents) => {
                    let manifests = manifests::collect(file, documents, &mut found);
                    found.extend(manifests.iter().flat_map(Manifest::field_errors));
                }
                Err(errors) => found.extend(errors.into_iter().map(|e| Diagnostic::from_read_error(file, e))),
            }
            if found.is_empty() {
                continue;
            }
            let range = spans.value_range(&spec.field("steps").index(index).field("apply")).unwrap_or_default();
            let inline = Inline::of(self.sources.text(file).unwrap_or_default(), range, text);
            self.diagnostics.extend(found.into_iter().map(|diagnostic| inline.placed(file, diagnostic)));
        }
    }
}

/// Whether a script is of this version and kind.
fn version(value: &Value) -> Option<Finding> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let (found, kind) = (text("apiVersion"), text("kind"));
    let at = Path::root().field("apiVersion");
    if found.is_empty() {
        let help = format!("add `apiVersion: {API_VERSION}` as the first line");
        return Some(Finding::key(code::VERSION, Path::root().field("kind"), "a scenario without `apiVersion`", help));
    }
    let number = found.strip_prefix("kubewalk/v").and_then(|n| n.parse::<u32>().ok());
    if number.is_some_and(|n| n > 1) {
        let message = format!("this program is older than this file: it reads {API_VERSION}, and the file is {found}");
        return Some(Finding::value(code::VERSION, at, message, "install a newer kubewalk, or write the file for version 1"));
    }
    if found != API_VERSION {
        return Some(Finding::value(
            code::VERSION,
            at,
            format!("`{found}` is no version of the scenario format"),
            format!("write `apiVersion: {API_VERSION}`"),
        ));
    }
    if kind != KIND {
        let help = match nearest(kind, [KIND]) {
            Some(_) => format!("did you mean `{KIND}`?"),
            None => format!("write `kind: {KIND}`"),
        };
        return Some(Finding::value(
            code::VERSION,
            Path::root().field("kind"),
            format!("{API_VERSION} has no kind `{kind}`"),
            help,
        ));
    }
    None
}

/// The types of a checked tree. The check has seen everything that can go wrong here; should it not, the path is still told.
fn typed(value: &Value, findings: &mut Vec<Finding>) -> Option<Scenario> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| {
            let path = Path::parse(&error.path().to_string()).unwrap_or_default();
            let help = "compare with the schema: `kubewalk schema`";
            findings.push(Finding::value(code::WRONG_TYPE, path, error.inner().to_string(), help));
        })
        .ok()
}

/// The script that applies manifests.
fn script_for(manifests: &[Manifest]) -> Value {
    serde_json::json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "manifests"},
        "spec": {"steps": serde_json::to_value(steps_for(manifests)).unwrap_or_default()},
    })
}

/// Steps that apply manifests one after the other, as `kubectl apply -f` does.
pub(super) fn steps_for(manifests: &[Manifest]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for manifest in manifests {
        let occurrence = seen.entry(manifest.reference()).and_modify(|n| *n += 1).or_insert(1);
        let reference = if *occurrence == 1 { manifest.reference() } else { format!("{}@{occurrence}", manifest.reference()) };
        let apply = match Written::parse(&reference).ok().filter(|_| !manifest.name().is_empty()) {
            Some(doc) => Apply::From(ApplyFrom { doc: Some(doc), file: None }),
            None => Apply::Inline(crate::yaml::to_yaml(&manifest.value)),
        };
        steps.push(Step { apply: Some(apply), ..Step::default() });
    }
    steps.push(Step { until: Some(Written::known("converged")), ..Step::default() });
    steps
}
