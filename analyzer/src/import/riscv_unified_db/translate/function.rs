//! Functions: settled at import where they can be, else functions of our language.

use model::diagnostic::{Diagnostic, Span};

use super::super::idl::ast::{Function, Stmt};
use super::statement::settled;
use super::value::{Bits, Is, Term, Truth, Value};
use super::{Body, Done, Flow, Line, Made, Place, Stop, Translator, Type, Variable, spelled};

impl Translator<'_> {
    /// Calls a function of the database: settled here if it can be, else as a function of our language.
    pub(super) fn call(
        &mut self,
        function: &Function,
        arguments: Vec<Value>,
        span: Span,
    ) -> Done<Value> {
        let Some(statements) = function.body.as_deref() else {
            let message =
                format!("`{}` has no code, and this importer does not know it", function.name);
            return self.stop("U021", span, message);
        };
        if arguments.len() < function.arguments.len() {
            let message =
                format!("`{}` takes {} arguments", function.name, function.arguments.len());
            return self.stop("U022", span, message);
        }
        if self.making.iter().filter(|it| **it == function.name).count() > 2 {
            return self.stop("U021", span, format!("`{}` calls itself", function.name));
        }
        let mut typed = Vec::new();
        for ((of, name), value) in function.arguments.iter().zip(arguments) {
            let of = self.type_of(of)?;
            let value = self.convert(value, &of, span)?;
            typed.push((name, of, value));
        }
        self.making.push(function.name.clone());
        let result = self.inlined(statements, &typed);
        let result = match result {
            Err(Stop::Open) => self.outlined(function, statements, &typed, span),
            Ok(Value::Nothing) if function.returns.is_some() => {
                let message = format!("`{}` may end without a value", function.name);
                self.stop("U021", span, message)
            }
            other => other,
        };
        self.making.pop();
        let result = result?;
        match &function.returns {
            Some(of) => {
                let of = self.type_of(of)?;
                self.convert(result, &of, span)
            }
            None => Ok(result),
        }
    }

    /// The value that statements come to without doing anything.
    pub(super) fn inlined(
        &mut self,
        statements: &[Stmt],
        typed: &[(&String, Type, Value)],
    ) -> Done<Value> {
        if statements.is_empty() {
            return Ok(Value::Nothing);
        }
        let mut body = Body::new(Place::Inline, statements);
        body.keeps = self.bodies.last().and_then(|it| it.keeps.clone());
        for (name, of, value) in typed {
            if body.assigned.contains(name.as_str()) && !settled(value) {
                return Err(Stop::Open);
            }
            body.scopes[0].push(Variable {
                name: (*name).clone(),
                text: (*name).clone(),
                of: of.clone(),
                value: Some(value.clone()),
                declared: None,
            });
        }
        let (body, flow) = self.within(body, |it| it.block(statements))?;
        match flow {
            Flow::Value(value) if body.lines.is_empty() => Ok(value),
            Flow::Next if body.lines.is_empty() => Ok(Value::Nothing),
            _ => Err(Stop::Open),
        }
    }

    /// A call of a function of our language, made where it is not there yet.
    fn outlined(
        &mut self,
        function: &Function,
        statements: &[Stmt],
        typed: &[(&String, Type, Value)],
        span: Span,
    ) -> Done<Value> {
        if self.bodies.last().is_some_and(|it| it.place == Place::Inline) {
            return Err(Stop::Open);
        }
        let result = function.returns.as_ref().map(|it| self.type_of(it)).transpose()?;
        let mut head = Vec::new();
        let mut body = Body::new(Place::Function(result.clone()), statements);
        let mut passed = Vec::new();
        for (name, of, value) in typed {
            let mut variable = Variable {
                name: (*name).clone(),
                text: self.fresh(name),
                of: of.clone(),
                value: None,
                declared: None,
            };
            let width = match of {
                Type::Bits(_) if matches!(value, Value::Open) => {
                    variable.value = Some(value.clone());
                    body.scopes[0].push(variable);
                    continue;
                }
                Type::Bits(width) => width.bits,
                Type::Bool => 1,
                Type::Member(_) => self.mode_bits(),
                Type::Text | Type::Csr | Type::Struct => {
                    variable.value = Some(value.clone());
                    body.scopes[0].push(variable);
                    continue;
                }
            };
            variable.declared = Some(width);
            head.push(format!("{}: {width}", variable.text));
            passed.push(self.plain(value, span)?.text);
            body.scopes[0].push(variable);
        }
        let name = spelled(&function.name);
        if !self.made.iter().any(|it| it.name == name) {
            let (mut body, flow) = self.within(body, |it| it.block(statements))?;
            if result.is_some() && matches!(flow, Flow::Next) {
                let message = format!("`{}` may end without a value", function.name);
                self.found.push(Diagnostic::warning("U103", function.span, message));
                body.lines.push(Line::Text("unknown;".into()));
            }
            let arrow = match &result {
                Some(Type::Bits(width)) => format!(" -> {}", width.bits),
                Some(Type::Member(_)) => format!(" -> {}", self.mode_bits()),
                Some(_) => " -> 1".into(),
                None => String::new(),
            };
            let head = format!("({}){arrow}", head.join(", "));
            self.made.push(Made { name: name.clone(), head, lines: body.lines });
        }
        let call = format!("{name}({})", passed.join(", "));
        Ok(match result {
            None => {
                self.emit(format!("{call};"));
                Value::Nothing
            }
            Some(of) => called(&of, call, self.mode_bits()),
        })
    }

    /// Makes a function of our language of statements; `None` if it is there.
    pub(super) fn make(
        &mut self,
        name: &str,
        head: &str,
        result: &Type,
        keeps: Option<Value>,
        variables: Vec<(String, Type, Value)>,
        statements: &[Stmt],
    ) -> Done<()> {
        if self.made.iter().any(|it| it.name == name) {
            return Ok(());
        }
        let mut body = Body::new(Place::Function(Some(result.clone())), statements);
        body.keeps = keeps;
        for (name, of, value) in variables {
            body.scopes[0].push(Variable {
                text: name.clone(),
                name,
                of,
                value: Some(value),
                declared: None,
            });
        }
        let (mut body, flow) = self.within(body, |it| it.block(statements))?;
        if matches!(flow, Flow::Next) {
            if let Some(last) = statements.last() {
                let message = "this code may end without a value";
                self.found.push(Diagnostic::warning("U103", last.span, message));
            }
            body.lines.push(Line::Text("unknown;".into()));
        }
        self.made.push(Made { name: name.to_owned(), head: head.to_owned(), lines: body.lines });
        Ok(())
    }
}

/// The result of a call of our language.
fn called(of: &Type, call: String, mode: u32) -> Value {
    let term = Term::primary(call);
    match of {
        Type::Bits(width) => Value::Bits(Bits { width: *width, is: Is::Term(term) }),
        Type::Member(name) => Value::Member(name.clone(), Bits::term(term, mode)),
        Type::Bool | Type::Text | Type::Csr | Type::Struct => Value::Bool(Truth::Term(term)),
    }
}
