//! A checker for proofs that a set of clauses has no model: text LRAT, restricted to unit propagation.
//!
//! Whoever trusts this file need not trust the SAT solver, nor the code that wrote the proof: it shares no code with them.
//!
//! A clause is a list of literals, of which at least one must hold; variable `v` is `v > 0`, its negation is `-v`.
//! The given clauses have the numbers 1, 2, …; each line of a proof is one step, and the numbers of added clauses increase.
//!
//! - `ID LITERAL… 0 HINT… 0` adds the clause of these literals, because it follows from clauses that are there already.
//!   To see why, assume that all its literals are false, and visit the hinted clauses in order.
//!   In each of them all literals but one must be false by now, so that this one is true;
//!   in the last one all literals must be false, which is the contradiction.
//! - `ID d CLAUSE… 0` gives up clauses, which saves memory; its own number has no meaning.
//!
//! The last line adds the empty clause, which nothing satisfies.
//! Numbers are separated by white space, of which a carriage return is part; everything else is rejected.
//! In particular a clause may mention a variable once only, no hint may be left over, and nothing may follow the empty clause.
//! A proof can at worst be rejected: memory is linear in variables, clauses and text, a list is never longer than it can be in a proof, and the literals that are looked at are counted.

use std::collections::HashMap;
use std::fmt;

/// Why a proof does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// The line of the proof, counted from 1; 0 if the clauses to refute are at fault.
    pub(crate) line: usize,
    /// The reason, as a sentence.
    pub(crate) reason: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Literals of hinted clauses that a proof may have looked at: some seconds, and a thousand times more than proofs take.
const VISITS: u64 = 1 << 33;

/// Checks that `proof` shows that no values of the variables 1 to `variables` satisfy all `clauses`.
pub(crate) fn check<'a>(
    variables: u32,
    clauses: impl IntoIterator<Item = &'a [i32]>,
    proof: &str,
) -> Result<(), Rejected> {
    check_within(VISITS, variables, clauses, proof)
}

fn check_within<'a>(
    visits: u64,
    variables: u32,
    clauses: impl IntoIterator<Item = &'a [i32]>,
    proof: &str,
) -> Result<(), Rejected> {
    let mut state = Checker { visits, ..Checker::default() };
    let variables = variables.min(i32::MAX.unsigned_abs());
    state.values.resize(variables as usize + 1, None);
    for clause in clauses {
        state.given.push(Some(clause));
        if let Some(literal) = clause.iter().find(|&&literal| !state.is_literal(literal.into())) {
            let number = state.given.len();
            let reason = format!("Clause {number} to refute has {literal}, which is no literal.");
            return Err(Rejected { line: 0, reason });
        }
    }
    state.last = state.given.len() as u64;
    let (mut line, mut done) = (0, false);
    for text in proof.lines() {
        line += 1;
        if done {
            let reason = "Nothing may follow the empty clause.".to_owned();
            return Err(Rejected { line, reason });
        }
        done = state.step(text).map_err(|reason| Rejected { line, reason })?;
    }
    if done {
        return Ok(());
    }
    let reason = "The proof ends before the empty clause is derived.".to_owned();
    Err(Rejected { line: line.max(1), reason })
}

/// The clauses that are there, and the values of the step in progress.
#[derive(Default)]
struct Checker<'a> {
    /// The clauses to refute, without those given up; clause `i` has index `i - 1`.
    given: Vec<Option<&'a [i32]>>,
    /// The clauses that were added and not given up, by number.
    added: HashMap<u64, Vec<i32>>,
    /// The number of the last clause.
    last: u64,
    /// The value of each variable, if it has one; between steps none has.
    values: Vec<Option<bool>>,
    /// Literals that may still be looked at.
    visits: u64,
}

