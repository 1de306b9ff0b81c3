//! Obligations as SMT-LIB 2 files, so that solvers of other authors can answer them.
//!
//! The text comes from plain terms (`Terms::plain`): neither our rewriting nor our solver has a
//! part in it. One nullary `define-fun` per node; a truth value is a vector of one bit. What is
//! selected from an array is a constant, and equal indices select equal constants: solvers settle
//! that sooner than the theory of arrays. The `:status` of a file is our own answer. Comments say
//! which component a variable is, and name values that are equal as a rule: who wants to prove the formula false may prove that first; and
//! the values of a model, where we have one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use model::bits::{Bits, Op, mask};
use model::diagnostic::Sources;
use model::isa::{Isa, Pair, Part};
use refvmm::files;
use sha2::{Digest, Sha256};

use crate::analyze::{Options, analyze_by, solving};
use crate::decide::{By, stopped};
use crate::progress::Progress;
use crate::prove::answer::Existence;
use crate::prove::problem::{Problem, Run};
use crate::prove::question::{Backend, DecisionProcedure, Question, Session};
use crate::report::Report;
use crate::symbolic::model::{Evaluator, Model};
use crate::symbolic::state::Register;
use crate::symbolic::term::{Array, CutPoint, Node, Term, Terms};
use crate::theorems::choice::component;

/// Analyzes a machine and writes every obligation to `directory/pair/class/question.smt2`. The
/// directory is written whole or not at all; it must not exist, or be empty.
pub fn emit(
    isa: &Isa,
    sources: &Sources,
    options: Options<'_>,
    directory: &Path,
    progress: &Progress<'_>,
) -> io::Result<Report> {
    files::write_directory(directory, |root| {
        let writing = Writing {
            solving: solving(&options),
            root,
            profile: options.profile.word(),
            failed: Mutex::default(),
        };
        let report = analyze_by(isa, sources, options, &writing, progress);
        match writing.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(report),
        }
    })
}

/// The decision procedure answers, and its questions are written down.
struct Writing<'w> {
    solving: DecisionProcedure,
    root: &'w Path,
    profile: &'static str,
    /// The first file that could not be written.
    failed: Mutex<Option<io::Error>>,
}

impl Backend for Writing<'_> {
    fn discharge(&self, session: &mut Session<'_>, question: &Question<'_>) -> (Existence, By) {
        let (verdict, by) = self.solving.discharge(session, question);
        if stopped() {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(io::Error::new(io::ErrorKind::Interrupted, "interrupted"));
            return (verdict, by);
        }
        if let Err(error) = self.write(session, question, &verdict) {
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            failed.get_or_insert(error);
        }
        (verdict, by)
    }

    fn small(&self, session: &mut Session<'_>, question: &Question<'_>) -> Option<Existence> {
        self.solving.small(session, question)
    }
}

impl Writing<'_> {
    fn write(
        &self,
        session: &Session<'_>,
        question: &Question<'_>,
        verdict: &Existence,
    ) -> io::Result<()> {
        let (setting, class) = (session.setting, session.problem.class);
        let (status, (problem, roots, runs)) = match verdict {
            Existence::Absent(_) => ("unsat", question.plain(setting, class)),
            Existence::Witnessed(_) => ("sat", question.plain_goal(setting, class)),
            Existence::Unknown(_) => ("unknown", question.plain(setting, class)),
        };
        let subject = [
            ("specification", setting.isa.name.as_str()),
            ("profile", self.profile),
            ("pair", &pair_name(setting.pair)),
            ("instruction", &class.name),
            ("question", &question.name),
        ];
        // A model found in other terms is one of these terms, read by the order of the variables.
        let start = Problem::of(setting, class, Terms::plain()).terms.mark();
        let earlier = &session.shared.earlier;
        let model =
            verdict.is_witnessed().then(|| earlier.satisfying(&problem.terms, start, &roots));
        let names = names(&problem, &runs);
        let text =
            file(&problem.terms, (&roots, &names), &subject, status, model.flatten().as_ref());
        let folder = self.root.join(safe(&pair_name(setting.pair))).join(safe(&class.name));
        std::fs::create_dir_all(&folder)?;
        let parts: Vec<String> = question.name.split('/').map(safe).collect();
        let path = folder.join(short(parts.join("-")) + ".smt2");
        match std::fs::File::create_new(&path) {
            Ok(mut file) => file.write_all(text.as_bytes()),
            // The same question, put twice.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let same = std::fs::read_to_string(&path)? == text;
                same.then_some(())
                    .ok_or_else(|| io::Error::other(format!("two files {}", path.display())))
            }
            Err(error) => Err(error),
        }
    }
}

