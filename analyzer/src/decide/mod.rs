//! From a query to an answer: dependency, rewriting, then SAT.

mod blast;
mod earlier;
mod search;
mod simplify;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use crate::sat::batsat::BatSat;
use crate::sat::{Budget, Outcome, SatSolver};
use crate::symbolic::facts::Facts;
use crate::symbolic::model::Model;
use crate::symbolic::term::{Term, Terms};
use blast::Solver;
pub(crate) use blast::{Blasted, Formula, Lemma};
pub(crate) use earlier::ModelCache;
use search::Plan;

/// A question: is there an assignment with all premises and the goal true?
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) premises: Vec<Term>,
    pub(crate) goal: Term,
}

/// How a query was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The results are the same term: they do not depend on what differs.
    Dependency,
    /// The premises rewrite the goal away.
    Rewriting,
    /// A plain assignment happens to be a model.
    Evaluation,
    /// The SAT solver, after this many conflicts.
    Sat(u64),
}

/// What is known about a query.
#[derive(Debug)]
pub(crate) enum Satisfiability {
    /// There is none.
    Unsat,
    /// There is one.
    Sat(Model),
    /// The budget ran out.
    Unknown(String),
}

/// Whether the user wants no more answers.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Has every analysis of this process leave open what is not settled yet, and come to its end.
pub fn stop() {
    STOPPED.store(true, Relaxed);
}

/// Whether [`stop`] was called: what loops long looks at this.
pub fn stopped() -> bool {
    STOPPED.load(Relaxed)
}

/// The SAT solver that decides, and when it has to stop.
#[derive(Clone, Copy)]
pub(crate) struct SolverConfig {
    pub(crate) solver: fn() -> Box<dyn SatSolver>,
    /// The same, keeping a record for proofs.
    pub(crate) recording: fn() -> Box<dyn SatSolver>,
    /// Asked for by the user; without one, effort is bounded in deterministic units.
    pub(crate) deadline: Option<Instant>,
    /// Conflicts a query may take at most.
    pub(crate) conflicts: u64,
}

impl SolverConfig {
    /// The built-in solver, without a deadline.
    pub(crate) fn new() -> Self {
        Self {
            solver: || Box::new(BatSat::new()),
            recording: || Box::new(BatSat::recording()),
            deadline: None,
            conflicts: CONFLICTS,
        }
    }

    /// The built-in solver, which stops after a time if there is one.
    pub(crate) fn until(timeout: Option<std::time::Duration>) -> Self {
        Self { deadline: timeout.map(|timeout| Instant::now() + timeout), ..Self::new() }
    }

    /// Why a question is left open for which it is too late.
    pub(crate) fn too_late(&self) -> Option<String> {
        if stopped() {
            return Some("interrupted".into());
        }
        let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        late.then(|| "the time is up".into())
    }

    pub(crate) fn budget(&self, conflicts: u64) -> Budget {
        Budget { conflicts, deadline: self.deadline }
    }
}

/// Conflicts a query may take, unless less is asked for.
const CONFLICTS: u64 = 200_000;

/// Conflicts times clauses that the queries of one class may take together: deterministic, some
/// seconds at most. What a conflict costs grows with the formula.
const WORK: u64 = 4_000_000_000;

/// Conflicts that every query may take, whatever was spent before.
const LEAST: u64 = 1_000;

/// Gates of a circuit; what is larger is left open.
pub(crate) const GATES: usize = 4_000_000;

/// Terms to make small in a model, most important first.
pub(crate) type MinimisationGoals = Vec<Term>;

/// What the questions about one class share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Still to be spent, in conflicts times clauses.
    work: u64,
    pub(crate) earlier: ModelCache,
}

impl Default for Shared {
    fn default() -> Self {
        Self { work: WORK, earlier: ModelCache::default() }
    }
}

/// Decides a query and takes what that costs from the session. With minimisation
/// goals, each of them is made false, or zero, in order, where the ones before leave it possible.
pub(crate) fn decide(
    config: SolverConfig,
    terms: &mut Terms,
    query: &Query,
    minimise: Option<&MinimisationGoals>,
    session: &mut Shared,
) -> (Satisfiability, By) {
    let (answer, by) = search(config, terms, query, minimise, session);
    if let Satisfiability::Sat(model) = &answer {
        session.earlier.keep(terms, model);
    }
    (answer, by)
}

