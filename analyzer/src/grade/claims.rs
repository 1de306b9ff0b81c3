//! Tables of claims: CSV (`instruction,property,yes`), or YAML (`popf: {privileged: no}`).

use std::fmt;

use model::diagnostic::{Sources, did_you_mean};
use model::property::Property;
use model::theorem::Theorem;
use model::yaml::{self, Node, Value};

use crate::report::PairReport;

/// What a claim is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// An instruction has a property.
    Property(String, Property),
    /// A theorem holds of the machine.
    Theorem(Theorem),
    /// The set inclusion of a theorem holds.
    Premise(Theorem),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property(name, property) => write!(f, "{name} {}", property.word()),
            Self::Theorem(theorem) => write!(f, "{} holds", theorem.name()),
            Self::Premise(theorem) => write!(f, "{} premise", theorem.name()),
        }
    }
}

/// A claim.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its line in the table, from 1.
    pub line: usize,
    /// What it is about.
    pub about: About,
    /// What it says.
    pub says: bool,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, if self.says { "yes" } else { "no" })
    }
}

/// One entry of a table as written: its line, what it is about, which property, and the answer.
struct Entry {
    line: usize,
    subject: String,
    property: String,
    answer: String,
}

/// The claims of a table, or all that is wrong with it. What ends in `.yaml` or `.yml` is YAML, the rest CSV.
pub fn read(file: &str, text: &str, pair: &PairReport) -> Result<Vec<Claim>, Vec<String>> {
    let is_yaml = [".yaml", ".yml"].iter().any(|end| file.ends_with(end));
    let entries = if is_yaml { of_yaml(file, text) } else { of_csv(file, text) };
    let mut errors = Vec::new();
    let mut claims: Vec<Claim> = Vec::new();
    for entry in entries {
        let claim = entry.and_then(|entry| {
            let wrong = |why: String| format!("{file}:{}: {why}", entry.line);
            let claim = claim(&entry, pair).map_err(wrong)?;
            match claims.iter().find(|known| known.about == claim.about) {
                Some(known) => {
                    let why = format!("{} is claimed in line {} already", claim.about, known.line);
                    Err(wrong(why))
                }
                None => Ok(claim),
            }
        });
        match claim {
            Ok(claim) => claims.push(claim),
            Err(error) => errors.push(error),
        }
    }
    if claims.is_empty() && errors.is_empty() {
        errors.push(format!(
            "{file}: it has no claims; a line is `instruction,property,yes` or `theorem 1,holds,no`"
        ));
    }
    if errors.is_empty() { Ok(claims) } else { Err(errors) }
}

/// Lines of three fields, apart by commas, semicolons or tabs. `#` begins a comment, and a first line may be titles.
fn of_csv(file: &str, text: &str) -> Vec<Result<Entry, String>> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let filled = lines.filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#'));
    let entry = |(i, (number, text)): (usize, (usize, &str))| {
        let apart = [';', '\t'].into_iter().find(|c| text.contains(*c)).unwrap_or(',');
        let plain = |field: &str| field.trim().trim_matches('"').trim().to_owned();
        let fields: Vec<String> = text.split(apart).map(plain).collect();
        let line = number + 1;
        match <[String; 3]>::try_from(fields) {
            Ok([subject, _, answer])
                if i == 0
                    && subject.eq_ignore_ascii_case("instruction")
                    && yes(&answer).is_none() =>
            {
                None
            }
            Ok([subject, property, answer]) => Some(Ok(Entry { line, subject, property, answer })),
            Err(fields) => Some(Err(format!(
                "{file}:{line}: three fields are expected, `instruction,property,yes`, and there are {}: {text}",
                fields.len()
            ))),
        }
    };
    filled.enumerate().filter_map(entry).collect()
}

