//! The query that goes upstream.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod message;

use keyhole_wire::{RecordType, UpstreamForm, write_query, write_query_as};
use message::{Message, name, option};

#[test]
fn nothing_but_name_and_type_reaches_an_upstream() {
    let loud = Message::query("wWw.eXample.ORG", RecordType::AAAA)
        .flags(0x07f0)
        .opt(&[option(10, &[1; 24]), option(8, &[0, 1, 8, 0, 10]), option(65_001, b"x")].concat());
    let quiet = Message::query("www.example.org", RecordType::AAAA);
    let rebuilt = |message: &Message| {
        let (query, mut out) = (message.parsed(), Vec::new());
        write_query(&query.name, query.kind, 7, 128, &mut out);
        out
    };
    assert_eq!(rebuilt(&loud), rebuilt(&quiet));
}

#[test]
fn the_query_is_exactly_this() {
    let mut out = b"x".to_vec();
    write_query(&name("Example.org"), RecordType::HTTPS, 0xabcd, 0, &mut out);
    let expected = b"x\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\
        \x07example\x03org\x00\x00\x41\x00\x01\
        \x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";
    assert_eq!(out, expected);
}

#[test]
fn a_query_with_cd_and_one_without_edns_differ_in_nothing_else() {
    let rebuilt = |checking_disabled, edns| {
        let form = UpstreamForm { checking_disabled, edns, block: 128, trace_context: None };
        let mut out = Vec::new();
        write_query_as(&name("www.example.org"), RecordType::A, 7, form, &mut out);
        out
    };
    let (usual, unchecked, plain) =
        (rebuilt(false, true), rebuilt(true, true), rebuilt(true, false));
    assert_eq!((usual[3], unchecked[3]), (0, 0x10));
    assert_eq!((&usual[..3], &usual[4..]), (&unchecked[..3], &unchecked[4..]));
    assert_eq!(plain[10..12], [0, 0]);
    assert_eq!(plain[12..], unchecked[12..plain.len()]);
}

#[test]
fn the_length_is_a_multiple_of_the_block_for_every_name() {
    for labels in 1..=127 {
        for block in [1, 32, 128, 468] {
            let mut out = Vec::new();
            write_query(&name(&"a.".repeat(labels)), RecordType::A, 1, block, &mut out);
            assert_eq!(out.len() % block, 0);
            assert!(out.len() < 300 + block, "never a block too many");
        }
    }
}