/// `supervisor:user`.
fn pair_name(pair: &Pair) -> String {
    format!("{}:{}", pair.supervisor.0, pair.user.0)
}

/// A name as a file name: letters, digits, `_`, `-` and inner dots as they are, a colon as a dash,
/// everything else by its number.
fn safe(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => out.push(c),
            '.' if i > 0 => out.push(c),
            ':' => out.push('-'),
            c => {
                let _ = write!(out, "%{:X}", c as u32);
            }
        }
    }
    out
}

/// A file name that every file system takes: of a long one the beginning, and its hash.
fn short(name: String) -> String {
    const LONGEST: usize = 200;
    if name.len() <= LONGEST {
        return name;
    }
    let hash = Sha256::digest(name.as_bytes());
    let hash = hash.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    format!("{}-{hash:016x}", &name[..LONGEST - 20])
}

/// A whole file: the conjunction of `roots`, and what we say of it.
fn file(
    terms: &Terms,
    (roots, names): (&[Term], &Names),
    subject: &[(&str, &str)],
    status: &str,
    model: Option<&Model>,
) -> String {
    let mut out = String::new();
    for (key, value) in subject {
        let value: String = value.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(out, "; {key}: {value}");
    }
    let (hints, used) = hints(terms, roots);
    let body = Body::new(terms, &used);
    for (t, (letter, number)) in &body.numbers {
        if let Some(what) = names.of(terms, *t, &body) {
            let _ = writeln!(out, "; name {letter}{number} {what}");
        }
    }
    for hint in &hints {
        let names: Vec<String> = hint.iter().map(|t| body.name(*t).to_string()).collect();
        let _ = writeln!(out, "; hint {}", names.join(" "));
    }
    if let Some(model) = model {
        let mut evaluator = Evaluator::new(terms, model);
        for (t, (letter, number)) in &body.numbers {
            if *letter != 'n' {
                let value = Name::Literal(Bits::new(evaluator.value(*t), terms.width(*t)));
                let _ = writeln!(out, "; value {letter}{number} {value}");
            }
        }
    }
    let _ = writeln!(out, "(set-info :smt-lib-version 2.6)");
    let _ = writeln!(out, "(set-info :status {status})");
    let _ = writeln!(out, "(set-logic QF_BV)");
    out.push_str(&body.text);
    for root in roots {
        let _ = writeln!(out, "(assert (= {} #b1))", body.name(*root));
    }
    out.push_str("(check-sat)\n(exit)\n");
    out
}

/// What variables and arrays of a formula stand for, in the words of the specification.
struct Names {
    variables: BTreeMap<Term, String>,
    arrays: BTreeMap<Array, String>,
}

impl Names {
    /// What a variable or a selected element is: `S1.mstatus[12:11]`, `S2.x[n7]`.
    fn of(&self, terms: &Terms, t: Term, body: &Body<'_>) -> Option<String> {
        match terms.node(t) {
            Node::Select(array, index) => {
                Some(format!("{}[{}]", self.arrays.get(array)?, body.name(*index)))
            }
            _ => self.variables.get(&t).cloned(),
        }
    }
}

