//! The commuting square f(i(S)) = i(f(S)), filled in.

use super::layout::Page;
use crate::report::{LessonRow, Refutation, Shows};

/// The square of a refutation: what i(S) has, and what X has instead.
pub(super) fn broken(page: &mut Page, it: &Refutation) {
    let name = &it.instruction;
    let row = it
        .lesson
        .rows
        .iter()
        .filter(|row| !matches!(row.shows, Shows::MonitorsOwn | Shows::Composed));
    let first = row.clone().find(|row| row.shows == Shows::Control);
    let outcome = |i: usize| it.witness.outcomes.get(i).cloned().unwrap_or_default();
    let [above, below] = match first.or_else(|| row.clone().next()) {
        Some(row) => differ(row),
        None => [outcome(0), outcome(1)],
    };
    let right = |text: String| if text.is_empty() { text } else { format!("    {text}") };
    page.gap();
    let arrow = format!("-- {name} -->");
    let blank = " ".repeat(arrow.chars().count());
    page.verbatim(6, &format!(" S   {arrow}  i(S){}", right(above)));
    page.verbatim(6, &format!(" | f {blank}   | f"));
    page.verbatim(6, &format!(" v   {blank}   v"));
    page.verbatim(6, &format!("f(S) {arrow}   X  {}    X is not f(i(S))", right(below)));
    page.gap();
}

/// What a row has in i(S) and in X.
fn differ(row: &LessonRow) -> [String; 2] {
    let value = |i: usize| row.values.get(i).map_or("", String::as_str);
    let name = &row.name;
    match row.shows {
        Shows::Control => {
            [format!("{name} {}", value(1)), format!("{name} {} for the monitor", value(0))]
        }
        Shows::Wrong if value(1).is_empty() => [String::new(), format!("{name} {}", value(3))],
        Shows::Wrong => [format!("{name} {}", value(1)), format!("{name} {}", value(3))],
        Shows::MonitorsChange | Shows::MonitorsOwn | Shows::Composed => {
            [String::new(), format!("{name} {}, and it was {}", value(3), value(2))]
        }
    }
}

/// The square of a privileged instruction.
pub(super) fn commutes(page: &mut Page, name: &str) {
    let wide = name.chars().count().max("trap".len());
    let arrow = |text: &str| format!("-- {text} {}-->", "-".repeat(wide - text.chars().count()));
    let blank = " ".repeat(arrow("").chars().count());
    page.gap();
    page.verbatim(6, &format!(" S   {}   i(S)", arrow(name)));
    page.verbatim(6, &format!(" | f {blank}    | f"));
    page.verbatim(6, &format!(" v   {blank}    v"));
    let caption = format!("{name} traps, and the monitor carries it out");
    page.verbatim(6, &format!("f(S) {}  f(i(S))    {caption}", arrow("trap")));
    page.gap();
}
