//! What must hold for every sequence of octets. The fuzz targets, the seeds and the property tests
//! all run these functions.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each binary uses a part; failing means to panic"
)]

use keyhole_wire::name::NameBuilder;
use keyhole_wire::{
    Answer, AnswerError, Edns, Malformed, Name, Query, RecordType, ReplyEdns, Shape, Synthetic,
    parse, write_answer, write_error, write_query, write_synthetic,
};

/// A client's packet: what is rebuilt says what the policy saw, and every reply can be read.
pub(crate) fn query(packet: &[u8]) {
    match parse(packet) {
        Ok(query) => {
            check_rebuilt(&query.name, query.kind, query.id, 128);
            check_synthetic(&query);
        }
        Err(Malformed::Drop(_)) => assert!(packet.len() < 12 || packet[2] & 0x80 != 0),
        Err(Malformed::Respond(reply)) => {
            let mut out = vec![0xee];
            let edns = ReplyEdns {
                udp_octets: 1232,
                extended_error: Some((0, reply.error.words())),
                keepalive: Some(1),
                cookie: Some(&[1; 24]),
                pad_to: 468,
            };
            write_error(&reply, Some(&edns), 512, &mut out);
            assert_eq!(out[12], u8::from(reply.edns.is_some()), "OPT where there was one");
            assert_eq!(out[0], 0xee, "what was there stays");
            assert!(out.len() <= 513);
            assert_eq!(out[1..3], packet[..2], "the id is repeated");
            assert_eq!(out[3] & 0xf8, 0x80 | (packet[2] & 0x78), "a response of that operation");
        }
    }
}

/// Any name and type: the query for an upstream is read back as the same, in lower case.
///
/// The octets are: type, id, block, then labels.
pub(crate) fn upstream_query(octets: &[u8]) {
    let Some((&[k0, k1, i0, i1, block], labels)) = octets.split_first_chunk() else {
        return;
    };
    let kind = RecordType(u16::from_be_bytes([k0, k1]));
    check_rebuilt(&any_name(labels), kind, u16::from_be_bytes([i0, i1]), usize::from(block));
}

/// An upstream's message: what is kept survives being written and read again, at every limit.
pub(crate) fn answer(message: &[u8]) {
    let (id, name, kind) = asked(message);
    let Ok(answer) = Answer::read(message, id, &name, kind) else {
        return;
    };
    assert!(!(answer.is_negative() && answer.is_failure()));
    assert!(answer.ttl() <= i32::MAX as u32);
    let plain = Edns {
        udp_octets: 512,
        dnssec_ok: false,
        padding: true,
        keepalive: false,
        cookie: None,
        client_subnet: false,
        own_mark: None,
        trace_context: None,
    };
    let signed = Edns { dnssec_ok: true, ..plain };
    for edns in [None, Some(plain), Some(signed)] {
        let query = Query {
            id,
            recursion_desired: true,
            checking_disabled: false,
            authentic_data: false,
            name,
            kind,
            edns,
        };
        for limit in [512, 513, 700, 1232, 4096, 65_535] {
            check_written(&answer, &shape(&query, limit));
        }
    }
}

fn shape(query: &Query, limit: usize) -> Shape<'_> {
    let edns = ReplyEdns {
        udp_octets: 1232,
        extended_error: Some((15, "blocked by rule")),
        keepalive: Some(100),
        cookie: None,
        pad_to: 468,
    };
    Shape {
        query,
        limit,
        made_limit: None,
        age: 0,
        ttl_cap: None,
        recursion_available: true,
        edns: Some(edns),
    }
}

fn check_written(answer: &Answer, shape: &Shape<'_>) {
    let query = shape.query;
    let mut out = Vec::new();
    let written = write_answer(answer, shape, &mut out);
    assert!(out.len() <= shape.limit, "{} octets for {}", out.len(), shape.limit);
    let again = Answer::read(&out, query.id, &query.name, query.kind);
    if written.truncated {
        assert_eq!(again.unwrap_err(), AnswerError::Truncated);
        return;
    }
    let again = again.unwrap();
    if query.edns.is_some() {
        assert_eq!(again.rcode(), answer.rcode());
        assert_eq!(again.extended_error(), Some(15));
    }
    let all = query.edns.is_some_and(|edns| edns.dnssec_ok);
    let hidden = [RecordType::RRSIG, RecordType::NSEC, RecordType::NSEC3];
    let mut kept = answer.records().filter(|record| {
        let open = all || record.kind == query.kind || query.kind == RecordType::ANY;
        open || !hidden.contains(&record.kind)
    });
    let mut seen = again.records();
    loop {
        match (kept.next(), seen.next()) {
            (None, None) => break,
            (Some(kept), Some(seen)) => {
                assert_eq!(kept.section, seen.section);
                assert_eq!((kept.owner(), kept.kind), (seen.owner(), seen.kind));
                assert_eq!((kept.ttl, kept.data()), (seen.ttl, seen.data()));
                assert_eq!(kept.target(), seen.target());
                assert!(kept.hints().eq(seen.hints()));
            }
            other => panic!("a record was lost or added: {other:?}"),
        }
    }
}

fn check_rebuilt(name: &Name, kind: RecordType, id: u16, block: usize) {
    let mut out = vec![0xee];
    write_query(name, kind, id, block, &mut out);
    let message = &out[1..];
    assert!(block == 0 || message.len().is_multiple_of(block));
    let again = parse(message).unwrap();
    assert_eq!((again.id, again.kind), (id, kind));
    assert_eq!(again.name.as_wire(), name.to_lower().as_wire());
    assert!(again.recursion_desired && !again.checking_disabled && !again.authentic_data);
    let edns = again.edns.unwrap();
    assert!(edns.dnssec_ok && !edns.client_subnet && !edns.keepalive && edns.cookie.is_none());
    assert_eq!((edns.udp_octets, edns.padding), (1232, block > 0));
}

fn check_synthetic(query: &Query) {
    for what in [Synthetic::Nxdomain, Synthetic::NoData, Synthetic::Null, Synthetic::REFUSED] {
        let mut out = Vec::new();
        let written = write_synthetic(what, 10, None, &shape(query, 512), &mut out);
        assert!(out.len() <= 512 && !written.truncated);
        let answer = Answer::read(&out, query.id, &query.name, query.kind).unwrap();
        assert_eq!(answer.ttl(), written.ttl);
    }
}

/// Id, name and type that a message claims to answer, as far as it can be told.
fn asked(message: &[u8]) -> (u16, Name, RecordType) {
    let field = |at: usize| {
        message.get(at..at + 2).map_or(0, |two| u16::from(two[0]) << 8 | u16::from(two[1]))
    };
    let mut at = 12;
    while let Some(&len) = message.get(at)
        && len != 0
    {
        at += 1 + usize::from(len);
    }
    let name = message.get(12..=at).and_then(|wire| Name::from_wire(wire).ok());
    name.map_or((field(0), Name::ROOT, RecordType::A), |name| {
        (field(0), name, RecordType(field(at + 1)))
    })
}

/// A name out of any octets.
fn any_name(octets: &[u8]) -> Name {
    let mut builder = NameBuilder::new();
    let mut rest = octets;
    while let Some((&len, behind)) = rest.split_first() {
        let len = (1 + usize::from(len) % 63).min(behind.len());
        if builder.push(&behind[..len]).is_err() {
            break;
        }
        rest = &behind[len..];
    }
    builder.finish().unwrap()
}
