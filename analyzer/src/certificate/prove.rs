//! Writing a certificate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use model::diagnostic::Sources;
use model::isa::Isa;
use refvmm::files;

use super::formula::{Derived, derive};
use super::manifest::{Arena, Entry, Manifest, Proof, States};
use super::{MANIFEST, PROOFS, key, pair_name, sha256, theorems};
use crate::analyze::{Options, pairs};
use crate::decide::{By, Formula, Lemma, SolverConfig};
use crate::progress::{Progress, Step};
use crate::prove::answer::Existence;
use crate::prove::question::{Backend, DecisionProcedure, Question, Session};
use crate::sat::Outcome;
use crate::sat::elaborate::elaborate;
use crate::theorems::{items, judge};

/// What a certificate consists of, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Proved {
    /// False as they are built.
    pub structural: usize,
    /// Proofs of formulas without the rewriter.
    pub plain: usize,
    /// Proofs of formulas in normal form.
    pub rewritten: usize,
    /// The rewriter alone.
    pub rewriting: usize,
    /// Witnesses.
    pub witnesses: usize,
    /// Not settled.
    pub open: usize,
}

impl Proved {
    pub(super) fn count(&mut self, entry: &Entry) {
        match entry {
            Entry::Structural(_) => self.structural += 1,
            Entry::Lrat(Proof { arena: Arena::Plain, .. }) => self.plain += 1,
            Entry::Lrat(Proof { arena: Arena::Rewritten, .. }) => self.rewritten += 1,
            Entry::Rewriting => self.rewriting += 1,
            Entry::Witness(_) => self.witnesses += 1,
            Entry::Open { .. } => self.open += 1,
        }
    }

    /// Answers "no" whose proof needs the rewriter, of all answers "no".
    pub fn trusting(&self) -> (usize, usize) {
        let trusting = self.rewritten + self.rewriting;
        (trusting, trusting + self.structural + self.plain)
    }
}

impl std::fmt::Display for Proved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (trusting, all) = self.trusting();
        let permille = 1000 * trusting / all.max(1);
        writeln!(f, "  {:6} witnesses, replayed in the interpreter", self.witnesses)?;
        writeln!(f, "  {:6} structural: the formula is false as it is built", self.structural)?;
        writeln!(f, "  {:6} LRAT proofs of formulas without rewriting", self.plain)?;
        writeln!(f, "  {:6} LRAT proofs of formulas in normal form", self.rewritten)?;
        writeln!(f, "  {:6} by rewriting alone", self.rewriting)?;
        writeln!(f, "  {:6} undecided", self.open)?;
        write!(
            f,
            "  {trusting} of {all} proofs ({}.{} %) rest on the rewriter",
            permille / 10,
            permille % 10
        )
    }
}

/// Answers every question and writes down why: a manifest and the proofs, in a new directory.
/// The directory appears complete or not at all.
pub fn prove(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    directory: &Path,
    dimacs: bool,
    progress: &Progress<'_>,
) -> std::io::Result<Proved> {
    prove_with(
        SolverConfig::until(options.timeout),
        isa,
        sources,
        options,
        directory,
        dimacs,
        progress,
    )
}

/// The same with a solver of choice.
pub(crate) fn prove_with(
    config: SolverConfig,
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    directory: &Path,
    dimacs: bool,
    progress: &Progress<'_>,
) -> std::io::Result<Proved> {
    files::write_directory(directory, |partial| {
        std::fs::create_dir(partial.join(PROOFS))?;
        write(config, isa, sources, options, partial, dimacs, progress)
    })
}

fn write(
    config: SolverConfig,
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    directory: &Path,
    dimacs: bool,
    progress: &Progress<'_>,
) -> std::io::Result<Proved> {
    let proving = Proving {
        solving: DecisionProcedure { config },
        directory: directory.join(PROOFS),
        dimacs,
        entries: Mutex::default(),
        failed: Mutex::default(),
    };
    let pairs = pairs(isa, &options);
    let total = pairs.len() * items(isa);
    let step = |step: Step<'_>| progress(step, total);
    let mut found = BTreeMap::new();
    let header = Manifest::new(isa, sources, options.profile, &pairs);
    for pair in pairs {
        let judged = judge(isa, pair, options.profile, &proving, &step);
        found.insert(pair_name(pair), theorems(isa, &judged));
    }
    if let Some(error) = proving.failed.into_inner().ok().flatten() {
        return Err(error);
    }
    let obligations = proving.entries.into_inner().unwrap_or_default();
    let mut proved = Proved::default();
    for entry in obligations.values() {
        proved.count(entry);
    }
    let manifest = Manifest { theorems: found, obligations, ..header };
    std::fs::write(directory.join(MANIFEST), manifest.text()?)?;
    Ok(proved)
}

