//! What gates and editors show of a report: findings by rule, each at the line that caused it.

use std::fmt;

use model::diagnostic::{Diagnostic, Sources, Span};
use model::isa::{Class, Isa, Verdict};
use model::property::Property;
use model::rule::Rule;
use serde::Serialize;

use super::{InstructionReport, PairReport, Report, TheoremReport, Unmet, word_of_rule};
use crate::prove::answer::Answer;

/// A place in a file of the specification; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file that wrote it: an overlay, or its base.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column behind the end.
    pub end_column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Place {
    pub(crate) fn of(sources: &Sources, span: Span) -> Self {
        let ((line, column), (end_line, end_column)) =
            (sources.position(span), sources.position(Span { start: span.end, ..span }));
        let file = direct(&sources.files[span.file as usize].path);
        Self { file, line, column, end_line, end_column }
    }

    /// The beginning of a file.
    pub(crate) fn start(path: &str) -> Self {
        Self { file: direct(path), line: 1, column: 1, end_line: 1, end_column: 1 }
    }
}

/// A path without detours: `vendor/../base.yaml` is `base.yaml`.
fn direct(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            (".", Some(_)) => {}
            ("..", Some(last)) if !matches!(*last, "" | "." | "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// Whether a finding was known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// The baseline has it.
    Known,
    /// The baseline does not.
    New,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Its rule, by code.
    #[serde(rename = "code", serialize_with = "word_of_rule")]
    pub rule: Rule,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The pair of modes, `supervisor:user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The instruction, the trap or the theorem.
    pub subject: String,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// Why the specification accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// A theorem that is required does not hold for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What a baseline says of it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
}

impl Finding {
    pub(crate) fn new(
        rule: Rule,
        pair: Option<&PairReport>,
        subject: &str,
        message: String,
    ) -> Self {
        let pair = pair.map(PairReport::name);
        let subject = subject.to_owned();
        Self {
            rule,
            message,
            pair,
            subject,
            at: None,
            allowed: None,
            required: false,
            baseline: None,
        }
    }

    pub(crate) fn at(self, place: Option<Place>) -> Self {
        Self { at: place, ..self }
    }

    /// Whether it counts: nobody has accepted it.
    pub fn counts(&self) -> bool {
        self.allowed.is_none() && self.baseline != Some(Baseline::Known)
    }

    /// Whether it makes a run fail whatever was known before.
    pub fn is_error(&self) -> bool {
        matches!(self.rule, Rule::Specification | Rule::Expectation | Rule::Required)
    }

    /// Whether it makes this run fail.
    pub fn fails(&self) -> bool {
        self.is_error() || (self.required || self.baseline == Some(Baseline::New)) && self.counts()
    }

    /// `V001/supervisor:user/popf`: the same as long as rule, pair and subject are.
    pub fn key(&self) -> String {
        let pair = self.pair.as_deref().unwrap_or_default();
        format!("{}/{pair}/{}", self.rule.code(), self.subject)
    }
}

/// The errors of a specification that cannot be analyzed.
pub fn of_diagnostics(diagnostics: &[Diagnostic], path: &str, sources: &Sources) -> Vec<Finding> {
    let finding = |it: &Diagnostic| {
        let message = format!("{} [{}]", it.message, it.code);
        let place = it.span.map_or_else(|| Place::start(path), |span| Place::of(sources, span));
        Finding::new(Rule::Specification, None, it.code, message).at(Some(place))
    };
    diagnostics.iter().map(finding).collect()
}

/// The findings of a report, in the order of the specification.
pub(crate) fn of(isa: &Isa, sources: &Sources, report: &Report) -> Vec<Finding> {
    let mut all = Vec::new();
    let first = sources.files.first().map(|file| Place::start(&file.path));
    for pair in &report.pairs {
        for (class, it) in isa.classes.iter().zip(&pair.instructions) {
            let at = Some(Place::of(sources, class.span));
            for finding in of_instruction(pair, it) {
                let allowed = class.allow.iter().find(|(rule, _)| *rule == finding.rule);
                let allowed = allowed.map(|(_, reason)| reason.clone());
                all.push(Finding { allowed, ..finding }.at(at.clone()));
            }
        }
        for trap in pair.traps.iter().filter(|trap| trap.enters != Answer::Yes) {
            let what = match trap.enters {
                Answer::Undecided => "whether the trap leads to the monitor is undecided",
                Answer::Vacuous => {
                    "there is no state of a guest in which it could be asked where the trap leads"
                }
                Answer::Yes | Answer::No => "the trap does not lead to the monitor",
            };
            let message = format!("trap {}: {what}", trap.name);
            all.push(
                Finding::new(Rule::TrapEntry, Some(pair), &trap.name, message).at(first.clone()),
            );
        }
        for (theorem, it) in pair.theorems.monitors() {
            if it.verdict == Verdict::Undecided {
                let why = it.obstacles.first().map_or("", String::as_str);
                let message = format!("{} is undecided: {why}", theorem.name());
                let finding = Finding::new(Rule::Undecided, Some(pair), theorem.key(), message);
                all.push(finding.at(cause(isa, sources, pair).or_else(|| first.clone())));
            }
        }
    }
    all.extend(unmet(isa, sources, report));
    for class in &isa.classes {
        all.extend(stale(sources, class, &all));
    }
    all
}

/// The first instruction of which something is undecided.
fn cause(isa: &Isa, sources: &Sources, pair: &PairReport) -> Option<Place> {
    let is_open =
        |it: &InstructionReport| it.properties.values().any(|it| *it == Answer::Undecided);
    let mut both = isa.classes.iter().zip(&pair.instructions);
    both.find(|(_, it)| is_open(it)).map(|(class, _)| Place::of(sources, class.span))
}

/// Expectations that are not met. What an overlay inherits and does not meet is one finding, about the overlay.
fn unmet(isa: &Isa, sources: &Sources, report: &Report) -> Vec<Finding> {
    let overlay = sources.files.first().map(|file| Place::start(&file.path));
    let spans = isa.expect.iter().filter_map(|(_, it)| it.span).filter(|span| span.file != 0);
    let inherited: Vec<Place> = spans.map(|span| Place::of(sources, span)).collect();
    let is_inherited = |it: &&Unmet| it.at.as_ref().is_some_and(|at| inherited.contains(at));
    let words = |it: &Unmet| format!("expected {}; found {}", it.expected, it.found);
    let (of_base, own): (Vec<&Unmet>, Vec<&Unmet>) = report.unmet.iter().partition(is_inherited);
    let mut all: Vec<Finding> = own
        .into_iter()
        .map(|it| {
            let at = it.at.clone().or_else(|| overlay.clone());
            Finding::new(Rule::Expectation, None, &it.expected, words(it)).at(at)
        })
        .collect();
    if let [first, more @ ..] = of_base.as_slice() {
        let file = first.at.as_ref().map_or("", |at| &at.file);
        let more =
            if more.is_empty() { String::new() } else { format!(" (and {} more)", more.len()) };
        let message = format!(
            "the expectations of the base, {file}, do not fit the overlay: {}{more}. Write `expect: {{}}`, or what is expected of the overlay",
            words(first)
        );
        all.push(Finding::new(Rule::Expectation, None, "expect", message).at(overlay));
    }
    all
}

/// What is allowed of a class that no finding needs, about it or another case of its instruction.
fn stale(sources: &Sources, class: &Class, all: &[Finding]) -> Vec<Finding> {
    let instruction = |name: &str| name.split('[').next().map(str::to_owned);
    let needed = |rule: Rule| {
        all.iter().any(|it| rule == it.rule && instruction(&it.subject) == instruction(&class.name))
    };
    let unneeded = class.allow.iter().filter(|(rule, _)| !needed(*rule));
    let finding = |(rule, _): &(Rule, String)| {
        let message = format!("{}: `allow: {}` is not needed", class.name, rule.word());
        let at = Some(Place::of(sources, class.span));
        Finding::new(Rule::StaleAllow, None, &class.name, message).at(at)
    };
    unneeded.map(finding).collect()
}

fn of_instruction(pair: &PairReport, it: &InstructionReport) -> Vec<Finding> {
    let (vmm, hvmm) = (&pair.theorems.vmm, &pair.theorems.hvmm);
    let mut all = Vec::new();
    let mut add = |rule: Rule, what: String| {
        let message = format!("{} {what}", it.name);
        all.push(Finding::new(rule, Some(pair), &it.name, message));
    };
    let offends = |names: &[String]| names.contains(&it.name);
    if offends(&hvmm.offending) {
        let why = why(it, Some(&pair.user));
        add(Rule::UserSensitive, format!("is {why} in user mode and not privileged"));
    } else if offends(&vmm.offending) {
        add(Rule::Sensitive, format!("is {} and not privileged", why(it, None)));
    }
    // What is safe under bits that a monitor keeps refutes nothing by itself.
    let refutes = |theorem: &TheoremReport| {
        offends(&theorem.refuting) && theorem.verdict != Verdict::Holds && it.safe_if.is_empty()
    };
    let wrong = "goes wrong where it is executed directly under a monitor";
    if refutes(hvmm) {
        add(Rule::UserSquareBreaks, format!("{wrong}, in virtual user mode too"));
    } else if refutes(vmm) {
        add(Rule::SquareBreaks, wrong.into());
    }
    if it.is(Property::Unconfined).is_yes() && vmm.verdict != Verdict::Holds {
        let what = "reaches past its window or writes what belongs to the monitor, in user mode";
        add(Rule::Unconfined, what.into());
    }
    all
}

/// `control sensitive and resource sensitive`: in one mode, or at all.
fn why(it: &InstructionReport, mode: Option<&str>) -> String {
    const KINDS: [Property; 8] = [
        Property::ControlSensitive,
        Property::LocationSensitive,
        Property::ModeSensitive,
        Property::ResourceSensitive,
        Property::ExtentSensitive,
        Property::TimeSensitive,
        Property::TrapMasked,
        Property::TrapVisible,
    ];
    let words = KINDS.into_iter().filter(|kind| it.property_in(*kind, mode) == Some(Answer::Yes));
    let words: Vec<String> = words.map(|kind| kind.word().replace('-', " ")).collect();
    match words.as_slice() {
        [] => "sensitive".to_owned(),
        words => words.join(" and "),
    }
}
