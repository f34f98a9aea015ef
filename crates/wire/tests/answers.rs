//! What `Answer::read` believes, keeps and rejects.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod message;

use std::net::IpAddr;

use keyhole_wire::{
    Answer, AnswerBuilder, AnswerError, LeadingRecord, Name, Rcode, Record, RecordType, Section,
};
use message::{ID, Message, name, option, signature, soa};

const A: RecordType = RecordType::A;
const CNAME: RecordType = RecordType::CNAME;
const DNAME: RecordType = RecordType::DNAME;
const SOA: RecordType = RecordType::SOA;
const HOST: &[u8] = &[192, 0, 2, 1];

fn reply() -> Message {
    Message::response("www.example.org", A)
}

fn read(message: &Message) -> Result<Answer, AnswerError> {
    Answer::read(&message.0, ID, &name("WWW.example.org"), A)
}

fn wire(text: &str) -> Vec<u8> {
    name(text).as_wire().to_vec()
}

/// Owner and type of every record kept.
fn kept(message: &Message) -> Vec<(String, RecordType)> {
    let answer = read(message).unwrap();
    answer.records().map(|record| (record.owner().to_string(), record.kind)).collect()
}

#[test]
fn an_address_is_read() {
    let answer = read(&reply().answer("www.example.org", A, 300, HOST).opt(&[])).unwrap();
    let record = answer.records().next().unwrap();
    assert_eq!((record.section, record.kind, record.ttl), (Section::Answer, A, 300));
    assert_eq!(record.owner(), name("www.example.org"));
    assert_eq!(record.address(), Some(IpAddr::from([192, 0, 2, 1])));
    assert_eq!((answer.ttl(), answer.rcode()), (300, Rcode::NOERROR));
    assert!(!answer.is_negative() && !answer.is_failure());
    assert_eq!(answer.question(), (name("www.example.org"), A));
}

#[test]
fn only_the_answer_to_the_question_asked_is_one() {
    assert_eq!(read(&reply().flags(0x0180)).unwrap_err(), AnswerError::NotAResponse);
    assert_eq!(read(&reply().flags(0xa180)).unwrap_err(), AnswerError::NotAResponse);
    let other = Answer::read(&reply().0, 7, &name("www.example.org"), A);
    assert_eq!(other.unwrap_err(), AnswerError::WrongId);
    for question in [Message::response("ww.example.org", A), reply().class(3), reply().count(0, 0)]
    {
        assert_eq!(read(&question).unwrap_err(), AnswerError::WrongQuestion);
    }
    let other = Message::response("www.example.org", RecordType::AAAA);
    assert_eq!(read(&other).unwrap_err(), AnswerError::WrongQuestion);
}

#[test]
fn a_truncated_answer_is_told_apart() {
    assert_eq!(read(&reply().flags(0x8380).count(1, 9)).unwrap_err(), AnswerError::Truncated);
}

#[test]
fn a_failure_may_leave_out_the_question_and_keeps_no_records() {
    let mut bare = reply();
    bare.0.truncate(12);
    let answer = read(&bare.clone().count(0, 0).flags(0x8182)).unwrap();
    assert!(answer.is_failure() && !answer.is_negative());
    assert_eq!(answer.rcode(), Rcode::SERVFAIL);
    assert_eq!(read(&bare.count(0, 0).flags(0x8183)).unwrap_err(), AnswerError::WrongQuestion);
    let refused = reply().flags(0x8185).answer("www.example.org", A, 60, HOST);
    let answer = read(&refused).unwrap();
    assert_eq!((answer.records().count(), answer.ttl()), (0, 0));
}

#[test]
fn the_extended_code_and_error_come_from_the_opt_record() {
    let opt = [option(15, &[0, 22, b'x']), option(15, &[0, 1])].concat();
    let message = reply().flags(0x8182).raw(3, &[0], (RecordType::OPT, 1232, 1 << 24), &opt);
    let answer = read(&message).unwrap();
    assert_eq!((answer.rcode(), answer.extended_error()), (Rcode(18), Some(22)));
    let several = reply().opt(&[]).opt(&[]);
    assert_eq!(read(&several).unwrap_err(), AnswerError::BadOpt);
    let misplaced = reply().raw(1, &[0], (RecordType::OPT, 1232, 0), &[]);
    assert_eq!(read(&misplaced).unwrap_err(), AnswerError::BadOpt);
}

