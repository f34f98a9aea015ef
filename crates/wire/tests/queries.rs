//! What `parse` takes, refuses and drops.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod message;

use keyhole_wire::{
    ErrorReply, Malformed, ParseError, Rcode, RecordType, ReplyEdns, parse, write_error,
};
use message::{ID, Message, name, option, whole};

const A: RecordType = RecordType::A;

fn ask() -> Message {
    Message::query("www.Example.org", A)
}

fn error(message: &Message) -> ParseError {
    parse(&message.0).unwrap_err().error()
}

fn refused(message: &Message) -> ErrorReply {
    match parse(&message.0) {
        Err(Malformed::Respond(reply)) => reply,
        other => panic!("not answered with an error: {other:?}"),
    }
}

#[test]
fn a_question_is_read_with_its_case_and_flags() {
    let query = ask().flags(0x0130).parsed();
    assert_eq!((query.id, query.kind), (ID, A));
    assert_eq!(query.name.to_string(), "www.Example.org");
    assert!(query.recursion_desired && query.checking_disabled && query.authentic_data);
    assert_eq!(query.edns, None);
    let query = ask().flags(0).parsed();
    assert!(!query.recursion_desired && !query.checking_disabled && !query.authentic_data);
}

#[test]
fn the_root_and_the_longest_name_are_names() {
    assert!(Message::query(".", A).parsed().name.is_root());
    let longest = "a.".repeat(127);
    assert_eq!(Message::query(&longest, A).parsed().name.as_wire().len(), 255);
}

#[test]
fn what_is_too_short_or_a_response_gets_no_reply() {
    for packet in [&[][..], &[0; 11]] {
        assert_eq!(parse(packet).unwrap_err(), Malformed::Drop(ParseError::TooShort));
    }
    let response = ask().flags(0x8000);
    assert_eq!(parse(&response.0).unwrap_err(), Malformed::Drop(ParseError::Response));
}

#[test]
fn another_operation_is_not_implemented_and_its_body_is_not_read() {
    for opcode in [1u16, 2, 4, 5, 6, 15] {
        let reply = refused(&ask().flags(opcode << 11).octets(b"whatever"));
        assert_eq!((reply.rcode, u16::from(reply.opcode)), (Rcode::NOTIMP, opcode));
        assert_eq!((reply.question, reply.edns), (None, None));
    }
}

#[test]
fn unknown_and_misplaced_flags_are_ignored() {
    // AA, TC, RA, Z and a response code (RFC 8906 section 3.1.4).
    assert_eq!(ask().flags(0x06cf).parsed().name, name("www.example.org"));
}

#[test]
fn there_is_exactly_one_question() {
    assert_eq!(error(&ask().count(0, 0)), ParseError::QuestionCount);
    let two = ask().count(0, 2).octets(b"\x01b\x00\x00\x01\x00\x01");
    let reply = refused(&two);
    assert_eq!((reply.error, reply.rcode), (ParseError::QuestionCount, Rcode::FORMERR));
    assert_eq!(reply.question, None);
}

#[test]
fn a_query_brings_no_answer_or_authority_records() {
    let data = [192, 0, 2, 1];
    assert_eq!(error(&ask().answer("a", A, 1, &data)), ParseError::UnexpectedRecords);
    assert_eq!(error(&ask().authority("a", A, 1, &data)), ParseError::UnexpectedRecords);
}

#[test]
fn a_transfer_query_may_show_the_version_of_its_zone() {
    let transfer = Message::query("example.org", RecordType::IXFR);
    let soa = message::soa(1);
    let with_version = transfer.clone().authority("example.org", RecordType::SOA, 0, &soa);
    assert_eq!(with_version.parsed().kind, RecordType::IXFR);
    let opt = transfer.raw(2, &[0], (RecordType::OPT, 1232, 0), &[]);
    assert_eq!(error(&opt), ParseError::UnexpectedRecords);
}

#[test]
fn transfers_and_any_are_ordinary_questions_here() {
    for kind in [RecordType::AXFR, RecordType::ANY, RecordType(0), RecordType(65_535)] {
        assert_eq!(Message::query("example.org", kind).parsed().kind, kind);
    }
}

#[test]
fn a_class_other_than_in_is_refused_with_its_question() {
    for class in [0, 3, 4, 254, 255] {
        let reply = refused(&ask().class(class));
        assert_eq!((reply.error, reply.rcode), (ParseError::Class, Rcode::REFUSED));
        assert_eq!(reply.question, Some((name("www.example.org"), A, class)));
    }
}

