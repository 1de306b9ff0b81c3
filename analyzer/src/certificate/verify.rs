//! Checking a certificate.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use model::diagnostic::Sources;
use model::isa::Isa;

use super::formula::{Derived, derive};
use super::manifest::{Arena, Entry, Manifest, Proof, States, VERSION};
use super::prove::Proved;
use super::{MANIFEST, PROOFS, key, pair_name, sha256, theorems};
use crate::analyze::{Options, pairs};
use crate::certificate::lrat;
use crate::decide::By;
use crate::progress::{Progress, Step};
use crate::prove::answer::Existence;
use crate::prove::question::{Backend, Question, Session};
use crate::report::build::conditions;
use crate::report::text::on_condition;
use crate::symbolic::term::Terms;
use crate::theorems::{items, judge};

/// What checking came to.
#[derive(Debug)]
pub struct Verified {
    /// What is wrong, in words; empty if everything checks.
    pub wrong: Vec<String>,
    /// The obligations, by what stands behind them.
    pub proved: Proved,
    /// The theorems that follow: pair, theorem, premise, and verdict with its conditions.
    pub follows: Vec<(String, &'static str, String, String)>,
}

/// A manifest is not larger than this: twenty times the largest of the bundled specifications.
const MANIFEST_SIZE: u64 = 64 << 20;

/// A proof, or a formula written out, is not larger than this.
const PROOF_SIZE: u64 = 256 << 20;

/// Lemmas of one proof: each makes clauses.
const LEMMAS: usize = 1 << 14;

/// Checks a certificate of what the options ask for against a specification: every formula is
/// derived anew, every proof is checked, every witness replayed, and the theorems follow from
/// exactly these. What was checked, written down again, has to be the manifest, to the byte; and
/// nothing else may lie in the directory.
/// The error says why there is nothing to check.
pub fn verify(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    directory: &Path,
    progress: &Progress<'_>,
) -> Result<Verified, String> {
    let path = directory.join(MANIFEST);
    let at = |why: String| format!("{}: {why}", path.display());
    let text = read(&path, MANIFEST_SIZE).map_err(|e| at(e.to_string()))?;
    let claimed: Manifest =
        serde_json::from_str(&text).map_err(|e| at(printable(&e.to_string())))?;
    if claimed.certificate != VERSION {
        return Err(at(format!("version {} is not known", claimed.certificate)));
    }
    let pairs = pairs(isa, &options);
    if pairs.is_empty() {
        return Err("there is no such pair of modes: nothing to check".into());
    }
    let header = Manifest::new(isa, sources, options.profile, &pairs);
    let mut verified = Verified {
        wrong: foreign(&claimed, &header),
        proved: Proved::default(),
        follows: Vec::new(),
    };
    if !verified.wrong.is_empty() {
        return Ok(verified);
    }
    let verifying = Verifying {
        claimed: &claimed,
        directory: directory.join(PROOFS),
        used: Mutex::default(),
        checked: Mutex::default(),
        wrong: Mutex::default(),
    };
    let total = pairs.len() * items(isa);
    let step = |step: Step<'_>| progress(step, total);
    let (mut found, mut follows) = (BTreeMap::new(), Vec::new());
    for pair in pairs {
        let judged = judge(isa, pair, options.profile, &verifying, &step);
        found.insert(pair_name(pair), theorems(isa, &judged));
        for it in &judged.monitors {
            let conditions = on_condition(&conditions(isa, pair, it));
            let verdict = format!("{}{conditions}", it.verdict.word());
            follows.push((
                pair_name(pair),
                it.theorem.name(),
                it.premise.word().to_owned(),
                verdict,
            ));
        }
    }
    let used = verifying.used.into_inner().unwrap_or_default();
    let obligations = verifying.checked.into_inner().unwrap_or_default();
    let mut wrong = verifying.wrong.into_inner().unwrap_or_default();
    let unused = claimed.obligations.keys().filter(|key| !used.contains(*key));
    wrong.extend(unused.map(|key| format!("{}: nothing asks for this", printable(key))));
    verified.wrong.extend(wrong);
    if found != claimed.theorems {
        verified.wrong.push("the theorems are not what follows from the obligations".into());
    }
    let checked = Manifest { theorems: found, obligations, ..header };
    verified.wrong.extend(surplus(directory, &checked));
    if verified.wrong.is_empty() {
        let expected = checked.text().map_err(|e| at(e.to_string()))?;
        verified.wrong.extend(difference(&text, &expected));
    }
    for entry in checked.obligations.values() {
        verified.proved.count(entry);
    }
    verified.follows = follows;
    Ok(verified)
}

/// What shows that a certificate is one of something else.
fn foreign(claimed: &Manifest, asked: &Manifest) -> Vec<String> {
    let pairs = |it: &Manifest| match &it.pairs {
        None => "all pairs of modes".to_owned(),
        Some(pairs) => format!("the pair {}", printable(&pairs.join(", "))),
    };
    let [has, wants] = [claimed, asked].map(pairs);
    let profile = format!(
        "it is of profile `{}`, and `{}` is asked for",
        printable(&claimed.profile),
        asked.profile
    );
    let stated = [
        (claimed.specification == asked.specification, "it is of another specification".into()),
        (claimed.isa == asked.isa, "it is of another machine".into()),
        (claimed.tool == asked.tool, "another version of the analyzer wrote it".into()),
        (claimed.assumptions == asked.assumptions, "it states other assumptions".into()),
        (claimed.profile == asked.profile, profile),
        (claimed.pairs == asked.pairs, format!("it is of {has}, and {wants} is asked for")),
    ];
    stated.into_iter().filter(|(holds, _)| !holds).map(|(_, why)| why).collect()
}

/// The first line in which a manifest is not what was checked, written down again.
fn difference(text: &str, expected: &str) -> Option<String> {
    if text == expected {
        return None;
    }
    let lines = |text: &str| text.split('\n').map(str::to_owned).collect::<Vec<_>>();
    let (found, wanted) = (lines(text), lines(expected));
    let line = found.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    let shown = |lines: &[String]| match lines.get(line) {
        Some(text) => format!("`{}`", printable(text.trim())),
        None => "the end".to_owned(),
    };
    Some(format!(
        "{MANIFEST}, line {}: {} where what was checked gives {}",
        line + 1,
        shown(&found),
        shown(&wanted)
    ))
}

/// Files that do not belong to a certificate.
fn surplus(directory: &Path, checked: &Manifest) -> Vec<String> {
    const MOST: usize = 100;
    let proofs = checked.obligations.values().filter_map(|entry| match entry {
        Entry::Lrat(proof) => Some(proof.formula.as_str()),
        _ => None,
    });
    let proofs: BTreeSet<&str> = proofs.collect();
    let judge = |folder: &Path, name: &str| -> Result<(), String> {
        if folder == directory {
            return match name {
                MANIFEST => Ok(()),
                PROOFS => plain(&folder.join(name), false).map_err(|e| e.to_string()),
                _ => Err("this is no part of a certificate".into()),
            };
        }
        match name.rsplit_once('.') {
            Some((formula, "lrat")) if proofs.contains(formula) => Ok(()),
            Some((formula, "cnf")) if proofs.contains(formula) => {
                let text = read(&folder.join(name), PROOF_SIZE).map_err(|e| e.to_string())?;
                let same = sha256(&[text.as_bytes()]) == formula;
                if same { Ok(()) } else { Err("the formula is another".into()) }
            }
            _ => Err("nothing asks for this file".into()),
        }
    };
    let mut wrong = Vec::new();
    for folder in [directory.to_owned(), directory.join(PROOFS)] {
        let files = match std::fs::read_dir(&folder) {
            Ok(files) => files,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return vec![format!("{}: {e}", folder.display())],
        };
        for file in files.flatten() {
            let name = file.file_name();
            let name = name.to_string_lossy();
            if let Err(why) = judge(&folder, &name) {
                wrong.push(format!("{}: {why}", printable(&name)));
            }
            if wrong.len() == MOST {
                return wrong;
            }
        }
    }
    wrong.sort();
    wrong
}

/// Foreign text for a message: without control characters, and not long.
fn printable(text: &str) -> String {
    const SHOWN: usize = 200;
    let start: String = text.chars().take(SHOWN).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    let escaped = start
        .chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
    escaped.collect::<String>() + more
}

/// A file or a directory, and nothing that leads or waits elsewhere.
fn plain(path: &Path, file: bool) -> std::io::Result<()> {
    let kind = std::fs::symlink_metadata(path)?.file_type();
    let wanted = if file { "a regular file" } else { "a directory" };
    if (file && kind.is_file()) || (!file && kind.is_dir()) {
        return Ok(());
    }
    Err(std::io::Error::other(format!("this is not {wanted}")))
}

/// A file of a certificate, whole.
fn read(path: &Path, largest: u64) -> std::io::Result<String> {
    plain(path, true)?;
    let long = || std::io::Error::other(format!("the file has more than {largest} bytes"));
    if std::fs::metadata(path)?.len() > largest {
        return Err(long());
    }
    let mut text = String::new();
    let read = std::fs::File::open(path)?.take(largest + 1).read_to_string(&mut text)?;
    if read as u64 > largest {
        return Err(long());
    }
    Ok(text)
}

/// Takes answers from a certificate, after checking them.
struct Verifying<'m> {
    claimed: &'m Manifest,
    directory: PathBuf,
    /// What was asked for.
    used: Mutex<BTreeSet<String>>,
    /// What was found right, as the prover would write it down.
    checked: Mutex<BTreeMap<String, Entry>>,
    wrong: Mutex<BTreeSet<String>>,
}