#[test]
fn the_chain_is_followed_and_put_in_order() {
    let message = reply()
        .answer("c.example.org", A, 5, HOST)
        .answer("b.example.net", CNAME, 50, &wire("C.example.org"))
        .answer("www.example.org", CNAME, 500, &wire("b.example.net"));
    let names = ["www.example.org", "b.example.net", "c.example.org"];
    let seen = kept(&message);
    assert!(seen.iter().map(|(owner, _)| owner.to_lowercase()).eq(names));
    let answer = read(&message).unwrap();
    assert_eq!(answer.ttl(), 5);
    assert!(!answer.is_negative());
    let targets: Vec<Name> = answer.records().filter_map(|record| record.target()).collect();
    assert_eq!(targets, [name("b.example.net"), name("c.example.org")]);
}

#[test]
fn what_the_question_does_not_lead_to_is_dropped() {
    let message = reply()
        .answer("www.example.org", A, 300, HOST)
        .answer("bank.example.com", A, 300, HOST)
        .answer("www.example.org", RecordType::TXT, 300, b"\x01x")
        .raw(1, &wire("www.example.org"), (A, 3, 300), HOST)
        .authority("example.org", RecordType::NS, 300, &wire("ns.example.com"))
        .authority("example.org", SOA, 300, &soa(1))
        .raw(3, &wire("ns.example.com"), (A, 1, 300), HOST);
    assert_eq!(kept(&message), [("www.example.org".into(), A)]);
}

#[test]
fn a_second_alias_of_one_name_is_dropped() {
    let message = reply()
        .answer("www.example.org", CNAME, 60, &wire("a.example.org"))
        .answer("www.example.org", CNAME, 60, &wire("b.example.org"))
        .answer("b.example.org", A, 60, HOST)
        .answer("a.example.org", A, 60, HOST);
    let owners: Vec<_> = kept(&message).into_iter().map(|(owner, _)| owner).collect();
    assert_eq!(owners, ["www.example.org", "a.example.org"]);
}

#[test]
fn a_loop_of_aliases_ends() {
    let message = reply().answer("www.example.org", CNAME, 60, &wire("a.example.org")).answer(
        "a.example.org",
        CNAME,
        60,
        &wire("www.example.org"),
    );
    let answer = read(&message).unwrap();
    assert!(answer.is_negative());
    assert_eq!((answer.records().count(), answer.ttl()), (2, 0));
}

#[test]
fn a_chain_longer_than_any_honest_one_is_rejected() {
    let chain = |links: usize| {
        let mut message = reply();
        let mut owner = "www.example.org".to_owned();
        for link in 0..links {
            let target = format!("l{link}.example.org");
            message = message.answer(&owner, CNAME, 60, &wire(&target));
            owner = target;
        }
        message.answer(&owner, A, 60, HOST)
    };
    assert!(read(&chain(256)).is_ok());
    assert_eq!(read(&chain(257)).unwrap_err(), AnswerError::LongChain);
}

#[test]
fn a_dname_is_kept_with_the_alias_made_from_it() {
    let message = reply()
        .answer("example.org", RecordType::DNAME, 60, &wire("example.net"))
        .answer("example.org", RecordType::RRSIG, 60, &signature(RecordType::DNAME))
        .answer("www.example.org", CNAME, 60, &wire("www.example.net"))
        .answer("www.example.net", A, 60, HOST)
        .answer("example.com", RecordType::DNAME, 60, &wire("example.net"));
    let kinds: Vec<_> = kept(&message).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, [RecordType::DNAME, RecordType::RRSIG, CNAME, A]);
}

#[test]
fn an_alias_asked_for_by_type_is_the_answer_itself() {
    let asked = Message::response("www.example.org", CNAME)
        .answer("www.example.org", CNAME, 60, &wire("a.example.org"))
        .answer("a.example.org", A, 60, HOST);
    let answer = Answer::read(&asked.0, ID, &name("www.example.org"), CNAME).unwrap();
    assert!(!answer.is_negative());
    assert_eq!(answer.records().count(), 1);
}

