//! The files of a database: which there are, and what kind of record each holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::diagnostic::{Diagnostic, Source, Span, did_you_mean};
use model::yaml::{self, Node, Value};
use refvmm::files::read_bounded;

use super::super::idl::types::bits_for;
use super::record::{Record, items, number, text};
use super::{Condition, Csr, Database, Domain, Exception, Extension, Instruction};

/// Most bytes of a file, and most files.
const MAX_BYTES: u64 = 4 << 20;
const MAX_FILES: usize = 20_000;

/// Deepest chain of `$inherits`.
const MAX_INHERITED: u32 = 16;

/// What the folders of the database hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Kind {
    Instruction,
    Csr,
    Extension,
    Exception,
    Parameter,
    /// Parts that encodings inherit.
    Part,
}

/// Folders below `isa`, and what they hold.
const FOLDERS: &[(&str, Kind)] = &[
    ("inst", Kind::Instruction),
    ("csr", Kind::Csr),
    ("ext", Kind::Extension),
    ("exception_code", Kind::Exception),
    ("param", Kind::Parameter),
    ("inst_type", Kind::Part),
    ("inst_subtype", Kind::Part),
    ("inst_opcode", Kind::Part),
    ("inst_var", Kind::Part),
    ("inst_var_type", Kind::Part),
];

/// The folder of the standard files in a checkout, or the folder itself if it has them.
fn standard(folder: &Path) -> Option<PathBuf> {
    let candidates =
        [folder.join("spec/std/isa"), folder.join("std/isa"), folder.join("isa"), folder.into()];
    candidates.into_iter().find(|it| it.join("inst").is_dir() || it.join("csr").is_dir())
}

/// Whether a folder looks like a database.
pub(in super::super) fn is_database(folder: &Path) -> bool {
    folder.is_dir() && standard(folder).is_some()
}

/// The folder of an overlay's files.
fn overlaid(folder: &Path, name: &str) -> Option<PathBuf> {
    let places = ["spec/custom/isa", "custom/isa"].map(|it| folder.join(it).join(name));
    places.into_iter().find(|it| it.is_dir())
}

/// Reads a database, and the overlay of this name over it.
pub(in super::super) fn read(folder: &Path, overlay: Option<&str>) -> Result<Database, String> {
    let base =
        standard(folder).ok_or("it has no folder `inst` or `csr`, here or in `spec/std/isa`")?;
    let mut reader = Reader::default();
    reader.database.folder = folder.display().to_string();
    reader.folder(&base)?;
    if let Some(name) = overlay {
        let folder =
            overlaid(folder, name).ok_or_else(|| format!("there is no overlay `{name}`"))?;
        reader.folder(&folder)?;
    }
    Ok(reader.finish())
}

#[derive(Default)]
struct Reader {
    database: Database,
    /// By path below `isa`.
    nodes: BTreeMap<String, (Kind, Node)>,
}

impl Reader {
    fn folder(&mut self, isa: &Path) -> Result<(), String> {
        for (name, kind) in FOLDERS {
            let mut paths = Vec::new();
            collect(&isa.join(name), "yaml", &mut paths)?;
            for path in paths {
                self.file(isa, &path, *kind);
            }
        }
        let mut paths = Vec::new();
        collect(&isa.join("isa"), "", &mut paths)?;
        for path in paths {
            if path.extension().is_some_and(|it| it == "isa" || it == "idl")
                && let Some(span) = self.open(&path)
            {
                self.database.functions.push(span);
            }
        }
        Ok(())
    }

    /// The text of a file as a source.
    fn open(&mut self, path: &Path) -> Option<Span> {
        let shown = path.display().to_string();
        let read = if self.database.sources.files.len() >= MAX_FILES {
            Err(format!("there are more than {MAX_FILES} files"))
        } else {
            let bytes = read_bounded(path, MAX_BYTES).map_err(|error| error.to_string());
            bytes.and_then(|it| String::from_utf8(it).map_err(|_| "it is not UTF-8".to_owned()))
        };
        match read {
            Ok(text) => {
                let file = self.database.sources.files.len() as u32;
                let end = text.len() as u32;
                self.database.sources.files.push(Source { path: shown, text });
                self.database.files += 1;
                Some(Span { file, start: 0, end })
            }
            Err(why) => {
                self.database
                    .found
                    .push(Diagnostic::global("U001", format!("cannot read {shown}: {why}")));
                None
            }
        }
    }

    fn file(&mut self, isa: &Path, path: &Path, kind: Kind) {
        let Some(span) = self.open(path) else { return };
        let text = &self.database.sources.files[span.file as usize].text;
        match yaml::parse(text, span.file) {
            Ok(node) => {
                let key = path.strip_prefix(isa).unwrap_or(path).display().to_string();
                match self.nodes.remove(&key) {
                    Some((kind, base)) => self.nodes.insert(key, (kind, merged(base, node))),
                    None => self.nodes.insert(key, (kind, node)),
                };
            }
            // The first error of a file is its only one: others follow from it.
            Err(errors) => {
                self.database.found.extend(errors.into_iter().take(1).map(|error| Diagnostic {
                    code: "U002",
                    help: error.help.filter(|_| error.code == "S002"),
                    ..error
                }));
            }
        }
    }

