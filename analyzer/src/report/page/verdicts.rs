//! Each theorem with YES, NO or OPEN, and why.

use anstyle::AnsiColor::{Cyan, Green, Red, Yellow};
use model::isa::{Premise, Verdict};
use model::property::Property;
use model::theorem::Theorem;

use super::layout::{Cell, Page, bright};
use super::{PairReport, listed};
use crate::prove::answer::Answer;
use crate::report::text::on_condition;
use crate::report::{InstructionReport, TheoremReport};

/// What the theorems say to a student.
pub(in crate::report) const fn claim(theorem: Theorem) -> &'static str {
    match theorem {
        Theorem::Vmm => "A monitor (VMM) can be built",
        Theorem::Recursive => "It can run under itself, too",
        Theorem::Hvmm => "A hybrid monitor can be built",
    }
}

/// A verdict as a student reads it.
pub(in crate::report) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "YES",
        Verdict::Refuted => "NO",
        Verdict::Undecided => "OPEN",
        Verdict::Vacuous => "VACUOUS",
        Verdict::NotApplicable => "N/A",
    }
}

fn line(page: &mut Page, theorem: Theorem, verdict: Verdict, why: &str) {
    const CLAIM: usize = 29;
    const LEAST: usize = 30;
    let word = word(verdict);
    let color = match verdict {
        Verdict::Holds => Green,
        Verdict::Refuted => Red,
        Verdict::Undecided => Yellow,
        Verdict::Vacuous | Verdict::NotApplicable => Cyan,
    };
    let width = word.len().max(4);
    let name = Cell::new(9, theorem.name());
    let left =
        [name, Cell::new(CLAIM, claim(theorem)), Cell::new(width, word).paint(bright(color))];
    let used = 2 + 9 + 2 + CLAIM + 2 + width + 2;
    if let Some(rest) = page.width().checked_sub(used).filter(|rest| *rest >= LEAST) {
        page.columns(2, &[&left[..], &[Cell::new(rest, why)]].concat());
    } else {
        page.columns(2, &left);
        page.text(13, 13, why);
    }
}

pub(super) fn not_applicable(page: &mut Page) {
    page.gap();
    for theorem in Theorem::ALL {
        line(page, theorem, Verdict::NotApplicable, "the machine has no modes");
    }
    page.gap();
    page.text(0, 0, WITHOUT_MODES);
}

/// Why nothing is decided of a machine without modes.
pub(in crate::report) const WITHOUT_MODES: &str = "The theorems speak of machines with a supervisor and a user mode: \
    a monitor keeps control because its guests run in user mode, where privileged instructions trap. A machine without \
    modes has no privileged instructions in this sense, so there is nothing to decide.";

pub(super) fn render(page: &mut Page, pair: &PairReport) {
    page.gap();
    for theorem in Theorem::ALL {
        line(page, theorem, pair.theorems.verdict(theorem), &why(pair, theorem));
    }
}

/// Why a theorem has its verdict, in one sentence.
pub(in crate::report) fn why(pair: &PairReport, theorem: Theorem) -> String {
    match pair.theorems.monitor(theorem) {
        Some(report) => monitor(pair, theorem, report),
        None => recursive(pair),
    }
}

/// Why Theorem 1 or 3 has its verdict, in one sentence.
fn monitor(pair: &PairReport, theorem: Theorem, it: &TheoremReport) -> String {
    let (property, word) = match theorem {
        Theorem::Hvmm => (Property::UserSensitive, "user sensitive"),
        Theorem::Vmm | Theorem::Recursive => (Property::Sensitive, "sensitive"),
    };
    let condition = on_condition(&it.conditions);
    let vmm = &pair.theorems.vmm;
    let condition = match condition.trim() {
        "" => None,
        _ if theorem.is_hybrid() && vmm.conditions == it.conditions => Some("as Theorem 1"),
        condition => Some(condition),
    };
    let none = pair.instructions.iter().all(|i| i.is(property) == Answer::No);
    let why = match (it.verdict, it.premise) {
        (Verdict::Vacuous, _) => {
            "it is about nothing: no such guest has room beside a monitor, or none is admitted"
                .into()
        }
        (Verdict::Undecided, _) => "undecided, see above".into(),
        (Verdict::Refuted, Premise::Holds) => {
            let goes_wrong = named(pair, theorem, it, &it.refuting);
            format!("every {word} instruction is privileged, yet directly go wrong: {goes_wrong}")
        }
        (_, Premise::Holds) if none => format!("no instruction is {word}"),
        (_, Premise::Holds) => format!("every {word} instruction is privileged"),
        (Verdict::Holds, _) if it.offending.is_empty() => {
            "every unprivileged instruction is safe to run directly".into()
        }
        (Verdict::Holds, _) => format!(
            "{}: {word}, not privileged, but safe to run directly",
            offenders(pair, theorem, it)
        ),
        _ => format!("{}: {word}, not privileged", offenders(pair, theorem, it)),
    };
    condition.map_or(why.clone(), |condition| format!("{condition} ({why})"))
}

fn offenders(pair: &PairReport, theorem: Theorem, it: &TheoremReport) -> String {
    named(pair, theorem, it, &it.offending)
}

/// `jrst[1]`, `popf and 40 more`: first the one that is shown below.
fn named(pair: &PairReport, theorem: Theorem, it: &TheoremReport, names: &[String]) -> String {
    let may: fn(&InstructionReport) -> bool = match theorem {
        Theorem::Hvmm => InstructionReport::may_offend_in_user_mode,
        Theorem::Vmm | Theorem::Recursive => InstructionReport::may_offend,
    };
    let least = if pair.instructions.iter().any(may) { "at least " } else { "" };
    let shown = it.refutation.as_ref().map(|r| r.instruction.as_str());
    let shown = shown.filter(|name| names.iter().any(|other| other == name));
    let all = names.iter().map(String::as_str);
    match (names.len(), shown) {
        (n, _) if n <= 3 => format!("{least}{}", listed(all, ", ")),
        (n, Some(shown)) => format!("{least}{shown} and {} more", n - 1),
        (n, None) => format!("{least}{n} instructions"),
    }
}

/// Theorem 2 asks for Theorem 1, for a monitor without timing dependencies, and for one that is a program of the machine.
fn recursive(pair: &PairReport) -> String {
    let it = &pair.theorems.recursive;
    if pair.theorems.vmm.verdict == Verdict::Refuted {
        return "needs Theorem 1".into();
    }
    if pair.theorems.vmm.verdict != Verdict::Holds {
        return "needs Theorem 1, which is open".into();
    }
    let timed = match it.timed.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} depends on time"),
        many => format!("; {} instructions depend on time", many.len()),
    };
    format!("whether the monitor can be a program of this machine is not decided{timed}")
}

/// What a first instruction behind a trap cannot save of a guest.
pub(super) fn dispatcher(remarks: &mut Vec<String>, pair: &PairReport) {
    let Some(it) = &pair.theorems.recursive.dispatcher else { return };
    let mut say = |what: &str, all: &[String]| {
        if !all.is_empty() {
            remarks.push(format!("Theorem 2: {what} {}.", all.join(", ")));
        }
    };
    say("behind a trap no single instruction, changing nothing else, saves a guest's", &it.lost);
    say("whether an instruction saves these is undecided:", &it.undecided);
    say("no instruction that enters user mode gives back a guest's", &it.unresumed);
    say(
        "whether an instruction that enters user mode gives these back is undecided:",
        &it.resuming_undecided,
    );
}
