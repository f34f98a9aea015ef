//! The properties under random octets and under octets that are almost right.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod message;
mod properties;

use keyhole_wire::{Answer, AnswerError, Name, RecordType};
use message::{ID, Message, name, soa};
use proptest::prelude::*;

/// Labels out of few letters, so that names share suffixes.
fn any_name() -> impl Strategy<Value = String> {
    prop::collection::vec("[abAB]{1,3}", 1..5).prop_map(|labels| labels.join("."))
}

/// One answer record that fits its type.
fn any_record() -> impl Strategy<Value = (RecordType, Vec<u8>)> {
    let named = (0..4usize, any_name()).prop_map(|(which, target)| {
        let kinds = [RecordType::CNAME, RecordType::NS, RecordType::PTR, RecordType::DNAME];
        (kinds[which], name(&target).as_wire().to_vec())
    });
    let mail =
        any_name().prop_map(|host| (RecordType::MX, [&[0, 5][..], name(&host).as_wire()].concat()));
    let address = any::<[u8; 4]>().prop_map(|octets| (RecordType::A, octets.to_vec()));
    let text = prop::collection::vec(any::<u8>(), 0..200)
        .prop_map(|text| (RecordType::TXT, [&[text.len() as u8][..], &text].concat()));
    let signature = Just((RecordType::RRSIG, message::signature(RecordType::A)));
    prop_oneof![4 => named, 1 => mail, 4 => address, 1 => text, 1 => signature]
}

fn any_answer() -> impl Strategy<Value = Message> {
    let records = prop::collection::vec((any_name(), any_record(), any::<u32>()), 0..40);
    (any_name(), 0..4usize, records).prop_map(|(asked, kind, records)| {
        let kinds = [RecordType::A, RecordType::CNAME, RecordType::ANY, RecordType::MX];
        let mut message = Message::response(&asked, kinds[kind]);
        for (owner, (kind, data), ttl) in records {
            message = message.answer(&owner, kind, ttl, &data);
        }
        message.authority("b", RecordType::SOA, 60, &soa(5))
    })
}

proptest! {
    #[test]
    fn no_octets_break_the_parser(packet in prop::collection::vec(any::<u8>(), 0..600)) {
        properties::query(&packet);
    }

    #[test]
    fn no_octets_behind_a_header_break_the_parser(
        body in prop::collection::vec(any::<u8>(), 0..300), additional in 0u16..4,
    ) {
        let head = Message(vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]).count(3, additional);
        properties::query(&head.octets(&body).0);
    }

    #[test]
    fn no_options_break_the_parser(options in prop::collection::vec(any::<u8>(), 0..100)) {
        properties::query(&Message::query("a.example.org", RecordType::A).opt(&options).0);
    }

    #[test]
    fn every_rebuilt_query_says_what_was_seen(octets in prop::collection::vec(any::<u8>(), 5..300)) {
        properties::upstream_query(&octets);
    }

    #[test]
    fn no_octets_break_the_reading_of_answers(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let head = vec![0, 1, 0x81, 0x80, 0, 1, 0, 3, 0, 2, 0, 1];
        properties::answer(&Message(head).octets(&body).0);
    }

    #[test]
    fn answers_survive_being_written_at_every_limit(message in any_answer()) {
        properties::answer(&message.0);
    }

    #[test]
    fn answers_with_a_wrong_octet_break_nothing(
        message in any_answer(), at in any::<prop::sample::Index>(), octet in any::<u8>(),
    ) {
        let mut octets = message.0;
        let at = at.index(octets.len());
        octets[at] = octet;
        properties::answer(&octets);
    }

    #[test]
    fn a_cut_answer_is_never_taken_for_a_whole_one(
        message in any_answer(), at in any::<prop::sample::Index>(),
    ) {
        let len = at.index(message.0.len());
        let wire = &message.0[12..];
        let end = wire.iter().position(|&octet| octet == 0).unwrap();
        let asked = Name::from_wire(&wire[..=end]).unwrap();
        let kind = RecordType(u16::from_be_bytes([wire[end + 1], wire[end + 2]]));
        let read = Answer::read(&message.0[..len], ID, &asked, kind).map(|_| ());
        prop_assert!(matches!(read, Err(AnswerError::Unreadable | AnswerError::BadData
            | AnswerError::LongChain)), "{read:?}");
    }
}
