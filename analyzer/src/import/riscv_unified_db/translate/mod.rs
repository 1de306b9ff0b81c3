//! IDL to statements of our language, by partial evaluation: what a configuration settles is settled here (which
//! extensions there are, widths, parameters, loops, look-ups by a number that is known), the rest becomes text.
//!
//! A construct that is not supported stops the one text it stands in, with a diagnostic at its place.

mod csr;
mod expression;
mod function;
mod handle;
mod names;
mod native;
mod operators;
pub(crate) mod registers;
mod statement;
mod text;
pub(crate) mod value;

use std::collections::{BTreeMap, BTreeSet};

use model::diagnostic::{Diagnostic, Span};

use super::database::{Configuration, Database, Domain, Parameter};
use super::idl::ast::{Expr, ExprKind, Function, Stmt, StmtKind};
use super::idl::types::Width;
use registers::{Kept, Register};
use value::{Term, Value};

pub(crate) use native::NATIVE;
use text::TAKEN;
pub(crate) use text::{printed, spelled};

/// Why a text could not be translated.
#[derive(Debug)]
pub(crate) enum Stop {
    /// For this reason.
    Because(Box<Diagnostic>),
    /// It is not settled at import.
    Open,
}

pub(crate) type Done<T> = Result<T, Stop>;

/// A line of the result.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    Text(String),
    If(Term, Vec<Line>, Vec<Line>),
}

/// How a list of statements ends.
#[derive(Debug)]
enum Flow {
    Next,
    /// Nothing comes behind it.
    Ended,
    /// A value, on a way that is settled at import.
    Value(Value),
}

/// The type of a variable, of a parameter or of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Type {
    Bits(Width),
    Bool,
    Member(String),
    Text,
    Csr,
    Struct,
}

/// A variable.
#[derive(Debug, Clone)]
struct Variable {
    name: String,
    /// Its name in our language.
    text: String,
    of: Type,
    /// Its value while that is known; else it is a local of our language.
    value: Option<Value>,
    /// It was declared in our language, so wide.
    declared: Option<u32>,
}

/// What is being translated.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// An operation, of an instruction of so many bytes.
    Operation(u32),
    /// A function of our language with a result of this type.
    Function(Option<Type>),
    /// A value that has to be settled here, without a statement.
    Inline,
}

/// The text that is being translated.
#[derive(Debug)]
struct Body {
    place: Place,
    lines: Vec<Line>,
    scopes: Vec<Vec<Variable>>,
    /// Names that some statement assigns to.
    assigned: BTreeSet<String>,
    /// What a value that is left open keeps.
    keeps: Option<Value>,
    /// `$pc` was written.
    jumped: bool,
    /// The encoding, where a trap reports it.
    encoding: Option<Term>,
    /// It names CSRs by these operands.
    numbers: BTreeSet<String>,
}

impl Body {
    fn new(place: Place, statements: &[Stmt]) -> Self {
        let mut assigned = BTreeSet::new();
        for it in statements {
            assigns(it, &mut assigned);
        }
        Self {
            place,
            lines: Vec::new(),
            scopes: vec![Vec::new()],
            assigned,
            keeps: None,
            jumped: false,
            encoding: None,
            numbers: BTreeSet::new(),
        }
    }
}

/// Adds the variables that a statement assigns to.
fn assigns(statement: &Stmt, all: &mut BTreeSet<String>) {
    fn base(place: &Expr) -> Option<&str> {
        match &place.kind {
            ExprKind::Name(name) => Some(name),
            ExprKind::Index(of, _) | ExprKind::Slice(of, ..) | ExprKind::Field(of, _) => base(of),
            _ => None,
        }
    }
    match &statement.kind {
        StmtKind::Assign(place, _) => all.extend(base(place).map(str::to_owned)),
        StmtKind::If(_, then, otherwise) => {
            then.iter().chain(otherwise).for_each(|it| assigns(it, all));
        }
        StmtKind::For(it) => {
            assigns(&it.step, all);
            it.body.iter().for_each(|it| assigns(it, all));
        }
        StmtKind::Declare(..) | StmtKind::Do(_) | StmtKind::Return(_) => {}
    }
}

/// A function of our language that was made of one of the database's.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) name: String,
    /// `(a: 64) -> 8`
    pub(crate) head: String,
    pub(crate) lines: Vec<Line>,
}

/// An operation that was translated.
#[derive(Debug)]
pub(crate) struct Translated {
    pub(crate) lines: Vec<Line>,
    /// Operands that are numbers of CSRs.
    pub(crate) numbers: BTreeSet<String>,
}

