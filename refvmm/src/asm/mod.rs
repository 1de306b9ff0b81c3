//! An assembler and a disassembler for any machine whose specification has encodings.
//!
//! Mnemonics and operands are those of `syntax:`; the rest is the same for all machines:
//!
//! ```text
//! ; a comment, as is what follows //
//! size = 10                   ; a name for a value; also: .equ size, 10
//!         .org  8             ; goes on at cell 8
//! start:  li    r1, size      ; a label is the address of what follows
//! again:  addi  r1, r1, -1    ; registers by name, where the operand indexes a register file
//!         bne   r1, r0, ->again
//!         halt
//! table:  .word 1, 'a', table + size * 2
//!         .data 4: 0x12345678 ; values of several cells each, in the machine's order
//!         .string "text\n"    ; one character a cell, and a cell of 0; .ascii leaves that out
//!         .space 16, 0xff     ; so many cells of one value; 0 if none is given
//!         .align 4            ; goes on at a multiple
//!         .entry start
//! ```
//!
//! Expressions have the specification language's operators `+ - * / % & | ^ ~ << >>`, the names of
//! labels and constants wherever they are defined, `'c'`, and `.`, the address of the statement.
//! Numbers have 127 bits and a sign. A value fits an operand if it does as an unsigned number or in
//! two's complement.
//!
//! `->target` is `target - (. + length)`: the distance from the next instruction, where the program
//! counter already is. A displacement that counts from elsewhere says so: on the MC68000 it counts
//! from its own place, two cells before the next instruction, hence `bra ->target + 2`.
//! Whether P becomes an operand or moves by it is read off the semantics: the arrow is refused in
//! the one case, a label without it in the other.
//!
//! Of several classes that are written alike, the one whose held operands and conditions admit the
//! values is meant.

mod assemble;
mod disassemble;
mod expression;
mod parse;
mod registers;
mod symbols;
mod syntax;
mod targets;
mod token;

use std::collections::BTreeMap;

use model::diagnostic::{Diagnostic, Source, Sources, Span};
use model::isa::Isa;

pub use disassemble::{disassemble, instruction_at};

/// Longest text, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// Most cells of a program.
const MAX_CELLS: u128 = 1 << 20;

/// Most errors that are looked for.
const MAX_ERRORS: usize = 100;

/// A program: what storage holds before the machine starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Contents of the cells, by physical address.
    pub cells: BTreeMap<u128, u128>,
    /// Where to start, if `.entry` says so.
    pub entry: Option<u128>,
    /// The labels with their addresses.
    pub labels: BTreeMap<String, u128>,
    /// The line, from 1, of what starts at an address.
    pub lines: BTreeMap<u128, usize>,
}

/// Assembles a program. `name` is shown in errors; the text becomes one of the `sources`.
/// All errors are found at once, in order of place.
pub fn assemble(
    isa: &Isa,
    name: &str,
    text: &str,
    sources: &mut Sources,
) -> Result<Image, Vec<Diagnostic>> {
    if text.len() > MAX_TEXT {
        let message = format!("`{name}` has more than {MAX_TEXT} bytes");
        return Err(vec![Diagnostic::global("P042", message)]);
    }
    let file = sources.files.len() as u32;
    sources.files.push(Source { path: name.to_owned(), text: text.to_owned() });
    let mut errors = Errors::default();
    let forms = syntax::Form::all(isa);
    let lines = parse::lines(text, file, &forms, &mut errors);
    let image = assemble::assemble(isa, &forms, &lines, &mut errors);
    errors.finish(image)
}

/// What is wrong with a statement.
#[derive(Debug)]
struct Wrong(Box<Diagnostic>);

/// The result of a step that may find something wrong.
type Checked<T> = Result<T, Wrong>;

impl Wrong {
    fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        let diagnostic = Diagnostic { span: Some(span), ..Diagnostic::global(code, message) };
        Self(Box::new(diagnostic))
    }

    /// Adds what stands at the place.
    fn label(mut self, label: String) -> Self {
        self.0.label = label;
        self
    }

    /// Adds advice, if there is any.
    fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.0.help = help.into();
        self
    }

    /// Adds a second place.
    fn related(mut self, span: Span, label: &str) -> Self {
        self.0.related = Some((span, label.to_owned()));
        self
    }
}

/// Names that are worth comparing with a word: the effort is bounded.
fn suggestions<'n>(
    word: &str,
    known: impl Iterator<Item = &'n str>,
) -> impl Iterator<Item = &'n str> {
    known.filter(|k| word.len() <= 64 && k.len() <= word.len() + 8).take(1000)
}

/// The errors found so far.
#[derive(Debug, Default)]
struct Errors {
    found: Vec<Diagnostic>,
}

impl Errors {
    /// Whether there is no point in looking for more.
    fn full(&self) -> bool {
        self.found.len() >= MAX_ERRORS
    }

    fn push(&mut self, Wrong(diagnostic): Wrong) {
        if !self.full() && !self.found.contains(&diagnostic) {
            self.found.push(*diagnostic);
        }
    }

    /// The image, if nothing was found.
    fn finish(mut self, image: Image) -> Result<Image, Vec<Diagnostic>> {
        if self.found.is_empty() {
            return Ok(image);
        }
        self.found.sort_by_key(|d| d.span);
        Err(self.found)
    }
}
