//! Conditions on a few components, written as few conjunctions as are found: from a table of all their values.

/// Values of each component, in the order of the components: the states that have one of them each.
pub(super) type Cube = Vec<Vec<usize>>;

/// How some values are told from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// There are no others.
    All,
    Equal(usize),
    NotEqual(usize),
    AtMost(usize),
    AtLeast(usize),
    Between(usize, usize),
    /// One by one: as many.
    OneOf(usize),
}

impl Shape {
    /// Comparisons that it takes.
    fn tests(self) -> usize {
        match self {
            Self::All => 0,
            Self::Equal(_) | Self::NotEqual(_) | Self::AtMost(_) | Self::AtLeast(_) => 1,
            Self::Between(..) => 2,
            Self::OneOf(n) => n,
        }
    }
}

/// The shape of some of the values below `all`, which ascend.
pub(super) fn shape(values: &[usize], all: usize) -> Shape {
    let (first, last) = (values[0], values[values.len() - 1]);
    let stretch = last - first + 1 == values.len();
    match values.len() {
        n if n == all => Shape::All,
        1 => Shape::Equal(first),
        n if n + 1 == all => {
            Shape::NotEqual((0..all).find(|value| !values.contains(value)).unwrap_or(0))
        }
        _ if stretch && first == 0 => Shape::AtMost(last),
        _ if stretch && last + 1 == all => Shape::AtLeast(first),
        _ if stretch => Shape::Between(first, last),
        n => Shape::OneOf(n),
    }
}

/// A table over all values of some components of a few bits. Its rows are numbered by these bits, those of the
/// first component lowest.
pub(super) struct Table<'t> {
    /// Bits of each component.
    pub(super) widths: &'t [u32],
    /// The group that a row belongs to; none if no state has these values.
    pub(super) groups: &'t [Option<usize>],
}

impl Table<'_> {
    /// The value of each component in a row.
    fn values(&self, row: usize) -> Vec<usize> {
        let mut rest = row;
        let mut next = |width: &u32| {
            let value = rest & ((1 << width) - 1);
            rest >>= width;
            value
        };
        self.widths.iter().map(&mut next).collect()
    }

    /// The rows of a cube.
    fn rows(&self, cube: &Cube) -> Vec<usize> {
        let (mut rows, mut shift) = (vec![0], 0);
        for (values, width) in cube.iter().zip(self.widths) {
            rows = rows.iter().flat_map(|r| values.iter().map(move |v| r | v << shift)).collect();
            shift += width;
        }
        rows
    }

    /// Whether a cube has no row of another group.
    fn within(&self, cube: &Cube, group: usize) -> bool {
        self.rows(cube).into_iter().all(|row| self.groups[row].is_none_or(|it| it == group))
    }

    /// The largest cube around a row that is found, with no row of another group: no component can be left out
    /// of it that constrains it, and no value added.
    fn around(&self, row: usize, group: usize) -> Cube {
        let mut cube: Cube = self.values(row).into_iter().map(|value| vec![value]).collect();
        for i in 0..cube.len() {
            let own = std::mem::replace(&mut cube[i], (0..1 << self.widths[i]).collect());
            if !self.within(&cube, group) {
                cube[i] = own;
            }
        }
        for i in 0..cube.len() {
            let mut empty = Vec::new();
            for value in 0..1 << self.widths[i] {
                let mut one = cube.clone();
                one[i] = vec![value];
                if cube[i].contains(&value) || !self.within(&one, group) {
                    continue;
                }
                let some = self.rows(&one).into_iter().any(|row| self.groups[row].is_some());
                if some { cube[i].push(value) } else { empty.push(value) }
            }
            cube[i].sort_unstable();
            // Values that no state has are taken in where that is said in fewer words.
            let mut more = [cube[i].as_slice(), &empty].concat();
            more.sort_unstable();
            let all = 1 << self.widths[i];
            if shape(&more, all).tests() < shape(&cube[i], all).tests() {
                cube[i] = more;
            }
        }
        cube
    }

    /// Whether a component makes a difference for a group: two rows that differ in it alone, one of the group and one
    /// of another.
    pub(super) fn matters(&self, component: usize, group: usize) -> bool {
        (0..self.groups.len()).filter(|row| self.groups[*row] == Some(group)).any(|row| {
            let mut cube: Cube = self.values(row).into_iter().map(|value| vec![value]).collect();
            cube[component] = (0..1 << self.widths[component]).collect();
            !self.within(&cube, group)
        })
    }

    /// Cubes that have all rows of a group and no row of another, none of them needless; `None` if more than
    /// `most` are needed.
    pub(super) fn cover(&self, group: usize, most: usize) -> Option<Vec<Cube>> {
        let mut cubes: Vec<(Cube, Vec<usize>)> = Vec::new();
        let mut covered = vec![0usize; self.groups.len()];
        for row in 0..self.groups.len() {
            if self.groups[row] != Some(group) || covered[row] > 0 {
                continue;
            }
            if cubes.len() == most {
                return None;
            }
            let cube = self.around(row, group);
            let rows = self.rows(&cube);
            for row in &rows {
                covered[*row] += 1;
            }
            cubes.push((cube, rows));
        }
        let mut needed = Vec::new();
        for (cube, rows) in cubes {
            let mut own = rows.iter().filter(|row| self.groups[**row] == Some(group));
            if own.any(|row| covered[*row] == 1) {
                needed.push(cube);
            } else {
                for row in &rows {
                    covered[*row] -= 1;
                }
            }
        }
        Some(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every function of three components of 1, 2 and 1 bits to two groups and no group, a thousand of them.
    #[test]
    fn a_cover_is_the_group() {
        let widths = [1, 2, 1];
        let mut number = 1u64;
        for _ in 0..1000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let group = |row: usize| match number >> (2 * row + 20) & 3 {
                0 | 1 => Some(0),
                2 => Some(1),
                _ => None,
            };
            let groups: Vec<Option<usize>> = (0..16).map(group).collect();
            let table = Table { widths: &widths, groups: &groups };
            for group in 0..2 {
                let cubes = table.cover(group, 16).expect("there are sixteen rows");
                for row in 0..16 {
                    let covered = cubes.iter().any(|cube| table.rows(cube).contains(&row));
                    if let Some(it) = groups[row] {
                        assert_eq!(covered, it == group, "{groups:?}: {cubes:?}");
                    }
                }
                // Nothing in a cube is needless.
                for cube in &cubes {
                    for (i, width) in widths.iter().enumerate() {
                        let mut freed = cube.clone();
                        freed[i] = (0..1 << width).collect();
                        assert!(freed == *cube || !table.within(&freed, group));
                    }
                }
            }
        }
    }

    #[test]
    fn a_register_that_is_not_zero_is_one_cube() {
        let groups: Vec<Option<usize>> = (0..64).map(|row| Some(usize::from(row == 32))).collect();
        let table = Table { widths: &[5, 1], groups: &groups };
        assert_eq!(table.cover(1, 4), Some(vec![vec![vec![0], vec![1]]]));
        let others = vec![vec![(0..32).collect(), vec![0]], vec![(1..32).collect(), vec![0, 1]]];
        assert_eq!(table.cover(0, 4), Some(others));
        assert_eq!(table.cover(0, 1), None);
    }
}
