//! Every question about one instruction and one de-privileging pair, answered.

use model::isa::{Class, Isa, Pair, Profile, TrapId};
use model::map::VmMap;

use crate::decide::{By, Earlier};
use crate::definitions::dispatch::Way;
use crate::definitions::privileged::Part;
use crate::definitions::statewise::{self, Case, Guests};
use crate::definitions::{
    DEFINITIONS, Definition, Side, allocator, assumption, dispatch, privileged, sequence,
};
use crate::settle::{Docket, Question, Settle};
use crate::verdict::{Answer, Proof, Verdict};
use crate::witness::Witness;

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
    /// Counts one settled obligation.
    pub(crate) fn count(&mut self, verdict: &Verdict, by: By) {
        self.obligations += 1;
        match verdict {
            Verdict::Proved(_) => self.proved += 1,
            Verdict::Shown(_) => self.witnessed += 1,
            Verdict::Open(_) => self.undecided += 1,
        }
        match by {
            By::Dependency => self.by_dependency += 1,
            By::Rewriting => self.by_rewriting += 1,
            By::Evaluation => self.by_evaluation += 1,
            By::Sat(conflicts) => {
                self.by_sat += 1;
                self.conflicts += conflicts;
            }
        }
    }

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
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub(crate) struct Square {
    pub(crate) side: Side,
    /// Proved: it commutes. Shown: a state where it does not.
    pub(crate) verdict: Verdict,
}

/// What is known about the sequence of one trap.
#[derive(Debug)]
pub(crate) struct Sequence {
    pub(crate) trap: TrapId,
    pub(crate) stores: sequence::Stores,
    /// Proved: it leaves the partition alone.
    pub(crate) partition: Verdict,
    /// Proved: the dispatcher finds behind it what was before it.
    pub(crate) saved: Verdict,
}

/// Everything known about one class and pair.
#[derive(Debug, Clone)]
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
    /// The models found, for what is asked about the class later.
    pub(crate) earlier: Earlier,
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
pub(crate) fn classify(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    settle: &dyn Settle,
) -> Classification {
    let mut judge = Judge::new(isa, class, pair, profile, settle);
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
        earlier: Earlier::default(),
    };
    judge.polish(&mut classification);
    classification.earlier = judge.docket.session.earlier;
    classification
}

/// Whether there is a single unrelocated guest in a virtual mode, whose window contains no trap
/// cell: a mode that bypasses relocation leaves none, and what is proved of none says nothing.
pub(crate) fn unrelocated_exists(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    side: Side,
    settle: &dyn Settle,
) -> Answer {
    let mut docket = Docket::new(isa, class, pair, profile);
    let guests = Guests::Unrelocated;
    let mut answer = Answer::Vacuous;
    for case in guests.cases() {
        let question = Question {
            name: format!("statewise/{}/{}/{}/premise", guests.word(), side.word(), case.word()),
            ask: &|problem| {
                let mut obligation = statewise::ask(problem, pair, side, guests, *case);
                obligation.query.goal = problem.terms.bool(true);
                obligation
            },
            shows: &|_| true,
        };
        match settle.settle(&mut docket, &question).0 {
            Verdict::Shown(_) => return Answer::Yes,
            Verdict::Open(_) => answer = Answer::Undecided,
            Verdict::Proved(_) => {}
        }
    }
    answer
}

/// The statewise condition for a single unrelocated guest, with the effort it took.
pub(crate) fn unrelocated(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    earlier: &Earlier,
    settle: &dyn Settle,
) -> (Vec<Square>, Counts) {
    let mut judge = Judge::new(isa, class, pair, profile, settle);
    judge.docket.session.earlier = earlier.clone();
    (judge.statewise(Guests::Unrelocated), judge.counts)
}

/// A small witness that a class's square does not commute in a virtual mode, and what is wrong.
pub(crate) fn refutation(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    side: Side,
    settle: &dyn Settle,
) -> Option<(Box<Witness>, Vec<&'static str>)> {
    let mut judge = Judge::new(isa, class, pair, profile, settle);
    let guests = guests(profile);
    let of = |case: &Case| judge.small_square(side, guests, *case);
    let shown = guests.cases().iter().map(of).find(Verdict::is_shown)?;
    let Verdict::Shown(witness) = shown else { return None };
    let broken = statewise::broken(&witness.replay(isa, class, pair), guests);
    Some((witness, broken))
}

/// The square of one class where its image traps, in the modes asked for; nothing where it never
/// traps.
pub(crate) fn trapped(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    sides: &[Side],
    settle: &dyn Settle,
) -> (Vec<Square>, Counts) {
    if !dispatch::may_trap(&class.body.statements, &|_| true) {
        return (Vec::new(), Counts::default());
    }
    let mut judge = Judge::new(isa, class, pair, profile, settle);
    let guests = guests(profile);
    let of = |side: &Side| {
        let one = |judge: &mut Judge<'_>, case| judge.trapped_square(*side, guests, case);
        Square { side: *side, verdict: judge.by_case(guests, one) }
    };
    let squares = sides.iter().map(of).collect();
    (squares, judge.counts)
}

