//! Clauses of an and-inverter graph: Tseitin's transformation of the cone of some roots.
//!
//! Every variable is equivalent to its node in every model; polarity is not exploited, so that a model can be read at every node of the cone.
//! A conjunction that has the form of a multiplexer or of an exclusive disjunction is encoded as such, directly over its three or two arguments.
//! The two conjunctions inside it then get no variable unless something else needs them; [`Cnf::value`] reads them nevertheless.

use super::aig::{Aig, Lit, Node};
use std::fmt;

/// The clauses of a cone, with the variables of its nodes.
pub(crate) struct Cnf {
    /// The number of variables; they are 1, 2, … in the order of the nodes.
    variables: u32,
    /// All clauses one after the other, each followed by 0.
    literals: Vec<i32>,
    /// The variable of each node, by index; 0 for a node without one.
    map: Vec<i32>,
}

/// The arguments of a node, as its clauses see them.
enum Gate {
    /// Constant or input: no arguments.
    Leaf,
    /// The conjunction of two literals.
    And([Lit; 2]),
    /// Condition, value where it holds, value elsewhere; the last two are complements for an exclusive disjunction.
    Mux([Lit; 3]),
}

impl Gate {
    /// The literals whose variables the clauses mention beside the node's own.
    fn arguments(&self) -> &[Lit] {
        match self {
            Gate::Leaf => &[],
            Gate::And(arguments) => arguments,
            Gate::Mux(arguments) => arguments,
        }
    }
}

impl Cnf {
    /// Encodes the cone of `roots`; each root gets a variable, but none is asserted.
    pub(crate) fn new(aig: &Aig, roots: &[Lit]) -> Cnf {
        let mut cnf = Cnf { variables: 0, literals: Vec::new(), map: Vec::new() };
        cnf.extend(aig, roots);
        cnf
    }

    /// The number of variables.
    pub(crate) fn variables(&self) -> u32 {
        self.variables
    }

    /// The clauses in order, as literals in the style of DIMACS.
    pub(crate) fn clauses(&self) -> impl Iterator<Item = &[i32]> {
        self.literals
            .split_inclusive(|&literal| literal == 0)
            .map(|clause| &clause[..clause.len() - 1])
    }

    /// The literal that stands for `lit`, if its node has a variable; roots and inputs of the cone always have one.
    pub(crate) fn literal(&self, lit: Lit) -> Option<i32> {
        let variable = *self.map.get(lit.index()).filter(|&&variable| variable != 0)?;
        Some(if lit.is_complement() { -variable } else { variable })
    }

    /// The value of a literal in a model of the clauses, given by the values of the variables.
    /// It is `None` if the clauses do not determine it; in the cone they always do.
    pub(crate) fn value(&self, aig: &Aig, lit: Lit, model: impl Fn(i32) -> bool) -> Option<bool> {
        let read = |lit: Lit| Some(model(self.literal(lit)?.abs()) != lit.is_complement());
        match aig.node(lit.index()) {
            Node::False => Some(lit.is_complement()),
            // Inside a multiplexer: both operands are arguments of the multiplexer and have variables.
            Node::And(left, right) if self.literal(lit).is_none() => {
                let (left, right) = (read(left)?, read(right)?);
                Some((left && right) != lit.is_complement())
            }
            Node::And(..) | Node::Input(_) => read(lit),
        }
    }

    /// Adds a clause, for instance the assertion of a root.
    pub(crate) fn add_clause(&mut self, clause: &[i32]) {
        self.literals.extend_from_slice(clause);
        self.literals.push(0);
    }

    /// Gives a variable to every node of the cone of `roots` that has none.
    fn extend(&mut self, aig: &Aig, roots: &[Lit]) {
        let length = roots.iter().map(|root| root.index() + 1).max().unwrap_or(0);
        self.map.resize(self.map.len().max(length), 0);
        let mut needed = vec![false; length];
        for root in roots {
            needed[root.index()] = true;
        }
        // Arguments have lower indices than the node: one descending pass finds the cone, one ascending pass encodes it.
        for index in (0..length).rev() {
            needed[index] &= self.map[index] == 0;
            if needed[index] {
                for argument in gate(aig, index).arguments() {
                    needed[argument.index()] = true;
                }
            }
        }
        for index in (0..length).filter(|&index| needed[index]) {
            self.encode(aig, index);
        }
    }

    /// A new variable with what defines it.
    pub(crate) fn define(&mut self, definition: Definition) -> i32 {
        self.variables += 1;
        let node = i32::try_from(self.variables).expect("a graph has fewer than 2^31 nodes");
        for clause in definition.clauses(node) {
            self.add_clause(&clause);
        }
        node
    }

    /// Gives the node a variable and adds the clauses that define it; its arguments have variables already.
    fn encode(&mut self, aig: &Aig, index: usize) {
        let literal = |lit: Lit| self.literal(lit).expect("arguments are needed and come first");
        let definition = match gate(aig, index) {
            Gate::Leaf if aig.node(index) == Node::False => Definition::False,
            Gate::Leaf => Definition::Free,
            Gate::And(arguments) => Definition::And(arguments.map(literal)),
            Gate::Mux(arguments) => Definition::Mux(arguments.map(literal)),
        };
        self.map[index] = self.define(definition);
    }
}

