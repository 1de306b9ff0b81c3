//! Expressions.

use model::diagnostic::{Diagnostic, Span};

use super::super::idl::ast::{Binary, Call, Expr, ExprKind, Unary};
use super::super::idl::types::{MAX_WIDTH, Width, bits_for, mask, of_literal};
use super::value::{Bits, Handle, Is, Term, Truth, Value, tight};
use super::{Done, Place, Translator};

impl Translator<'_> {
    pub(super) fn expr(&mut self, it: &Expr) -> Done<Value> {
        match &it.kind {
            ExprKind::Number(number) => match of_literal(*number, self.xlen()) {
                Ok(width) => Ok(Value::Bits(Bits { width, is: Is::Known(number.value) })),
                Err(why) => self.stop("U022", it.span, why),
            },
            ExprKind::Bool(value) => Ok(Value::Bool(Truth::Known(*value))),
            ExprKind::Text(text) => Ok(Value::Text(text.clone())),
            ExprKind::Name(name) => self.named(name, it.span),
            ExprKind::Member(of, member) => self.member(of, member, it.span),
            ExprKind::Csr(name) => Ok(Value::Csr(Handle::Known(self.csr_index(name, it.span)?))),
            ExprKind::Pc => self.pc(it.span),
            ExprKind::Encoding => Ok(self.encoding()),
            ExprKind::Field(of, field) => self.field(of, field, it.span),
            ExprKind::Index(of, index) => self.index(of, index, it.span),
            ExprKind::Slice(of, high, low) => self.slice(of, high, low, it.span),
            ExprKind::Call(call) => self.called(call, it.span),
            ExprKind::Method(of, name, arguments) => self.method(of, name, arguments, it.span),
            ExprKind::Unary(operator, operand) => self.unary(*operator, operand, it.span),
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, it.span),
            ExprKind::Choice(condition, yes, no) => self.choice(condition, yes, no, it.span),
            ExprKind::Concat(parts) => {
                let parts = parts.iter().map(|it| self.bits(it)).collect::<Done<Vec<_>>>()?;
                self.joined(&parts, it.span)
            }
            ExprKind::Repeat(times, value) => {
                let value = self.bits(value)?;
                let Some(times) = self.bits(times)?.value() else {
                    return self.stop(
                        "U021",
                        it.span,
                        "how often this is repeated depends on the state",
                    );
                };
                self.replicated(times, &value, it.span)
            }
            ExprKind::List(items) => {
                Ok(Value::List(items.iter().map(|it| self.expr(it)).collect::<Done<_>>()?))
            }
        }
    }

    /// An expression of bits.
    pub(super) fn bits(&mut self, it: &Expr) -> Done<Bits> {
        match self.expr(it)? {
            Value::Bits(bits) => Ok(bits),
            Value::Csr(Handle::Known(index)) => Ok(self.csr_value(index, it.span)?),
            other => {
                self.stop("U022", it.span, format!("this is {}, and bits are wanted", other.kind()))
            }
        }
    }

    /// A condition.
    pub(super) fn truth(&mut self, it: &Expr) -> Done<Truth> {
        match self.expr(it)? {
            Value::Bool(truth) => Ok(truth),
            other => {
                let message = format!("this is {}, and a condition is a Boolean", other.kind());
                self.stop("U022", it.span, message)
            }
        }
    }

    /// The term of a value, a number with its width.
    pub(super) fn typed(&self, value: &Value, span: Span) -> Done<Term> {
        match value {
            Value::Bits(bits) => Ok(bits.typed()),
            Value::Member(of, bits) => Ok(self.member_term(of, bits)),
            Value::Bool(truth) => Ok(truth.term()),
            other => {
                self.stop("U020", span, format!("{} is no value of this machine", other.kind()))
            }
        }
    }

    /// The same where the width follows from the context.
    pub(super) fn plain(&self, value: &Value, span: Span) -> Done<Term> {
        match value {
            Value::Bits(bits) => Ok(bits.plain()),
            Value::Member(..) | Value::Bool(_) => self.typed(value, span),
            other => {
                self.stop("U020", span, format!("{} is no value of this machine", other.kind()))
            }
        }
    }

    /// The name of a mode, or the number of another member.
    pub(super) fn member_term(&self, of: &str, bits: &Bits) -> Term {
        // A machine with one mode has no names of modes.
        let named = bits.value().filter(|_| of == "PrivilegeMode" && self.modes.len() > 1);
        let named = named.and_then(|value| self.modes.iter().find(|(_, _, it)| *it == value));
        named.map_or_else(|| bits.typed(), |(_, name, _)| Term::primary(*name))
    }
    fn field(&mut self, of: &Expr, field: &str, span: Span) -> Done<Value> {
        if let ExprKind::Csr(csr) = &of.kind {
            return self.read_named(csr, field, span).map(Value::Bits);
        }
        match self.expr(of)? {
            Value::Written(csr, term) => self.written(csr, &term, field, span).map(Value::Bits),
            Value::Csr(handle) => self.handle_field(&handle, field, span),
            Value::Struct(fields) => match fields.get(field) {
                Some(value) => Ok(value.clone()),
                None => self.stop("U020", span, format!("nobody set the field `{field}`")),
            },
            other => self.stop("U020", span, format!("{} has no fields", other.kind())),
        }
    }

    fn index(&mut self, of: &Expr, index: &Expr, span: Span) -> Done<Value> {
        if matches!(&of.kind, ExprKind::Name(name) if name == "X") {
            let place = index;
            let index = self.bits(index)?;
            self.wrapping(place, &index);
            return self.register(&index, span).map(Value::Bits);
        }
        let of = match self.expr(of)? {
            Value::Bits(bits) => bits,
            Value::List(all) => {
                let index = self.bits(index)?.value();
                let found = index.and_then(|it| all.get(it as usize).cloned());
                return match found {
                    Some(value) => Ok(value),
                    None => {
                        self.stop("U022", span, format!("there is no such item of {}", all.len()))
                    }
                };
            }
            Value::Csr(Handle::Known(csr)) => self.csr_value(csr, span)?,
            other => return self.stop("U022", span, format!("{} has no bits", other.kind())),
        };
        let index = self.bits(index)?;
        if let Some(bit) = index.value() {
            return self.part(&of, bit, bit, span).map(Value::Bits);
        }
        let text = format!("{}[{}]", of.typed().at(tight::PRIMARY), index.plain().text);
        Ok(Value::Bits(Bits::term(Term::primary(text), 1)))
    }

    fn slice(&mut self, of: &Expr, high: &Expr, low: &Expr, span: Span) -> Done<Value> {
        let of = self.bits(of)?;
        let (high, low) = (self.bits(high)?, self.bits(low)?);
        let Some((high, low)) = high.value().zip(low.value()) else {
            return self.stop("U021", span, "which bits are taken depends on the state");
        };
        self.part(&of, high, low, span).map(Value::Bits)
    }

    /// `of[high:low]`.
    pub(super) fn part(&self, of: &Bits, high: u128, low: u128, span: Span) -> Done<Bits> {
        if low > high || high >= u128::from(of.width.bits) {
            let message = format!("there is no [{high}:{low}] of {} bits", of.width.bits);
            return self.stop("U022", span, message);
        }
        let (high, low) = (high as u32, low as u32);
        let bits = high - low + 1;
        Ok(match &of.is {
            Is::Known(value) => Bits::known(value >> low, bits),
            Is::Wider(term, own) if high < *own => {
                self.part(&Bits::term(term.clone(), *own), high.into(), low.into(), span)?
            }
            Is::Wider(_, own) if low >= *own => Bits::known(0, bits),
            Is::Wider(term, own) => {
                let rest =
                    self.part(&Bits::term(term.clone(), *own), (own - 1).into(), low.into(), span)?;
                rest.to(bits)
            }
            Is::Term(term) if bits == of.width.bits => Bits::term(term.clone(), bits),
            Is::Term(term) => {
                let place = if high == low { format!("{high}") } else { format!("{high}:{low}") };
                Bits::term(Term::primary(format!("{}[{place}]", term.at(tight::PRIMARY))), bits)
            }
        })
    }

    // ---- Registers ----

    /// `X[index]`
    fn register(&mut self, index: &Bits, span: Span) -> Done<Bits> {
        let bits = self.xlen();
        if let Some(index) = index.value() {
            return match index {
                0 => Ok(Bits::known(0, bits)),
                1..32 => Ok(Bits::term(Term::primary(format!("x[{index}]")), bits)),
                _ => self.stop("U022", span, format!("there is no register {index}")),
            };
        }
        let index = self.five(index, span)?;
        Ok(Bits::term(Term::primary(format!("x[{}]", index.text)), bits))
    }

    /// A sum of operands that numbers a register is as wide as they are, and wraps.
    pub(super) fn wrapping(&mut self, place: &Expr, index: &Bits) {
        let sum = matches!(place.kind, ExprKind::Binary(Binary::Add | Binary::Sub, ..));
        if sum && index.width.bits <= 5 && index.value().is_none() {
            let message = format!(
                "this number of a register has {} bits: behind 31 comes 0",
                index.width.bits
            );
            let lint = Diagnostic::warning("U110", place.span, message);
            self.found.push(lint.help("widen an operand, for instance with `` `+ ``"));
        }
    }

    /// The number of a register; where it may be none, the operation says nothing.
    fn five(&mut self, index: &Bits, _span: Span) -> Done<Term> {
        if index.most() > 31 {
            if self.body().place == Place::Inline {
                return Err(super::Stop::Open);
            }
            let wide = index.plain();
            self.emit(format!("if {} > 31 {{ unknown; }}", wide.at(tight::COMPARE + 1)));
        }
        Ok(index.to(5).plain())
    }

    /// `X[index] = value;`
    pub(super) fn set_register(&mut self, index: &Bits, value: &Bits, span: Span) -> Done<()> {
        match index.value() {
            Some(0) => {}
            Some(index @ 1..32) => self.emit(format!("x[{index}] = {};", value.plain().text)),
            Some(index) => return self.stop("U022", span, format!("there is no register {index}")),
            None => {
                let index = self.five(index, span)?;
                self.emit(format!("set({}, {});", index.text, value.plain().text));
            }
        }
        Ok(())
    }

    // ---- Joining and choosing ----

    fn choice(&mut self, condition: &Expr, yes: &Expr, no: &Expr, span: Span) -> Done<Value> {
        let condition = match self.truth(condition)? {
            Truth::Known(true) => return self.expr(yes),
            Truth::Known(false) => return self.expr(no),
            Truth::Term(term) => term,
        };
        let text = |yes: &Term, no: &Term| Term {
            text: format!("{} ? {} : {}", condition.at(1), yes.at(1), no.at(tight::CHOICE)),
            tight: tight::CHOICE,
        };
        match (self.expr(yes)?, self.expr(no)?) {
            (Value::Bits(yes), Value::Bits(no)) => {
                let bits = yes.width.bits.max(no.width.bits);
                let (yes, no) = (yes.to(bits), no.to(bits));
                Ok(Value::Bits(Bits::term(text(&yes.typed(), &no.typed()), bits)))
            }
            (Value::Bool(yes), Value::Bool(no)) => {
                Ok(Value::Bool(Truth::Term(text(&yes.term(), &no.term()))))
            }
            (Value::Member(of, yes), Value::Member(other, no)) if of == other => {
                let bits = yes.width.bits;
                let term = text(&self.member_term(&of, &yes), &self.member_term(&of, &no));
                Ok(Value::Member(of, Bits::term(term, bits)))
            }
            (Value::Open, _) | (_, Value::Open) => Ok(Value::Open),
            (yes, no) => {
                let message = format!("one way it is {}, the other way {}", yes.kind(), no.kind());
                self.stop("U022", span, message)
            }
        }
    }

    /// `{a, b}`
    pub(super) fn joined(&mut self, parts: &[Bits], span: Span) -> Done<Value> {
        let bits: u32 = parts.iter().map(|it| it.width.bits).sum();
        if bits > MAX_WIDTH {
            return self.stop(
                "U021",
                span,
                format!("{bits} bits: this importer has at most {MAX_WIDTH}"),
            );
        }
        if let Some(known) = parts.iter().map(Bits::value).collect::<Option<Vec<_>>>() {
            let one = |all: u128, (value, part): (u128, &Bits)| all << part.width.bits | value;
            let value = if let [only] = &known[..] {
                *only
            } else {
                known.into_iter().zip(parts).fold(0, one)
            };
            return Ok(Value::Bits(Bits::known(value, bits)));
        }
        if let [first, rest] = parts
            && first.value() == Some(0)
        {
            return Ok(Value::Bits(
                Bits { width: Width::unsigned(rest.width.bits), is: rest.is.clone() }.to(bits),
            ));
        }
        let texts: Vec<String> = parts.iter().map(|it| it.typed().at(tight::CONCAT + 1)).collect();
        let term = Term { text: texts.join(" :: "), tight: tight::CONCAT };
        Ok(Value::Bits(Bits::term(term, bits)))
    }

    /// `{n{a}}`
    fn replicated(&mut self, times: u128, value: &Bits, span: Span) -> Done<Value> {
        let bits = times.saturating_mul(u128::from(value.width.bits));
        if !(1..=u128::from(MAX_WIDTH)).contains(&bits) {
            return self.stop(
                "U022",
                span,
                format!("{bits} bits: this importer has 1 to {MAX_WIDTH}"),
            );
        }
        if let (1, None) = (value.width.bits, value.value()) {
            let term = Term::primary(format!("sext({}, {bits})", value.typed().text));
            return Ok(Value::Bits(Bits::term(term, bits as u32)));
        }
        self.joined(&vec![value.clone(); times as usize], span)
    }

    fn unary(&mut self, operator: Unary, operand: &Expr, span: Span) -> Done<Value> {
        if operator == Unary::Not {
            return Ok(Value::Bool(self.truth(operand)?.negated()));
        }
        let it = self.bits(operand)?;
        let width = it.width;
        let is =
            match (it.value(), operator) {
                (Some(value), Unary::Minus) => Is::Known(value.wrapping_neg() & mask(width.bits)),
                (Some(value), _) => {
                    let inverted = !value & mask(width.bits);
                    if inverted == 0 && matches!(operand.kind, ExprKind::Number(_)) {
                        let message = format!("`~` of a literal of {} bits is zero", width.bits);
                        let lint = Diagnostic::warning("U101", span, message);
                        self.found.push(lint.help(
                            "a C-style literal is only as wide as it has to be: say the width",
                        ));
                    }
                    Is::Known(inverted)
                }
                (None, _) => {
                    let sign = if operator == Unary::Minus { "-" } else { "~" };
                    Is::Term(Term {
                        text: format!("{sign}{}", it.typed().at(tight::PREFIX)),
                        tight: tight::PREFIX,
                    })
                }
            };
        Ok(Value::Bits(Bits { width, is }))
    }

    // ---- Calls ----

    fn called(&mut self, call: &Call, span: Span) -> Done<Value> {
        if let Some(cast) = call.name.strip_prefix('$') {
            return self.cast(cast, call, span);
        }
        if let Some(value) = self.native(call, span)? {
            return Ok(value);
        }
        let Some(function) = self.functions.get(&call.name) else {
            return self.stop("U021", span, format!("the function `{}` is not known", call.name));
        };
        let arguments = call.arguments.iter().map(|it| self.expr(it)).collect::<Done<Vec<_>>>()?;
        self.call(function, arguments, span)
    }

    fn cast(&mut self, name: &str, call: &Call, span: Span) -> Done<Value> {
        match (name, &call.arguments[..]) {
            ("signed", [it]) => {
                let bits = self.bits(it)?;
                Ok(Value::Bits(Bits { width: Width { signed: true, ..bits.width }, ..bits }))
            }
            ("bits", [it]) => match self.expr(it)? {
                Value::Member(_, bits) | Value::Bits(bits) => Ok(Value::Bits(bits)),
                Value::Csr(Handle::Known(index)) => Ok(Value::Bits(self.csr_value(index, span)?)),
                other => self.stop("U022", span, format!("{} cannot become bits", other.kind())),
            },
            ("enum", [of, it]) => {
                let ExprKind::Name(of) = &of.kind else {
                    return self.stop("U020", span, "this is no enumeration");
                };
                let bits = self.bits(it)?;
                let bits = if of == "PrivilegeMode" { bits.to(self.mode_bits()) } else { bits };
                Ok(Value::Member(of.clone(), bits))
            }
            ("width", [it]) => {
                let width = self.bits(it)?.width.bits;
                Ok(Value::Bits(Bits::known(width.into(), bits_for(width.into()))))
            }
            ("array_size", [it]) => match self.expr(it)? {
                Value::List(all) => {
                    let size = all.len() as u128;
                    Ok(Value::Bits(Bits::known(size, bits_for(size))))
                }
                other => self.stop("U022", span, format!("{} has no size", other.kind())),
            },
            ("array_includes?", [list, it]) => {
                let Value::List(all) = self.expr(list)? else {
                    return self.stop("U022", span, "this is no array");
                };
                let it = self.bits(it)?;
                Ok(Value::Bool(includes(&all, &it)))
            }
            _ => self.stop("U021", span, format!("`${name}` is not supported")),
        }
    }

    fn method(&mut self, of: &Expr, name: &str, _arguments: &[Expr], span: Span) -> Done<Value> {
        let ExprKind::Csr(csr) = &of.kind else {
            return self.stop("U020", span, "only CSRs have methods");
        };
        let index = self.csr_index(csr, of.span)?;
        match (name, index) {
            ("sw_read", Some(index)) => self.read_csr(index).map(Value::Bits),
            ("sw_read", None) => Ok(Value::Bits(Bits::known(0, self.xlen()))),
            ("address", _) => {
                let found = self.database.csr(csr).and_then(|it| self.database.csrs[it].address);
                match found {
                    Some(address) => Ok(Value::Bits(Bits::known(address, 12))),
                    None => self.stop("U023", span, format!("`{csr}` has no number")),
                }
            }
            _ => self.stop("U021", span, format!("`{name}` is not supported")),
        }
    }
}

/// Whether one of the values is this one.
fn includes(all: &[Value], it: &Bits) -> Truth {
    let numbers: Vec<u128> = all
        .iter()
        .filter_map(|item| match item {
            Value::Bits(bits) => bits.value(),
            _ => None,
        })
        .collect();
    if let Some(value) = it.value() {
        return Truth::Known(numbers.contains(&value));
    }
    let mut numbers: Vec<u128> = numbers.into_iter().filter(|n| *n <= it.most()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return Truth::Known(false);
    }
    if numbers.len() as u128 == it.most().saturating_add(1) {
        return Truth::Known(true);
    }
    let text = it.plain().at(tight::COMPARE + 1);
    let texts: Vec<String> = numbers.iter().map(|n| format!("{text} == {n}")).collect();
    let tightness = if texts.len() == 1 { tight::COMPARE } else { tight::OR_ELSE };
    Truth::Term(Term { text: texts.join(" || "), tight: tightness })
}