impl Backend for Verifying<'_> {
    fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
        let key = key(session.setting.pair, session.problem.class, &question.name);
        let answer = match self.claimed.obligations.get(&key) {
            None => Err("the certificate says nothing about this".to_owned()),
            Some(entry) => self.check(entry, session, question),
        };
        if let Ok(mut used) = self.used.lock() {
            used.insert(key.clone());
        }
        let verdict = match answer {
            Ok((verdict, entry)) => {
                if let Ok(mut checked) = self.checked.lock() {
                    checked.insert(key, entry);
                }
                verdict
            }
            Err(why) => {
                if let Ok(mut wrong) = self.wrong.lock() {
                    wrong.insert(format!("{key}: {why}"));
                }
                Existence::Unknown(why)
            }
        };
        (verdict, By::Rewriting)
    }

    fn small(&self, _: &mut Session<'_>, _: &Question<'_>) -> Option<Existence> {
        None
    }
}

impl Verifying<'_> {
    /// The verdict of an entry that is right, and that entry written down anew.
    fn check(
        &self,
        entry: &Entry,
        session: &Session<'_>,
        question: &Question<'_>,
    ) -> Result<(Existence, Entry), String> {
        let (setting, class) = (session.setting, session.problem.class);
        let proved = Existence::Absent(crate::prove::answer::Proof::new(By::Rewriting));
        match entry {
            Entry::Open { reason } => Ok((Existence::Unknown(reason.clone()), entry.clone())),
            Entry::Structural(claimed) => match derive(setting, class, question, Arena::Plain) {
                Derived::False(structure) if structure == *claimed => {
                    Ok((proved, Entry::Structural(structure)))
                }
                Derived::False(_) => Err("the dependencies are others".into()),
                Derived::Clauses(_) | Derived::Large => {
                    Err("the formula is not false as it is built".into())
                }
            },
            Entry::Rewriting => match derive(setting, class, question, Arena::Rewritten) {
                Derived::False(_) => Ok((proved, Entry::Rewriting)),
                Derived::Clauses(_) | Derived::Large => {
                    Err("rewriting does not make the formula false".into())
                }
            },
            Entry::Lrat(proof) => match derive(setting, class, question, proof.arena) {
                Derived::Clauses(mut formula) => {
                    self.check_proof(proof, &mut formula).map(|it| (proved, Entry::Lrat(it)))
                }
                Derived::False(_) => Err("the formula is false as it is built".into()),
                Derived::Large => Err("the formula is too large".into()),
            },
            Entry::Witness(states) => {
                let witness = states
                    .witness(setting.isa, class)
                    .ok_or("the witness is no state of this machine".to_owned())?;
                let (_, asked) = question.put(setting, class, Terms::default());
                if states.shape() != (asked.runs.len(), asked.first.is_some()) {
                    return Err("the witness has not the form that the question asks for".into());
                }
                let replay = witness.replay(setting, class);
                if replay.admitted() && (question.shows)(&replay) {
                    let entry = Entry::Witness(States::of(setting.isa, &witness));
                    Ok((Existence::Witnessed(Box::new(witness)), entry))
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
    ) -> Result<Proof, String> {
        if proof.lemmas.len() > LEMMAS {
            return Err(format!("it needs more than {LEMMAS} lemmas"));
        }
        let mut seen = BTreeSet::new();
        for lemma in &proof.lemmas {
            if !seen.insert(*lemma) {
                return Err("a lemma is there twice".into());
            }
            formula.lemma(*lemma).ok_or("a lemma speaks of no select")?;
        }
        let clauses = formula.cnf();
        let name = sha256(&[clauses.to_string().as_bytes()]);
        if name != proof.formula {
            return Err("the formula is another".into());
        }
        let file = format!("{name}.lrat");
        let text = plain(&self.directory, false)
            .and_then(|()| read(&self.directory.join(&file), PROOF_SIZE))
            .map_err(|e| format!("{file}: {e}"))?;
        let hash = sha256(&[text.as_bytes()]);
        if hash != proof.sha256 {
            return Err("the proof is another".into());
        }
        lrat::check(clauses.variables(), clauses.clauses(), &text)
            .map_err(|rejected| format!("the proof is rejected: {rejected}"))?;
        let lemmas = proof.lemmas.clone();
        Ok(Proof { arena: proof.arena, lemmas, formula: name, sha256: hash })
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
