//! `analyze import`.

use std::path::Path;

use refvmm::files;

use crate::arguments::{Import, ImportFrom, UnifiedDb};
use crate::database;
use crate::terminal::{Exit, could_not_run, print};

pub(crate) fn run(import: &Import) -> Exit {
    match &import.from {
        ImportFrom::RiscvUnifiedDb(it) => unified_db(it),
    }
}

fn unified_db(it: &UnifiedDb) -> Exit {
    let imported = match database::import(&it.folder, &it.database) {
        Ok(imported) => imported,
        Err(why) => return could_not_run(&it.folder, &why),
    };
    let exit = database::exit(&imported.counts);
    let Some(path) = &it.output else { return exit.worse(print(&imported.text)) };
    if Path::new(path).exists() && !it.force {
        return could_not_run(path, "the file exists; --force writes over it");
    }
    match files::write_whole(Path::new(path), imported.text.as_bytes()) {
        Ok(()) => exit,
        Err(error) => could_not_run(path, &error.to_string()),
    }
}
