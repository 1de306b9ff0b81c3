//! Bit-vector operations as circuits in an and-inverter graph.
//!
//! A bit vector is a slice of literals, least significant bit first; two operands of one operation have the same width, of at least one bit, unless stated otherwise.
//! The meaning of each operation is that of SMT-LIB's theory of fixed-size bit vectors, division by zero included.
//! Constant operands fold through the rules of [`Aig`], so that no operation treats them specially unless its comment says so.

use super::aig::{Aig, Lit};

/// The constant whose bits are the lowest `width` bits of `limbs`, least significant limb first; missing limbs are zero.
pub(crate) fn constant(width: usize, limbs: &[u64]) -> Vec<Lit> {
    (0..width)
        .map(|bit| Lit::from(limbs.get(bit / 64).is_some_and(|limb| limb >> (bit % 64) & 1 == 1)))
        .collect()
}

/// The bitwise complement.
pub(crate) fn not(a: &[Lit]) -> Vec<Lit> {
    a.iter().map(|&bit| !bit).collect()
}

/// The bitwise conjunction.
pub(crate) fn and(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    pairs(a, b).map(|(x, y)| aig.and(x, y)).collect()
}

/// The bitwise disjunction.
pub(crate) fn or(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    pairs(a, b).map(|(x, y)| aig.or(x, y)).collect()
}

/// The bitwise exclusive disjunction.
pub(crate) fn xor(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    pairs(a, b).map(|(x, y)| aig.xor(x, y)).collect()
}

/// The vector `then` where `condition` holds, `otherwise` elsewhere.
pub(crate) fn mux(aig: &mut Aig, condition: Lit, then: &[Lit], otherwise: &[Lit]) -> Vec<Lit> {
    pairs(then, otherwise).map(|(x, y)| aig.mux(condition, x, y)).collect()
}

/// The exclusive disjunction of all bits.
pub(crate) fn parity(aig: &mut Aig, a: &[Lit]) -> Lit {
    a.iter().fold(Lit::FALSE, |sum, &bit| aig.xor(sum, bit))
}

