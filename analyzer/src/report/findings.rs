//! What gates and editors show of a report: findings by rule, each at the line that caused it.

use std::fmt;

use model::diagnostic::{Diagnostic, Sources, Span};
use model::isa::{Class, Isa, Verdict};
use model::property::Property;
use model::rule::Rule;
use serde::Serialize;

use super::{InstructionReport, PairReport, Report, word_of_rule};
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
                let allowed = class.allow.iter().find(|(rule, _)| covers(*rule, finding.rule));
                let allowed = allowed.map(|(_, reason)| reason.clone());
                all.push(Finding { allowed, ..finding }.at(at.clone()));
            }
        }
        for trap in pair.traps.iter().filter(|trap| trap.enters != Answer::Yes) {
            let what = match trap.enters {
                Answer::Undecided => "whether the trap leads to the monitor is undecided",
                Answer::Yes | Answer::No | Answer::Vacuous => {
                    "the trap does not lead to the monitor"
                }
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
                all.push(finding.at(first.clone()));
            }
        }
    }
    for unmet in &report.unmet {
        let message = format!("expected {}; found {}", unmet.expected, unmet.found);
        let at = unmet.at.clone().or_else(|| first.clone());
        all.push(Finding::new(Rule::Expectation, None, &unmet.expected, message).at(at));
    }
    for class in &isa.classes {
        all.extend(stale(sources, class, &all));
    }
    all
}

/// Who accepts that an instruction is sensitive accepts that it is so in user mode.
fn covers(allowed: Rule, found: Rule) -> bool {
    allowed == found || (allowed, found) == (Rule::Sensitive, Rule::UserSensitive)
}

/// What is allowed of a class that no finding needs, about it or another case of its instruction.
fn stale(sources: &Sources, class: &Class, all: &[Finding]) -> Vec<Finding> {
    let instruction = |name: &str| name.split('[').next().map(str::to_owned);
    let needed = |rule: Rule| {
        all.iter()
            .any(|it| covers(rule, it.rule) && instruction(&it.subject) == instruction(&class.name))
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
        add(Rule::UserSensitive, format!("is {} in user mode and not privileged", why(it)));
    } else if offends(&vmm.offending) {
        add(Rule::Sensitive, format!("is {} and not privileged", why(it)));
    } else if offends(&vmm.refuting) && vmm.verdict != Verdict::Holds && it.safe_if.is_empty() {
        // What is safe under bits that a monitor keeps refutes nothing by itself.
        add(Rule::SquareBreaks, "goes wrong where it is executed directly under a monitor".into());
    }
    if it.is(Property::Unconfined).is_yes() && vmm.verdict != Verdict::Holds {
        let what = "reaches past its window or writes what belongs to the monitor, in user mode";
        add(Rule::Unconfined, what.into());
    }
    all
}

/// `control sensitive and resource sensitive`.
fn why(it: &InstructionReport) -> String {
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
    let words = KINDS.into_iter().filter(|kind| it.is(*kind).is_yes());
    let words: Vec<String> = words.map(|kind| kind.word().replace('-', " ")).collect();
    match words.as_slice() {
        [] => "sensitive".to_owned(),
        words => words.join(" and "),
    }
}
