//! Infix operators, by the widths of IDL.

use model::diagnostic::{Diagnostic, Span};

use super::super::idl::ast::{Binary, Expr, ExprKind, LiteralWidth};
use super::super::idl::types::{MAX_WIDTH, Width, convert, mask, of_binary};
use super::value::{Bits, Is, Term, Truth, Value, tight};
use super::{Done, Translator};

impl Translator<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Binary,
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Done<Value> {
        match operator {
            Binary::AndThen | Binary::OrElse => self.logical(operator, left, right),
            Binary::Eq | Binary::Ne | Binary::Lt | Binary::Gt | Binary::Le | Binary::Ge => {
                let (a, b) = (self.expr(left)?, self.expr(right)?);
                let truth = self.compared(operator, &a, &b, span)?;
                Ok(Value::Bool(truth))
            }
            Binary::Shl | Binary::WideShl | Binary::Shr | Binary::Sar => {
                let (a, b) = (self.bits(left)?, self.bits(right)?);
                let result = self.shifted(operator, &a, &b, span)?;
                if result.value() == Some(0)
                    && a.value().is_some_and(|it| it != 0)
                    && is_literal(left)
                {
                    let message =
                        format!("a literal of {} bits is shifted out: this is zero", a.width.bits);
                    let lint = Diagnostic::warning("U101", span, message);
                    self.found
                        .push(lint.help("say the width of the literal, or shift with `` `<< ``"));
                }
                if operator == Binary::Shl
                    && b.value().is_none()
                    && is_least(left)
                    && b.most() >= a.width.bits.into()
                {
                    let message = format!(
                        "a literal of {} bits is shifted by more than that: this may be zero",
                        a.width.bits
                    );
                    let lint = Diagnostic::warning("U101", span, message);
                    self.found.push(
                        lint.help(
                            "a C-style literal is only as wide as it has to be: say the width",
                        ),
                    );
                }
                Ok(Value::Bits(result))
            }
            Binary::Mul
            | Binary::WideMul
            | Binary::Div
            | Binary::Rem
            | Binary::Add
            | Binary::WideAdd
            | Binary::Sub
            | Binary::WideSub
            | Binary::And
            | Binary::Xor
            | Binary::Or => {
                let (a, b) = (self.bits(left)?, self.bits(right)?);
                self.arithmetic(operator, &a, &b, span).map(Value::Bits)
            }
        }
    }

    fn logical(&mut self, operator: Binary, left: &Expr, right: &Expr) -> Done<Value> {
        let and = operator == Binary::AndThen;
        let left = match self.truth(left)? {
            Truth::Known(it) if it == and => return Ok(Value::Bool(self.truth(right)?)),
            Truth::Known(it) => return Ok(Value::Bool(Truth::Known(it))),
            Truth::Term(term) => term,
        };
        let right = match self.truth(right)? {
            Truth::Known(it) if it == and => return Ok(Value::Bool(Truth::Term(left))),
            Truth::Known(it) => return Ok(Value::Bool(Truth::Known(it))),
            Truth::Term(term) => term,
        };
        let (sign, tightness) = if and { ("&&", tight::AND_THEN) } else { ("||", tight::OR_ELSE) };
        let term = Term::infix(&left.at(tightness), sign, &right.at(tightness + 1), tightness);
        Ok(Value::Bool(Truth::Term(term)))
    }

    // ---- Comparisons ----

    fn compared(&mut self, operator: Binary, a: &Value, b: &Value, span: Span) -> Done<Truth> {
        let equality = matches!(operator, Binary::Eq | Binary::Ne);
        match (a, b) {
            (Value::Bits(a), Value::Bits(b)) => {
                if a.width.signed != b.width.signed {
                    let message = format!(
                        "{} cannot be compared with {}",
                        Value::Bits(a.clone()).kind(),
                        Value::Bits(b.clone()).kind()
                    );
                    return self.stop("U022", span, message);
                }
                Ok(compare(operator, a, b))
            }
            (Value::Member(of, a), Value::Member(other, b)) if of == other => {
                Ok(self.compare_members(operator, of, a, b))
            }
            (Value::Bool(a), Value::Bool(b)) if equality => {
                let same = match (a, b) {
                    (Truth::Known(a), Truth::Known(b)) => Truth::Known(a == b),
                    (Truth::Known(known), other) | (other, Truth::Known(known)) => {
                        if *known {
                            other.clone()
                        } else {
                            other.negated()
                        }
                    }
                    (Truth::Term(a), Truth::Term(b)) => {
                        let next = tight::COMPARE + 1;
                        Truth::Term(Term::infix(&a.at(next), "==", &b.at(next), tight::COMPARE))
                    }
                };
                Ok(if operator == Binary::Eq { same } else { same.negated() })
            }
            (Value::Text(a), Value::Text(b)) if equality => {
                Ok(Truth::Known((a == b) == (operator == Binary::Eq)))
            }
            (a, b) => self.stop(
                "U022",
                span,
                format!("{} cannot be compared with {}", a.kind(), b.kind()),
            ),
        }
    }

    /// Members are compared by number; a mode that this machine has not is never the current one.
    fn compare_members(&self, operator: Binary, of: &str, a: &Bits, b: &Bits) -> Truth {
        let exists = |value: u128| self.modes.iter().any(|(_, _, it)| *it == value);
        let absent = |it: &Bits| of == "PrivilegeMode" && it.value().is_some_and(|it| !exists(it));
        match operator {
            Binary::Eq if absent(a) || absent(b) => Truth::Known(false),
            Binary::Ne if absent(a) || absent(b) => Truth::Known(true),
            Binary::Eq | Binary::Ne if a.value().is_none() || b.value().is_none() => {
                let sign = if operator == Binary::Eq { "==" } else { "!=" };
                let next = tight::COMPARE + 1;
                let (a, b) = (self.member_term(of, a), self.member_term(of, b));
                Truth::Term(Term::infix(&a.at(next), sign, &b.at(next), tight::COMPARE))
            }
            _ => compare(operator, a, b),
        }
    }

    // ---- Arithmetic ----

    pub(super) fn arithmetic(
        &mut self,
        operator: Binary,
        a: &Bits,
        b: &Bits,
        span: Span,
    ) -> Done<Bits> {
        let width = of_binary(operator, a.width, b.width);
        if width.bits > MAX_WIDTH {
            let message = format!("{} bits: this importer has at most {MAX_WIDTH}", width.bits);
            return self.stop("U021", span, message);
        }
        let (a, b) = (a.to(width.bits), b.to(width.bits));
        if let Some((a, b)) = a.value().zip(b.value()) {
            return match known(operator, a, b, width) {
                Some(value) => Ok(Bits { width, is: Is::Known(value & width.mask()) }),
                None => self.stop("U022", span, "this divides by zero"),
            };
        }
        if let Some(is) = simple(operator, &a, &b, width) {
            return Ok(Bits { width, is });
        }
        let (sign, tightness) = match operator {
            Binary::Mul | Binary::WideMul => ("*", tight::MUL),
            Binary::Div => ("/", tight::MUL),
            Binary::Rem => ("%", tight::MUL),
            Binary::Sub | Binary::WideSub => ("-", tight::ADD),
            Binary::And => ("&", tight::AND),
            Binary::Xor => ("^", tight::XOR),
            Binary::Or => ("|", tight::OR),
            _ => ("+", tight::ADD),
        };
        let (a, b) = (a.plain(), b.plain());
        let term = match operator {
            Binary::Div if width.signed => Term::primary(format!("sdiv({}, {})", a.text, b.text)),
            Binary::Rem if width.signed => Term::primary(format!("srem({}, {})", a.text, b.text)),
            _ => Term::infix(&a.at(tightness), sign, &b.at(tightness + 1), tightness),
        };
        Ok(Bits { width, is: Is::Term(term) })
    }

    fn shifted(&mut self, operator: Binary, a: &Bits, b: &Bits, span: Span) -> Done<Bits> {
        let width = a.width;
        if operator == Binary::WideShl {
            let Some(by) = b.value() else {
                return self.stop(
                    "U021",
                    span,
                    "how far a widening shift goes depends on the state",
                );
            };
            let bits = u128::from(width.bits) + by;
            if bits > u128::from(MAX_WIDTH) {
                return self.stop(
                    "U021",
                    span,
                    format!("{bits} bits: this importer has at most {MAX_WIDTH}"),
                );
            }
            let wide = Bits { width: Width::unsigned(width.bits), is: a.is.clone() };
            return match (by as u32, wide.value()) {
                (0, _) => Ok(wide),
                (by, Some(value)) => Ok(Bits::known(value << by, bits as u32)),
                (by, None) => match self.joined(&[wide, Bits::known(0, by)], span)? {
                    Value::Bits(bits) => Ok(bits),
                    _ => self.stop("U020", span, "this is no value"),
                },
            };
        }
        if let Some(by) = b.value() {
            if by == 0 {
                return Ok(a.clone());
            }
            if let Some(value) = a.value() {
                return Ok(Bits { width, is: Is::Known(shift(operator, value, by, width)) });
            }
            if by >= u128::from(width.bits) && operator != Binary::Sar {
                return Ok(Bits { width, is: Is::Known(0) });
            }
            // What a narrower value does not have is zero.
            if operator == Binary::Shr && by > 0 && a.most() >> by.min(127) == 0 {
                return Ok(Bits { width, is: Is::Known(0) });
            }
        }
        let amount = match b.value() {
            Some(_) => b.typed(),
            None => match &b.is {
                Is::Wider(term, _) | Is::Term(term) => term.clone(),
                Is::Known(_) => b.typed(),
            },
        };
        let value = a.typed();
        let term = match operator {
            Binary::Sar => Term::primary(format!("sar({}, {})", value.text, amount.text)),
            Binary::Shr => Term::infix(
                &value.at(tight::SHIFT),
                ">>",
                &amount.at(tight::SHIFT + 1),
                tight::SHIFT,
            ),
            _ => Term::infix(
                &value.at(tight::SHIFT),
                "<<",
                &amount.at(tight::SHIFT + 1),
                tight::SHIFT,
            ),
        };
        Ok(Bits { width, is: Is::Term(term) })
    }
}

