//! Text to statements, one a line.

use std::collections::BTreeMap;

use model::diagnostic::{Span, did_you_mean};

use super::expression::{Cursor, Expression};
use super::syntax::{Form, Part};
use super::token::{Token, tokens};
use super::{Checked, Errors, Wrong, suggestions};

/// One line.
#[derive(Debug)]
pub(super) struct Line<'t> {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Names for the address of what follows.
    pub(super) labels: Vec<(&'t str, Span)>,
    /// What it says, with its place.
    pub(super) statement: Option<(Statement<'t>, Span)>,
}

/// What a line says.
#[derive(Debug)]
pub(super) enum Statement<'t> {
    /// An instruction: the ways its operands can be read.
    Instruction(Vec<Reading<'t>>),
    /// `.org`: goes on at an address.
    Origin(Expression<'t>),
    /// `.word`, `.data`: values of some cells each.
    Data(u32, Vec<Expression<'t>>),
    /// `.string`, `.ascii`: one character a cell.
    Text(String),
    /// `.space`: as many cells of one value.
    Space(Expression<'t>, Option<Expression<'t>>),
    /// `.equ`: a name for a value.
    Constant(&'t str, Expression<'t>),
    /// `.entry`: where to start.
    Entry(Expression<'t>),
    /// `.align`: goes on at a multiple.
    Align(Expression<'t>),
}

/// An instruction read by one form: operands by position.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    /// The form, as an index.
    pub(super) form: usize,
    /// The operands it shows.
    pub(super) operands: Vec<(usize, Expression<'t>)>,
}

/// The directives, with what they take.
const DIRECTIVES: [(&str, &str); 9] = [
    (".align", ".align multiple"),
    (".ascii", ".ascii \"text\""),
    (".data", ".data cells: value, …"),
    (".entry", ".entry address"),
    (".equ", ".equ name, value"),
    (".org", ".org address"),
    (".space", ".space cells, value"),
    (".string", ".string \"text\""),
    (".word", ".word value, …"),
];

/// Reads all lines that say something.
pub(super) fn lines<'t>(
    text: &'t str,
    file: u32,
    forms: &[Form],
    errors: &mut Errors,
) -> Vec<Line<'t>> {
    let mut mnemonics: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, form) in forms.iter().enumerate() {
        mnemonics.entry(form.mnemonic.to_ascii_lowercase()).or_default().push(index);
    }
    let parser = Parser { text, forms, mnemonics };
    let mut all = Vec::new();
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        if errors.full() {
            break;
        }
        let end = start + line.len() as u32;
        let mut read = Line { number: index + 1, labels: Vec::new(), statement: None };
        let result = tokens(line, file, start).and_then(|tokens| {
            let behind = Span { file, start: end, end };
            parser.line(Cursor::new(&tokens, behind), &mut read)
        });
        if let Err(wrong) = result {
            errors.push(wrong);
        }
        if !read.labels.is_empty() || read.statement.is_some() {
            all.push(read);
        }
        start = end + 1;
    }
    all
}

struct Parser<'t, 'f> {
    text: &'t str,
    forms: &'f [Form],
    /// Forms by their first word in lower case.
    mnemonics: BTreeMap<String, Vec<usize>>,
}

impl<'t> Parser<'t, '_> {
    fn line(&self, mut cursor: Cursor<'_, 't>, line: &mut Line<'t>) -> Checked<()> {
        while let (Some(Token::Word(name)), Some(Token::Mark(":"))) =
            (cursor.peek(), cursor.second())
        {
            line.labels.push((plain(name, cursor.here())?, cursor.here()));
            cursor.skip();
            cursor.skip();
        }
        let place = cursor.here();
        let statement = match (cursor.peek(), cursor.second()) {
            (None, _) => return Ok(()),
            (Some(Token::Word(name)), Some(Token::Mark("="))) => {
                cursor.skip();
                cursor.skip();
                Statement::Constant(plain(name, place)?, cursor.expression()?)
            }
            (Some(Token::Word(name)), _) if name.starts_with('.') => {
                cursor.skip();
                directive(name, place, &mut cursor)?
            }
            (Some(Token::Word(mnemonic)), _) => {
                cursor.skip();
                let readings = self.readings(mnemonic, place, &mut cursor)?;
                line.statement = Some((Statement::Instruction(readings), place));
                return Ok(());
            }
            (Some(Token::Number(_) | Token::Text(_) | Token::Mark(_)), _) => {
                return Err(cursor.expected("a label, an instruction or a directive"));
            }
        };
        if cursor.peek().is_some() {
            return Err(cursor.expected("the end of the line"));
        }
        line.statement = Some((statement, place));
        Ok(())
    }

    /// The ways to read an instruction; at least one.
    fn readings(
        &self,
        mnemonic: &str,
        place: Span,
        cursor: &mut Cursor<'_, 't>,
    ) -> Checked<Vec<Reading<'t>>> {
        let Some(forms) = self.mnemonics.get(&mnemonic.to_ascii_lowercase()) else {
            let message = format!("there is no instruction `{mnemonic}`");
            let known = self.mnemonics.keys().map(String::as_str);
            let help = did_you_mean(mnemonic, suggestions(mnemonic, known));
            return Err(Wrong::new("P020", place, message).help(help));
        };
        let mut found = Vec::new();
        // What was read furthest says best what is wrong.
        let mut wrong: Option<(usize, Wrong)> = None;
        for &form in forms {
            let mut at = *cursor;
            match self.operands(&self.forms[form], &mut at) {
                Ok(operands) => found.push(Reading { form, operands }),
                Err(why) if wrong.as_ref().is_none_or(|(left, _)| at.left() < *left) => {
                    wrong = Some((at.left(), why));
                }
                Err(_) => {}
            }
        }
        match wrong {
            Some((_, why)) if found.is_empty() => {
                let texts: Vec<_> =
                    forms.iter().map(|f| format!("`{}`", self.forms[*f].text)).collect();
                let help = format!("it is written {}", texts.join(" or "));
                Err(why.help(help))
            }
            _ => Ok(found),
        }
    }

    /// The operands of an instruction that is written in this form.
    fn operands(
        &self,
        form: &Form,
        cursor: &mut Cursor<'_, 't>,
    ) -> Checked<Vec<(usize, Expression<'t>)>> {
        let mut all = Vec::new();
        for (_, part) in &form.parts {
            match part {
                Part::Operand(index) => all.push((*index, cursor.operand()?)),
                Part::Literal(word) => {
                    let place = cursor.here();
                    let written = &self.text[place.start as usize..place.end as usize];
                    if !written.eq_ignore_ascii_case(word) {
                        return Err(cursor.expected(&format!("`{word}`")));
                    }
                    cursor.skip();
                }
            }
        }
        if cursor.peek().is_some() {
            return Err(cursor.expected("the end of the line"));
        }
        Ok(all)
    }
}

