//! What is known about a machine, handed over by the analyzer as a value: control programs solve
//! nothing.

use std::fmt::Write as _;

use model::diagnostic::Sources;
use model::isa::{Isa, Pair};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the file format.
const VERSION: u32 = 1;

/// A kind of control program: which code it runs directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All of it, until it traps (Theorem 1).
    Vmm,
    /// That of virtual user mode; virtual supervisor mode is interpreted (Theorem 3).
    Hybrid,
}

/// The theorems of a specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classification {
    /// Version of the file format.
    pub classification: u32,
    /// Name of the machine.
    pub isa: String,
    /// The specification it is about: see [`fingerprint`].
    pub specification: String,
    /// The reading of the definitions that was asked about.
    pub profile: String,
    /// One entry for each de-privileging pair, in specification order.
    pub pairs: Vec<Theorems>,
}

/// The theorems for one de-privileging pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theorems {
    /// The mode the control program runs in.
    pub supervisor: String,
    /// The mode its guests run in.
    pub user: String,
    /// Theorem 1: a VMM.
    pub vmm: Answer,
    /// Theorem 3: a hybrid VMM.
    pub hvmm: Answer,
}

/// The answer to a theorem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// holds, refuted, undecided, vacuous or not-applicable.
    pub verdict: String,
    /// The instructions that break the premise.
    pub offending: Vec<String>,
}

impl Classification {
    /// A classification of a specification.
    pub fn new(isa: &Isa, sources: &Sources, profile: &str, pairs: Vec<Theorems>) -> Self {
        Self {
            classification: VERSION,
            isa: isa.name.clone(),
            specification: fingerprint(sources),
            profile: profile.to_owned(),
            pairs,
        }
    }

    /// Reads a file about a specification.
    pub fn read(text: &str, sources: &Sources) -> Result<Self, String> {
        let it: Self = serde_json::from_str(text).map_err(|e| format!("no classification: {e}"))?;
        if it.classification != VERSION {
            let version = it.classification;
            return Err(format!("classification format {version}; this program reads {VERSION}"));
        }
        if it.specification != fingerprint(sources) {
            return Err("it is about another version of the specification".into());
        }
        Ok(it)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The first pair for which a control program may be constructed; else the reason.
    pub fn admits<'i>(&self, isa: &'i Isa, kind: Kind) -> Result<&'i Pair, String> {
        let (theorem, what) = match kind {
            Kind::Vmm => (1, "VMM"),
            Kind::Hybrid => (3, "hybrid VMM"),
        };
        let mut reason =
            format!("`{}` has no modes, so Theorem {theorem} does not apply", isa.name);
        for theorems in &self.pairs {
            let answer = match kind {
                Kind::Vmm => &theorems.vmm,
                Kind::Hybrid => &theorems.hvmm,
            };
            let is_it =
                |p: &&Pair| (&p.supervisor.0, &p.user.0) == (&theorems.supervisor, &theorems.user);
            let pair = isa.pairs.iter().find(is_it);
            match pair {
                Some(pair) if answer.verdict == "holds" => return Ok(pair),
                _ => {
                    reason = format!(
                        "no {what} of `{}` may be constructed: Theorem {theorem} is {} for {} and {}",
                        isa.name, answer.verdict, theorems.supervisor, theorems.user,
                    );
                    if !answer.offending.is_empty() {
                        let _ = write!(reason, " (offending: {})", answer.offending.join(", "));
                    }
                }
            }
        }
        Err(reason)
    }
}

/// SHA-256 of a specification: its files one after the other, each with its length.
pub fn fingerprint(sources: &Sources) -> String {
    let mut hash = Sha256::new();
    for file in &sources.files {
        hash.update((file.text.len() as u64).to_le_bytes());
        hash.update(file.text.as_bytes());
    }
    hexadecimal(&hash.finalize())
}

/// Two digits for each byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
