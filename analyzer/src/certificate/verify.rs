//! Checking a certificate.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use model::diagnostic::Sources;
use model::isa::{Isa, Profile};
use refvmm::classification::fingerprint;

use super::formula::{Derived, derive};
use super::manifest::{Arena, Entry, Manifest, Proof, VERSION};
use super::prove::Proved;
use super::{MANIFEST, PROOFS, key, pair_name, sha256, theorems};
use crate::analyze::{Options, judge, pairs};
use crate::decide::By;
use crate::lrat;
use crate::settle::{Docket, Question, Settle};
use crate::verdict::Verdict;

/// What checking came to.
#[derive(Debug)]
pub struct Verified {
    /// What is wrong, in words; empty if everything checks.
    pub wrong: Vec<String>,
    /// The obligations, by what stands behind them.
    pub proved: Proved,
    /// The theorems that follow: pair, theorem, premise and verdict.
    pub follows: Vec<(String, &'static str, String, String)>,
}

/// Files of a certificate are not larger than this.
const LARGEST: u64 = 1 << 30;

/// Checks a certificate against a specification: every formula is derived anew, every proof is
/// checked, every witness replayed, and the theorems follow from exactly these.
/// The error says why there is nothing to check.
pub fn verify(
    isa: &Isa,
    sources: &Sources,
    directory: &Path,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Verified, String> {
    let path = directory.join(MANIFEST);
    let text = read(&path, LARGEST).map_err(|e| format!("{}: {e}", path.display()))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    if manifest.certificate != VERSION {
        return Err(format!("{}: version {} is not known", path.display(), manifest.certificate));
    }
    let profile = Profile::ALL.iter().find(|p| p.word() == manifest.profile);
    let Some(&profile) = profile else {
        return Err(format!("{}: there is no profile `{}`", path.display(), manifest.profile));
    };
    let mut wrong = Vec::new();
    let tool = format!("analyze {}", env!("CARGO_PKG_VERSION"));
    let assumptions: Vec<String> =
        isa.assumptions.iter().map(|a| format!("{}: {}", a.name, a.text)).collect();
    let stated = [
        (manifest.specification == fingerprint(sources), "it is of another specification"),
        (manifest.isa == isa.name, "it is of another machine"),
        (manifest.tool == tool, "another version of the analyzer wrote it"),
        (manifest.assumptions == assumptions, "it states other assumptions"),
    ];
    wrong.extend(stated.iter().filter(|(holds, _)| !holds).map(|(_, why)| (*why).to_owned()));
    let mut verified = Verified { wrong, proved: Proved::default(), follows: Vec::new() };
    if !verified.wrong.is_empty() {
        return Ok(verified);
    }
    let options = Options { profile, pair: manifest.pair.as_deref(), timeout: None };
    let pairs = pairs(isa, &options);
    if pairs.is_empty() {
        return Err("there is no such pair of modes: nothing to check".into());
    }
    let verifying = Verifying {
        manifest: &manifest,
        directory: directory.join(PROOFS),
        used: Mutex::default(),
        wrong: Mutex::default(),
    };
    let total = pairs.len() * isa.classes.len();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let count = || progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, total);
    let mut found = std::collections::BTreeMap::new();
    for pair in pairs {
        let judged = judge(isa, pair, profile, &verifying, &count);
        found.insert(pair_name(pair), theorems(isa, &judged));
    }
    let used = verifying.used.into_inner().unwrap_or_default();
    verified.wrong = verifying.wrong.into_inner().unwrap_or_default().into_iter().collect();
    let unused = manifest.obligations.keys().filter(|key| !used.contains(*key));
    verified.wrong.extend(unused.map(|key| format!("{key}: nothing asks for this")));
    if found != manifest.theorems {
        verified.wrong.push("the theorems are not what follows from the obligations".into());
    }
    for (pair, theorems) in found {
        for (name, it) in [("Theorem 1", theorems.vmm), ("Theorem 3", theorems.hvmm)] {
            verified.follows.push((pair.clone(), name, it.premise, it.verdict));
        }
    }
    for entry in manifest.obligations.values() {
        verified.proved.count(entry);
    }
    Ok(verified)
}

fn read(path: &Path, largest: u64) -> std::io::Result<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(largest + 1).read_to_string(&mut text)?;
    if read as u64 > largest {
        return Err(std::io::Error::other("the file is too large"));
    }
    Ok(text)
}

