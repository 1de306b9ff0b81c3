//! Bit strings of a fixed width, and the one table of operators with their concrete meaning.

use std::fmt;

/// Widest value, in bits: a 64-bit product fits.
pub const MAX_WIDTH: u32 = 128;

/// An unsigned bit string of 1 to [`MAX_WIDTH`] bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits {
    /// The bits as a number below 2^width.
    pub value: u128,
    /// Number of bits.
    pub width: u32,
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}u{}", self.value, self.width)
    }
}

/// The number with the low `width` bits set.
pub const fn mask(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1 << width) - 1 }
}

/// Bits needed to write `value`, at least 1.
pub const fn bits_for(value: u128) -> u32 {
    if value == 0 { 1 } else { 128 - value.leading_zeros() }
}

impl Bits {
    /// The low `width` bits of `value`.
    pub const fn new(value: u128, width: u32) -> Self {
        Self { value: value & mask(width), width }
    }

    /// A truth value, one bit wide.
    pub const fn bool(value: bool) -> Self {
        Self { value: value as u128, width: 1 }
    }

    /// Whether any bit is set.
    pub const fn is_true(self) -> bool {
        self.value != 0
    }

    /// The value as a two's complement number.
    const fn signed(self) -> i128 {
        let shift = 128 - self.width;
        ((self.value << shift) as i128) >> shift
    }

    /// Whether the sign bit is set.
    const fn negative(self) -> bool {
        self.value >> (self.width - 1) & 1 == 1
    }

    const fn magnitude(self) -> Self {
        if self.negative() { Self::new(self.value.wrapping_neg(), self.width) } else { self }
    }
}