/// The names of what the states of a question begin with; what several of them share is named in the first.
fn names(problem: &Problem<'_>, runs: &[Run]) -> Names {
    let (terms, isa) = (&problem.terms, problem.isa);
    let mut names = Names { variables: BTreeMap::new(), arrays: BTreeMap::new() };
    let mut name = |t: Term, what: String| {
        if matches!(terms.node(t), Node::Variable(_)) {
            names.variables.entry(t).or_insert(what);
        }
    };
    for (operand, t) in problem.class.operands.iter().zip(&problem.operands) {
        name(*t, operand.name.clone());
    }
    for (i, t) in problem.choices.iter().enumerate() {
        name(*t, format!("choice {i}"));
    }
    terms.children(problem.cells).into_iter().for_each(|t| name(t, "cells".to_owned()));
    for (i, run) in runs.iter().enumerate() {
        let state = if runs.len() == 1 { "S".to_owned() } else { format!("S{}", i + 1) };
        for (id, register) in isa.register_ids() {
            let whole = match &run.entry.registers[id.index()] {
                Register::Single(whole) => *whole,
                Register::File(array, _) => {
                    let what = format!("{state}.{}", register.name);
                    names.arrays.entry(*array).or_insert(what);
                    continue;
                }
            };
            let mut open = vec![(whole, 0)];
            while let Some((t, low)) = open.pop() {
                let part = Part { register: id, low, width: terms.width(t) };
                match terms.node(t) {
                    Node::Concat(high, rest) => {
                        open.extend([(*high, low + terms.width(*rest)), (*rest, low)]);
                    }
                    Node::Variable(_) => {
                        let what = format!("{state}.{}", component(isa, part));
                        names.variables.entry(t).or_insert(what);
                    }
                    _ => {}
                }
            }
        }
        let storage = &isa.storage.name;
        for region in &run.entry.layout.regions {
            let what = format!("{state}.{storage} within the window, from its first cell: ");
            names.arrays.entry(region.array).or_insert(what);
        }
        let rest = run.entry.layout.rest;
        names.arrays.entry(rest).or_insert(format!("{state}.{storage}, physical: "));
    }
    names
}

/// Two values that runs came by at the same place, and the paths to them: where all paths are taken
/// the values are equal as a rule, and to see that is most of an answer. Only what the formula
/// speaks of; and everything that must have a name then.
fn hints(terms: &Terms, roots: &[Term]) -> (BTreeSet<Vec<Term>>, Vec<Term>) {
    let spoken_of = below(terms, roots);
    let mut before: BTreeMap<usize, CutPoint> = BTreeMap::new();
    let mut hints = BTreeSet::new();
    for here in terms.cut_points() {
        let Some(there) = before.insert(here.place, *here) else { continue };
        let mut hint = vec![there.value, here.value];
        if there.value != here.value && hint.iter().all(|t| spoken_of.contains(t)) {
            let mut paths = vec![there.live, here.live];
            paths.dedup();
            paths.retain(|t| terms.value(*t).is_none());
            hint.extend(paths);
            hints.insert(hint);
        }
    }
    let used = roots.iter().chain(hints.iter().flatten()).copied().collect();
    (hints, used)
}

/// Everything that some terms are made of, older terms first: a part is older than a whole.
fn below(terms: &Terms, roots: &[Term]) -> BTreeSet<Term> {
    let mut all = BTreeSet::new();
    let mut stack = roots.to_vec();
    while let Some(t) = stack.pop() {
        if all.insert(t) {
            stack.extend(terms.children(t));
        }
    }
    all
}

/// Declarations and definitions of everything that some roots are made of.
struct Body<'t> {
    terms: &'t Terms,
    text: String,
    /// Numbers in the order of appearance, so that equal formulas are equal texts.
    numbers: BTreeMap<Term, (char, usize)>,
    /// Index and element of every selection so far.
    selected: BTreeMap<Array, Vec<(Term, Term)>>,
}

