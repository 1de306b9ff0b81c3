//! Every question about one instruction and one de-privileging pair, answered.

use model::isa::{Class, Isa, Pair, Profile};

use crate::decide::{self, By};
use crate::definitions::statewise::{self, Guests};
use crate::definitions::{DEFINITIONS, Definition, Obligation, Side, assumption, privileged};
use crate::problem::Problem;
use crate::replay::Replay;
use crate::verdict::{Answer, Proof, Verdict};
use crate::witness;

/// How many obligations were settled how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Obligations in all.
    pub obligations: u64,
    /// Universal statements proved.
    pub proved: u64,
    /// Existential statements witnessed.
    pub witnessed: u64,
    /// Neither.
    pub undecided: u64,
    /// Settled because the results do not depend on what differs.
    pub by_dependency: u64,
    /// Settled by rewriting under the premises.
    pub by_rewriting: u64,
    /// Settled by a plain assignment that happened to be a witness.
    pub by_evaluation: u64,
    /// Settled by the SAT solver.
    pub by_sat: u64,
    /// Conflicts of the SAT solver.
    pub conflicts: u64,
}

impl Counts {
    /// Adds up.
    pub(crate) fn add(&mut self, other: &Self) {
        self.obligations += other.obligations;
        self.proved += other.proved;
        self.witnessed += other.witnessed;
        self.undecided += other.undecided;
        self.by_dependency += other.by_dependency;
        self.by_rewriting += other.by_rewriting;
        self.by_evaluation += other.by_evaluation;
        self.by_sat += other.by_sat;
        self.conflicts += other.conflicts;
    }
}

/// What is known about one existential property.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) definition: &'static Definition,
    /// The verdict in each mode asked, with that mode.
    pub(crate) verdicts: Vec<(Side, Verdict)>,
}

impl Finding {
    pub(crate) fn answer(&self) -> Answer {
        Answer::any(self.verdicts.iter().map(|(_, v)| answer_of(v)))
    }

    /// The answer from states in user mode; properties across modes have none.
    fn in_user(&self) -> Answer {
        if !self.definition.per_mode {
            return Answer::No;
        }
        Answer::any(
            self.verdicts.iter().filter(|(s, _)| *s == Side::User).map(|(_, v)| answer_of(v)),
        )
    }
}

/// An existential verdict as an answer.
pub(crate) fn answer_of(verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Proved(_) => Answer::No,
        Verdict::Shown(_) => Answer::Yes,
        Verdict::Open(_) => Answer::Undecided,
    }
}

/// The statewise condition in one virtual mode.
#[derive(Debug)]
pub(crate) struct Square {
    pub(crate) side: Side,
    /// Proved: it commutes. Shown: a state where it does not.
    pub(crate) verdict: Verdict,
}

/// Everything known about one class and pair.
#[derive(Debug)]
pub(crate) struct Classification {
    pub(crate) privileged: Answer,
    pub(crate) privileged_evidence: Verdict,
    pub(crate) findings: Vec<Finding>,
    pub(crate) statewise: Vec<Square>,
    /// Per assumption of the specification: whether a step from a mode can break it.
    pub(crate) breaks: Vec<(usize, Side, Verdict)>,
    /// Some state reaches semantics the architecture leaves unpredictable.
    pub(crate) unpredictable: bool,
    pub(crate) counts: Counts,
}

impl Classification {
    pub(crate) fn finding(&self, name: &str) -> Option<&Finding> {
        self.findings.iter().find(|f| f.definition.name == name)
    }

    fn answer(&self, name: &str) -> Answer {
        self.finding(name).map_or(Answer::No, Finding::answer)
    }

    /// Location, mode or general.
    pub(crate) fn behaviour_sensitive(&self) -> Answer {
        Answer::any(
            ["location-sensitive", "mode-sensitive", "behaviour-sensitive"].map(|n| self.answer(n)),
        )
    }

    /// Control or behaviour sensitive, or one of the profile's own classes.
    pub(crate) fn sensitive(&self, profile: Profile) -> Answer {
        let counted =
            self.findings.iter().filter(|f| counts_as_sensitive(f.definition.name, profile));
        Answer::any(counted.map(Finding::answer))
    }

    /// Control sensitive from user mode, or location sensitive (or one of the profile's classes)
    /// with both states in user mode. Mode sensitivity is no part of it.
    pub(crate) fn user_sensitive(&self, profile: Profile) -> Answer {
        let counted =
            self.findings.iter().filter(|f| counts_as_sensitive(f.definition.name, profile));
        Answer::any(counted.map(Finding::in_user))
    }

    /// Whether the square commutes in all of the given virtual modes.
    pub(crate) fn commutes(squares: &[Square], sides: &[Side]) -> Answer {
        let asked = squares.iter().filter(|s| sides.contains(&s.side));
        Answer::any(asked.map(|s| answer_of(&s.verdict))).negated()
    }
}

