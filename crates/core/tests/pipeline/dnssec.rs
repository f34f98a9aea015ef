//! DNSSEC validation: proofs and forgeries one by one.

use std::sync::atomic::Ordering::Relaxed;

use keyhole_core::Reason;
use keyhole_core::dnssec::{Counts, Security, validate};
use serde_json::json;

use super::dnssec_world::{Upstream, World, answer, failed, rules, unsigned};
use super::signer::{
    A, CNAME, DNAME, DNSKEY, DS, Message, NS, NSEC, RRSIG, SOA, Set, TTL, Zone, beside, hash, name,
    now,
};

const ADDRESS: &[u8] = &[198, 18, 0, 1];
const DAY: i64 = 86_400;

#[tokio::test]
async fn what_a_zone_signed_is_secure_and_what_nobody_could_sign_is_insecure() {
    let world = World::new();
    let signed = world.zone.signed("www.example", A, &[ADDRESS]);
    let checked = answer("www.example", A, 0, |m| m.answer(&signed));
    let checked = validate(&checked, &world.rules, &world.upstream, &world.counts, now()).await;
    assert_eq!(checked.security, Security::Secure);
    assert_eq!(checked.ttl, TTL, "the original TTL");
    assert!((DAY - 60..=DAY).contains(&i64::from(checked.valid_for)), "until it expires");
    let below = world.child.signed("a.child.example", A, &[ADDRESS]);
    assert_eq!(world.judge("a.child.example", 0, |m| m.answer(&below)).await, Security::Secure);
    let plain = unsigned("a.plain.example", A, ADDRESS);
    assert_eq!(world.judge("a.plain.example", 0, |m| m.answer(&plain)).await, Security::Insecure);
    let elsewhere = unsigned("a.elsewhere", A, ADDRESS);
    assert_eq!(
        world.judge("a.elsewhere", 0, |m| m.answer(&elsewhere)).await,
        Security::Insecure,
        "no anchor is above it"
    );
    let asked = world.upstream.asked.load(Relaxed);
    world.judge("a.child.example", 0, |m| m.answer(&below)).await;
    assert_eq!(world.upstream.asked.load(Relaxed), asked, "keys are asked for once");
}

#[tokio::test]
async fn nobody_speaks_for_the_names_of_others() {
    let world = World::new();
    let (zone, evil) = (&world.zone, &world.evil);
    let target = "www.example";
    // Unsigned where the zone signs.
    let none = unsigned(target, A, ADDRESS);
    let found = failed(world.judge(target, 0, |m| m.answer(&none)).await);
    assert_eq!(found, Reason::DnssecSignatureMissing);
    // The signer is an unsigned zone elsewhere: its standing must not become that of the name.
    let mut forged = none.clone();
    evil.sign(&mut forged, (-DAY, DAY), None);
    let found = failed(world.judge(target, 0, |m| m.answer(&forged)).await);
    assert_eq!(found, Reason::DnssecBogus);
    // The key of another zone under the name of the right one.
    let impostor = Zone::new("example");
    let mut forged = none.clone();
    impostor.sign(&mut forged, (-DAY, DAY), None);
    failed(world.judge(target, 0, |m| m.answer(&forged)).await);
    // A child does not speak for its parent, nor for its own DS records.
    let mut forged = none.clone();
    world.child.sign(&mut forged, (-DAY, DAY), None);
    failed(world.judge(target, 0, |m| m.answer(&forged)).await);
    let ds = world.child.signed("child.example", DS, &[&evil.ds()]);
    failed(world.check(&answer("child.example", DS, 0, |m| m.answer(&ds))).await);
    // A signature over other data, and one over a name with more labels than the owner has.
    let mut changed = zone.signed(target, A, &[ADDRESS]);
    changed.data = vec![vec![192, 0, 2, 66]];
    let found = failed(world.judge(target, 0, |m| m.answer(&changed)).await);
    assert_eq!(found, Reason::DnssecBogus);
    let labels = zone.signed_as(target, A, &[ADDRESS], (-DAY, DAY), Some(9));
    failed(world.judge(target, 0, |m| m.answer(&labels)).await);
    // The code is not signed: it denies what is there.
    let good = zone.signed(target, A, &[ADDRESS]);
    let found = failed(world.judge(target, 3, |m| m.answer(&good)).await);
    assert_eq!(found, Reason::DnssecBogus);
    // Below a signed child the parent's silence is no proof.
    let found = failed(
        world
            .judge("a.child.example", 0, |m| m.answer(&unsigned("a.child.example", A, ADDRESS)))
            .await,
    );
    assert_eq!(found, Reason::DnssecIndeterminate, "nobody says what a.child.example is");
}