impl<'t> Body<'t> {
    fn new(terms: &'t Terms, roots: &[Term]) -> Self {
        let (text, numbers, selected) = (String::new(), BTreeMap::new(), BTreeMap::new());
        let mut body = Self { terms, text, numbers, selected };
        let (mut variables, mut elements, mut nodes) = (0, 0, 0);
        for t in below(terms, roots) {
            let width = terms.width(t);
            match terms.node(t) {
                Node::Const(_) => {}
                Node::Variable(_) => {
                    variables += 1;
                    body.numbers.insert(t, ('v', variables));
                    let _ = writeln!(body.text, "(declare-const v{variables} (_ BitVec {width}))");
                }
                &Node::Select(array, index) => {
                    elements += 1;
                    body.numbers.insert(t, ('e', elements));
                    let _ = writeln!(body.text, "(declare-const e{elements} (_ BitVec {width}))");
                    body.select(array, index, t);
                }
                _ => {
                    nodes += 1;
                    let value = body.value(t);
                    body.numbers.insert(t, ('n', nodes));
                    let line = format!("(define-fun n{nodes} () (_ BitVec {width}) {value})");
                    let _ = writeln!(body.text, "{line}");
                }
            }
        }
        body
    }

    /// Equal indices select equal elements.
    fn select(&mut self, array: Array, index: Term, element: Term) {
        let before = self.selected.entry(array).or_default().clone();
        for (other, same) in before {
            if let (Some(x), Some(y)) = (self.terms.value(index), self.terms.value(other))
                && x != y
            {
                continue;
            }
            let widths = [index, other].map(|t| self.terms.width(t));
            let wide = widths[0].max(widths[1]);
            let x = extended("zero", self.name(index), widths[0], wide);
            let y = extended("zero", self.name(other), widths[1], wide);
            let (a, b) = (self.name(element), self.name(same));
            let _ = writeln!(self.text, "(assert (=> (= {x} {y}) (= {a} {b})))");
        }
        self.selected.entry(array).or_default().push((index, element));
    }

    /// How a term is referred to.
    fn name(&self, t: Term) -> Name {
        if let Some(value) = self.terms.value(t) {
            return Name::Literal(Bits::new(value, self.terms.width(t)));
        }
        let (letter, number) = self.numbers[&t];
        Name::Symbol(letter, number)
    }

    /// What a node is, in terms of its parts.
    fn value(&self, t: Term) -> String {
        let width = self.terms.width(t);
        let name = |t: &Term| self.name(*t);
        let of = |t: &Term| self.terms.width(*t);
        let two = |op: &str, a: &Term, b: &Term| format!("({op} {} {})", name(a), name(b));
        let truth = |op: &str, a: &Term, b: &Term| format!("(ite {} #b1 #b0)", two(op, a, b));
        match self.terms.node(t) {
            Node::Const(_) | Node::Variable(_) | Node::Select(..) => name(&t).to_string(),
            Node::Sum(parts, constant) => {
                let literal = Name::Literal(Bits::new(*constant, width)).to_string();
                let mut summands = parts.iter().map(|(t, c)| self.summand(*t, *c)).collect();
                if *constant != 0 || parts.is_empty() {
                    Vec::push(&mut summands, literal);
                }
                joined("bvadd", summands)
            }
            Node::Not(a) => format!("(bvnot {})", name(a)),
            Node::And(a, b) => two("bvand", a, b),
            Node::Or(a, b) => two("bvor", a, b),
            Node::Xor(a, b) => two("bvxor", a, b),
            Node::Mul(a, b) => two("bvmul", a, b),
            Node::Divide(op, a, b) | Node::Shift(op, a, b) => {
                let word = match op {
                    Op::Udiv => "bvudiv",
                    Op::Urem => "bvurem",
                    Op::Sdiv => "bvsdiv",
                    Op::Srem => "bvsrem",
                    Op::Shl => "bvshl",
                    Op::Lshr => "bvlshr",
                    Op::Ashr => "bvashr",
                    op => unreachable!("{} neither divides nor shifts", op.name()),
                };
                // Only the amount of a shift can have another width; nothing of it may get lost.
                let wide = of(a).max(of(b));
                let fill = if *op == Op::Ashr { "sign" } else { "zero" };
                let x = extended(fill, name(a), of(a), wide);
                let by = extended("zero", name(b), of(b), wide);
                let whole = format!("({word} {x} {by})");
                if wide == width { whole } else { extracted(&whole, 0, width) }
            }
            Node::Eq(a, b) => truth("=", a, b),
            Node::Ult(a, b) => truth("bvult", a, b),
            Node::Slt(a, b) => truth("bvslt", a, b),
            Node::Ite(c, a, b) => {
                format!("(ite (= {} #b1) {} {})", name(c), name(a), name(b))
            }
            Node::Concat(a, b) => two("concat", a, b),
            Node::Extract(a, low) => extracted(&name(a).to_string(), *low, width),
            Node::Zext(a) => extended("zero", name(a), of(a), width),
            Node::Sext(a) => extended("sign", name(a), of(a), width),
            Node::Parity(a) => {
                let whole = name(a).to_string();
                joined("bvxor", (0..of(a)).map(|bit| extracted(&whole, bit, 1)).collect())
            }
        }
    }