/// What a variable stands for, in terms of earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Definition {
    /// False.
    False,
    /// Anything: an input.
    Free,
    /// The conjunction.
    And([i32; 2]),
    /// The second where the first holds, the third elsewhere.
    Mux([i32; 3]),
}

impl Definition {
    /// The clauses by which a variable is what it is defined as.
    fn clauses(self, node: i32) -> Vec<Vec<i32>> {
        match self {
            Self::False => vec![vec![-node]],
            Self::Free => Vec::new(),
            Self::And([a, b]) => vec![vec![-node, a], vec![-node, b], vec![node, -a, -b]],
            Self::Mux([condition, then, otherwise]) => {
                let mut clauses = vec![
                    vec![-condition, -then, node],
                    vec![-condition, then, -node],
                    vec![condition, -otherwise, node],
                    vec![condition, otherwise, -node],
                ];
                if then != -otherwise {
                    // Implied, but they propagate when both branches agree and the condition is open.
                    clauses.push(vec![-then, -otherwise, node]);
                    clauses.push(vec![then, otherwise, -node]);
                }
                clauses
            }
        }
    }
}

/// The clauses as a file in DIMACS format.
impl fmt::Display for Cnf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "p cnf {} {}", self.variables, self.clauses().count())?;
        for clause in self.clauses() {
            for literal in clause {
                write!(f, "{literal} ")?;
            }
            writeln!(f, "0")?;
        }
        Ok(())
    }
}

/// Recognizes the form of a node: `¬(s ∧ t) ∧ ¬(¬s ∧ e)` is the multiplexer `s ? ¬t : ¬e`.
fn gate(aig: &Aig, index: usize) -> Gate {
    let Node::And(left, right) = aig.node(index) else {
        return Gate::Leaf;
    };
    if left.is_complement()
        && right.is_complement()
        && let (Some((a, b)), Some((c, d))) = (aig.operands(left), aig.operands(right))
    {
        for (condition, then, other, otherwise) in
            [(a, b, c, d), (a, b, d, c), (b, a, c, d), (b, a, d, c)]
        {
            if condition == !other {
                return Gate::Mux([condition, !then, !otherwise]);
            }
        }
    }
    Gate::And([left, right])
}

#[cfg(test)]
mod tests {
    use super::super::aig::tests::random_graph;
    use super::super::aig::{Aig, Lit, Node};
    use super::super::batsat::BatSat;
    use super::super::tests::{AMPLE, Random};
    use super::super::{Outcome, SatSolver, circuits};
    use super::Cnf;

    fn solver(cnf: &Cnf) -> BatSat {
        let mut solver = BatSat::new();
        for clause in cnf.clauses() {
            solver.add_clause(clause);
        }
        solver
    }

    #[test]
    fn models_agree_with_evaluation_on_every_node() {
        let mut random = Random(7);
        let (mut sat, mut unsat) = (0, 0);
        for _ in 0..300 {
            let (aig, known) = random_graph(&mut random, 60);
            let roots: Vec<(Lit, u64)> =
                (0..3).map(|_| known[known.len() - 1 - random.below(20)]).collect();
            let lits: Vec<Lit> = roots.iter().map(|&(lit, _)| lit).collect();
            let cnf = Cnf::new(&aig, &lits);
            let mut solver = solver(&cnf);
            for signs in 0..8 {
                let assumptions: Vec<i32> = (0..3)
                    .map(|i| {
                        cnf.literal(lits[i].complement_if(signs >> i & 1 == 1))
                            .expect("a root has a variable")
                    })
                    .collect();
                let expected = (0..3).fold(u64::MAX, |table, i| {
                    table & (roots[i].1 ^ if signs >> i & 1 == 1 { u64::MAX } else { 0 })
                });
                let outcome = solver.solve(&assumptions, AMPLE);
                assert_eq!(outcome, if expected == 0 { Outcome::Unsat } else { Outcome::Sat });
                if outcome == Outcome::Unsat {
                    unsat += 1;
                    continue;
                }
                sat += 1;
                let model = |variable| solver.value(variable);
                let inputs: Vec<Lit> = known[1..7].iter().map(|&(lit, _)| lit).collect();
                let input = |i: u32| cnf.value(&aig, inputs[i as usize], model).unwrap_or(false);
                for &(lit, _) in &known {
                    if let Some(value) = cnf.value(&aig, lit, model) {
                        assert_eq!(value, aig.evaluate(input, lit), "{lit:?}");
                    }
                }
            }
        }
        assert!(sat > 500 && unsat > 200, "{sat} satisfiable, {unsat} unsatisfiable");
    }

