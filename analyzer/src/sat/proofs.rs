//! Tests of the whole way from a solver's answer to a checked proof, and of proofs that were tampered with.

use super::aig::{Aig, Lit};
use super::batsat::BatSat;
use super::cnf::Cnf;
use super::drup::Trace;
use super::elaborate::elaborate;
use super::tests::{AMPLE, Random, pigeonhole};
use super::{Budget, Outcome, SatSolver, circuits};
use crate::certificate::lrat::{Rejected, check};

type Formula = Vec<Vec<i32>>;

fn slices(formula: &[Vec<i32>]) -> impl Iterator<Item = &[i32]> {
    formula.iter().map(Vec::as_slice)
}

fn variables(formula: &[Vec<i32>]) -> u32 {
    formula.iter().flatten().map(|literal| literal.unsigned_abs()).max().unwrap_or(0)
}

fn checked(formula: &[Vec<i32>], proof: &str) -> Result<(), Rejected> {
    check(variables(formula), slices(formula), proof)
}

fn loaded(formula: &[Vec<i32>]) -> BatSat {
    let mut solver = BatSat::recording();
    for clause in formula {
        solver.add_clause(clause);
    }
    solver
}

/// The proof that a solver's record yields for a formula.
fn proof(formula: &[Vec<i32>], solver: &BatSat) -> String {
    elaborate(slices(formula), solver.trace().expect("a recording solver"))
}

/// A proof if the formula has no model.
fn refuted(formula: &[Vec<i32>]) -> Option<String> {
    let mut solver = loaded(formula);
    (solver.solve(&[], AMPLE) == Outcome::Unsat).then(|| proof(formula, &solver))
}

fn holds(model: u32, literal: i32) -> bool {
    (model >> (literal.abs() - 1) & 1 == 1) == (literal > 0)
}

fn has_model(formula: &[Vec<i32>]) -> bool {
    (0..1u32 << variables(formula))
        .any(|model| formula.iter().all(|clause| clause.iter().any(|&l| holds(model, l))))
}

fn random_formula(random: &mut Random, variables: usize, clauses: usize) -> Formula {
    let mut literal = |_| {
        let variable = random.below(variables) as i32 + 1;
        if random.below(2) == 0 { variable } else { -variable }
    };
    (0..clauses)
        .map(|index| (0..3 - usize::from(index % 7 == 0)).map(&mut literal).collect())
        .collect()
}

#[test]
fn random_formulas_without_model_are_proved() {
    let mut random = Random(21);
    let mut proved = 0;
    for round in 0..2000 {
        let formula = random_formula(&mut random, 3 + round % 8, 12 + round % 50);
        let proof = refuted(&formula);
        assert_eq!(proof.is_none(), has_model(&formula), "round {round}");
        if let Some(proof) = proof {
            assert_eq!(checked(&formula, &proof), Ok(()), "round {round}: {formula:?}\n{proof}");
            proved += 1;
        }
    }
    assert!((500..1900).contains(&proved), "{proved} formulas without model");
}

#[test]
fn degenerate_formulas_are_proved() {
    for formula in [
        vec![vec![]],
        vec![vec![1], vec![-1]],
        vec![vec![1, -1], vec![2, 2], vec![], vec![3]],
        vec![vec![1, 1, 2], vec![-1, -1], vec![-2, -2, 1]],
        vec![vec![2, -2, 1], vec![-1], vec![1, 2], vec![1, -2]],
    ] {
        let proof = refuted(&formula).expect("no model");
        assert_eq!(checked(&formula, &proof), Ok(()), "{formula:?}\n{proof}");
    }
}

#[test]
fn pigeonholes_are_proved() {
    for pigeons in 5..=7 {
        let formula = pigeonhole(pigeons);
        let proof = refuted(&formula).expect("no model");
        assert_eq!(checked(&formula, &proof), Ok(()), "{pigeons} pigeons");
    }
}

#[test]
fn refuted_assumptions_are_proved() {
    let mut random = Random(22);
    let mut proved = 0;
    for round in 0..200 {
        let mut formula = random_formula(&mut random, 12, 44);
        let mut solver = loaded(&formula);
        for _ in 0..6 {
            let mut pick = || {
                let variable = random.below(12) as i32 + 1;
                if random.below(2) == 0 { variable } else { -variable }
            };
            let assumptions = [pick(), pick(), pick()];
            let mut assumed = formula.clone();
            assumed.extend(assumptions.map(|literal| vec![literal]));
            let outcome = solver.solve(&assumptions, AMPLE);
            assert_eq!(outcome == Outcome::Sat, has_model(&assumed), "round {round}");
            if outcome == Outcome::Unsat {
                let proof = proof(&assumed, &solver);
                assert_eq!(checked(&assumed, &proof), Ok(()), "round {round}");
                proved += 1;
            }
            // Inputs may come between the calls.
            let clause = vec![pick(), pick(), pick()];
            solver.add_clause(&clause);
            formula.push(clause);
        }
        let inputs = &solver.trace().expect("a recording solver").inputs;
        assert!(inputs.iter().eq(slices(&formula)), "inputs are recorded as they were given");
    }
    assert!(proved > 200, "{proved} refuted assumptions");
}

