//! How replies look on the wire.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod message;

use keyhole_wire::{
    Answer, AnswerBuilder, Query, Rcode, RecordType, ReplyEdns, Shape, Synthetic, Written,
    write_answer, write_synthetic,
};
use message::{ID, Message, name, option, signature, soa};

const A: RecordType = RecordType::A;
const HOST: &[u8] = &[192, 0, 2, 1];
const EDNS: ReplyEdns<'static> =
    ReplyEdns { udp_octets: 1232, extended_error: None, keepalive: None, cookie: None, pad_to: 0 };

fn ask() -> Message {
    Message::query("wWw.Example.org", A)
}

fn shape(query: &Query) -> Shape<'_> {
    let edns = Some(EDNS);
    Shape {
        query,
        limit: 1232,
        made_limit: None,
        age: 0,
        ttl_cap: None,
        recursion_available: true,
        edns,
    }
}

fn signed() -> Answer {
    let message = Message::response("www.example.org", A)
        .flags(0x81a0)
        .answer("www.example.org", A, 300, HOST)
        .answer("www.example.org", RecordType::RRSIG, 300, &signature(A))
        .authority("example.org", RecordType::NSEC, 300, b"\x01z\x00\x00\x01\x40")
        .authority("example.org", RecordType::RRSIG, 300, &signature(RecordType::NSEC));
    Answer::read(&message.0, ID, &name("www.example.org"), A).unwrap()
}

fn written(answer: &Answer, shape: &Shape<'_>) -> (Vec<u8>, Written) {
    let mut out = b"ab".to_vec();
    let written = write_answer(answer, shape, &mut out);
    assert_eq!(out[..2], *b"ab", "what was there stays");
    (out[2..].to_vec(), written)
}

fn reread(octets: &[u8]) -> Answer {
    Answer::read(octets, ID, &name("www.example.org"), A).unwrap()
}

fn flags(octets: &[u8]) -> u16 {
    u16::from_be_bytes([octets[2], octets[3]])
}

#[test]
fn id_and_case_of_the_name_are_the_clients() {
    let query = ask().parsed();
    let (octets, _) = written(&signed(), &shape(&query));
    let expected = ask().flags(0x8180).count(1, 1).raw(3, &[], (A, 0, 0), &[]).0;
    assert_eq!(octets[..2], expected[..2]);
    assert_eq!(octets[12..33], ask().0[12..]);
    assert_eq!(octets[33..], *b"\xc0\x0c\0\x01\0\x01\0\0\x01\x2c\0\x04\xc0\0\x02\x01");
}

#[test]
fn flags_follow_the_query_and_the_server() {
    for (sent, available, expected) in
        [(0x0000, false, 0x8000), (0x0100, true, 0x8180), (0x0110, true, 0x8190)]
    {
        let query = ask().flags(sent).parsed();
        let shape = Shape { recursion_available: available, ..shape(&query) };
        assert_eq!(flags(&written(&signed(), &shape).0), expected);
    }
}

#[test]
fn authentic_data_is_told_to_who_understands_it() {
    for (message, told) in
        [(ask(), false), (ask().flags(0x0120), true), (ask().opt_ttl(0x8000), true)]
    {
        let query = message.parsed();
        assert_eq!(flags(&written(&signed(), &shape(&query)).0) & 0x20 != 0, told);
    }
}

#[test]
fn own_data_is_authoritative() {
    let own = AnswerBuilder::new(&name("www.example.org"), A, Rcode::NOERROR).authoritative().push(
        &name("www.example.org"),
        A,
        1,
        HOST,
    );
    let query = ask().parsed();
    let (octets, _) = written(&own.finish().unwrap(), &shape(&query));
    assert_eq!(flags(&octets) & 0x0400, 0x0400);
}

#[test]
fn signatures_are_for_who_asks_for_them() {
    for (message, count) in [(ask(), 1), (ask().opt(&[]), 1), (ask().opt_ttl(0x8000), 4)] {
        let query = message.parsed();
        let (octets, _) = written(&signed(), &shape(&query));
        assert_eq!(reread(&octets).records().count(), count);
    }
}

