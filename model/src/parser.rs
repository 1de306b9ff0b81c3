//! Tokens to syntax trees: recursive descent for statements, precedence climbing for expressions.

use crate::ast::{Binary, Expr, ExprKind, Function, Stmt, StmtKind, Unary};
use crate::diagnostic::{Diagnostic, Report, Sources, Span};
use crate::habits;
use crate::lexer::{KEYWORDS, Token, tokens};

/// Deepest nesting of expressions and blocks.
const MAX_DEPTH: u32 = 200;

/// Most operators of one statement or expression.
const MAX_OPERATORS: u32 = 300;

/// A syntax error was reported; the parser gives up on this statement.
struct Failed;

type Parsed<T> = Result<T, Failed>;

/// Parses statements.
pub(crate) fn statements(span: Span, sources: &Sources, report: &mut Report) -> Vec<Stmt> {
    let mut parser = Parser::new(span, sources, report);
    parser.block_until(&Token::End)
}

/// Parses one expression.
pub(crate) fn expression(span: Span, sources: &Sources, report: &mut Report) -> Option<Expr> {
    let mut parser = Parser::new(span, sources, report);
    let parsed = parser.expression().ok()?;
    if *parser.peek() != Token::End {
        parser.expected("the end of the expression");
        return None;
    }
    Some(parsed)
}

/// Parses helper functions.
pub(crate) fn functions(span: Span, sources: &Sources, report: &mut Report) -> Vec<Function> {
    let mut parser = Parser::new(span, sources, report);
    let mut all = Vec::new();
    while *parser.peek() != Token::End {
        match parser.function() {
            Ok(function) => all.push(function),
            Err(Failed) => parser.skip_to_function(),
        }
    }
    all
}

struct Parser<'r> {
    /// The text that the span stands for.
    text: &'r str,
    span: Span,
    tokens: Vec<(Token, Span)>,
    at: usize,
    /// The first token of the statement or function.
    start: usize,
    depth: u32,
    /// Operators in the current statement.
    operators: u32,
    report: &'r mut Report,
}

impl<'r> Parser<'r> {
    fn new(span: Span, sources: &'r Sources, report: &'r mut Report) -> Self {
        let text = sources.slice(span);
        let tokens = tokens(text, span, report);
        Self { text, span, tokens, at: 0, start: 0, depth: 0, operators: 0, report }
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn here(&self) -> Span {
        self.tokens[self.at].1
    }

    fn before(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].0.clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn is_mark(&self, mark: &str) -> bool {
        matches!(self.peek(), Token::Mark(m) if *m == mark)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w == word)
    }