/// Answers like the solver, and keeps why.
struct Proving {
    solving: DecisionProcedure,
    directory: PathBuf,
    /// Write the clauses too, for other checkers.
    dimacs: bool,
    entries: Mutex<BTreeMap<String, Entry>>,
    failed: Mutex<Option<std::io::Error>>,
}

impl Backend for Proving {
    fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
        let (verdict, by) = self.solving.discharge(session, question);
        let entry = match &verdict {
            Existence::Witnessed(witness) => {
                Ok(Entry::Witness(States::of(session.problem.isa, witness)))
            }
            Existence::Unknown(reason) => Ok(Entry::Open { reason: reason.clone() }),
            Existence::Absent(_) => self.proof(session, question),
        };
        match entry {
            Ok(entry) => {
                let key = key(session.setting.pair, session.problem.class, &question.name);
                if let Ok(mut entries) = self.entries.lock() {
                    entries.insert(key, entry);
                }
            }
            Err(error) => {
                if let Ok(mut failed) = self.failed.lock() {
                    failed.get_or_insert(error);
                }
            }
        }
        (verdict, by)
    }

    fn small(&self, _: &mut Session<'_>, _: &Question<'_>) -> Option<Existence> {
        None
    }
}

impl Proving {
    /// The strongest proof at hand: without the rewriter, else without the solver.
    fn proof(&self, session: &mut Session<'_>, question: &Question<'_>) -> std::io::Result<Entry> {
        let (setting, class) = (session.setting, session.problem.class);
        match derive(setting, class, question, Arena::Plain) {
            Derived::False(structure) => return Ok(Entry::Structural(structure)),
            Derived::Clauses(mut formula) => {
                let conflicts = CONFLICTS.min(session.patience);
                let (refuted, spent) = self.refute(&mut formula, conflicts);
                match refuted {
                    Some((lemmas, proof)) => {
                        return self.keep(&formula, Arena::Plain, lemmas, &proof);
                    }
                    None => session.patience = session.patience.saturating_sub(spent),
                }
            }
            Derived::Large => {}
        }
        match derive(setting, class, question, Arena::Rewritten) {
            Derived::False(_) => Ok(Entry::Rewriting),
            Derived::Large => Ok(Entry::Open { reason: "the formula is too large".into() }),
            Derived::Clauses(mut formula) => match self.refute(&mut formula, u64::MAX).0 {
                Some((lemmas, proof)) => self.keep(&formula, Arena::Rewritten, lemmas, &proof),
                None => Ok(Entry::Open { reason: "no proof was found".into() }),
            },
        }
    }

    /// Lemmas and proof that the formula has no model, and the conflicts it took.
    fn refute(&self, formula: &mut Formula, conflicts: u64) -> (Option<(Vec<Lemma>, String)>, u64) {
        let config = self.solving.config;
        let mut sat = (config.recording)();
        for clause in formula.cnf().clauses() {
            sat.add_clause(clause);
        }
        let mut lemmas = Vec::new();
        while conflicts > sat.conflicts() {
            let budget = config.budget(conflicts - sat.conflicts());
            match sat.solve(&[], budget) {
                Outcome::Unknown => break,
                Outcome::Unsat => {
                    let Some(trace) = sat.trace() else { break };
                    let proof = elaborate(formula.cnf().clauses(), trace);
                    return (Some((lemmas, proof)), sat.conflicts());
                }
                Outcome::Sat => {
                    let broken = formula.broken(|v| sat.value(v));
                    if broken.is_empty() {
                        break;
                    }
                    for lemma in broken {
                        for clause in formula.lemma(lemma).into_iter().flatten() {
                            sat.add_clause(&clause);
                        }
                        lemmas.push(lemma);
                    }
                }
            }
        }
        (None, sat.conflicts())
    }

    fn keep(
        &self,
        formula: &Formula,
        arena: Arena,
        lemmas: Vec<Lemma>,
        proof: &str,
    ) -> std::io::Result<Entry> {
        let clauses = formula.cnf().to_string();
        let name = sha256(&[clauses.as_bytes()]);
        std::fs::write(self.directory.join(format!("{name}.lrat")), proof)?;
        if self.dimacs {
            std::fs::write(self.directory.join(format!("{name}.cnf")), clauses)?;
        }
        let sha256 = sha256(&[proof.as_bytes()]);
        Ok(Entry::Lrat(Proof { arena, lemmas, formula: name, sha256 }))
    }
}

/// Conflicts that a proof without the rewriter may take.
const CONFLICTS: u64 = 4_000;