#[tokio::test]
async fn times_are_those_of_the_clock_also_for_what_is_remembered() {
    let world = World::new();
    let zone = &world.zone;
    for (window, expected) in [
        ((-2 * DAY, -DAY), Reason::DnssecSignatureExpired),
        ((DAY, 2 * DAY), Reason::DnssecSignatureNotYetValid),
    ] {
        let set = zone.signed_as("www.example", A, &[ADDRESS], window, None);
        let found = failed(world.judge("www.example", 0, |m| m.answer(&set)).await);
        assert_eq!(found, expected);
    }
    assert_eq!(world.counts.clock_fault(), None);
    let good = zone.signed("www.example", A, &[ADDRESS]);
    let good = answer("www.example", A, 0, |m| m.answer(&good));
    assert_eq!(world.check(&good).await, Security::Secure);
    // Thirty years off, with the keys of the zone remembered.
    for (offset, expected) in [
        (30 * 365 * DAY, Reason::DnssecSignatureExpired),
        (-30 * 365 * DAY, Reason::DnssecSignatureNotYetValid),
    ] {
        let at = now() + offset;
        let checked = validate(&good, &world.rules, &world.upstream, &world.counts, at).await;
        assert_eq!(failed(checked.security), expected);
        assert!(world.counts.clock_fault().unwrap().contains("the clock is"), "status says so");
    }
    assert_eq!(world.check(&good).await, Security::Secure, "the clock is right again");
    assert_eq!(world.counts.clock_fault(), None);
}

#[tokio::test]
async fn an_anchor_whose_keys_do_not_come_is_told_until_they_do() {
    let mut world = World::new();
    let good = world.zone.signed("www.example", A, &[ADDRESS]);
    let good = answer("www.example", A, 0, |m| m.answer(&good));
    assert_eq!((world.check(&good).await, world.rules.fault()), (Security::Secure, None));
    let own = answer("example", DNSKEY, 0, |m| m.answer(&world.zone.keys()));
    world.rules = rules(&Zone::new("example"), &json!([]));
    for count in 1..=3 {
        assert_eq!(failed(world.check(&good).await), Reason::DnssecKeyMissing);
        let fault = world.rules.fault().unwrap();
        let place = format!("the trust anchor of example (dnssec_key_missing, {count} in a row)");
        assert!(fault.contains(&place) && fault.contains("upstreams.validate.anchors"), "{fault}");
    }
    // That an upstream gives no keys says nothing of the anchor.
    world.upstream.answers.remove(&("example".into(), DNSKEY));
    world.rules = rules(&world.zone, &json!([]));
    assert_eq!(failed(world.check(&good).await), Reason::DnssecIndeterminate);
    assert_eq!(world.rules.fault(), None);
    let other = answer("example", DNSKEY, 0, |m| m.answer(&Zone::new("example").keys()));
    world.upstream.knows("example", DNSKEY, other);
    failed(world.check(&good).await);
    assert!(world.rules.fault().is_some(), "somebody changes the keys");
    world.upstream.knows("example", DNSKEY, own);
    assert_eq!((world.check(&good).await, world.rules.fault()), (Security::Secure, None));
}