#[test]
fn octets_behind_the_message_are_an_error() {
    assert_eq!(error(&ask().octets(&[0])), ParseError::TrailingOctets);
    assert_eq!(error(&ask().opt(&[]).octets(&[0])), ParseError::TrailingOctets);
}

#[test]
fn a_message_that_ends_too_early_is_an_error_at_every_octet() {
    let full = ask().opt(&option(10, &[1; 8]));
    for len in 12..full.0.len() {
        let cut = Message(full.0[..len].to_vec());
        assert_eq!(error(&cut), ParseError::Truncated, "{len}");
    }
}

#[test]
fn counts_larger_than_the_data_are_an_error() {
    assert_eq!(error(&ask().count(3, 1)), ParseError::Truncated);
    assert_eq!(error(&ask().opt(&[]).count(3, 8)), ParseError::Truncated);
    assert_eq!(error(&ask().opt(&[]).count(3, 65_535)), ParseError::TooManyRecords);
}

fn with_name(wire: &[u8]) -> Message {
    Message(ask().0[..12].to_vec()).octets(wire).octets(&[0, 1, 0, 1])
}

#[test]
fn a_name_in_the_question_cannot_be_compressed() {
    for target in [0u8, 11, 12, 14, 0xff] {
        assert_eq!(error(&with_name(&[0xc0, target])), ParseError::BadPointer);
        assert_eq!(error(&with_name(&[1, b'a', 0xc0, target])), ParseError::BadPointer);
    }
}

#[test]
fn labels_of_64_octets_and_unknown_label_types_are_errors() {
    for len in [0x40, 0x41, 0x80, 0xbf] {
        let label = [&[len][..], &[b'a'; 191], &[0]].concat();
        assert_eq!(error(&with_name(&label)), ParseError::BadName);
    }
}

#[test]
fn a_name_of_256_octets_is_an_error() {
    let wire = [[1, b'a'].repeat(126), vec![2, b'b', b'b', 0]].concat();
    assert_eq!(wire.len(), 256);
    assert_eq!(error(&with_name(&wire)), ParseError::BadName);
}

#[test]
fn additional_records_are_read_and_their_pointers_checked() {
    let owner_is_question = ask().raw(3, &[0xc0, 12], (A, 1, 0), &[192, 0, 2, 1]).opt(&[]);
    assert!(owner_is_question.parsed().edns.is_some());
    let at = ask().0.len() as u8;
    for target in [0, 11, at, at + 1, 0xff] {
        let message = ask().raw(3, &[0xc0, target], (A, 1, 0), &[]);
        assert_eq!(error(&message), ParseError::BadPointer, "{target}");
    }
}

#[test]
fn a_compressed_name_of_256_octets_is_an_error() {
    let longest = Message::query(&"a.".repeat(127), A);
    // The question's name without its first label has 253 octets.
    let owned = |label: &[u8], target: u8| {
        let owner = [label, &[0xc0, target]].concat();
        longest.clone().raw(3, &owner, (A, 1, 0), &[])
    };
    assert!(parse(&owned(b"", 12).0).is_ok());
    assert!(parse(&owned(b"\x01b", 14).0).is_ok());
    assert_eq!(error(&owned(b"\x02bb", 14)), ParseError::BadName);
    assert_eq!(error(&owned(b"\x01b", 12)), ParseError::BadName);
}

#[test]
fn a_chain_of_a_hundred_pointers_is_not_followed_for_ever() {
    // A long run of pointers in the data of one record, entered by the owner of the next.
    let start = ask().0.len() + 11;
    let mut data = vec![0xc0, 12];
    while data.len() < 600 {
        let last = (start + data.len() - 2) as u16 | 0xc000;
        data.extend(last.to_be_bytes());
    }
    let entry = ((start + data.len() - 2) as u16 | 0xc000).to_be_bytes();
    let message = ask().raw(3, &[0], (RecordType::NULL, 1, 0), &data).raw(
        3,
        &entry,
        (RecordType::NULL, 1, 0),
        &[],
    );
    assert_eq!(error(&message), ParseError::BadPointer);
}