#[test]
fn a_negative_answer_lives_as_long_as_its_soa_says() {
    for (ttl, minimum, expected) in [(900, 60, 60), (60, 900, 60), (0, 900, 0), (900, 0, 0)] {
        for flags in [0x8180, 0x8183] {
            let message = reply().flags(flags).authority("example.org", SOA, ttl, &soa(minimum));
            let answer = read(&message).unwrap();
            assert!(answer.is_negative());
            assert_eq!(answer.ttl(), expected);
            assert_eq!(answer.records().next().unwrap().ttl, expected);
        }
    }
    let without = read(&reply().flags(0x8183)).unwrap();
    assert_eq!((without.is_negative(), without.ttl()), (true, 0));
}

#[test]
fn the_soa_must_be_that_of_the_missing_name() {
    let elsewhere = reply().authority("example.net", SOA, 60, &soa(60));
    assert_eq!(read(&elsewhere).unwrap().records().count(), 0);
    let behind_an_alias = reply()
        .answer("www.example.org", CNAME, 90, &wire("a.example.net"))
        .authority("example.net", SOA, 60, &soa(60));
    let answer = read(&behind_an_alias).unwrap();
    assert!(answer.is_negative());
    assert_eq!((answer.records().count(), answer.ttl()), (2, 60));
}

#[test]
fn a_ttl_with_the_highest_bit_is_zero() {
    for (ttl, expected) in [(0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 0), (u32::MAX, 0)] {
        let answer = read(&reply().answer("www.example.org", A, ttl, HOST)).unwrap();
        assert_eq!(answer.ttl(), expected);
    }
}

#[test]
fn compressed_names_are_read_and_written_compressed() {
    let mail = RecordType::MX;
    let message = Message::response("example.org", mail)
        .raw(1, &[0xc0, 12], (mail, 1, 60), b"\x00\x05\x02mx\xc0\x0c")
        .raw(1, &[0xc0, 12], (mail, 1, 60), b"\x00\x09\x03mx2\xc0\x0c");
    let answer = Answer::read(&message.0, ID, &name("example.org"), mail).unwrap();
    let data: Vec<_> = answer.records().map(|record| record.data().into_owned()).collect();
    assert_eq!(data[0], [&[0, 5][..], &wire("mx.example.org")].concat());
    assert_eq!(data[1], [&[0, 9][..], &wire("mx2.example.org")].concat());
    let grown = answer.octets() - size_of::<Answer>();
    assert_eq!(grown, message.0.len() + 2 * answer.records().count());
}

#[test]
fn names_that_must_not_be_compressed_are_written_in_full() {
    let srv = RecordType::SRV;
    let message = Message::response("example.org", srv).raw(
        1,
        &[0xc0, 12],
        (srv, 1, 60),
        b"\0\0\0\0\0\x35\x02ns\xc0\x0c",
    );
    let answer = Answer::read(&message.0, ID, &name("example.org"), srv).unwrap();
    let record = answer.records().next().unwrap();
    assert_eq!(*record.data(), [&[0, 0, 0, 0, 0, 0x35][..], &wire("ns.example.org")].concat());
}

#[test]
fn data_that_does_not_fit_its_type_is_rejected() {
    for (kind, data) in [
        (A, &[1, 2, 3][..]),
        (A, &[1, 2, 3, 4, 5]),
        (RecordType::AAAA, &[0; 15]),
        (CNAME, b"\x01a"),
        (CNAME, b"\x01a\x00\x00"),
        (CNAME, b""),
        (CNAME, b"\xc0\xff"),
        (RecordType::MX, b"\x00"),
        (RecordType::SOA, b"\x00\x00\x00\x00"),
        (RecordType::TXT, b""),
        (RecordType::TXT, b"\x02a"),
        (RecordType::HTTPS, b"\x00\x01\x00\x00\x04\x00\x03\xc0\x00\x02"),
        (RecordType::HTTPS, b"\x00\x01\x00\x00\x03\x00\x00\x00\x03\x00\x00"),
        (RecordType::HTTPS, b"\x00\x01\x00\x00\x03\x00\x02\x01"),
        (RecordType::RRSIG, &[0; 17]),
    ] {
        let message = reply().answer("www.example.org", kind, 60, data);
        assert_eq!(read(&message).unwrap_err(), AnswerError::BadData, "{kind} {data:?}");
    }
}

