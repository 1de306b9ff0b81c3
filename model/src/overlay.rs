//! Overlays: a specification that extends another, and patches it by name.

use crate::diagnostic::{Diagnostic, Report, Source, Sources, Span, did_you_mean};
use crate::read::{Context, List, Names, Read, Sp};
use crate::spec::{Assumption, Component, Constant, Instruction, Machine, Patch, Spec, View};
use crate::yaml;

/// What stands before the name of a machine that comes with the program, instead of a folder.
pub const BUNDLED: &str = "(bundled)/";

/// Most files in a chain of `extends:`.
const MAX_OVERLAYS: usize = 16;

/// Reads a file and what it extends, and applies the overlays.
pub(crate) fn read(
    path: &str,
    open: &dyn Fn(&str) -> Result<String, String>,
    sources: &mut Sources,
) -> Result<Spec, Vec<Diagnostic>> {
    let text =
        open(path).map_err(|error| vec![Diagnostic::global("S000", cannot_read(path, &error))])?;
    let overlay = read_one(path, text, sources)?;
    let Some(base) = overlay.extends.clone() else {
        return apply(Spec::empty(overlay.span), overlay);
    };
    let mut base_path = match path.rsplit_once('/') {
        Some((folder, _)) if !base.it.starts_with('/') => format!("{folder}/{}", base.it),
        _ => base.it.clone(),
    };
    let mut opened = open(&base_path);
    // A bare name that is no file is that of a machine which comes with the program.
    if opened.is_err() && !base.it.contains(['/', '\\', '.']) {
        let bundled = format!("{BUNDLED}{}.yaml", base.it);
        if open(&bundled).is_ok() {
            (base_path, opened) = (bundled, Ok(String::new()));
        }
    }
    let fail = |message: String| Err(vec![Diagnostic::error("S020", base.span, message)]);
    if sources.files.iter().any(|f| f.path == base_path) {
        return fail(format!("`{}` extends itself", base.it));
    }
    if sources.files.len() >= MAX_OVERLAYS {
        return fail(format!("more than {MAX_OVERLAYS} files extend each other"));
    }
    if let Err(error) = opened {
        return fail(cannot_read(&base_path, &error));
    }
    let base = read(&base_path, open, sources)?;
    apply(base, overlay)
}

fn cannot_read(path: &str, why: &str) -> String {
    let path = if path.is_empty() { "``" } else { path };
    format!("cannot read {path}: {why}")
}

fn read_one(path: &str, text: String, sources: &mut Sources) -> Result<Spec, Vec<Diagnostic>> {
    let file = sources.files.len() as u32;
    sources.files.push(Source { path: path.to_owned(), text });
    let text = &sources.files[file as usize].text;
    if text
        .trim_start_matches('\u{feff}')
        .lines()
        .all(|l| l.trim().is_empty() || l.trim_start().starts_with('#'))
    {
        return Err(vec![Diagnostic::global("S005", format!("{path} is empty")).help(
            "a specification begins with `pgisa: 1` and `isa: name`; see isa-specs/README.md",
        )]);
    }
    let node = yaml::parse(text, file)?;
    let mut cx = Context { report: Report::default(), sources };
    let spec = Spec::read(&node, &mut cx);
    if let Some(spec) = &spec {
        let start = Span { end: node.span.start, ..node.span };
        match &spec.pgisa {
            None => cx.report.push(
                Diagnostic::error("S006", start, "`pgisa:` is missing")
                    .help("begin the file with `pgisa: 1`"),
            ),
            Some(version) if version.it != 1 => cx.report.push(
                Diagnostic::error(
                    "S006",
                    version.span,
                    "this version of the language is not known",
                )
                .help("this program reads `pgisa: 1`"),
            ),
            Some(_) => {}
        }
        if spec.isa.is_none() {
            cx.report.push(
                Diagnostic::error("S006", start, "`isa:` is missing")
                    .help("name it: `isa: my-machine`"),
            );
        }
    }
    match spec {
        Some(spec) if !cx.report.failed() => Ok(spec),
        _ => Err(cx.report.finish()),
    }
}

/// Something an overlay may patch by name.
trait Patched: Sized {
    fn patch(&self) -> Option<Sp<Patch>>;

    /// The combination for `patch: before`, where that is possible.
    fn before(self, _old: &Self) -> Option<Self> {
        None
    }
}

macro_rules! patched {
    ($($name:ident)*) => {
        $(impl Patched for $name {
            fn patch(&self) -> Option<Sp<Patch>> {
                self.patch
            }
        })*
    };
}

patched! { Component Constant View Assumption }

impl Patched for Instruction {
    fn patch(&self) -> Option<Sp<Patch>> {
        self.patch
    }

    fn before(self, old: &Self) -> Option<Self> {
        let mut code = self.semantics.unwrap_or_default();
        code.0.extend(old.semantics.clone().unwrap_or_default().0);
        let old = old.clone();
        Some(Self {
            span: self.span,
            encoding: self.encoding.or(old.encoding),
            operands: self.operands.or(old.operands),
            length: self.length.or(old.length),
            syntax: self.syntax.or(old.syntax),
            semantics: Some(code),
            cases: self.cases.or(old.cases),
            // The old examples are about what is patched.
            runs: self.runs,
            expect: self.expect.or(old.expect),
            allow: self.allow.or(old.allow),
            notes: self.notes.or(old.notes),
            sources: self.sources.or(old.sources),
            patch: None,
        })
    }
}

