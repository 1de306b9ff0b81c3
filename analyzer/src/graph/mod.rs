//! The graph of modes: from which mode to which an instruction or a trap leads, in some admitted state.
//!
//! Each edge has a state that was replayed, and that there is none is proved. An edge of a trap is one of an
//! instruction that takes it: the trap is taken and its sequence ends in the other mode.

use std::fmt::Write as _;

use model::interp::Outcome;
use model::isa::{Class, Isa, Profile, TrapId};
use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, EdgeReference, NodeIndex};
use petgraph::visit::EdgeRef;
use rayon::prelude::*;
use serde::Serialize;

use crate::analyze::{Options, solving};
use crate::progress::{Progress, Step, during};
use crate::prove::context::{Context, Tally};
use crate::prove::inquiry::Inquiry;
use crate::prove::problem::Problem;
use crate::prove::replay::Played;
use crate::prove::setting::Setting;
use crate::report::SCHEMA;
use crate::symbolic::execute::{TrapExit, after_trap};
use crate::symbolic::facts::Facts;
use crate::symbolic::state::State;
use crate::symbolic::term::Term;
use crate::traps::derive::{End, InMode, Mode, Which, modes};
use crate::traps::no_pair;

/// What leads from one mode to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// `instruction` or `trap`.
    pub kind: &'static str,
    /// The decode class, or the trap.
    pub name: String,
    /// An instruction that completes in the user mode of some pair, in some state.
    pub unprivileged: bool,
    /// Whether there is such a state is not settled.
    pub undecided: bool,
}

/// The modes and what leads from one to another.
#[derive(Debug)]
pub struct ModeGraph {
    /// Short name of the machine.
    pub isa: String,
    /// The graph.
    pub graph: DiGraph<String, Edge>,
}

/// Derives the graph.
pub fn mode_graph(isa: &Isa, options: &Options<'_>, progress: &Progress<'_>) -> ModeGraph {
    let (pair, tally, backend) = (no_pair(), Tally::default(), solving(options));
    let setting = Setting::new(isa, &pair, Profile::Refined);
    let context = Context { setting, backend: &backend, tally: &tally };
    let modes = modes(isa);
    let step = |step: Step<'_>| progress(step, isa.classes.len());
    let found: Vec<Vec<Found>> = isa
        .classes
        .par_iter()
        .with_max_len(1)
        .map(|class| during(&step, &class.name, || of_class(context, class, &modes)))
        .collect();
    let mut graph: DiGraph<String, Edge> = DiGraph::new();
    let nodes: Vec<NodeIndex> = modes.iter().map(|it| graph.add_node(it.name.clone())).collect();
    for Found { from, to, edge } in found.into_iter().flatten() {
        let (from, to) = (nodes[from], nodes[to]);
        // A trap that many instructions take is one edge.
        let same = graph
            .edges_connecting(from, to)
            .find(|it| (it.weight().kind, &it.weight().name) == (edge.kind, &edge.name))
            .map(|it| it.id());
        match same {
            Some(known) => graph[known].undecided &= edge.undecided,
            None => drop(graph.add_edge(from, to, edge)),
        }
    }
    ModeGraph { isa: isa.name.clone(), graph }
}

/// One edge of a class, by the numbers of the modes.
struct Found {
    from: usize,
    to: usize,
    edge: Edge,
}

fn of_class(context: Context<'_>, class: &Class, modes: &[Mode]) -> Vec<Found> {
    let isa = context.setting.isa;
    let mut inquiry = Inquiry::new(context, class);
    let mut all = Vec::new();
    let mut completes_in_user = false;
    for (from, mode) in modes.iter().enumerate() {
        let it = InMode::new(&mut inquiry.session.problem, mode);
        let is_user = isa.pairs.iter().any(|pair| mode.which == Which::One(pair.user.1));
        if is_user && !completes_in_user {
            let goal = [it.run.transition.completes];
            let shows = |side: &Played| End::of(side) == End::Completes;
            completes_in_user = it.ask(&mut inquiry, mode, &goal, shows).is_witnessed();
        }
        let transition = it.run.transition.clone();
        let mut ways: Vec<(End, Term, State)> =
            vec![(End::Completes, transition.completes, transition.after.clone())];
        for exit in &transition.traps {
            if let Some((when, after)) = behind(&mut inquiry.session.problem, exit) {
                ways.push((End::Traps(exit.trap), when, after));
            }
        }
        for (to, target) in modes.iter().enumerate().filter(|(to, _)| *to != from) {
            let mut known: Vec<End> = Vec::new();
            for (end, when, after) in &ways {
                if known.contains(end) {
                    continue;
                }
                let there = is_in(&mut inquiry.session.problem, after, target);
                let found = it.ask(&mut inquiry, mode, &[*when, there], |side| {
                    End::of(side) == *end && after_of(side).is_some_and(|it| target.admits(isa, it))
                });
                if found.is_absent() {
                    continue;
                }
                let undecided = !found.is_witnessed();
                if !undecided {
                    known.push(*end);
                }
                let (kind, name) = match end {
                    End::Traps(TrapId(id)) => ("trap", isa.traps[*id as usize].name.clone()),
                    _ => ("instruction", class.name.clone()),
                };
                let edge = Edge { kind, name, unprivileged: false, undecided };
                all.push(Found { from, to, edge });
            }
        }
    }
    for found in all.iter_mut().filter(|it| it.edge.kind == "instruction") {
        found.edge.unprivileged = completes_in_user;
    }
    all
}