#[test]
fn unknown_types_pass_as_they_are() {
    let kind = RecordType(65_280);
    let message = Message::response("a", kind).answer("a", kind, 60, b"\xc0\x0c\xff");
    let answer = Answer::read(&message.0, ID, &name("a"), kind).unwrap();
    assert_eq!(*answer.records().next().unwrap().data(), *b"\xc0\x0c\xff");
}

#[test]
fn targets_and_hints_of_service_records_are_read() {
    let kind = RecordType::HTTPS;
    let mut service = b"\x00\x01".to_vec();
    service.extend(wire("svc.example.net"));
    service.extend(b"\x00\x01\x00\x03\x02h2\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02");
    service.extend(b"\x00\x06\x00\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01");
    let message = Message::response("a", kind).answer("a", kind, 60, &service).answer(
        "a",
        kind,
        60,
        b"\x00\x01\x00",
    );
    let answer = Answer::read(&message.0, ID, &name("a"), kind).unwrap();
    let records: Vec<_> = answer.records().collect();
    assert_eq!(records[0].target(), Some(name("svc.example.net")));
    let hints: Vec<String> = records[0].hints().map(|hint| hint.to_string()).collect();
    assert_eq!(hints, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
    assert_eq!((records[1].target(), records[1].hints().count()), (None, 0));
}

#[test]
fn counts_and_ends_that_lie_are_rejected() {
    let good = reply().answer("www.example.org", A, 60, HOST);
    assert_eq!(read(&good.clone().count(1, 2)).unwrap_err(), AnswerError::Unreadable);
    assert_eq!(read(&good.clone().count(3, 5500)).unwrap_err(), AnswerError::TooLarge);
    assert_eq!(read(&Message(vec![0; 11])).unwrap_err(), AnswerError::Unreadable);
}

#[test]
fn what_stands_behind_a_whole_message_or_in_no_option_takes_nothing_away_from_it() {
    let good = || reply().answer("www.example.org", A, 60, HOST);
    for message in [
        good().octets(&[0]),
        good().octets(&[0xff; 300]),
        good().opt(&option(15, b"")),
        good().opt(&option(15, b"\x00")),
        good().opt(b"\x00\x0f\x00\x09\x00"),
    ] {
        let answer = read(&message).unwrap();
        assert_eq!((answer.records().count(), answer.extended_error()), (1, None));
    }
}

#[test]
fn a_message_claims_to_answer_a_query_by_id_and_question_alone() {
    let asked = name("www.example.org");
    let claims = |message: &Message| Answer::claims(&message.0, ID, &asked, A);
    let good = reply().answer("www.example.org", A, 60, HOST);
    assert!(claims(&good) && claims(&good.clone().count(1, 9)));
    assert!(!Answer::claims(&good.0, ID ^ 1, &asked, A));
    assert!(!Answer::claims(&good.0, ID, &name("other.example.org"), A));
    assert!(!claims(&Message(vec![0; 11])));
}

#[test]
fn only_a_response_that_repeats_another_question_is_for_another_query() {
    let asked = name("www.example.org");
    let is_for_another = |octets: &[u8]| Answer::is_for_another(octets, ID, &asked, A);
    let good = reply().answer("www.example.org", A, 60, HOST).0;
    assert!(Answer::is_for_another(&good, ID, &name("other.example.org"), A));
    assert!(!is_for_another(&good) && !is_for_another(&good[..11]));
    let mut without_question = good;
    without_question[5] = 0;
    assert!(!is_for_another(&without_question));
}

#[test]
fn names_multiplied_by_pointers_do_not_fill_the_memory() {
    let long = name(&"a.".repeat(120));
    let mut message = Message::response("x", RecordType::MINFO).raw(
        1,
        long.as_wire(),
        (RecordType::NULL, 1, 0),
        &[],
    );
    let pointer = [0xc0, 19];
    for _ in 0..4000 {
        let data = [pointer, pointer].concat();
        message = message.raw(1, &pointer, (RecordType::MINFO, 1, 0), &data);
    }
    let read = Answer::read(&message.0, ID, &name("x"), RecordType::MINFO);
    assert_eq!(read.unwrap_err(), AnswerError::TooLarge);
}

#[test]
fn four_thousand_different_names_are_encoded() {
    let kind = RecordType::NS;
    let mut message = Message::response("x", kind);
    for number in 0..4000u16 {
        let [high, low] = number.to_be_bytes();
        let target = [2, high, low, 0xc0, 12];
        message = message.raw(1, &[0xc0, 12], (kind, 1, 60), &target[..]);
    }
    // 17 octets each are more than one message holds.
    let read = Answer::read(&message.0[..], ID, &name("x"), kind);
    assert_eq!(read.unwrap_err(), AnswerError::TooLarge);
}

#[test]
fn an_answer_built_here_reads_like_one_from_upstream() {
    let asked = name("printer.example.org");
    let answer = AnswerBuilder::new(&asked, A, Rcode::NOERROR)
        .authoritative()
        .push(&asked, A, 300, HOST)
        .push(&asked, A, 200, &[192, 0, 2, 2])
        .finish()
        .unwrap();
    assert_eq!((answer.ttl(), answer.records().count()), (200, 2));
    assert!(!answer.is_negative());
    let missing = AnswerBuilder::new(&asked, A, Rcode::NXDOMAIN).soa(&name("org"), 30).finish();
    let missing = missing.unwrap();
    assert_eq!((missing.ttl(), missing.is_negative()), (30, true));
    let record = missing.records().next().unwrap();
    assert_eq!((record.section, record.owner()), (Section::Authority, name("org")));
    let bad = AnswerBuilder::new(&asked, A, Rcode::NOERROR).push(&asked, A, 1, b"bad").finish();
    assert_eq!(bad.unwrap_err(), AnswerError::BadData);
}

#[test]
fn an_alias_is_put_before_an_answer() {
    let upstream = read(&reply().answer("www.example.org", A, 300, HOST)).unwrap();
    let (own, middle) = (name("own.example.net"), name("middle.example.net"));
    let chain = [(own, middle, 60), (middle, name("www.example.org"), 600)];
    let answer = upstream.with_chain(&own, A, &chain).unwrap();
    assert_eq!(answer.question(), (own, A));
    let kinds: Vec<_> = answer.records().map(|record| record.kind).collect();
    assert_eq!(kinds, [CNAME, CNAME, A]);
    assert_eq!((answer.ttl(), answer.is_negative()), (60, false));
    let missing = read(&reply().flags(0x8183).authority("example.org", SOA, 9, &soa(9))).unwrap();
    let answer = missing.with_chain(&own, A, &chain).unwrap();
    assert_eq!((answer.rcode(), answer.is_negative(), answer.ttl()), (Rcode::NXDOMAIN, true, 9));
}

#[test]
fn an_answer_is_put_behind_signed_aliases_and_without_records_that_others_would_have_to_give() {
    let message = reply().answer("www.example.org", A, 300, HOST);
    let upstream = read(&message.answer("org", DNAME, 300, &wire("evil.test"))).unwrap();
    assert_eq!(upstream.records().count(), 2);
    let own = name("own.example.net");
    let alias = LeadingRecord { owner: own, kind: CNAME, ttl: 60, data: wire("www.example.org") };
    let keep = |record: &Record<'_>| record.kind != DNAME;
    let answer = upstream.behind_records(&own, A, &[alias], keep).unwrap();
    let kinds: Vec<_> = answer.records().map(|record| record.kind).collect();
    assert_eq!((answer.question(), kinds), ((own, A), vec![CNAME, A]));
    assert_eq!((answer.ttl(), answer.is_negative()), (60, false));
}