    fn eat(&mut self, mark: &str) -> bool {
        let found = self.is_mark(mark);
        if found {
            self.at += 1;
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expected(&mut self, what: &str) -> Failed {
        let (before, after) =
            (&self.tokens[self.start.min(self.at)..self.at], &self.tokens[self.at..]);
        let found = match self.peek() {
            Token::Word(w) => format!("`{w}`"),
            Token::Number(..) => "a number".into(),
            Token::Mark(m) => format!("`{m}`"),
            Token::Junk => return Failed,
            Token::End => "the end".into(),
        };
        let (mut span, mut message) = (self.here(), format!("expected {what}, found {found}"));
        let mut help = habits::Place { before, after, expected: what }.advice();
        if *self.peek() == Token::End && self.at > 0 {
            span = self.before();
        } else if what == "`;`" && self.behind().contains('\n') {
            span = Span { start: self.before().end, end: self.before().end, ..span };
            (message, help) = ("expected `;` at the end of this line".into(), None);
        }
        let error = Diagnostic::error("L010", span, message).label(format!("expected {what}"));
        self.report.push(match help {
            Some(help) => error.help(help),
            None => error,
        });
        Failed
    }

    /// What stands between the last token and this one: white space and comments.
    fn behind(&self) -> &'r str {
        let at = |place: u32| (place - self.span.start) as usize;
        &self.text[at(self.before().end)..at(self.here().start.max(self.before().end))]
    }

    fn expect(&mut self, mark: &str) -> Parsed<()> {
        if self.eat(mark) { Ok(()) } else { Err(self.expected(&format!("`{mark}`"))) }
    }

    fn name(&mut self, what: &str) -> Parsed<(String, Span)> {
        let span = self.here();
        match self.peek().clone() {
            Token::Word(word) if !KEYWORDS.contains(&word.as_str()) => {
                self.at += 1;
                Ok((word, span))
            }
            _ => Err(self.expected(what)),
        }
    }

    /// Runs a nested rule unless the text is nested too deeply.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} deep");
            self.report.push(Diagnostic::error("L011", self.here(), message));
            return Err(Failed);
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    // Statements

    /// Statements up to an end mark, which is not consumed; after an error it goes on at the next
    /// statement, so that all errors of a text are found.
    fn block_until(&mut self, end: &Token) -> Vec<Stmt> {
        let mut all = Vec::new();
        while self.peek() != end && *self.peek() != Token::End {
            let start = self.at;
            if let Ok(statement) = self.nested(Self::statement) {
                all.push(statement);
            } else {
                all.extend(self.failed_local(start));
                self.recover(start);
            }
        }
        all
    }

    /// The local that a wrong statement was to declare: that it is not there is no error of its own.
    fn failed_local(&self, start: usize) -> Option<Stmt> {
        let word = |i: usize| match self.tokens.get(i) {
            Some((Token::Word(word), span)) => Some((word.as_str(), *span)),
            _ => None,
        };
        let (head, span) = word(start)?;
        let first = start + if word(start + 1)?.0 == "mut" { 2 } else { 1 };
        let name = word(first).filter(|_| head == "let" || habits::is_type(head))?.0;
        Some(Stmt { span, kind: StmtKind::LetFailed(name.to_owned()) })
    }

    /// Skips to behind the next `;` or block at this nesting.
    fn recover(&mut self, start: usize) {
        self.at = self.at.max(start + 1).min(self.tokens.len() - 1);
        if matches!(self.tokens[start].0, Token::Mark("}" | ";")) {
            return;
        }
        let is_loop = matches!(&self.tokens[start].0, Token::Word(word) if word == "for");
        let mut open = 0;
        loop {
            match self.peek() {
                Token::End => return,
                Token::Mark("{") => open += 1,
                // `for (i = 0; i < n; i++)` has a `;` inside.
                Token::Mark("(") if is_loop => open += 1,
                Token::Mark(")") if is_loop => open -= 1,
                Token::Mark("}") if open == 0 => return,
                Token::Mark("}") => {
                    open -= 1;
                    let next = self.tokens.get(self.at + 1).map(|(token, _)| token);
                    let goes_on = matches!(next, Some(Token::Word(word)) if ["else", "while"].contains(&word.as_str()));
                    if open == 0 && !goes_on {
                        self.at += 1;
                        self.eat(";");
                        return;
                    }
                }
                Token::Mark(";") if open == 0 => {
                    self.at += 1;
                    return;
                }
                Token::Word(_) | Token::Number(..) | Token::Mark(_) | Token::Junk => {}
            }
            self.at += 1;
        }
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        let all = self.block_until(&Token::Mark("}"));
        self.expect("}")?;
        Ok(all)
    }

    /// Counts an operator: a chain of them is as deep as it is long.
    fn operator(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let message = format!("more than {MAX_OPERATORS} operators in one statement");
            let error = Diagnostic::error("L011", self.here(), message);
            self.report.push(error.help("name parts of it with `let`"));
            return Err(Failed);
        }
        Ok(())
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        self.operators = 0;
        let start = self.here();
        let outer = std::mem::replace(&mut self.start, self.at);
        let kind = self.statement_kind();
        self.start = outer;
        Ok(Stmt { span: start.to(self.before()), kind: kind? })
    }

    fn statement_kind(&mut self) -> Parsed<StmtKind> {
        let Token::Word(word) = self.peek().clone() else { return self.assignment() };
        let kind = match word.as_str() {
            "let" => {
                self.at += 1;
                let (name, span) = self.name("a name")?;
                self.expect("=")?;
                StmtKind::Let(name, span, self.expression()?)
            }
            "if" => return self.if_statement(),
            "for" => return self.for_statement(),
            "require" => {
                self.at += 1;
                let condition = self.expression()?;
                if !self.eat_word("else") {
                    return Err(self.expected("`else trap(...)` after the condition"));
                }
                let start = self.here();
                let kind = self.outcome("`trap(...)` or `unpredictable`")?;
                let otherwise = Stmt { span: start.to(self.before()), kind };
                StmtKind::Require(condition, Box::new(otherwise))
            }
            "trap" | "unpredictable" | "unknown" => self.outcome("an outcome")?,
            "commit" => {
                self.at += 1;
                StmtKind::Commit
            }
            "break" => {
                self.at += 1;
                StmtKind::Break
            }
            "return" => {
                self.at += 1;
                if self.is_mark(";") {
                    StmtKind::ReturnNothing
                } else {
                    StmtKind::Return(self.expression()?)
                }
            }
            _ => return self.assignment(),
        };
        self.end_of_statement()?;
        Ok(kind)
    }