fn search(
    config: SolverConfig,
    terms: &mut Terms,
    query: &Query,
    minimise: Option<&MinimisationGoals>,
    session: &mut Shared,
) -> (Satisfiability, By) {
    if terms.is_false(query.goal) {
        return (Satisfiability::Unsat, By::Dependency);
    }
    let mut facts = Facts::default();
    for &premise in &query.premises {
        if terms.is_false(premise) {
            return (Satisfiability::Unsat, By::Rewriting);
        }
        facts.assume(terms, premise);
    }
    let goal = simplify::under(terms, &facts, query.goal);
    if terms.is_false(goal) {
        return (Satisfiability::Unsat, By::Rewriting);
    }
    if let Some(why) = config.too_late() {
        return (Satisfiability::Unknown(why), By::Rewriting);
    }
    let with = |goal| query.premises.iter().copied().chain([goal]).collect::<Vec<Term>>();
    if minimise.is_none() {
        let plan = Plan::new(terms, &with(goal));
        if let Some(model) = plan.guess().or_else(|| plan.recall(&session.earlier)) {
            return (Satisfiability::Sat(model), By::Evaluation);
        }
    }
    let goal = simplify::by_cases(terms, &facts, goal, simplify::QUICK);
    if terms.is_false(goal) {
        return (Satisfiability::Unsat, By::Rewriting);
    }
    let mut goal = goal;
    if minimise.is_none() {
        let mut scene = Scene::new(config, terms, &with(goal));
        let mut found = scene.as_mut().map(|scene| scene.search(terms, SOON));
        if let Some(Found::Open) = found {
            // Most models are found at once; where none is, rewriting is cheaper than a long search.
            let less = simplify::by_cases(terms, &facts, goal, simplify::THOROUGH);
            if terms.is_false(less) {
                return (Satisfiability::Unsat, By::Rewriting);
            }
            if less != goal {
                (goal, scene) = (less, Scene::new(config, terms, &with(less)));
            }
            found = scene.as_mut().map(|scene| scene.search(terms, ON_SCENE));
        }
        if let Some(Found::Model(model, conflicts)) = found {
            return (Satisfiability::Sat(model), By::Sat(conflicts));
        }
    }
    let roots = with(goal);
    let large = minimise.is_some() && Plan::new(terms, &roots).len() > MINIMISED;
    let mut scene = if large { Scene::new(config, terms, &roots) } else { None };
    let solved = scene.as_mut().map(|scene| scene.search(terms, ON_SCENE));
    let plan = Plan::new(terms, &roots);
    // A solver finds the smaller witnesses; where it would take long, values are tried instead.
    let small = plan.len() <= MINIMISED;
    let by_values = |model| match minimise {
        Some(minimise) => plan.shrink(model, minimise),
        None => model,
    };
    if minimise.is_some() && !small {
        let (solved, by) = match solved {
            Some(Found::Model(model, conflicts)) => (Some(model), By::Sat(conflicts)),
            Some(Found::Nothing | Found::Open) | None => (None, By::Evaluation),
        };
        // Readers get the one with less in it.
        let known = minimise.and_then(|_| plan.recall(&session.earlier));
        let models = known.into_iter().chain(solved);
        if let Some(model) = models.map(by_values).min_by_key(Model::weight) {
            return (Satisfiability::Sat(model), by);
        }
    }
    let asked = if small { minimise.map_or(&[][..], Vec::as_slice) } else { &[] };
    let blasted = Blasted::new(terms, &roots, asked);
    if blasted.gates() > GATES {
        return (
            Satisfiability::Unknown(format!("the circuit has more than {GATES} gates")),
            By::Sat(0),
        );
    }
    let Some(mut solver) = blasted.solver(config.solver) else {
        return (Satisfiability::Unsat, By::Rewriting);
    };
    let clauses = solver.clauses().max(1);
    let conflicts = (session.work / 2 / clauses).max(LEAST).min(config.conflicts);
    let budget = config.budget(conflicts);
    let answer = match solver.solve(&[], budget) {
        Outcome::Unsat => Satisfiability::Unsat,
        Outcome::Unknown => Satisfiability::Unknown(
            config.too_late().unwrap_or_else(|| format!("no answer within {conflicts} conflicts")),
        ),
        Outcome::Sat => match small_model(config, terms, &mut solver, budget) {
            Satisfiability::Sat(model) => Satisfiability::Sat(by_values(model)),
            answer => answer,
        },
    };
    session.work = session.work.saturating_sub(solver.conflicts().saturating_mul(clauses));
    (answer, By::Sat(solver.conflicts()))
}

