//! Claims about a machine against the derived verdict: what students say of instructions and theorems.
//!
//! A claim that is wrong is answered with states that speak against it, where there are such states, and never with the
//! answer itself. What is undecided is not graded.

mod claims;
pub mod text;

use model::isa::{Premise, Profile, Verdict};
use model::property::Property;
use model::theorem::Theorem;
use serde::Serialize;

use crate::prove::answer::Answer;
use crate::report::explain::counts;
use crate::report::{Evidence, InstructionReport, PairReport, Report, SCHEMA, WitnessReport};
pub use claims::{About, Claim, read};

/// The grades of all tables.
#[derive(Debug, Serialize)]
pub struct Grading<'r> {
    /// Version of this format.
    pub schema: u32,
    /// Short name of the machine.
    pub isa: &'r str,
    /// The reading of the definitions.
    pub profile: &'static str,
    /// The pair of modes, `supervisor:user`.
    pub pair: String,
    /// The tables, in the order in which they were given.
    pub students: Vec<Student<'r>>,
}

/// The grade of one table.
#[derive(Debug, Serialize)]
pub struct Student<'r> {
    /// The file of the table.
    pub file: String,
    /// What is wrong with the table, so that it was not graded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Claims that are right.
    pub right: usize,
    /// Claims that count, those that are missing among them.
    pub of: usize,
    /// Claims that do not count, because the answer is undecided.
    pub open: usize,
    /// What was asked and is not claimed.
    pub missing: Vec<String>,
    /// `right` of `of` in percent; nothing where no claim counts.
    pub percent: Option<f64>,
    /// The claims, in the order of the table.
    pub claims: Vec<Graded<'r>>,
}

/// A claim and what came of it.
#[derive(Debug, Serialize)]
pub struct Graded<'r> {
    /// Its line in the table.
    pub line: usize,
    /// The claim in words.
    pub claim: String,
    /// `right`, `wrong` or `open`.
    pub result: &'static str,
    /// What speaks against it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// States that speak against it, replayed in the interpreter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<&'r WitnessReport>,
}

/// What a table has to have claims about: these properties of every instruction.
pub type Asked<'a> = &'a [Property];

/// An empty grading of one pair of a report.
pub fn grading<'r>(report: &'r Report, pair: &PairReport) -> Grading<'r> {
    Grading {
        schema: SCHEMA,
        isa: &report.isa,
        profile: report.profile.word(),
        pair: pair.name(),
        students: Vec::new(),
    }
}

/// Grades one table; `claims` are its claims, or what is wrong with it.
pub fn grade<'r>(
    report: &Report,
    pair: &'r PairReport,
    file: &str,
    claims: Result<Vec<Claim>, Vec<String>>,
    asked: Asked<'_>,
) -> Student<'r> {
    let mut student = Student {
        file: file.to_owned(),
        errors: Vec::new(),
        right: 0,
        of: 0,
        open: 0,
        missing: Vec::new(),
        percent: None,
        claims: Vec::new(),
    };
    let claims = match claims {
        Ok(claims) => claims,
        Err(errors) => {
            student.errors = errors;
            return student;
        }
    };
    for it in &pair.instructions {
        for property in asked.iter().filter(|property| it.property(**property).is_some()) {
            let about = About::Property(it.name.clone(), *property);
            if !claims.iter().any(|claim| claim.about == about) {
                student.missing.push(about.to_string());
            }
        }
    }
    student.claims = claims.iter().map(|claim| graded(report.profile, pair, claim)).collect();
    let count = |result: &str| student.claims.iter().filter(|it| it.result == result).count();
    student.right = count("right");
    student.open = count("open");
    student.of = student.right + count("wrong") + student.missing.len();
    let tenths = (1000 * student.right + student.of / 2).checked_div(student.of);
    student.percent = tenths.map(|tenths| f64::from(tenths as u32) / 10.0);
    student
}

fn graded<'r>(profile: Profile, pair: &'r PairReport, claim: &Claim) -> Graded<'r> {
    let (derived, against) = match &claim.about {
        About::Property(name, property) => {
            let found = pair.instructions.iter().find(|it| it.name == *name);
            let answer = found.and_then(|it| yes_or_no(it.is(*property)));
            (answer, found.and_then(|it| states(profile, pair, it, *property)))
        }
        About::Theorem(theorem) => {
            let answer = match pair.theorems.verdict(*theorem) {
                Verdict::Holds => Some(true),
                Verdict::Refuted => Some(false),
                Verdict::Undecided | Verdict::Vacuous | Verdict::NotApplicable => None,
            };
            (answer, refutation(pair, *theorem))
        }
        About::Premise(theorem) => {
            let answer = match pair.theorems.premise(*theorem) {
                Premise::Holds => Some(true),
                Premise::Fails => Some(false),
                Premise::Undecided | Premise::Vacuous => None,
            };
            (answer, None)
        }
    };
    let result = match derived {
        None => "open",
        Some(answer) if answer == claim.says => "right",
        Some(_) => "wrong",
    };
    let wrong = result == "wrong";
    let counterexample = against.filter(|_| wrong);
    let why = wrong.then(|| match (&counterexample, &claim.about, claim.says) {
        (Some(_), ..) => "states that speak against it",
        (None, About::Premise(_), true) => "some instruction is in one set and not in the other",
        (None, About::Premise(_), false) => "no instruction shows it: this was proved of each",
        (None, About::Theorem(_), true) => "some guest state goes wrong under every monitor",
        (None, About::Property(_, property), says) if universal(*property) == says => {
            "some state speaks against it: look for it"
        }
        (None, ..) => "no state shows it: this was proved for all states",
    });
    Graded { line: claim.line, claim: claim.to_string(), result, why, counterexample }
}

const fn yes_or_no(answer: Answer) -> Option<bool> {
    match answer {
        Answer::Yes | Answer::Vacuous => Some(true),
        Answer::No => Some(false),
        Answer::Undecided => None,
    }
}

/// The property speaks of all states, so that one state speaks against it; the others say that there is a state.
const fn universal(property: Property) -> bool {
    matches!(property, Property::Privileged | Property::Innocuous | Property::Statewise)
}

/// States that settle a property: those that show it, or for one that speaks of all states, those that do not have it.
fn states<'r>(
    profile: Profile,
    pair: &PairReport,
    it: &'r InstructionReport,
    property: Property,
) -> Option<&'r WitnessReport> {
    let of = |property: Property| match it.evidence.get(property.key()) {
        Some(Evidence::Witness(witness)) => Some(witness),
        _ => None,
    };
    let in_user = |of: Property| {
        it.modes.get(of.key()).is_some_and(|modes| modes.iter().all(|mode| *mode == pair.user))
    };
    let kinds = || {
        Property::ALL
            .into_iter()
            .filter(move |kind| it.is(*kind).is_yes() && counts(*kind, profile))
    };
    match property {
        Property::Sensitive | Property::Innocuous => kinds().find_map(of),
        Property::UserSensitive => kinds().filter(|kind| in_user(*kind)).find_map(of),
        other => of(other),
    }
}

fn refutation(pair: &PairReport, theorem: Theorem) -> Option<&WitnessReport> {
    Some(&pair.theorems.monitor(theorem)?.refutation.as_ref()?.witness)
}
