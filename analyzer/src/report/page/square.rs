//! The commuting square f(i(S)) = i(f(S)), filled in.

use super::layout::Page;
use crate::report::{LessonRow, Refutation, Shows};

/// What i(S) has, and what X has instead: values of one row, or what the instruction does.
pub(super) fn ends(it: &Refutation) -> [String; 2] {
    let explains = |row: &&LessonRow| matches!(row.shows, Shows::MonitorsOwn | Shows::Composed);
    let rows = it.lesson.rows.iter().filter(|row| !explains(row));
    let control = rows.clone().find(|row| row.shows == Shows::Control);
    let outcome = |i: usize| it.witness.outcomes.get(i).cloned().unwrap_or_default();
    match control.or_else(|| rows.clone().next()) {
        Some(row) => differ(row),
        None => [outcome(0), outcome(1)],
    }
}

/// The square of a refutation.
pub(super) fn broken(page: &mut Page, it: &Refutation) {
    let name = &it.instruction;
    let [above, below] = ends(it);
    page.gap();
    let arrow = format!("-- {name} -->");
    let blank = " ".repeat(arrow.chars().count());
    page.verbatim(6, &format!(" S   {arrow}  i(S)    {above}"));
    page.verbatim(6, &format!(" | f {blank}   | f"));
    page.verbatim(6, &format!(" v   {blank}   v"));
    page.verbatim(6, &format!("f(S) {arrow}   X      {below}    X is not f(i(S))"));
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
        Shows::Wrong => [format!("{name} {}", value(1)), format!("{name} {}", value(3))],
        Shows::MonitorsChange | Shows::MonitorsOwn | Shows::Composed => {
            let was = format!("{name} of the monitor's {}", value(2));
            [was, format!("{name} of the monitor's {}", value(3))]
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
