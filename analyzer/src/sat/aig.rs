//! And-inverter graphs: Boolean functions as a hash-consed graph of two-input conjunctions with complemented edges.
//!
//! Invariants: the two operands of a conjunction are stored in ascending order and precede it in the node order, so that index order is a topological order;
//! neither operand is constant; no two conjunctions have the same operands; no rule of [`Aig::and`] applies to a stored conjunction.
//! Traversals run over indices and never recurse, because graphs can be as deep as they are large.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Not;

/// A function in an [`Aig`]: a node or its complement.
///
/// The representation is the index of the node, shifted left by one, with the complement in the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lit(u32);

impl Lit {
    /// The function that is false everywhere.
    pub(crate) const FALSE: Lit = Lit(0);
    /// The function that is true everywhere.
    pub(crate) const TRUE: Lit = Lit(1);

    /// The index of the node.
    pub(crate) fn index(self) -> usize {
        (self.0 >> 1) as usize
    }

    /// Whether the literal is the complement of its node.
    pub(crate) fn is_complement(self) -> bool {
        self.0 & 1 == 1
    }

    /// The literal itself, or its complement if `complement` holds.
    pub(crate) fn complement_if(self, complement: bool) -> Lit {
        Lit(self.0 ^ u32::from(complement))
    }
}

impl Not for Lit {
    type Output = Lit;

    fn not(self) -> Lit {
        Lit(self.0 ^ 1)
    }
}

impl From<bool> for Lit {
    fn from(value: bool) -> Lit {
        Lit::FALSE.complement_if(value)
    }
}

/// What a node of an [`Aig`] computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The constant false; it is node 0 and no other.
    False,
    /// The input with this number, counted from 0 in order of creation.
    Input(u32),
    /// The conjunction of two literals of earlier nodes.
    And(Lit, Lit),
}

/// A deterministic hasher for pairs of literals packed into one `u64`: multiply, then fold the high half onto the low one.
#[derive(Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// An and-inverter graph; it only grows.
pub(crate) struct Aig {
    /// The nodes in topological order.
    nodes: Vec<Node>,
    /// The number of inputs among them.
    inputs: u32,
    /// The positive literal of each conjunction, by its ordered pair of operands.
    conjunctions: HashMap<u64, Lit, BuildHasherDefault<PairHasher>>,
}

impl Aig {
    /// The graph that contains only the constant.
    pub(crate) fn new() -> Aig {
        Aig { nodes: vec![Node::False], inputs: 0, conjunctions: HashMap::default() }
    }

    /// The number of nodes, the constant and the inputs included.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The node at an index below [`Aig::node_count`].
    pub(crate) fn node(&self, index: usize) -> Node {
        self.nodes[index]
    }

    /// The operands if the node of `lit` is a conjunction, whether or not `lit` is its complement.
    pub(crate) fn operands(&self, lit: Lit) -> Option<(Lit, Lit)> {
        match self.nodes[lit.index()] {
            Node::And(left, right) => Some((left, right)),
            Node::False | Node::Input(_) => None,
        }
    }

    /// A new input, independent of everything else.
    pub(crate) fn input(&mut self) -> Lit {
        self.inputs += 1;
        self.push(Node::Input(self.inputs - 1))
    }

    /// The conjunction, simplified by the one-level and two-level rules and shared with an equal one.
    pub(crate) fn and(&mut self, a: Lit, b: Lit) -> Lit {
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        // Level 1: constants come first in the order, therefore only `a` can be one unless both are.
        if a == Lit::FALSE || a == !b {
            return Lit::FALSE;
        }
        if a == Lit::TRUE || a == b {
            return b;
        }
        let simplified =
            self.one_sided(a, b).or_else(|| self.one_sided(b, a)).or_else(|| self.two_sided(a, b));
        if let Some(result) = simplified {
            return result;
        }
        let key = u64::from(a.0) << 32 | u64::from(b.0);
        if let Some(&result) = self.conjunctions.get(&key) {
            return result;
        }
        let result = self.push(Node::And(a, b));
        self.conjunctions.insert(key, result);
        result
    }

    /// The disjunction.
    pub(crate) fn or(&mut self, a: Lit, b: Lit) -> Lit {
        !self.and(!a, !b)
    }

    /// The exclusive disjunction; complements of the operands move to the result, so that all four sign variants share one node.
    pub(crate) fn xor(&mut self, a: Lit, b: Lit) -> Lit {
        let complement = a.is_complement() != b.is_complement();
        let (a, b) = (a.complement_if(a.is_complement()), b.complement_if(b.is_complement()));
        let (both, neither) = (self.and(a, b), self.and(!a, !b));
        self.and(!both, !neither).complement_if(complement)
    }

    /// The equivalence.
    pub(crate) fn xnor(&mut self, a: Lit, b: Lit) -> Lit {
        !self.xor(a, b)
    }