#[test]
fn a_signature_asked_for_by_type_needs_no_flag() {
    let kind = RecordType::RRSIG;
    let message = Message::response("a", kind).answer("a", kind, 60, &signature(A));
    let answer = Answer::read(&message.0, ID, &name("a"), kind).unwrap();
    let query = Message::query("a", kind).parsed();
    let (octets, _) = written(&answer, &shape(&query));
    assert_eq!(octets[6..8], [0, 1]);
}

#[test]
fn an_opt_record_answers_an_opt_record_only() {
    let query = ask().parsed();
    assert_eq!(written(&signed(), &shape(&query)).0[10..12], [0, 0]);
    let query = ask().opt_ttl(0x8000).parsed();
    let (octets, _) = written(&signed(), &shape(&query));
    assert_eq!(octets[10..12], [0, 1]);
    assert_eq!(octets[octets.len() - 11..], *b"\0\0\x29\x04\xd0\0\0\x80\0\0\0");
}

#[test]
fn time_is_taken_off_and_stale_records_get_their_own() {
    let query = ask().parsed();
    for (age, ttl_cap, expected) in [
        (0, None, 300),
        (100, None, 200),
        (300, None, 0),
        (999, None, 0),
        (999, Some(30), 30),
        (100, Some(30), 30),
        (280, Some(30), 20),
    ] {
        let (octets, written) = written(&signed(), &Shape { age, ttl_cap, ..shape(&query) });
        assert_eq!((written.ttl, written.truncated), (expected, false));
        assert_eq!(reread(&octets).records().next().unwrap().ttl, expected);
    }
}

#[test]
fn options_are_written_in_the_opt_record() {
    let query = ask().opt(&[]).parsed();
    let edns = ReplyEdns {
        extended_error: Some((15, "blocked")),
        keepalive: Some(300),
        cookie: Some(&[7; 16]),
        ..EDNS
    };
    let (octets, _) = written(&signed(), &Shape { edns: Some(edns), ..shape(&query) });
    let options = [option(10, &[7; 16]), option(11, &[1, 44]), option(15, b"\0\x0fblocked")];
    assert!(octets.ends_with(&options.concat()));
    assert_eq!(reread(&octets).extended_error(), Some(15));
}

fn big(records: u8) -> Answer {
    let mut builder = AnswerBuilder::new(&name("www.example.org"), A, Rcode::NOERROR);
    for last in 0..records {
        builder = builder.push(&name("www.example.org"), A, 60, &[192, 0, 2, last]);
    }
    builder.finish().unwrap()
}

#[test]
fn an_answer_over_the_limit_is_cut_to_question_and_opt() {
    let query = ask().opt(&[]).parsed();
    // 33 octets of header and question, 16 for each record, 11 for OPT.
    for (records, limit, cut) in
        [(29, 508, false), (30, 524, false), (30, 523, true), (30, 0, true), (29, 0, false)]
    {
        let (octets, written) = written(&big(records), &Shape { limit, ..shape(&query) });
        assert_eq!(written.truncated, cut, "{records} {limit}");
        assert_eq!(flags(&octets) & 0x0200 != 0, cut);
        assert!(octets.len() <= limit.max(512));
        if cut {
            assert_eq!(octets.len(), 33 + 11);
            assert_eq!((octets[7], octets[11], written.ttl), (0, 1, 0));
        }
    }
}

#[test]
fn the_text_of_an_error_gives_way_to_records_and_is_never_cut() {
    let query = ask().opt(&[]).parsed();
    let edns = Some(ReplyEdns { extended_error: Some((3, "stale")), ..EDNS });
    for (limit, text) in [(524 + 11, 5), (524 + 10, 0), (524 + 6, 0)] {
        let (octets, written) = written(&big(30), &Shape { limit, edns, ..shape(&query) });
        assert!(!written.truncated);
        assert_eq!(octets.len(), 524 + 6 + text);
    }
    let (_, written) = written(&big(30), &Shape { limit: 524 + 5, edns, ..shape(&query) });
    assert!(written.truncated);
}

