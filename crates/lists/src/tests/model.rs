//! The file against a model that reads the lists line by line for every question.

use super::*;

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// A name of two to four labels out of three, so that names meet often.
    fn name(&mut self) -> String {
        let labels = 2 + self.below(3);
        let labels: Vec<_> = (0..labels).map(|_| ["a", "b", "c"][self.below(3) as usize]).collect();
        labels.join(".")
    }

    fn line(&mut self) -> Line {
        Line {
            exact: self.below(2) == 0,
            below: self.below(2) == 0,
            allow: self.below(4) == 0,
            important: self.below(4) == 0,
            name: self.name(),
        }
    }
}

struct Line {
    exact: bool,
    below: bool,
    allow: bool,
    important: bool,
    name: String,
}

impl Line {
    fn text(&self) -> String {
        let mark = if self.allow { "@@" } else { "" };
        let name = match (self.exact, self.below) {
            (true, true) => format!("||{}^", self.name),
            (false, true) => format!("||*.{}^", self.name),
            _ => format!("|{}^", self.name),
        };
        format!("{mark}{name}{}", if self.important { "$important" } else { "" })
    }

    /// Its precedence for the name, or none if it does not speak of it.
    fn speaks_of(&self, name: &str, kind: ListKind) -> Option<(bool, bool, usize)> {
        let is_below = name.ends_with(&format!(".{}", self.name));
        let (exact, below) = (self.exact || !self.below, self.below);
        let speaks = (exact && name == self.name) || (below && is_below);
        let allows = self.allow || kind == ListKind::Allow;
        speaks.then_some((self.important, allows, self.name.len()))
    }
}

#[test]
fn a_file_decides_as_its_lists_read_line_by_line() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for _ in 0..200 {
        let mut list = |kind| {
            let count = 1 + numbers.below(20);
            (kind, (0..count).map(|_| numbers.line()).collect::<Vec<_>>())
        };
        let lists = [list(ListKind::Block), list(ListKind::Allow), list(ListKind::Block)];
        let texts: Vec<(ListKind, String)> = lists
            .iter()
            .map(|(kind, lines)| (*kind, lines.iter().map(|line| line.text() + "\n").collect()))
            .collect();
        let texts: Vec<_> = texts.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
        let (file, kinds) = opened(&texts);
        let in_use: Vec<usize> = (0..lists.len()).filter(|_| numbers.below(3) > 0).collect();
        let mask = in_use.iter().copied().collect();
        for _ in 0..50 {
            let name = numbers.name();
            let expected = in_use
                .iter()
                .flat_map(|&list| lists[list].1.iter().map(move |line| (list, line)))
                .filter_map(|(list, line)| line.speaks_of(&name, kinds[list]))
                .max();
            let hit = file.decide(&mask, &kinds, &hashed(&name), RecordType::A);
            let found = hit.map(|hit| {
                let line = &lists[hit.list].1[hit.line as usize - 1];
                assert!(in_use.contains(&hit.list));
                assert_eq!(line.important, hit.important);
                (hit.important, hit.action == Action::Allow, line.name.len())
            });
            assert_eq!(found, expected, "{name} in {texts:?}");
        }
    }
}
