//! Where a specification comes from: a file, standard input, or those that come with the program.

use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use model::BUNDLED as INSIDE;
use model::diagnostic::did_you_mean;

use crate::files::read_bounded;

/// Most bytes of a specification, or of another text that is read.
pub const MAX_BYTES: u64 = 64 << 20;

/// The folder of the specifications that come with the program.
const FOLDER: &str = "isa-specs";

macro_rules! bundled {
    ($($name:literal)*) => {
        /// The specifications that are compiled in, by name.
        const BUNDLED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../isa-specs/", $name, ".yaml")))),*];
    };
}

bundled! {
    "aarch64" "aarch64-pmu" "alpha-osf" "alpha-vms" "armv7a" "armv7a-pmu" "avr" "g3" "g3-jrst1"
    "g3-lra" "g3-popf" "g3-shrink" "g3-smode" "g3-stb" "i8086" "itanium" "m68000" "m68010" "mips"
    "mit-6004-beta" "pdp10" "pdp10-ka10" "pdp11-45" "powerpc" "riscv" "riscv-h" "riscv-s-without-h"
    "s360-67" "s370" "s370-mp" "sparc-v8" "vax" "x86-legacy" "x86-umip" "z8000"
}

/// The names of the specifications that are compiled in.
pub fn bundled() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|(name, _)| *name)
}

/// The path to load for what a user wrote: itself, or for a bare name that is no file the specification of that name in
/// the folder `isa-specs` here or above, else the one that is compiled in.
pub fn locate(spec: &str) -> String {
    if spec.contains(['/', '\\', '.']) || spec == "-" || Path::new(spec).exists() {
        return spec.to_owned();
    }
    let here = std::env::current_dir().unwrap_or_default();
    let mut up = String::new();
    for folder in here.ancestors() {
        let path = format!("{FOLDER}/{spec}.yaml");
        if folder.join(&path).is_file() {
            return up + &path;
        }
        up.push_str("../");
    }
    let inside = bundled().any(|name| name == spec);
    if inside { format!("{INSIDE}{spec}.yaml") } else { spec.to_owned() }
}

/// The name of a specification that is compiled in, for its path from [`locate`].
pub fn bundled_name(path: &str) -> Option<&str> {
    path.strip_prefix(INSIDE)?.strip_suffix(".yaml")
}

/// The text of a specification or of what it extends; `-` is standard input. The error says what a person can do.
pub fn open(path: &str) -> Result<String, String> {
    if path.is_empty() {
        return Err("the name of the file is empty".into());
    }
    if let Some(name) = bundled_name(path) {
        let found = BUNDLED.iter().find(|(it, _)| *it == name);
        return found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "it is not bundled".into());
    }
    let read =
        if path == "-" { standard_input() } else { read_bounded(Path::new(path), MAX_BYTES) };
    let bytes = read.map_err(|error| {
        let folder = Path::new(path).is_dir();
        let name = error.kind() == std::io::ErrorKind::NotFound && !path.contains(['/', '.']);
        if folder {
            format!("it is a folder; `analyze list {path}` reads all specifications in it")
        } else if name {
            let close = did_you_mean(path, bundled()).map_or(String::new(), |it| format!("; {it}"));
            format!("there is no such file, and no machine of this name is bundled{close}")
        } else {
            error.to_string()
        }
    })?;
    decode(bytes)
}

/// All of it; there is nothing left for a second reader.
fn standard_input() -> std::io::Result<Vec<u8>> {
    static READ: AtomicBool = AtomicBool::new(false);
    if READ.swap(true, Ordering::Relaxed) {
        return Err(std::io::Error::other("standard input is given twice"));
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("it has more than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Text in UTF-8, or where it is none.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let marked = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if marked || bytes.contains(&0) {
        return Err("it is text in UTF-16, or no text: save it as UTF-8".into());
    }
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let bytes = error.as_bytes();
    let place = error.utf8_error().valid_up_to();
    let before = String::from_utf8_lossy(&bytes[..place]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, str::len) + 1;
    let byte = bytes[place];
    Err(format!(
        "line {line}, byte {column} (0x{byte:02x}) is not UTF-8: save it as UTF-8, not as Latin-1"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_specification_of_the_folder_is_bundled() {
        let files = std::fs::read_dir("../isa-specs").expect("the folder is there");
        let paths = files.map(|file| file.expect("it can be listed").path());
        let mut names: Vec<String> = paths
            .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
            .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert!(names.iter().map(String::as_str).eq(bundled()), "{names:?}");
    }

    #[test]
    fn a_bundled_overlay_finds_its_base() {
        let mut sources = model::diagnostic::Sources::default();
        let path = format!("{INSIDE}m68010.yaml");
        let loaded = model::load(&path, &open, &mut sources).expect("it loads");
        assert_eq!(loaded.isa.name, "m68010");
        assert!(open("(bundled)/none.yaml").is_err());
        // So does an overlay of a user's own that names it.
        let over = |base: &str| {
            let text = format!("pgisa: 1\nisa: mine\nextends: {base}\n");
            let open = move |path: &str| {
                if path == "some/mine.yaml" { Ok(text.clone()) } else { open(path) }
            };
            model::load("some/mine.yaml", &open, &mut model::diagnostic::Sources::default())
        };
        assert_eq!(over("m68010").expect("it loads").isa.classes.len(), loaded.isa.classes.len());
        assert!(over("none").is_err() && over("m68010.yaml").is_err());
    }

    #[test]
    fn what_is_no_utf8_is_said_with_its_place() {
        let why = |bytes: &[u8]| decode(bytes.to_vec()).expect_err("it is no text");
        assert_eq!(
            why(b"pgisa: 1\ntitle: Caf\xe9\n"),
            "line 2, byte 11 (0xe9) is not UTF-8: save it as UTF-8, not as Latin-1"
        );
        assert_eq!(why(b"\xff\xfep\0g\0"), "it is text in UTF-16, or no text: save it as UTF-8");
        assert_eq!(why(b"p\0\xe8\0"), "it is text in UTF-16, or no text: save it as UTF-8");
    }
}