    /// A statement ends with `;`, which may be left out at the end of a text.
    fn end_of_statement(&mut self) -> Parsed<()> {
        let from = (self.before().end - self.span.start) as usize;
        let comment = self.text[from..].lines().next().unwrap_or_default().trim();
        if !self.is_mark(";") && comment.starts_with("//") && comment.ends_with(';') {
            let error =
                Diagnostic::error("L010", self.before(), "the statement does not end on this line");
            self.report
                .push(error.help("`//` begins a comment; `/` divides, and drops the remainder"));
            return Err(Failed);
        }
        if *self.peek() == Token::End { Ok(()) } else { self.expect(";") }
    }

    fn outcome(&mut self, what: &str) -> Parsed<StmtKind> {
        if self.eat_word("unpredictable") {
            return Ok(StmtKind::Unpredictable);
        }
        if self.eat_word("unknown") {
            return Ok(StmtKind::Unknown);
        }
        if !self.eat_word("trap") {
            return Err(self.expected(what));
        }
        self.expect("(")?;
        let (name, span) = self.name("the name of a trap")?;
        let argument = if self.eat(",") { Some(self.expression()?) } else { None };
        self.expect(")")?;
        Ok(StmtKind::Trap(name, span, argument))
    }

    fn if_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        let condition = self.expression()?;
        let then = self.block()?;
        let mut otherwise = Vec::new();
        if self.eat_word("else") {
            if self.is_word("if") {
                let start = self.here();
                let kind = self.nested(Self::if_statement)?;
                otherwise.push(Stmt { span: start.to(self.before()), kind });
            } else {
                otherwise = self.block()?;
            }
        }
        Ok(StmtKind::If(condition, then, otherwise))
    }

    fn for_statement(&mut self) -> Parsed<StmtKind> {
        self.at += 1;
        let (variable, _) = self.name("the name of the loop constant")?;
        if !self.eat_word("in") {
            return Err(self.expected("`in`"));
        }
        let low = self.expression()?;
        self.expect("..")?;
        let high = self.expression()?;
        let body = self.block()?;
        let otherwise = if self.eat_word("else") {
            if self.is_mark("{") {
                self.block()?
            } else {
                let start = self.here();
                let kind = self.outcome("a block or an outcome")?;
                self.end_of_statement()?;
                vec![Stmt { span: start.to(self.before()), kind }]
            }
        } else {
            Vec::new()
        };
        Ok(StmtKind::For { variable, low, high, body, otherwise })
    }

    fn assignment(&mut self) -> Parsed<StmtKind> {
        let place = self.expression()?;
        if !self.is_mark("=")
            && let ExprKind::Call(name, arguments) = place.kind
        {
            self.end_of_statement()?;
            return Ok(StmtKind::Call(name, arguments));
        }
        let compares =
            matches!(&place.kind, ExprKind::Binary(Binary::Same { compare: true, .. }, ..));
        if compares && !self.is_mark("=") {
            let error = Diagnostic::error("L010", place.span, "this comparison does nothing");
            self.report.push(error.help("`=` assigns, also to storage; `==` compares"));
            return Err(Failed);
        }
        if !self.eat("=") {
            return Err(self.expected("`=`"));
        }
        let value = self.expression()?;
        self.end_of_statement()?;
        Ok(StmtKind::Assign(place, value))
    }

    // Functions

    fn function(&mut self) -> Parsed<Function> {
        self.start = self.at;
        if !self.eat_word("fn") {
            return Err(self.expected("`fn`"));
        }
        let (name, name_span) = self.name("a function's name")?;
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.is_mark(")") {
            let (parameter, span) = self.name("a parameter's name")?;
            self.expect(":")?;
            parameters.push((parameter, span, self.width()?));
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        let result = if self.eat("->") { Some(self.width()?) } else { None };
        let body = self.block()?;
        Ok(Function { name, name_span, parameters, result, body })
    }

    fn width(&mut self) -> Parsed<u32> {
        match *self.peek() {
            Token::Number(n, None) if (1..=128).contains(&n) => {
                self.at += 1;
                Ok(n as u32)
            }
            _ => Err(self.expected("a width in bits, 1 to 128")),
        }
    }

    fn skip_to_function(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        while *self.peek() != Token::End && !self.is_word("fn") {
            self.at += 1;
        }
    }

    // Expressions

    fn expression(&mut self) -> Parsed<Expr> {
        self.nested(|p| {
            let condition = p.binary(0)?;
            if !p.eat("?") {
                return Ok(condition);
            }
            let yes = p.expression()?;
            p.expect(":")?;
            let no = p.expression()?;
            let span = condition.span.to(no.span);
            let kind = ExprKind::Choice(Box::new(condition), Box::new(yes), Box::new(no));
            Ok(Expr { span, kind })
        })
    }

    /// Precedence climbing: operators at least as tight as `level`.
    fn binary(&mut self, level: u32) -> Parsed<Expr> {
        let mut left = self.unary()?;
        let mut compared = false;
        while let Token::Mark(mark) = *self.peek() {
            let Some((tightness, operator)) = Binary::of_mark(mark) else { break };
            if tightness < level {
                break;
            }
            let is_compare = matches!(operator, Binary::Same { compare: true, .. });
            if is_compare && compared {
                self.report.push(
                    Diagnostic::error("L012", self.here(), "comparisons do not chain")
                        .help("write `a < b && b < c`"),
                );
                return Err(Failed);
            }
            compared |= is_compare;
            self.operator()?;
            self.at += 1;
            let right = self.nested(|p| p.binary(tightness + 1))?;
            let span = left.span.to(right.span);
            let kind = ExprKind::Binary(operator, Box::new(left), Box::new(right));
            left = Expr { span, kind };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let operator = match self.peek() {
            Token::Mark("!") => Unary::Not,
            Token::Mark("~") => Unary::Complement,
            Token::Mark("-") => Unary::Minus,
            Token::Word(_) | Token::Number(..) | Token::Mark(_) | Token::Junk | Token::End => {
                return self.postfix();
            }
        };
        self.at += 1;
        let operand = self.nested(Self::unary)?;
        Ok(Expr {
            span: start.to(operand.span),
            kind: ExprKind::Unary(operator, Box::new(operand)),
        })
    }

    fn postfix(&mut self) -> Parsed<Expr> {
        let mut it = self.primary()?;
        loop {
            if self.is_mark(".") || self.is_mark("[") {
                self.operator()?;
            }
            let kind = if self.eat(".") {
                let (field, span) = self.name("a field's name")?;
                ExprKind::Field(Box::new(it.clone()), field, span)
            } else if self.eat("[") {
                let index = Box::new(self.expression()?);
                let kind = if self.eat(":") {
                    let low = Box::new(self.expression()?);
                    ExprKind::Slice(Box::new(it.clone()), index, low)
                } else if self.eat(";") {
                    let count = Box::new(self.expression()?);
                    ExprKind::Cells(Box::new(it.clone()), index, count)
                } else {
                    ExprKind::Index(Box::new(it.clone()), index)
                };
                self.expect("]")?;
                kind
            } else {
                return Ok(it);
            };
            it = Expr { span: it.span.to(self.before()), kind };
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let kind = match self.peek().clone() {
            Token::Number(n, width) => {
                self.next();
                ExprKind::Number(n, width)
            }
            Token::Mark("(") => {
                self.next();
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(Expr { span: start.to(self.before()), kind: inner.kind });
            }
            Token::Word(word) if word == "true" || word == "false" => {
                self.next();
                ExprKind::Number(u128::from(word == "true"), Some(1))
            }
            Token::Word(word) if !KEYWORDS.contains(&word.as_str()) => {
                self.next();
                if self.eat("(") {
                    let mut arguments = Vec::new();
                    while !self.is_mark(")") {
                        arguments.push(self.expression()?);
                        if !self.eat(",") {
                            break;
                        }
                    }
                    self.expect(")")?;
                    ExprKind::Call(word, arguments)
                } else {
                    ExprKind::Name(word)
                }
            }
            Token::Word(_) | Token::Mark(_) | Token::Junk | Token::End => {
                return Err(self.expected("an expression"));
            }
        };
        Ok(Expr { span: start.to(self.before()), kind })
    }
}