macro_rules! operators {
    ($( $(#[doc = $doc:literal])* $op:ident $name:literal $arity:literal => $meaning:expr; )*) => {
        /// An operator of the specification language.
        ///
        /// The result's width stands in the expression that applies it; operands of one
        /// application have equal widths unless the operator says otherwise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Op { $( $(#[doc = $doc])* $op, )* }

        impl Op {
            /// Every operator, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$op),*];

            /// Name, as printed in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$op => $name,)* }
            }

            /// Number of operands.
            pub const fn arity(self) -> usize {
                match self { $(Self::$op => $arity,)* }
            }

            /// What the operator means on concrete values; `width` is the result's.
            pub fn apply(self, x: &[Bits], width: u32) -> Bits {
                debug_assert_eq!(x.len(), self.arity());
                match self {
                    $(Self::$op => {
                        let meaning: fn(&[Bits], u32) -> u128 = $meaning;
                        Bits::new(meaning(x, width), width)
                    })*
                }
            }
        }
    };
}

operators! {
    /// Bitwise complement.
    Not "not" 1 => |x, _| !x[0].value;
    /// Bitwise and.
    And "and" 2 => |x, _| x[0].value & x[1].value;
    /// Bitwise or.
    Or "or" 2 => |x, _| x[0].value | x[1].value;
    /// Bitwise exclusive or.
    Xor "xor" 2 => |x, _| x[0].value ^ x[1].value;
    /// Two's complement negation.
    Neg "neg" 1 => |x, _| x[0].value.wrapping_neg();
    /// Addition modulo 2^width.
    Add "add" 2 => |x, _| x[0].value.wrapping_add(x[1].value);
    /// Subtraction modulo 2^width.
    Sub "sub" 2 => |x, _| x[0].value.wrapping_sub(x[1].value);
    /// Multiplication modulo 2^width.
    Mul "mul" 2 => |x, _| x[0].value.wrapping_mul(x[1].value);
    /// Unsigned division; by zero: all ones.
    Udiv "udiv" 2 => |x, _| x[0].value.checked_div(x[1].value).unwrap_or(u128::MAX);
    /// Unsigned remainder; by zero: the dividend.
    Urem "urem" 2 => |x, _| x[0].value.checked_rem(x[1].value).unwrap_or(x[0].value);
    /// Signed division, rounding to zero; by zero: −1 for a dividend ≥ 0, else 1 (SMT-LIB `bvsdiv`).
    Sdiv "sdiv" 2 => |x, w| {
        let quotient = Op::Udiv.apply(&[x[0].magnitude(), x[1].magnitude()], w).value;
        if x[0].negative() == x[1].negative() { quotient } else { quotient.wrapping_neg() }
    };
    /// Signed remainder with the dividend's sign; by zero: the dividend (SMT-LIB `bvsrem`).
    Srem "srem" 2 => |x, w| {
        let rest = Op::Urem.apply(&[x[0].magnitude(), x[1].magnitude()], w).value;
        if x[0].negative() { rest.wrapping_neg() } else { rest }
    };
    /// Shift left; the amount has a width of its own; amounts ≥ width give 0.
    Shl "shl" 2 => |x, w| if x[1].value >= w as u128 { 0 } else { x[0].value << x[1].value };
    /// Logical shift right; amounts ≥ width give 0.
    Lshr "lshr" 2 => |x, w| if x[1].value >= w as u128 { 0 } else { x[0].value >> x[1].value };
    /// Arithmetic shift right; amounts ≥ width give copies of the sign.
    Ashr "ashr" 2 => |x, w| (x[0].signed() >> x[1].value.min(w as u128 - 1)) as u128;
    /// Equality, one bit wide.
    Eq "eq" 2 => |x, _| u128::from(x[0].value == x[1].value);
    /// Unsigned less than, one bit wide.
    Ult "ult" 2 => |x, _| u128::from(x[0].value < x[1].value);
    /// Signed less than, one bit wide.
    Slt "slt" 2 => |x, _| u128::from(x[0].signed() < x[1].signed());
    /// Choice: the first operand, one bit wide, selects the second or the third.
    Ite "ite" 3 => |x, _| if x[0].is_true() { x[1].value } else { x[2].value };
    /// Concatenation; the first operand is most significant.
    Concat "concat" 2 => |x, _| x[0].value << x[1].width | x[1].value;
    /// The operand's low bits, as many as the result is wide.
    Low "low" 1 => |x, _| x[0].value;
    /// Zero extension to the result's width.
    Zext "zext" 1 => |x, _| x[0].value;
    /// Sign extension to the result's width.
    Sext "sext" 1 => |x, _| x[0].signed() as u128;
    /// Exclusive or of all bits, one bit wide.
    Parity "parity" 1 => |x, _| u128::from(x[0].value.count_ones() & 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a binary operator at a width against integers, all operands.
    fn exhaustive(op: Op, width: u32, expected: impl Fn(i64, i64) -> i64) {
        let modulus = 1i64 << width;
        for a in 0..modulus {
            for b in 0..modulus {
                let operands = [Bits::new(a as u128, width), Bits::new(b as u128, width)];
                let want = expected(a, b).rem_euclid(modulus) as u128;
                assert_eq!(op.apply(&operands, width).value, want, "{op:?} {a} {b}");
            }
        }
    }

    #[test]
    fn arithmetic_agrees_with_integers() {
        for width in 1..=5 {
            let half = 1i64 << (width - 1);
            let signed = move |v: i64| if v >= half { v - 2 * half } else { v };
            exhaustive(Op::Add, width, |a, b| a + b);
            exhaustive(Op::Sub, width, |a, b| a - b);
            exhaustive(Op::Mul, width, |a, b| a * b);
            exhaustive(Op::Udiv, width, |a, b| a.checked_div(b).unwrap_or(-1));
            exhaustive(Op::Urem, width, |a, b| a.checked_rem(b).unwrap_or(a));
            exhaustive(Op::Shl, width, |a, b| if b >= i64::from(width) { 0 } else { a << b });
            exhaustive(Op::Lshr, width, |a, b| a >> b);
            exhaustive(Op::Ashr, width, move |a, b| signed(a) >> b);
            exhaustive(Op::Sdiv, width, move |a, b| match signed(b) {
                0 if signed(a) >= 0 => -1,
                0 => 1,
                d => signed(a) / d,
            });
            exhaustive(Op::Srem, width, move |a, b| match signed(b) {
                0 => a,
                d => signed(a) % d,
            });
        }
    }

    #[test]
    fn every_operator_keeps_its_width() {
        for op in Op::ALL {
            let operands = vec![Bits::new(u128::MAX, 64); op.arity()];
            assert!(op.apply(&operands, 7).value <= mask(7), "{op:?}");
        }
    }
}
