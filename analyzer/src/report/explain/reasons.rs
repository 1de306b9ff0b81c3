//! Why an instruction has a property or not, from what it reads and writes.
//!
//! Each reason is an argument that stands by itself: where one is given, the answer is *no* whatever a solver says, and
//! a test compares the two on all bundled machines.

use model::isa::{Class, Isa, Kind, Profile, Role, Slice};
use model::property::Property;

use super::words::{chosen, counted, either, listed, lower, names};
use crate::definitions::VirtualMode;
use crate::definitions::resource::is_resource;
use crate::definitions::statewise::monitors;
use crate::prove::footprint::{Completes, Component, Footprint, is_relocation, varies_with_mode};
use crate::prove::setting::Setting;

/// What an instruction reads and writes, in all states and in those of each mode of a pair.
pub(super) struct Footprints {
    pub(super) any: Footprint,
    pub(super) supervisor: Footprint,
    pub(super) user: Footprint,
}

impl Footprints {
    pub(super) fn of(setting: Setting<'_>, class: &Class) -> Option<Self> {
        Some(Self {
            any: Footprint::of(setting, class, None)?,
            supervisor: Footprint::of(setting, class, Some(VirtualMode::Supervisor))?,
            user: Footprint::of(setting, class, Some(VirtualMode::User))?,
        })
    }

    /// Everything that is true of the instruction in both modes of the pair, or in the only one where it completes.
    fn both(&self, of: impl Fn(&Footprint) -> bool) -> bool {
        of(&self.supervisor) && of(&self.user)
    }

    /// The argument that no states are as a definition describes them; none if what is read and written does not
    /// settle it. That of behaviour sensitivity presumes that its special cases, location and mode, are answered no.
    pub(super) fn refutes(&self, setting: Setting<'_>, property: Property) -> Option<String> {
        let isa = setting.isa;
        // In the literal reading the results of traps count, too.
        if setting.literal() {
            return None;
        }
        match property {
            Property::ControlSensitive
            | Property::LocationSensitive
            | Property::ModeSensitive
            | Property::BehaviourSensitive
            | Property::ResourceSensitive
            | Property::TimeSensitive
                if self.any.completes == Completes::Never =>
            {
                Some("It completes in no state, and what a trap does is not held against it.".into())
            }
            Property::ControlSensitive => {
                let control = |slice: &Slice| matches!(slice.role, Role::M | Role::R);
                self.both(|it| it.leaves(isa, control)).then(|| {
                    let never = counted(isa, control, "M and R");
                    format!("It writes {} only, so never {never}.", self.written(isa))
                })
            }
            Property::LocationSensitive => {
                let place = either(&chosen(isa, is_relocation));
                self.both(|it| it.ignores(isa, |_, slice| is_relocation(slice))).then(|| {
                    let depends = self.depends(isa, &place);
                    format!("{depends}: with the same contents of the window, the same comes out at any place.")
                })
            }
            Property::ModeSensitive => self.across_modes(setting),
            Property::BehaviourSensitive => {
                let moded = varies_with_mode(setting);
                let varied = |id, slice: &Slice| is_relocation(slice) || moded(id, slice);
                if let Some(reason) = self.one_mode_only(setting) {
                    return Some(format!(
                        "It is neither location nor mode sensitive; and for x ≠ 0 with m1 ≠ m2: {}",
                        lower(&reason)
                    ));
                }
                self.any.ignores(isa, varied).then(|| {
                    let of = |slice: &Slice| is_relocation(slice) || slice.role == Role::M;
                    format!("{}: S1 and S2 end alike.", self.depends(isa, &either(&chosen(isa, of))))
                })
            }
            Property::ResourceSensitive => self.in_place(
                isa,
                is_resource,
                "R is the mapping alone: there is no resource beside it to depend on.",
            ),
            Property::TimeSensitive => {
                let is_clock = |slice: &Slice| slice.kind == Some(Kind::Time);
                self.in_place(isa, is_clock, "The machine has no clock.")
            }
            Property::Unconfined => self.user.is_confined(isa).then(|| {
                if self.user.completes == Completes::Never {
                    return format!("In {} mode it completes in no state.", setting.pair.user.0);
                }
                let written = listed(&names(isa, &self.user.writes));
                let never = counted(isa, monitors, "the monitor's");
                let never = if never.is_empty() { "nothing of the monitor's".into() } else { never };
                format!(
                    "In {} mode it writes {written} only, not {never}, and reaches {} through the mapping if at all.",
                    setting.pair.user.0, isa.storage.name
                )
            }),
            Property::Privileged
            | Property::ExtentSensitive
            | Property::TrapMasked
            | Property::TrapVisible
            | Property::UserSensitive
            | Property::Sensitive
            | Property::Innocuous
            | Property::Statewise => None,
        }
    }

    /// Why it always traps in user mode, if it does by what it is.
    pub(super) fn always_traps(&self, setting: Setting<'_>) -> Option<String> {
        let it = &self.user;
        let settled = it.completes == Completes::Never && !it.unpredictable && !it.traps.is_empty();
        (settled && setting.profile != Profile::Literal).then(|| {
            let traps: Vec<&str> =
                it.traps.iter().map(|id| setting.isa.trap(*id).name.as_str()).collect();
            format!(
                "In {} mode every path ends in a trap ({}).",
                setting.pair.user.0,
                traps.join(", ")
            )
        })
    }

