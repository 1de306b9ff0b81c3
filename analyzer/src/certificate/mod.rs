//! Certificates: what stands behind every answer, for a reader who trusts neither solver nor, where
//! it can be had, rewriter.
//!
//! [`prove`] answers the questions as always and writes down why; [`verify`] lets the same code ask
//! the same questions and takes the answers from the certificate, after checking each of them.
//! So the theorems follow from exactly the obligations that were checked.

mod formula;
pub(crate) mod lrat;
mod manifest;
mod prove;
pub mod smtlib;
mod verify;

use model::isa::{Class, Pair};
use sha2::{Digest, Sha256};

pub use prove::{Proved, prove};
pub use verify::{Verified, verify};

use crate::theorems::Judged;
use manifest::{Judged as Claimed, Theorems};

const MANIFEST: &str = "manifest.json";
const PROOFS: &str = "proofs";

/// The name of an obligation.
fn key(pair: &Pair, class: &Class, question: &str) -> String {
    format!("{} {} {question}", pair_name(pair), class.name)
}

fn pair_name(pair: &Pair) -> String {
    format!("{}:{}", pair.supervisor.0, pair.user.0)
}

fn sha256(parts: &[&[u8]]) -> String {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What follows for a pair, as the manifest states it.
fn theorems(isa: &model::isa::Isa, judged: &Judged<'_>) -> Theorems {
    let of = |it: &crate::theorems::theorem::Judgement| Claimed {
        premise: it.premise.word().to_owned(),
        verdict: it.verdict.word().to_owned(),
        offending: it.offending.iter().map(|i| isa.classes[*i].name.clone()).collect(),
    };
    let [vmm, hvmm] = judged.monitors.each_ref().map(of);
    Theorems { vmm, hvmm }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Mutex;

    use model::diagnostic::Sources;
    use model::isa::{Isa, Profile};

    use super::prove::prove_with;
    use super::{prove, verify};
    use crate::analyze::Options;
    use crate::decide::SolverConfig;
    use crate::sat::batsat::BatSat;
    use crate::sat::drup::Trace;
    use crate::sat::{Budget, Outcome, SatSolver};

    const OPTIONS: Options<'_> = Options { profile: Profile::Refined, pair: None, timeout: None };

    fn load(path: &str) -> (Isa, Sources) {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../");
        let mut sources = Sources::default();
        let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
        let loaded = model::load(&format!("{root}{path}"), &open, &mut sources);
        (loaded.expect("the specification loads").isa, sources)
    }

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    /// A solver that takes a model for a refutation.
    struct Eager(BatSat);

    impl SatSolver for Eager {
        fn add_clause(&mut self, clause: &[i32]) {
            self.0.add_clause(clause);
        }

        fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome {
            match self.0.solve(assumptions, budget) {
                Outcome::Sat => Outcome::Unsat,
                outcome => outcome,
            }
        }

        fn value(&self, variable: i32) -> bool {
            self.0.value(variable)
        }

        fn conflicts(&self) -> u64 {
            self.0.conflicts()
        }

        fn trace(&self) -> Option<&Trace> {
            self.0.trace()
        }
    }

    #[test]
    fn a_solver_that_refutes_too_eagerly_is_found_out() {
        let (isa, sources) = load("isa-specs/m68000.yaml");
        let directory = directory("eager");
        let eager = SolverConfig {
            solver: || Box::new(Eager(BatSat::new())),
            recording: || Box::new(Eager(BatSat::recording())),
            ..SolverConfig::new()
        };
        prove_with(eager, &isa, &sources, OPTIONS, &directory, false, &|_, _| {})
            .expect("the certificate is written");
        let verified =
            verify(&isa, &sources, OPTIONS, &directory, &|_, _| {}).expect("it can be read");
        let _ = std::fs::remove_dir_all(&directory);
        assert!(
            verified.wrong.iter().any(|why| why.contains("the proof is rejected")),
            "{verified:?}"
        );
    }

    #[test]
    fn an_honest_certificate_is_accepted_and_the_same_twice() {
        for spec in ["isa-specs/g3.yaml", "isa-specs/g3-jrst1.yaml"] {
            let (isa, sources) = load(spec);
            let mut manifests = Vec::new();
            for name in ["honest-1", "honest-2"] {
                let directory = directory(name);
                prove(&isa, &sources, OPTIONS, &directory, false, &|_, _| {})
                    .expect("the certificate is written");
                let steps = Mutex::new(Vec::new());
                let progress = |step: crate::Step<'_>, total| {
                    let ends = matches!(step, crate::Step::Ends(_));
                    steps.lock().expect("is free").push((ends, total));
                };
                let verified =
                    verify(&isa, &sources, OPTIONS, &directory, &progress).expect("it is read");
                assert_eq!(verified.wrong, Vec::<String>::new(), "{spec}");
                let mut steps = steps.into_inner().expect("is free");
                steps.sort_unstable();
                let all = isa.pairs.len() * (isa.classes.len() + 2);
                let both = [(false, all), (true, all)];
                assert!(
                    steps.into_iter().eq(both.into_iter().flat_map(|it| vec![it; all])),
                    "{spec}"
                );
                assert!(verified.proved.plain > 0 && verified.proved.witnesses > 0);
                manifests.push(std::fs::read(directory.join(super::MANIFEST)).expect("is there"));
                let _ = std::fs::remove_dir_all(&directory);
            }
            assert!(manifests[0] == manifests[1], "{spec}: same input, same bytes");
        }
    }
}
