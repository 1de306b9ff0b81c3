//! The commuting square f(i(S)) = i(f(S)) with values. The script lets a reader step through it; without the script all
//! of it is shown. What a part waits for is its `data-at`, the number of a step.

use super::flow::{frame, place};
use super::markup::Markup;
use crate::report::page::rows::remark;
use crate::report::{LessonRow, Shows};

/// A square that does not commute.
pub(super) struct Broken<'r> {
    pub(super) instruction: &'r str,
    /// The instruction with its operands.
    pub(super) instance: &'r str,
    /// The mode that the guest believes to be in.
    pub(super) mode: String,
    /// The mode in which guests run.
    pub(super) user: &'r str,
    pub(super) rows: &'r [LessonRow],
    pub(super) outcomes: &'r [String],
    /// What is wrong, where that is known in words.
    pub(super) wrong: &'r [String],
    /// Without a sentence for each step.
    pub(super) briefly: bool,
}

const WIDTH: u32 = 360;
const BOX: [u32; 2] = [152, 84];
/// Letters that a line in a corner has room for.
const LETTERS: usize = 20;
/// The upper left corners of S, i(S), f(S) and i(f(S)).
const CORNERS: [(u32, u32); 4] = [(2, 2), (206, 2), (2, 154), (206, 154)];
/// The steps in which they appear.
const STEPS: [&str; 4] = ["1", "3", "2", "4"];
/// Rows that a corner has room for.
const ROWS: usize = 3;

pub(super) fn broken(page: &mut Markup, it: &Broken<'_>) {
    page.element("figure", &[("class", "square"), ("data-steps", "5")], |page| {
        let label = format!("The square of {}, which does not commute", it.instruction);
        let states = "S is the guest’s state, f(S) the real machine’s under the monitor.";
        let caption = if it.briefly { format!("{label}.") } else { format!("{label}. {states}") };
        page.leaf("figcaption", &[], &caption);
        page.element("div", &[("class", "beside")], |page| {
            let titles = [
                format!("S · {}", it.mode),
                "i(S)".to_owned(),
                format!("f(S) · {}", it.user),
                "X = i(f(S))".to_owned(),
            ];
            drawing(page, it, &label, &titles);
            if it.briefly {
                table(page, it);
            } else {
                captions(page, it);
            }
        });
        if !it.briefly {
            table(page, it);
        }
    });
}

fn captions(page: &mut Markup, it: &Broken<'_>) {
    let outcome = |i: usize| it.outcomes.get(i).cloned().unwrap_or_default();
    let wrong =
        if it.wrong.is_empty() { String::new() } else { format!(": {}", it.wrong.join("; ")) };
    let all = [
        format!("S: a guest in virtual {}. It believes the machine to be its own.", it.mode),
        format!("f(S): the monitor has it in a part of storage, and runs it in {}.", it.user),
        format!("On the bare machine {}.", outcome(0)),
        format!("Under the monitor {}, and the monitor does not learn of it.", outcome(1)),
        format!("X is not f(i(S)){wrong}."),
    ];
    page.element("ol", &[("class", "steps")], |page| {
        for (step, text) in (1..).zip(all) {
            page.leaf("li", &[("data-at", &step.to_string())], &text);
        }
    });
}

/// A row at a corner. What a guest changes unnoticed is for the monitor what it was.
fn told(row: &LessonRow, corner: usize) -> String {
    let value = |at: usize| row.values.get(at).map_or("", String::as_str);
    match (corner, row.shows) {
        (3, Shows::Control) => format!("{} still {}", row.name, value(0)),
        _ => format!("{} {}", row.name, value(corner)),
    }
}

fn drawing(page: &mut Markup, it: &Broken<'_>, label: &str, titles: &[String; 4]) {
    let shown: Vec<&LessonRow> = it.rows.iter().take(ROWS).collect();
    picture(page, label, |page| {
        for (corner, title) in titles.iter().enumerate() {
            let class = if corner == 3 { "corner wrong" } else { "corner" };
            page.element("g", &[("data-at", STEPS[corner])], |page| {
                self::corner(page, CORNERS[corner], class, title);
                for (i, row) in shown.iter().enumerate() {
                    let wrong = corner == 3 && remark(row, true).1;
                    let text = cut(&told(row, corner), LETTERS);
                    line(page, CORNERS[corner], i, if wrong { "wrong" } else { "" }, &text);
                }
            });
        }
        across(page, "3", CORNERS[0], it.instruction);
        across(page, "4", CORNERS[2], it.instruction);
        down(page, "2", CORNERS[0], "f", "arrow");
        down(page, "5", CORNERS[1], "f  ≠", "arrow wrong");
    });
}

