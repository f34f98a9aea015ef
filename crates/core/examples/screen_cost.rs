//! What the screen costs: nanoseconds of a question whose name its client asked before, and of a new
//! one, of 10,000 clients; and the octets of all tables.
//!
//! `cargo run --release --example screen_cost`

use std::time::Instant;

use keyhole_core::budgets::{Asked, Budgets, Limits, RegisteredDomain, SplitLimit};
use keyhole_wire::{Name, RecordType};

const CLIENTS: u64 = 10_000;
const NAMES: usize = 4_000;
const ROUNDS: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<Name> = (0..NAMES)
        .map(|n| Name::from_text(&format!("host{n:012}.example{}.org", n % 300)))
        .collect::<Result<_, _>>()?;
    let budgets = Budgets::new();
    println!("{:<34} {:>12}", "tables, octets", budgets.octets());
    for (title, split) in [("each client alone", false), ("and all together", true)] {
        let limit = SplitLimit { octets: 4_096, acts: true };
        let limits = Limits {
            alert: 1_024,
            throttle: 2_048,
            block: 4_096,
            day: 8_192,
            split: split.then_some(limit),
        };
        let new = best(|round, name| ask(&budgets, &names, round, name, limits, split));
        let known = best(|_, name| ask(&budgets, &names, 0, name % 400, limits, split));
        println!("{:<34} {new:>12.0}", format!("new name, ns, {title}"));
        println!("{:<34} {known:>12.0}", format!("known name, ns, {title}"));
    }
    Ok(())
}

fn ask(budgets: &Budgets, names: &[Name], round: usize, name: usize, limits: Limits, split: bool) {
    // Each client asks for 40 names in one round, and is spread as its number is.
    let client = (round * 100 + name % 100) as u64 % CLIENTS;
    let client = client.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(split);
    let name = &names[name];
    let domain = RegisteredDomain::of(name);
    let asked = Asked { client, is_proved: true, name, domain, kind: RecordType::A, seconds: 5 };
    std::hint::black_box(budgets.charge(&asked, limits, true, || false));
}

/// Nanoseconds of one call, of the best round: whatever else the machine does only ever adds.
fn best(call: impl Fn(usize, usize)) -> f64 {
    let rounds = (0..ROUNDS).map(|round| {
        let begin = Instant::now();
        (0..NAMES).for_each(|name| call(round, name));
        begin.elapsed().as_nanos() as f64 / NAMES as f64
    });
    rounds.fold(f64::MAX, f64::min)
}