/// Whether the operands are equal.
pub(crate) fn eq(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Lit {
    pairs(a, b).fold(Lit::TRUE, |equal, (x, y)| {
        let same = aig.xnor(x, y);
        aig.and(equal, same)
    })
}

/// The sum modulo 2^width.
pub(crate) fn add(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    add_with_carry(aig, a, b, Lit::FALSE).0
}

/// The difference modulo 2^width.
pub(crate) fn sub(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    add_with_carry(aig, a, &not(b), Lit::TRUE).0
}

/// The two's complement.
#[cfg(test)]
pub(crate) fn neg(aig: &mut Aig, a: &[Lit]) -> Vec<Lit> {
    add_with_carry(aig, &not(a), &constant(a.len(), &[]), Lit::TRUE).0
}

/// The product modulo 2^width: one row of adders for each bit of the multiplier that is not constantly zero.
pub(crate) fn mul(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    assert_eq!(a.len(), b.len(), "operands of one operation have one width");
    // The operand with more zeros is the multiplier, because each of them saves a row.
    let zeros = |vector: &[Lit]| vector.iter().filter(|&&bit| bit == Lit::FALSE).count();
    let (multiplicand, multiplier) = if zeros(a) > zeros(b) { (b, a) } else { (a, b) };
    let mut product = constant(a.len(), &[]);
    for (shift, &bit) in multiplier.iter().enumerate().filter(|&(_, &bit)| bit != Lit::FALSE) {
        let row: Vec<Lit> =
            multiplicand[..a.len() - shift].iter().map(|&x| aig.and(x, bit)).collect();
        let sum = add(aig, &product[shift..], &row);
        product.truncate(shift);
        product.extend(sum);
    }
    product
}

/// The unsigned quotient; all ones if the divisor is zero.
pub(crate) fn udiv(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    udivrem(aig, a, b).0
}

/// The unsigned remainder; the dividend if the divisor is zero.
pub(crate) fn urem(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    udivrem(aig, a, b).1
}

/// The signed quotient, rounded towards zero; if the divisor is zero, 1 for a negative dividend and -1 for any other.
pub(crate) fn sdiv(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    let magnitudes = (negate_if(aig, sign(a), a), negate_if(aig, sign(b), b));
    let quotient = udiv(aig, &magnitudes.0, &magnitudes.1);
    let negative = aig.xor(sign(a), sign(b));
    negate_if(aig, negative, &quotient)
}

/// The signed remainder, with the sign of the dividend; the dividend if the divisor is zero.
pub(crate) fn srem(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Vec<Lit> {
    let magnitudes = (negate_if(aig, sign(a), a), negate_if(aig, sign(b), b));
    let remainder = urem(aig, &magnitudes.0, &magnitudes.1);
    negate_if(aig, sign(a), &remainder)
}

/// The left shift by an unsigned amount of any width; zero if the amount is at least the width of `a`.
pub(crate) fn shl(aig: &mut Aig, a: &[Lit], amount: &[Lit]) -> Vec<Lit> {
    let reversed: Vec<Lit> = a.iter().rev().copied().collect();
    let mut shifted = shift_right(aig, &reversed, amount, Lit::FALSE);
    shifted.reverse();
    shifted
}

/// The logical right shift by an unsigned amount of any width; zero if the amount is at least the width of `a`.
pub(crate) fn lshr(aig: &mut Aig, a: &[Lit], amount: &[Lit]) -> Vec<Lit> {
    shift_right(aig, a, amount, Lit::FALSE)
}

/// The arithmetic right shift by an unsigned amount of any width; copies of the sign if the amount is at least the width of `a`.
pub(crate) fn ashr(aig: &mut Aig, a: &[Lit], amount: &[Lit]) -> Vec<Lit> {
    shift_right(aig, a, amount, sign(a))
}

/// Whether `a` is less than `b` as unsigned numbers.
pub(crate) fn ult(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Lit {
    let not_less = pairs(a, b).fold(Lit::TRUE, |carry, (x, y)| carry_out(aig, x, !y, carry));
    !not_less
}

/// Whether `a` is at most `b` as unsigned numbers.
#[cfg(test)]
pub(crate) fn ule(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Lit {
    !ult(aig, b, a)
}

/// Whether `a` is less than `b` as signed numbers.
pub(crate) fn slt(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> Lit {
    // Complementing the signs maps the signed order to the unsigned one.
    let biased = |vector: &[Lit]| {
        let mut vector = vector.to_vec();
        *vector.last_mut().expect("a bit vector has at least one bit") = !sign(&vector);
        vector
    };
    ult(aig, &biased(a), &biased(b))
}

/// The pairs of bits at the same position.
fn pairs(a: &[Lit], b: &[Lit]) -> impl Iterator<Item = (Lit, Lit)> {
    assert_eq!(a.len(), b.len(), "operands of one operation have one width");
    a.iter().copied().zip(b.iter().copied())
}

/// The most significant bit.
fn sign(a: &[Lit]) -> Lit {
    *a.last().expect("a bit vector has at least one bit")
}

/// The carry of a full adder, as a multiplexer because that form has the fewest clauses.
/// If the operands differ the carry is passed on, otherwise it is either operand; the choice makes the circuit commutative.
fn carry_out(aig: &mut Aig, a: Lit, b: Lit, carry: Lit) -> Lit {
    let differ = aig.xor(a, b);
    aig.mux(differ, carry, a.min(b))
}

/// The sum of both operands and `carry`, modulo 2^width, with the carry out of the highest bit.
fn add_with_carry(aig: &mut Aig, a: &[Lit], b: &[Lit], mut carry: Lit) -> (Vec<Lit>, Lit) {
    let sum = pairs(a, b)
        .map(|(x, y)| {
            let half = aig.xor(x, y);
            let bit = aig.xor(half, carry);
            carry = carry_out(aig, x, y, carry);
            bit
        })
        .collect();
    (sum, carry)
}

/// The two's complement where `condition` holds, `a` itself elsewhere.
fn negate_if(aig: &mut Aig, condition: Lit, a: &[Lit]) -> Vec<Lit> {
    let flipped: Vec<Lit> = a.iter().map(|&bit| aig.xor(bit, condition)).collect();
    add_with_carry(aig, &flipped, &constant(a.len(), &[]), condition).0
}

/// The unsigned quotient and remainder, by restoring division.
///
/// After k bits of the dividend the partial remainder is below 2^k, so that step k needs only k bits of it:
/// it subtracts the lowest k bits of the divisor, provided that the others are zero.
/// A zero divisor is always subtracted, which gives the values that SMT-LIB prescribes.
fn udivrem(aig: &mut Aig, a: &[Lit], b: &[Lit]) -> (Vec<Lit>, Vec<Lit>) {
    assert_eq!(a.len(), b.len(), "operands of one operation have one width");
    let width = a.len();
    // high_zero[k]: bit k of the divisor and all bits above it are zero.
    let mut high_zero = vec![Lit::TRUE; width + 1];
    for bit in (0..width).rev() {
        high_zero[bit] = aig.and(high_zero[bit + 1], !b[bit]);
    }
    let mut quotient = Vec::with_capacity(width);
    let mut remainder = Vec::with_capacity(width);
    for (step, &bit) in (1..).zip(a.iter().rev()) {
        remainder.insert(0, bit);
        let (difference, fits) = add_with_carry(aig, &remainder, &not(&b[..step]), Lit::TRUE);
        let digit = aig.and(fits, high_zero[step]);
        remainder = mux(aig, digit, &difference, &remainder);
        quotient.push(digit);
    }
    quotient.reverse();
    (quotient, remainder)
}

/// The right shift with `fill` moving in, as a cascade of shifts by powers of two.
fn shift_right(aig: &mut Aig, a: &[Lit], amount: &[Lit], fill: Lit) -> Vec<Lit> {
    let mut result = a.to_vec();
    let mut too_far = Lit::FALSE;
    for (stage, &bit) in amount.iter().enumerate() {
        let distance = u32::try_from(stage).ok().and_then(|stage| 1usize.checked_shl(stage));
        match distance.filter(|&distance| distance < a.len()) {
            Some(distance) => {
                let moved =
                    result[distance..].iter().copied().chain(std::iter::repeat_n(fill, distance));
                let moved: Vec<Lit> = moved.collect();
                result = mux(aig, bit, &moved, &result);
            }
            None => too_far = aig.or(too_far, bit),
        }
    }
    result.iter().map(|&kept| aig.mux(too_far, fill, kept)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::aig::{Aig, Lit};
    use super::*;
    use crate::sat::tests::Random;

    type Circuit = fn(&mut Aig, &[Lit], &[Lit]) -> Vec<Lit>;
    /// The same operation on integers: operands and width; the result is masked afterwards.
    type Reference = fn(u64, u64, u32) -> u64;

    fn mask(width: u32) -> u64 {
        u64::MAX >> (64 - width)
    }

    fn signed(value: u64, width: u32) -> i128 {
        i128::from(value) - if value >> (width - 1) & 1 == 1 { 1 << width } else { 0 }
    }

    /// Every operation of two operands of one width.
    const OPERATIONS: &[(&str, Circuit, Reference)] = &[
        ("not", |_, a, _| not(a), |a, _, _| !a),
        ("and", and, |a, b, _| a & b),
        ("or", or, |a, b, _| a | b),
        ("xor", xor, |a, b, _| a ^ b),
        ("mux", |g, a, b| mux(g, a[0], a, b), |a, b, _| if a & 1 == 1 { a } else { b }),
        ("parity", |g, a, _| vec![parity(g, a)], |a, _, _| u64::from(a.count_ones() % 2)),
        ("eq", |g, a, b| vec![eq(g, a, b)], |a, b, _| u64::from(a == b)),
        ("add", add, |a, b, _| a.wrapping_add(b)),
        ("sub", sub, |a, b, _| a.wrapping_sub(b)),
        ("neg", |g, a, _| neg(g, a), |a, _, _| a.wrapping_neg()),
        ("mul", mul, |a, b, _| a.wrapping_mul(b)),
        ("udiv", udiv, |a, b, _| a.checked_div(b).unwrap_or(u64::MAX)),
        ("urem", urem, |a, b, _| a.checked_rem(b).unwrap_or(a)),
        ("sdiv", sdiv, |a, b, w| {
            let (a, b) = (signed(a, w), signed(b, w));
            a.checked_div(b).unwrap_or(if a < 0 { 1 } else { -1 }).cast_unsigned() as u64
        }),
        ("srem", srem, |a, b, w| {
            let (a, b) = (signed(a, w), signed(b, w));
            a.checked_rem(b).unwrap_or(a).cast_unsigned() as u64
        }),
        ("shl", shl, reference_shl),
        ("lshr", lshr, reference_lshr),
        ("ashr", ashr, reference_ashr),
        ("ult", |g, a, b| vec![ult(g, a, b)], |a, b, _| u64::from(a < b)),
        ("ule", |g, a, b| vec![ule(g, a, b)], |a, b, _| u64::from(a <= b)),
        ("slt", |g, a, b| vec![slt(g, a, b)], |a, b, w| u64::from(signed(a, w) < signed(b, w))),
    ];

    fn reference_shl(a: u64, b: u64, width: u32) -> u64 {
        if b >= u64::from(width) { 0 } else { a << b }
    }

    fn reference_lshr(a: u64, b: u64, width: u32) -> u64 {
        if b >= u64::from(width) { 0 } else { a >> b }
    }

    fn reference_ashr(a: u64, b: u64, width: u32) -> u64 {
        (signed(a, width) >> b.min(127)).cast_unsigned() as u64
    }

    fn inputs(aig: &mut Aig, width: u32) -> Vec<Lit> {
        (0..width).map(|_| aig.input()).collect()
    }

    /// The value of a vector when the inputs are the bits of `assignment`.
    fn value(aig: &Aig, assignment: &[u64], vector: &[Lit]) -> u64 {
        let values = aig.values(|input| assignment[input as usize / 64] >> (input % 64) & 1 == 1);
        number(&values, vector)
    }

    fn number(values: &[bool], vector: &[Lit]) -> u64 {
        let bit = |lit: Lit| u64::from(values[lit.index()] != lit.is_complement());
        vector.iter().enumerate().fold(0, |sum, (place, &lit)| sum | bit(lit) << place)
    }

    /// The bits of two operands, packed in the order in which their inputs were made.
    fn packed(a: u64, b: u64, width: u32) -> [u64; 2] {
        let both = u128::from(a) | u128::from(b) << width;
        [both as u64, (both >> 64) as u64]
    }

    #[test]
    fn small_widths_agree_with_integers() {
        for &(name, circuit, reference) in OPERATIONS {
            for width in 1..=4 {
                let mut aig = Aig::new();
                let (a, b) = (inputs(&mut aig, width), inputs(&mut aig, width));
                let result = circuit(&mut aig, &a, &b);
                for x in 0..=mask(width) {
                    for y in 0..=mask(width) {
                        let expected = reference(x, y, width) & mask(result.len() as u32);
                        assert_eq!(
                            value(&aig, &packed(x, y, width), &result),
                            expected,
                            "{name} {width} {x} {y}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn constant_and_repeated_operands_agree_with_integers() {
        for &(name, circuit, reference) in OPERATIONS {
            for width in 1..=4 {
                let mut aig = Aig::new();
                let a = inputs(&mut aig, width);
                let same = circuit(&mut aig, &a, &a);
                let opposite = circuit(&mut aig, &a, &not(&a));
                for y in 0..=mask(width) {
                    let b = constant(width as usize, &[y]);
                    let (right, left) = (circuit(&mut aig, &a, &b), circuit(&mut aig, &b, &a));
                    for x in 0..=mask(width) {
                        let full = mask(same.len() as u32);
                        let context = format!("{name} {width} {x} {y}");
                        assert_eq!(
                            value(&aig, &[x], &right),
                            reference(x, y, width) & full,
                            "{context} right"
                        );
                        assert_eq!(
                            value(&aig, &[x], &left),
                            reference(y, x, width) & full,
                            "{context} left"
                        );
                        assert_eq!(
                            value(&aig, &[x], &same),
                            reference(x, x, width) & full,
                            "{context} same"
                        );
                        let inverse = !x & mask(width);
                        assert_eq!(
                            value(&aig, &[x], &opposite),
                            reference(x, inverse, width) & full,
                            "{context} not"
                        );
                        let folded = circuit(&mut aig, &constant(width as usize, &[x]), &b);
                        assert!(folded.iter().all(|bit| bit.index() == 0), "{context} folds");
                    }
                }
            }
        }
    }

    #[test]
    fn large_widths_agree_with_integers() {
        let mut random = Random(5);
        for &(name, circuit, reference) in OPERATIONS {
            for (width, samples) in [(8, 200), (32, 60), (64, 40)] {
                let mut aig = Aig::new();
                let (a, b) = (inputs(&mut aig, width), inputs(&mut aig, width));
                let result = circuit(&mut aig, &a, &b);
                for sample in 0..samples {
                    let full = mask(width);
                    let x = random.next() & full;
                    // Small, zero, equal and extreme operands occur as well as arbitrary ones.
                    let y = match sample % 6 {
                        0 => random.next() & 7,
                        1 => (random.next() & full) >> (random.next() % u64::from(width)),
                        2 => [0, x, full, 1 << (width - 1), !x & full, u64::from(width)]
                            [random.below(6)],
                        3 => random.next() % u64::from(width + 1),
                        _ => random.next() & full,
                    };
                    let x = if sample % 7 == 0 { 1 << (width - 1) } else { x };
                    let expected = reference(x, y, width) & mask(result.len() as u32);
                    assert_eq!(
                        value(&aig, &packed(x, y, width), &result),
                        expected,
                        "{name} {width} {x} {y}"
                    );
                }
            }
        }
    }

    #[test]
    fn shift_amounts_of_any_width_agree_with_integers() {
        let shifts: [(&str, Circuit, Reference); 3] = [
            ("shl", shl, reference_shl),
            ("lshr", lshr, reference_lshr),
            ("ashr", ashr, reference_ashr),
        ];
        for (name, circuit, reference) in shifts {
            for width in 1..=6 {
                for amount_width in 0..=5 {
                    let mut aig = Aig::new();
                    let (a, amount) = (inputs(&mut aig, width), inputs(&mut aig, amount_width));
                    let result = circuit(&mut aig, &a, &amount);
                    assert_eq!(result.len(), width as usize);
                    for x in 0..=mask(width) {
                        for y in 0..1 << amount_width {
                            let expected = reference(x, y, width) & mask(width);
                            let actual = value(&aig, &packed(x, y, width), &result);
                            assert_eq!(actual, expected, "{name} {width}/{amount_width} {x} {y}");
                        }
                    }
                }
            }
            let mut aig = Aig::new();
            let a = inputs(&mut aig, 3);
            let huge = constant(192, &[0, 0, 1]);
            let result = circuit(&mut aig, &a, &huge);
            assert!(
                result.iter().all(|&bit| bit == if name == "ashr" { a[2] } else { Lit::FALSE }),
                "{name} by 2^128"
            );
        }
    }

    #[test]
    fn division_is_consistent_at_192_bits() {
        let mut aig = Aig::new();
        let (a, b) = (inputs(&mut aig, 192), inputs(&mut aig, 192));
        let (quotient, remainder) = (udiv(&mut aig, &a, &b), urem(&mut aig, &a, &b));
        let product = mul(&mut aig, &quotient, &b);
        let sum = add(&mut aig, &product, &remainder);
        let restored = eq(&mut aig, &sum, &a);
        let small = ult(&mut aig, &remainder, &b);
        let mut random = Random(6);
        for keep in [0, 10, 64, 100, 191] {
            let mut bits: Vec<bool> = (0..384).map(|_| random.below(2) == 1).collect();
            bits[192 + keep..].fill(false);
            bits[192] = true;
            let values = aig.values(|input| bits[input as usize]);
            assert_eq!(number(&values, &[restored, small]), 3, "divisor of {keep} bits");
        }
    }

    #[test]
    fn constants_have_the_bits_of_their_limbs() {
        let bits = constant(130, &[1 << 63, 0, 0b110]);
        let ones: Vec<usize> = (0..130).filter(|&bit| bits[bit] == Lit::TRUE).collect();
        assert_eq!(ones, [63, 129]);
        assert_eq!(bits.len(), 130);
    }

    #[test]
    fn circuits_are_shared_and_of_reasonable_size() {
        let mut aig = Aig::new();
        let (a, b) = (inputs(&mut aig, 64), inputs(&mut aig, 64));
        let sum = add(&mut aig, &a, &b);
        assert!(aig.node_count() < 128 + 64 * 10, "{} nodes for a sum", aig.node_count());
        assert_eq!(add(&mut aig, &b, &a), sum, "addition commutes");
        sub(&mut aig, &a, &b);
        let count = aig.node_count();
        ult(&mut aig, &a, &b);
        assert_eq!(aig.node_count(), count, "a comparison is part of the difference");
        udiv(&mut aig, &a, &b);
        let division = aig.node_count() - count;
        assert!(division < 64 * 64 * 13 / 2, "{division} nodes for a quotient");
        let count = aig.node_count();
        urem(&mut aig, &a, &b);
        assert!(aig.node_count() - count <= 64 * 3, "the remainder is shared with the quotient");
        let count = aig.node_count();
        mul(&mut aig, &a, &b);
        let product = aig.node_count() - count;
        assert!(product < 64 * 64 * 11 / 2, "{product} nodes for a product");
        let count = aig.node_count();
        let power = constant(64, &[1 << 12]);
        mul(&mut aig, &power, &a);
        udiv(&mut aig, &a, &power);
        urem(&mut aig, &a, &power);
        assert_eq!(aig.node_count(), count, "powers of two only move bits");
        let five = constant(64, &[5]);
        let product = mul(&mut aig, &five, &a);
        assert_eq!(mul(&mut aig, &a, &five), product, "a sparse operand is the multiplier");
        assert!(aig.node_count() - count < 64 * 10, "a product with 5 is one sum");
    }
}
