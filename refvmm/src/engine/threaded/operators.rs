//! The operators of specifications on values that are partly known.

use model::bits::{Op, mask};

use super::alu::Alu;
use super::pieces::Value;
use super::terms::Terms;

/// An operator applied; `None` if the result is too wide to be expressed.
pub(super) fn apply(terms: &mut Terms, op: Op, x: &[Value], width: u32) -> Option<Value> {
    let second = x.get(1).and_then(|v| v.as_const(terms));
    match (op, second) {
        (Op::Concat, _) => return Some(Value::concat(terms, &x[0], &x[1])),
        (Op::Low | Op::Zext, _) => return Some(x[0].extended(terms, width)),
        (Op::Lshr, Some(by)) => {
            let by = by.min(u128::from(width)) as u32;
            return Some(x[0].slice(terms, by, width));
        }
        (Op::Shl, Some(by)) if by < u128::from(width) && by > 0 => {
            let by = by as u32;
            let kept = x[0].slice(terms, 0, width - by);
            let zeros = Value::constant(terms, 0, by);
            return Some(Value::concat(terms, &kept, &zeros));
        }
        (Op::And | Op::Or, _) => {
            for (constant, other) in [(&x[0], &x[1]), (&x[1], &x[0])] {
                if let Some(value) = constant.as_const(terms) {
                    let or = op == Op::Or;
                    let kept = if or { !value } else { value } & mask(width);
                    if let Some(result) = other.masked(terms, kept, or) {
                        return Some(result);
                    }
                }
            }
        }
        (Op::Ite, _) => {
            let condition = x[0].join(terms)?;
            if let Some(value) = terms.as_const(condition) {
                return Some(x[if value != 0 { 1 } else { 2 }].clone());
            }
            if x[1] == x[2] {
                return Some(x[1].clone());
            }
            let (a, b) = (x[1].join(terms), x[2].join(terms));
            let chosen = terms.select(condition, a?, b?);
            return Some(Value::of(terms, chosen, width));
        }
        _ => {}
    }
    let of = x[0].width;
    if width > 64 {
        return None;
    }
    let a = x[0].join(terms)?;
    let b = match x.get(1) {
        Some(b) => b.join(terms)?,
        None => terms.constant(0, 1),
    };
    let alu = match op {
        Op::Not => {
            let all = terms.constant(u64::MAX, width);
            let term = terms.apply(Alu::Xor, a, all, width, width);
            return Some(Value::of(terms, term, width));
        }
        Op::Neg => {
            let zero = terms.constant(0, width);
            let term = terms.apply(Alu::Sub, zero, a, width, width);
            return Some(Value::of(terms, term, width));
        }
        Op::And => Alu::And,
        Op::Or => Alu::Or,
        Op::Xor => Alu::Xor,
        Op::Add => Alu::Add,
        Op::Sub => Alu::Sub,
        Op::Mul => Alu::Mul,
        Op::Udiv => Alu::Udiv,
        Op::Urem => Alu::Urem,
        Op::Sdiv => Alu::Sdiv,
        Op::Srem => Alu::Srem,
        Op::Shl => Alu::Shl,
        Op::Lshr => Alu::Lshr,
        Op::Ashr => Alu::Ashr,
        Op::Eq => Alu::Eq,
        Op::Ult => Alu::Ult,
        Op::Slt => Alu::Slt,
        Op::Sext => Alu::Sext,
        Op::Parity => Alu::Parity,
        Op::Ite | Op::Concat | Op::Low | Op::Zext => return None,
    };
    let term = terms.apply(alu, a, b, of, width);
    Some(Value::of(terms, term, width))
}