fn is_literal(it: &Expr) -> bool {
    matches!(it.kind, ExprKind::Number(_))
}

/// A C-style literal, whose width nobody said.
fn is_least(it: &Expr) -> bool {
    matches!(&it.kind, ExprKind::Number(number) if number.width == LiteralWidth::Least)
}

/// The order of two bit strings that are both signed or both not.
pub(super) fn compare(operator: Binary, a: &Bits, b: &Bits) -> Truth {
    let bits = a.width.bits.max(b.width.bits);
    let (a, b) = (a.to(bits), b.to(bits));
    let signed = a.width.signed;
    if let Some((a, b)) = a.value().zip(b.value()) {
        let key = |it: u128| if signed { it ^ 1 << (bits - 1) } else { it };
        let order = key(a).cmp(&key(b));
        return Truth::Known(match operator {
            Binary::Eq => order.is_eq(),
            Binary::Ne => order.is_ne(),
            Binary::Lt => order.is_lt(),
            Binary::Gt => order.is_gt(),
            Binary::Le => order.is_le(),
            _ => order.is_ge(),
        });
    }
    if !signed && let Some(truth) = by_range(operator, &a, &b) {
        return Truth::Known(truth);
    }
    // A narrower value is compared as it is.
    let narrow = |it: &Bits, other: &Bits| match (&it.is, other.value()) {
        (Is::Wider(term, own), Some(value)) if value <= mask(*own) => {
            Some((term.clone(), Bits::known(value, *own)))
        }
        _ => None,
    };
    let (a, b) = match (narrow(&a, &b), narrow(&b, &a)) {
        _ if signed => (a.plain(), b.plain()),
        (Some((term, value)), _) => (term, value.plain()),
        (_, Some((term, value))) => (value.plain(), term),
        (None, None) => (a.plain(), b.plain()),
    };
    let (sign, name) = match operator {
        Binary::Eq => ("==", None),
        Binary::Ne => ("!=", None),
        Binary::Lt => ("<", Some("slt")),
        Binary::Gt => (">", Some("sgt")),
        Binary::Le => ("<=", Some("sle")),
        _ => (">=", Some("sge")),
    };
    Truth::Term(match name {
        Some(name) if signed => Term::primary(format!("{name}({}, {})", a.text, b.text)),
        _ => {
            Term::infix(&a.at(tight::COMPARE + 1), sign, &b.at(tight::COMPARE + 1), tight::COMPARE)
        }
    })
}