/// When a trap is taken and its sequence comes to an end, and the state behind it.
fn behind(problem: &mut Problem<'_>, exit: &TrapExit) -> Option<(Term, State)> {
    if problem.terms.is_false(exit.when) {
        return None;
    }
    let (after, strange) = after_trap(problem.isa, &mut problem.terms, exit, &Facts::default());
    let ends = problem.terms.not(strange);
    Some((problem.terms.and(exit.when, ends), after))
}

/// The condition for a state to be in a mode.
fn is_in(problem: &mut Problem<'_>, state: &State, mode: &Mode) -> Term {
    let Some(part) = problem.isa.mode else { return problem.terms.bool(true) };
    let found = state.part(&mut problem.terms, part);
    let isa = problem.isa;
    let mut is = |value: u128| {
        let value = problem.terms.constant(value, part.width);
        problem.terms.eq(found, value)
    };
    match mode.which {
        Which::One(value) => is(value),
        Which::Any => problem.terms.bool(true),
        Which::Unnamed => {
            let named: Vec<Term> = isa.modes().iter().map(|(_, value)| is(*value)).collect();
            let named = problem.terms.any(named);
            problem.terms.not(named)
        }
    }
}

/// The state in which a run ended.
fn after_of(side: &Played) -> Option<&model::state::State> {
    match &side.outcome {
        Outcome::Step(state) | Outcome::Trap(_, state) => Some(state),
        Outcome::Unpredictable | Outcome::Unknown => None,
    }
}

impl ModeGraph {
    /// Some edge is undecided.
    pub fn is_open(&self) -> bool {
        self.graph.edge_weights().any(|edge| edge.undecided)
    }

    /// Edges of one kind from one mode to another, in one: instructions that are privileged, others, traps.
    pub(crate) fn bundles(&self) -> DiGraph<&str, (&'static str, Vec<String>)> {
        let mut bundled = DiGraph::new();
        let nodes: Vec<NodeIndex> =
            self.graph.node_weights().map(|name| bundled.add_node(name.as_str())).collect();
        for from in self.graph.node_indices() {
            for to in self.graph.node_indices() {
                let mut edges: Vec<_> = self.graph.edges_connecting(from, to).collect();
                edges.sort_by_key(EdgeRef::id);
                for sort in SORTS {
                    let own =
                        edges.iter().map(EdgeReference::weight).filter(|it| sort_of(it) == sort);
                    let open = |it: &Edge| if it.undecided { "?" } else { "" };
                    let names: Vec<String> =
                        own.map(|it| format!("{}{}", it.name, open(it))).collect();
                    if !names.is_empty() {
                        bundled.add_edge(nodes[from.index()], nodes[to.index()], (sort, names));
                    }
                }
            }
        }
        bundled
    }

    /// In the language of Graphviz: traps are dashed, instructions that complete in user mode red.
    pub fn dot(&self) -> String {
        let bundles = self.bundles();
        let config = [Config::EdgeNoLabel, Config::NodeNoLabel];
        let edge = |_, edge: EdgeReference<'_, (&'static str, Vec<String>)>| {
            let (sort, names) = edge.weight();
            let style = match *sort {
                UNPRIVILEGED => ", color = red, fontcolor = red, penwidth = 2",
                TRAP => ", style = dashed",
                _ => "",
            };
            format!("label = {}{style}", quoted(&broken(names)))
        };
        let node = |_, (_, name): (NodeIndex, &&str)| format!("label = {}", quoted(name));
        let dot = Dot::with_attr_getters(&bundles, &config, &edge, &node);
        format!("{dot:?}").replacen("digraph {", &format!("digraph {} {{", quoted(&self.isa)), 1)
    }

    /// A line for each edge.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let bundles = self.bundles();
        for edge in bundles.edge_references() {
            let (sort, names) = edge.weight();
            let (from, to) = (bundles[edge.source()], bundles[edge.target()]);
            let _ = writeln!(out, "{from} → {to}  {sort}: {}", names.join(", "));
        }
        if self.is_open() {
            out.push_str("\nWhat has a question mark is undecided.\n");
        }
        out
    }

    /// As data.
    pub fn json(&self) -> serde_json::Value {
        let graph = &self.graph;
        let flat = |it: EdgeReference<'_, Edge>| {
            let mut edge = serde_json::json!(it.weight());
            edge["from"] = graph[it.source()].as_str().into();
            edge["to"] = graph[it.target()].as_str().into();
            edge
        };
        let edges: Vec<serde_json::Value> = graph.edge_references().map(flat).collect();
        let modes: Vec<&String> = graph.node_weights().collect();
        serde_json::json!({"schema": SCHEMA, "isa": self.isa, "modes": modes, "edges": edges})
    }
}

pub(crate) const PRIVILEGED: &str = "instructions";
pub(crate) const UNPRIVILEGED: &str = "unprivileged instructions";
pub(crate) const TRAP: &str = "traps";
const SORTS: [&str; 3] = [PRIVILEGED, UNPRIVILEGED, TRAP];

fn sort_of(edge: &Edge) -> &'static str {
    match (edge.kind, edge.unprivileged) {
        ("trap", _) => TRAP,
        (_, true) => UNPRIVILEGED,
        (_, false) => PRIVILEGED,
    }
}

/// A few names on each line.
fn broken(names: &[String]) -> String {
    const LINE: usize = 40;
    let (mut out, mut column) = (String::new(), 0);
    for (i, name) in names.iter().enumerate() {
        if column > LINE {
            out.push('\n');
            column = 0;
        }
        let comma = if i + 1 < names.len() { ", " } else { "" };
        let _ = write!(out, "{name}{comma}");
        column += name.len() + 2;
    }
    out
}

/// A string of Graphviz.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
