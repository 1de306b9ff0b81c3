//! Importing the RISC-V Unified Database: a small folder written for these tests, and a whole one where there is one.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::Command;

use analyzer::import::riscv_unified_db::{Choices, Imported, import};
use model::diagnostic::Sources;

/// A folder with a whole database: named by the environment, or unpacked from an archive beside the project.
fn whole() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("RISCV_UNIFIED_DB") {
        return Some(folder.into());
    }
    let archive = PathBuf::from("../../shared/corpora/riscv-unified-db/data.tar.xz");
    if !archive.exists() {
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("riscv-unified-db");
    std::fs::create_dir_all(&folder).unwrap();
    let unpacked = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(&folder).status();
    unpacked.is_ok_and(|it| it.success()).then_some(folder)
}

fn loaded(it: &Imported) -> model::Loaded {
    let open = |_: &str| Ok(it.text.clone());
    let mut sources = Sources::default();
    model::load("imported.yaml", &open, &mut sources).unwrap_or_else(|errors| {
        let texts: Vec<String> = errors.iter().take(12).map(|it| it.render(&sources, false)).collect();
        panic!("{} errors:\n{}", errors.len(), texts.join("\n"))
    })
}

#[test]
fn the_whole_database_is_translated() {
    let Some(folder) = whole() else { return };
    let imported = import(&folder, &Choices::default()).unwrap();
    println!("{}", imported.counts.text());
    for it in &imported.found {
        println!("{}\n", it.render(&imported.sources, false));
    }
    if let Some(path) = std::env::var_os("IMPORTED") {
        std::fs::write(path, &imported.text).unwrap();
    }
    loaded(&imported);
}
