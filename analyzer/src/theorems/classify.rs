//! Every question about one instruction and one de-privileging pair, answered.

use model::isa::{Class, Profile, Stmt, every};
use model::property::Property;

use crate::decide::ModelCache;
use crate::definitions::privileged::Part;
use crate::definitions::{DEFINITIONS, Definition, VirtualMode, privileged};
use crate::prove::answer::{Answer, Existence};
use crate::prove::context::Context;
use crate::prove::inquiry::Inquiry;
use crate::prove::question::Question;
use crate::prove::setting::Setting;
use crate::theorems::squares::{self, Square};

/// What is known about one existential property.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) definition: &'static Definition,
    /// The verdict in each mode asked, with that mode; `VirtualMode::Supervisor` for states in both.
    pub(crate) verdicts: Vec<(VirtualMode, Existence)>,
    /// Modes in which no states are what the definition speaks of.
    pub(crate) empty: Vec<VirtualMode>,
}

impl Finding {
    pub(crate) fn answer(&self) -> Answer {
        self.over(|_| true)
    }

    /// The answer from states in user mode; properties across modes have none.
    fn in_user(&self) -> Answer {
        if self.definition.modes.is_empty() {
            return Answer::No;
        }
        self.over(|side| side == VirtualMode::User)
    }

    /// The answer from the modes asked for.
    pub(crate) fn over(&self, asked: impl Fn(VirtualMode) -> bool) -> Answer {
        let verdicts = self.verdicts.iter().filter(|(side, _)| asked(*side));
        if !self.empty.is_empty() && verdicts.clone().all(|(side, _)| self.empty.contains(side)) {
            return Answer::Vacuous;
        }
        Answer::any(verdicts.map(|(_, verdict)| verdict.exists()))
    }
}

/// Everything known about one class and pair.
#[derive(Debug, Clone)]
pub(crate) struct Classification {
    pub(crate) privileged: Answer,
    pub(crate) privileged_evidence: Existence,
    pub(crate) findings: Vec<Finding>,
    pub(crate) statewise: Vec<Square>,
    /// Some state reaches semantics the architecture leaves unpredictable.
    pub(crate) unpredictable: bool,
    /// The models found, for what is asked about the class later.
    pub(crate) earlier: ModelCache,
}

impl Classification {
    pub(crate) fn finding(&self, property: Property) -> Option<&Finding> {
        self.findings.iter().find(|f| f.definition.property == property)
    }

    /// The answer, no where the profile does not ask.
    pub(crate) fn answer(&self, property: Property) -> Answer {
        self.finding(property).map_or(Answer::No, Finding::answer)
    }

    /// The answer to any property, if the profile asks.
    pub(crate) fn property(&self, property: Property, setting: Setting<'_>) -> Option<Answer> {
        let sensitive = || self.sensitive(setting.profile);
        Some(match property {
            Property::Privileged => self.privileged,
            Property::BehaviourSensitive => self.behaviour_sensitive(),
            Property::UserSensitive => self.user_sensitive(setting.profile),
            Property::Sensitive => sensitive(),
            Property::Innocuous => sensitive().negated(),
            Property::Statewise => self.commutes(setting.all_virtual_modes()),
            asked => return self.finding(asked).map(Finding::answer),
        })
    }

    /// Location, mode or general.
    pub(crate) fn behaviour_sensitive(&self) -> Answer {
        use Property::{BehaviourSensitive, LocationSensitive, ModeSensitive};
        Answer::any(
            [LocationSensitive, ModeSensitive, BehaviourSensitive].map(|it| self.answer(it)),
        )
    }

    /// Control or behaviour sensitive, or one of the profile's own classes.
    pub(crate) fn sensitive(&self, profile: Profile) -> Answer {
        Answer::any(self.counted(profile).map(Finding::answer))
    }

    /// Control sensitive from user mode, or location sensitive (or one of the profile's classes)
    /// with both states in user mode. Mode sensitivity is no part of it.
    pub(crate) fn user_sensitive(&self, profile: Profile) -> Answer {
        Answer::any(self.counted(profile).map(Finding::in_user))
    }

