//! What is different between two machines: verdicts, classes, and what instructions mean.

pub mod github;
pub mod meaning;
mod regressions;
pub mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use model::encoding::Pattern;
use model::isa::{Isa, Pair, Register, Slice, Verdict};
use model::property::Property;
use model::state::number;
use model::theorem::Theorem;
use rayon::prelude::*;
use serde::Serialize;

use crate::analyze::Options;
use crate::decide::SolverConfig;
use crate::progress::{Progress, Step, during};
use crate::prove::answer::Answer;
use crate::report::{InstructionReport, PairReport, Report};
use crate::theorems::theorem::brief;
use meaning::{Machines, Meaning};
use regressions::regressions;

/// Version of the JSON format.
pub const SCHEMA: u32 = 1;

/// What is different between an old machine and a new one, in one profile.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Version of this format.
    pub schema: u32,
    /// Short name of the old machine.
    pub old: String,
    /// Short name of the new one.
    pub new: String,
    /// The reading of the definitions.
    pub profile: &'static str,
    /// What the new machine does worse, in words.
    pub regressions: Vec<String>,
    /// Components that one machine alone has, or that have another size, role or named values; assumptions, kinds of
    /// traps and what else is compared as it is written (`trap-cells`, `code`, fetches, …), where they are not the same.
    pub components: Vec<Change>,
    /// Pairs of modes of either machine.
    pub pairs: Vec<PairDifference>,
    /// Decode classes of either machine, in the order of the new specification; then those that are gone.
    pub instructions: Vec<InstructionDifference>,
    /// Traps of either machine.
    pub traps: Vec<InstructionDifference>,
    /// What a reset does, when the machine has halted, and what opcodes do that no instruction lists.
    pub machine: Vec<InstructionDifference>,
    /// A verdict or a property is undecided on one of the machines.
    pub undecided: bool,
}

/// Something on both machines; `null` where a machine has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// On the old machine.
    pub old: Option<String>,
    /// On the new one.
    pub new: Option<String>,
}

/// One pair of modes.
#[derive(Debug, Serialize)]
pub struct PairDifference {
    /// The mode the monitor runs in.
    pub supervisor: String,
    /// The mode the guest runs in.
    pub user: String,
    /// The verdicts of the theorems, by key, with their conditions.
    pub theorems: Vec<Change>,
    /// Instructions that break the premise of Theorem 1 or a square on the new machine alone.
    pub offending: Vec<String>,
    /// Those that did so on the old machine alone.
    pub no_longer_offending: Vec<String>,
}

/// An instruction or a trap.
#[derive(Debug, Serialize)]
pub struct InstructionDifference {
    /// Its name.
    pub name: String,
    /// `added`, `removed`, `changed`, `undecided` or `same`.
    pub change: &'static str,
    /// Its encoding, where that is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Change>,
    /// How what it does compares; none where one machine has it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantics: Option<Meaning>,
    /// Properties that have other answers, by `supervisor:user` and key; of what is added those that it has.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Vec<Change>>,
}

impl Difference {
    /// Whether some question about what instructions mean stayed open.
    pub fn is_open(&self) -> bool {
        self.undecided || self.parts().any(|it| it.change == "undecided")
    }

    fn parts(&self) -> impl Iterator<Item = &InstructionDifference> {
        self.instructions.iter().chain(&self.traps).chain(&self.machine)
    }

    /// Whether anything is different.
    pub fn is_empty(&self) -> bool {
        // What is undecided is open, and not known to be different.
        let same = |it: &InstructionDifference| matches!(it.change, "same" | "undecided");
        let changed = |it: &PairDifference| it.theorems.iter().any(|it| it.old != it.new);
        self.components.is_empty() && self.parts().all(same) && !self.pairs.iter().any(changed)
    }
}

