//! The text of an overlay that makes decode classes trap, and says what is then expected of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use model::isa::{Class, ExpectedWord, Isa, Profile, TrapKind};
use model::property::Property;

use crate::prove::answer::Answer;
use crate::report::{InstructionReport, PairReport, Report, TheoremReport};

/// An overlay in the making: classes of a machine made to trap.
pub(crate) struct Overlay<'a> {
    isa: &'a Isa,
    report: &'a Report,
    extends: &'a str,
    /// Each class that must trap, with the modes in which it still runs.
    trapping: BTreeMap<&'a str, Vec<&'a (String, u128)>>,
    /// The mode, as semantics name it.
    mode: String,
    /// The trap to raise: the first of kind privilege.
    trap: &'a str,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(
        isa: &'a Isa,
        report: &'a Report,
        extends: &'a str,
        trapping: BTreeMap<&'a str, Vec<&'a (String, u128)>>,
    ) -> Result<Self, String> {
        let trap = isa.traps.iter().find(|t| t.kind == TrapKind::Privilege).ok_or(
            "no trap of the machine has `kind: privilege`, so nothing can be made to trap; add one under `machine: traps:`",
        )?;
        let part = isa.mode.ok_or("the machine has no component of role M with `values:`")?;
        let register = isa.register(part.register);
        let field = register
            .fields
            .iter()
            .find(|f| (f.low, f.width) == (part.low, part.width) && !f.values.is_empty());
        let mode = field.map_or(register.name.clone(), |f| format!("{}.{}", register.name, f.name));
        Ok(Self { isa, report, extends, trapping, mode, trap: &trap.name })
    }

    /// The text; with what it expects once its report is there.
    pub(crate) fn text(&self, after: Option<&Report>) -> String {
        let Self { isa, report, .. } = self;
        let pairs: Vec<String> =
            report.pairs.iter().map(|p| format!("{}:{}", p.supervisor, p.user)).collect();
        let mut out = format!(
            "# Written by `analyze repair` for {} (profile {}, {}): {} made to trap\n\
             # outside supervisor mode. The premises of Theorems 1 and 3 and the statewise condition need no less.\n\
             pgisa: 1\nisa: {}-repaired\ntitle: {}\nextends: {}\n\ninstructions:\n",
            isa.name,
            report.profile.word(),
            pairs.join(", "),
            count(self.trapping.len()),
            isa.name,
            quoted(&format!("{}, repaired", isa.title)),
            quoted(self.extends),
        );
        let instruction = |class: &Class| -> String {
            class.name.split('[').next().unwrap_or_default().to_owned()
        };
        for classes in isa.classes.chunk_by(|a, b| instruction(a) == instruction(b)) {
            if classes.iter().any(|c| self.trapping.contains_key(c.name.as_str())) {
                self.instruction(&mut out, &instruction(&classes[0]), classes, after);
            }
        }
        match after {
            None => out.push_str("\nexpect: {}\n"),
            Some(after) => {
                let _ = write!(out, "\nexpect:\n{}", theorems(after));
            }
        }
        out
    }

    fn instruction(&self, out: &mut String, name: &str, classes: &[Class], after: Option<&Report>) {
        let _ = write!(out, "  {}:\n    patch: before\n    semantics: |\n", quoted(name));
        let modes = |c: &Class| self.trapping.get(c.name.as_str());
        let mut different: Vec<&Vec<_>> = classes.iter().filter_map(modes).collect();
        different.sort();
        different.dedup();
        for one in different {
            let chosen = |c: &&Class| modes(c) == Some(one);
            let require = self.require(one, &classes[0]);
            if classes.iter().all(|c| chosen(&c)) {
                let _ = writeln!(out, "      {require}");
            } else {
                let guard = guard(classes, chosen);
                let _ = write!(out, "      if {guard} {{\n        {require}\n      }}\n");
            }
        }
        if classes[0].name == name {
            let _ = writeln!(out, "    expect: {}", self.expectation(&classes[0], after));
        } else {
            self.cases(out, name, classes, after);
        }
    }

    /// The cases of the base once more, because their expectations stand in them. The values that no
    /// case takes go by what the instruction as a whole expects.
    fn cases(&self, out: &mut String, name: &str, classes: &[Class], after: Option<&Report>) {
        out.push_str("    cases:\n");
        for class in classes.iter().filter(|c| !is_rest(c)) {
            let case = &class.name[name.len() + 1..class.name.len() - 1];
            let fixed: Vec<String> = class
                .operands
                .iter()
                .filter_map(|o| o.fixed.map(|value| format!("{}: {value}", o.name)))
                .collect();
            let mut keys = Vec::new();
            if !fixed.is_empty() {
                keys.push(format!("fix: {{{}}}", fixed.join(", ")));
            }
            keys.extend(class.when_text.as_ref().map(|when| format!("when: {}", quoted(when))));
            keys.push(format!("expect: {}", self.expectation(class, after)));
            let _ = writeln!(out, "      {}: {{{}}}", quoted(case), keys.join(", "));
        }
        if let Some(rest) = classes.iter().find(|c| is_rest(c)) {
            let _ = writeln!(out, "    expect: {}", self.expectation(rest, after));
        }
    }

    /// `require mode == supervisor else trap(privileged);`
    fn require(&self, modes: &[&(String, u128)], class: &Class) -> String {
        let holds: Vec<String> = modes
            .iter()
            .map(|(name, value)| {
                // An operand may hide the name of a mode.
                let hidden = class.operands.iter().any(|o| o.name == *name);
                let mode = if hidden { value.to_string() } else { name.clone() };
                format!("{} == {mode}", self.mode)
            })
            .collect();
        let holds = if holds.is_empty() { "false".into() } else { holds.join(" || ") };
        format!("require {holds} else trap({});", self.trap)
    }

    /// What a class is expected to be: what was found, if it traps now, else what the base says.
    fn expectation(&self, class: &Class, after: Option<&Report>) -> String {
        let traps = self.trapping.contains_key(class.name.as_str());
        let found = match after {
            Some(after) if traps => vec![(after.profile, words(after, &class.name))],
            None if traps => Vec::new(),
            _ => class.expect.iter().map(|(profile, all)| (*profile, written(all))).collect(),
        };
        let list = |words: &[String]| format!("[{}]", words.join(", "));
        match found.as_slice() {
            [] => "[]".into(),
            [(Profile::Refined, words)] => list(words),
            many => {
                let keys: Vec<String> = many
                    .iter()
                    .map(|(p, words)| format!("{}: {}", p.word(), list(words)))
                    .collect();
                format!("{{{}}}", keys.join(", "))
            }
        }
    }
}