/// The clauses of two products and of their difference; the literals of the products' bits and of the difference.
fn products(width: usize) -> (Formula, Vec<[i32; 2]>, i32) {
    let mut aig = Aig::new();
    let [a, b] = [0; 2].map(|_| (0..width).map(|_| aig.input()).collect::<Vec<Lit>>());
    let (left, right) = (circuits::mul(&mut aig, &a, &b), circuits::mul(&mut aig, &b, &a));
    let differ = !circuits::eq(&mut aig, &left, &right);
    let roots: Vec<Lit> = left.iter().chain(&right).copied().chain([differ]).collect();
    let cnf = Cnf::new(&aig, &roots);
    let literal = |lit: Lit| cnf.literal(lit).expect("a root has a variable");
    let pairs = left.iter().zip(&right).map(|(&l, &r)| [literal(l), literal(r)]).collect();
    (cnf.clauses().map(<[i32]>::to_vec).collect(), pairs, literal(differ))
}

#[test]
fn multiplication_commutes() {
    let (mut formula, _, differ) = products(5);
    formula.push(vec![differ]);
    let proof = refuted(&formula).expect("multiplication commutes");
    assert_eq!(checked(&formula, &proof), Ok(()));
    // The goal may be an assumption just as well.
    let mut solver = loaded(&formula[..formula.len() - 1]);
    assert_eq!(solver.solve(&[differ], AMPLE), Outcome::Unsat);
    assert_eq!(checked(&formula, &self::proof(&formula, &solver)), Ok(()));
}

/// Bits are proved equal one after the other under assumptions, then the difference is refuted: one proof of all of it.
fn swept(width: usize) -> (Formula, String) {
    let (mut formula, pairs, differ) = products(width);
    let mut solver = loaded(&formula);
    for [left, right] in pairs {
        for [x, y] in [[left, -right], [-left, right]] {
            assert_eq!(solver.solve(&[x, y], AMPLE), Outcome::Unsat);
            solver.add_lemma(&[-x, -y]);
        }
    }
    solver.add_clause(&[differ]);
    formula.push(vec![differ]);
    assert_eq!(solver.solve(&[], AMPLE), Outcome::Unsat, "all bits are equal");
    let proof = proof(&formula, &solver);
    (formula, proof)
}

#[test]
fn sweeping_yields_one_proof() {
    let (formula, proof) = swept(5);
    assert_eq!(checked(&formula, &proof), Ok(()));
    let differ = formula.len() - 1;
    assert!(checked(&formula[..differ], &proof).is_err(), "the goal is needed");
}

/// A solver that takes giving up for a refutation.
struct Hasty(BatSat);

impl SatSolver for Hasty {
    fn add_clause(&mut self, clause: &[i32]) {
        self.0.add_clause(clause);
    }