/// An operand as an operation sees it.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// Translates the texts of one database under one configuration.
pub(crate) struct Translator<'d> {
    pub(crate) database: &'d Database,
    pub(crate) configuration: &'d Configuration,
    pub(crate) registers: BTreeMap<usize, Register>,
    functions: &'d BTreeMap<String, Function>,
    /// Names and numbers of the modes that there are.
    pub(crate) modes: Vec<(&'static str, &'static str, u128)>,
    /// Names and numbers of the exceptions that there are.
    pub(crate) exceptions: BTreeMap<String, u128>,
    /// What was made of functions, in order; those that are being made end with `None`.
    pub(crate) made: Vec<Made>,
    making: Vec<String>,
    kept: BTreeMap<(usize, usize), Result<Kept, String>>,
    /// Boolean parameters that are open and were asked for.
    pub(crate) open: BTreeSet<String>,
    /// Exceptions that something raises.
    pub(crate) raised: BTreeSet<String>,
    /// Lints that were met on the way.
    pub(crate) found: Vec<Diagnostic>,
    /// CSRs whose code could not be translated, and why.
    pub(crate) failed: BTreeMap<usize, Diagnostic>,
    bodies: Vec<Body>,
}

/// Modes: the database's name, ours, and the number; the third bit is set where they are virtual.
const MODES: [(&str, &str, u128); 5] = [
    ("U", "user", 0),
    ("S", "supervisor", 1),
    ("M", "machine", 3),
    ("VU", "virtual_user", 4),
    ("VS", "virtual_supervisor", 5),
];

impl<'d> Translator<'d> {
    pub(crate) fn new(
        database: &'d Database,
        configuration: &'d Configuration,
        functions: &'d BTreeMap<String, Function>,
    ) -> Self {
        let has = |mode: &str| match mode {
            "M" => true,
            "VU" | "VS" => configuration.implements("H"),
            other => configuration.implements(other),
        };
        let exists = |it: &&super::database::Exception| {
            it.defined_by.as_ref().is_none_or(|it| it.holds(configuration))
        };
        let exceptions = database.exceptions.iter().filter(exists);
        Self {
            database,
            configuration,
            registers: registers::registers(database, configuration),
            functions,
            modes: MODES.into_iter().filter(|(name, ..)| has(name)).collect(),
            exceptions: exceptions.map(|it| (it.name.clone(), it.number)).collect(),
            made: Vec::new(),
            making: Vec::new(),
            kept: BTreeMap::new(),
            open: BTreeSet::new(),
            raised: BTreeSet::new(),
            found: Vec::new(),
            failed: BTreeMap::new(),
            bodies: Vec::new(),
        }
    }

    /// Whether a trap reports the encoding of its instruction.
    pub(crate) fn reports_encodings(&self) -> bool {
        let name = "REPORT_ENCODING_IN_MTVAL_ON_ILLEGAL_INSTRUCTION";
        let known = self.database.parameters.contains_key(name)
            || self.configuration.parameters.contains_key(name);
        known && self.configuration.parameters.get(name) != Some(&Parameter::Bool(false))
    }

    /// Bits of a register.
    pub(crate) fn xlen(&self) -> u32 {
        self.configuration.xlen()
    }

    /// Bits of the mode component: a third where some modes are virtual.
    pub(crate) fn mode_bits(&self) -> u32 {
        if self.configuration.implements("H") { 3 } else { 2 }
    }

    /// Translates the operation of an instruction of so many bytes.
    pub(crate) fn operation(
        &mut self,
        statements: &[Stmt],
        operands: &[Operand],
        bytes: u32,
        encoding: Option<Term>,
    ) -> Done<Translated> {
        let mut body = Body::new(Place::Operation(bytes), statements);
        body.encoding = encoding.filter(|_| self.reports_encodings());
        for operand in operands {
            let value = Some(operand.value.clone());
            let text = operand.name.clone();
            body.scopes[0].push(Variable {
                name: operand.name.clone(),
                text,
                of: Type::Struct,
                value,
                declared: None,
            });
        }
        body.scopes.push(Vec::new());
        let body = self.within(body, |it| it.block(statements))?.0;
        Ok(Translated { lines: body.lines, numbers: body.numbers })
    }

    /// Calls a function from outside of any operation: what it does, and its value.
    pub(crate) fn perform_function(
        &mut self,
        name: &str,
        arguments: Vec<Value>,
    ) -> Done<(Vec<Line>, Value)> {
        let Some(function) = self.functions.get(name) else { return Err(Stop::Open) };
        let body = Body::new(Place::Function(None), &[]);
        let (body, value) = self.within(body, |it| it.call(function, arguments, function.span))?;
        Ok((body.lines, value))
    }

    /// The invariants of the prelude: their names, and why they hold.
    pub(crate) fn assumed(&self) -> Vec<(String, String)> {
        let all = self.functions.values().filter(|it| it.name.starts_with("assume_"));
        all.map(|it| (it.name.clone(), it.description.clone())).collect()
    }

    pub(crate) fn member_text(&self, of: &str, bits: &value::Bits) -> String {
        self.member_term(of, bits).text
    }

