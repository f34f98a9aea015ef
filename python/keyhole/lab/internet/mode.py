"""The behavior of the upstream: correct, or one of the failures that a resolver must handle."""

import enum
import os

import dns.flags
import dns.message
import dns.name
import dns.rrset


class Mode(enum.StrEnum):
    """One behavior for all connections and questions of a server."""

    ANSWER = "answer"
    REFUSE = "refuse"
    BLACK_HOLE = "black-hole"
    SILENT = "silent"
    SLOW = "slow"
    RESET = "reset"
    CLOSE = "close"
    GARBAGE = "garbage"
    CUT = "cut"
    WRONG_QUESTION = "wrong-question"
    WRONG_ID = "wrong-id"
    TRUNCATED = "truncated"
    SERVFAIL = "servfail"
    HTTP_ERROR = "http-error"
    WRONG_CERTIFICATE = "wrong-certificate"
    WRONG_NAME = "wrong-name"
    EXPIRED_CERTIFICATE = "expired-certificate"


MEANINGS = {
    Mode.ANSWER: "answers any name",
    Mode.REFUSE: "the port is closed",
    Mode.BLACK_HOLE: "accepts connections and never sends anything, not even TLS",
    Mode.SILENT: "finishes the TLS handshake and never answers a question",
    Mode.SLOW: "answers each question after --delay seconds",
    Mode.RESET: "sends half of the answer, then resets the connection",
    Mode.CLOSE: "closes the connection instead of answering",
    Mode.GARBAGE: "answers with random octets",
    Mode.CUT: "leaves out the last octets of the message",
    Mode.WRONG_QUESTION: "answers with another question than it was asked",
    Mode.WRONG_ID: "answers with another message id",
    Mode.TRUNCATED: "sets TC in each answer",
    Mode.SERVFAIL: "answers SERVFAIL",
    Mode.HTTP_ERROR: "answers with HTTP status 503 (DoH only)",
    Mode.WRONG_CERTIFICATE: "presents a certificate of another authority",
    Mode.WRONG_NAME: "presents a certificate for another name",
    Mode.EXPIRED_CERTIFICATE: "presents an expired certificate",
}


def corrupt(mode: Mode, query: dns.message.Message, answer: dns.message.Message) -> bytes:
    """The octets of the answer as this mode sends it."""
    if mode is Mode.GARBAGE:
        return os.urandom(len(answer.to_wire()))
    if mode is Mode.WRONG_QUESTION:
        other = dns.name.from_text("another.example.org.")
        question = query.question[0]
        answer.question = [dns.rrset.RRset(other, question.rdclass, question.rdtype)]
    if mode is Mode.WRONG_ID:
        answer.id = (query.id + 1) % 65536
    if mode is Mode.TRUNCATED:
        answer.flags |= dns.flags.TC
    wire = answer.to_wire(max_size=65535)
    return wire[: len(wire) - 7] if mode is Mode.CUT else wire