    /// The multiplexer: `then` where `condition` holds, `otherwise` elsewhere.
    pub(crate) fn mux(&mut self, condition: Lit, then: Lit, otherwise: Lit) -> Lit {
        // A branch that repeats the condition is constant in that branch.
        let fix = |branch: Lit, value: bool| {
            if branch.index() == condition.index() {
                Lit::from((branch == condition) == value)
            } else {
                branch
            }
        };
        let (then, otherwise) = (fix(then, true), fix(otherwise, false));
        if then == otherwise {
            return then;
        }
        if then == !otherwise {
            return self.xor(condition, otherwise);
        }
        match (then, otherwise) {
            (Lit::TRUE, _) => return self.or(condition, otherwise),
            (Lit::FALSE, _) => return self.and(!condition, otherwise),
            (_, Lit::TRUE) => return self.or(!condition, then),
            (_, Lit::FALSE) => return self.and(condition, then),
            _ => {}
        }
        // As for `xor`, all sign variants share one node: the condition and the first branch are made positive.
        let (condition, then, otherwise) = if condition.is_complement() {
            (!condition, otherwise, then)
        } else {
            (condition, then, otherwise)
        };
        let complement = then.is_complement();
        let first = self.and(condition, then.complement_if(complement));
        let second = self.and(!condition, otherwise.complement_if(complement));
        self.or(first, second).complement_if(complement)
    }