/// A small witness that a class's guest is not found again behind a trap, and what is lost.
pub(crate) fn loss(
    isa: &Isa,
    class: &Class,
    pair: &Pair,
    profile: Profile,
    side: Side,
    settle: &dyn Settle,
) -> Option<(Verdict, Vec<&'static str>)> {
    let mut judge = Judge::new(isa, class, pair, profile, settle);
    let guests = guests(profile);
    let of = |case: &Case| judge.trapped_case(side, guests, *case, Way::Either, Judge::small);
    let shown = guests.cases().iter().map(of).find(Verdict::is_shown)?;
    let Verdict::Shown(witness) = &shown else { return None };
    let lost = dispatch::lost(&witness.replay(isa, class, pair), Way::Either);
    Some((shown, lost))
}

/// The allocator's obligations in the modes asked for.
pub(crate) fn allocator(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    sides: &[Side],
    settle: &dyn Settle,
) -> (Vec<Square>, Counts) {
    let Some(class) = isa.classes.first() else { return (Vec::new(), Counts::default()) };
    let mut judge = Judge::new(isa, class, pair, profile, settle);
    let guests = guests(profile);
    let of = |side: &Side| {
        let one = |judge: &mut Judge<'_>, case: Case| {
            judge.settle(&Question {
                name: format!("allocator/{}/{}/{}", guests.word(), side.word(), case.word()),
                ask: &|problem| allocator::ask(problem, pair, *side, guests, case),
                shows: &|replay| allocator::shown_by(replay, *side, guests),
            })
        };
        Square { side: *side, verdict: judge.by_case(guests, one) }
    };
    let squares = sides.iter().map(of).collect();
    (squares, judge.counts)
}

/// What the trap sequence must not do, by trap: write to the partition, and lose what it saves.
pub(crate) fn sequences(
    isa: &Isa,
    pair: &Pair,
    profile: Profile,
    settle: &dyn Settle,
) -> (Vec<Sequence>, Counts) {
    let Some(class) = isa.classes.first() else { return (Vec::new(), Counts::default()) };
    let mut judge = Judge::new(isa, class, pair, profile, settle);
    let mut all = Vec::new();
    for (index, trap) in isa.traps.iter().enumerate() {
        let id = TrapId(index as u32);
        let stores = sequence::stores(isa, class, pair, id);
        let partition = judge.settle(&Question {
            name: format!("sequence/{}/partition", trap.name),
            ask: &|problem| sequence::ask_partition(problem, pair, id, stores),
            shows: &|replay| sequence::partition_shown_by(replay, id),
        });
        let saved = judge.settle(&Question {
            name: format!("sequence/{}/saved", trap.name),
            ask: &|problem| sequence::ask_saved(problem, pair, id, stores),
            shows: &|replay| sequence::saved_shown_by(replay, id),
        });
        all.push(Sequence { trap: id, stores, partition, saved });
    }
    (all, judge.counts)
}

/// The guests a profile speaks of.
pub(crate) fn guests(profile: Profile) -> Guests {
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
    docket: Docket<'i>,
    settle: &'i dyn Settle,
    counts: Counts,
}

impl<'i> Judge<'i> {
    fn new(
        isa: &'i Isa,
        class: &'i Class,
        pair: &'i Pair,
        profile: Profile,
        settle: &'i dyn Settle,
    ) -> Self {
        let docket = Docket::new(isa, class, pair, profile);
        Self { docket, settle, counts: Counts::default() }
    }

    /// Settles a question and counts.
    fn settle(&mut self, question: &Question<'_>) -> Verdict {
        let (verdict, by) = self.settle.settle(&mut self.docket, question);
        self.counts.count(&verdict, by);
        verdict
    }

    fn privileged(&mut self) -> (Answer, Verdict) {
        let against = self.privileged_part(Part::Against);
        match against {
            Verdict::Shown(_) => return (Answer::No, against),
            Verdict::Open(_) => return (Answer::Undecided, against),
            Verdict::Proved(_) => {}
        }
        match self.privileged_part(Part::Premise) {
            Verdict::Shown(_) => {}
            Verdict::Proved(_) => return (Answer::Vacuous, against),
            open @ Verdict::Open(_) => return (Answer::Undecided, open),
        }
        if self.docket.profile == Profile::Literal {
            return (Answer::Yes, against);
        }
        match self.privileged_part(Part::Completing) {
            Verdict::Shown(_) => (Answer::Yes, against),
            none @ Verdict::Proved(_) => (Answer::No, none),
            open @ Verdict::Open(_) => (Answer::Undecided, open),
        }
    }

