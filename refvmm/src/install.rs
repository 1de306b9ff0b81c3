//! Completion scripts and manual pages of a program, from its command line.

use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

/// The completion script of a program for a shell.
pub fn completions(mut command: Command, shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

/// Writes a program's manual pages, and completion scripts for bash, zsh and fish, below a folder such as
/// `~/.local`, where the shells and `man` look for them. Says what was written.
pub fn install(command: &Command, prefix: &Path) -> io::Result<Vec<PathBuf>> {
    let share = prefix.join("share");
    let name = command.get_name();
    let scripts = [
        (Shell::Bash, format!("bash-completion/completions/{name}")),
        (Shell::Zsh, format!("zsh/site-functions/_{name}")),
        (Shell::Fish, format!("fish/vendor_completions.d/{name}.fish")),
    ];
    let mut written = Vec::new();
    for (shell, path) in scripts {
        let path = share.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(prefix))?;
        std::fs::write(&path, completions(command.clone(), shell))?;
        written.push(path);
    }
    let pages = share.join("man/man1");
    std::fs::create_dir_all(&pages)?;
    let mut command = command.clone().disable_help_subcommand(true);
    command.build();
    let subcommands = command.get_subcommands().map(|it| {
        let title = format!("{name}-{}", it.get_name());
        (title.clone(), it.clone().display_name(title))
    });
    for (title, page) in [(name.to_owned(), command.clone())].into_iter().chain(subcommands) {
        let path = pages.join(format!("{title}.1"));
        let mut text = Vec::new();
        clap_mangen::Man::new(page).render(&mut text)?;
        std::fs::write(&path, text)?;
        written.push(path);
    }
    Ok(written)
}

/// The folder for what belongs to the user alone.
pub fn home() -> Option<PathBuf> {
    std::env::home_dir().map(|it| it.join(".local"))
}
