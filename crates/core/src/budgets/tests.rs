//! What budgets promise, as `screen` sees it.

use keyhole_wire::{Name, RecordType};

use super::{Asked, Budgets, Charge, Level, Limits, RegisteredDomain, SplitLimit};

const LIMITS: Limits =
    Limits { alert: 1_024, throttle: 2_048, block: 4_096, day: 8_192, split: None };
/// Without a throttle before the block.
const STRAIGHT: Limits = Limits { throttle: 4_096, ..LIMITS };
const TXT: RecordType = RecordType(16);

struct Client<'b> {
    budgets: &'b Budgets,
    number: u64,
    acts: bool,
    limits: Limits,
}

impl Client<'_> {
    fn ask(&self, name: &str, kind: RecordType, seconds: u64) -> Charge {
        let name = Name::from_text(name).unwrap();
        let domain = RegisteredDomain::of(&name);
        let asked =
            Asked { client: self.number, is_proved: true, name: &name, domain, kind, seconds };
        self.budgets.charge(&asked, self.limits, self.acts, || false)
    }

    /// Asks for new names of 64 octets until one is held back; gives how many octets left.
    fn tunnel(&self, domain: &str, seconds: u64) -> u32 {
        let name = |number: u32| format!("{number:062}.x.{domain}");
        let mut numbers = (0..).map(|number| self.ask(&name(number), RecordType::A, seconds));
        64 * numbers.position(|charge| charge.level >= Level::Throttle).unwrap() as u32
    }
}

fn client(budgets: &Budgets, number: u64) -> Client<'_> {
    Client { budgets, number, acts: true, limits: STRAIGHT }
}

#[test]
fn a_distinct_name_counts_once_with_at_least_eight_octets_and_its_type() {
    let budgets = Budgets::small();
    let client = client(&budgets, 1);
    assert_eq!(client.ask("host-seven.example.org", RecordType::A, 0).octets, 10);
    assert_eq!(client.ask("host-seven.example.org", RecordType::A, 9).octets, 0);
    assert_eq!(client.ask("host-seven.example.org", RecordType::AAAA, 9).octets, 0);
    assert_eq!(client.ask("host-seven.example.org", TXT, 9).octets, 2, "a type says something");
    assert_eq!(client.ask("host-seven.example.org", TXT, 9).octets, 0);
    assert_eq!(client.ask("www.example.org", TXT, 9).octets, 8 + 2);
    assert_eq!(client.ask("example.org", RecordType::A, 9).octets, 0, "says nothing");
    assert_eq!(client.ask("example.org", RecordType(257), 9).octets, 2);
    assert_eq!(client.ask("x.example.org", RecordType::A, 9).totals.hour, 10 + 2 + 10 + 2 + 8);
}

#[test]
fn a_pair_is_noted_once_and_blocked_before_more_than_its_budget_left() {
    let budgets = Budgets::small();
    let client = client(&budgets, 1);
    let charges: Vec<_> =
        (0..100).map(|n| client.ask(&format!("{n:060}.example.org"), RecordType::A, n)).collect();
    let firsts: Vec<_> = charges.iter().filter(|charge| charge.is_first).collect();
    assert_eq!((firsts.len(), firsts[0].totals.hour, firsts[0].level), (1, 1_080, Level::Alert));
    let blocked = charges.iter().position(|charge| charge.level == Level::Block).unwrap();
    assert_eq!(blocked, 4_096 / 60);
    assert!(charges[blocked..].iter().all(|charge| charge.level == Level::Block));
    let known = client.ask(&format!("{:060}.example.org", 0), RecordType::A, 200);
    assert_eq!(known.level, Level::Block, "known names say something, too: by their order");
}

