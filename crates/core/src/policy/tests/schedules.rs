//! When rules act.

use super::*;
use crate::Error;
use crate::document::ScheduleDocument;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Monday 2026-03-23, 00:00 UTC.
const MONDAY: i64 = 1_774_224_000;
const ALL_DAYS: [u8; 7] = [0, 1, 2, 3, 4, 5, 6];

fn document(days: &[u8], begins: u16, ends: u16) -> ScheduleDocument {
    ScheduleDocument {
        days: days.to_vec(),
        begins,
        ends,
        offsets: vec![(0, 0)],
        words: "now and then".to_owned(),
    }
}

fn compile(documents: Vec<ScheduleDocument>) -> Result<Vec<Schedule>, Error> {
    let mut faults = Faults::default();
    let schedules = Schedule::compile_all(documents, "schedules", &mut faults);
    faults.into_result("snapshot", schedules)
}

fn is_active(document: &ScheduleDocument, unix: i64) -> bool {
    compile(vec![document.clone()]).unwrap()[0].is_active(Moment::at(unix))
}

#[test]
fn a_span_acts_from_its_first_minute_up_to_and_without_its_last() {
    let schedule = document(&[0], 9 * 60, 17 * 60 + 30);
    for (unix, active) in [
        (MONDAY + 9 * HOUR - 1, false),
        (MONDAY + 9 * HOUR, true),
        (MONDAY + 17 * HOUR + 30 * 60 - 1, true),
        (MONDAY + 17 * HOUR + 30 * 60, false),
        (MONDAY + DAY + 12 * HOUR, false),
        (MONDAY - DAY + 12 * HOUR, false),
        (MONDAY + 7 * DAY + 12 * HOUR, true),
    ] {
        assert_eq!(is_active(&schedule, unix), active, "{}", unix - MONDAY);
    }
}

#[test]
fn days_count_from_monday_also_before_1970() {
    for unix in [MONDAY, MONDAY - 4_000 * 7 * DAY] {
        for day in 0..7_u8 {
            let noon = unix + i64::from(day) * DAY + 12 * HOUR;
            for other in 0..7_u8 {
                let schedule = document(&[other], 0, 0);
                assert_eq!(is_active(&schedule, noon), other == day, "{other} on {day}");
            }
        }
    }
}

#[test]
fn a_span_past_midnight_belongs_to_the_day_on_which_it_begins() {
    let schedule = document(&[6], 21 * 60, 7 * 60);
    let sunday = MONDAY + 6 * DAY;
    for (unix, active) in [
        (sunday + 20 * HOUR, false),
        (sunday + 21 * HOUR, true),
        (sunday + 27 * HOUR, true),
        (sunday + 31 * HOUR - 1, true),
        (sunday + 31 * HOUR, false),
        // Sunday morning would belong to a span of Saturday.
        (sunday + 3 * HOUR, false),
        (sunday + 45 * HOUR, false),
    ] {
        assert_eq!(is_active(&schedule, unix), active, "{}", unix - sunday);
    }
}

#[test]
fn a_span_that_ends_when_it_begins_is_a_whole_day() {
    let midnight = document(&[0], 0, 0);
    assert!(is_active(&midnight, MONDAY) && is_active(&midnight, MONDAY + DAY - 1));
    assert!(!is_active(&midnight, MONDAY - 1) && !is_active(&midnight, MONDAY + DAY));
    let noon = document(&[0], 720, 720);
    assert!(!is_active(&noon, MONDAY + 12 * HOUR - 1) && is_active(&noon, MONDAY + 12 * HOUR));
    assert!(is_active(&noon, MONDAY + 36 * HOUR - 1) && !is_active(&noon, MONDAY + 36 * HOUR));
}

/// Berlin around 2026: daylight saving time begins on 29 March and ends on 25 October, 01:00 UTC.
fn berlin(begins: u16, ends: u16) -> ScheduleDocument {
    let offsets = vec![(1_761_440_400, 3_600), (1_774_746_000, 7_200), (1_792_890_000, 3_600)];
    ScheduleDocument { offsets, ..document(&ALL_DAYS, begins, ends) }
}

#[test]
fn a_span_keeps_to_the_clock_on_the_wall_when_daylight_saving_time_begins_and_ends() {
    let evening = berlin(21 * 60, 22 * 60);
    let (spring, autumn) = (1_774_746_000, 1_792_890_000);
    for (unix, active) in [
        // The evening before the step is 21:00 at +01:00, the one after it 21:00 at +02:00.
        (spring - 5 * HOUR, true),
        (spring - 6 * HOUR, false),
        (spring + 18 * HOUR, true),
        (spring + 19 * HOUR, false),
        (autumn - 6 * HOUR, true),
        (autumn - 5 * HOUR, false),
        (autumn + 19 * HOUR, true),
        (autumn + 18 * HOUR, false),
    ] {
        assert_eq!(is_active(&evening, unix), active, "{unix}");
    }
}