#[test]
fn who_pads_gets_a_padded_reply_within_the_limit() {
    let padded = ask().opt(&option(12, &[0; 9])).parsed();
    let edns = Some(ReplyEdns { pad_to: 468, ..EDNS });
    for (records, limit, expected) in
        [(1, 65_535, 468), (27, 65_535, 936), (26, 65_535, 468), (30, 700, 700), (30, 525, 524)]
    {
        let (octets, _) = written(&big(records), &Shape { limit, edns, ..shape(&padded) });
        assert_eq!(octets.len(), expected, "{records} {limit}");
        assert_eq!(reread(&octets).records().count(), usize::from(records));
    }
    let unpadded = ask().opt(&[]).parsed();
    assert_eq!(written(&big(1), &Shape { edns, ..shape(&unpadded) }).0.len(), 33 + 16 + 11);
}

#[test]
fn an_answer_to_another_name_is_never_written() {
    let query = Message::query("example.org", A).parsed();
    let (octets, _) = written(&signed(), &shape(&query));
    assert_eq!((flags(&octets) & 0x0f, octets[7]), (2, 0));
}

#[test]
fn an_extended_code_without_edns_becomes_servfail() {
    let answer = AnswerBuilder::new(&name("www.example.org"), A, Rcode::BADCOOKIE).finish();
    let answer = answer.unwrap();
    let query = ask().parsed();
    assert_eq!(flags(&written(&answer, &shape(&query)).0) & 0x0f, 2);
    let query = ask().opt(&[]).parsed();
    assert_eq!(reread(&written(&answer, &shape(&query)).0).rcode(), Rcode::BADCOOKIE);
}

fn synthetic(what: Synthetic, message: &Message) -> (Vec<u8>, Written) {
    let (query, mut out) = (message.parsed(), Vec::new());
    let written = write_synthetic(what, 10, None, &shape(&query), &mut out);
    (out, written)
}

#[test]
fn a_blocked_name_has_a_soa_so_that_clients_remember_it() {
    for (what, rcode) in
        [(Synthetic::Nxdomain, Rcode::NXDOMAIN), (Synthetic::NoData, Rcode::NOERROR)]
    {
        let (octets, written) = synthetic(what, &ask());
        let answer = reread(&octets);
        assert_eq!((answer.rcode(), answer.is_negative()), (rcode, true));
        assert_eq!((answer.ttl(), written.ttl), (10, 10));
        let record = answer.records().next().unwrap();
        assert_eq!((record.owner(), record.kind), (name("www.example.org"), RecordType::SOA));
        assert!(record.data().starts_with(name("keyhole.invalid").as_wire()));
    }
}

#[test]
fn a_null_answer_is_the_unspecified_address_of_the_family() {
    let (octets, _) = synthetic(Synthetic::Null, &ask());
    let address = |octets: &[u8]| reread(octets).records().next().unwrap().address();
    assert_eq!(address(&octets).unwrap().to_string(), "0.0.0.0");
    let message = Message::query("www.example.org", RecordType::AAAA);
    let (octets, _) = synthetic(Synthetic::Null, &message);
    assert!(octets.ends_with(&[0; 16]));
    let message = Message::query("www.example.org", RecordType::TXT);
    assert_eq!(synthetic(Synthetic::Null, &message).0[6..10], [0, 0, 0, 1]);
}

#[test]
fn an_address_answers_its_own_type_only() {
    let what = Synthetic::Address([192, 0, 2, 9].into());
    let (octets, written) = synthetic(what, &ask());
    assert_eq!((octets[7], octets[9], written.ttl), (1, 0, 10));
    assert!(octets.ends_with(&[192, 0, 2, 9]));
    let (octets, _) = synthetic(what, &Message::query("www.example.org", RecordType::AAAA));
    assert_eq!((octets[7], octets[9]), (0, 1));
}

#[test]
fn a_failure_has_no_records_and_is_not_kept() {
    for (what, code) in [(Synthetic::REFUSED, 5), (Synthetic::SERVFAIL, 2)] {
        let (octets, written) = synthetic(what, &ask());
        assert_eq!((octets.len(), flags(&octets)), (33, 0x8180 | code));
        assert_eq!(written, Written { ttl: 0, truncated: false });
    }
    assert_eq!(flags(&synthetic(Synthetic::Failure(Rcode::BADCOOKIE), &ask()).0) & 0x0f, 2);
}