/// A name that is no directive.
fn plain(name: &str, place: Span) -> Checked<&str> {
    if name.starts_with('.') {
        let help = "only directives start with a dot";
        return Err(
            Wrong::new("P012", place, format!("`{name}` cannot be a name")).help(help.to_owned())
        );
    }
    Ok(name)
}

fn directive<'t>(name: &str, place: Span, cursor: &mut Cursor<'_, 't>) -> Checked<Statement<'t>> {
    let lower = name.to_ascii_lowercase();
    let Some((_, usage)) = DIRECTIVES.iter().find(|(known, _)| *known == lower) else {
        let message = format!("there is no directive `{name}`");
        let known = DIRECTIVES.iter().map(|(name, _)| *name);
        let help = did_you_mean(name, suggestions(name, known));
        return Err(Wrong::new("P021", place, message).help(help));
    };
    arguments(&lower, cursor).map_err(|wrong| wrong.help(format!("it is written `{usage}`")))
}

/// What follows a directive.
fn arguments<'t>(directive: &str, cursor: &mut Cursor<'_, 't>) -> Checked<Statement<'t>> {
    Ok(match directive {
        ".align" => Statement::Align(cursor.expression()?),
        ".entry" => Statement::Entry(cursor.expression()?),
        ".org" => Statement::Origin(cursor.expression()?),
        ".word" => Statement::Data(1, list(cursor)?),
        ".data" => {
            let Some(Token::Number(cells @ 1..=128)) = cursor.peek() else {
                return Err(cursor.expected("a number of cells from 1 to 128"));
            };
            cursor.skip();
            if !cursor.eat(":") {
                return Err(cursor.expected("`:`"));
            }
            Statement::Data(*cells as u32, list(cursor)?)
        }
        ".space" => {
            let count = cursor.expression()?;
            let value = cursor.eat(",").then(|| cursor.expression()).transpose()?;
            Statement::Space(count, value)
        }
        ".equ" => {
            let place = cursor.here();
            let Some(Token::Word(name)) = cursor.peek() else {
                return Err(cursor.expected("a name"));
            };
            cursor.skip();
            if !cursor.eat(",") {
                return Err(cursor.expected("`,`"));
            }
            Statement::Constant(plain(name, place)?, cursor.expression()?)
        }
        _ => {
            let Some(Token::Text(text)) = cursor.peek() else {
                return Err(cursor.expected("text in quotation marks"));
            };
            cursor.skip();
            let end = if directive == ".string" { "\0" } else { "" };
            Statement::Text(format!("{text}{end}"))
        }
    })
}

/// One expression or more.
fn list<'t>(cursor: &mut Cursor<'_, 't>) -> Checked<Vec<Expression<'t>>> {
    let mut all = vec![cursor.expression()?];
    while cursor.eat(",") {
        all.push(cursor.expression()?);
    }
    Ok(all)
}