/// The theorems as found, where all pairs agree.
fn theorems(after: &Report) -> String {
    let theorem = |t: &TheoremReport| {
        format!("{{premise: {}, verdict: {}}}", t.premise.word(), t.verdict.word())
    };
    let offending = |t: &TheoremReport| {
        let names: Vec<String> = t.offending.iter().map(|n| quoted(n)).collect();
        format!("[{}]", names.join(", "))
    };
    let rows = |p: &PairReport| {
        let t = &p.theorems;
        let [vmm, hvmm] = t.monitors().map(|(it, found)| (it.key(), theorem(found)));
        [vmm, hvmm, ("offending", offending(&t.vmm))]
    };
    let mut all = after.pairs.iter().map(rows);
    let first = all.next().into_iter().flatten();
    let others: Vec<_> = all.collect();
    let agreed = first.filter(|row| others.iter().all(|rows| rows.contains(row)));
    let mut out = format!("  {}:\n", after.profile.word());
    for (key, row) in agreed {
        let _ = writeln!(out, "    {key}: {row}");
    }
    out
}

/// Whether a class is made of the values that no case takes.
fn is_rest(class: &Class) -> bool {
    class.name.ends_with("[else]")
}

/// Whether the operands are those of one of the chosen classes of an instruction, as an expression.
fn guard(classes: &[Class], chosen: impl Fn(&&Class) -> bool) -> String {
    let guards: Vec<String> =
        classes.iter().filter(chosen).map(|c| one_guard(c, classes)).collect();
    guards.join(" || ")
}

fn one_guard(class: &Class, classes: &[Class]) -> String {
    if is_rest(class) {
        return format!("!({})", guard(classes, |c| !is_rest(c)));
    }
    let fixed = class.operands.iter().filter_map(|o| o.fixed.map(|v| format!("{} == {v}", o.name)));
    match (fixed.collect::<Vec<_>>().join(" && "), &class.when_text) {
        (fixed, None) => fixed,
        (fixed, Some(when)) if fixed.is_empty() => format!("({when})"),
        (fixed, Some(when)) => format!("{fixed} && ({when})"),
    }
}

/// What was found of a class in every pair.
fn words(after: &Report, name: &str) -> Vec<String> {
    let all: Vec<&InstructionReport> =
        after.pairs.iter().filter_map(|p| p.instructions.iter().find(|i| i.name == name)).collect();
    let every = |property, answer: Answer| all.iter().all(|i| i.property(property) == Some(answer));
    let mut words = Vec::new();
    for property in Property::ALL {
        let either = [Property::Privileged, Property::UserSensitive].contains(&property);
        if property != Property::Statewise && every(property, Answer::Yes) {
            words.push(property.word().to_owned());
        } else if either && every(property, Answer::No) {
            words.push(format!("not {}", property.word()));
        }
    }
    words
}

fn written(words: &[ExpectedWord]) -> Vec<String> {
    let not = |w: &ExpectedWord| if w.holds { "" } else { "not " };
    words.iter().map(|w| format!("{}{}", not(w), w.property.word())).collect()
}

/// A text as a YAML scalar: plain where that can mean nothing else.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn count(n: usize) -> String {
    if n == 1 { "1 instruction".into() } else { format!("{n} instructions") }
}