    #[test]
    fn every_node_of_the_cone_is_readable_and_no_other() {
        let mut random = Random(8);
        for _ in 0..200 {
            let (aig, known) = random_graph(&mut random, 60);
            let root = known[known.len() - 1].0;
            let cnf = Cnf::new(&aig, &[root]);
            let mut cone = vec![false; aig.node_count()];
            cone[root.index()] = true;
            for index in (0..aig.node_count()).rev().filter(|&index| index <= root.index()) {
                if let Node::And(left, right) = aig.node(index)
                    && cone[index]
                {
                    cone[left.index()] = true;
                    cone[right.index()] = true;
                }
            }
            for &(lit, _) in &known {
                let outside_but_readable = aig.operands(lit).is_some_and(|(left, right)| {
                    [left, right].iter().all(|&operand| cnf.literal(operand).is_some())
                });
                let readable = cnf.value(&aig, lit, |_| false).is_some();
                assert!(readable || !cone[lit.index()]);
                let constant = lit.index() == 0;
                assert!(cone[lit.index()] || !readable || outside_but_readable || constant);
            }
        }
    }

    #[test]
    fn multiplexers_and_exclusive_disjunctions_are_recognized() {
        let mut aig = Aig::new();
        let (a, b, c) = (aig.input(), aig.input(), aig.input());
        let (xor, mux) = (aig.xor(a, b), aig.mux(a, b, c));
        let sizes = [xor, mux].map(|root| {
            let cnf = Cnf::new(&aig, &[root]);
            (cnf.variables(), cnf.clauses().count())
        });
        assert_eq!(sizes, [(3, 4), (4, 6)]);
    }

    #[test]
    fn dimacs_text_is_exact() {
        let mut aig = Aig::new();
        let (a, b) = (aig.input(), aig.input());
        let root = aig.and(a, !b);
        let mut cnf = Cnf::new(&aig, &[!root]);
        cnf.add_clause(&[cnf.literal(!root).expect("a root has a variable")]);
        assert_eq!(cnf.to_string(), "p cnf 3 4\n-3 1 0\n-3 -2 0\n3 -1 2 0\n-3 0\n");
        cnf.add_clause(&[]);
        assert_eq!(cnf.clauses().last(), Some(&[][..]));
        assert_eq!(cnf.to_string().lines().last(), Some("0"));
    }

    #[test]
    fn constant_roots_and_empty_cones_are_encoded() {
        let aig = Aig::new();
        let cnf = Cnf::new(&aig, &[Lit::TRUE]);
        let mut solver = solver(&cnf);
        assert_eq!(
            solver.solve(&[cnf.literal(Lit::TRUE).expect("a root has a variable")], AMPLE),
            Outcome::Sat
        );
        assert_eq!(
            solver.solve(&[cnf.literal(Lit::FALSE).expect("a root has a variable")], AMPLE),
            Outcome::Unsat
        );
        assert_eq!(cnf.value(&aig, Lit::TRUE, |variable| solver.value(variable)), Some(true));
        let empty = Cnf::new(&aig, &[]);
        assert_eq!(
            (empty.variables(), empty.clauses().count(), empty.literal(Lit::TRUE)),
            (0, 0, None)
        );
    }

    /// A root that is true exactly where `left` and `right` differ.
    fn miter(aig: &mut Aig, left: &[Lit], right: &[Lit]) -> Lit {
        !circuits::eq(aig, left, right)
    }

    #[test]
    fn multiplication_commutes() {
        let mut aig = Aig::new();
        let a: Vec<Lit> = (0..5).map(|_| aig.input()).collect();
        let b: Vec<Lit> = (0..5).map(|_| aig.input()).collect();
        let (left, right) = (circuits::mul(&mut aig, &a, &b), circuits::mul(&mut aig, &b, &a));
        let differ = miter(&mut aig, &left, &right);
        let cnf = Cnf::new(&aig, &[differ]);
        let mut solver = solver(&cnf);
        assert_eq!(
            solver.solve(&[cnf.literal(differ).expect("a root has a variable")], AMPLE),
            Outcome::Unsat
        );
        assert!(solver.conflicts() > 0, "the goal is not settled by hashing");
    }

    #[test]
    fn a_division_has_the_model_that_is_asked_for() {
        let mut aig = Aig::new();
        let a: Vec<Lit> = (0..16).map(|_| aig.input()).collect();
        let b: Vec<Lit> = (0..16).map(|_| aig.input()).collect();
        let (quotient, remainder) =
            (circuits::udiv(&mut aig, &a, &b), circuits::urem(&mut aig, &a, &b));
        let wanted = [
            circuits::eq(&mut aig, &quotient, &circuits::constant(16, &[123])),
            circuits::eq(&mut aig, &remainder, &circuits::constant(16, &[45])),
        ];
        let cnf = Cnf::new(&aig, &wanted);
        let mut solver = solver(&cnf);
        assert_eq!(
            solver
                .solve(&wanted.map(|lit| cnf.literal(lit).expect("a root has a variable")), AMPLE),
            Outcome::Sat
        );
        let read = |vector: &[Lit]| {
            let bit = |lit: Lit| {
                u32::from(
                    cnf.value(&aig, lit, |variable| solver.value(variable)).expect("in the cone"),
                )
            };
            vector.iter().rev().fold(0, |sum, &lit| sum * 2 + bit(lit))
        };
        assert_eq!((read(&a) / read(&b), read(&a) % read(&b)), (123, 45));
    }
}