#[test]
fn a_signature_is_ignored_but_a_tsig_stands_last() {
    let tsig = |message: Message| message.raw(3, &[1, b'k', 0], (RecordType::TSIG, 255, 0), &[]);
    assert!(tsig(ask().opt(&[])).parsed().edns.is_some());
    assert_eq!(error(&tsig(ask()).opt(&[])), ParseError::MisplacedSignature);
    let sig0 = ask().raw(3, &[0], (RecordType::SIG, 255, 0), &[0; 24]);
    assert_eq!(sig0.parsed().edns, None);
}

#[test]
fn edns_size_and_flags_are_read() {
    let edns = ask().opt_ttl(0x8000).parsed().edns.unwrap();
    assert!(edns.dnssec_ok && !edns.padding && !edns.keepalive && !edns.client_subnet);
    assert_eq!(edns.udp_octets, 1232);
    let small = ask().raw(3, &[0], (RecordType::OPT, 100, 0), &[]).parsed();
    assert_eq!(small.edns.unwrap().udp_octets, 512);
    // The extended code and the other flags mean nothing in a query.
    assert!(ask().opt_ttl(0xff00_7fff).parsed().edns.is_some());
}

#[test]
fn another_edns_version_is_told_with_an_opt_record() {
    for version in [1, 255] {
        let reply = refused(&ask().opt_ttl(version << 16));
        assert_eq!((reply.error, reply.rcode), (ParseError::OptVersion, Rcode::BADVERS));
        assert!(reply.edns.is_some());
    }
}

#[test]
fn broken_options_of_another_version_are_not_judged() {
    let message = ask().raw(3, &[0], (RecordType::OPT, 1232, 1 << 16), &[1, 2, 3]);
    assert_eq!(error(&message), ParseError::OptVersion);
}

#[test]
fn there_is_one_opt_record_and_the_root_owns_it() {
    assert_eq!(error(&ask().opt(&[]).opt(&[])), ParseError::SeveralOpts);
    let owned = ask().raw(3, &[1, b'a', 0], (RecordType::OPT, 1232, 0), &[]);
    assert_eq!(error(&owned), ParseError::OptOwner);
    assert!(refused(&owned).edns.is_some());
    let answer = ask().raw(1, &[0], (RecordType::OPT, 1232, 0), &[]);
    assert_eq!(error(&answer), ParseError::UnexpectedRecords);
}

#[test]
fn an_option_that_runs_over_the_end_is_an_error() {
    for options in [&[0][..], &[0, 3, 0], &[0, 3, 0, 1], &[0, 3, 0, 5, 1, 2, 3, 4]] {
        assert_eq!(error(&ask().opt(options)), ParseError::BadOption);
    }
}

#[test]
fn unknown_options_are_ignored_however_many() {
    let options = option(65_001, b"x").repeat(1000);
    assert!(ask().opt(&options).parsed().edns.is_some());
}

#[test]
fn a_cookie_has_8_or_16_to_40_octets() {
    for len in 0..=64usize {
        let cookie = (0..len as u8).collect::<Vec<_>>();
        let message = ask().opt(&option(10, &cookie));
        if len == 8 || (16..=40).contains(&len) {
            let seen = message.parsed().edns.unwrap().cookie.unwrap();
            assert_eq!(whole(&seen), cookie);
            assert_eq!(seen.client(), &cookie[..8]);
        } else {
            assert_eq!(error(&message), ParseError::BadCookie, "{len}");
        }
    }
}

#[test]
fn only_the_first_cookie_counts() {
    let options = [option(10, &[1; 8]), option(10, &[2; 9])].concat();
    let cookie = ask().opt(&options).parsed().edns.unwrap().cookie.unwrap();
    assert_eq!(whole(&cookie), [1; 8]);
    assert!(cookie.server().is_empty());
}

#[test]
fn padding_and_keepalive_are_noticed() {
    let options = [option(12, &[0; 30]), option(11, &[])].concat();
    let edns = ask().opt(&options).parsed().edns.unwrap();
    assert!(edns.padding && edns.keepalive);
    assert!(ask().opt(&option(11, &[0, 9])).parsed().edns.unwrap().keepalive);
    for len in [1, 3] {
        assert_eq!(error(&ask().opt(&option(11, &vec![0; len]))), ParseError::BadOption);
    }
}