#[tokio::test]
async fn a_wildcard_speaks_only_where_nothing_is_closer() {
    let world = World::new();
    let zone = &world.zone;
    let owner = "a.wild.example";
    let set = zone.signed_as(owner, A, &[ADDRESS], (-DAY, DAY), Some(2));
    let found = failed(world.judge(owner, 0, |m| m.answer(&set)).await);
    assert_eq!(found, Reason::DnssecProofMissing, "no proof");
    let right = zone.nsec("*.wild.example", "z.wild.example", &[A]);
    let proved = world.judge(owner, 0, |m| m.answer(&set).authority(&right)).await;
    assert_eq!(proved, Security::Secure);
    for (first, next) in [
        // The name exists; what is covered is another name.
        (owner, "z.wild.example"),
        ("b.wild.example", "z.wild.example"),
        // Only names below it exist, so that it does as well.
        ("*.wild.example", "b.a.wild.example"),
    ] {
        let wrong = zone.nsec(first, next, &[A]);
        let found = world.judge(owner, 0, |m| m.answer(&set).authority(&wrong)).await;
        assert_eq!(failed(found), Reason::DnssecProofMissing, "{first} {next}");
    }
    // `b.wild.example` exists and keeps the wildcard away from names below it.
    let deep = zone.signed_as("a.b.wild.example", A, &[ADDRESS], (-DAY, DAY), Some(2));
    let closer = zone.nsec("b.wild.example", "z.wild.example", &[A]);
    let found = world.judge("a.b.wild.example", 0, |m| m.answer(&deep).authority(&closer)).await;
    assert_eq!(failed(found), Reason::DnssecProofMissing);
    // The same by hashes: the next closer name must be covered.
    let next = hash(owner);
    let covering = zone.nsec3((beside(next, -1), beside(next, 1)), (0, 0), &[A]);
    let proved = world.judge(owner, 0, |m| m.answer(&set).authority(&covering)).await;
    assert_eq!(proved, Security::Secure);
    let open = zone.nsec3((beside(next, -1), beside(next, 1)), (1, 0), &[A]);
    let proved = world.judge(owner, 0, |m| m.answer(&set).authority(&open)).await;
    assert_eq!(proved, Security::Insecure, "opt-out (RFC 5155 section 9.2)");
}

#[tokio::test]
async fn names_are_denied_by_the_right_nsec_records_alone() {
    let world = World::new();
    let (zone, child) = (&world.zone, &world.child);
    let soa = zone.soa();
    let denied = |rcode: u8, proofs: Vec<Set>| {
        let fill = |m: Message| proofs.iter().fold(m.authority(&soa), |m, set| m.authority(set));
        answer("x.example", A, rcode, fill)
    };
    let covering = zone.nsec("www.example", "y.example", &[A]);
    let wildcard = zone.nsec("example", "a.example", &[NS, SOA]);
    let both = denied(3, vec![covering.clone(), wildcard.clone()]);
    assert_eq!(world.check(&both).await, Security::Secure);
    let matching = |kinds: &[u16]| denied(0, vec![zone.nsec("x.example", "y.example", kinds)]);
    assert_eq!(world.check(&matching(&[RRSIG])).await, Security::Secure);
    let between = denied(0, vec![zone.nsec("www.example", "a.x.example", &[A])]);
    assert_eq!(world.check(&between).await, Security::Secure, "an empty non-terminal");
    for (what, forged) in [
        ("no proof of the wildcard", denied(3, vec![covering.clone()])),
        ("no proof of the name", denied(3, vec![wildcard.clone()])),
        ("no proof at all", denied(3, vec![])),
        ("it has the type", matching(&[A])),
        ("it has an alias", matching(&[CNAME])),
        ("it is a delegation", matching(&[NS])),
        (
            "what exists because of names below it",
            denied(3, vec![zone.nsec("www.example", "a.x.example", &[A]), wildcard.clone()]),
        ),
        (
            "a record that leads out of the zone",
            denied(3, vec![zone.nsec("www.example", "y.elsewhere", &[A]), wildcard.clone()]),
        ),
        (
            "the last record leads to the apex alone",
            denied(3, vec![zone.nsec("www.example", "b.example", &[A]), wildcard.clone()]),
        ),
        (
            "a proof of the zone below",
            denied(
                3,
                vec![child.nsec("a.child.example", "z.child.example", &[A]), wildcard.clone()],
            ),
        ),
    ] {
        let found = failed(world.check(&forged).await);
        assert_eq!(found, Reason::DnssecProofMissing, "{what}");
    }
    // Names below a delegation or a DNAME are not those of the zone (RFC 6840 section 4.1).
    for kinds in [&[NS][..], &[DNAME]] {
        let above = zone.nsec("child.example", "y.example", kinds);
        let forged = answer("a.child.example", A, 3, |m| {
            m.authority(&soa).authority(&above).authority(&wildcard)
        });
        assert_eq!(failed(world.check(&forged).await), Reason::DnssecProofMissing);
    }
}

