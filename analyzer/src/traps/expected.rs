//! The outcomes that the author of a specification expects, decided for all states.

use model::diagnostic::Span;
use model::isa::{Class, ExpectedOutcome, Isa, Profile};
use model::state::{Row, State};
use rayon::prelude::*;

use super::derive::{End, InMode, Mode, Which};
use super::no_pair;
use crate::analyze::{Options, solving};
use crate::prove::answer::Existence;
use crate::prove::context::{Context, Tally};
use crate::prove::inquiry::Inquiry;
use crate::prove::setting::Setting;
use crate::prove::witness::{Witness, instance};
use crate::symbolic::execute;

/// What became of an expected outcome.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// What is expected of which class.
    pub(crate) expected: String,
    pub(crate) span: Span,
    /// What was found, where it is something else, and whether that is only undecided.
    pub(crate) otherwise: Option<(String, bool)>,
}

/// Components of a state that are shown.
const SHOWN: usize = 8;

/// Decides every outcome that is expected in the profile, in specification order. These are no obligations of a
/// theorem: the decision procedure answers, whoever answers those.
pub(crate) fn check(isa: &Isa, options: &Options<'_>) -> Vec<Outcome> {
    let (pair, tally, backend) = (no_pair(), Tally::default(), solving(options));
    let setting = Setting::new(isa, &pair, Profile::Refined);
    let context = Context { setting, backend: &backend, tally: &tally };
    let of = |class: &Class| {
        let wanted = class.outcomes.iter().filter(|(profile, _)| *profile == options.profile);
        let wanted: Vec<&ExpectedOutcome> = wanted.flat_map(|(_, all)| all).collect();
        wanted.into_iter().map(|it| outcome(context, class, it)).collect::<Vec<_>>()
    };
    isa.classes.par_iter().with_max_len(1).flat_map_iter(of).collect()
}

fn outcome(context: Context<'_>, class: &Class, it: &ExpectedOutcome) -> Outcome {
    let isa = context.setting.isa;
    let end = End::from(it.outcome);
    let mode = match &it.mode {
        Some((name, value)) => Mode { name: name.clone(), which: Which::One(*value) },
        None => Mode { name: "any mode".into(), which: Which::Any },
    };
    let mut inquiry = Inquiry::new(context, class);
    let problem = &mut inquiry.session.problem;
    let ran = InMode::new(problem, &mode);
    let operands = problem.operands.clone();
    let when = match &it.when {
        Some(e) => execute::value(isa, &mut problem.terms, e, &ran.run.entry, &operands),
        None => problem.terms.bool(true),
    };
    // A memory trap is nobody's outcome but its own.
    let against = |other: End| {
        if it.holds {
            other != end && (end.is_memory(isa) || !other.is_memory(isa))
        } else {
            other == end
        }
    };
    let mut exists = |wanted: &dyn Fn(End) -> bool| {
        let ends = ran.ends(&mut inquiry.session.problem.terms, wanted);
        ran.ask(&mut inquiry, &mode, &[when, ends], |side| wanted(End::of(side)))
    };
    let otherwise = match exists(&against) {
        Existence::Witnessed(witness) => Some((shown(isa, class, &witness), false)),
        Existence::Unknown(why) => Some((format!("undecided: {why}"), true)),
        // Of no state anything is true.
        Existence::Absent(_) => match exists(&|other| if it.holds { other == end } else { true }) {
            Existence::Witnessed(_) => None,
            Existence::Unknown(why) => Some((format!("undecided: {why}"), true)),
            Existence::Absent(_) => {
                let what = if it.holds {
                    "only memory traps, or no state at all"
                } else {
                    "no state at all"
                };
                Some((
                    format!("{what}: the assumptions, the mode and the condition admit no other"),
                    false,
                ))
            }
        },
    };
    let expected = format!("{}: {}", class.name, it.text);
    Outcome { expected, span: it.span, otherwise }
}

/// `traps (illegal): csrrs 0, cycle, 0 with prv = user, mcounteren = 1`.
fn shown(isa: &Isa, class: &Class, witness: &Witness) -> String {
    let (before, after) = (&witness.before[0], &witness.after[0]);
    let cell = format!("{}[", isa.storage.name);
    let rows = State::table(isa, &[before]);
    let set = |row: &Row| {
        row.text(0) != "0" && !row.name.starts_with(&cell) && !row.name.starts_with("phys[")
    };
    let mut rows: Vec<String> = rows
        .iter()
        .filter(|row| set(row))
        .map(|row| format!("{} = {}", row.name, row.text(0)))
        .collect();
    if rows.len() > SHOWN {
        rows.truncate(SHOWN);
        rows.push("…".into());
    }
    let rows = if rows.is_empty() { "all components 0".to_owned() } else { rows.join(", ") };
    let outcome = crate::prove::witness::outcome_word(isa, after);
    format!("{outcome}: {} with {rows}", instance(class, &witness.operands))
}