/// What follows from the largest values that two unsigned values can have.
fn by_range(operator: Binary, a: &Bits, b: &Bits) -> Option<bool> {
    let least = |it: &Bits| it.value().unwrap_or(0);
    let (below, above) = (a.most() < least(b), b.most() < least(a));
    match operator {
        Binary::Eq if below || above => Some(false),
        Binary::Ne if below || above => Some(true),
        Binary::Lt if below => Some(true),
        Binary::Lt if b.most() <= least(a) => Some(false),
        Binary::Gt if above => Some(true),
        Binary::Gt if a.most() <= least(b) => Some(false),
        Binary::Le if a.most() <= least(b) => Some(true),
        Binary::Le if above => Some(false),
        Binary::Ge if b.most() <= least(a) => Some(true),
        Binary::Ge if below => Some(false),
        _ => None,
    }
}

/// The result where both operands are known and as wide as it; `None` for a division by zero.
fn known(operator: Binary, a: u128, b: u128, width: Width) -> Option<u128> {
    let signed = |it: u128| convert(it, Width { bits: width.bits, signed: true }, 128) as i128;
    Some(match operator {
        Binary::Mul | Binary::WideMul => a.wrapping_mul(b),
        Binary::Div if width.signed => signed(a).checked_div(signed(b))? as u128,
        Binary::Rem if width.signed => signed(a).checked_rem(signed(b))? as u128,
        Binary::Div => a.checked_div(b)?,
        Binary::Rem => a.checked_rem(b)?,
        Binary::Sub | Binary::WideSub => a.wrapping_sub(b),
        Binary::And => a & b,
        Binary::Xor => a ^ b,
        Binary::Or => a | b,
        _ => a.wrapping_add(b),
    })
}