fn counts_as_sensitive(name: &str, profile: Profile) -> bool {
    name != "time-sensitive" || profile == Profile::Extended
}

/// Answers every question about one class.
pub(crate) fn classify(isa: &Isa, class: &Class, pair: &Pair, profile: Profile) -> Classification {
    let mut judge =
        Judge { problem: Problem::new(isa, class), pair, profile, counts: Counts::default() };
    let (privileged, privileged_evidence) = judge.privileged();
    let mut findings: Vec<Finding> = Vec::new();
    for definition in DEFINITIONS.iter().filter(|d| (d.applies)(profile)) {
        // Either special case of behaviour sensitivity settles the general one.
        let special =
            |f: &Finding| ["location-sensitive", "mode-sensitive"].contains(&f.definition.name);
        let settled = findings.iter().any(|f| special(f) && f.answer().is_yes());
        if !(settled && definition.name == "behaviour-sensitive") {
            findings.push(judge.finding(definition));
        }
    }
    let statewise = judge.statewise(guests(profile));
    let breaks = judge.breaks();
    let unpredictable = reaches_unpredictable(&class.body.statements);
    let mut classification = Classification {
        privileged,
        privileged_evidence,
        findings,
        statewise,
        breaks,
        unpredictable,
        counts: judge.counts,
    };
    judge.polish(&mut classification);
    classification
}

/// The statewise condition for a single unrelocated guest, with the effort it took.
pub(crate) fn unrelocated(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
) -> (Vec<Square>, Counts) {
    let mut judge =
        Judge { problem: Problem::new(isa, class), pair, profile, counts: Counts::default() };
    (judge.statewise(Guests::Unrelocated), judge.counts)
}

/// A small witness that a class's square does not commute in a virtual mode, and what is wrong.
pub(crate) fn refutation(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    side: Side,
) -> (Verdict, Vec<&'static str>) {
    let mut judge =
        Judge { problem: Problem::new(isa, class), pair, profile, counts: Counts::default() };
    let verdict = judge.square(side, guests(profile), true);
    let broken = match &verdict {
        Verdict::Shown(witness) => {
            statewise::broken(&witness.replay(isa, class, pair), guests(profile))
        }
        Verdict::Proved(_) | Verdict::Open(_) => Vec::new(),
    };
    (verdict, broken)
}

/// The guests a profile speaks of.
fn guests(profile: Profile) -> Guests {
    if profile == Profile::Extended { Guests::All } else { Guests::Paper }
}

fn reaches_unpredictable(statements: &[model::isa::Stmt]) -> bool {
    use model::isa::Stmt;
    statements.iter().any(|s| match s {
        Stmt::Unpredictable => true,
        Stmt::If(_, yes, no) => reaches_unpredictable(yes) || reaches_unpredictable(no),
        Stmt::Block(inner) => reaches_unpredictable(inner),
        Stmt::Local(..)
        | Stmt::Register(..)
        | Stmt::Element(..)
        | Stmt::Store(..)
        | Stmt::Exit(_)
        | Stmt::Trap(..)
        | Stmt::Commit
        | Stmt::Unknown => false,
    })
}

struct Judge<'i> {
    problem: Problem<'i>,
    pair: &'i Pair,
    profile: Profile,
    counts: Counts,
}