    /// Why both sides of a square leave the same, as far as what is read and written says it: f changes M and R, and the
    /// instruction neither reads nor writes them.
    pub(super) fn commutes(&self, isa: &Isa) -> Option<String> {
        let kept = |slice: &Slice| matches!(slice.role, Role::M | Role::R);
        let it = &self.any;
        let same_cells = !it.visible.contains(&Component::Cells);
        (same_cells && it.ignores(isa, |_, slice| kept(slice)) && it.leaves(isa, kept)).then(|| {
            let depends = self.depends(isa, "M or R");
            format!("{depends}, and it writes neither. f leaves all of that as it is, so where both complete, i(f(S)) is f(i(S)).")
        })
    }

    fn across_modes(&self, setting: Setting<'_>) -> Option<String> {
        let isa = setting.isa;
        let reason = self.one_mode_only(setting);
        reason.or_else(|| {
            let mode = either(&chosen(isa, |slice| slice.role == Role::M));
            self.any.ignores(isa, varies_with_mode(setting)).then(|| {
                let depends = self.depends(isa, &mode);
                format!("{depends}; each mode sees the window through its own mapping.")
            })
        })
    }

    /// No state completes in one of the modes, so that there is nothing to compare.
    fn one_mode_only(&self, setting: Setting<'_>) -> Option<String> {
        let modes =
            [(&self.supervisor, &setting.pair.supervisor.0), (&self.user, &setting.pair.user.0)];
        let (_, mode) = modes.into_iter().find(|(it, _)| it.completes == Completes::Never)?;
        Some(format!(
            "In {mode} mode it completes in no state, so there are no two results to compare."
        ))
    }

    fn in_place(
        &self,
        isa: &Isa,
        varied: impl Fn(&Slice) -> bool + Copy,
        none: &str,
    ) -> Option<String> {
        let all = chosen(isa, varied);
        if all.is_empty() {
            return Some(none.to_owned());
        }
        self.both(|it| it.ignores_in_place(isa, varied)).then(|| {
            let these = counted(isa, varied, "R of this sort");
            format!("{}.", self.depends(isa, &these))
        })
    }

    /// What it may write in one of the modes.
    fn written(&self, isa: &Isa) -> String {
        let all = self.supervisor.writes.union(&self.user.writes).copied().collect();
        listed(&names(isa, &all))
    }

    /// What the visible result depends on, and what it does not.
    fn depends(&self, isa: &Isa, not: &str) -> String {
        let all = self.supervisor.visible.union(&self.user.visible).chain(&self.any.visible);
        let on = names(isa, &all.copied().collect());
        if on.is_empty() {
            format!("What it leaves in E and P is always the same, whatever {not}")
        } else {
            format!("What it leaves in E and P depends on {} only, not on {not}", listed(&on))
        }
    }
}

#[cfg(test)]
mod tests {
    use model::diagnostic::Sources;
    use model::isa::Profile;
    use model::property::Property;

    use super::Footprints;
    use crate::prove::answer::Answer;
    use crate::prove::setting::Setting;
    use crate::{Options, analyze};

    /// Where what is read and written refutes a property, no states show it; and it does so for most instructions.
    #[test]
    fn reasons_agree_with_answers() {
        let (mut given, mut all) = (0, 0);
        for name in [
            "g3",
            "g3-jrst1",
            "g3-popf",
            "g3-smode",
            "g3-lra",
            "g3-shrink",
            "g3-stb",
            "pdp10",
            "pdp10-ka10",
            "m68000",
            "x86-legacy",
            "mit-6004-beta",
            "mips",
        ] {
            let open = |path: &str| std::fs::read_to_string(path).map_err(|e| e.to_string());
            let mut sources = Sources::default();
            let path = format!("../isa-specs/{name}.yaml");
            let isa = model::load(&path, &open, &mut sources).expect("it loads").isa;
            let options = Options { profile: Profile::Refined, pair: None, timeout: None };
            let report = analyze(&isa, &sources, options, &|_, _| {});
            for (pair, found) in isa.pairs.iter().zip(&report.pairs) {
                let setting = Setting::new(&isa, pair, Profile::Refined);
                for (class, it) in isa.classes.iter().zip(&found.instructions) {
                    let Some(prints) = Footprints::of(setting, class) else { continue };
                    for property in Property::ALL {
                        let Some(answer) = it.property(property) else { continue };
                        let special = [Property::LocationSensitive, Property::ModeSensitive];
                        if property == Property::BehaviourSensitive
                            && special.iter().any(|it_is| it.is(*it_is).is_yes())
                        {
                            continue;
                        }
                        let reason = prints.refutes(setting, property);
                        let place = format!("{name} {} {}", class.name, property.word());
                        if let Some(reason) = &reason {
                            assert!(
                                matches!(answer, Answer::No | Answer::Vacuous),
                                "{place}: {reason}"
                            );
                        }
                        if property == Property::LocationSensitive && answer == Answer::No {
                            all += 1;
                            given += usize::from(reason.is_some());
                        }
                    }
                    if let Some(reason) = prints.always_traps(setting) {
                        let answer = it.property(Property::Privileged);
                        let completes = it.is(Property::ControlSensitive).is_yes();
                        assert!(
                            answer != Some(Answer::No) || !completes,
                            "{name} {}: {reason}",
                            class.name
                        );
                    }
                }
            }
        }
        assert!(given * 10 > all * 9, "{given} of {all} have a reason");
    }
}
