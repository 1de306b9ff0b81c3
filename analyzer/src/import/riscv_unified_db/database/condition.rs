//! `definedBy:`, when something exists.

use model::yaml::Node;

use super::record::{Record, items, number, text};

/// A condition on the configuration.
#[derive(Debug, Clone)]
pub(in super::super) enum Condition {
    /// An extension, and the version it must have.
    Extension(String, Option<String>),
    Xlen(u128),
    /// A parameter that has or includes a value.
    Parameter(String, Option<String>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    One(Vec<Condition>),
    Not(Box<Condition>),
}

/// What a condition asks of a configuration.
pub(in super::super) trait Setting {
    /// The version of an extension that is implemented; the empty text where none is said.
    fn version(&self, extension: &str) -> Option<&str>;
    fn xlen(&self) -> u32;
    /// Whether a parameter has, or includes, a value; `None` where it is open.
    fn has(&self, parameter: &str, value: Option<&str>) -> Option<bool>;
}

impl Condition {
    pub(super) fn read(node: &Node) -> Option<Self> {
        let record = Record::of(node)?;
        let mut all = Vec::new();
        for (key, value) in record.entries() {
            let list = || items(value).iter().filter_map(Self::read).collect();
            all.push(match text(key)? {
                "extension" => Self::read(value)?,
                "name" => {
                    let version = record.word("version").map(|it| it.it);
                    Self::Extension(text(value)?.to_owned(), version)
                }
                "xlen" => Self::Xlen(number(text(value)?)?),
                "param" => {
                    let of = Record::of(value)?;
                    let wanted = ["equal", "includes"].iter().find_map(|key| of.word(key));
                    Self::Parameter(of.word("name")?.it, wanted.map(|it| it.it))
                }
                "allOf" => Self::All(list()),
                "anyOf" => Self::Any(list()),
                "oneOf" => Self::One(list()),
                "noneOf" => Self::Not(Box::new(Self::Any(list()))),
                "not" => Self::Not(Box::new(Self::read(value)?)),
                // Reasons and versions say nothing by themselves.
                _ => continue,
            });
        }
        Some(if all.len() == 1 { all.remove(0) } else { Self::All(all) })
    }

    /// Whether it holds; what depends on an open parameter does.
    pub(in super::super) fn holds(&self, setting: &dyn Setting) -> bool {
        match self {
            Self::Extension(name, wanted) => setting.version(name).is_some_and(|found| {
                wanted.as_ref().is_none_or(|wanted| found.is_empty() || meets(found, wanted))
            }),
            Self::Xlen(wanted) => u128::from(setting.xlen()) == *wanted,
            Self::Parameter(name, value) => setting.has(name, value.as_deref()).unwrap_or(true),
            Self::All(all) => all.iter().all(|it| it.holds(setting)),
            Self::Any(all) => all.iter().any(|it| it.holds(setting)),
            Self::One(all) => all.iter().filter(|it| it.holds(setting)).count() == 1,
            Self::Not(it) => !it.holds(setting),
        }
    }

    /// Whether it can hold for a width, whatever else is chosen.
    pub(in super::super) fn allows(&self, xlen: u32) -> bool {
        match self {
            Self::Xlen(wanted) => u128::from(xlen) == *wanted,
            Self::All(all) => all.iter().all(|it| it.allows(xlen)),
            Self::Extension(..)
            | Self::Parameter(..)
            | Self::Any(_)
            | Self::One(_)
            | Self::Not(_) => true,
        }
    }

    /// The extensions that it asks for whatever else is chosen.
    pub(in super::super) fn implied(&self) -> Vec<&str> {
        match self {
            Self::Extension(name, _) => vec![name],
            Self::All(all) => all.iter().flat_map(Self::implied).collect(),
            Self::Xlen(_) | Self::Parameter(..) | Self::Any(_) | Self::One(_) | Self::Not(_) => {
                Vec::new()
            }
        }
    }
}

/// Whether a version meets `>= 1.2`, `= 1.0.0`, `~> 2.0` or a bare version.
fn meets(found: &str, wanted: &str) -> bool {
    let parts = |text: &str| -> Vec<u32> {
        let digits = text.trim_matches(|c: char| !c.is_ascii_digit());
        let mut all: Vec<u32> = digits.split('.').map(|it| it.parse().unwrap_or(0)).collect();
        all.resize(3, 0);
        all
    };
    let operator =
        wanted.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').trim();
    let (found, wanted) = (parts(found), parts(wanted));
    match operator {
        ">=" => found >= wanted,
        ">" => found > wanted,
        "<=" => found <= wanted,
        "<" => found < wanted,
        "!=" => found != wanted,
        "~>" => found >= wanted && found[0] == wanted[0],
        _ => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::meets;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(meets("1.13", ">= 1.9.1"));
        assert!(meets("= 1.0", "= 1.0.0"));
        assert!(meets("2.3", "~> 2.1"));
        assert!(!meets("3.0", "~> 2.1"));
        assert!(!meets("0.6", ">=0.7"));
    }
}