impl Checker<'_> {
    /// Takes one line; tells whether it added the empty clause.
    fn step(&mut self, line: &str) -> Result<bool, String> {
        let mut words = line.split_ascii_whitespace().peekable();
        let id = number(words.next().ok_or("The line is empty.")?)?;
        if words.next_if_eq(&"d").is_some() {
            for clause in list(&mut words, self.given.len() + self.added.len())? {
                self.give_up(clause)?;
            }
            return end(words.next()).map(|()| false);
        }
        // Each literal, and each hint but the last, gives another variable its value.
        let most = self.values.len();
        let (literals, hints) = (list(&mut words, most)?, list(&mut words, most)?);
        end(words.next())?;
        let id = u64::try_from(id).ok().filter(|&id| id > self.last);
        let id = id.ok_or_else(|| format!("The number must be above {}.", self.last))?;
        let mut clause = Vec::with_capacity(literals.len());
        for literal in literals {
            if !self.is_literal(literal) {
                return Err(format!("{literal} is not a literal of the problem."));
            }
            clause.push(literal as i32);
        }
        let mut assigned = Vec::with_capacity(clause.len() + hints.len());
        let result = self.follows(&clause, &hints, &mut assigned);
        for variable in assigned {
            self.values[variable] = None;
        }
        result?;
        let done = clause.is_empty();
        self.added.insert(id, clause);
        self.last = id;
        Ok(done)
    }

    /// Whether the hints refute that all literals of the clause are false. Notes the variables that got a value.
    fn follows(
        &mut self,
        clause: &[i32],
        hints: &[i64],
        assigned: &mut Vec<usize>,
    ) -> Result<(), String> {
        for &literal in clause {
            if self.value(literal).is_some() {
                return Err(format!("Variable {} occurs twice.", literal.unsigned_abs()));
            }
            self.assume(-literal, assigned);
        }
        for (place, &hint) in hints.iter().enumerate() {
            if hint.is_negative() {
                return Err(format!(
                    "{hint} asks for resolution on a literal (RAT); only unit propagation is known."
                ));
            }
            let clause = self.clause(hint)?;
            let left = self.visits.checked_sub(clause.len() as u64);
            let left = left.ok_or("The proof takes too long to check.")?;
            let mut open = None;
            for &literal in clause {
                match self.value(literal) {
                    Some(true) => {
                        return Err(format!(
                            "Clause {hint} is true already, by literal {literal}."
                        ));
                    }
                    None if open.is_some_and(|other| other != literal) => {
                        return Err(format!("Clause {hint} has two literals that are not false."));
                    }
                    None => open = Some(literal),
                    Some(false) => {}
                }
            }
            self.visits = left;
            match open {
                Some(literal) => self.assume(literal, assigned),
                None if place + 1 == hints.len() => return Ok(()),
                None => {
                    return Err(format!("Clause {hint} is the contradiction, but hints follow."));
                }
            }
        }
        Err("The hints do not lead to a contradiction.".to_owned())
    }

    /// The clause with a number, if it is there.
    fn clause(&self, id: i64) -> Result<&[i32], String> {
        let missing = || format!("There is no clause {id}.");
        let id = u64::try_from(id).map_err(|_| missing())?;
        let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        let given = index.and_then(|index| *self.given.get(index)?);
        given.or_else(|| self.added.get(&id).map(Vec::as_slice)).ok_or_else(missing)
    }

    /// Removes a clause that is there.
    fn give_up(&mut self, id: i64) -> Result<(), String> {
        self.clause(id)?;
        if self.added.remove(&(id as u64)).is_none() {
            self.given[id as usize - 1] = None;
        }
        Ok(())
    }

    /// Whether a number stands for a variable of the problem or its negation.
    fn is_literal(&self, number: i64) -> bool {
        number != 0 && number.unsigned_abs() < self.values.len() as u64
    }

    /// The value of a literal, if it has one.
    fn value(&self, literal: i32) -> Option<bool> {
        self.values[literal.unsigned_abs() as usize].map(|value| value == literal.is_positive())
    }

    /// Makes a literal true and notes its variable.
    fn assume(&mut self, literal: i32, assigned: &mut Vec<usize>) {
        let variable = literal.unsigned_abs() as usize;
        self.values[variable] = Some(literal.is_positive());
        assigned.push(variable);
    }
}

/// A whole number in its usual form: no plus sign, no leading zero, no negative zero.
fn number(word: &str) -> Result<i64, String> {
    let usual =
        word == "0" || word.trim_start_matches('-').starts_with(|c| ('1'..='9').contains(&c));
    let value = word.parse().ok().filter(|_| usual);
    value.ok_or_else(|| {
        format!("‘{}’ is not a number.", word.chars().take(20).collect::<String>().escape_debug())
    })
}