    fn counted(&self, profile: Profile) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| (f.definition.counts)(profile))
    }

    /// Whether the square commutes in all of the given virtual modes.
    pub(crate) fn commutes(&self, sides: &[VirtualMode]) -> Answer {
        squares::commute(&self.statewise, sides)
    }
}

/// Answers every question about one class.
pub(crate) fn classify(context: Context<'_>, class: &Class) -> Classification {
    let setting = context.setting;
    let mut inquiry = Inquiry::new(context, class);
    let (privileged, privileged_evidence) = is_privileged(&mut inquiry);
    let mut findings: Vec<Finding> = Vec::new();
    for definition in DEFINITIONS.iter().filter(|d| (d.applies)(setting.profile)) {
        // Either special case of behaviour sensitivity settles the general one.
        let special = [Property::LocationSensitive, Property::ModeSensitive];
        let is_special = |f: &Finding| special.contains(&f.definition.property);
        let settled = findings.iter().any(|f| is_special(f) && f.answer().is_yes());
        if !(settled && definition.property == Property::BehaviourSensitive) {
            findings.push(finding(&mut inquiry, definition));
        }
    }
    let statewise = squares::direct(&mut inquiry, setting.guests());
    let unpredictable = reaches_unpredictable(&class.body.statements);
    let mut it = Classification {
        privileged,
        privileged_evidence,
        findings,
        statewise,
        unpredictable,
        earlier: ModelCache::default(),
    };
    polish(&mut inquiry, &mut it);
    it.earlier = inquiry.session.shared.earlier;
    it
}

fn reaches_unpredictable(statements: &[Stmt]) -> bool {
    every(statements).any(|s| matches!(s, Stmt::Unpredictable))
}

fn is_privileged(inquiry: &mut Inquiry<'_>) -> (Answer, Existence) {
    let against = privileged_part(inquiry, Part::Against);
    match against {
        Existence::Witnessed(_) => return (Answer::No, against),
        Existence::Unknown(_) => return (Answer::Undecided, against),
        Existence::Absent(_) => {}
    }
    match privileged_part(inquiry, Part::Premise) {
        Existence::Witnessed(_) => {}
        Existence::Absent(_) => return (Answer::Vacuous, against),
        open @ Existence::Unknown(_) => return (Answer::Undecided, open),
    }
    if inquiry.setting().literal() {
        return (Answer::Yes, against);
    }
    match privileged_part(inquiry, Part::Completing) {
        Existence::Witnessed(_) => (Answer::Yes, against),
        none @ Existence::Absent(_) => (Answer::No, none),
        open @ Existence::Unknown(_) => (Answer::Undecided, open),
    }
}

fn privileged_part(inquiry: &mut Inquiry<'_>, part: Part) -> Existence {
    let setting = inquiry.setting();
    inquiry.ask(&Question {
        name: part.name().into(),
        ask: &|problem| privileged::ask(problem, setting, part),
        shows: &|replay| privileged::shown_by(replay, part),
    })
}

fn finding(inquiry: &mut Inquiry<'_>, definition: &'static Definition) -> Finding {
    let across = [VirtualMode::Supervisor];
    let sides = if definition.modes.is_empty() { &across } else { definition.modes };
    let mut verdicts = Vec::new();
    // What is possible in user mode often is in supervisor mode, and not the other way round.
    for &side in sides.iter().rev() {
        verdicts.push((side, defined(inquiry, definition, side, Inquiry::ask)));
    }
    verdicts.reverse();
    let empty = inquiry.setting().empty.iter();
    let empty = empty
        .filter(|(property, _)| *property == definition.property)
        .map(|(_, side)| *side)
        .collect();
    Finding { definition, verdicts, empty }
}

/// Puts a definition's question.
fn defined<'i>(
    inquiry: &mut Inquiry<'i>,
    definition: &Definition,
    side: VirtualMode,
    put: impl Fn(&mut Inquiry<'i>, &Question<'_>) -> Existence,
) -> Existence {
    let setting = inquiry.setting();
    let question = Question {
        name: definition.question(side),
        ask: &|problem| (definition.ask)(problem, setting, side),
        shows: &|replay| (definition.shown_by)(replay, side),
    };
    put(inquiry, &question)
}