#[test]
fn the_longest_blocked_name_fits_into_512_octets() {
    let message = Message::query(&"a.".repeat(127), A).opt(&option(10, &[1; 40]));
    let query = message.parsed();
    let edns = Some(ReplyEdns {
        extended_error: Some((15, "a text that is as long as a text can be, and then some more")),
        keepalive: Some(1),
        cookie: Some(&[1; 40]),
        ..EDNS
    });
    let mut out = Vec::new();
    let shape = Shape { limit: 512, edns, ..shape(&query) };
    assert!(!write_synthetic(Synthetic::Nxdomain, 10, None, &shape, &mut out).truncated);
    assert!(out.len() <= 512);
}

#[test]
fn a_negative_answer_ages_like_any_other() {
    let message = Message::response("www.example.org", A).flags(0x8183).authority(
        "example.org",
        RecordType::SOA,
        60,
        &soa(50),
    );
    let answer = Answer::read(&message.0, ID, &name("www.example.org"), A).unwrap();
    let query = ask().parsed();
    let (octets, written) = written(&answer, &Shape { age: 20, ..shape(&query) });
    assert_eq!((written.ttl, reread(&octets).ttl()), (30, 30));
}

/// An answer that came in so many octets.
fn filled(octets: usize) -> Answer {
    let (asked, kind) = (name("www.example.org"), RecordType(65_280));
    let mut message = Message::response("www.example.org", kind);
    while message.0.len() < octets {
        let left = octets - message.0.len() - 12;
        let data = vec![7; if left > 1_100 { 1_000 } else { left }];
        message = message.raw(1, &[0xc0, 12], (kind, 1, 60), &data);
    }
    Answer::read(&message.0, ID, &asked, kind).unwrap()
}

#[test]
fn the_largest_answer_is_whole_on_a_stream_whatever_the_client_asks_of_its_opt() {
    let kind = RecordType(65_280);
    let error = Some((3, "text"));
    let cookie = Some(&[1; 24][..]);
    let edns = ReplyEdns { extended_error: error, keepalive: Some(1), cookie, pad_to: 468, ..EDNS };
    for octets in [65_000, 65_480, 65_520, 65_524, 65_525, 65_535] {
        let answer = filled(octets);
        for query in [Message::query("www.example.org", kind), {
            Message::query("www.example.org", kind).opt(&option(12, &[0; 9]))
        }] {
            let query = query.parsed();
            let shape = Shape { limit: 65_535, edns: Some(edns), ..shape(&query) };
            let (reply, written) = written(&answer, &shape);
            assert!(!written.truncated, "{octets}");
            assert!((octets..=65_535).contains(&reply.len()), "{octets} {}", reply.len());
            let again = Answer::read(&reply, ID, &name("www.example.org"), kind).unwrap();
            assert_eq!(again.records().count(), answer.records().count());
            let has_opt = query.edns.is_some() && octets + 11 <= 65_535;
            assert_eq!(reply[11], u8::from(has_opt), "{octets}");
        }
    }
}

#[test]
fn an_answer_of_many_names_does_not_outgrow_the_message_that_it_came_in() {
    let (asked, kind) = (name("example.org"), RecordType::NS);
    let mut message = Message::response("example.org", kind);
    for number in 0..3_300u16 {
        let label = format!("{number:04x}");
        let target = [&[4], label.as_bytes(), &[0xc0, 12]].concat();
        message = message.raw(1, &[0xc0, 12], (kind, 1, 60), &target);
    }
    let answer = Answer::read(&message.0, ID, &asked, kind).unwrap();
    let query = Message::query("example.org", kind).parsed();
    let (reply, written) = written(&answer, &Shape { limit: 65_535, ..shape(&query) });
    assert_eq!((written.truncated, reply.len()), (false, message.0.len()));
}

#[test]
fn no_name_of_a_question_makes_its_answer_outgrow_the_message_that_it_came_in() {
    let query = Message::query("www.example.org", A).parsed();
    for number in 0..2_000 {
        let (text, kind) = (format!("size{number}.tcp.example.org"), RecordType(65_280));
        let mut message = Message::response(&text, kind);
        for _ in 0..20 {
            message = message.raw(1, &[0xc0, 12], (kind, 1, 60), &[7; 9]);
        }
        let answer = Answer::read(&message.0, ID, &name(&text), kind).unwrap();
        let query = Query { name: name(&text), kind, ..query };
        let (reply, _) = written(&answer, &Shape { limit: 65_535, ..shape(&query) });
        assert_eq!(reply.len(), message.0.len(), "{text}");
    }
}
