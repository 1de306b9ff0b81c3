//! The stages of an analysis, and whole analyses, timed.

#![allow(missing_docs, reason = "the macros of the harness define items without documentation")]

use std::hint::black_box;

use analyzer::report::page::{self, Style};
use analyzer::{Options, analyze};
use criterion::{Criterion, criterion_group, criterion_main};
use model::Loaded;
use model::diagnostic::Sources;
use model::isa::Profile;

fn load(name: &str, sources: &mut Sources) -> Loaded {
    let path = format!("{}/../isa-specs/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let open = |p: &str| std::fs::read_to_string(p).map_err(|e| e.to_string());
    model::load(&path, &open, sources).expect("bundled specifications load")
}

fn stages(c: &mut Criterion) {
    for name in ["g3", "pdp10", "m68000", "x86-legacy"] {
        let mut group = c.benchmark_group(name);
        group.sample_size(10);
        group.bench_function("load and check", |b| {
            b.iter(|| load(black_box(name), &mut Sources::default()));
        });
        let mut sources = Sources::default();
        let loaded = load(name, &mut sources);
        let options = Options { profile: Profile::Refined, pair: None, timeout: None };
        group.bench_function("decide", |b| {
            b.iter(|| analyze(black_box(&loaded.isa), &sources, options, &|_, _| {}));
        });
        let report = analyze(&loaded.isa, &sources, options, &|_, _| {});
        group.bench_function("report", |b| {
            b.iter(|| page::render(black_box(&report), Style::default()));
        });
        group.finish();
    }
}

criterion_group!(benches, stages);
criterion_main!(benches);