/// The numbers up to the next 0, at most so many.
fn list<'a>(words: &mut impl Iterator<Item = &'a str>, most: usize) -> Result<Vec<i64>, String> {
    let mut numbers = Vec::new();
    for word in words {
        match number(word)? {
            0 => return Ok(numbers),
            _ if numbers.len() == most => {
                return Err(format!("A list has more than {most} numbers."));
            }
            value => numbers.push(value),
        }
    }
    Err("A list does not end with 0.".to_owned())
}

/// Nothing may be left of a line.
fn end(word: Option<&str>) -> Result<(), String> {
    word.map_or(Ok(()), |_| Err("The line goes on after its last 0.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Rejected, check, check_within};

    /// Two variables, all four clauses.
    const FORMULA: [&[i32]; 4] = [&[1, 2], &[1, -2], &[-1, 2], &[-1, -2]];

    fn verdict(proof: &str) -> Result<(), (usize, String)> {
        check(2, FORMULA, proof).map_err(|Rejected { line, reason }| (line, reason))
    }

    #[test]
    fn proofs_are_accepted() {
        for proof in [
            "5 1 0 1 2 0\n6 0 5 3 4 0\n",
            "5 1 0 1 2 0\n6 0 5 3 4 0",
            "5 1 0 1 2 0\r\n6 0 5 3 4 0\r\n",
            "5  1 0\t1 2 0 \n 6 0 5 3 4 0\n",
            "70 1 0 1 2 0\n9223372036854775807 0 70 3 4 0\n",
            "5 1 0 1 2 0\n5 d 1 2 0\n5 d 0\n6 2 0 5 3 0\n6 d 3 0\n7 0 5 6 4 0\n",
            "5 -2 0 2 4 0\n6 0 5 1 3 0\n",
        ] {
            assert_eq!(verdict(proof), Ok(()), "{proof}");
        }
        assert_eq!(check(0, [&[][..]], "2 0 1 0\n"), Ok(()), "the empty clause is given");
        assert_eq!(check(1, [&[1, 1][..], &[-1, -1]], "3 0 1 2 0\n"), Ok(()), "repetitions");
        assert_eq!(check(1 << 20, FORMULA, "5 1 0 1 2 0\n6 0 5 3 4 0\n"), Ok(()));
    }

    #[test]
    fn everything_else_is_rejected_with_its_reason() {
        for (proof, line, reason) in [
            ("", 1, "The proof ends before the empty clause is derived."),
            ("5 1 0 1 2 0\n", 1, "The proof ends before the empty clause is derived."),
            ("\n", 1, "The line is empty."),
            ("5 1 0 1 2 0\n\n6 0 5 3 4 0\n", 2, "The line is empty."),
            ("c hello\n", 1, "‘c’ is not a number."),
            ("5", 1, "A list does not end with 0."),
            ("5 1 0", 1, "A list does not end with 0."),
            ("5 1 0 1 2", 1, "A list does not end with 0."),
            ("5 d 1", 1, "A list does not end with 0."),
            ("5 1 0 1 2 0 0", 1, "The line goes on after its last 0."),
            ("5 d 1 0 2 0", 1, "The line goes on after its last 0."),
            ("5 d d 0", 1, "‘d’ is not a number."),
            ("+5 1 0 1 2 0", 1, "‘+5’ is not a number."),
            ("05 1 0 1 2 0", 1, "‘05’ is not a number."),
            ("5 1 0 1 2 -0", 1, "‘-0’ is not a number."),
            ("5 1 0 1 --2 0", 1, "‘--2’ is not a number."),
            ("5 1 0 1 2.0 0", 1, "‘2.0’ is not a number."),
            ("5 1 0 1 ٢ 0", 1, "‘٢’ is not a number."),
            ("5 1 0 1 99999999999999999999 0", 1, "‘99999999999999999999’ is not a number."),
            ("4 1 0 1 2 0", 1, "The number must be above 4."),
            ("0 1 0 1 2 0", 1, "The number must be above 4."),
            ("-5 1 0 1 2 0", 1, "The number must be above 4."),
            ("6 1 0 1 2 0\n5 0 6 3 4 0", 2, "The number must be above 6."),
            ("5 1 0 1 2 0\n5 0 5 3 4 0", 2, "The number must be above 5."),
            ("5 3 0 1 2 0", 1, "3 is not a literal of the problem."),
            ("5 -3 0 1 2 0", 1, "-3 is not a literal of the problem."),
            ("5 4294967297 0 1 2 0", 1, "4294967297 is not a literal of the problem."),
            (
                "5 -9223372036854775808 0 0",
                1,
                "-9223372036854775808 is not a literal of the problem.",
            ),
            ("5 1 1 0 1 2 0", 1, "Variable 1 occurs twice."),
            ("5 1 1 1 1 0 1 2 0", 1, "A list has more than 3 numbers."),
            ("5 1 0 1 2 3 4 0", 1, "A list has more than 3 numbers."),
            ("5 1 0 1 2 0\n5 d 1 2 3 4 5 1 0", 2, "A list has more than 5 numbers."),
            ("5 1 0 1 2 0\n6 0 5 3 4 0\0", 2, "‘0\\0’ is not a number."),
            ("5 1 -1 0 1 2 0", 1, "Variable 1 occurs twice."),
            ("5 1 0 0", 1, "The hints do not lead to a contradiction."),
            ("5 1 0 1 0", 1, "The hints do not lead to a contradiction."),
            ("5 0 0", 1, "The hints do not lead to a contradiction."),
            ("5 1 0 1 2 3 0", 1, "Clause 2 is the contradiction, but hints follow."),
            ("5 1 0 1 1 0", 1, "Clause 1 is true already, by literal 2."),
            ("5 1 0 3 2 0", 1, "Clause 3 is true already, by literal -1."),
            ("5 0 1 2 0", 1, "Clause 1 has two literals that are not false."),
            ("5 1 0 1 5 0", 1, "There is no clause 5."),
            ("5 1 0 9223372036854775807 2 0", 1, "There is no clause 9223372036854775807."),
            ("4 d 5 0", 1, "There is no clause 5."),
            ("4 d -1 0", 1, "There is no clause -1."),
            ("4 d 1 1 0", 1, "There is no clause 1."),
            ("4 d 1 0\n5 1 0 1 2 0", 2, "There is no clause 1."),
            ("5 1 0 1 2 0\n5 d 5 0\n6 0 5 3 4 0", 3, "There is no clause 5."),
            ("5 1 0 1 2 0\n6 0 5 3 4 0\n7 0 6 0", 3, "Nothing may follow the empty clause."),
            ("5 1 0 1 2 0\n6 0 5 3 4 0\n\n", 3, "Nothing may follow the empty clause."),
            (
                "5 1 0 -1 2 0",
                1,
                "-1 asks for resolution on a literal (RAT); only unit propagation is known.",
            ),
        ] {
            assert_eq!(verdict(proof), Err((line, reason.to_owned())), "{proof}");
        }
        let reason =
            |clause: &[i32]| check(2, [&[1][..], clause], "").map_err(|r| (r.line, r.reason));
        let unfinished = check(1, [&[1][..]], "").expect_err("nothing is proved");
        let text = "line 1: The proof ends before the empty clause is derived.";
        assert_eq!(unfinished.to_string(), text);
        for literal in [0, 3, -3, i32::MIN, i32::MAX] {
            let expected = format!("Clause 2 to refute has {literal}, which is no literal.");
            assert_eq!(reason(&[1, literal]), Err((0, expected)));
        }
    }

    #[test]
    fn the_literals_looked_at_are_counted() {
        let proof = "5 1 0 1 2 0\n6 0 5 3 4 0\n";
        // Clauses 1 and 2, then 5, 3 and 4.
        assert_eq!(check_within(9, 2, FORMULA, proof), Ok(()));
        for (visits, line) in [(0, 1), (3, 1), (4, 2), (8, 2)] {
            let reason = "The proof takes too long to check.".to_owned();
            assert_eq!(check_within(visits, 2, FORMULA, proof), Err(Rejected { line, reason }));
        }
    }

    #[test]
    fn clauses_that_always_hold_prove_nothing() {
        let tautologies: [&[i32]; 3] = [&[1, -1], &[1, -1, 2], &[-2]];
        for proof in
            ["4 0 1 0", "4 1 0 1 0", "4 1 0 1 2 0", "4 1 0 2 0", "4 0 3 2 1 0", "4 0 3 3 0"]
        {
            assert!(check(2, tautologies, proof).is_err(), "{proof}");
        }
    }
}