#[tokio::test]
async fn names_are_denied_by_the_right_hashes_alone() {
    let world = World::new();
    let zone = &world.zone;
    let soa = zone.soa();
    let own = |of: &str, kinds: &[u16]| {
        let hash = hash(of);
        zone.nsec3((hash, beside(hash, 1)), (0, 0), kinds)
    };
    let cover = |of: &str, flags: u8| {
        let hash = hash(of);
        zone.nsec3((beside(hash, -1), beside(hash, 1)), (flags, 0), &[A])
    };
    let denied = |rcode: u8, proofs: &[Set]| {
        let fill = |m: Message| proofs.iter().fold(m.authority(&soa), |m, set| m.authority(set));
        answer("x.example", A, rcode, fill)
    };
    let apex = own("example", &[NS, SOA]);
    let (next, star) = (cover("x.example", 0), cover("*.example", 0));
    for (rcode, proofs, expected) in [
        (3, vec![apex.clone(), next.clone(), star.clone()], Security::Secure),
        (3, vec![apex.clone(), cover("x.example", 1), star.clone()], Security::Insecure),
        (0, vec![own("x.example", &[RRSIG])], Security::Secure),
        (0, vec![apex.clone(), next.clone(), own("*.example", &[RRSIG])], Security::Secure),
    ] {
        assert_eq!(world.check(&denied(rcode, &proofs)).await, expected);
    }
    for (rcode, proofs) in [
        (3, vec![apex.clone(), next.clone()]),
        (3, vec![apex.clone(), star.clone()]),
        (3, vec![next.clone(), star.clone()]),
        (3, vec![own("example", &[NS]), next.clone(), star.clone()]),
        (0, vec![own("x.example", &[A])]),
        (0, vec![own("x.example", &[CNAME])]),
        (0, vec![own("x.example", &[NS])]),
        (0, vec![apex.clone(), next.clone(), own("*.example", &[A])]),
    ] {
        let found = failed(world.check(&denied(rcode, &proofs)).await);
        assert_eq!(found, Reason::DnssecProofMissing);
    }
    let many = |iterations: u16| {
        let hash = hash("x.example");
        [zone.nsec3((hash, beside(hash, 1)), (0, iterations), &[RRSIG])]
    };
    assert_eq!(world.check(&denied(0, &many(51))).await, Security::Insecure);
    assert_eq!(failed(world.check(&denied(0, &many(500))).await), Reason::DnssecIterations);
}

