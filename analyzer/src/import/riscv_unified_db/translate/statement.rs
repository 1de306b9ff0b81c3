//! Statements.

use model::diagnostic::Span;

use super::super::idl::ast::{Expr, ExprKind, For, Stmt, StmtKind, TypeName};
use super::super::idl::types::{MAX_WIDTH, Width, mask};
use super::value::{Bits, Is, Term, Truth, Value};
use super::{Done, Flow, Line, Place, Stop, Translator, Type, Variable, assigns};

/// Most rounds of a loop.
const MAX_ROUNDS: u32 = 4096;

impl Translator<'_> {
    /// Statements in a scope of their own.
    pub(super) fn block(&mut self, statements: &[Stmt]) -> Done<Flow> {
        let depth = self.body().scopes.len();
        self.body().scopes.push(Vec::new());
        let mut flow = Flow::Next;
        for statement in statements {
            flow = self.statement(statement)?;
            if !matches!(flow, Flow::Next) {
                break;
            }
        }
        self.body().scopes.truncate(depth);
        Ok(flow)
    }

    fn statement(&mut self, it: &Stmt) -> Done<Flow> {
        match &it.kind {
            StmtKind::Declare(of, name, value) => {
                let of = self.type_of(of)?;
                let value = match value {
                    Some(value) => {
                        let value = self.expr(value)?;
                        self.convert(value, &of, it.span)?
                    }
                    None => self.zero(&of),
                };
                self.declare(name, of, value, it.span)?;
                Ok(Flow::Next)
            }
            StmtKind::Assign(place, value) => {
                self.assign(place, value)?;
                Ok(Flow::Next)
            }
            StmtKind::Do(call) => self.perform(call),
            StmtKind::If(condition, then, otherwise) => {
                self.conditional(condition, then, otherwise)
            }
            StmtKind::For(it) => self.repeated(it),
            StmtKind::Return(value) => self.returned(value.as_ref(), it.span),
        }
    }

    /// A call as a statement; one that ends the instruction ends the flow.
    fn perform(&mut self, call: &Expr) -> Done<Flow> {
        if let ExprKind::Call(it) = &call.kind
            && let Some(flow) = self.outcome(it, call.span)?
        {
            return Ok(flow);
        }
        if let ExprKind::Method(of, name, arguments) = &call.kind
            && let (ExprKind::Csr(csr), "sw_write", [value]) =
                (&of.kind, name.as_str(), &arguments[..])
        {
            let value = self.bits(value)?;
            if let Some(index) = self.csr_index(csr, of.span)? {
                self.write_csr(index, &value)?;
            }
            return Ok(Flow::Next);
        }
        match self.expr(call)? {
            Value::Nothing => Ok(Flow::Next),
            other => self.stop(
                "U020",
                call.span,
                format!("{} is computed here and not used", other.kind()),
            ),
        }
    }

    fn returned(&mut self, value: Option<&Expr>, span: Span) -> Done<Flow> {
        match self.body().place.clone() {
            Place::Operation(_) => self.stop("U020", span, "an operation returns nothing"),
            Place::Inline => {
                let value = value.map_or(Ok(Value::Nothing), |it| self.expr(it))?;
                Ok(Flow::Value(value))
            }
            Place::Function(None) => {
                self.emit("return;");
                Ok(Flow::Ended)
            }
            Place::Function(Some(of)) => {
                let Some(value) = value else {
                    return self.stop("U020", span, "a value is missing here");
                };
                let found = self.expr(value)?;
                let found = self.convert(found, &of, value.span)?;
                let term = self.typed(&found, value.span)?;
                self.emit(format!("return {};", term.text));
                Ok(Flow::Ended)
            }
        }
    }

    // ---- Variables ----

    pub(super) fn type_of(&mut self, name: &TypeName) -> Done<Type> {
        Ok(match name {
            TypeName::Bits(width) => {
                let Some(bits) = self.bits(width)?.value() else {
                    return self.stop("U022", width.span, "a width has to be known");
                };
                if !(1..=u128::from(MAX_WIDTH)).contains(&bits) {
                    let message = format!("{bits} bits: this importer has 1 to {MAX_WIDTH}");
                    return self.stop("U022", width.span, message);
                }
                Type::Bits(Width::unsigned(bits as u32))
            }
            TypeName::Xlen => Type::Bits(Width::unsigned(self.xlen())),
            TypeName::Fixed(bits) => Type::Bits(Width::unsigned(*bits)),
            TypeName::Boolean => Type::Bool,
            TypeName::Text => Type::Text,
            TypeName::Named(name) if name == "Csr" => Type::Csr,
            TypeName::Named(name) if self.members(name).is_some() => Type::Member(name.clone()),
            TypeName::Named(_) => Type::Struct,
        })
    }

    /// The value of a variable that nobody set.
    fn zero(&self, of: &Type) -> Value {
        match of {
            Type::Bits(width) => Value::Bits(Bits { width: *width, is: Is::Known(0) }),
            Type::Bool => Value::Bool(Truth::Known(false)),
            Type::Member(name) => Value::Member(name.clone(), Bits::known(0, self.mode_bits())),
            Type::Text => Value::Text(String::new()),
            Type::Csr | Type::Struct => Value::Struct(std::collections::BTreeMap::new()),
        }
    }

    /// A value as one of a type.
    pub(super) fn convert(&self, value: Value, of: &Type, span: Span) -> Done<Value> {
        match (value, of) {
            (Value::Bits(bits), Type::Bits(width)) => {
                let cut = bits.to(width.bits);
                Ok(Value::Bits(Bits { width: *width, ..cut }))
            }
            // The encoding of an instruction is only ever handed on.
            (it @ Value::Open, Type::Bits(_))
            | (it @ Value::Bool(_), Type::Bool)
            | (it @ Value::Member(..), Type::Member(_))
            | (it @ Value::Text(_), Type::Text)
            | (it @ Value::Csr(_), Type::Csr)
            | (it @ Value::Struct(_), Type::Struct) => Ok(it),
            (it, of) => {
                let wanted = match of {
                    Type::Bits(width) => format!("{} bits", width.bits),
                    Type::Bool => "a Boolean".into(),
                    Type::Member(name) => format!("a {name}"),
                    Type::Text => "a text".into(),
                    Type::Csr => "a CSR".into(),
                    Type::Struct => "a structure".into(),
                };
                self.stop("U022", span, format!("this is {}, and {wanted} is wanted", it.kind()))
            }
        }
    }

    fn declare(&mut self, name: &str, of: Type, value: Value, span: Span) -> Done<()> {
        let text = self.fresh(name);
        let mut variable =
            Variable { name: name.to_owned(), text, of, value: None, declared: None };
        if settled(&value) {
            variable.value = Some(value);
        } else {
            let constant = !self.body().assigned.contains(name);
            let (term, width) = self.local(&value, constant, span)?;
            self.emit(format!("let {} = {};", variable.text, term.text));
            variable.declared = Some(width);
        }
        self.body().scopes.last_mut().expect("a scope").push(variable);
        Ok(())
    }

    /// What a local is set to, and how wide it is: one that nobody sets again is as wide as it has to be.
    fn local(&self, value: &Value, constant: bool, span: Span) -> Done<(Term, u32)> {
        match value {
            Value::Bits(Bits { is: Is::Wider(term, own), .. }) if constant => {
                Ok((term.clone(), *own))
            }
            Value::Bits(bits) | Value::Member(_, bits) => Ok((bits.typed(), bits.width.bits)),
            Value::Bool(it) => Ok((it.term(), 1)),
            other => {
                self.stop("U020", span, format!("{} cannot depend on the state", other.kind()))
            }
        }
    }

    /// Makes a variable whose value is known a local, since it is about to depend on the state.
    fn settle(&mut self, name: &str, span: Span) -> Done<()> {
        let Some(variable) = self.variable(name) else { return Ok(()) };
        let Some(value) = variable.value.clone() else { return Ok(()) };
        if matches!(value, Value::Struct(_) | Value::Csr(_) | Value::Text(_) | Value::List(_)) {
            return Ok(());
        }
        let (declared, text) = (variable.declared.is_some(), variable.text.clone());
        let (term, width) = self.local(&value, false, span)?;
        self.emit(if declared {
            format!("{text} = {};", term.text)
        } else {
            format!("let {text} = {};", term.text)
        });
        if let Some(variable) = self.variable(name) {
            variable.value = None;
            variable.declared = Some(width);
        }
        Ok(())
    }

    // ---- Assignments ----

    fn assign(&mut self, place: &Expr, value: &Expr) -> Done<()> {
        match &place.kind {
            ExprKind::Pc => {
                let value = self.bits(value)?.to(self.xlen());
                self.body().jumped = true;
                self.emit(format!("pc = {};", value.plain().text));
                Ok(())
            }
            ExprKind::Name(name) => {
                let value = self.expr(value)?;
                self.set(name, value, place.span)
            }
            ExprKind::Index(of, index) if matches!(&of.kind, ExprKind::Name(name) if name == "X") =>
            {
                let place_of = index;
                let index = self.bits(index)?;
                self.wrapping(place_of, &index);
                let value = self.bits(value)?.to(self.xlen());
                self.set_register(&index, &value, place.span)
            }
            ExprKind::Field(of, field) => match &of.kind {
                ExprKind::Csr(csr) => {
                    let value = self.bits(value)?;
                    self.set_field(csr, field, &value, place.span)
                }
                ExprKind::Name(name) => {
                    let value = self.expr(value)?;
                    match self.variable(name).and_then(|it| it.value.as_mut()) {
                        Some(Value::Struct(fields)) => {
                            fields.insert(field.clone(), value);
                            Ok(())
                        }
                        _ => self.stop("U020", place.span, "this has no fields"),
                    }
                }
                _ => self.stop("U020", place.span, "nothing can be assigned to this"),
            },
            ExprKind::Index(of, index) => {
                let (of, index) = (self.name_of(of)?, self.bits(index)?);
                let Some(index) = index.value() else {
                    return self.stop(
                        "U021",
                        place.span,
                        "a bit is written whose position depends on the state",
                    );
                };
                self.set_bits(&of, index, index, value, place.span)
            }
            ExprKind::Slice(of, high, low) => {
                let of = self.name_of(of)?;
                let (high, low) = (self.bits(high)?.value(), self.bits(low)?.value());
                let Some((high, low)) = high.zip(low) else {
                    return self.stop(
                        "U021",
                        place.span,
                        "bits are written whose position depends on the state",
                    );
                };
                self.set_bits(&of, high, low, value, place.span)
            }
            _ => self.stop("U020", place.span, "nothing can be assigned to this"),
        }
    }

    fn name_of(&self, place: &Expr) -> Done<String> {
        match &place.kind {
            ExprKind::Name(name) => Ok(name.clone()),
            _ => self.stop("U020", place.span, "bits of this cannot be assigned to"),
        }
    }

    fn set(&mut self, name: &str, value: Value, span: Span) -> Done<()> {
        let Some(variable) = self.variable(name) else {
            return self.stop("U020", span, format!("there is no variable `{name}`"));
        };
        let of = variable.of.clone();
        let value = self.convert(value, &of, span)?;
        let known = settled(&value);
        if known {
            self.variable(name).expect("it is there").value = Some(value);
            return Ok(());
        }
        let (term, width) = self.local(&value, false, span)?;
        let variable = self.variable(name).expect("it is there");
        variable.value = None;
        let text = variable.text.clone();
        let declared = variable.declared.replace(width).is_some();
        self.emit(if declared {
            format!("{text} = {};", term.text)
        } else {
            format!("let {text} = {};", term.text)
        });
        Ok(())
    }

    /// `name[high:low] = value;`
    fn set_bits(
        &mut self,
        name: &str,
        high: u128,
        low: u128,
        value: &Expr,
        span: Span,
    ) -> Done<()> {
        let Some(Type::Bits(width)) = self.variable(name).map(|it| it.of.clone()) else {
            return self.stop("U020", span, format!("`{name}` is no variable of bits"));
        };
        if low > high || high >= u128::from(width.bits) {
            return self.stop(
                "U022",
                span,
                format!("`{name}` has {} bits: there is no [{high}:{low}]", width.bits),
            );
        }
        let (high, low) = (high as u32, low as u32);
        let value = self.bits(value)?.to(high - low + 1);
        let old = self.variable(name).and_then(|it| it.value.clone());
        if let (Some(Value::Bits(old)), Some(new)) = (&old, value.value())
            && let Some(old) = old.value()
        {
            let hole = mask(high - low + 1) << low;
            let new = Bits { width, is: Is::Known((old & !hole) | (new << low)) };
            self.variable(name).expect("it is there").value = Some(Value::Bits(new));
            return Ok(());
        }
        self.settle(name, span)?;
        let text = self.variable(name).expect("it is there").text.clone();
        let bits = if high == low { format!("{high}") } else { format!("{high}:{low}") };
        self.emit(format!("{text}[{bits}] = {};", value.plain().text));
        Ok(())
    }

    // ---- Control ----

    fn conditional(&mut self, condition: &Expr, then: &[Stmt], otherwise: &[Stmt]) -> Done<Flow> {
        let condition = match self.truth(condition)? {
            Truth::Known(true) => return self.block(then),
            Truth::Known(false) => return self.block(otherwise),
            Truth::Term(term) => term,
        };
        if self.body().place == Place::Inline {
            return Err(Stop::Open);
        }
        let mut changed = std::collections::BTreeSet::new();
        then.iter().chain(otherwise).for_each(|it| assigns(it, &mut changed));
        let span = then.first().or(otherwise.first()).map(|it| it.span);
        if let Some(span) = span {
            for name in &changed {
                self.settle(name, span)?;
            }
        }
        let (yes, first) = self.branch(|it| it.block(then))?;
        self.forget(&changed);
        let (no, second) = self.branch(|it| it.block(otherwise))?;
        self.forget(&changed);
        let ended = |flow: &Flow| matches!(flow, Flow::Ended);
        let both = ended(&first) && ended(&second);
        if !yes.is_empty() || !no.is_empty() {
            let line = if yes.is_empty() {
                let Truth::Term(negated) = Truth::Term(condition).negated() else {
                    return Err(Stop::Open);
                };
                Line::If(negated, no, yes)
            } else {
                Line::If(condition, yes, no)
            };
            self.body().lines.push(line);
        }
        Ok(if both { Flow::Ended } else { Flow::Next })
    }

    /// Runs a rule into lines of its own.
    fn branch<T>(&mut self, rule: impl FnOnce(&mut Self) -> Done<T>) -> Done<(Vec<Line>, T)> {
        let outer = std::mem::take(&mut self.body().lines);
        let jumped = self.body().jumped;
        let result = rule(self);
        self.body().jumped = jumped;
        let lines = std::mem::replace(&mut self.body().lines, outer);
        result.map(|it| (lines, it))
    }

    /// What a branch made known of variables is not known behind it.
    fn forget(&mut self, names: &std::collections::BTreeSet<String>) {
        for name in names {
            let Some(variable) = self.variable(name) else { continue };
            let Some(value) = variable.value.clone() else { continue };
            if let (Some(_), Value::Bits(_) | Value::Bool(_) | Value::Member(..)) =
                (variable.declared, value)
            {
                variable.value = None;
            }
        }
    }

    fn repeated(&mut self, it: &For) -> Done<Flow> {
        let depth = self.body().scopes.len();
        self.body().scopes.push(Vec::new());
        self.statement(&it.first)?;
        let flow = self.rounds(it, 0);
        self.body().scopes.truncate(depth);
        flow
    }

    /// The rounds of a loop from here on: one inside the other where it depends on the state whether there is another.
    fn rounds(&mut self, it: &For, done: u32) -> Done<Flow> {
        let mut done = done;
        loop {
            if done > MAX_ROUNDS {
                return self.stop(
                    "U021",
                    it.condition.span,
                    "this loop does not end in 4096 rounds",
                );
            }
            match self.truth(&it.condition)? {
                Truth::Known(false) => return Ok(Flow::Next),
                Truth::Known(true) => {
                    let flow = self.block(&it.body)?;
                    if !matches!(flow, Flow::Next) {
                        return Ok(flow);
                    }
                    self.statement(&it.step)?;
                    done += 1;
                }
                Truth::Term(condition) => {
                    if self.body().place == Place::Inline {
                        return Err(Stop::Open);
                    }
                    if done > 128 {
                        return self.stop(
                            "U021",
                            it.condition.span,
                            "how often this loop runs depends on the state",
                        );
                    }
                    let mut changed = std::collections::BTreeSet::new();
                    it.body.iter().for_each(|it| assigns(it, &mut changed));
                    for name in &changed {
                        self.settle(name, it.condition.span)?;
                    }
                    let (lines, _) = self.branch(|this| {
                        this.block(&it.body)?;
                        this.statement(&it.step)?;
                        this.rounds(it, done + 1)
                    })?;
                    self.forget(&changed);
                    self.body().lines.push(Line::If(condition, lines, Vec::new()));
                    return Ok(Flow::Next);
                }
            }
        }
    }
}

/// Whether a value is known, so that it needs no local.
pub(super) fn settled(value: &Value) -> bool {
    match value {
        Value::Bits(bits) | Value::Member(_, bits) => bits.value().is_some(),
        Value::Bool(it) => matches!(it, Truth::Known(_)),
        Value::Text(_)
        | Value::List(_)
        | Value::Csr(_)
        | Value::Written(..)
        | Value::Struct(_)
        | Value::Open => true,
        Value::Nothing => false,
    }
}