    /// What reading and writing a CSR by its number does, in our language; nothing is known where its code cannot be
    /// translated.
    pub(crate) fn entry(&mut self, index: usize) -> (String, String) {
        let xlen = self.xlen();
        let read = self.within(Body::new(Place::Function(None), &[]), |it| it.read_csr(index));
        let read = match read {
            Ok((_, bits)) => bits.to(xlen).typed().text,
            Err(why) => self.unknown(index, why, "read", &format!("() -> {xlen}"), Some(xlen)),
        };
        let value = value::Bits::term(Term::primary("value"), xlen);
        let write =
            self.within(Body::new(Place::Function(None), &[]), |it| it.write_csr(index, &value));
        let write = match write {
            Ok((body, ())) => {
                let texts = body.lines.iter().filter_map(|line| match line {
                    Line::Text(text) => Some(text.as_str()),
                    Line::If(..) => None,
                });
                texts.collect::<Vec<_>>().join(" ")
            }
            Err(why) => {
                let call = self.unknown(index, why, "write", &format!("(value: {xlen})"), None);
                format!("{}(value);", call.trim_end_matches("()"))
            }
        };
        (read, write)
    }

    /// A function that says nothing, for code that cannot be translated.
    fn unknown(
        &mut self,
        index: usize,
        why: Stop,
        what: &str,
        head: &str,
        result: Option<u32>,
    ) -> String {
        let span = self.database.csrs[index].name.span;
        let why = match why {
            Stop::Because(why) => *why,
            Stop::Open => Diagnostic::error(
                "U021",
                span,
                "it depends on the state in a way that is not supported",
            ),
        };
        let name = format!("{}_{what}_unknown", self.registers[&index].name);
        self.failed.entry(index).or_insert(why);
        let mut lines = vec![Line::Text("unknown;".into())];
        match result {
            Some(bits) => lines.push(Line::Text(format!("return 0u{bits};"))),
            None => lines.insert(0, Line::Text("let _unused = value;".into())),
        }
        self.made.push(Made { name: name.clone(), head: head.to_owned(), lines });
        format!("{name}()")
    }

    /// Runs a rule with a text of its own, and gives the text with the rule's result.
    fn within<T>(
        &mut self,
        body: Body,
        rule: impl FnOnce(&mut Self) -> Done<T>,
    ) -> Done<(Body, T)> {
        if self.bodies.len() > 60 {
            return Err(Stop::Open);
        }
        self.bodies.push(body);
        let result = rule(self);
        let body = self.bodies.pop().expect("it was pushed");
        result.map(|it| (body, it))
    }

    fn body(&mut self) -> &mut Body {
        self.bodies.last_mut().expect("something is being translated")
    }

    fn emit(&mut self, text: impl Into<String>) {
        self.body().lines.push(Line::Text(text.into()));
    }

    fn variable(&mut self, name: &str) -> Option<&mut Variable> {
        self.body()
            .scopes
            .iter_mut()
            .rev()
            .flat_map(|scope| scope.iter_mut().rev())
            .find(|it| it.name == name)
    }

    /// Whether the machine has something of this name.
    pub(crate) fn is_taken(&self, text: &str) -> bool {
        TAKEN.contains(&text)
            || self.registers.values().any(|it| it.name == text)
            || self.functions.keys().any(|name| spelled(name) == text)
    }

    /// A name of our language for a local, one that nothing else has.
    fn fresh(&mut self, name: &str) -> String {
        let clean: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let mut text = clean.to_lowercase();
        let local = |it: &Self, text: &str| {
            it.bodies
                .last()
                .is_some_and(|body| body.scopes.iter().flatten().any(|v| v.text == text))
        };
        while self.is_taken(&text) || local(self, &text) {
            text.push('_');
        }
        text
    }

    #[allow(clippy::unused_self)] // So it reads like an act of the translator.
    fn stop<T>(&self, code: &'static str, span: Span, message: impl Into<String>) -> Done<T> {
        Err(Stop::Because(Box::new(Diagnostic::error(code, span, message))))
    }

    /// The value of a parameter.
    fn parameter(&mut self, name: &str, span: Span) -> Option<Done<Value>> {
        let domain = self.database.parameters.get(name).copied();
        let width = |value: u128| match domain {
            Some(Domain::Bits(bits)) => bits,
            _ if name == "MXLEN" => 7,
            _ => super::idl::types::bits_for(value),
        };
        let of = |value: &Parameter| -> Value { Self::constant(value, &width) };
        if let Some(value) = self.configuration.parameters.get(name) {
            return Some(Ok(of(value)));
        }
        match domain? {
            Domain::Boolean => {
                self.open.insert(name.to_owned());
                let term = Term::primary(name.to_lowercase());
                Some(Ok(Value::Bool(value::Truth::Term(term))))
            }
            Domain::Bits(_) | Domain::Other => {
                let message = format!("the configuration says nothing of the parameter `{name}`");
                Some(self.stop("U024", span, message))
            }
        }
    }

    fn constant(value: &Parameter, width: &dyn Fn(u128) -> u32) -> Value {
        match value {
            Parameter::Number(it) => Value::Bits(value::Bits::known(*it, width(*it))),
            Parameter::Bool(it) => Value::Bool(value::Truth::Known(*it)),
            Parameter::Text(it) => Value::Text(it.clone()),
            Parameter::List(all) => {
                Value::List(all.iter().map(|it| Self::constant(it, width)).collect())
            }
        }
    }
}