    fn solve(&mut self, assumptions: &[i32], budget: Budget) -> Outcome {
        match self.0.solve(assumptions, budget) {
            Outcome::Unknown => Outcome::Unsat,
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
fn a_hasty_solver_is_found_out() {
    let (commutes, _, differ) = products(5);
    let mut goal = commutes.clone();
    goal.push(vec![differ]);
    let mut without_goal = commutes;
    without_goal.push(vec![-differ, differ]);
    for formula in [pigeonhole(6), pigeonhole(7), goal, without_goal] {
        for conflicts in [0, 1, 5, 20] {
            let mut solver = Hasty(loaded(&formula));
            if solver.solve(&[], Budget::conflicts(conflicts)) == Outcome::Sat {
                continue;
            }
            let proof = proof(&formula, &solver.0);
            assert!(checked(&formula, &proof).is_err(), "{conflicts} conflicts are not enough");
        }
    }
}

#[test]
fn forged_lemmas_are_found_out() {
    let mut random = Random(23);
    let (mut accepted, mut rejected) = (0, 0);
    for round in 0..600 {
        let formula = random_formula(&mut random, 9, 25 + round % 25);
        let mut trace = Trace::default();
        for clause in random_formula(&mut random, 9, 6).into_iter().chain([vec![1], vec![-1]]) {
            trace.lemmas.push(clause.iter().copied());
            if round % 3 == 0 {
                trace.give_up(clause);
            }
        }
        match checked(&formula, &elaborate(slices(&formula), &trace)) {
            Ok(()) => {
                assert!(!has_model(&formula), "round {round}");
                accepted += 1;
            }
            Err(_) => rejected += 1,
        }
    }
    assert!(accepted > 20 && rejected > 200, "{accepted} accepted, {rejected} rejected");
}

/// Whether the last of the clauses follows from the others by unit propagation, found without hints and slowly.
fn propagates(present: &[(i64, Vec<i64>)], clause: &[i64]) -> bool {
    let mut truths: Vec<i64> = clause.iter().map(|literal| -literal).collect();
    loop {
        let before = truths.len();
        for (_, clause) in present {
            if clause.iter().any(|literal| truths.contains(literal)) {
                continue;
            }
            let mut open: Vec<i64> =
                clause.iter().copied().filter(|literal| !truths.contains(&-literal)).collect();
            open.dedup();
            match open[..] {
                [] => return true,
                [literal] => truths.push(literal),
                _ => {}
            }
        }
        if truths.len() == before {
            return false;
        }
    }
}

/// Whether a proof that was accepted is right: each step follows from the clauses present, and the last is empty.
fn is_right(formula: &[Vec<i32>], proof: &str) -> bool {
    let given = formula.iter().map(|clause| clause.iter().map(|&literal| literal.into()).collect());
    let mut present: Vec<(i64, Vec<i64>)> = (1..).zip(given).collect();
    let mut last = Vec::from([0]);
    for line in proof.lines() {
        if let Some((_, deleted)) = line.split_once('d') {
            let numbers: Vec<i64> = deleted.split_whitespace().flat_map(str::parse).collect();
            present.retain(|(id, _)| !numbers.contains(id));
            continue;
        }
        let mut numbers = line.split_whitespace().map(|word| word.parse().expect("accepted"));
        let id: i64 = numbers.next().expect("accepted");
        let clause: Vec<i64> = numbers.take_while(|&number| number != 0).collect();
        if present.iter().any(|(other, _)| *other >= id) || !propagates(&present, &clause) {
            return false;
        }
        last.clone_from(&clause);
        present.push((id, clause));
    }
    last.is_empty()
}

/// A proof with a line that gives up clauses as soon as they are not needed any more.
fn with_deletions(formula: &[Vec<i32>], proof: &str) -> String {
    let mut lines: Vec<String> = proof.lines().map(str::to_owned).collect();
    for id in 1..formula.len() + lines.len() {
        let mentions = |line: &String| line.split(' ').skip(1).any(|word| word == id.to_string());
        if let Some(at) = lines.iter().rposition(mentions).filter(|&at| at + 1 < lines.len()) {
            let number = lines[at].split(' ').next().expect("a number").to_owned();
            lines.insert(at + 1, format!("{number} d {id} 0"));
        }
    }
    lines.join("\n") + "\n"
}

/// Small formulas without model and their proofs, half of them with deletions.
fn samples(random: &mut Random, count: usize) -> Vec<(Formula, String)> {
    let mut all = Vec::new();
    while all.len() < count {
        let formula = match all.len() % 8 {
            0 => pigeonhole(4),
            _ => random_formula(random, 9, 40),
        };
        if let Some(mut proof) = refuted(&formula) {
            if all.len() % 2 == 1 {
                proof = with_deletions(&formula, &proof);
            }
            assert_eq!(checked(&formula, &proof), Ok(()));
            assert!(is_right(&formula, &proof), "the slow check agrees");
            all.push((formula, proof));
        }
    }
    all
}

/// Tampers with one proof or formula; `None` if this one offers no opportunity.
type Tamper = fn(&mut Random, &[Vec<i32>], &str) -> Option<(Formula, String)>;

/// Replaces a word of a random line, chosen by its place in the line.
fn replaced(
    random: &mut Random,
    proof: &str,
    eligible: impl Fn(&[&str], usize) -> bool,
    new: impl FnOnce(&mut Random, i64) -> i64,
) -> Option<String> {
    let mut lines: Vec<Vec<&str>> = proof.lines().map(|line| line.split(' ').collect()).collect();
    let places: Vec<(usize, usize)> = lines
        .iter()
        .enumerate()
        .flat_map(|(row, line)| (0..line.len()).map(move |column| (row, column)))
        .filter(|&(row, column)| eligible(&lines[row], column))
        .collect();
    let &(row, column) = places.get(random.below(places.len().max(1)))?;
    let word = new(random, lines[row][column].parse().ok()?).to_string();
    lines[row][column] = &word;
    Some(lines.iter().map(|line| line.join(" ") + "\n").collect())
}

/// Whether a word is a hint; in a line that gives up clauses, none is.
fn is_hint(line: &[&str], column: usize) -> bool {
    let zero = line.iter().position(|&word| word == "0").unwrap_or(line.len());
    line[1] != "d" && column > zero && column + 1 < line.len()
}

const TAMPERINGS: [(&str, Tamper); 13] = [
    ("dropped line", |random, formula, proof| {
        let mut lines: Vec<&str> = proof.lines().collect();
        lines.remove(random.below(lines.len()));
        Some((formula.to_vec(), lines.join("\n")))
    }),
    ("truncated text", |random, formula, proof| {
        Some((formula.to_vec(), proof[..random.below(proof.len() - 1)].to_owned()))
    }),
    ("swapped lines", |random, formula, proof| {
        let mut lines: Vec<&str> = proof.lines().collect();
        let (first, second) = (random.below(lines.len()), random.below(lines.len()));
        lines.swap(first, second);
        Some((formula.to_vec(), lines.join("\n")))
    }),
    ("changed literal", |random, formula, proof| {
        let is_literal = |line: &[&str], column: usize| {
            let zero = line.iter().position(|&word| word == "0").unwrap_or(0);
            line[1] != "d" && (1..zero).contains(&column)
        };
        let new = |random: &mut Random, old: i64| {
            if random.below(2) == 0 { -old } else { random.below(25) as i64 - 12 }
        };
        Some((formula.to_vec(), replaced(random, proof, is_literal, new)?))
    }),
    ("changed hint", |random, formula, proof| {
        let new = |random: &mut Random, old: i64| old + random.below(7) as i64 - 3;
        Some((formula.to_vec(), replaced(random, proof, is_hint, new)?))
    }),
    ("negative hint", |random, formula, proof| {
        Some((formula.to_vec(), replaced(random, proof, is_hint, |_, old| -old)?))
    }),
    ("changed number", |random, formula, proof| {
        let new = |random: &mut Random, old: i64| old + random.below(7) as i64 - 3;
        let is_number = |_: &[&str], column: usize| column == 0;
        Some((formula.to_vec(), replaced(random, proof, is_number, new)?))
    }),
    ("another clause given up", |random, formula, proof| {
        let new = |random: &mut Random, old: i64| old + random.below(9) as i64 - 4;
        let is_given_up = |line: &[&str], column: usize| line[1] == "d" && column == 2;
        Some((formula.to_vec(), replaced(random, proof, is_given_up, new)?))
    }),
    ("a word anywhere", |random, formula, proof| {
        let new = |random: &mut Random, _| random.next() as i64 >> random.below(64);
        Some((formula.to_vec(), replaced(random, proof, |_, _| true, new)?))
    }),
    ("a byte anywhere", |random, formula, proof| {
        let mut bytes = proof.as_bytes().to_vec();
        let at = random.below(bytes.len());
        bytes[at] = b" 0123456789-d\n\rx+\t"[random.below(18)];
        Some((formula.to_vec(), String::from_utf8(bytes).expect("all is ASCII")))
    }),
    ("another formula", |random, formula, proof| {
        let clauses = formula.len();
        Some((random_formula(random, 9, clauses), proof.to_owned()))
    }),
    ("clause removed", |random, formula, proof| {
        let mut formula = formula.to_vec();
        let at = random.below(formula.len());
        // The other clauses keep their numbers: a clause that always holds takes its place.
        if random.below(2) == 0 {
            formula[at] = vec![1, -1];
        } else {
            formula.remove(at);
        }
        Some((formula, proof.to_owned()))
    }),
    ("literal flipped", |random, formula, proof| {
        let mut formula = formula.to_vec();
        let at = random.below(formula.len());
        let place = random.below(formula[at].len());
        formula[at][place] *= -1;
        Some((formula, proof.to_owned()))
    }),
];

#[test]
fn what_was_tampered_with_is_rejected_or_right() {
    let mut random = Random(24);
    let samples = samples(&mut random, 40);
    for (name, tamper) in TAMPERINGS {
        let (mut rejected, mut accepted) = (0, 0);
        for round in 0..1000 {
            let (formula, proof) = &samples[round % samples.len()];
            let Some((new_formula, new_proof)) = tamper(&mut random, formula, proof) else {
                continue;
            };
            if (&new_formula, &new_proof) == (formula, proof) {
                continue;
            }
            match checked(&new_formula, &new_proof) {
                Ok(()) => {
                    assert!(!has_model(&new_formula), "{name}: a formula with a model");
                    assert!(is_right(&new_formula, &new_proof), "{name}:\n{new_proof}");
                    accepted += 1;
                }
                Err(rejection) => {
                    assert!(rejection.line > 0 && rejection.reason.ends_with('.'), "{rejection}");
                    rejected += 1;
                }
            }
        }
        assert!(rejected >= 100, "{name}: {rejected} rejected, {accepted} accepted");
    }
}