/// Applies an overlay to its base.
fn apply(base: Spec, overlay: Spec) -> Result<Spec, Vec<Diagnostic>> {
    let mut errors = Report::default();
    let spec = Spec {
        span: overlay.span,
        pgisa: overlay.pgisa,
        isa: overlay.isa,
        title: overlay.title.or(base.title),
        year: overlay.year.or(base.year),
        extends: overlay.extends,
        sources: added(base.sources, overlay.sources),
        notes: added(base.notes, overlay.notes),
        numbering: overlay.numbering.or(base.numbering),
        endian: overlay.endian.or(base.endian),
        constants: patched(base.constants, overlay.constants, &mut errors),
        state: patched(base.state, overlay.state, &mut errors),
        views: patched(base.views, overlay.views, &mut errors),
        functions: added(base.functions, overlay.functions),
        machine: machine(base.machine, overlay.machine, &mut errors),
        assume: patched(base.assume, overlay.assume, &mut errors),
        instructions: patched(base.instructions, overlay.instructions, &mut errors),
        expect: overlay.expect.or(base.expect),
    };
    if errors.failed() { Err(errors.finish()) } else { Ok(spec) }
}

fn added<T>(base: Option<List<T>>, overlay: Option<List<T>>) -> Option<List<T>> {
    match (base, overlay) {
        (Some(mut base), Some(overlay)) => {
            base.0.extend(overlay.0);
            Some(base)
        }
        (base, overlay) => base.or(overlay),
    }
}

fn patched<T: Patched>(
    base: Option<Names<T>>,
    overlay: Option<Names<T>>,
    errors: &mut Report,
) -> Option<Names<T>> {
    if base.is_none() && overlay.is_none() {
        return None;
    }
    let mut all = base.unwrap_or_default().0;
    for (name, item) in overlay.unwrap_or_default().0 {
        let old = all.iter().position(|(n, _)| n.it == name.it);
        match (old, item.patch()) {
            (None, None) => all.push((name, item)),
            (Some(old), Some(patch)) => match patch.it {
                Patch::Remove => {
                    all.remove(old);
                }
                // It stands where it was changed last.
                Patch::Replace => all[old] = (name, item),
                Patch::Before => match item.before(&all[old].1) {
                    Some(merged) => all[old] = (name, merged),
                    None => errors.push(
                        Diagnostic::error(
                            "S021",
                            patch.span,
                            "only instructions can be patched before",
                        )
                        .help("use `patch: replace`"),
                    ),
                },
            },
            (Some(old), None) => {
                let message = format!("`{}` exists in the base specification", name.it);
                errors.push(
                    Diagnostic::error("S022", name.span, message)
                        .related(all[old].0.span, "the existing one")
                        .help("say what to do with it: `patch: before`, `patch: replace` or `patch: remove`"),
                );
            }
            (None, Some(patch)) => {
                let message = format!("there is no `{}` to patch", name.it);
                let error = Diagnostic::error("S023", patch.span, message);
                errors.push(
                    error.help(
                        did_you_mean(&name.it, all.iter().map(|(n, _)| n.it.as_str()))
                            .unwrap_or_else(|| {
                                "`patch:` changes what the file named by `extends:` has; without it something new is added".into()
                            }),
                    ),
                );
            }
        }
    }
    Some(Names(all))
}

fn machine(
    base: Option<Machine>,
    overlay: Option<Machine>,
    errors: &mut Report,
) -> Option<Machine> {
    let (Some(base), Some(new)) = (&base, &overlay) else { return overlay.or(base) };
    match new.patch {
        Some(Sp { it: Patch::Replace, .. }) => {}
        Some(Sp { span, .. }) => {
            errors.push(Diagnostic::error(
                "S021",
                span,
                "the machine section knows only `patch: replace`",
            ));
        }
        None => errors.push(
            Diagnostic::error("S022", new.span, "the base specification has a machine section")
                .help("say `patch: replace`: the keys given here replace those of the base"),
        ),
    }
    let (base, new) = (base.clone(), new.clone());
    Some(Machine {
        span: new.span,
        modes: new.modes.or(base.modes),
        address: new.address.or(base.address),
        address_width: new.address_width.or(base.address_width),
        window: new.window.or(base.window),
        traps: new.traps.or(base.traps),
        trap_argument: new.trap_argument.or(base.trap_argument),
        psw: new.psw.or(base.psw),
        on_trap: new.on_trap.or(base.on_trap),
        trap_cells: new.trap_cells.or(base.trap_cells),
        advance: new.advance.or(base.advance),
        fetch: new.fetch.or(base.fetch),
        unlisted: new.unlisted.or(base.unlisted),
        reset: new.reset.or(base.reset),
        halted: new.halted.or(base.halted),
        patch: None,
    })
}
