//! Everything that a report refers to, by name, each with its statement: what `analyze definitions` prints, and what a
//! written proof begins with.

use model::isa::Profile;
use model::property::Property;
use model::theorem::Theorem;

use super::{
    DEFINITIONS, allocator, assumption, choice, dispatch, entry, fetch, fixed, handover, launch,
    privileged, resume, room, save, sensitive, sequence, statewise,
};

/// Definitions of one sort.
pub(crate) struct Part {
    pub(crate) title: &'static str,
    /// Each by name.
    pub(crate) entries: Vec<(&'static str, &'static str)>,
}

/// All of them.
pub(crate) fn parts() -> Vec<Part> {
    let part = |title, entries| Part { title, entries };
    vec![
        part("The machine", MACHINE.into()),
        part(
            "Properties of an instruction",
            Property::ALL.map(|it| (it.word(), statement(it))).into(),
        ),
        part("What a monitor needs besides", needs()),
        part("Theorems", Theorem::ALL.map(|it| (it.name(), theorem(it))).into()),
        part("Answers to a theorem", ANSWERS.into()),
        part("Profiles", Profile::ALL.iter().map(|it| (it.word(), profile(*it))).collect()),
        part("What stands behind an answer", EVIDENCE.into()),
    ]
}

const MACHINE: [(&str, &str); 6] = [
    (
        "S = ⟨E, M, P, R⟩",
        "a state: executable storage with the registers that a guest owns, mode, program counter, and what decides which resources a program has (P&G 1974, section 2)",
    ),
    (
        "i(S)",
        "what instruction i makes of state S: another state, or a trap, or nothing that the architecture defines",
    ),
    (
        "E|r",
        "the window: the storage that a program reaches through its mapping r; ⊕ moves it, and contents are compared by virtual address",
    ),
    (
        "trap",
        "the old PSW ⟨M, P, R⟩ is saved and a new one is loaded that leads to the monitor; a memory trap is one of a kind that the specification marks so",
    ),
    (
        "f",
        "the map from states of the virtual machine to states of the real one: storage at k, mode user, l + k, the bound clipped to the partition, all other resources the monitor's (P&G 1974, section 4)",
    ),
    (
        "guest state",
        "a state S of the virtual machine with w cells; where S is, the real machine is in f(S)",
    ),
];

/// The definition of a property.
pub(crate) fn statement(property: Property) -> &'static str {
    match property {
        Property::Privileged => privileged::STATEMENT,
        Property::Sensitive => sensitive::SENSITIVE,
        Property::UserSensitive => sensitive::USER_SENSITIVE,
        Property::Innocuous => sensitive::INNOCUOUS,
        Property::Statewise => statewise::STATEMENT,
        asked => {
            let known = DEFINITIONS.iter().find(|it| it.property == asked);
            known.map_or("", |it| it.statement)
        }
    }
}

/// The definition as a question about one instruction, in the paper's notation.
pub(crate) const fn question(property: Property) -> &'static str {
    match property {
        Property::Privileged => {
            "for all S1 = ⟨e, s, p, r⟩, S2 = ⟨e, u, p, r⟩ without a memory trap: does i(S2) trap?"
        }
        Property::ControlSensitive => {
            "is there a state with i(S1) = S2, no trap, and m1 ≠ m2 or r1 ≠ r2?"
        }
        Property::BehaviourSensitive => {
            "are there S1 = ⟨e|r, m1, p, r⟩, S2 = ⟨e|r⊕x, m2, p, r⊕x⟩ that end with e1|r ≠ e2|r⊕x or p1 ≠ p2?"
        }
        Property::LocationSensitive => {
            "are there S1 = ⟨e|r, m, p, r⟩, S2 = ⟨e|r⊕x, m, p, r⊕x⟩ that end visibly different?"
        }
        Property::ModeSensitive => {
            "are there S1 = ⟨e|r, m1, p, r⟩, S2 = ⟨e|r, m2, p, r⟩ that end visibly different?"
        }
        Property::ResourceSensitive => {
            "do two states that differ only in R beside the mapping and time end visibly different?"
        }
        Property::ExtentSensitive => {
            "do two states that differ only in the bound end visibly different?"
        }
        Property::TimeSensitive => {
            "do two states that differ only in a clock end visibly different?"
        }
        Property::TrapMasked => {
            "does it trap in supervisor mode and complete in user mode, all else equal?"
        }
        Property::TrapVisible => {
            "does a trap that is hidden from the guest change what it does next?"
        }
        Property::UserSensitive => {
            "is it control or location sensitive (or what the profile adds) in user mode?"
        }
        Property::Sensitive => "is it control or behaviour sensitive, or what the profile adds?",
        Property::Innocuous => "is it not sensitive?",
        Property::Unconfined => {
            "in user mode, does it reach storage outside E|r, or write M or the monitor's part of R?"
        }
        Property::Statewise => {
            "for all guest states S: does i trap in f(S), or is i(f(S)) = f(i(S))?"
        }
    }
}

