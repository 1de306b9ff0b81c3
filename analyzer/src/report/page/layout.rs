//! How a page is laid out: paragraphs and columns within a width, plain ASCII where that is wanted, colour where it is.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Paint};

/// How a page is printed.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// No characters beyond ASCII.
    pub ascii: bool,
    /// Terminal escapes for colour.
    pub color: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, ascii: false, color: false }
    }
}

/// A space at which no line is broken.
pub(super) const TIED: char = '\u{a0}';

/// A page below this width would be all line breaks.
const NARROWEST: usize = 60;

/// A text in a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    text: String,
    width: usize,
    paint: Paint,
}

impl Cell {
    pub(super) fn new(width: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), width, paint: Paint::new() }
    }

    pub(super) fn paint(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }
}

pub(super) fn bold() -> Paint {
    Paint::new().bold()
}

pub(super) fn bright(color: AnsiColor) -> Paint {
    bold().fg_color(Some(color.into()))
}

/// A page while it is written.
pub(super) struct Page {
    style: Style,
    out: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        let width = style.width.max(NARROWEST);
        Self { style: Style { width, ..style }, out: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) fn width(&self) -> usize {
        self.style.width
    }

    /// An empty line, unless one stands there already.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A paragraph; lines after the first are indented by `hang`.
    pub(super) fn text(&mut self, indent: usize, hang: usize, text: &str) {
        self.painted(indent, hang, text, Paint::new());
    }

    pub(super) fn painted(&mut self, indent: usize, hang: usize, text: &str, paint: Paint) {
        let width = self.style.width;
        let first = wrap(&self.plain(text), width - indent, width - hang);
        for (i, line) in first.iter().enumerate() {
            let lead = if i == 0 { indent } else { hang };
            let shown = self.shown(line, paint);
            let _ = writeln!(self.out, "{}{shown}", " ".repeat(lead));
        }
    }

    /// A line as it is, of a specification or a drawing: what does not fit goes on in the next line.
    pub(super) fn verbatim(&mut self, indent: usize, line: &str) {
        let line = self.plain(line);
        let all: Vec<char> = line.trim_end().chars().collect();
        let (mut rest, mut indent) = (all.as_slice(), indent);
        loop {
            let room = self.style.width - indent;
            let end = if rest.len() <= room {
                rest.len()
            } else {
                rest[..room].iter().rposition(|c| *c == ' ').filter(|at| *at > 0).unwrap_or(room)
            };
            let now: String = rest[..end].iter().collect();
            let _ = writeln!(self.out, "{}", format!("{}{now}", " ".repeat(indent)).trim_end());
            rest = &rest[end..];
            if rest.is_empty() {
                return;
            }
            indent = indent.max(8);
        }
    }

    /// A heading, with something at the right margin.
    pub(super) fn heading(&mut self, left: &str, right: &str) {
        self.gap();
        let (left, right) = (self.plain(left), self.plain(right));
        let free = self.style.width.checked_sub(length(&left) + length(&right));
        match free.filter(|it| *it >= 2) {
            Some(free) if !right.is_empty() => {
                let left = self.shown(&left, bold());
                let _ = writeln!(self.out, "{left}{}{right}", " ".repeat(free));
            }
            _ => {
                self.painted(0, 4, &left, bold());
                if !right.is_empty() {
                    self.text(4, 4, &right);
                }
            }
        }
    }

    /// Cells side by side, each within its width, two spaces apart.
    pub(super) fn columns(&mut self, indent: usize, cells: &[Cell]) {
        let wrapped: Vec<Vec<String>> =
            cells.iter().map(|it| wrap(&self.plain(&it.text), it.width, it.width)).collect();
        for i in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = " ".repeat(indent);
            for (cell, lines) in cells.iter().zip(&wrapped) {
                let text = lines.get(i).map_or("", String::as_str);
                line.push_str(&self.shown(text, cell.paint));
                line.push_str(&" ".repeat(cell.width - length(text) + 2));
            }
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }

    fn shown(&self, text: &str, paint: Paint) -> String {
        let text = &text.replace(TIED, " ");
        if self.style.color && !text.is_empty() && paint != Paint::new() {
            format!("{paint}{text}{paint:#}")
        } else {
            text.to_owned()
        }
    }

    fn plain(&self, text: &str) -> String {
        if self.style.ascii { ascii(text) } else { text.to_owned() }
    }
}

pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

/// Lines of words within a width, the first within another one. A word that is too long is broken.
pub(super) fn wrap(text: &str, first: usize, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let room = if lines.len() == 1 { first } else { width }.max(1);
            let line = lines.last_mut().expect("there is a first line");
            let space = usize::from(!line.is_empty());
            if length(line) + space + word.len() <= room {
                line.push_str(&" ".repeat(space));
                line.extend(word);
                break;
            }
            if line.is_empty() {
                line.extend(word.drain(..room));
            }
            lines.push(String::new());
        }
    }
    lines
}

/// Text whose lines are longer than a width, in lines that are not; what goes on stands a little further in.
pub fn folded(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let rest = line.trim_start();
        let indent = length(line) - length(rest);
        let [first, more] = [indent, indent + 2].map(|it| width.saturating_sub(it));
        for (i, part) in wrap(rest, first, more).iter().enumerate() {
            let margin = if i == 0 { indent } else { indent + 2 };
            let _ = writeln!(out, "{}", format!("{:margin$}{part}", "").trim_end());
        }
    }
    out
}

/// The same in ASCII: a character that has no like there is a question mark.
pub fn ascii(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        let known = LIKE.iter().find(|(other, _)| *other == c);
        match known {
            _ if c.is_ascii() => out.push(c),
            Some((_, like)) => out.push_str(like),
            None => out.push('?'),
        }
    }
    out
}

const LIKE: &[(char, &str)] = &[
    ('·', "."),
    ('—', "-"),
    ('–', "-"),
    ('−', "-"),
    ('…', "..."),
    ('≤', "<="),
    ('≥', ">="),
    ('≠', "!="),
    ('→', "->"),
    ('←', "<-"),
    ('′', "'"),
    ('’', "'"),
    ('‘', "'"),
    ('“', "\""),
    ('”', "\""),
    ('⟨', "<"),
    ('⟩', ">"),
    ('×', "x"),
    ('⊕', "(+)"),
    ('⊆', "is within"),
    ('β', "beta"),
    ('§', "section "),
    ('∀', "for all "),
    ('∃', "there is "),
    ('é', "e"),
    ('ö', "o"),
    ('ü', "u"),
    ('ä', "a"),
    ('°', " degrees"),
    ('µ', "u"),
    (TIED, "\u{a0}"),
];

#[cfg(test)]
mod tests {
    use super::{Cell, Page, Style, ascii, folded, wrap};

    #[test]
    fn words_wrap_and_long_ones_are_broken_and_nothing_is_lost() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3, 4), ["abc", "defg", "h ij"]);
        assert_eq!(wrap("", 3, 3), [""]);
    }

    #[test]
    fn long_lines_are_folded_with_an_indent() {
        assert_eq!(folded("a\n  one two three\n\nb\n", 9), "a\n  one two\n    three\n\nb\n");
    }

    #[test]
    fn columns_stand_side_by_side() {
        let mut page = Page::new(Style::default());
        page.columns(1, &[Cell::new(4, "a b c"), Cell::new(3, "x")]);
        assert_eq!(page.finish(), " a b   x\n c\n");
    }

    #[test]
    fn what_ascii_has_no_like_for_is_a_question_mark() {
        assert_eq!(ascii("a ≤ b — β 漢"), "a <= b - beta ?");
    }
}