    /// coefficient · term.
    fn summand(&self, t: Term, coefficient: u128) -> String {
        let (name, width) = (self.name(t), self.terms.width(t));
        match coefficient {
            1 => name.to_string(),
            c if c == mask(width) => format!("(bvneg {name})"),
            c => format!("(bvmul {} {name})", Name::Literal(Bits::new(c, width))),
        }
    }
}

/// A symbol or a literal.
#[derive(Debug, Clone, Copy)]
enum Name {
    Symbol(char, usize),
    Literal(Bits),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Symbol(letter, number) => write!(f, "{letter}{number}"),
            Self::Literal(Bits { value, width }) if width % 4 == 0 => {
                write!(f, "#x{value:0digits$x}", digits = (*width / 4) as usize)
            }
            Self::Literal(Bits { value, width }) => {
                write!(f, "#b{value:0digits$b}", digits = *width as usize)
            }
        }
    }
}

/// `fill` is `zero` or `sign`.
fn extended(fill: &str, name: Name, from: u32, to: u32) -> String {
    if from == to {
        return name.to_string();
    }
    format!("((_ {fill}_extend {}) {name})", to - from)
}

fn extracted(whole: &str, low: u32, width: u32) -> String {
    format!("((_ extract {} {low}) {whole})", low + width - 1)
}

/// Operators of SMT-LIB 2.6 have two operands.
fn joined(op: &str, operands: Vec<String>) -> String {
    let all = operands.into_iter().reduce(|all, next| format!("({op} {all} {next})"));
    all.expect("there is an operand")
}

/// A formula that has no model if and only if the text of every operator means what the table of
/// operators says, at the widths 1 to 3 and for all operands; shifts by amounts of each width.
pub fn operators() -> String {
    let mut terms = Terms::plain();
    let mut cases: Vec<(Op, Vec<Term>, Term)> = Vec::new();
    let variables: Vec<[Term; 3]> =
        (1..=3).map(|width| [(); 3].map(|()| terms.variable(width))).collect();
    for (i, x) in variables.iter().enumerate() {
        let width = i as u32 + 1;
        for &op in Op::ALL {
            let mut add = |operands: Vec<Term>, width: u32| {
                let applied = terms.apply(op, &operands, width);
                cases.push((op, operands, applied));
            };
            match op {
                Op::Not | Op::Neg => add(vec![x[0]], width),
                Op::And | Op::Or | Op::Xor | Op::Add | Op::Sub | Op::Mul => {
                    add(vec![x[0], x[1]], width);
                    add(vec![x[0], x[0]], width);
                }
                Op::Udiv | Op::Urem | Op::Sdiv | Op::Srem => add(vec![x[0], x[1]], width),
                Op::Shl | Op::Lshr | Op::Ashr => {
                    for by in &variables {
                        add(vec![x[0], by[1]], width);
                    }
                }
                Op::Eq | Op::Ult | Op::Slt => add(vec![x[0], x[1]], 1),
                Op::Ite => add(vec![variables[0][2], x[0], x[1]], width),
                Op::Concat => {
                    for (j, low) in variables.iter().enumerate() {
                        add(vec![x[0], low[1]], width + j as u32 + 1);
                    }
                }
                Op::Low => (1..=width).for_each(|to| add(vec![x[0]], to)),
                Op::Zext | Op::Sext => (width..=5).for_each(|to| add(vec![x[0]], to)),
                Op::Parity => add(vec![x[0]], 1),
            }
        }
    }
    let roots: Vec<Term> = cases.iter().map(|(_, _, t)| *t).collect();
    let body = Body::new(&terms, &roots);
    let mut out = String::from(
        "; a model shows an operator that is written wrongly\n(set-info :status unsat)\n(set-logic QF_BV)\n",
    );
    out.push_str(&body.text);
    out.push_str("(assert (or false\n");
    for (op, operands, applied) in &cases {
        let width = terms.width(*applied);
        let mut distinct = operands.clone();
        distinct.dedup();
        let widths: Vec<u32> = distinct.iter().map(|t| terms.width(*t)).collect();
        for number in 0..1u128 << widths.iter().sum::<u32>() {
            let mut rest = number;
            let mut values: Vec<Bits> = Vec::new();
            for width in &widths {
                values.push(Bits::new(rest, *width));
                rest >>= width;
            }
            let _ = write!(out, "  (and");
            for (t, value) in distinct.iter().zip(&values) {
                let _ = write!(out, " (= {} {})", body.name(*t), Name::Literal(*value));
            }
            while values.len() < operands.len() {
                values.push(values[0]);
            }
            let expected = op.apply(&values, width);
            let (name, literal) = (body.name(*applied), Name::Literal(expected));
            let _ = writeln!(out, " (not (= {name} {literal})))");
        }
    }
    out.push_str("))\n(check-sat)\n(exit)\n");
    out
}

