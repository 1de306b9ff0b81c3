//! What an instruction is to a monitor, in a word, a letter and a colour; and the anchors of a page.

use model::property::Property;
use model::theorem::Theorem;

use crate::prove::answer::Answer;
use crate::report::page::sets::{is_open, is_privileged};
use crate::report::page::{Effect, effect};
use crate::report::{InstructionReport, PairReport};

/// What executing an instruction directly comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Not sensitive, not privileged: it runs directly.
    Innocuous,
    /// It is privileged.
    Traps,
    /// Sensitive and not privileged, and yet its square commutes.
    Tolerated,
    /// Safe while the monitor keeps bits of its own.
    Kept,
    /// Something about it is undecided.
    Open,
    /// Its square breaks, or it breaks a premise.
    Breaks,
}

impl Standing {
    pub(super) const ALL: [Self; 6] =
        [Self::Breaks, Self::Open, Self::Kept, Self::Tolerated, Self::Traps, Self::Innocuous];

    pub(super) fn of(pair: &PairReport, it: &InstructionReport) -> Self {
        if is_open(it) || it.is(Property::Statewise) == Answer::Undecided {
            return Self::Open;
        }
        if is_privileged(it) == Some(true) {
            return Self::Traps;
        }
        match effect(pair, Theorem::Vmm, it) {
            Effect::Breaks => Self::Breaks,
            Effect::SafeIfKept => Self::Kept,
            Effect::Open => Self::Open,
            Effect::Safe if it.is(Property::Statewise) == Answer::No => Self::Breaks,
            Effect::Safe if it.is(Property::Sensitive).is_yes() => Self::Tolerated,
            Effect::Safe => Self::Innocuous,
        }
    }

    /// The class of its style, which has its colour.
    pub(super) const fn style(self) -> &'static str {
        match self {
            Self::Innocuous => "innocuous",
            Self::Traps => "traps",
            Self::Tolerated => "tolerated",
            Self::Kept => "kept",
            Self::Open => "open",
            Self::Breaks => "breaks",
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Innocuous => "innocuous: it runs directly",
            Self::Traps => "privileged: it traps to the monitor",
            Self::Tolerated => "sensitive and not privileged, but safe to run directly",
            Self::Kept => "safe while the monitor keeps bits of its own",
            Self::Open => "something about it is undecided",
            Self::Breaks => "not privileged, and not safe to run directly",
        }
    }
}

/// `P` privileged, `S` sensitive, `U` user sensitive, `I` innocuous, `?` undecided.
pub(super) fn letters(it: &InstructionReport) -> String {
    let all = [
        (Property::Privileged, 'P'),
        (Property::Sensitive, 'S'),
        (Property::UserSensitive, 'U'),
        (Property::Innocuous, 'I'),
    ];
    let letter = |(property, letter)| match it.is(property) {
        Answer::Yes | Answer::Vacuous => Some(letter),
        Answer::No => None,
        Answer::Undecided => Some('?'),
    };
    let mut letters: Vec<char> = all.into_iter().filter_map(letter).collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// The anchors of a machine on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchors<'a> {
    pub(super) prefix: &'a str,
}

impl Anchors<'_> {
    /// A part of the machine.
    pub(super) fn part(self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Something whose name is the author's: the key makes the anchor unique, the name readable.
    pub(super) fn of(self, key: &str, name: &str) -> String {
        const LONGEST: usize = 24;
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let slug: String = name.chars().take(LONGEST).map(word).collect();
        format!("{}{key}-{}", self.prefix, slug.trim_matches('-'))
    }

    /// A line of a file of the specification.
    pub(super) fn line(self, file: usize, line: usize) -> String {
        format!("{}f{file}-L{line}", self.prefix)
    }
}

/// `1 instruction`, `3 instructions`.
pub(super) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
