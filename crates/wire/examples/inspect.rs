//! Says what this crate sees in messages, for comparison with other implementations.
//!
//! Each line of standard input is a word and a message in hexadecimal digits:
//! `query 1234...` parses a client's packet and rebuilds it; `answer 1234...` reads an upstream's
//! message as the answer to its own question. Each line of output is one JSON object.

use std::fmt::Write as _;
use std::io::{self, BufRead, Write as _};

use keyhole_wire::{
    Answer, Malformed, Name, Query, RecordType, ReplyEdns, Section, Shape, parse, write_answer,
    write_error, write_query,
};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let seen = match line.split_once(' ') {
            Some(("query", digits)) => octets(digits).map(|packet| query(&packet)),
            Some(("answer", digits)) => octets(digits).map(|message| answer(&message)),
            _ => None,
        };
        let seen = seen.unwrap_or_else(|| r#"{"usage":"query|answer HEX"}"#.to_owned());
        writeln!(out, "{seen}")?;
        out.flush()?;
    }
    Ok(())
}

fn query(packet: &[u8]) -> String {
    match parse(packet) {
        Ok(query) => {
            let mut rebuilt = Vec::new();
            write_query(&query.name, query.kind, query.id, 128, &mut rebuilt);
            format!(
                r#"{{"ok":true,"id":{},"name":"{}","kind":{},"edns":{},"rebuilt":"{}"}}"#,
                query.id,
                hex(query.name.as_wire()),
                query.kind.0,
                edns(&query),
                hex(&rebuilt)
            )
        }
        Err(Malformed::Drop(error)) => {
            format!(r#"{{"ok":false,"flaw":"{error}","reply":null}}"#)
        }
        Err(Malformed::Respond(reply)) => {
            let mut out = Vec::new();
            write_error(&reply, Some(&EDNS), 512, &mut out);
            format!(r#"{{"ok":false,"flaw":"{}","reply":"{}"}}"#, reply.error, hex(&out))
        }
    }
}

/// The OPT record of an error reply, without options.
const EDNS: ReplyEdns<'static> =
    ReplyEdns { udp_octets: 1232, extended_error: None, keepalive: None, cookie: None, pad_to: 0 };

fn edns(query: &Query) -> String {
    query.edns.map_or("null".to_owned(), |edns| {
        let cookie = edns.cookie.map_or("null".to_owned(), |cookie| {
            format!(r#""{}{}""#, hex(cookie.client()), hex(cookie.server()))
        });
        format!(
            r#"{{"octets":{},"dnssec_ok":{},"padding":{},"client_subnet":{},"cookie":{cookie}}}"#,
            edns.udp_octets, edns.dnssec_ok, edns.padding, edns.client_subnet
        )
    })
}

fn answer(message: &[u8]) -> String {
    let Some((id, name, kind)) = question(message) else {
        return r#"{"ok":false,"flaw":"no question"}"#.to_owned();
    };
    match Answer::read(message, id, &name, kind) {
        Ok(answer) => {
            let records: Vec<String> = answer
                .records()
                .map(|record| {
                    format!(
                        r#"{{"answer":{},"owner":"{}","kind":{},"ttl":{},"data":"{}"}}"#,
                        record.section == Section::Answer,
                        hex(record.owner().as_wire()),
                        record.kind.0,
                        record.ttl,
                        hex(&record.data())
                    )
                })
                .collect();
            format!(
                r#"{{"ok":true,"rcode":{},"ttl":{},"negative":{},"records":[{}],"written":"{}"}}"#,
                answer.rcode().0,
                answer.ttl(),
                answer.is_negative(),
                records.join(","),
                hex(&written(&answer, id, name, kind))
            )
        }
        Err(error) => format!(r#"{{"ok":false,"flaw":"{error}"}}"#),
    }
}

/// The reply to a client that asked with DO over a stream.
fn written(answer: &Answer, id: u16, name: Name, kind: RecordType) -> Vec<u8> {
    let mut packet = Vec::new();
    write_query(&name, kind, id, 0, &mut packet);
    let mut out = Vec::new();
    if let Ok(query) = parse(&packet) {
        let edns = ReplyEdns {
            udp_octets: 1232,
            extended_error: None,
            keepalive: None,
            cookie: None,
            pad_to: 0,
        };
        let shape = Shape {
            query: &query,
            limit: 65_535,
            made_limit: None,
            age: 0,
            ttl_cap: None,
            recursion_available: true,
            edns: Some(edns),
        };
        write_answer(answer, &shape, &mut out);
    }
    out
}

/// Id, name and type in the head of a message.
fn question(message: &[u8]) -> Option<(u16, Name, RecordType)> {
    let mut end = 12;
    while *message.get(end)? != 0 {
        end += 1 + usize::from(message[end]);
    }
    let name = Name::from_wire(&message[12..=end]).ok()?;
    let field = |at: usize| Some(u16::from_be_bytes(*message.get(at..)?.first_chunk()?));
    Some((field(0)?, name, RecordType(field(end + 1)?)))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect()
}