#[tokio::test]
async fn aliases_are_as_good_as_the_least_of_their_parts() {
    let world = World::new();
    let (zone, child) = (&world.zone, &world.child);
    let alias = |to: &str| zone.signed("www.example", CNAME, &[name(to).as_wire()]);
    let good = child.signed("a.child.example", A, &[ADDRESS]);
    let found =
        world.judge("www.example", 0, |m| m.answer(&alias("a.child.example")).answer(&good));
    assert_eq!(found.await, Security::Secure);
    let plain = unsigned("a.plain.example", A, ADDRESS);
    let found =
        world.judge("www.example", 0, |m| m.answer(&alias("a.plain.example")).answer(&plain));
    assert_eq!(found.await, Security::Insecure);
    let forged = unsigned("x.example", A, ADDRESS);
    let found = world.judge("www.example", 0, |m| m.answer(&alias("x.example")).answer(&forged));
    assert_eq!(failed(found.await), Reason::DnssecSignatureMissing);
    let soa = zone.soa();
    let found = world.judge("www.example", 3, |m| m.answer(&alias("x.example")).authority(&soa));
    assert_eq!(failed(found.await), Reason::DnssecProofMissing);
    // DNAME makes an alias, and no other than that.
    let dname = zone.signed("x.example", DNAME, &[child.apex.as_wire()]);
    for (to, is_right) in [("a.child.example", true), ("a.plain.example", false)] {
        let made = unsigned("a.x.example", CNAME, name(to).as_wire());
        let end = if is_right { good.clone() } else { plain.clone() };
        let found =
            world.judge("a.x.example", 0, |m| m.answer(&dname).answer(&made).answer(&end)).await;
        assert_eq!(found == Security::Secure, is_right, "{to}");
    }
    let wild = zone.signed_as("x.example", DNAME, &[child.apex.as_wire()], (-DAY, DAY), Some(1));
    let made = unsigned("a.x.example", CNAME, name("a.child.example").as_wire());
    let found = world.judge("a.x.example", 0, |m| m.answer(&wild).answer(&made).answer(&good));
    assert_eq!(failed(found.await), Reason::DnssecProofMissing, "DNAME out of a wildcard");
}

#[tokio::test]
async fn more_work_than_any_zone_needs_is_not_done() {
    let mut world = World::new();
    let mut many = world.zone.signed("www.example", A, &[ADDRESS]);
    for _ in 0..8 {
        Zone::new("example").sign(&mut many, (-DAY, DAY), None);
    }
    let found = failed(world.judge("www.example", 0, |m| m.answer(&many)).await);
    assert_eq!(found, Reason::DnssecOverLimit, "signatures");
    let deep = ["a."; 60].concat() + "example";
    for labels in 1..=60 {
        let between = ["a."; 60][..labels].concat() + "example";
        let nsec = world.zone.nsec(&between, &format!("\\000.{between}"), &[A]);
        let denied = answer(&between, DS, 0, |m| m.authority(&world.zone.soa()).authority(&nsec));
        world.upstream.knows(&between, DS, denied);
    }
    let found = failed(world.judge(&deep, 0, |m| m.answer(&unsigned(&deep, A, ADDRESS))).await);
    assert_eq!(found, Reason::DnssecOverLimit, "DS records");
    // Keys of one tag (CVE-2023-50387): a few are tried, no more.
    let zone = Zone::new("example");
    let twins: Vec<Vec<u8>> = (1..=20).map(|number| zone.twin(number)).collect();
    let own = zone.dnskey();
    let mut all: Vec<&[u8]> = twins.iter().map(Vec::as_slice).collect();
    all.push(&own);
    let keys = zone.signed("example", DNSKEY, &all);
    let mut upstream = Upstream::default();
    upstream.knows("example", DNSKEY, answer("example", DNSKEY, 0, |m| m.answer(&keys)));
    let mut forged = zone.signed("www.example", A, &[ADDRESS]);
    forged.data = vec![vec![192, 0, 2, 66]];
    let forged = answer("www.example", A, 0, |m| m.answer(&forged));
    let (rules, counts) = (rules(&zone, &json!([])), Counts::default());
    let found = validate(&forged, &rules, &upstream, &counts, now()).await.security;
    assert_eq!(failed(found), Reason::DnssecOverLimit, "keys");
}

