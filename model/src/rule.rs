//! The rules whose findings gates and editors show, in one table: code, word, title, explanation.

/// A rule of the analysis. Its findings name an instruction, a trap or a theorem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// It breaks the premise of Theorem 1.
    Sensitive,
    /// It breaks the premise of Theorem 3.
    UserSensitive,
    /// Its square does not commute in a state that a guest can be in.
    SquareBreaks,
    /// Its square does not commute in a state of virtual user mode.
    UserSquareBreaks,
    /// It reaches past its mapping, or writes what belongs to the monitor.
    Unconfined,
    /// The trap does not lead to the monitor.
    TrapEntry,
    /// An expectation of the author is not met.
    Expectation,
    /// A verdict is open.
    Undecided,
    /// A theorem does not hold that has to.
    Required,
    /// A finding is allowed that there is not.
    StaleAllow,
    /// The specification cannot be analyzed.
    Specification,
    /// A database declares something else of an instruction than its code does.
    Declared,
    /// Something is wrong in a database that was imported.
    Database,
}

impl Rule {
    /// All of them, by code.
    pub const ALL: [Self; 13] = [
        Self::Sensitive,
        Self::UserSensitive,
        Self::SquareBreaks,
        Self::Unconfined,
        Self::TrapEntry,
        Self::Expectation,
        Self::Undecided,
        Self::Required,
        Self::StaleAllow,
        Self::Specification,
        Self::UserSquareBreaks,
        Self::Declared,
        Self::Database,
    ];

    /// Those whose findings an author may allow with a reason.
    pub const ALLOWED: [Self; 5] = [
        Self::Sensitive,
        Self::UserSensitive,
        Self::SquareBreaks,
        Self::Unconfined,
        Self::UserSquareBreaks,
    ];

    /// Stable code.
    pub const fn code(self) -> &'static str {
        self.row().0
    }

    /// The word of `allow:`.
    pub const fn word(self) -> &'static str {
        self.row().1
    }

    /// One line.
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// What it means and what to do about it.
    pub const fn explanation(self) -> &'static str {
        self.row().3
    }

    /// The rule of a code or a word.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == name || it.word() == name)
    }

    const fn row(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Sensitive => (
                "V001",
                "sensitive-unprivileged",
                "a sensitive instruction is not privileged",
                "The instruction changes or shows M or R, or what it does depends on them, and in user mode it does not trap. \
                 The premise of Theorem 1 fails (P&G 1974, section 4): a monitor that runs guests directly may not notice it. \
                 Make it trap outside supervisor mode, or make it not depend on the resource; `analyze explain SPEC INSTRUCTION` shows a state.",
            ),
            Self::UserSensitive => (
                "V002",
                "user-sensitive-unprivileged",
                "a user sensitive instruction is not privileged",
                "The instruction is sensitive in states of user mode, and does not trap there. The premise of Theorem 3 fails with that of Theorem 1 \
                 (P&G 1974, section 6): not even a hybrid monitor, which interprets supervisor mode, can run guests directly by the paper's condition.",
            ),
            Self::SquareBreaks => (
                "V003",
                "square-breaks",
                "direct execution goes wrong under a monitor",
                "There is a guest state S in which i(f(S)) is not f(i(S)): the instruction, executed directly under the standard map f, \
                 does something else than on the bare machine, and no trap tells the monitor. It refutes Theorem 1 whatever the set inclusions say.",
            ),
            Self::UserSquareBreaks => (
                "V011",
                "user-square-breaks",
                "direct execution goes wrong in virtual user mode",
                "There is such a state S in which the guest itself is in user mode. It refutes Theorem 3 besides: a hybrid monitor, too, \
                 executes the instruction directly there.",
            ),
            Self::Unconfined => (
                "V004",
                "unconfined",
                "an unprivileged instruction is not confined",
                "In user mode it reads or writes storage outside its window, or writes a component of the monitor's. \
                 The paper's machine has no such instruction; with one, a guest reaches its neighbours or the monitor (resource control).",
            ),
            Self::TrapEntry => (
                "V005",
                "trap-entry",
                "a trap is not shown to lead to the monitor",
                "Behind the trap sequence the machine is not in the supervisor mode of the pair, or the place or the mapping of the handler \
                 depends on what a guest can write, or that is undecided; the message says which. Traps must lead to the monitor whatever the guest did.",
            ),
            Self::Expectation => (
                "V006",
                "expectation-unmet",
                "an expectation is not met",
                "What `expect:` says in the specification is not what was found: a test that fails. `analyze explain SPEC INSTRUCTION` shows why; \
                 mend the semantics, and change what is expected only where the machine is meant to be so.",
            ),
            Self::Undecided => (
                "V007",
                "undecided",
                "a verdict is undecided",
                "Something stands in the way of a verdict; the message says what. Undecided is not success.",
            ),
            Self::Required => (
                "V008",
                "required",
                "a required theorem does not hold",
                "`--require` asks for a theorem that does not hold, or is undecided, for this pair of modes.",
            ),
            Self::Specification => (
                "V010",
                "specification",
                "the specification cannot be analyzed",
                "It cannot be read, or an error stands in it; the message ends with the code of the error.",
            ),
            Self::Declared => (
                "V012",
                "declared-access",
                "a database declares something else than its code does",
                "`access:` of an instruction says in which modes it executes (always, sometimes, never), and the code of its operation \
                 does something else. One of the two is wrong: add the check to the code, or mend the declaration. \
                 The state that is shown was replayed.",
            ),
            Self::Database => (
                "V013",
                "database",
                "something is wrong in a database that was imported",
                "The message ends with a code of its own, which `analyze explain` explains.",
            ),
            Self::StaleAllow => (
                "V009",
                "stale-allow",
                "nothing is there that is allowed",
                "`allow:` of the instruction names a rule that finds nothing: leave it out, so that it does not hide what comes later.",
            ),
        }
    }
}
