//! The graph of modes: what leads from one to another, drawn by a small layout of our own. Modes stand on a circle, and
//! a curve for each sort of edge bends to its right, so that both directions can be seen.

use petgraph::graph::{EdgeReference, NodeIndex};
use petgraph::visit::EdgeRef;

use super::Machine;
use super::flow::{frame, place};
use super::markup::Markup;
use super::verdicts::section;
use crate::graph::{TRAP, UNPRIVILEGED};

type Point = (f64, f64);

/// The edges of one sort from one mode to another.
struct Edge {
    from: usize,
    to: usize,
    sort: &'static str,
    names: Vec<String>,
}

const WIDTH: f64 = 480.0;
/// Half the height of a mode's frame.
const TALL: f64 = 17.0;
/// Edges that have room for numbers.
const NUMBERED: usize = 26;

pub(super) fn render(page: &mut Markup, it: Machine<'_>) {
    let bundles = it.exhibit.modes.bundles();
    // A mode that nothing leads to or from is not drawn.
    let linked = |node: &NodeIndex| bundles.neighbors_undirected(*node).next().is_some();
    let nodes: Vec<NodeIndex> = bundles.node_indices().filter(linked).collect();
    let modes: Vec<&str> = nodes.iter().map(|node| bundles[*node]).collect();
    let number = |node| nodes.iter().position(|other| *other == node);
    let edge = |edge: EdgeReference<'_, (&'static str, Vec<String>)>| {
        let (sort, names) = edge.weight().clone();
        Some(Edge { from: number(edge.source())?, to: number(edge.target())?, sort, names })
    };
    let edges: Vec<Edge> = bundles.edge_references().filter_map(edge).collect();
    section(page, &it.anchors.part("modes"), "Modes", |page| {
        let open = it.exhibit.modes.is_open();
        let rest =
            if open { "a question mark: undecided" } else { "that nothing else does is proved" };
        let note = format!(
            "What leads from one mode to another, in some state that was run; {rest}. Red: an instruction that also completes in user mode. Dashed: a trap."
        );
        page.leaf("p", &[("class", "note")], &note);
        if edges.is_empty() {
            page.paragraph("Nothing leads from one mode to another.");
            return;
        }
        page.element("figure", &[("class", "modes")], |page| {
            drawing(page, it, &modes, &edges);
        });
        table(page, &modes, &edges);
    });
}

fn table(page: &mut Markup, modes: &[&str], edges: &[Edge]) {
    page.element("div", &[("class", "scroll")], |page| {
        page.element("table", &[], |page| {
            page.element("thead", &[], |page| {
                page.element("tr", &[], |page| {
                    for head in ["", "from", "to", "by"] {
                        page.leaf("th", &[("scope", "col")], head);
                    }
                });
            });
            page.element("tbody", &[], |page| {
                for (number, edge) in edges.iter().enumerate() {
                    page.element("tr", &[("class", class(edge.sort))], |page| {
                        page.leaf("td", &[], &(number + 1).to_string());
                        page.leaf("td", &[], modes[edge.from]);
                        page.leaf("td", &[], modes[edge.to]);
                        page.leaf(
                            "td",
                            &[("class", "wrap")],
                            &format!("{}: {}", edge.sort, edge.names.join(", ")),
                        );
                    });
                }
            });
        });
    });
}

fn class(sort: &str) -> &'static str {
    match sort {
        UNPRIVILEGED => "edge unprivileged",
        TRAP => "edge trap",
        _ => "edge privileged",
    }
}

/// Half the width of a mode's frame.
fn half(name: &str) -> f64 {
    14.0 + 4.2 * f64::from(name.chars().count() as u32)
}

fn short(name: &str) -> String {
    const MOST: usize = 14;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST - 1).chain(['…']).collect()
    }
}

