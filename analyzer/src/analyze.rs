//! The analysis, from a checked machine to a report.

use std::time::Duration;

use model::diagnostic::Sources;
use model::isa::{Isa, Pair, Profile};

use crate::decide::SolverConfig;
use crate::progress::{Progress, Step, during};
use crate::prove::context::{Context, Tally};
use crate::prove::question::{Backend, DecisionProcedure};
use crate::report::Report;
use crate::report::build::{Finding, report};
use crate::theorems::{counterexample, items, judge};
use crate::traps::expected;

/// What to analyze.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// The reading of the definitions.
    pub profile: Profile,
    /// Judge only the pair `supervisor` or `supervisor:user` of this name.
    pub pair: Option<&'o str>,
    /// Leave open what is not settled after this time.
    pub timeout: Option<Duration>,
}

/// The pairs that the options ask for.
pub(crate) fn pairs<'i>(isa: &'i Isa, options: &Options<'_>) -> Vec<&'i Pair> {
    let chosen = |p: &&Pair| options.pair.is_none_or(|name| names_pair(name, p));
    isa.pairs.iter().filter(chosen).collect()
}

/// Judges every decode class and every theorem of a machine. `progress` is called as it goes on.
pub fn analyze(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    progress: &Progress<'_>,
) -> Report {
    analyze_by(isa, sources, options, &solving(&options), progress)
}

/// The decision procedure as the options want it.
pub(crate) fn solving(options: &Options<'_>) -> DecisionProcedure {
    DecisionProcedure { config: SolverConfig::until(options.timeout) }
}

/// [`analyze`] with answers from `backend`.
pub(crate) fn analyze_by(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    backend: &dyn Backend,
    progress: &Progress<'_>,
) -> Report {
    let pairs = pairs(isa, &options);
    let total = pairs.len() * (items(isa) + 1);
    let step = |step: Step<'_>| progress(step, total);
    let profile = options.profile;
    let of = |pair| {
        let judged = judge(isa, pair, profile, backend, &step);
        let setting = judged.setting(isa, profile);
        // What only shows a result to readers is no obligation.
        let context = Context { setting, backend, tally: &Tally::default() };
        let find = || counterexample::find(context, &judged);
        let counterexamples = during(&step, "counterexamples", find);
        Finding { judged, counterexamples }
    };
    let found: Vec<Finding<'_>> = pairs.into_iter().map(of).collect();
    let outcomes = expected::check(isa, &options);
    report(isa, sources, profile, &found, &outcomes)
}

/// Whether `supervisor`, or `supervisor:user`, names a pair.
pub fn names_pair(name: &str, pair: &Pair) -> bool {
    match name.split_once(':') {
        Some((supervisor, user)) => supervisor == pair.supervisor.0 && user == pair.user.0,
        None => name == pair.supervisor.0,
    }
}