/// Compares two machines, each with its report in the same profile.
pub fn compare(
    (old, before): (&Isa, &Report),
    (new, after): (&Isa, &Report),
    options: Options<'_>,
    progress: &Progress<'_>,
) -> Difference {
    let machines = Machines { old, new, config: SolverConfig::until(options.timeout) };
    let names = |isa: &Isa| isa.classes.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let of_class = |name: &String| {
        let meaning = Some((old.class(name), new.class(name)));
        let meaning = meaning.and_then(|(a, b)| Some(machines.class(a?, b?)));
        let encoding = |isa: &Isa| isa.class(name).and_then(|it| it.pattern.as_ref().map(layout));
        let encoding = Change { name: "encoding".into(), old: encoding(old), new: encoding(new) };
        let both = meaning.is_some();
        let mut it =
            instruction(name, old.class(name).is_some(), meaning, properties(before, after, name));
        if both && encoding.old != encoding.new {
            it.encoding = Some(encoding);
            it.change = "changed";
        }
        it
    };
    let instructions = either(names(old), names(new));
    let step = |step: Step<'_>| progress(step, instructions.len());
    let of_class = |name: &String| during(&step, name, || of_class(name));
    let instructions = instructions.par_iter().with_max_len(1).map(of_class).collect();
    let traps = |isa: &Isa| isa.traps.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
    let of_trap = |name: &String| {
        let [was, is] = [old, new].map(|isa| isa.traps.iter().any(|trap| trap.name == *name));
        let meaning = (was && is).then(|| machines.trap(name));
        instruction(name, was, meaning, BTreeMap::new())
    };
    let machine = [
        ("reset", machines.reset()),
        ("halted", machines.halted()),
        ("unlisted opcodes", machines.unlisted()),
    ];
    let machine = machine.into_iter().filter(|(_, meaning)| meaning.is_some());
    Difference {
        schema: SCHEMA,
        old: before.isa.clone(),
        new: after.isa.clone(),
        profile: after.profile.word(),
        regressions: regressions(before, after),
        components: components(old, new),
        pairs: pairs(before, after),
        instructions,
        traps: either(traps(old), traps(new)).iter().map(of_trap).collect(),
        machine: machine
            .map(|(name, meaning)| instruction(name, true, meaning, BTreeMap::new()))
            .collect(),
        undecided: [before, after].into_iter().any(is_undecided),
    }
}

/// A verdict of Theorem 1 or 3 is undecided, or a property of an instruction.
fn is_undecided(report: &Report) -> bool {
    report.pairs.iter().any(|pair| {
        let open =
            |it: &InstructionReport| it.properties.values().any(|it| *it == Answer::Undecided);
        pair.theorems.monitors().into_iter().any(|(_, it)| it.verdict == Verdict::Undecided)
            || pair.instructions.iter().any(open)
    })
}