/// A small witness for a definition.
pub(crate) fn small(
    context: Context<'_>,
    class: &Class,
    definition: &Definition,
    side: VirtualMode,
) -> Existence {
    defined(&mut Inquiry::new(context, class), definition, side, Inquiry::small)
}

/// Makes the witnesses small that a reader is going to see: those of sensitive instructions that are
/// not privileged.
fn polish(inquiry: &mut Inquiry<'_>, it: &mut Classification) {
    let sensitive = it.sensitive(inquiry.setting().profile).is_yes();
    if it.privileged.is_yes()
        || !(sensitive || it.statewise.iter().any(|s| s.verdict.is_witnessed()))
    {
        return;
    }
    let first = it.findings.iter_mut().find(|f| f.answer().is_yes());
    if let Some(finding) = first
        && let Some((side, verdict)) =
            finding.verdicts.iter_mut().rev().find(|(_, v)| v.is_witnessed())
        && let small @ Existence::Witnessed(_) =
            defined(inquiry, finding.definition, *side, Inquiry::small)
    {
        *verdict = small;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use model::diagnostic::Sources;
    use model::isa::Profile;

    use super::classify;
    use crate::decide::{By, ModelCache, SolverConfig};
    use crate::definitions::VirtualMode;
    use crate::prove::answer::Existence;
    use crate::prove::context::{Context, Tally};
    use crate::prove::question::{Backend, DecisionProcedure, Question, Session};
    use crate::prove::setting::Setting;
    use crate::theorems::squares::{allocator, sequences, trapped, unrelocated};

    /// Answers, and notes the names of the questions.
    struct Noting(DecisionProcedure, Mutex<Vec<String>>);

    impl Backend for Noting {
        fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
            self.1.lock().expect("nothing panics here").push(question.name.clone());
            self.0.discharge(session, question)
        }

        fn small(&self, _: &mut Session<'_>, _: &Question<'_>) -> Option<Existence> {
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
        let noting = Noting(DecisionProcedure { config: SolverConfig::new() }, Mutex::default());
        let names = |ask: &dyn Fn()| {
            ask();
            let names = std::mem::take(&mut *noting.1.lock().expect("nothing panics here"));
            names.join(" ")
        };
        let tally = Tally::default();
        let within = |profile| {
            let setting = Setting::new(&isa, pair, profile);
            Context { setting, backend: &noting, tally: &tally }
        };
        let [context, refined] = [Profile::Extended, Profile::Refined].map(within);
        let asked = names(&|| drop(classify(context, class)));
        assert_eq!(
            asked,
            "privileged/against control-sensitive/user control-sensitive/supervisor \
             location-sensitive/user location-sensitive/supervisor mode-sensitive \
             behaviour-sensitive resource-sensitive/user resource-sensitive/supervisor \
             extent-sensitive/user extent-sensitive/supervisor time-sensitive/user \
             time-sensitive/supervisor trap-masked trap-visible/user \
             trap-visible/supervisor unconfined/user statewise/all/user/inside \
             statewise/all/user/clipped statewise/all/user/beyond \
             statewise/all/user/unfit statewise/all/supervisor/inside \
             statewise/all/supervisor/clipped statewise/all/supervisor/beyond \
             statewise/all/supervisor/unfit"
        );
        let sides = &[VirtualMode::User];
        let asked = names(&|| drop(trapped(refined, class, sides)));
        assert_eq!(asked, "dispatch/paper/user/inside dispatch/paper/user/unfit");
        let asked = names(&|| drop(unrelocated(context, class, &ModelCache::default())));
        assert_eq!(
            asked,
            "statewise/unrelocated/user/inside statewise/unrelocated/supervisor/inside"
        );
        let asked = names(&|| drop(allocator(refined, sides)));
        assert_eq!(asked, "allocator/paper/user/inside allocator/paper/user/unfit");
        let asked = names(&|| drop(sequences(context)));
        assert!(asked.starts_with("sequence/memory/partition sequence/memory/saved "), "{asked}");
    }
}
