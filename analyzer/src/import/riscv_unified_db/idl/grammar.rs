//! Tokens of IDL to trees: recursive descent for statements, precedence climbing for expressions.
//! The first error of a text ends it: the text then is no code.

use model::diagnostic::{Diagnostic, Span};

use super::ast::{Binary, Call, Expr, ExprKind, For, Stmt, StmtKind, TypeName, Unary};
use super::lexer::Token;
use super::parser::{Parsed, Parser};

/// Parses the statements of an operation or of a function's body.
pub(crate) fn statements(text: &str, span: Span) -> Parsed<Vec<Stmt>> {
    let mut parser = Parser::new(text, span)?;
    let mut all = Vec::new();
    while *parser.peek() != Token::End {
        all.push(parser.statement()?);
    }
    Ok(all)
}

/// Parses one expression.
#[cfg(test)]
fn expression(text: &str, span: Span) -> Parsed<Expr> {
    let mut parser = Parser::new(text, span)?;
    let parsed = parser.expression()?;
    if *parser.peek() != Token::End {
        return Err(parser.expected("the end of the expression"));
    }
    Ok(parsed)
}

/// Tightness and meaning of an infix operator, loosest first.
fn infix(mark: &str) -> Option<(u32, Binary)> {
    Some(match mark {
        "||" => (1, Binary::OrElse),
        "&&" => (2, Binary::AndThen),
        "|" => (3, Binary::Or),
        "^" => (4, Binary::Xor),
        "&" => (5, Binary::And),
        "==" => (6, Binary::Eq),
        "!=" => (6, Binary::Ne),
        "<" => (7, Binary::Lt),
        ">" => (7, Binary::Gt),
        "<=" => (7, Binary::Le),
        ">=" => (7, Binary::Ge),
        "<<" => (8, Binary::Shl),
        "`<<" => (8, Binary::WideShl),
        ">>" => (8, Binary::Shr),
        ">>>" => (8, Binary::Sar),
        "+" => (9, Binary::Add),
        "-" => (9, Binary::Sub),
        "`+" => (9, Binary::WideAdd),
        "`-" => (9, Binary::WideSub),
        "*" => (10, Binary::Mul),
        "`*" => (10, Binary::WideMul),
        "/" => (10, Binary::Div),
        "%" => (10, Binary::Rem),
        _ => return None,
    })
}