#[test]
fn a_client_subnet_is_checked_and_forgotten() {
    for good in [
        &[0, 0, 0, 0][..],
        &[0, 1, 0, 0],
        &[0, 1, 24, 0, 192, 0, 2],
        &[0, 1, 25, 0, 192, 0, 2, 128],
        &[0, 2, 32, 0, 0x20, 1, 0x0d, 0xb8],
    ] {
        assert!(ask().opt(&option(8, good)).parsed().edns.unwrap().client_subnet, "{good:?}");
    }
    for bad in [
        &[][..],
        &[0, 1, 24],
        &[0, 1, 24, 0, 192, 0],
        &[0, 1, 24, 0, 192, 0, 2, 0],
        &[0, 1, 25, 0, 192, 0, 2, 129],
        &[0, 1, 24, 24, 192, 0, 2],
        &[0, 1, 33, 0, 192, 0, 2, 1, 0],
        &[0, 2, 129, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 0],
        &[0, 3, 0, 0],
        &[0, 0, 8, 0, 10],
    ] {
        assert_eq!(error(&ask().opt(&option(8, bad))), ParseError::BadClientSubnet, "{bad:?}");
    }
}

/// What the OPT record of an error reply says here.
const SAYING: ReplyEdns<'static> = ReplyEdns {
    udp_octets: 1232,
    extended_error: Some((0, "version")),
    keepalive: None,
    cookie: None,
    pad_to: 0,
};

#[test]
fn whatever_is_wrong_before_it_an_opt_record_is_found() {
    let options = [option(10, &[7; 8]), option(8, &[9])].concat();
    let wrong: [Message; 5] = [
        ask().flags(5 << 11),
        ask().count(0, 2).octets(b"\x01b\x00\x00\x01\x00\x01"),
        ask().answer("a", A, 1, &[192, 0, 2, 1]),
        ask().answer("a", A, 1, &[1; 4]).answer("b", A, 1, &[2; 4]).flags(4 << 11),
        ask().class(3),
    ];
    for message in wrong {
        let edns = refused(&message.opt(&options)).edns.expect("an OPT record");
        assert_eq!(edns.cookie.map(|cookie| cookie.client().to_vec()), Some(vec![7; 8]));
        assert!(!edns.client_subnet, "a broken option is as if absent");
    }
    // What cannot be stepped over hides it.
    assert_eq!(refused(&ask().octets(b"\x40").opt(&[])).edns, None);
}

#[test]
fn a_cookie_without_a_question_is_no_error() {
    let bare = |options: &[u8]| {
        let head = [0x12, 0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8];
        match parse(&[&head[..], &opt, options].concat()).unwrap_err() {
            Malformed::Respond(reply) => reply,
            Malformed::Drop(error) => panic!("{error}"),
        }
    };
    let reply = bare(&option(10, &[7; 8]));
    assert_eq!((reply.error, reply.rcode), (ParseError::CookieAlone, Rcode::NOERROR));
    for options in [&[][..], &option(10, &[7; 9]), &option(12, &[])] {
        let reply = bare(options);
        assert_eq!((reply.error, reply.rcode), (ParseError::QuestionCount, Rcode::FORMERR));
        assert!(reply.edns.is_some());
    }
}

#[test]
fn an_error_reply_repeats_id_operation_and_question() {
    let mut out = b"xx".to_vec();
    let reply = refused(&ask().class(3).octets(&[]));
    write_error(&reply, None, 512, &mut out);
    let question = ask().class(3).0[12..].to_vec();
    let head = [0x12, 0x34, 0x81, 5, 0, 1, 0, 0, 0, 0, 0, 0].to_vec();
    assert_eq!(out, [b"xx".to_vec(), head, question].concat());

    let mut out = Vec::new();
    write_error(&refused(&ask().flags(0x2000)), Some(&SAYING), 512, &mut out);
    assert_eq!(out, [0x12, 0x34, 0xa0, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn an_error_reply_with_edns_carries_the_extended_code_and_error() {
    let mut out = Vec::new();
    write_error(&refused(&ask().opt_ttl(1 << 16)), Some(&SAYING), 512, &mut out);
    assert_eq!(out[3] & 0x0f, 0);
    let opt = &out[ask().0.len()..];
    assert_eq!(opt[..11], [0, 0, 41, 0x04, 0xd0, 1, 0, 0, 0, 0, 13]);
    assert_eq!(opt[11..], *b"\x00\x0f\x00\x09\x00\x00version");
}
