//! How long one answer can occupy a thread by DNSSEC validation, in the worst case.
//!
//! `cargo run --release -p keyhole-core --example validation_cost` prints milliseconds: what a zone of
//! colliding keys costs (KeyTrap, CVE-2023-50387), and what all work that one answer may cost takes
//! with the slowest algorithm and the longest salt.

#![allow(missing_docs, unreachable_pub, clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use keyhole_core::Reason;
use keyhole_core::dnssec::{Counts, Fetch, MAX_HASHES, MAX_SIGNATURES, Rules, validate};
use keyhole_wire::{Answer, Name, RecordType};
use serde_json::json;
use signer::{A, DNSKEY, Message, Zone, name, now};

#[path = "../tests/signer/mod.rs"]
mod signer;

const ROUNDS: u32 = 100;

/// Knows one set of keys.
struct Keys(Arc<Answer>);

impl Fetch for Keys {
    async fn fetch(&self, _: &Name, _: RecordType) -> Result<Arc<Answer>, Reason> {
        Ok(Arc::clone(&self.0))
    }

    async fn pause(&self) {}

    fn forget(&self, _: &Name, _: RecordType) {}
}

fn main() {
    for count in [100, 31] {
        let (took, why) = colliding(count);
        println!("{:7.3} ms  {count} keys with one tag, a forged answer: {why:?}", millis(took));
    }
    let message = [7; 4096];
    let slowest = algorithms(&message).into_iter().max_by_key(|(_, took)| *took).unwrap();
    let all = slowest.1 * MAX_SIGNATURES;
    println!("{:7.3} ms  {MAX_SIGNATURES} signatures of {}", millis(all), slowest.0);
    // A round hashes the 20 octets of the one before and the salt.
    let hashed = timed(ROUNDS, || {
        for _ in 0..1_000 {
            std::hint::black_box(digest(&SHA1_FOR_LEGACY_USE_ONLY, &message[..20 + 255]));
        }
    }) / 1_000;
    println!(
        "{:7.3} ms  {MAX_HASHES} rounds of NSEC3 with a salt of 255",
        millis(hashed * MAX_HASHES)
    );
    println!("{:7.3} ms  one answer, at most", millis(all + hashed * MAX_HASHES));
}

/// A forged answer from a zone with so many further keys that have the tag of the right one.
fn colliding(count: u8) -> (Duration, Reason) {
    let zone = Zone::new("example");
    let twins: Vec<Vec<u8>> = (1..=count).map(|number| zone.twin(number)).collect();
    let own = zone.dnskey();
    let mut all: Vec<&[u8]> = twins.iter().map(Vec::as_slice).collect();
    all.push(&own);
    let keys = answer("example", DNSKEY, &zone.signed("example", DNSKEY, &all));
    let mut forged = zone.signed("www.example", A, &[&[192, 0, 2, 1]]);
    for _ in 0..7 {
        zone.sign(&mut forged, (-86_400, 86_400), None);
    }
    forged.data = vec![vec![192, 0, 2, 66]];
    let (forged, upstream) = (answer("www.example", A, &forged), Keys(Arc::new(keys)));
    let document = json!({"mode": "on", "anchors": [zone.anchor()], "exempt": []});
    let document = serde_json::from_value(document).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut why = Reason::Forwarded;
    let took = timed(ROUNDS, || {
        let (rules, counts) = (Rules::read("example", &document).unwrap(), Counts::default());
        let found = runtime.block_on(validate(&forged, &rules, &upstream, &counts, now()));
        if let keyhole_core::dnssec::Security::Failed(reason) = found.security {
            why = reason;
        }
    });
    (took, why)
}

fn answer(owner: &str, kind: u16, set: &signer::Set) -> Answer {
    let message = Message::new(7, &name(owner), kind, 0).answer(set).finish();
    Answer::read(&message, 7, &name(owner), RecordType(kind)).unwrap()
}

/// The time of one signature by each algorithm, with the largest keys that count.
fn algorithms(message: &[u8]) -> Vec<(&'static str, Duration)> {
    let random = SystemRandom::new();
    let edwards = Ed25519KeyPair::generate().unwrap();
    let small = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let large = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa4096).unwrap();
    let mut by_rsa = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA512, &random, message, &mut by_rsa).unwrap();
    let public = rsa.public_key().as_der().unwrap();
    let of = |algorithm, key: &[u8], signature: &[u8]| verified(algorithm, key, message, signature);
    let (by_small, by_large) =
        (small.sign(&random, message).unwrap(), large.sign(&random, message).unwrap());
    let all = vec![
        ("Ed25519", of(&ED25519, edwards.public_key().as_ref(), edwards.sign(message).as_ref())),
        ("P-256", of(&ECDSA_P256_SHA256_FIXED, small.public_key().as_ref(), by_small.as_ref())),
        ("P-384", of(&ECDSA_P384_SHA384_FIXED, large.public_key().as_ref(), by_large.as_ref())),
        ("RSA of 4096 bits", of(&RSA_PKCS1_2048_8192_SHA512, public.as_ref(), &by_rsa)),
    ];
    for (what, took) in &all {
        println!("{:7.3} ms  one signature, {what}", millis(*took));
    }
    all
}

fn verified(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Duration {
    timed(ROUNDS, || UnparsedPublicKey::new(algorithm, key).verify(message, signature).unwrap())
}

/// The shortest time of all rounds: what else runs on the machine is not what is measured.
fn timed(rounds: u32, mut what: impl FnMut()) -> Duration {
    let time = |_| {
        let began = Instant::now();
        what();
        began.elapsed()
    };
    (0..rounds).map(time).min().unwrap_or_default()
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}
