//! What a new machine does worse than an old one: verdicts, their conditions, and classes that are not privileged.

use model::isa::Verdict;
use model::property::Property;
use model::theorem::Theorem;

use super::is_same;
use crate::prove::answer::Answer;
use crate::report::{InstructionReport, PairReport, Report, TheoremReport};

/// What the new machine does worse.
pub(super) fn regressions(before: &Report, after: &Report) -> Vec<String> {
    let mut all = Vec::new();
    for old in &before.pairs {
        let name = old.name();
        let Some(new) = after.pairs.iter().find(|it| is_same(it, old)) else {
            all.push(format!("{name}: the pair of modes is gone"));
            continue;
        };
        for theorem in Theorem::ALL {
            let (was, is) = (old.theorems.verdict(theorem), new.theorems.verdict(theorem));
            let title = theorem.name();
            if rank(is) < rank(was) {
                all.push(format!("{name}: {title} was {} and is {}", was.word(), is.word()));
            }
            let conditions = |pair: &PairReport| {
                let it: Option<&TheoremReport> = pair.theorems.monitor(theorem);
                it.map(|it| it.conditions.clone()).unwrap_or_default()
            };
            if (was, is) == (Verdict::Holds, Verdict::Holds) {
                let known = conditions(old);
                let more: Vec<String> =
                    conditions(new).into_iter().filter(|it| !known.contains(it)).collect();
                if !more.is_empty() {
                    let more = more.join(" and ");
                    all.push(format!("{name}: {title} holds under a condition more: {more}"));
                }
            }
        }
        for instruction in &new.instructions {
            let worse = worse(&earlier(old, &instruction.name), instruction);
            if !worse.is_empty() {
                all.push(format!("{name}: {} {}", instruction.name, worse.join("; ")));
            }
        }
    }
    all
}

/// What an instruction was: the class of its name, or all cases of what is now cut or joined.
fn earlier<'r>(old: &'r PairReport, name: &str) -> Vec<&'r InstructionReport> {
    let base = |name: &str| name.split('[').next().map(str::to_owned);
    if let Some(it) = old.instructions.iter().find(|it| it.name == name) {
        return vec![it];
    }
    old.instructions.iter().filter(|it| base(&it.name) == base(name)).collect()
}

/// What is true of an unprivileged instruction and was not, in words.
fn worse(old: &[&InstructionReport], new: &InstructionReport) -> Vec<&'static str> {
    let has = |it: &InstructionReport, property: Property, bad: Answer| {
        it.is(Property::Privileged) == Answer::No && it.property(property) == Some(bad)
    };
    let is_new = |property: Property, bad: Answer| {
        has(new, property, bad) && !old.iter().any(|it| has(it, property, bad))
    };
    let mut all = Vec::new();
    if is_new(Property::UserSensitive, Answer::Yes) {
        all.push("is user sensitive and not privileged");
    } else if is_new(Property::Sensitive, Answer::Yes) {
        all.push("is sensitive and not privileged");
    }
    if is_new(Property::Unconfined, Answer::Yes) {
        all.push("is not confined and not privileged");
    }
    if is_new(Property::Statewise, Answer::No) {
        all.push("goes wrong where it is executed directly under a monitor");
    }
    all
}

/// The better a verdict, the more.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Holds => 2,
        Verdict::Undecided => 1,
        Verdict::Refuted | Verdict::Vacuous | Verdict::NotApplicable => 0,
    }
}