/// The square of a privileged instruction: it traps, and the monitor carries it out.
pub(super) fn commuting(
    page: &mut Markup,
    (instruction, supervisor, user): (&str, &str, &str),
    rows: &[LessonRow],
) {
    let label = format!("The square of {instruction}, which commutes");
    let titles = [
        format!("S · {supervisor}"),
        "i(S)".to_owned(),
        format!("f(S) · {user}"),
        "f(i(S))".to_owned(),
    ];
    let all = [
        format!("S: a guest in virtual {supervisor}."),
        format!("f(S): the monitor has it in a part of storage, and runs it in {user}."),
        format!("On the bare machine {instruction} completes."),
        "Under the monitor it traps, and the monitor does for the guest what the instruction would have done.".to_owned(),
        "That is the image of i(S): the square commutes.".to_owned(),
    ];
    page.element("figure", &[("class", "square"), ("data-steps", "5")], |page| {
        page.leaf("figcaption", &[], &format!("{label}."));
        page.element("div", &[("class", "beside")], |page| {
            picture(page, &label, |page| {
                for (corner, title) in titles.iter().enumerate() {
                    page.element("g", &[("data-at", STEPS[corner])], |page| {
                        let class = if corner == 3 { "corner right" } else { "corner" };
                        self::corner(page, CORNERS[corner], class, title);
                        let own = corner % 2;
                        for (i, row) in rows.iter().take(ROWS).enumerate() {
                            let value = row.values.get(own).map_or("", String::as_str);
                            let whose = if corner >= 2 { "its " } else { "" };
                            let text = cut(&format!("{whose}{} {value}", row.name), LETTERS);
                            line(page, CORNERS[corner], i, "", &text);
                        }
                    });
                }
                across(page, "3", CORNERS[0], instruction);
                across(page, "4", CORNERS[2], "trap");
                down(page, "2", CORNERS[0], "f", "arrow");
                down(page, "5", CORNERS[1], "f  =", "arrow right");
            });
            page.element("ol", &[("class", "steps")], |page| {
                for (step, text) in (1..).zip(all) {
                    page.leaf("li", &[("data-at", &step.to_string())], &text);
                }
            });
        });
    });
}

fn picture(page: &mut Markup, label: &str, inside: impl FnOnce(&mut Markup)) {
    let room = format!("0 0 {WIDTH} 240");
    let all = [("viewBox", room.as_str()), ("class", "drawing corners"), ("role", "img")];
    page.element("svg", &all, |page| {
        page.leaf("title", &[], label);
        inside(page);
    });
}

fn corner(page: &mut Markup, (x, y): (u32, u32), class: &str, title: &str) {
    frame(page, [x, y, BOX[0], BOX[1]], 8, class);
    place(page, (x + 8, y + 20), "name", &cut(title, LETTERS));
}

fn line(page: &mut Markup, (x, y): (u32, u32), row: usize, class: &str, text: &str) {
    place(page, (x + 8, y + 40 + 17 * row as u32), class, text);
}

/// An arrow from a corner to the right.
fn across(page: &mut Markup, step: &str, (x, y): (u32, u32), text: &str) {
    let (from, to, y) = (x + BOX[0], CORNERS[1].0, y + BOX[1] / 2);
    page.element("g", &[("data-at", step)], |page| {
        let line = format!("M{} {y}H{}m-7 -5l7 5l-7 5", from + 3, to - 3);
        page.empty("path", &[("d", &line), ("class", "arrow")]);
        place(page, (u32::midpoint(from, to), y - 9), "middle", &cut(text, 7));
    });
}

/// An arrow from a corner downwards.
fn down(page: &mut Markup, step: &str, (x, y): (u32, u32), text: &str, class: &str) {
    let (x, from, to) = (x + BOX[0] / 2, y + BOX[1], CORNERS[2].1);
    page.element("g", &[("data-at", step)], |page| {
        let line = format!("M{x} {}V{}m-5 -7l5 7l5 -7", from + 3, to - 3);
        page.empty("path", &[("d", &line), ("class", class)]);
        place(page, (x + 10, u32::midpoint(from, to) + 4), class, text);
    });
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

/// The rows with what each shows.
fn table(page: &mut Markup, it: &Broken<'_>) {
    let image = it.rows.iter().any(|row| row.image.is_some());
    let heads = [("S", "1"), ("i(S)", "3"), ("f(S)", "2"), ("X", "4"), ("f(i(S))", "5")];
    page.element("div", &[("class", "scroll")], |page| {
        page.element("table", &[], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    page.leaf("th", &[], it.instance);
                    for (head, step) in heads.iter().take(if image { 5 } else { 4 }) {
                        page.leaf("th", &[("data-at", step)], head);
                    }
                    page.leaf("th", &[("data-at", "5")], "which shows");
                });
            });
            page.element("tbody", &[], |page| {
                for row in it.rows {
                    let (remark, wrong) = remark(row, true);
                    page.element("tr", if wrong { &[("class", "wrong")] } else { &[] }, |page| {
                        page.element("th", &[], |page| {
                            page.text(&row.name);
                            page.text(" ");
                            page.leaf("small", &[], &row.role);
                        });
                        for value in &row.values {
                            page.leaf("td", &[], value);
                        }
                        if image {
                            page.leaf("td", &[], row.image.as_deref().unwrap_or_default());
                        }
                        page.leaf("td", &[("class", "remark")], remark.trim_start_matches("<- "));
                    });
                }
            });
        });
    });
}
