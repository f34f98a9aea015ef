//! When a rule acts: days and minutes of a week, in a zone that is given as steps.

use crate::document::ScheduleDocument;
use crate::faults::Faults;

const MINUTES_OF_DAY: u16 = 24 * 60;
const SECONDS_OF_DAY: i64 = 86_400;
/// 1970-01-01 was a Thursday, day 3 of a week that begins on Monday.
const FIRST_DAY: i64 = 3;
const DAYS_OF_WEEK: u8 = 7;

/// The time of a decision in seconds of Unix time. A policy without schedules and spans does not
/// use it, and then it is not computed: see [`super::Policy::moment`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(i64);

impl Moment {
    /// This second of Unix time.
    pub const fn at(unix: i64) -> Self {
        Self(unix)
    }

    pub(super) const fn unix(self) -> i64 {
        self.0
    }
}

/// One schedule, compiled.
#[derive(Debug)]
pub struct Schedule {
    /// The days on which a span begins; bit 0 is Monday.
    days: u8,
    /// Minutes of the day.
    begins: u16,
    ends: u16,
    /// From which second of Unix time on the zone is how many seconds east of UTC.
    offsets: Vec<(i64, i32)>,
    /// For people.
    pub words: String,
}

impl Schedule {
    /// Compiles schedules; `path` is where they are in the snapshot.
    pub(crate) fn compile_all(
        documents: Vec<ScheduleDocument>,
        path: &str,
        faults: &mut Faults,
    ) -> Vec<Self> {
        let places = documents.into_iter().enumerate();
        places
            .map(|(index, document)| {
                let path = format!("{path}[{index}]");
                check(&document, |part, why| {
                    faults.add(format!("{path}.{part}"), format!("{why} ({})", document.words));
                });
                Self::new(document)
            })
            .collect()
    }

    fn new(document: ScheduleDocument) -> Self {
        let ScheduleDocument { days, begins, ends, offsets, words } = document;
        let bit = |day: u8| 1_u8.checked_shl(day.into()).unwrap_or(0);
        let days = days.into_iter().fold(0, |mask, day| mask | bit(day));
        Self { days, begins, ends, offsets, words }
    }

    /// Whether a rule with this schedule acts. By the clock on the wall of its zone: where that is
    /// put back, an hour acts twice; where it is put forward, the hour that is left out does not.
    #[inline]
    pub(crate) fn is_active(&self, moment: Moment) -> bool {
        let local = moment.0.saturating_add(self.offset(moment.0).into());
        let day = local.div_euclid(SECONDS_OF_DAY).rem_euclid(7) + FIRST_DAY;
        let minute = (local.rem_euclid(SECONDS_OF_DAY) / 60) as u16;
        if self.begins < self.ends {
            return self.has_day(day) && (self.begins..self.ends).contains(&minute);
        }
        // The span goes on past midnight, a whole day if it ends when it begins.
        (self.has_day(day) && minute >= self.begins)
            || (self.has_day(day - 1) && minute < self.ends)
    }

    fn has_day(&self, day: i64) -> bool {
        self.days & (1 << day.rem_euclid(DAYS_OF_WEEK.into())) != 0
    }

    /// Seconds east of UTC. The first offset holds for all time before it too.
    fn offset(&self, unix: i64) -> i32 {
        let behind = self.offsets.partition_point(|(from, _)| *from <= unix);
        let holds = self.offsets.get(behind.saturating_sub(1));
        holds.map_or(0, |(_, offset)| *offset)
    }
}

fn check(document: &ScheduleDocument, mut fault: impl FnMut(&str, String)) {
    let ScheduleDocument { days, begins, ends, offsets, .. } = document;
    if days.is_empty() {
        fault("days", "no day is given, so it would never act; give at least one".to_owned());
    }
    for day in days.iter().filter(|day| **day >= DAYS_OF_WEEK) {
        fault("days", format!("{day} is no day; give 0 for Monday to 6 for Sunday"));
    }
    for (part, minute) in [("begins", begins), ("ends", ends)] {
        if *minute >= MINUTES_OF_DAY {
            fault(part, format!("{minute} is no minute of a day; give 0 to 1439"));
        }
    }
    if offsets.is_empty() {
        fault("offsets", "the zone has no offset; give at least one".to_owned());
    }
    if !offsets.is_sorted_by(|(a, _), (b, _)| a < b) {
        fault("offsets", "they are not in the order of time".to_owned());
    }
    if let Some((_, offset)) = offsets.iter().find(|(_, o)| i64::from(*o).abs() >= SECONDS_OF_DAY) {
        fault("offsets", format!("{offset} s is a day or more away from UTC"));
    }
}