/// What a replay must confirm.
type Shows<'a> = &'a dyn Fn(&Replay<'_>) -> bool;

impl Judge<'_> {
    /// Decides an existential statement; a witness counts only after it was replayed.
    fn exists(&mut self, obligation: &Obligation, shows: Shows<'_>, small: bool) -> (Verdict, By) {
        let wishes = small.then(|| witness::wishes(&mut self.problem, obligation));
        let (answer, by) =
            decide::decide(&mut self.problem.terms, &obligation.query, wishes.as_ref());
        let verdict = match answer {
            decide::Answer::Unsat => self.proved(obligation, by),
            decide::Answer::Sat(model) => {
                let (replay, witness) = witness::read(&self.problem, self.pair, obligation, &model);
                if replay.admitted() && shows(&replay) {
                    Verdict::Shown(Box::new(witness))
                } else {
                    Verdict::Open(
                        "internal error: the witness does not replay; please report this".into(),
                    )
                }
            }
            decide::Answer::Unknown(why) => Verdict::Open(why),
        };
        (verdict, by)
    }

    /// Nothing was found: a proof, unless missing semantics can be reached.
    fn proved(&mut self, obligation: &Obligation, by: By) -> Verdict {
        let premises = obligation.query.premises.clone();
        let query = decide::Query { premises, goal: obligation.unknown };
        match decide::decide(&mut self.problem.terms, &query, None) {
            (decide::Answer::Unsat, _) => Verdict::Proved(Proof::new(by)),
            _ => Verdict::Open("the specification leaves semantics unknown".into()),
        }
    }

    /// Decides and counts.
    fn settle(&mut self, obligation: &Obligation, shows: Shows<'_>) -> Verdict {
        let (verdict, by) = self.exists(obligation, shows, false);
        let counts = &mut self.counts;
        counts.obligations += 1;
        match &verdict {
            Verdict::Proved(_) => counts.proved += 1,
            Verdict::Shown(_) => counts.witnessed += 1,
            Verdict::Open(_) => counts.undecided += 1,
        }
        match by {
            By::Dependency => counts.by_dependency += 1,
            By::Rewriting => counts.by_rewriting += 1,
            By::Evaluation => counts.by_evaluation += 1,
            By::Sat(conflicts) => {
                counts.by_sat += 1;
                counts.conflicts += conflicts;
            }
        }
        verdict
    }

    fn privileged(&mut self) -> (Answer, Verdict) {
        let profile = self.profile;
        let questions = privileged::ask(&mut self.problem, self.pair, profile);
        let (premise, against, completing) =
            (questions.premise.clone(), questions.against.clone(), questions.completing.clone());
        let mut obligation = questions.obligation(against);
        let against = self.settle(&obligation, &|r| privileged::refuted_by(r, profile));
        match against {
            Verdict::Shown(_) => return (Answer::No, against),
            Verdict::Open(_) => return (Answer::Undecided, against),
            Verdict::Proved(_) => {}
        }
        obligation.query = premise;
        match self.settle(&obligation, &privileged::within) {
            Verdict::Shown(_) => {}
            Verdict::Proved(_) => return (Answer::Vacuous, against),
            open @ Verdict::Open(_) => return (Answer::Undecided, open),
        }
        if profile == Profile::Literal {
            return (Answer::Yes, against);
        }
        obligation.query = completing;
        match self.settle(&obligation, &privileged::completed_by) {
            Verdict::Shown(_) => (Answer::Yes, against),
            none @ Verdict::Proved(_) => (Answer::No, none),
            open @ Verdict::Open(_) => (Answer::Undecided, open),
        }
    }

    fn finding(&mut self, definition: &'static Definition) -> Finding {
        let sides: &[Side] = if definition.per_mode { &Side::BOTH } else { &[Side::Supervisor] };
        let verdicts =
            sides.iter().map(|&side| (side, self.one(definition, side, false))).collect();
        Finding { definition, verdicts }
    }

    fn one(&mut self, definition: &Definition, side: Side, small: bool) -> Verdict {
        let profile = self.profile;
        let obligation = (definition.ask)(&mut self.problem, self.pair, side, profile);
        let shows = |r: &Replay<'_>| (definition.shown_by)(r, side, profile);
        if small {
            self.exists(&obligation, &shows, true).0
        } else {
            self.settle(&obligation, &shows)
        }
    }

    fn statewise(&mut self, guests: Guests) -> Vec<Square> {
        let of = |side| Square { side, verdict: self.square(side, guests, false) };
        Side::BOTH.map(of).into()
    }

    fn square(&mut self, side: Side, guests: Guests, small: bool) -> Verdict {
        let mut verdict = Verdict::Proved(Proof::new(By::Dependency));
        for case in guests.cases() {
            let Some(obligation) =
                statewise::ask(&mut self.problem, self.pair, side, guests, *case)
            else {
                return Verdict::Open("the machine has no relocation and bounds".into());
            };
            let shows = |r: &Replay<'_>| statewise::refuted_by(r, side, guests);
            let one = if small {
                self.exists(&obligation, &shows, true).0
            } else {
                self.settle(&obligation, &shows)
            };
            match one {
                Verdict::Shown(_) => return one,
                Verdict::Open(_) => verdict = one,
                Verdict::Proved(_) => {}
            }
        }
        verdict
    }

    /// Which assumptions a step can break, by the mode it starts from.
    fn breaks(&mut self) -> Vec<(usize, Side, Verdict)> {
        let mut all = Vec::new();
        for index in 0..self.problem.isa.assumptions.len() {
            for side in Side::BOTH {
                let obligation = assumption::ask(&mut self.problem, self.pair, side, index);
                let verdict = self.settle(&obligation, &|r| assumption::broken_by(r, index));
                all.push((index, side, verdict));
            }
        }
        all
    }

    /// Makes the witnesses small that a reader is going to see: those of sensitive instructions
    /// that are not privileged.
    fn polish(&mut self, it: &mut Classification) {
        let sensitive = it.sensitive(self.profile).is_yes();
        if it.privileged.is_yes()
            || !(sensitive || it.statewise.iter().any(|s| s.verdict.is_shown()))
        {
            return;
        }
        let first = it.findings.iter_mut().find(|f| f.answer().is_yes());
        if let Some(finding) = first
            && let Some((side, verdict)) =
                finding.verdicts.iter_mut().rev().find(|(_, v)| v.is_shown())
            && let small @ Verdict::Shown(_) = self.one(finding.definition, *side, true)
        {
            *verdict = small;
        }
    }
}