/// Takes answers from a certificate, after checking them.
struct Verifying<'m> {
    manifest: &'m Manifest,
    directory: PathBuf,
    used: Mutex<BTreeSet<String>>,
    wrong: Mutex<BTreeSet<String>>,
}

impl Settle for Verifying<'_> {
    fn settle(&self, docket: &mut Docket<'_>, question: &Question<'_>) -> (Verdict, By) {
        let key = key(docket.setting.pair, docket.problem.class, &question.name);
        let answer = match self.manifest.obligations.get(&key) {
            None => Err("the certificate says nothing about this".to_owned()),
            Some(entry) => self.check(entry, docket, question),
        };
        if let Ok(mut used) = self.used.lock() {
            used.insert(key.clone());
        }
        let verdict = answer.unwrap_or_else(|why| {
            if let Ok(mut wrong) = self.wrong.lock() {
                wrong.insert(format!("{key}: {why}"));
            }
            Verdict::Open(why)
        });
        (verdict, By::Rewriting)
    }

    fn small(&self, _: &mut Docket<'_>, _: &Question<'_>) -> Option<Verdict> {
        None
    }
}

impl Verifying<'_> {
    fn check(
        &self,
        entry: &Entry,
        docket: &Docket<'_>,
        question: &Question<'_>,
    ) -> Result<Verdict, String> {
        let (setting, class) = (docket.setting, docket.problem.class);
        let proved = Verdict::Proved(crate::verdict::Proof::new(By::Rewriting));
        match entry {
            Entry::Open { reason } => Ok(Verdict::Open(reason.clone())),
            Entry::Structural(claimed) => match derive(setting, class, question, Arena::Plain) {
                Derived::False(structure) if structure == *claimed => Ok(proved),
                Derived::False(_) => Err("the dependencies are others".into()),
                Derived::Clauses(_) | Derived::Large => {
                    Err("the formula is not false as it is built".into())
                }
            },
            Entry::Rewriting => match derive(setting, class, question, Arena::Rewritten) {
                Derived::False(_) => Ok(proved),
                Derived::Clauses(_) | Derived::Large => {
                    Err("rewriting does not make the formula false".into())
                }
            },
            Entry::Lrat(proof) => match derive(setting, class, question, proof.arena) {
                Derived::Clauses(mut formula) => {
                    self.check_proof(proof, &mut formula).map(|()| proved)
                }
                Derived::False(_) => Err("the formula is false as it is built".into()),
                Derived::Large => Err("the formula is too large".into()),
            },
            Entry::Witness(states) => {
                let witness = states
                    .witness(setting.isa, class)
                    .ok_or("the witness is no state of this machine".to_owned())?;
                let replay = witness.replay(setting, class);
                if replay.admitted() && (question.shows)(&replay) {
                    Ok(Verdict::Shown(Box::new(witness)))
                } else {
                    Err("the witness does not show it".into())
                }
            }
        }
    }

    fn check_proof(
        &self,
        proof: &Proof,
        formula: &mut crate::decide::Formula,
    ) -> Result<(), String> {
        for lemma in &proof.lemmas {
            formula.lemma(*lemma).ok_or("a lemma speaks of no select")?;
        }
        let clauses = formula.cnf();
        if sha256(&[clauses.to_string().as_bytes()]) != proof.formula {
            return Err("the formula is another".into());
        }
        let path = self.directory.join(format!("{}.lrat", proof.formula));
        let text = read(&path, LARGEST).map_err(|e| format!("{}: {e}", path.display()))?;
        if sha256(&[text.as_bytes()]) != proof.sha256 {
            return Err("the proof is another".into());
        }
        lrat::check(clauses.variables(), clauses.clauses(), &text)
            .map_err(|rejected| format!("the proof is rejected: {rejected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let path = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        let text = std::fs::read_to_string(path).expect("it is there");
        let size = text.len() as u64;
        for largest in [size, size + 1, 2 * size] {
            assert_eq!(read(path, largest).expect("it is not too large"), text);
        }
        for largest in [1, size / 2, size - 1] {
            assert!(read(path, largest).is_err(), "a file of {size} bytes, at most {largest}");
        }
    }
}