impl Parser<'_> {
    // ---- Statements ----

    pub(super) fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.need("{")?;
        let mut all = Vec::new();
        while !self.eat("}") {
            if *self.peek() == Token::End {
                return Err(self.expected("`}`"));
            }
            all.push(self.deeper(Self::statement)?);
        }
        Ok(all)
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        let start = self.here();
        let kind = if self.eat_word("if") {
            return self.conditional(start);
        } else if self.eat_word("for") {
            self.need("(")?;
            let first = self.simple()?;
            self.need(";")?;
            let condition = self.expression()?;
            self.need(";")?;
            let step = self.simple()?;
            self.need(")")?;
            StmtKind::For(Box::new(For { first, condition, step, body: self.block()? }))
        } else {
            let simple = if self.eat_word("return") {
                let value = if self.is_mark(";") || self.is_word("if") {
                    None
                } else {
                    Some(self.expression()?)
                };
                Stmt { span: start.to(self.before()), kind: StmtKind::Return(value) }
            } else {
                self.simple()?
            };
            let kind = if self.eat_word("if") {
                StmtKind::If(self.expression()?, vec![simple], Vec::new())
            } else {
                simple.kind
            };
            self.need(";")?;
            kind
        };
        Ok(Stmt { span: start.to(self.before()), kind })
    }

    /// Behind `if`.
    fn conditional(&mut self, start: Span) -> Parsed<Stmt> {
        self.need("(")?;
        let condition = self.expression()?;
        self.need(")")?;
        let then = self.block()?;
        let otherwise = if !self.eat_word("else") {
            Vec::new()
        } else if self.is_word("if") {
            let next = self.here();
            self.at += 1;
            vec![self.deeper(|it| it.conditional(next))?]
        } else {
            self.block()?
        };
        Ok(Stmt { span: start.to(self.before()), kind: StmtKind::If(condition, then, otherwise) })
    }

    /// A declaration, an assignment or a call, without the `;`.
    fn simple(&mut self) -> Parsed<Stmt> {
        let start = self.here();
        let kind = if let Some(kind) = self.declaration()? {
            kind
        } else {
            let place = self.expression()?;
            if self.eat("=") {
                StmtKind::Assign(place, self.expression()?)
            } else if self.is_mark("++") || self.is_mark("--") {
                let operator = if self.is_mark("++") { Binary::Add } else { Binary::Sub };
                self.at += 1;
                let one = super::ast::Number {
                    value: 1,
                    width: super::ast::LiteralWidth::Least,
                    signed: false,
                };
                let one = Expr { span: self.before(), kind: ExprKind::Number(one) };
                let sum = ExprKind::Binary(operator, Box::new(place.clone()), Box::new(one));
                StmtKind::Assign(place, Expr { span: start.to(self.before()), kind: sum })
            } else {
                StmtKind::Do(place)
            }
        };
        Ok(Stmt { span: start.to(self.before()), kind })
    }

    /// `XReg a = 1`: a type followed by a name.
    fn declaration(&mut self) -> Parsed<Option<StmtKind>> {
        let from = self.at;
        let Token::Word(first) = self.peek() else { return Ok(None) };
        if !first.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok(None);
        }
        let is_bits = first == "Bits";
        let declared = self.type_name().and_then(|of| match self.peek() {
            Token::Word(name) if name != "if" => {
                let name = name.clone();
                self.at += 1;
                Ok((of, name))
            }
            _ => Err(self.expected("a name")),
        });
        let (of, name) = match declared {
            Ok(declared) => declared,
            Err(error) if is_bits => return Err(error),
            Err(_) => {
                self.at = from;
                return Ok(None);
            }
        };
        if self.is_mark("[") {
            let error =
                Diagnostic::error("U011", self.here(), "arrays are not read by this importer");
            return Err(error.label("an array"));
        }
        let value = if self.eat("=") { Some(self.expression()?) } else { None };
        Ok(Some(StmtKind::Declare(of, name, value)))
    }

    pub(super) fn type_name(&mut self) -> Parsed<TypeName> {
        Ok(match self.word("a type")?.as_str() {
            "Bits" => {
                self.need("<")?;
                let width = self.in_angle(Self::expression)?;
                TypeName::Bits(Box::new(width))
            }
            "XReg" => TypeName::Xlen,
            "U32" => TypeName::Fixed(32),
            "U64" => TypeName::Fixed(64),
            "Boolean" => TypeName::Boolean,
            "String" => TypeName::Text,
            named => TypeName::Named(named.to_owned()),
        })
    }

    /// What stands behind `<`, with the `>` that ends it.
    fn in_angle<T>(&mut self, rule: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.in_template, true);
        let result = self.deeper(rule);
        self.in_template = outer;
        let result = result?;
        self.need(">")?;
        Ok(result)
    }

    // ---- Expressions ----

    fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(|it| {
            let condition = it.operators(0)?;
            if !it.eat("?") {
                return Ok(condition);
            }
            let yes = it.expression()?;
            it.need(":")?;
            let no = it.expression()?;
            let span = condition.span.to(no.span);
            let kind = ExprKind::Choice(Box::new(condition), Box::new(yes), Box::new(no));
            Ok(Expr { span, kind })
        })
    }

    fn operators(&mut self, least: u32) -> Parsed<Expr> {
        let mut left = self.prefixed()?;
        loop {
            let Token::Mark(mark) = self.peek() else { return Ok(left) };
            if self.in_template && mark.starts_with('>') {
                return Ok(left);
            }
            let Some((tight, operator)) = infix(mark).filter(|(tight, _)| *tight > least) else {
                return Ok(left);
            };
            self.at += 1;
            let right = self.deeper(|it| it.operators(tight))?;
            let span = left.span.to(right.span);
            left = Expr { span, kind: ExprKind::Binary(operator, Box::new(left), Box::new(right)) };
        }
    }

    fn prefixed(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let operator = match self.peek() {
            Token::Mark("!") => Unary::Not,
            Token::Mark("~") => Unary::Complement,
            Token::Mark("-") => Unary::Minus,
            _ => return self.suffixed(),
        };
        self.at += 1;
        let operand = self.deeper(Self::prefixed)?;
        let span = start.to(operand.span);
        Ok(Expr { span, kind: ExprKind::Unary(operator, Box::new(operand)) })
    }

    fn suffixed(&mut self) -> Parsed<Expr> {
        let mut it = self.primary()?;
        loop {
            let kind = if self.eat("[") {
                let (high, low) = self.bracketed(|p| {
                    let high = p.expression()?;
                    let low = if p.eat(":") { Some(p.expression()?) } else { None };
                    p.need("]")?;
                    Ok((high, low))
                })?;
                match low {
                    Some(low) => {
                        ExprKind::Slice(Box::new(it.clone()), Box::new(high), Box::new(low))
                    }
                    None => ExprKind::Index(Box::new(it.clone()), Box::new(high)),
                }
            } else if self.eat(".") {
                let name = self.word("a field")?;
                if self.is_mark("(") {
                    ExprKind::Method(Box::new(it.clone()), name, self.arguments()?)
                } else {
                    ExprKind::Field(Box::new(it.clone()), name)
                }
            } else {
                return Ok(it);
            };
            it = Expr { span: it.span.to(self.before()), kind };
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.need("(")?;
        self.bracketed(|it| it.list(")"))
    }

    fn list(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut all = Vec::new();
        while !self.eat(end) {
            if !all.is_empty() {
                self.need(",")?;
            }
            all.push(self.expression()?);
        }
        Ok(all)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.here();
        let token = self.peek().clone();
        let kind = match token {
            Token::Number(number) => {
                self.at += 1;
                ExprKind::Number(number)
            }
            Token::Text(text) => {
                self.at += 1;
                ExprKind::Text(text)
            }
            Token::Builtin(name) => {
                self.at += 1;
                match name.as_str() {
                    "pc" => ExprKind::Pc,
                    "encoding" => ExprKind::Encoding,
                    _ => {
                        let arguments = self.arguments()?;
                        ExprKind::Call(Call {
                            name: format!("${name}"),
                            template: Vec::new(),
                            arguments,
                        })
                    }
                }
            }
            Token::Word(word) => {
                self.at += 1;
                self.named(word)?
            }
            Token::Mark("(") => {
                self.at += 1;
                let inner = self.bracketed(|it| {
                    let inner = it.expression()?;
                    it.need(")")?;
                    Ok(inner)
                })?;
                return Ok(Expr { span: start.to(self.before()), ..inner });
            }
            Token::Mark("{") => {
                self.at += 1;
                self.bracketed(Self::joined)?
            }
            Token::Mark("[") => {
                self.at += 1;
                ExprKind::List(self.bracketed(|it| it.list("]"))?)
            }
            _ => return Err(self.expected("an expression")),
        };
        Ok(Expr { span: start.to(self.before()), kind })
    }

    /// Behind `{`: `a, b}` or `n{a}}`.
    fn joined(&mut self) -> Parsed<ExprKind> {
        let first = self.expression()?;
        if self.eat("{") {
            let value = self.expression()?;
            self.need("}")?;
            self.need("}")?;
            return Ok(ExprKind::Repeat(Box::new(first), Box::new(value)));
        }
        let mut all = vec![first];
        while self.eat(",") {
            all.push(self.expression()?);
        }
        self.need("}")?;
        Ok(ExprKind::Concat(all))
    }

    /// What begins with a word.
    fn named(&mut self, word: String) -> Parsed<ExprKind> {
        match word.as_str() {
            "true" => return Ok(ExprKind::Bool(true)),
            "false" => return Ok(ExprKind::Bool(false)),
            "CSR" => {
                self.need("[")?;
                let mut name = self.word("the name of a CSR")?;
                while self.eat(".") {
                    name = format!("{name}.{}", self.word("the rest of the name")?);
                }
                self.need("]")?;
                return Ok(ExprKind::Csr(name));
            }
            _ => {}
        }
        if self.eat("::") {
            return Ok(ExprKind::Member(word, self.word("a member")?));
        }
        if self.is_mark("(") {
            return Ok(ExprKind::Call(Call {
                name: word,
                template: Vec::new(),
                arguments: self.arguments()?,
            }));
        }
        if self.is_mark("<") {
            let from = self.at;
            self.at += 1;
            let template = self.in_angle(|it| {
                let mut all = vec![it.expression()?];
                while it.eat(",") {
                    all.push(it.expression()?);
                }
                Ok(all)
            });
            match template {
                Ok(template) if self.is_mark("(") => {
                    return Ok(ExprKind::Call(Call {
                        name: word,
                        template,
                        arguments: self.arguments()?,
                    }));
                }
                _ => self.at = from,
            }
        }
        Ok(ExprKind::Name(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Expr {
        let span = Span { file: 0, start: 0, end: text.len() as u32 };
        expression(text, span).unwrap_or_else(|error| panic!("{text}: {error:?}"))
    }

    fn all(text: &str) -> Parsed<Vec<Stmt>> {
        statements(text, Span { file: 0, start: 0, end: text.len() as u32 })
    }

    #[test]
    fn comparison_binds_tighter_than_bits() {
        // As in C and Verilog, and not as in our own language.
        let ExprKind::Binary(operator, ..) = one("a & b == c").kind else { panic!("an operator") };
        assert_eq!(operator, Binary::And);
        let ExprKind::Binary(operator, ..) = one("a << b + c").kind else { panic!("an operator") };
        assert_eq!(operator, Binary::Shl);
    }

    #[test]
    fn templates_and_comparisons_are_told_apart() {
        assert!(matches!(one("read_memory<32>(a, $encoding)").kind, ExprKind::Call(_)));
        assert!(matches!(one("a < b").kind, ExprKind::Binary(Binary::Lt, ..)));
        assert!(matches!(one("i < xlen()").kind, ExprKind::Binary(Binary::Lt, ..)));
        let text = "Bits<{1'b0, MXLEN}*2> pair = {X[rs1 + 1], X[rs1]};";
        let [Stmt { kind: StmtKind::Declare(of, name, Some(_)), .. }] =
            &all(text).expect("one")[..]
        else {
            panic!("a declaration")
        };
        assert!(matches!(of, TypeName::Bits(_)));
        assert_eq!(name, "pair");
    }

    #[test]
    fn statements_of_every_form() {
        let text = "XReg a;\nBits<8> b = 8'd1; a[7:0] = b; if (a == 0) { return; } else if (!c) { f(a); } \
                    for (U32 i = 0; i < 8; i++) { X[i] = {8{1'b0}}; } raise(E::A, mode(), $pc) if (a > 3); \
                    CSR[qc.mcause].sw_write(a); CSR[mstatus].MIE = 1; return a ? b : c;";
        assert_eq!(all(text).expect("statements").len(), 9);
        for text in
            ["a = ;", "if a { }", "f(;", "{", "x = {1, 2;", "Bits<3 a;", "for (i = 0; i) {}"]
        {
            assert_eq!(all(text).expect_err("no statement").code, "U011", "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("a = {}1{};", "(".repeat(4000), ")".repeat(4000));
        assert_eq!(all(&text).expect_err("too deep").code, "U011");
    }
}
