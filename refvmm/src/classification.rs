//! What is known about a machine, handed over by the analyzer as a value: control programs solve
//! nothing.

use std::fmt::Write as _;

use model::diagnostic::Sources;
use model::isa::{Isa, Pair, Part, Profile};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the file format.
const VERSION: u32 = 2;

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
    /// Whether the verdicts assume that guests keep l + b ≤ w, as the paper does.
    pub window: bool,
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
    /// The instructions whose squares do not commute for every choice of the bits to keep.
    pub offending: Vec<String>,
    /// Whether the premise holds, and yet the theorem fails.
    pub gap: bool,
    /// What stands in the way of a verdict.
    pub obstacles: Vec<String>,
    /// Bits of the control program's own that have to keep a value while its guests run.
    pub keeps: Vec<KeptBits>,
    /// Assumptions, by name, that guests can break where the control program sees it.
    pub watches: Vec<String>,
    /// Traps of the real machine that lose part of E, by name: the verdict holds while no guest relies on it.
    /// Here traps lead straight to the control program, so that nothing is lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loses: Vec<String>,
}

/// Bits that keep a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptBits {
    /// The register.
    pub component: String,
    /// Its lowest bit that is kept.
    pub low: u32,
    /// Number of bits.
    pub width: u32,
    /// Their value, as a number in text: it may be wider than 64 bits.
    pub value: String,
}

/// The version alone: what else a file has depends on it.
#[derive(Deserialize)]
struct Head {
    classification: u32,
}

/// What a verdict depends on.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// Bits of the control program's own with their values.
    pub keeps: Vec<(Part, u64)>,
    /// The assumptions that are true while guests run directly, by their place in the specification.
    pub watches: Vec<usize>,
    /// l + b ≤ w while guests run directly.
    pub window: bool,
}

impl KeptBits {
    /// Bits of a register.
    pub fn new(isa: &Isa, part: Part, value: u128) -> Self {
        Self {
            component: isa.register(part.register).name.clone(),
            low: part.low,
            width: part.width,
            value: model::state::number(value),
        }
    }

    /// The bits, if the machine has them.
    fn resolve(&self, isa: &Isa) -> Option<(Part, u64)> {
        let (register, it) = isa.register_ids().find(|(_, r)| r.name == self.component)?;
        let value = match self.value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => self.value.parse(),
        };
        let fits = it.count.is_none() && self.low.checked_add(self.width)? <= it.width;
        let part = Part { register, low: self.low, width: self.width };
        Some((part, value.ok()?)).filter(|_| fits)
    }
}

impl Answer {
    /// What the verdict depends on, but for the window.
    fn conditions(&self, isa: &Isa) -> Result<Conditions, String> {
        let unknown = |name: &str| {
            format!("the classification names `{name}`: `{}` has no such thing", isa.name)
        };
        let kept = |it: &KeptBits| it.resolve(isa).ok_or_else(|| unknown(&it.component));
        let place = |name: &String| {
            isa.assumptions.iter().position(|a| a.name == *name).ok_or_else(|| unknown(name))
        };
        Ok(Conditions {
            keeps: self.keeps.iter().map(kept).collect::<Result<_, _>>()?,
            watches: self.watches.iter().map(place).collect::<Result<_, _>>()?,
            window: false,
        })
    }

    /// Why there is no control program, behind the verdict.
    fn why(&self) -> String {
        let mut why = String::new();
        if !self.offending.is_empty() {
            let _ = write!(why, " (offending: {})", self.offending.join(", "));
        }
        if self.gap {
            why += "\n  although its premise holds: a gap in the definitions";
        }
        self.obstacles.iter().fold(why, |why, obstacle| why + "\n  " + obstacle)
    }
}

impl Classification {
    /// A classification of a specification.
    pub fn new(isa: &Isa, sources: &Sources, profile: Profile, pairs: Vec<Theorems>) -> Self {
        Self {
            classification: VERSION,
            isa: isa.name.clone(),
            specification: fingerprint(sources),
            profile: profile.word().to_owned(),
            window: profile != Profile::Extended,
            pairs,
        }
    }

    /// Reads a file about a specification.
    pub fn read(text: &str, sources: &Sources) -> Result<Self, String> {
        let none = |e: serde_json::Error| format!("no classification: {e}");
        let Head { classification: version } = serde_json::from_str(text).map_err(none)?;
        if version != VERSION {
            return Err(format!("classification format {version}; this program reads {VERSION}"));
        }
        let it: Self = serde_json::from_str(text).map_err(none)?;
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

    /// The first pair for which a control program may be constructed, and on which conditions; else
    /// the reason.
    pub fn admits<'i>(&self, isa: &'i Isa, kind: Kind) -> Result<(&'i Pair, Conditions), String> {
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
                Some(pair) if answer.verdict == "holds" => {
                    let conditions = answer.conditions(isa)?;
                    return Ok((pair, Conditions { window: self.window, ..conditions }));
                }
                _ => {
                    reason = format!(
                        "no {what} of `{}` may be constructed: Theorem {theorem} is {} for {} and {}",
                        isa.name, answer.verdict, theorems.supervisor, theorems.user,
                    );
                    reason += &answer.why();
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