/// An encoding as a specification writes it, bit by bit: `0`, `1`, `-`, or the operand and the bit of it.
fn layout(pattern: &Pattern) -> String {
    let fixed = |bit: u32| match (pattern.mask >> bit & 1, pattern.value >> bit & 1) {
        (0, _) => "-".to_owned(),
        (_, value) => value.to_string(),
    };
    let mut bits: Vec<String> = (0..pattern.width).map(fixed).collect();
    for piece in &pattern.pieces {
        // The highest bit names the whole stretch.
        let (last, top) = (piece.low + piece.width - 1, piece.operand_low + piece.width - 1);
        bits[piece.low as usize..=last as usize].fill(String::new());
        let text = format!(" {}[{top}:{}] ", piece.operand, piece.operand_low);
        bits[last as usize] = text;
    }
    bits.reverse();
    bits.concat().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names of the new machine, then those of the old one alone; each once.
fn either(old: Vec<String>, new: Vec<String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in new.into_iter().chain(old) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn instruction(
    name: &str,
    was: bool,
    semantics: Option<Meaning>,
    properties: BTreeMap<String, Vec<Change>>,
) -> InstructionDifference {
    let change = match &semantics {
        None if was => "removed",
        None => "added",
        Some(Meaning::Undecided { .. }) if properties.is_empty() => "undecided",
        Some(Meaning::Same) if properties.is_empty() => "same",
        Some(_) => "changed",
    };
    InstructionDifference { name: name.to_owned(), change, encoding: None, semantics, properties }
}

/// Whether two reports speak of one pair.
fn is_same(a: &PairReport, b: &PairReport) -> bool {
    (&a.supervisor, &a.user) == (&b.supervisor, &b.user)
}

fn properties(before: &Report, after: &Report, name: &str) -> BTreeMap<String, Vec<Change>> {
    let find = |pair: &PairReport| -> Option<Vec<(Property, Answer)>> {
        let it: &InstructionReport = pair.instructions.iter().find(|it| it.name == name)?;
        Some(it.properties.iter().map(|(property, answer)| (*property, *answer)).collect())
    };
    let added = !before.pairs.iter().any(|pair| find(pair).is_some());
    let mut all = BTreeMap::new();
    for pair in &after.pairs {
        let Some(new) = find(pair) else { continue };
        let earlier = before.pairs.iter().find(|it| is_same(it, pair));
        let old = earlier.and_then(find);
        let was = |property: Property| {
            let of = old.as_ref()?.iter().find(|(it, _)| *it == property);
            of.map(|(_, answer)| *answer)
        };
        let change = |(property, answer): &(Property, Answer)| Change {
            name: property.key().to_owned(),
            old: was(*property).map(|answer| answer.word().to_owned()),
            new: Some(answer.word().to_owned()),
        };
        // What is added has only what is true of it.
        let shown = |(property, answer): &&(Property, Answer)| match was(*property) {
            Some(was) => was != *answer,
            None => added && answer.is_yes(),
        };
        let changed: Vec<Change> = new.iter().filter(shown).map(change).collect();
        if !changed.is_empty() {
            all.insert(pair.name(), changed);
        }
    }
    all
}

/// Whether an instruction may break the premise of Theorem 1 or a square, and this is not settled.
fn may(pair: &PairReport, name: &str) -> bool {
    let it = pair.instructions.iter().find(|it| it.name == name);
    it.is_some_and(|it| it.may_offend() || it.is(Property::Statewise) == Answer::Undecided)
}

fn pairs(before: &Report, after: &Report) -> Vec<PairDifference> {
    let one = |old: Option<&PairReport>, new: Option<&PairReport>| {
        let known = new.or(old)?;
        let theorem = |it: Theorem| Change {
            name: it.key().to_owned(),
            old: old.map(|pair| pair.theorems.verdict_in_words(it)),
            new: new.map(|pair| pair.theorems.verdict_in_words(it)),
        };
        let of = |pair: Option<&PairReport>| -> Vec<String> {
            pair.map(|pair| pair.theorems.offending())
                .unwrap_or_default()
                .into_iter()
                .cloned()
                .collect()
        };
        let (was, is) = (of(old), of(new));
        Some(PairDifference {
            supervisor: known.supervisor.clone(),
            user: known.user.clone(),
            theorems: Theorem::ALL.map(theorem).into(),
            offending: is.iter().filter(|name| !was.contains(name)).cloned().collect(),
            no_longer_offending: was
                .iter()
                .filter(|name| !is.contains(name) && !new.is_some_and(|pair| may(pair, name)))
                .cloned()
                .collect(),
        })
    };
    let of_new = after
        .pairs
        .iter()
        .map(|pair| one(before.pairs.iter().find(|it| is_same(it, pair)), Some(pair)));
    let gone = before.pairs.iter().filter(|pair| !after.pairs.iter().any(|it| is_same(it, pair)));
    of_new.chain(gone.map(|pair| one(Some(pair), None))).flatten().collect()
}

fn components(old: &Isa, new: &Isa) -> Vec<Change> {
    let words = |register: &Register| {
        let role = |slice: &Slice| match slice.kind {
            Some(kind) => format!("{} ({})", slice.role.word(), kind.word()),
            None => slice.role.word().to_owned(),
        };
        let mut roles: Vec<String> = register.slices.iter().map(role).collect();
        roles.dedup();
        let count = register.count.map_or(String::new(), |count| format!("{count} × "));
        let mut words = format!("{count}{}, {}", bits(register.width), brief(&roles));
        let value = |(name, value): &(String, u128)| format!("{name} = {}", number(*value));
        let mut named: Vec<String> = register.values.iter().map(value).collect();
        for field in &register.fields {
            let (high, low) = (field.low + field.width - 1, field.low);
            named.push(format!("{}: {high}:{low}", field.name));
            named.extend(field.values.iter().map(value));
        }
        if !named.is_empty() {
            let _ = write!(words, " ({})", named.join(", "));
        }
        words
    };
    let find = |isa: &Isa, name: &str| isa.registers.iter().find(|it| it.name == name).map(words);
    let storage = |isa: &Isa| format!("{} cells of {}", isa.storage.cells, bits(isa.storage.width));
    let names = |isa: &Isa| isa.registers.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let change = |name: String| Change { old: find(old, &name), new: find(new, &name), name };
    let mut all: Vec<Change> = either(names(old), names(new)).into_iter().map(change).collect();
    all.push(Change {
        name: new.storage.name.clone(),
        old: Some(storage(old)),
        new: Some(storage(new)),
    });
    let trap = |isa: &Isa, name: &str| {
        let trap = isa.traps.iter().find(|it| it.name == name);
        trap.map(|it| it.kind.word().to_owned())
    };
    let kinds = either(
        old.traps.iter().map(|it| it.name.clone()).collect(),
        new.traps.iter().map(|it| it.name.clone()).collect(),
    );
    // Traps of one machine alone are listed among the traps.
    all.extend(kinds.iter().filter_map(|name| {
        let (was, is) = (trap(old, name)?, trap(new, name)?);
        Some(Change { name: format!("kind of trap {name}"), old: Some(was), new: Some(is) })
    }));
    let assumption = |isa: &Isa, name: &str| {
        let it = isa.assumptions.iter().find(|it| it.name == name);
        it.map(|it| it.text.trim().to_owned())
    };
    let named = |isa: &Isa| isa.assumptions.iter().map(|it| it.name.clone()).collect();
    all.extend(either(named(old), named(new)).into_iter().map(|name| Change {
        old: assumption(old, &name),
        new: assumption(new, &name),
        name: format!("assumption {name}"),
    }));
    all.extend(as_written(old, new));
    all.retain(|it| it.old != it.new);
    all
}

/// `1 bit`, `8 bits`.
pub(super) fn bits(width: u32) -> String {
    format!("{width} {}", if width == 1 { "bit" } else { "bits" })
}

/// What no question is asked about: it is compared as it is written.
fn as_written(old: &Isa, new: &Isa) -> Vec<Change> {
    let change = |name: String, of: &dyn Fn(&Isa) -> Option<String>| Change {
        old: of(old),
        new: of(new),
        name,
    };
    let cells = |it: &Range<u128>| format!("{}..{}", it.start, it.end);
    let trap_cells = |isa: &Isa| {
        let it = &isa.trap_cells;
        (it.end() > 0).then(|| format!("old {}, new {}", cells(&it.old), cells(&it.new)))
    };
    let mut all = vec![
        change("trap-cells".into(), &trap_cells),
        change("address width".into(), &|isa| Some(bits(isa.address))),
        change("endian".into(), &|isa| Some(format!("{:?}", isa.endian).to_lowercase())),
    ];
    for trap in &new.traps {
        // Traps of one machine alone are listed among the traps.
        if !old.traps.iter().any(|it| it.name == trap.name) {
            continue;
        }
        let of = |isa: &Isa| isa.traps.iter().find(|it| it.name == trap.name).cloned();
        all.push(change(format!("code of trap {}", trap.name), &|isa| {
            of(isa).map(|it| it.code.to_string())
        }));
        all.push(change(format!("P saved by trap {}", trap.name), &|isa| {
            of(isa).map(|it| format!("{:?}", it.saves).to_lowercase())
        }));
    }
    // Names of registers are numbers below: where the same are in the same places, so are these.
    let names = |isa: &Isa| isa.registers.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    if names(old) != names(new) {
        return all;
    }
    let mut code = |name: String, of: &dyn Fn(&Isa) -> String| {
        if of(old) != of(new) {
            let (old, new) = (Some("one way".into()), Some("another".into()));
            all.push(Change { name, old, new });
        }
    };
    code("how instructions are fetched".into(), &|isa| format!("{:?}", isa.all_fetches));
    code("the window".into(), &|isa| format!("{:?}", isa.window));
    for pair in &new.pairs {
        let is = |it: &&Pair| (&it.supervisor.0, &it.user.0) == (&pair.supervisor.0, &pair.user.0);
        let of = |isa: &Isa| isa.pairs.iter().find(is).map(|it| format!("{:?}", it.deprivilege));
        let name = format!("deprivilege of {}:{}", pair.supervisor.0, pair.user.0);
        // A pair of one machine alone is listed among the pairs.
        if old.pairs.iter().any(|it| is(&it)) {
            code(name, &|isa| of(isa).unwrap_or_default());
        }
    }
    all
}