fn drawing(page: &mut Markup, it: Machine<'_>, modes: &[&str], edges: &[Edge]) {
    let names: Vec<String> = modes.iter().map(|name| short(name)).collect();
    let height = if modes.len() == 2 { 230.0 } else { 380.0 };
    let centre: Point = (WIDTH / 2.0, height / 2.0);
    let radius: Point = (WIDTH / 2.0 - 80.0, height / 2.0 - 50.0);
    let at = |i: usize| -> Point {
        let turn = std::f64::consts::TAU * f64::from(i as u32) / f64::from(modes.len() as u32)
            + if modes.len() == 2 { std::f64::consts::PI } else { -std::f64::consts::FRAC_PI_2 };
        (centre.0 + radius.0 * turn.cos(), centre.1 + radius.1 * turn.sin())
    };
    let (title, about) = (it.anchors.part("modes-t"), it.anchors.part("modes-d"));
    let label = format!("{title} {about}");
    let room = format!("0 0 {WIDTH} {height}");
    let all = [
        ("viewBox", room.as_str()),
        ("class", "drawing"),
        ("role", "img"),
        ("aria-labelledby", &label),
    ];
    page.element("svg", &all, |page| {
        page.leaf("title", &[("id", &title)], &format!("The modes of {}", it.report.isa));
        let said: Vec<String> = edges
            .iter()
            .map(|edge| {
                format!(
                    "from {} to {}: {} of {}",
                    modes[edge.from],
                    modes[edge.to],
                    edge.sort,
                    edge.names.len()
                )
            })
            .collect();
        page.leaf(
            "desc",
            &[("id", &about)],
            &format!("{}. The table below names them.", said.join("; ")),
        );
        for (number, edge) in edges.iter().enumerate() {
            let same = |other: &&Edge| (other.from, other.to) == (edge.from, edge.to);
            let before = edges[..number].iter().filter(same).count();
            let bend = if modes.len() == 2 { 38.0 } else { 16.0 };
            let bend = bend * (1.0 + f64::from(before as u32));
            let ends = [edge.from, edge.to].map(|i| (at(i), half(&names[i])));
            let label = (edges.len() <= NUMBERED).then(|| (number + 1).to_string());
            curve(page, ends, bend, class(edge.sort), label.as_deref());
        }
        for (i, name) in names.iter().enumerate() {
            let ((x, y), half) = (at(i), half(name));
            let sizes = [x - half, y - TALL, 2.0 * half, 2.0 * TALL].map(|n| n.round() as u32);
            frame(page, sizes, 10, "mode");
            place(page, (x.round() as u32, y.round() as u32 + 5), "middle", name);
        }
    });
}

/// Where a line from the middle of a frame leaves it.
fn leaves((x, y): Point, half: f64, (dx, dy): Point) -> Point {
    const APART: f64 = 3.0;
    let (wide, tall) = ((half + APART) / dx.abs().max(1e-6), (TALL + APART) / dy.abs().max(1e-6));
    let t = wide.min(tall);
    (x + dx * t, y + dy * t)
}

fn unit((x, y): Point) -> Point {
    let length = x.hypot(y).max(1e-6);
    (x / length, y / length)
}

/// A curve from one frame to another, bent to its right, with a head and perhaps a number.
fn curve(
    page: &mut Markup,
    [(p, p_half), (q, q_half)]: [(Point, f64); 2],
    bend: f64,
    class: &str,
    label: Option<&str>,
) {
    let (dx, dy) = unit((q.0 - p.0, q.1 - p.1));
    // Twice as far as the curve goes.
    let over =
        (f64::midpoint(p.0, q.0) + dy * 2.0 * bend, f64::midpoint(p.1, q.1) - dx * 2.0 * bend);
    let start = leaves(p, p_half, unit((over.0 - p.0, over.1 - p.1)));
    let end = leaves(q, q_half, unit((over.0 - q.0, over.1 - q.1)));
    let (hx, hy) = unit((end.0 - over.0, end.1 - over.1));
    let wing = |side: f64| {
        let (x, y) = (end.0 - 9.0 * hx - side * 5.0 * hy, end.1 - 9.0 * hy + side * 5.0 * hx);
        format!("{} {}", x.round(), y.round())
    };
    let at = |(x, y): Point| format!("{} {}", x.round(), y.round());
    let line = format!("M{} Q{} {}", at(start), at(over), at(end));
    page.empty("path", &[("d", &line), ("class", class)]);
    let head = format!("M{}L{}L{}", wing(1.0), at(end), wing(-1.0));
    page.empty("path", &[("d", &head), ("class", &format!("{class} head"))]);
    if let Some(label) = label {
        let middle = |a: f64, b: f64, c: f64| (a + 2.0 * b + c) / 4.0;
        let (x, y) =
            (middle(start.0, over.0, end.0).round(), middle(start.1, over.1, end.1).round());
        let (x_text, y_text) = (x.to_string(), y.to_string());
        page.empty("circle", &[("cx", &x_text), ("cy", &y_text), ("r", "9"), ("class", class)]);
        place(page, (x as u32, y as u32 + 4), "number", label);
    }
}