#[cfg(test)]
mod tests {
    use model::bits::MAX_WIDTH;

    use super::*;

    fn text(terms: &Terms, t: Term) -> String {
        Body::new(terms, &[t]).value(t)
    }

    #[test]
    fn nothing_of_a_shift_amount_gets_lost() {
        let mut terms = Terms::plain();
        let (x, narrow, wide) = (terms.variable(3), terms.variable(2), terms.variable(7));
        let short = terms.apply(Op::Shl, &[x, narrow], 3);
        assert_eq!(text(&terms, short), "(bvshl v1 ((_ zero_extend 1) v2))");
        let long = terms.apply(Op::Ashr, &[x, wide], 3);
        let expected = "((_ extract 2 0) (bvashr ((_ sign_extend 4) v1) v2))";
        assert_eq!(text(&terms, long), expected);
    }

    #[test]
    fn sums_have_coefficients() {
        let mut terms = Terms::plain();
        let (x, y) = (terms.variable(8), terms.variable(8));
        let difference = terms.sub(x, y);
        assert_eq!(text(&terms, difference), "(bvadd v1 (bvneg v2))");
        let twice = terms.add(x, x);
        assert_eq!(text(&terms, twice), "(bvmul #x02 v1)");
    }

    #[test]
    fn literals_are_as_wide_as_their_values() {
        let literal = |value, width| Name::Literal(Bits::new(value, width)).to_string();
        assert_eq!(literal(5, 3), "#b101");
        assert_eq!(literal(5, 8), "#x05");
        assert_eq!(literal(u128::MAX, MAX_WIDTH), format!("#x{}", "f".repeat(32)));
    }

    #[test]
    fn equal_indices_select_equal_elements() {
        let mut terms = Terms::plain();
        let array = terms.array(8);
        let (i, j) = (terms.variable(2), terms.variable(4));
        let (x, y) = (terms.select(array, i), terms.select(array, j));
        let equal = terms.eq(x, y);
        let body = Body::new(&terms, &[equal]);
        let expected = "(assert (=> (= v2 ((_ zero_extend 2) v1)) (= e2 e1)))";
        assert!(body.text.contains(expected), "{}", body.text);
    }

    #[test]
    fn names_become_file_names() {
        assert_eq!(safe("jrst[1]"), "jrst%5B1%5D");
        assert_eq!(safe("move.w"), "move.w");
        assert_eq!(safe("../x"), "%2E.%2Fx");
        assert_eq!(safe("ring0:ring3"), "ring0-ring3");
        let [a, b] = ["a", "b"].map(|end| short("x".repeat(300) + end));
        assert!(a.len() <= 200 && a != b && short("x".into()) == "x");
    }
}