fn needs() -> Vec<(&'static str, &'static str)> {
    vec![
        ("trap entry", entry::STATEMENT),
        ("trap sequence", sequence::STATEMENT),
        ("dispatch", dispatch::STATEMENT),
        ("allocator", allocator::STATEMENT),
        ("room", room::STATEMENT),
        ("fetch", fetch::STATEMENT),
        ("assumption", assumption::STATEMENT),
        ("monitor's choice", choice::STATEMENT),
        ("launch", launch::STATEMENT),
        ("handing over", handover::STATEMENT),
        ("fixed components", fixed::STATEMENT),
        ("resuming", resume::STATEMENT),
        ("saving registers", save::STATEMENT),
    ]
}

/// A theorem in one sentence.
pub(crate) const fn theorem(it: Theorem) -> &'static str {
    match it {
        Theorem::Vmm => {
            "a virtual machine monitor can be built if every sensitive instruction is privileged: \
             {sensitive} ⊆ {privileged} (P&G 1974, section 4)"
        }
        Theorem::Recursive => {
            "a machine is recursively virtualizable if it is virtualizable and a monitor without timing dependencies \
             can be built for it (P&G 1974, section 5)"
        }
        Theorem::Hvmm => {
            "a hybrid monitor, which interprets all code of virtual supervisor mode, can be built if every user \
             sensitive instruction is privileged: {user sensitive} ⊆ {privileged} (P&G 1974, section 6)"
        }
    }
}

const ANSWERS: [(&str, &str); 7] = [
    (
        "premise",
        "the set inclusion of 1974: holds, fails, undecided or vacuous; it is sufficient, so that it fails refutes nothing",
    ),
    ("verdict", "whether the monitor can be built under the standard map f"),
    (
        "holds",
        "trap entry and confinement are proved, every square commutes for all guest states, and either the premise or the statewise condition is proved for every instruction that runs directly",
    ),
    (
        "refuted",
        "for every choice of the bits that belong to the monitor there is a guest state, replayed, in which direct execution goes wrong: i(f(S)) ≠ f(i(S))",
    ),
    (
        "undecided",
        "something stands in the way of a verdict, and it is named; it counts as no success",
    ),
    ("vacuous", "nothing meets the premise, so there is nothing to prove"),
    ("not applicable", "the machine has no two modes"),
];

/// What a profile is.
pub(crate) const fn profile(it: Profile) -> &'static str {
    match it {
        Profile::Literal => {
            "the table of 1974 as printed: only memory traps are excluded, so every supervisor call is sensitive"
        }
        Profile::Refined => {
            "no trap counts as a change (it reaches the monitor), privileged asks for a trap in user mode only, and \
             resource sensitivity is added; the default"
        }
        Profile::Extended => {
            "refined, with extent and time sensitivity and traps that are masked or visible, and without the paper's \
             assumption that guests keep l + b ≤ w"
        }
    }
}

/// That a formula mentions nothing which is varied.
pub(crate) const DEPENDENCY: &str = "the instruction is executed on all states at once, and the condition that a \
     counterexample would have to meet is false as it is built";

/// That the premises rewrite the goal away.
pub(crate) const REWRITING: &str = "the condition that a counterexample would have to meet becomes false when it is \
     simplified under the premises of the definition";

/// That no assignment of bits is a model.
pub(crate) const SOLVER: &str =
    "proved by a SAT solver for all states: no assignment of bits is a counterexample";

const EVIDENCE: [(&str, &str); 6] = [
    ("dependency", DEPENDENCY),
    ("rewriting", REWRITING),
    ("SAT proof", SOLVER),
    (
        "witness",
        "concrete states, found by the solver and executed by the interpreter, which shares no code with it; what does not replay is no witness",
    ),
    (
        "undecided",
        "neither states nor a proof were found within the budget, or the specification does not say what happens",
    ),
    (
        "certificate",
        "`analyze prove` writes all of it down and `analyze verify` checks it: each formula is derived anew, each SAT proof is checked by an independent checker, each state is replayed",
    ),
];

/// All of it as text, a line for each.
pub(crate) fn text() -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for (i, part) in parts().iter().enumerate() {
        let _ = writeln!(out, "{}{}", if i == 0 { "" } else { "\n" }, part.title);
        for (name, statement) in &part.entries {
            let _ = writeln!(out, "  {name}: {statement}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::parts;

    /// Every name stands once in its part, with a statement.
    #[test]
    fn everything_has_one_statement() {
        for part in parts() {
            let mut names: Vec<&str> = part.entries.iter().map(|(name, _)| *name).collect();
            assert!(part.entries.iter().all(|(_, it)| it.len() > 20), "{}", part.title);
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), part.entries.len(), "{}", part.title);
        }
    }
}
