//! Runs of a specification, replayed in the interpreter: examples that say what class words do not.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::interp::{Outcome, run_plain, step};
use crate::isa::{Class, Isa, Role, Run, Site, Slice};
use crate::state::{Row, State};

/// A run that came out otherwise than the specification says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Where the run stands.
    pub span: Span,
    /// The class, and what it was to do.
    pub expected: String,
    /// What it did.
    pub found: String,
}

/// Number of runs in a specification.
pub fn count(isa: &Isa) -> usize {
    isa.classes.iter().map(|class| class.runs.len()).sum()
}

/// Replays every run; what the architecture leaves undefined may come out in any way.
pub fn replay(isa: &Isa) -> Vec<Failed> {
    let all = isa.classes.iter().flat_map(|class| class.runs.iter().map(move |run| (class, run)));
    let failed = |(class, run): (&Class, &Run)| {
        let (expected, found) = judge(isa, class, run).err()?;
        let expected = format!("{}: {expected}", class.name);
        Some(Failed { span: run.span, expected, found })
    };
    all.filter_map(failed).collect()
}

/// Whether a run comes out as it should; else what it should have done, and what it did.
fn judge(isa: &Isa, class: &Class, run: &Run) -> Result<(), (String, String)> {
    let outcomes = [0, u128::MAX].map(|any| step(isa, class, &run.operands, &run.before, &|_| any));
    let (mut after, other, mut expected) = match (outcomes, run.traps) {
        ([Outcome::Step(after), Outcome::Step(other)], None) => {
            (after, other, advanced(isa, class, run))
        }
        // Behind a trap only what is named is compared.
        ([Outcome::Trap(id, after), Outcome::Trap(same, other)], Some(trap))
            if id == trap && same == trap =>
        {
            let expected = after.clone();
            (after, other, expected)
        }
        (outcomes, _) => {
            let trap = |id| format!("trap ({})", isa.trap(id).name);
            let wanted = run.traps.map_or_else(|| "completion".into(), trap);
            let words = outcomes.map(|it| word(isa, &it));
            let found = words.iter().find(|w| **w != wanted).unwrap_or(&words[0]).clone();
            return Err((wanted, found));
        }
    };
    for (site, value) in &run.gives {
        site.set(&mut expected, *value);
    }
    forget_undefined(&mut after, &other, &expected);
    if after == expected {
        return Ok(());
    }
    let rows: Vec<Row> =
        State::table(isa, &[&expected, &after]).into_iter().filter(Row::differs).collect();
    let side = |i: usize| {
        let texts: Vec<_> = rows.iter().map(|r| format!("{} = {}", r.name, r.text(i))).collect();
        texts.join(", ")
    };
    Err((side(0), side(1)))
}

/// The state before, with P past the instruction unless the run says where it goes.
fn advanced(isa: &Isa, class: &Class, run: &Run) -> State {
    let moves = |(site, _): &(Site, u128)| match site {
        Site::Part { register, low, width, .. } => {
            let meets = |s: &Slice| *low < s.low + s.width && s.low < low + width;
            isa.register(*register).slices.iter().any(|s| s.role == Role::P && meets(s))
        }
        Site::Cell(_) => false,
    };
    if run.gives.iter().any(moves) {
        run.before.clone()
    } else {
        run_plain(&class.advance, &run.before)
    }
}

/// Makes bits that come out in one way or the other, as the choice has it, what they should be.
fn forget_undefined(after: &mut State, other: &State, expected: &State) {
    let files = after.registers.iter_mut().zip(&other.registers).zip(&expected.registers);
    for ((after, other), expected) in files {
        for ((after, other), expected) in after.iter_mut().zip(other).zip(expected) {
            let undefined = *after ^ other;
            *after = *after & !undefined | expected & undefined;
        }
    }
    let touched: BTreeSet<u128> =
        after.storage.keys().chain(other.storage.keys()).copied().collect();
    for cell in touched {
        let undefined = after.load(cell) ^ other.load(cell);
        after.store(cell, after.load(cell) & !undefined | expected.load(cell) & undefined);
    }
}

fn word(isa: &Isa, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Step(_) => "completion".into(),
        Outcome::Trap(id, _) => format!("trap ({})", isa.trap(*id).name),
        Outcome::Unpredictable => "an unpredictable outcome".into(),
        Outcome::Unknown => "no semantics".into(),
    }
}