/// What rewriting leaves of a query: its premises and the rest of its goal; `None` if nothing.
pub(crate) fn remains(terms: &mut Terms, query: &Query) -> Option<Vec<Term>> {
    let mut facts = Facts::default();
    for &premise in &query.premises {
        facts.assume(terms, premise);
    }
    let goal = simplify::under(terms, &facts, query.goal);
    let mut goal = simplify::by_cases(terms, &facts, goal, simplify::QUICK);
    if !terms.is_false(goal) {
        goal = simplify::by_cases(terms, &facts, goal, simplify::THOROUGH);
    }
    let roots: Vec<Term> = query.premises.iter().copied().chain([goal]).collect();
    (!roots.iter().any(|root| terms.is_false(*root))).then_some(roots)
}

/// The search for a model with the suggested values: a smaller formula, and most models are there.
struct Scene {
    config: SolverConfig,
    roots: Vec<Term>,
    solver: Solver,
}

/// What such a search came to.
enum Found {
    /// A model, after this many conflicts.
    Model(Model, u64),
    Nothing,
    Open,
}

impl Scene {
    /// `None` if there is no model, or the circuit is too large.
    fn new(config: SolverConfig, terms: &mut Terms, roots: &[Term]) -> Option<Self> {
        let scene: Vec<Term> = roots.iter().map(|root| terms.with_suggestions(*root)).collect();
        if scene.iter().any(|root| terms.is_false(*root)) {
            return None;
        }
        let blasted = Blasted::new(terms, &scene, &[]);
        let small = blasted.gates() <= GATES;
        let solver = if small { blasted.solver(config.solver)? } else { return None };
        Some(Self { config, roots: roots.to_vec(), solver })
    }

    fn search(&mut self, terms: &Terms, conflicts: u64) -> Found {
        match self.solver.solve(&[], self.config.budget(conflicts)) {
            Outcome::Sat => {}
            Outcome::Unsat => return Found::Nothing,
            Outcome::Unknown => return Found::Open,
        }
        let mut model = self.solver.model(terms);
        let plan = Plan::new(terms, &self.roots);
        plan.set_scene(&mut model);
        if plan.satisfied(&model) {
            Found::Model(model, self.solver.conflicts())
        } else {
            Found::Nothing
        }
    }
}

/// Conflicts after which other ways are tried before the search with suggested values goes on.
const SOON: u64 = 300;

/// Conflicts the search with suggested values may take.
const ON_SCENE: u64 = 5_000;

/// The model at hand, or one in which more of the minimisation goals are met.
fn small_model(
    config: SolverConfig,
    terms: &Terms,
    solver: &mut Solver,
    budget: Budget,
) -> Satisfiability {
    let mut fixed: Vec<i32> = Vec::new();
    let minimise = solver.minimise();
    if minimise.is_empty() {
        return Satisfiability::Sat(solver.model(terms));
    }
    for wish in minimise.into_iter().take(STEPS).filter(|wish| !wish.is_empty()) {
        let kept = fixed.len();
        fixed.extend(wish);
        if solver.solve(&fixed, config.budget(MINIMISING)) != Outcome::Sat {
            fixed.truncate(kept);
        }
    }
    // The last step may have failed: solve once more for a model of everything kept.
    match solver.solve(&fixed, budget) {
        Outcome::Sat => Satisfiability::Sat(solver.model(terms)),
        Outcome::Unsat | Outcome::Unknown => {
            Satisfiability::Unknown(config.too_late().unwrap_or_else(|| {
                "internal error: a model was lost while it was made small".into()
            }))
        }
    }
}

/// Most terms of a query whose witness the solver makes small.
const MINIMISED: usize = 250;

/// Minimisation goals that the solver is asked for; trying values does the rest.
const STEPS: usize = 60;

/// Conflicts one step of minimising may take.
const MINIMISING: u64 = 20;
