//! Files and directories that are written whole or not at all, and read up to a size.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The name under which something is written until it is whole.
fn partial(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("this is no file name"))?;
    let mut partial = OsString::from(".");
    partial.push(name);
    partial.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(partial))
}

/// Writes a file under another name beside it, and renames it when everything is there. A device or a pipe is not
/// replaced by a file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.metadata().is_ok_and(|it| !it.is_file()) {
        return Err(io::Error::other("it is there, and is no regular file"));
    }
    let partial = partial(path)?;
    let written = std::fs::File::create_new(&partial)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// Has a directory written under another name beside it, and renames it when everything is there. It must not exist,
/// or be empty; its parents are made.
pub fn write_directory<T>(
    path: &Path,
    write: impl FnOnce(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let empty = path.exists();
    if empty && path.read_dir()?.next().is_some() {
        let why = "the directory is not empty; one of its own is needed";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    let partial = partial(path)?;
    std::fs::create_dir_all(&partial)?;
    let written = write(&partial).and_then(|it| {
        if empty {
            std::fs::remove_dir(path)?;
        }
        std::fs::rename(&partial, path)?;
        Ok(it)
    });
    if written.is_err() {
        let _ = std::fs::remove_dir_all(&partial);
    }
    written
}

/// Reads a file that may have `most` bytes.
pub fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}
