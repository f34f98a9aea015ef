//! Measures lists: `cargo run --release --example lists -- FILE...` compiles each file as one list
//! and prints size, time, memory and the cost of a decision. Nothing is judged.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use keyhole_lists::{Compiler, Report};
use keyhole_names::HashedName;
use keyhole_names::list_file::{ListFile, ListKind, ListMask};
use keyhole_wire::{Name, RecordType};

/// How many names are asked in one round.
const ASKED: usize = 100_000;
/// How many of them are timed together.
const BATCH: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        return Err("name the list files to measure".into());
    }
    let start = Instant::now();
    let (octets, report) = compile(&paths)?;
    println!("compiled in {:?}, peak {:.1} MB", start.elapsed(), memory("VmHWM"));
    print_report(&report);

    let path = std::env::temp_dir().join(format!("keyhole-lists-{}.khl", std::process::id()));
    std::fs::write(&path, &octets)?;
    drop(octets);
    let opened = measure_open(&path, &report.sha256);
    std::fs::remove_file(&path)?;
    let file = opened?;

    let in_use: ListMask = (0..file.list_count()).collect();
    let kinds = vec![ListKind::Block; file.list_count()];
    let misses = (0..ASKED).map(|n| format!("www.host{n}.example{}.org", n % 977));
    let misses: Vec<Name> = misses.map(|text| Name::from_text(&text)).collect::<Result<_, _>>()?;
    let hits = listed_names(&paths)?;
    for (what, names) in [("misses", &misses), ("hits", &hits)] {
        let mut found = 0;
        let mut decide = |name: &Name| {
            let hit = file.decide(&in_use, &kinds, &HashedName::new(name), RecordType::A);
            found += usize::from(hit.is_some());
        };
        let both = each(names, &mut decide);
        let hash = each(names, |name| HashedName::new(name).hash());
        println!("{what}: hash {hash:?}, hash and decide {both:?}, {found} of {}", names.len());
    }
    println!("resident in the end {:.1} MB", memory("VmRSS"));
    Ok(())
}

fn compile(paths: &[String]) -> Result<(Vec<u8>, Report), Box<dyn Error>> {
    let mut compiler = Compiler::new(&[]);
    for path in paths {
        compiler.begin_list(path, ListKind::Block)?;
        compiler.read_file(path, None, File::open(path)?)?;
    }
    Ok(compiler.finish()?)
}

fn print_report(report: &Report) {
    println!("{} names in {:.1} MB", report.names, report.octets as f64 / 1e6);
    for list in &report.lists {
        let format = list.files.first().map(|file| file.format);
        println!(
            "  {}: {format:?}, taken {}, duplicates {}, skipped {} {:?}",
            list.name, list.taken, list.duplicates, list.skipped.count, list.skipped.by_reason
        );
    }
}

fn measure_open(path: &Path, sha256: &str) -> Result<ListFile, Box<dyn Error>> {
    let before = memory("RssAnon");
    let start = Instant::now();
    let file = ListFile::open(path, sha256)?;
    let elapsed = start.elapsed();
    println!("opened in {elapsed:?}, heap {:+.1} MB", memory("RssAnon") - before);
    Ok(file)
}

/// Some names of the lists themselves, spread over all of them.
fn listed_names(paths: &[String]) -> Result<Vec<Name>, Box<dyn Error>> {
    let mut names = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path)?;
        let lines = text.lines().filter(|line| !line.starts_with(['#', '!'])).step_by(11);
        for line in lines.take(ASKED / paths.len()) {
            let word = line.split_whitespace().last().unwrap_or_default();
            let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            names.extend(Name::from_text(word.trim_start_matches("address=/")));
        }
    }
    Ok(names)
}

/// The median over batches of the time for one name: other load on the machine distorts a mean.
fn each<T>(names: &[Name], mut ask: impl FnMut(&Name) -> T) -> Duration {
    let mut times: Vec<Duration> = Vec::new();
    for batch in names.chunks(BATCH) {
        // The first round brings the names into the cache, as parsing does in the engine.
        for name in batch {
            black_box(name.as_wire().len());
        }
        let start = Instant::now();
        for name in batch {
            black_box(ask(black_box(name)));
        }
        times.push(start.elapsed() / batch.len() as u32);
    }
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A line of `/proc/self/status` in MB; 0 where there is no such file.
fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    let kilobytes = line.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0 / 1e6
}
