//! The manifest of a certificate: plain data, one entry per obligation.

use std::collections::BTreeMap;

use model::diagnostic::Sources;
use model::interp::operand_condition;
use model::isa::{Class, Isa, Pair, Profile};
use model::state::State;
use refvmm::classification::fingerprint;
use serde::{Deserialize, Serialize};

use super::pair_name;
use crate::decide::Lemma;
use crate::prove::witness::Witness;

/// Version of the layout.
pub(super) const VERSION: u32 = 2;

/// What a certificate claims.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) certificate: u32,
    pub(super) tool: String,
    pub(super) isa: String,
    /// SHA-256 of the specification's files.
    pub(super) specification: String,
    pub(super) profile: String,
    /// The pairs asked for, if not all were.
    pub(super) pairs: Option<Vec<String>>,
    /// The specification's assumptions, which every entry carries.
    pub(super) assumptions: Vec<String>,
    /// By pair.
    pub(super) theorems: BTreeMap<String, Theorems>,
    /// By pair, instruction and question.
    pub(super) obligations: BTreeMap<String, Entry>,
}

impl Manifest {
    /// What a certificate states before anything is answered.
    pub(super) fn new(isa: &Isa, sources: &Sources, profile: Profile, pairs: &[&Pair]) -> Self {
        let some = pairs.len() < isa.pairs.len();
        Self {
            certificate: VERSION,
            tool: format!("analyze {}", env!("CARGO_PKG_VERSION")),
            isa: isa.name.clone(),
            specification: fingerprint(sources),
            profile: profile.word().to_owned(),
            pairs: some.then(|| pairs.iter().map(|pair| pair_name(pair)).collect()),
            assumptions: isa
                .assumptions
                .iter()
                .map(|a| format!("{}: {}", a.name, a.text))
                .collect(),
            theorems: BTreeMap::new(),
            obligations: BTreeMap::new(),
        }
    }

    /// The one text of a manifest.
    pub(super) fn text(&self) -> std::io::Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        Ok(text + "\n")
    }
}

/// What follows for a pair.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Theorems {
    pub(super) vmm: Judged,
    pub(super) hvmm: Judged,
}

/// A theorem's two answers, and the instructions that break the premise.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judged {
    pub(super) premise: String,
    pub(super) verdict: String,
    pub(super) offending: Vec<String>,
}

/// What stands behind the answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Entry {
    /// There are no such states: the formula is false as it is built, without rewriting.
    Structural(Structure),
    /// There are no such states: a proof that the clauses have no model.
    Lrat(Proof),
    /// There are no such states: the rewriter says so, and nothing else.
    Rewriting,
    /// There are: these.
    Witness(States),
    /// Not settled.
    Open { reason: String },
}

/// What an instruction's result depends on, by component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Structure {
    /// The argument in words.
    pub(super) argument: String,
    /// What differs between the states of the question.
    pub(super) differs: Vec<String>,
    /// What the result depends on.
    pub(super) depends: Vec<String>,
    /// What the instruction may change.
    pub(super) changes: Vec<String>,
}

/// A proof that a formula has no model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    /// The terms behind the clauses.
    pub(super) arena: Arena,
    /// Pairs of selects said to agree on equal indices.
    pub(super) lemmas: Vec<Lemma>,
    /// SHA-256 of the clauses in DIMACS format; the file's name.
    pub(super) formula: String,
    /// SHA-256 of the proof's text.
    pub(super) sha256: String,
}

/// Which terms a formula is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Arena {
    /// As asked for: neither rewriter nor solver is trusted.
    Plain,
    /// In normal form: the rewriter is trusted, the solver is not.
    Rewritten,
}

/// A witness as numbers in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct States {
    operands: Vec<String>,
    choices: Vec<String>,
    first: Option<String>,
    before: Vec<Numbers>,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    cells: String,
    registers: BTreeMap<String, Vec<String>>,
    storage: BTreeMap<String, String>,
}

fn text(value: u128) -> String {
    format!("{value:#x}")
}

fn number(text: &str) -> Option<u128> {
    let digits = text.strip_prefix("0x")?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

fn below(text: &str, width: u32) -> Option<u128> {
    number(text).filter(|value| *value <= model::bits::mask(width))
}

impl States {
    pub(super) fn of(isa: &Isa, witness: &Witness) -> Self {
        let texts = |values: &[u128]| values.iter().copied().map(text).collect::<Vec<_>>();
        let state = |state: &State| Numbers {
            cells: text(state.cells),
            registers: isa
                .registers
                .iter()
                .zip(&state.registers)
                .map(|(r, values)| (r.name.clone(), texts(values)))
                .collect(),
            storage: state.storage.iter().map(|(cell, v)| (text(*cell), text(*v))).collect(),
        };
        Self {
            operands: witness.operands.iter().map(|(_, value)| text(*value)).collect(),
            choices: texts(&witness.choices),
            first: witness.first.map(text),
            before: witness.before.iter().map(state).collect(),
        }
    }

    /// How many states there are, and whether the guest's place is among the numbers.
    pub(super) fn shape(&self) -> (usize, bool) {
        (self.before.len(), self.first.is_some())
    }

    /// The witness, not yet played; `None` if it is none of this machine's.
    pub(super) fn witness(&self, isa: &Isa, class: &Class) -> Option<Witness> {
        let widths = class.operands.iter().map(|o| o.width);
        let operands = within(&self.operands, widths)?;
        if class.operands.iter().zip(&operands).any(|(o, v)| o.fixed.is_some_and(|f| f != *v)) {
            return None;
        }
        if class.when.as_ref().is_some_and(|when| !operand_condition(when, &operands)) {
            return None;
        }
        let choices = within(&self.choices, class.body.choices.iter().map(|c| c.width))?;
        let states: Option<Vec<State>> = self.before.iter().map(|s| s.state(isa)).collect();
        let first = match &self.first {
            Some(first) => Some(below(first, isa.address_width())?),
            None => None,
        };
        Some(Witness {
            operands: class.operands.iter().map(|o| o.name.clone()).zip(operands).collect(),
            choices,
            before: states?,
            after: Vec::new(),
            first,
        })
    }
}

/// Numbers of the given widths, as many as there are widths.
fn within(texts: &[String], widths: impl ExactSizeIterator<Item = u32>) -> Option<Vec<u128>> {
    (texts.len() == widths.len())
        .then(|| texts.iter().zip(widths).map(|(text, width)| below(text, width)).collect())
        .flatten()
}

impl Numbers {
    fn state(&self, isa: &Isa) -> Option<State> {
        let cells = number(&self.cells)?;
        if cells < isa.least_cells() || cells > isa.storage.cells {
            return None;
        }
        let mut state = State::zero(isa, cells);
        if self.registers.len() != isa.registers.len() {
            return None;
        }
        for (values, register) in state.registers.iter_mut().zip(&isa.registers) {
            let texts = self.registers.get(&register.name)?;
            *values = within(texts, std::iter::repeat_n(register.width, values.len()))?;
        }
        for (cell, value) in &self.storage {
            let (cell, value) = (number(cell)?, below(value, isa.storage.width)?);
            if cell >= cells {
                return None;
            }
            state.store(cell, value);
        }
        Some(state)
    }
}
