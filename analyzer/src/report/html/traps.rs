//! The table of traps: what completes and what traps, in which mode and under which conditions.

use super::Machine;
use super::markup::Markup;
use super::verdicts::section;
use crate::traps::text::together;

pub(super) fn render(page: &mut Markup, it: Machine<'_>) {
    let table = &it.exhibit.traps;
    section(page, &it.anchors.part("traps"), "Traps", |page| {
        page.leaf("p", &[("class", "note")], "What each instruction does in each mode, for all states that the assumptions admit; instructions that do the same stand together.");
        if table.is_open() {
            page.leaf("p", &[("class", "note")], "Something is undecided.");
        }
        page.element("table", &[("class", "trap-table")], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    for head in ["Instructions", "Mode", "What happens"] {
                        page.leaf("th", &[("scope", "col")], head);
                    }
                });
            });
            page.element("tbody", &[], |page| {
                for (names, modes) in together(&table.instructions) {
                    let rows = modes.len().to_string();
                    for (i, (modes, lines)) in modes.iter().enumerate() {
                        page.element(
                            "tr",
                            if i == 0 { &[("class", "first")] } else { &[] },
                            |page| {
                                if i == 0 {
                                    page.leaf(
                                        "th",
                                        &[("scope", "rowgroup"), ("rowspan", &rows)],
                                        &names,
                                    );
                                }
                                page.leaf("td", &[], modes);
                                page.element("td", &[], |page| {
                                    for (i, line) in lines.iter().enumerate() {
                                        if i > 0 {
                                            page.empty("br", &[]);
                                        }
                                        page.text(line);
                                    }
                                });
                            },
                        );
                    }
                }
            });
        });
    });
}