#[test]
fn the_hour_that_is_left_out_does_not_act_and_the_one_that_comes_twice_acts_twice() {
    let night = berlin(2 * 60, 3 * 60);
    let active = |unix: i64| is_active(&night, unix);
    // 01:59:59 is followed by 03:00:00.
    let spring = 1_774_746_000;
    assert!((spring - HOUR..spring + HOUR).step_by(60).all(|unix| !active(unix)));
    // 02:00 to 03:00 comes at +02:00 and again at +01:00.
    let autumn = 1_792_890_000;
    assert!((autumn - HOUR..autumn + HOUR).step_by(60).all(active));
    assert!(!active(autumn - HOUR - 1) && !active(autumn + HOUR));
}

#[test]
fn before_the_first_step_its_offset_holds() {
    let schedule =
        ScheduleDocument { offsets: vec![(MONDAY, HOUR as i32)], ..document(&[0], 0, 60) };
    assert!(is_active(&schedule, MONDAY - 7 * DAY - HOUR));
    assert!(!is_active(&schedule, MONDAY - 7 * DAY));
    for far in [i64::MIN, i64::MAX] {
        is_active(&schedule, far);
    }
}

#[test]
fn a_rule_outside_its_time_is_as_good_as_absent() {
    let schedules: Arc<[Schedule]> = compile(vec![document(&[0], 0, 0)]).unwrap().into();
    let at_times = |rule: RuleDocument| RuleDocument { when: Some(0), ..rule };
    let policy = policy_at(
        vec![
            at_times(block(&["/^a\\.test$/"])),
            at_times(observed(block(&["b.test"]))),
            block(&["*.test"]),
        ],
        &schedules,
    );
    let at = |name: &str, unix: i64| {
        let moment = policy.moment(|| unix);
        decide(&no_lists(), &policy, &hashed(name), RecordType::A, moment, &mut ())
    };
    assert_eq!(at("a.test", MONDAY).verdict, blocked_by(0));
    assert_eq!(at("a.test", MONDAY + DAY).verdict, blocked_by(2));
    assert_eq!(at("b.test", MONDAY).would_block, Some(Cause::Rule(1)));
    assert_eq!(at("b.test", MONDAY + DAY).would_block, None);
}

#[test]
fn a_policy_without_scheduled_rules_never_asks_for_the_time() {
    policy(vec![block(&["a.test"])]).moment(|| panic!("nobody needs it"));
}

#[test]
fn an_explanation_says_when_a_rule_acts_and_whether_it_is_that_time() {
    let schedules: Arc<[Schedule]> = compile(vec![document(&[0], 0, 0)]).unwrap().into();
    let rule = RuleDocument { when: Some(0), ..block(&["a.test"]) };
    let policy = policy_at(vec![rule], &schedules);
    for (unix, result, active) in
        [(MONDAY, "blocks", true), (MONDAY - 1, "not at this time", false)]
    {
        let mut steps: Vec<Step> = Vec::new();
        let (name, moment) = (hashed("a.test"), policy.moment(|| unix));
        decide(&no_lists(), &policy, &name, RecordType::A, moment, &mut steps);
        let step = steps.iter().find(|step| step.what == "block rules").unwrap();
        assert_eq!((&*step.result, step.decides), (result, active));
        let told = &step.detail["matching"][0];
        assert_eq!((&told["when"], &told["active"]), (&"now and then".into(), &active.into()));
    }
}

#[test]
fn every_fault_of_a_schedule_is_told_with_its_place() {
    let mut broken = document(&[7], 1_440, 1_440);
    broken.offsets = vec![(5, 0), (5, 86_400)];
    let empty = ScheduleDocument { days: vec![], offsets: vec![], ..document(&[], 0, 0) };
    let Err(Error::Invalid { why, .. }) = compile(vec![broken, empty]) else { panic!("accepted") };
    for part in [
        "schedules[0].days: 7 is no day",
        "schedules[0].begins: 1440 is no minute of a day",
        "schedules[0].ends: 1440 is no minute",
        "schedules[0].offsets: they are not in the order of time",
        "schedules[0].offsets: 86400 s is a day or more away from UTC",
        "schedules[1].days: no day is given",
        "schedules[1].offsets: the zone has no offset",
        "(now and then)",
    ] {
        assert!(why.contains(part), "{part} is not in {why}");
    }
    let mut faults = Faults::default();
    let rule = RuleDocument { when: Some(1), ..block(&["a.test"]) };
    RuleSet::compile(vec![rule], &never(), "rules", &mut faults);
    let Err(Error::Invalid { path, why }) = faults.into_result("snapshot", ()) else {
        panic!("accepted")
    };
    assert_eq!(path, "rules[0].when");
    assert!(why.starts_with("schedule 1 of only 0 (policy.yaml:7"), "{why}");
}