/// Results that need no operator.
#[allow(clippy::match_same_arms)] // One arm a rule.
fn simple(operator: Binary, a: &Bits, b: &Bits, width: Width) -> Option<Is> {
    let (left, right) = (a.value(), b.value());
    let all = Some(width.mask());
    match operator {
        Binary::And if left == Some(0) || right == Some(0) => Some(Is::Known(0)),
        Binary::And if left == all => Some(b.is.clone()),
        Binary::And if right == all => Some(a.is.clone()),
        Binary::Or | Binary::Xor | Binary::Add | Binary::WideAdd if left == Some(0) => {
            Some(b.is.clone())
        }
        Binary::Or
        | Binary::Xor
        | Binary::Add
        | Binary::WideAdd
        | Binary::Sub
        | Binary::WideSub
            if right == Some(0) =>
        {
            Some(a.is.clone())
        }
        Binary::Mul | Binary::WideMul if left == Some(0) || right == Some(0) => Some(Is::Known(0)),
        Binary::Div if right.is_some_and(|by| by > a.most()) && !width.signed => Some(Is::Known(0)),
        Binary::Rem if right.is_some_and(|by| by > a.most()) && !width.signed => Some(a.is.clone()),
        _ => None,
    }
}

fn shift(operator: Binary, value: u128, by: u128, width: Width) -> u128 {
    let by = by.min(127) as u32;
    match operator {
        Binary::Shl => value.checked_shl(by).unwrap_or(0) & width.mask(),
        Binary::Shr => value >> by,
        _ => {
            let wide = convert(value, Width { bits: width.bits, signed: true }, 128) as i128;
            (wide >> by) as u128 & width.mask()
        }
    }
}