#[test]
fn others_and_other_domains_have_budgets_of_their_own() {
    let budgets = Budgets::small();
    assert_eq!(client(&budgets, 1).tunnel("example.org", 0), 4_096);
    assert_eq!(client(&budgets, 1).ask("new.example.net", RecordType::A, 1).level, Level::Free);
    assert_eq!(
        client(&budgets, 1).ask("new.other.example.org", RecordType::A, 1).level,
        Level::Block
    );
    assert_eq!(client(&budgets, 2).ask("new.example.org", RecordType::A, 1).level, Level::Free);
}

#[test]
fn no_hour_lets_more_through_than_its_budget_wherever_it_begins() {
    let budgets = Budgets::small();
    let client = client(&budgets, 1);
    // 120 octets each minute: 7200 an hour.
    let mut left = Vec::new();
    for minute in 0..8 * 60 {
        let charge =
            client.ask(&format!("{:060}.{minute:059}.example.org", 0), RecordType::A, minute * 60);
        if charge.level < Level::Throttle {
            left.push(minute);
        }
    }
    for begin in 0..7 * 60 {
        let within = left.iter().filter(|minute| (begin..begin + 60).contains(*minute)).count();
        assert!(within * 120 <= 4_096, "{within} in the hour from minute {begin}");
    }
    assert!(left.len() * 120 <= 8_192, "the budget of the day");
}

#[test]
fn what_used_a_budget_up_is_forgotten_with_its_window() {
    let budgets = Budgets::small();
    let client = client(&budgets, 1);
    assert_eq!(client.tunnel("example.org", 0), 4_096);
    let level = |seconds| client.ask("www.example.org", RecordType::A, seconds).level;
    assert_eq!(level(3_600), Level::Block);
    assert_eq!(level(4_800), Level::Free);
    assert_eq!(client.limits.day, 2 * client.limits.block);
    let later: u32 =
        (1..20).map(|hour| client.tunnel(&format!("{hour}.example.org"), hour * 4_800)).sum();
    assert!(later <= 8_192 - 4_096, "{later} octets on the same day");
    assert_eq!(level(20 * 4_800), Level::Block);
    assert_eq!(level(4 * 86_400), Level::Free);
}

#[test]
fn close_to_the_end_one_new_name_passes_in_ten_seconds_and_known_ones_always() {
    let budgets = Budgets::small();
    let client = Client { limits: LIMITS, ..client(&budgets, 1) };
    let new =
        |n: u64, seconds| client.ask(&format!("{n:062}.x.example.org"), RecordType::A, seconds);
    assert!((0..32).all(|n| new(n, 0).level < Level::Throttle));
    let levels: Vec<_> = (32..36).map(|n| new(n, 0).level).collect();
    assert_eq!(levels, [Level::Alert, Level::Throttle, Level::Throttle, Level::Throttle]);
    assert_eq!(new(5, 1).level, Level::Alert, "a known name");
    assert_eq!(new(33, 9).level, Level::Throttle);
    assert_eq!(new(33, 10).level, Level::Alert);
    // What was held back did not leave and cost nothing.
    assert_eq!(new(33, 11).totals.hour, 34 * 64);
}

#[test]
fn a_budget_that_only_observes_says_the_same_and_counts_on() {
    let budgets = Budgets::small();
    let client = Client { limits: LIMITS, acts: false, ..client(&budgets, 1) };
    let levels: Vec<_> = (0..80)
        .map(|n: u32| client.ask(&format!("{n:062}.x.example.org"), RecordType::A, 0).level)
        .collect();
    assert_eq!(levels.iter().position(|level| *level == Level::Throttle), Some(33));
    assert_eq!(levels.iter().position(|level| *level == Level::Block), Some(64));
}