/// A mapping of instructions and theorems to mappings of properties to answers.
fn of_yaml(file: &str, text: &str) -> Vec<Result<Entry, String>> {
    let mut sources = Sources::default();
    sources.files.push(model::diagnostic::Source { path: file.to_owned(), text: text.to_owned() });
    let line = |node: &Node| sources.position(node.span).0;
    let scalar = |node: &Node| match &node.value {
        Value::Scalar(it) => Some(it.text.trim().to_owned()),
        Value::Sequence(_) | Value::Mapping(_) => None,
    };
    let wrong = |node: &Node| {
        Err(format!("{file}:{}: expected `instruction: {{property: yes}}`", line(node)))
    };
    let root = match yaml::parse(text, 0) {
        Ok(root) => root,
        Err(errors) => {
            return errors.iter().map(|error| Err(error.render(&sources, false))).collect();
        }
    };
    let Value::Mapping(subjects) = &root.value else { return vec![wrong(&root)] };
    let mut all = Vec::new();
    for (subject, properties) in subjects {
        let (Some(name), Value::Mapping(properties)) = (scalar(subject), &properties.value) else {
            all.push(wrong(subject));
            continue;
        };
        for (property, answer) in properties {
            all.push(match (scalar(property), scalar(answer)) {
                (Some(word), Some(answer)) => Ok(Entry {
                    line: line(property),
                    subject: name.clone(),
                    property: word,
                    answer,
                }),
                _ => wrong(property),
            });
        }
    }
    all
}

fn yes(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "1" => Some(true),
        "no" | "n" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn claim(it: &Entry, pair: &PairReport) -> Result<Claim, String> {
    let says = yes(&it.answer)
        .ok_or_else(|| format!("the answer is `yes` or `no`, not `{}`", it.answer))?;
    let word = it.property.to_ascii_lowercase().replace([' ', '_'], "-");
    let about = if let Some(theorem) = theorem(&it.subject) {
        match word.as_str() {
            "holds" | "verdict" => About::Theorem(theorem),
            "premise" => About::Premise(theorem),
            _ => {
                return Err(format!(
                    "of a theorem is claimed `holds` or `premise`, not `{}`",
                    it.property
                ));
            }
        }
    } else {
        let name = instruction(&it.subject, pair)?;
        let words = || Property::ALL.into_iter().map(Property::word);
        let property = Property::of_word(&word).ok_or_else(|| {
            let near = did_you_mean(&word, words());
            let help = near.unwrap_or_else(|| {
                format!("the properties: {}", words().collect::<Vec<_>>().join(", "))
            });
            format!("there is no property `{}`; {help}", it.property)
        })?;
        let found = pair.instructions.iter().find(|it| it.name == name);
        if found.is_some_and(|it| it.property(property).is_none()) {
            return Err(format!(
                "the profile does not ask whether an instruction is {}",
                property.word()
            ));
        }
        About::Property(name, property)
    };
    Ok(Claim { line: it.line, about, says })
}

/// `theorem 1`, `Theorem1`, `vmm`.
fn theorem(word: &str) -> Option<Theorem> {
    let plain = |text: &str| text.to_ascii_lowercase().replace([' ', '-', '_'], "");
    let word = plain(word);
    Theorem::ALL.into_iter().find(|it| plain(it.name()) == word || it.key() == word)
}

/// The instruction of a name, whatever the case of letters.
fn instruction(word: &str, pair: &PairReport) -> Result<String, String> {
    let names = || pair.instructions.iter().map(|it| it.name.as_str());
    let exact = names().find(|name| *name == word);
    if let Some(name) = exact.or_else(|| names().find(|name| name.eq_ignore_ascii_case(word))) {
        return Ok(name.to_owned());
    }
    let is_case = |name: &&str| {
        name.split_once('[').is_some_and(|(mnemonic, _)| mnemonic.eq_ignore_ascii_case(word))
    };
    let cases: Vec<&str> = names().filter(is_case).take(4).collect();
    if !cases.is_empty() {
        return Err(format!(
            "`{word}` has cases, and a claim is about one: {} …",
            cases.join(", ")
        ));
    }
    let help = did_you_mean(word, names()).map_or_else(String::new, |it| format!("; {it}"));
    Err(format!("there is no instruction `{word}`{help}"))
}