#[tokio::test]
async fn a_domain_that_is_left_out_is_insecure_until_its_day() {
    let world = World::new();
    let bogus = unsigned("www.example", A, ADDRESS);
    let bogus = answer("www.example", A, 0, |m| m.answer(&bogus));
    for (domain, until, is_left_out) in [
        ("www.example", DAY, true),
        ("example", 1_000, true),
        ("other.example", DAY, false),
        ("www.example", -1, false),
    ] {
        let exempt = json!([{"name": domain, "until": now() + until}]);
        let rules = rules(&world.zone, &exempt);
        let checked = validate(&bogus, &rules, &world.upstream, &world.counts, now()).await;
        assert_eq!(checked.security == Security::Insecure, is_left_out, "{domain} {until}");
        if is_left_out {
            assert!(i64::from(checked.valid_for) <= until, "it is kept no longer than that");
        }
    }
}

#[tokio::test]
async fn a_signer_above_the_anchor_does_not_make_forgeries_insecure() {
    let mut world = World::new();
    let (root, org, zone) =
        (Zone::new("."), Zone::new("example.org"), Zone::new("secure.example.org"));
    let keys = answer("secure.example.org", DNSKEY, 0, |m| m.answer(&zone.keys()));
    world.upstream.knows("secure.example.org", DNSKEY, keys);
    let owner = "www.secure.example.org";
    let nsec = zone.nsec(owner, &format!("\\000.{owner}"), &[A, RRSIG, NSEC]);
    let inside = answer(owner, DS, 0, |m| m.authority(&zone.soa()).authority(&nsec));
    world.upstream.knows(owner, DS, inside);
    let left_out = json!([{"name": "example.org", "until": now() + DAY}]);
    for exempt in [json!([]), left_out.clone()] {
        world.rules = rules(&zone, &exempt);
        for (signer, labels) in [(&root, 0), (&org, 2)] {
            let mut forged = unsigned(owner, A, ADDRESS);
            signer.sign(&mut forged, (-DAY, DAY), Some(labels));
            let found = world.judge(owner, 0, |m| m.answer(&forged)).await;
            assert_eq!(failed(found), Reason::DnssecBogus, "{}", signer.apex);
            // Nor does what stands above the anchor deny what is below it.
            let denied = org.nsec("a.example.org", "z.example.org", &[A]);
            let found = world.judge(owner, 3, |m| m.authority(&org.soa()).authority(&denied)).await;
            assert_eq!(failed(found), Reason::DnssecProofMissing);
        }
        let good = zone.signed(owner, A, &[ADDRESS]);
        assert_eq!(world.judge(owner, 0, |m| m.answer(&good)).await, Security::Secure);
    }
    // What is left out is so whoever denies it.
    let keys = answer("example.org", DNSKEY, 0, |m| m.answer(&org.keys()));
    world.upstream.knows("example.org", DNSKEY, keys);
    world.rules = rules(&org, &json!([{"name": "b.example.org", "until": now() + DAY}]));
    let found = world.judge("b.example.org", 3, |m| m.authority(&org.soa())).await;
    assert_eq!(found, Security::Insecure);
}

#[tokio::test]
async fn want_of_turns_is_told_as_that_and_forgets_nothing() {
    let mut world = World::new();
    world.upstream.fails_with = Some(Reason::Overloaded);
    let owner = "a.b.child.example";
    let (set, none) = (world.child.signed(owner, A, &[ADDRESS]), unsigned(owner, A, ADDRESS));
    assert_eq!(world.judge(owner, 0, |m| m.answer(&set)).await, Security::Secure);
    assert_eq!(failed(world.judge(owner, 0, |m| m.answer(&none)).await), Reason::Overloaded);
    world.upstream.answers.remove(&("example".into(), DNSKEY));
    world.rules = rules(&world.zone, &json!([]));
    let found = failed(world.judge("www.example", 0, |m| m.answer(&none)).await);
    assert_eq!(found, Reason::Overloaded);
    assert_eq!(world.upstream.forgotten.load(Relaxed), 0);
}