#[test]
fn whoever_floods_the_tables_hides_nothing_and_harms_nobody() {
    let budgets = Budgets::small();
    let (attacker, other) = (client(&budgets, 1), client(&budgets, 2));
    other.ask("www.example.net", RecordType::A, 0);
    let before = attacker.tunnel("evil.example", 0);
    assert_eq!(before, 4_096);
    for n in 0..20_000 {
        attacker.ask(&format!("www.flood{n}.example"), RecordType::A, 1);
    }
    let again = attacker.ask("fresh.evil.example", RecordType::A, 2);
    assert_eq!(again.level, Level::Block);
    let calm = other.ask("www.example.net", RecordType::A, 3);
    assert_eq!((calm.octets, calm.totals.hour, calm.level), (0, 8, Level::Free));
    assert_eq!(other.ask("www.new.example", RecordType::A, 3).totals.hour, 8);
}

#[test]
fn what_is_spared_costs_nothing_and_is_asked_only_where_it_matters() {
    let budgets = Budgets::small();
    let name = Name::from_text("www.example.org").unwrap();
    let domain = RegisteredDomain::of(&name);
    let asked =
        Asked { client: 1, is_proved: true, name: &name, domain, kind: RecordType::A, seconds: 0 };
    let charge = budgets.charge(&asked, LIMITS, true, || true);
    assert_eq!((charge.level, charge.octets, charge.totals.hour), (Level::Free, 0, 0));
    budgets.charge(&asked, LIMITS, true, || false);
    budgets.charge(&asked, LIMITS, true, || panic!("a known name of a calm client"));
}

#[test]
fn all_tables_fit_into_sixteen_megabytes() {
    assert!(Budgets::new().octets() <= 16_000_000, "{}", Budgets::new().octets());
}

#[test]
fn two_workers_share_the_account_of_a_client_from_its_first_name_on() {
    // Both begin the account at once, many times: what one of them adds is never lost.
    for round in 0..500 {
        let (budgets, start) = (Budgets::small(), std::sync::Barrier::new(2));
        let left = |worker: u32| {
            let client = client(&budgets, 1);
            start.wait();
            let name = |n: u32| format!("{worker}{n:061}.x.example.org");
            let levels = (0..80).map(|n| client.ask(&name(n), RecordType::A, 0).level);
            levels.filter(|level| *level < Level::Throttle).count()
        };
        let passed: usize = std::thread::scope(|scope| {
            let threads = [0, 1].map(|worker| scope.spawn(move || left(worker)));
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(passed, 64, "in round {round}");
    }
}

/// How many clients it takes that each ask for this many new names of 61 octets until a name that another
/// asks is held back, and until it is noted.
fn until_split(alert: u32, names: u32, is_proved: bool) -> [Option<u64>; 2] {
    let (budgets, split) = (Budgets::new(), SplitLimit { octets: 4_096, acts: true });
    let top = 15_000;
    let limits = Limits { alert, throttle: top, block: top, day: top, split: Some(split) };
    let mut until = [None; 2];
    for number in 0..120 {
        for name in 0..names {
            let name = Name::from_text(&format!("{number:030}{name:030}.example.org")).unwrap();
            let domain = RegisteredDomain::of(&name);
            let kind = RecordType::A;
            let asked =
                Asked { client: number << 32, is_proved, name: &name, domain, kind, seconds: 0 };
            let charge = budgets.charge(&asked, limits, true, || false);
            let is = [charge.split_acts, charge.level == Level::Split];
            for (until, is) in until.iter_mut().zip(is) {
                *until = until.or(is.then_some(number));
            }
        }
    }
    until
}

#[test]
fn no_client_alone_and_none_that_may_be_forged_has_names_refused_for_everybody() {
    // 200 names of one client are 12,000 octets, of which 1,024 count.
    let [held, noted] = until_split(15_000, 200, true);
    assert!(held.is_some_and(|clients| (3..=7).contains(&clients)) && noted == held, "{held:?}");
    let [held, noted] = until_split(1_024, 10, false);
    assert!(held.is_none() && noted.is_some_and(|clients| clients < 20), "{held:?} {noted:?}");
    assert!(until_split(1_024, 10, true)[0].is_some_and(|clients| clients < 20));
}
