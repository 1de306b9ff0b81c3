//! Commands that a reader copies into a shell.

/// A word as POSIX shells read it: in quotes where a character means something to them.
pub(crate) fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:,+@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path that is no option.
pub(crate) fn path(path: &str) -> String {
    let is_option = path.starts_with('-') && path != "-";
    word(&if is_option { format!("./{path}") } else { path.to_owned() })
}

/// `analyze explain SPEC NAME`, for any name of an instruction.
pub(crate) fn explain(spec: &str, name: &str) -> String {
    let ends = if name.starts_with('-') { "-- " } else { "" };
    format!("analyze explain {ends}{} {}", path(spec), word(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_a_shell() {
        for (name, expected) in [
            ("popf", "popf"),
            ("jrst[1]", "'jrst[1]'"),
            ("a|b", "'a|b'"),
            ("<b>", "'<b>'"),
            ("nop$", "'nop$'"),
            ("a'b", r"'a'\''b'"),
        ] {
            assert_eq!(word(name), expected);
        }
        assert_eq!(explain("a b.yaml", "-x"), "analyze explain -- 'a b.yaml' -x");
        assert_eq!((path("-x.yaml"), path("-")), ("./-x.yaml".into(), "-".into()));
    }
}
