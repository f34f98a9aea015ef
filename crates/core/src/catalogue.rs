//! The closed tables of the core, for everything outside that names their words: schemas, word
//! tables, reference pages and tests.

use serde_json::{Map, Value, json};

use crate::connections::{ClosedConnection, HandshakeFailure, MeshHandshake};
use crate::counters::Total;
use crate::document::SNAPSHOT_VERSION;
use crate::options::OPTIONS_VERSION;
use crate::reason::{self, Outcome, Stage};
use crate::transport::Transport;
use crate::trust::Refusal;
use crate::upstream::ErrorKind;

/// All tables by name; each row has at least its `word`.
pub fn catalogue() -> Map<String, Value> {
    let transports =
        Transport::ALL.map(|one| json!({"word": one.word(), "encrypted": one.is_encrypted()}));
    let record_types: Map<String, Value> =
        keyhole_wire::types::named().map(|(name, number)| (name.into(), number.into())).collect();
    let tables = [
        ("reasons", json!(reason::table())),
        ("outcomes", rows(Outcome::ALL, Outcome::word, Outcome::meaning)),
        ("stages", rows(Stage::ALL, Stage::word, Stage::meaning)),
        ("transports", json!(transports)),
        ("record_types", Value::Object(record_types)),
        ("certificate_refusals", rows(Refusal::ALL, Refusal::word, Refusal::meaning)),
        (
            "handshake_failures",
            rows(HandshakeFailure::ALL, HandshakeFailure::word, HandshakeFailure::meaning),
        ),
        ("mesh_handshakes", rows(MeshHandshake::ALL, MeshHandshake::word, MeshHandshake::meaning)),
        (
            "closed_connections",
            rows(ClosedConnection::ALL, ClosedConnection::word, ClosedConnection::meaning),
        ),
        ("upstream_errors", words(&ErrorKind::ALL, ErrorKind::word)),
        ("counters", rows(Total::ALL, Total::word, Total::meaning)),
        (
            "versions",
            json!({
                "keyhole": env!("CARGO_PKG_VERSION"),
                "options": OPTIONS_VERSION,
                "snapshot": SNAPSHOT_VERSION,
            }),
        ),
    ];
    tables.into_iter().map(|(name, table)| (name.into(), table)).collect()
}

fn rows<T: Copy>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
    meaning: impl Fn(T) -> &'static str,
) -> Value {
    all.iter().map(|&one| json!({"word": word(one), "meaning": meaning(one)})).collect()
}

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Value {
    all.iter().map(|&one| json!({"word": word(one)})).collect()
}