    fn finish(mut self) -> Database {
        let nodes = std::mem::take(&mut self.nodes);
        for (kind, node) in nodes.values() {
            if *kind == Kind::Part {
                continue;
            }
            let node = match inherited(node, &nodes, 0) {
                Ok(node) => node,
                Err(error) => {
                    // What can be read without its missing parts is.
                    self.database.found.push(*error);
                    node.clone()
                }
            };
            self.record(*kind, &node);
        }
        self.database
    }

    fn record(&mut self, kind: Kind, node: &Node) {
        let Database { instructions, csrs, extensions, exceptions, parameters, found, .. } =
            &mut self.database;
        let Some(record) = Record::of(node) else {
            found.push(Diagnostic::error(
                "U004",
                node.span,
                "a record of the database is a mapping",
            ));
            return;
        };
        match kind {
            Kind::Instruction => instructions.extend(Instruction::read(node, found)),
            Kind::Csr => csrs.extend(Csr::read(node, found)),
            Kind::Extension => {
                if let Some(name) = record.needed("name", found) {
                    let requires = record.get("requirements").and_then(Condition::read);
                    extensions.insert(name.it, Extension { requires });
                }
            }
            Kind::Exception => {
                if let Some((name, number)) =
                    record.needed("name", found).zip(record.number("num", found))
                {
                    let defined_by = record.get("definedBy").and_then(Condition::read);
                    exceptions.push(Exception { name: name.it, number, defined_by });
                }
            }
            Kind::Parameter => {
                if let Some(name) = record.needed("name", found) {
                    parameters.insert(name.it, domain(&record));
                }
            }
            Kind::Part => {}
        }
    }
}

/// What the schema of a parameter says of its values; those of an array are its items'.
fn domain(record: &Record<'_>) -> Domain {
    let Some(schema) = record.get("schema").and_then(Record::of) else { return Domain::Other };
    let schema = schema.get("items").and_then(Record::of).unwrap_or(schema);
    let listed = schema.get("enum").map(items).unwrap_or_default();
    let listed = listed.iter().filter_map(|it| text(it).and_then(number)).max();
    match schema.word("type").map(|it| it.it).as_deref() {
        Some("boolean") => Domain::Boolean,
        Some("integer") | None => {
            let most = listed.or_else(|| schema.word("maximum").and_then(|it| number(&it.it)));
            most.map_or(Domain::Bits(64), |most| Domain::Bits(bits_for(most)))
        }
        Some(_) => Domain::Other,
    }
}

/// Files below a folder, in order of their paths.
fn collect(folder: &Path, extension: &str, all: &mut Vec<PathBuf>) -> Result<(), String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|it| it.ok().map(|it| it.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, extension, all)?;
        } else if extension.is_empty() || path.extension().is_some_and(|it| it == extension) {
            all.push(path);
        }
        if all.len() > MAX_FILES {
            return Err(format!("there are more than {MAX_FILES} files in {}", folder.display()));
        }
    }
    Ok(())
}

/// A mapping over another: its keys add or replace, mappings in turn.
fn merged(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Mapping(mut entries), Value::Mapping(added)) => {
            for (key, value) in added {
                match entries.iter_mut().find(|(it, _)| text(it) == text(&key)) {
                    Some(entry) => entry.1 = merged(entry.1.clone(), value),
                    None => entries.push((key, value)),
                }
            }
            Node { span: base.span, value: Value::Mapping(entries) }
        }
        (_, value) => Node { span: over.span, value },
    }
}

/// A node with the parts that `$inherits` names.
fn inherited(
    node: &Node,
    all: &BTreeMap<String, (Kind, Node)>,
    depth: u32,
) -> Result<Node, Box<Diagnostic>> {
    let entries = match &node.value {
        Value::Mapping(entries) => entries,
        Value::Sequence(list) => {
            let list: Result<Vec<Node>, _> =
                list.iter().map(|it| inherited(it, all, depth)).collect();
            return Ok(Node { span: node.span, value: Value::Sequence(list?) });
        }
        Value::Scalar(_) => return Ok(node.clone()),
    };
    let mut result = Node { span: node.span, value: Value::Mapping(Vec::new()) };
    let mut own = Vec::new();
    for (key, value) in entries {
        if text(key) != Some("$inherits") {
            own.push((key.clone(), inherited(value, all, depth)?));
            continue;
        }
        for reference in items(value) {
            let fail = |why: String| Box::new(Diagnostic::error("U003", reference.span, why));
            if depth >= MAX_INHERITED {
                return Err(fail("parts inherit from each other in a circle".into()));
            }
            let wanted = text(reference).unwrap_or_default();
            let (path, pointer) = wanted.split_once('#').unwrap_or((wanted, ""));
            let Some((_, file)) = all.get(path) else {
                let near = did_you_mean(path, all.keys().map(String::as_str));
                let error = fail(format!("there is no file `{path}` to inherit from"));
                return Err(near.map_or(error.clone(), |it| Box::new(error.help(it))));
            };
            let mut part = file;
            for step in pointer.split('/').filter(|it| !it.is_empty()) {
                let next = Record::of(part).and_then(|it| it.get(step));
                part = next.ok_or_else(|| fail(format!("`{path}` has no `{pointer}`")))?;
            }
            result = merged(result, inherited(part, all, depth + 1)?);
        }
    }
    Ok(merged(result, Node { span: node.span, value: Value::Mapping(own) }))
}
