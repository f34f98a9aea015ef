"""What policy did with a query, as the ``Policy`` message of dnstap.

``dnstap.proto`` names the actions and matches of response policy zones. Where it has no word, the
field is left out: there is no action for REFUSED, and no match for a certificate or a token.
"""

import ipaddress
from enum import IntEnum
from functools import lru_cache

import dns.name

from keyhole.querylog.dnstap import protobuf as pb
from keyhole.querylog.entry import LogEntry

_TYPE = b"keyhole"


class Action(IntEnum):
    """``Policy.Action``. DROP and TRUNCATE are never used: Keyhole drops only what is no query, and
    truncates for want of room."""

    NXDOMAIN = 1
    NODATA = 2
    PASS = 3
    DROP = 4
    TRUNCATE = 5
    LOCAL_DATA = 6


class Match(IntEnum):
    """``Policy.Match``, as far as Keyhole decides by it."""

    QNAME = 1
    CLIENT_IP = 2
    RESPONSE_IP = 3


_ACTIONS = {
    "nxdomain": Action.NXDOMAIN,
    "nodata": Action.NODATA,
    "null": Action.LOCAL_DATA,
    "address": Action.LOCAL_DATA,
}
"""By the answer that a blocked query got."""
_TURNED_AWAY = ("admit", "identify")
"""Stages that end a query because of who asks."""


def policy(entry: LogEntry, stage: str | None) -> bytes:
    """The message for a query that ended in this stage; empty where nothing of policy decided.

    The rule is the rule or list that decided, else the reason.
    """
    rule = entry.rule or entry.list_name
    if entry.outcome == "blocked":
        action = _ACTIONS.get(entry.answer or "")
        if entry.reason == "private_address":
            return _message(rule or entry.reason, action, Match.RESPONSE_IP)
        # A target counts as a name asked for, as for QNAME rules of response policy zones.
        return _by_name(rule or entry.reason, action, entry.target or entry.name)
    if entry.outcome == "refused" and stage in _TURNED_AWAY:
        return _by_client(entry)
    if entry.reason == "local_record":
        return _by_name(rule or entry.reason, Action.LOCAL_DATA, entry.name)
    if entry.outcome == "answered" and rule is not None:
        return _by_name(rule, Action.PASS, entry.name)
    return b""


def _by_name(rule: str, action: Action | None, name: str | None) -> bytes:
    return _message(rule, action, Match.QNAME, b"" if name is None else wire_name(name))


def _by_client(entry: LogEntry) -> bytes:
    """Refused: by its network, or by what it showed."""
    if entry.reason != "network_not_served":
        return _message(entry.reason, None, None)
    client = b"" if entry.client is None else ipaddress.ip_address(entry.client).packed
    return _message(entry.reason, None, Match.CLIENT_IP, client)


def _message(rule: str, action: Action | None, match: Match | None, value: bytes = b"") -> bytes:
    fields = pb.octets(1, _TYPE) + pb.octets(2, rule.encode())
    if action is not None:
        fields += pb.number(3, action)
    if match is not None:
        fields += pb.number(4, match)
    if value:
        fields += pb.octets(5, value)
    return pb.octets(15, fields)


@lru_cache(maxsize=8_192)
def wire_name(name: str) -> bytes:
    """A name in wire format and lower case (RFC 4034 section 6.2)."""
    return dns.name.from_text(name).to_digestable()