    /// The value of every node, by index, when input `i` has the value `inputs(i)`.
    #[cfg(test)]
    pub(crate) fn values(&self, inputs: impl Fn(u32) -> bool) -> Vec<bool> {
        let mut values = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = |lit: Lit| values[lit.index()] != lit.is_complement();
            values.push(match *node {
                Node::False => false,
                Node::Input(number) => inputs(number),
                Node::And(left, right) => value(left) && value(right),
            });
        }
        values
    }

    /// The value of one literal when input `i` has the value `inputs(i)`.
    #[cfg(test)]
    pub(crate) fn evaluate(&self, inputs: impl Fn(u32) -> bool, lit: Lit) -> bool {
        self.values(inputs)[lit.index()] != lit.is_complement()
    }

    /// Appends a node and returns its positive literal.
    fn push(&mut self, node: Node) -> Lit {
        let index =
            u32::try_from(self.nodes.len()).expect("a graph of 2^31 nodes does not fit in memory");
        self.nodes.push(node);
        Lit(index.checked_mul(2).expect("a graph of 2^31 nodes does not fit in memory"))
    }

    /// The two-level rules of Brummayer & Biere (2006), level 2, that look at the operands of `p` only.
    fn one_sided(&self, p: Lit, other: Lit) -> Option<Lit> {
        let (left, right) = self.operands(p)?;
        if left == !other || right == !other {
            // Subsumption if `p` is complemented, contradiction otherwise.
            return Some(if p.is_complement() { other } else { Lit::FALSE });
        }
        // Idempotence.
        (!p.is_complement() && (left == other || right == other)).then_some(p)
    }

    /// The two-level rules of level 2 that look at the operands of both sides.
    fn two_sided(&self, left: Lit, right: Lit) -> Option<Lit> {
        let ((a, b), (c, d)) = (self.operands(left)?, self.operands(right)?);
        let clash = a == !c || a == !d || b == !c || b == !d;
        match (left.is_complement(), right.is_complement()) {
            // Contradiction and subsumption.
            (false, false) if clash => Some(Lit::FALSE),
            (false, true) if clash => Some(left),
            (true, false) if clash => Some(right),
            // Resolution: not (x and y) and not (x and not y) is not x.
            // Operands are sorted, so that y and its complement are at the same position, as x is.
            (true, true) if a == c && b == !d => Some(!a),
            (true, true) if b == d && a == !c => Some(!b),
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Aig, Lit, Node};
    use crate::sat::tests::Random;

    /// The truth tables of six inputs: bit `i` of table `k` is bit `k` of `i`.
    const INPUT_TABLES: [u64; 6] = [
        0xaaaa_aaaa_aaaa_aaaa,
        0xcccc_cccc_cccc_cccc,
        0xf0f0_f0f0_f0f0_f0f0,
        0xff00_ff00_ff00_ff00,
        0xffff_0000_ffff_0000,
        0xffff_ffff_0000_0000,
    ];

    /// A random graph over six inputs, with the truth table of each literal computed beside the graph.
    pub(in crate::sat) fn random_graph(
        random: &mut Random,
        operations: usize,
    ) -> (Aig, Vec<(Lit, u64)>) {
        let mut aig = Aig::new();
        let mut known: Vec<(Lit, u64)> = vec![(Lit::FALSE, 0)];
        known.extend(INPUT_TABLES.map(|table| (aig.input(), table)));
        for _ in 0..operations {
            let mut pick = || {
                // Recent functions are preferred, so that graphs become deep and operands related.
                let recent = known.len().min(12);
                let start = if random.below(2) == 0 { known.len() - recent } else { 0 };
                let (lit, table) = known[start + random.below(known.len() - start)];
                if random.below(2) == 0 { (lit, table) } else { (!lit, !table) }
            };
            let ((a, a_table), (b, b_table), (c, c_table)) = (pick(), pick(), pick());
            known.push(match random.below(7) {
                0 => (aig.or(a, b), a_table | b_table),
                1 => (aig.xor(a, b), a_table ^ b_table),
                2 => (aig.xnor(a, b), !(a_table ^ b_table)),
                3 => (aig.mux(a, b, c), a_table & b_table | !a_table & c_table),
                _ => (aig.and(a, b), a_table & b_table),
            });
        }
        (aig, known)
    }

    /// The truth table of every node, by bit-parallel simulation.
    fn tables(aig: &Aig) -> Vec<u64> {
        let mut tables: Vec<u64> = Vec::new();
        for index in 0..aig.node_count() {
            let table =
                |lit: Lit| tables[lit.index()] ^ if lit.is_complement() { u64::MAX } else { 0 };
            tables.push(match aig.node(index) {
                Node::False => 0,
                Node::Input(number) => INPUT_TABLES[number as usize],
                Node::And(left, right) => table(left) & table(right),
            });
        }
        tables
    }

    #[test]
    fn random_graphs_agree_with_truth_tables() {
        let mut random = Random(2);
        for round in 0..2000 {
            let (aig, known) = random_graph(&mut random, 60);
            let tables = tables(&aig);
            for (lit, expected) in known {
                let table = tables[lit.index()] ^ if lit.is_complement() { u64::MAX } else { 0 };
                assert_eq!(table, expected, "round {round}, {lit:?}");
            }
        }
    }

    #[test]
    fn evaluation_agrees_with_truth_tables() {
        let mut random = Random(3);
        for _ in 0..10 {
            let (aig, known) = random_graph(&mut random, 40);
            for (lit, table) in known {
                for assignment in 0..64 {
                    let value = aig.evaluate(|input| assignment >> input & 1 == 1, lit);
                    assert_eq!(value, table >> assignment & 1 == 1);
                }
            }
        }
    }

    #[test]
    fn stored_nodes_satisfy_the_invariants() {
        let (mut aig, _) = random_graph(&mut Random(4), 2000);
        let count = aig.node_count();
        for index in 0..count {
            if let Node::And(left, right) = aig.node(index) {
                assert!(Lit::TRUE < left && left < right && right.index() < index);
                assert_eq!(aig.and(right, left).index(), index, "sharing is complete");
            }
        }
        assert_eq!(aig.node_count(), count);
    }

    #[test]
    fn each_rule_applies() {
        let mut aig = Aig::new();
        let (a, b, c) = (aig.input(), aig.input(), aig.input());
        let (ab, a_not_b, not_a_b) = (aig.and(a, b), aig.and(a, !b), aig.and(!a, b));
        let not_a_c = aig.and(!a, c);
        let count = aig.node_count();
        let cases = [
            ("constant", aig.and(a, Lit::FALSE), Lit::FALSE),
            ("neutral", aig.and(Lit::TRUE, a), a),
            ("constants", aig.and(Lit::TRUE, Lit::TRUE), Lit::TRUE),
            ("idempotence", aig.and(a, a), a),
            ("complement", aig.and(a, !a), Lit::FALSE),
            ("contradiction, one side", aig.and(ab, !b), Lit::FALSE),
            ("contradiction, two sides", aig.and(ab, not_a_c), Lit::FALSE),
            ("subsumption, one side", aig.and(!ab, !a), !a),
            ("subsumption, two sides", aig.and(!ab, not_a_c), not_a_c),
            ("idempotence, one side", aig.and(b, ab), ab),
            ("resolution on the second operand", aig.and(!ab, !a_not_b), !a),
            ("resolution on the first operand", aig.and(!ab, !not_a_b), !b),
        ];
        for (rule, result, expected) in cases {
            assert_eq!(result, expected, "{rule}");
        }
        assert_eq!(aig.node_count(), count, "no rule makes a node");
        assert_eq!(aig.xor(!a, b), !aig.xor(b, a));
        assert_eq!(aig.mux(!a, !b, !c), !aig.mux(a, c, b));
    }

    #[test]
    fn a_deep_graph_is_evaluated_without_recursion() {
        let mut aig = Aig::new();
        let mut lit = aig.input();
        for _ in 0..300_000 {
            let fresh = aig.input();
            lit = !aig.and(lit, fresh);
        }
        assert!(aig.evaluate(|_| true, lit), "an even number of complements");
    }
}
