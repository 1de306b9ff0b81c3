//! Operations on one or two words of at most 64 bits: what micro-ops compute with.

/// An operation. Operands are below 2^width of their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Alu {
    Add,
    Sub,
    Mul,
    Udiv,
    Urem,
    Sdiv,
    Srem,
    And,
    Or,
    Xor,
    Shl,
    Lshr,
    Ashr,
    Eq,
    Ne,
    Ult,
    Uge,
    Slt,
    Sge,
    /// Sign extension; the second operand does not matter.
    Sext,
    /// Exclusive or of all bits; the second operand does not matter.
    Parity,
}

/// All of them, by number.
pub(super) const ALL: [Alu; 21] = [
    Alu::Add,
    Alu::Sub,
    Alu::Mul,
    Alu::Udiv,
    Alu::Urem,
    Alu::Sdiv,
    Alu::Srem,
    Alu::And,
    Alu::Or,
    Alu::Xor,
    Alu::Shl,
    Alu::Lshr,
    Alu::Ashr,
    Alu::Eq,
    Alu::Ne,
    Alu::Ult,
    Alu::Uge,
    Alu::Slt,
    Alu::Sge,
    Alu::Sext,
    Alu::Parity,
];

/// The low `width` bits set, of 64.
pub(super) const fn low_bits(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}

const fn signed(x: u64, width: u32) -> i64 {
    let shift = 64u32.wrapping_sub(width) & 63;
    ((x << shift) as i64) >> shift
}

const fn magnitude(x: u64, width: u32) -> u64 {
    signed(x, width).unsigned_abs()
}

/// The meaning of an operation: that of [`model::bits::Op`]. `width` is the first operand's, `mask`
/// has the bits of the result.
#[inline(always)]
#[allow(clippy::inline_always)]
pub(super) const fn alu(op: Alu, x: u64, y: u64, width: u32, mask: u64) -> u64 {
    match op {
        Alu::Add => x.wrapping_add(y) & mask,
        Alu::Sub => x.wrapping_sub(y) & mask,
        Alu::Mul => x.wrapping_mul(y) & mask,
        Alu::Udiv => match x.checked_div(y) {
            Some(quotient) => quotient,
            None => mask,
        },
        Alu::Urem => match x.checked_rem(y) {
            Some(rest) => rest,
            None => x,
        },
        Alu::Sdiv => {
            let quotient = match magnitude(x, width).checked_div(magnitude(y, width)) {
                Some(quotient) => quotient,
                None => mask,
            };
            let same = (signed(x, width) < 0) == (signed(y, width) < 0);
            (if same { quotient } else { quotient.wrapping_neg() }) & mask
        }
        Alu::Srem => {
            let rest = match magnitude(x, width).checked_rem(magnitude(y, width)) {
                Some(rest) => rest,
                None => magnitude(x, width),
            };
            (if signed(x, width) < 0 { rest.wrapping_neg() } else { rest }) & mask
        }
        Alu::And => x & y,
        Alu::Or => x | y,
        Alu::Xor => x ^ y,
        Alu::Shl => {
            if y < 64 {
                x << y & mask
            } else {
                0
            }
        }
        Alu::Lshr => {
            if y < 64 {
                x >> y
            } else {
                0
            }
        }
        Alu::Ashr => {
            let by = if y < 63 { y } else { 63 };
            (signed(x, width) >> by) as u64 & mask
        }
        Alu::Eq => (x == y) as u64,
        Alu::Ne => (x != y) as u64,
        Alu::Ult => (x < y) as u64,
        Alu::Uge => (x >= y) as u64,
        Alu::Slt => (signed(x, width) < signed(y, width)) as u64,
        Alu::Sge => (signed(x, width) >= signed(y, width)) as u64,
        Alu::Sext => signed(x, width) as u64 & mask,
        Alu::Parity => (x.count_ones() & 1) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::{Alu, alu, low_bits};
    use model::bits::{Bits, Op};

    #[test]
    fn it_means_what_the_table_of_operators_says() {
        let pairs = [
            (Alu::Add, Op::Add),
            (Alu::Sub, Op::Sub),
            (Alu::Mul, Op::Mul),
            (Alu::Udiv, Op::Udiv),
            (Alu::Urem, Op::Urem),
            (Alu::Sdiv, Op::Sdiv),
            (Alu::Srem, Op::Srem),
            (Alu::And, Op::And),
            (Alu::Or, Op::Or),
            (Alu::Xor, Op::Xor),
            (Alu::Shl, Op::Shl),
            (Alu::Lshr, Op::Lshr),
            (Alu::Ashr, Op::Ashr),
            (Alu::Eq, Op::Eq),
            (Alu::Ult, Op::Ult),
            (Alu::Slt, Op::Slt),
        ];
        let edges = |w: u32| {
            let all = low_bits(w);
            [0, 1, 2, 3, 5, 31, 32, 63, 64, all >> 1, (all >> 1) + 1, all - 1, all].map(|v| v & all)
        };
        for width in [1, 2, 3, 5, 8, 18, 32, 33, 36, 63, 64] {
            for (x, y) in edges(width).into_iter().flat_map(|x| edges(width).map(|y| (x, y))) {
                let bits = [x, y].map(|v| Bits::new(u128::from(v), width));
                for (mine, theirs) in pairs {
                    let one = matches!(theirs, Op::Eq | Op::Ult | Op::Slt);
                    let to = if one { 1 } else { width };
                    let want = theirs.apply(&bits, to).value as u64;
                    let got = alu(mine, x, y, width, low_bits(to));
                    assert_eq!(got, want, "{mine:?} {x:#x} {y:#x} at {width}");
                }
                let wide = Op::Sext.apply(&bits[..1], 64).value as u64;
                assert_eq!(alu(Alu::Sext, x, 0, width, u64::MAX), wide);
                let parity = Op::Parity.apply(&bits[..1], 1).value as u64;
                assert_eq!(alu(Alu::Parity, x, 0, width, 1), parity);
            }
        }
    }
}