    fn privileged_part(&mut self, part: Part) -> Verdict {
        let (pair, profile) = (self.docket.pair, self.docket.profile);
        self.settle(&Question {
            name: part.name().into(),
            ask: &|problem| privileged::ask(problem, pair, profile, part),
            shows: &|replay| privileged::shown_by(replay, profile, part),
        })
    }

    fn finding(&mut self, definition: &'static Definition) -> Finding {
        let sides: &[Side] = if definition.per_mode { &Side::BOTH } else { &[Side::Supervisor] };
        let mut verdicts = Vec::new();
        // What is possible in user mode often is in supervisor mode, and not the other way round.
        for &side in sides.iter().rev() {
            let verdict = self.defined(definition, side, |judge, q| Some(judge.settle(q)));
            verdicts.extend(verdict.map(|v| (side, v)));
        }
        verdicts.reverse();
        Finding { definition, verdicts }
    }

    /// Puts a definition's question.
    fn defined(
        &mut self,
        definition: &Definition,
        side: Side,
        put: impl Fn(&mut Self, &Question<'_>) -> Option<Verdict>,
    ) -> Option<Verdict> {
        let (pair, profile) = (self.docket.pair, self.docket.profile);
        let name = if definition.per_mode {
            format!("{}/{}", definition.name, side.word())
        } else {
            definition.name.to_owned()
        };
        let question = Question {
            name,
            ask: &|problem| (definition.ask)(problem, pair, side, profile),
            shows: &|replay| (definition.shown_by)(replay, side, profile),
        };
        put(self, &question)
    }

    fn statewise(&mut self, guests: Guests) -> Vec<Square> {
        // As in `finding`, user mode first.
        let [supervisor, user] = Side::BOTH;
        let squares = [user, supervisor].map(|side| {
            let verdict = self.square(side, guests);
            Square { side, verdict }
        });
        squares.into_iter().rev().collect()
    }

    fn square(&mut self, side: Side, guests: Guests) -> Verdict {
        self.by_case(guests, |judge, case| judge.square_case(side, guests, case, Self::settle))
    }

    /// A statement that has to hold in every case of f: the first failure, else what is open.
    fn by_case(&mut self, guests: Guests, put: impl Fn(&mut Self, Case) -> Verdict) -> Verdict {
        if VmMap::of(self.docket.problem.isa).is_none() {
            return Verdict::Open("the machine has no relocation and bounds".into());
        }
        let mut verdict = Verdict::Proved(Proof::new(By::Dependency));
        for case in guests.cases() {
            let one = put(self, *case);
            match one {
                Verdict::Shown(_) => return one,
                Verdict::Open(_) => verdict = one,
                Verdict::Proved(_) => {}
            }
        }
        verdict
    }

    fn square_case(
        &mut self,
        side: Side,
        guests: Guests,
        case: Case,
        put: impl Fn(&mut Self, &Question<'_>) -> Verdict,
    ) -> Verdict {
        let pair = self.docket.pair;
        let question = Question {
            name: format!("statewise/{}/{}/{}", guests.word(), side.word(), case.word()),
            ask: &|problem| statewise::ask(problem, pair, side, guests, case),
            shows: &|replay| statewise::refuted_by(replay, side, guests),
        };
        put(self, &question)
    }

    fn small_square(&mut self, side: Side, guests: Guests, case: Case) -> Verdict {
        self.square_case(side, guests, case, Self::small)
    }

    /// Either way per state is enough where an instruction commits nothing; otherwise the dispatcher
    /// must know from the instruction, the virtual mode and the trap which way to go.
    fn trapped_square(&mut self, side: Side, guests: Guests, case: Case) -> Verdict {
        let either = self.trapped_case(side, guests, case, Way::Either, Self::settle);
        let commits = dispatch::commits(&self.docket.problem.class.body.statements);
        if !commits || !matches!(either, Verdict::Proved(_)) {
            return either;
        }
        for way in [Way::Recover, Way::Reflect] {
            let proved = self.trapped_case(side, guests, case, way, Self::settle);
            if matches!(proved, Verdict::Proved(_)) {
                return proved;
            }
        }
        Verdict::Open("the dispatcher cannot tell an emulated trap from one to reflect".into())
    }

    fn trapped_case(
        &mut self,
        side: Side,
        guests: Guests,
        case: Case,
        way: Way,
        put: impl Fn(&mut Self, &Question<'_>) -> Verdict,
    ) -> Verdict {
        let pair = self.docket.pair;
        let question = Question {
            name: format!("{}/{}/{}/{}", way.name(), guests.word(), side.word(), case.word()),
            ask: &|problem| dispatch::ask(problem, pair, side, guests, case, way),
            shows: &|replay| dispatch::shown_by(replay, side, guests, way),
        };
        put(self, &question)
    }

    /// A small witness.
    fn small(&mut self, question: &Question<'_>) -> Verdict {
        let small = self.settle.small(&mut self.docket, question);
        small.unwrap_or_else(|| Verdict::Open("no witness is asked for".into()))
    }

    /// Which assumptions a step can break, by the mode it starts from.
    fn breaks(&mut self) -> Vec<(usize, Side, Verdict)> {
        let mut all = Vec::new();
        let (isa, pair) = (self.docket.problem.isa, self.docket.pair);
        for (index, assumed) in isa.assumptions.iter().enumerate() {
            for side in Side::BOTH {
                let verdict = self.settle(&Question {
                    name: format!("assumption/{}/{}", assumed.name, side.word()),
                    ask: &|problem| assumption::ask(problem, pair, side, index),
                    shows: &|replay| assumption::broken_by(replay, index),
                });
                all.push((index, side, verdict));
            }
        }
        all
    }

    /// Makes the witnesses small that a reader is going to see: those of sensitive instructions
    /// that are not privileged.
    fn polish(&mut self, it: &mut Classification) {
        let sensitive = it.sensitive(self.docket.profile).is_yes();
        if it.privileged.is_yes()
            || !(sensitive || it.statewise.iter().any(|s| s.verdict.is_shown()))
        {
            return;
        }
        let first = it.findings.iter_mut().find(|f| f.answer().is_yes());
        if let Some(finding) = first
            && let Some((side, verdict)) =
                finding.verdicts.iter_mut().rev().find(|(_, v)| v.is_shown())
            && let Some(small @ Verdict::Shown(_)) =
                self.defined(finding.definition, *side, |judge, q| {
                    judge.settle.small(&mut judge.docket, q)
                })
        {
            *verdict = small;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use model::diagnostic::Sources;
    use model::isa::Profile;

    use super::{allocator, classify, sequences, trapped, unrelocated};
    use crate::decide::{Backend, By, Earlier};
    use crate::definitions::Side;
    use crate::settle::{Docket, Question, Settle, Solving};
    use crate::verdict::Verdict;

    /// Answers, and notes the names of the questions.
    struct Noting(Solving, Mutex<Vec<String>>);

    impl Settle for Noting {
        fn settle(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> (Verdict, By) {
            self.1.lock().expect("nothing panics here").push(question.name.clone());
            self.0.settle(docket, question)
        }

        fn small(&self, _: &mut Docket<'_>, _: &Question<'_>) -> Option<Verdict> {
            None
        }
    }

    /// Certificates know the obligations by these names.
    #[test]
    fn questions_have_names() {
        let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
        let loaded = model::load("../isa-specs/g3.yaml", &open, &mut Sources::default());
        let isa = loaded.expect("the specification loads").isa;
        let (class, pair) = (&isa.classes[0], &isa.pairs[0]);
        let noting = Noting(Solving { backend: Backend::new() }, Mutex::default());
        let names = |ask: &dyn Fn()| {
            ask();
            let names = std::mem::take(&mut *noting.1.lock().expect("nothing panics here"));
            names.join(" ")
        };
        let profile = Profile::Extended;
        let asked = names(&|| drop(classify(&isa, class, pair, profile, &noting)));
        assert_eq!(
            asked,
            "privileged/against control-sensitive/user control-sensitive/supervisor \
             location-sensitive/user location-sensitive/supervisor mode-sensitive \
             behaviour-sensitive resource-sensitive/user resource-sensitive/supervisor \
             extent-sensitive/user extent-sensitive/supervisor time-sensitive/user \
             time-sensitive/supervisor trap-masked trap-visible/user \
             trap-visible/supervisor statewise/all/user/inside \
             statewise/all/user/clipped statewise/all/user/beyond \
             statewise/all/user/unfit statewise/all/supervisor/inside \
             statewise/all/supervisor/clipped statewise/all/supervisor/beyond \
             statewise/all/supervisor/unfit"
        );
        let sides = &[Side::User];
        let asked = names(&|| drop(trapped(&isa, class, pair, Profile::Refined, sides, &noting)));
        assert_eq!(asked, "dispatch/paper/user/inside dispatch/paper/user/unfit");
        let asked =
            names(&|| drop(unrelocated(&isa, class, pair, profile, &Earlier::default(), &noting)));
        assert_eq!(
            asked,
            "statewise/unrelocated/user/inside statewise/unrelocated/supervisor/inside"
        );
        let asked = names(&|| drop(allocator(&isa, pair, Profile::Literal, sides, &noting)));
        assert_eq!(asked, "allocator/paper/user/inside allocator/paper/user/unfit");
        let asked = names(&|| drop(sequences(&isa, pair, profile, &noting)));
        assert!(asked.starts_with("sequence/memory/partition sequence/memory/saved "), "{asked}");
    }
}
