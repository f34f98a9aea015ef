"""Keyhole's words in those of Pi-hole, as far as both mean the same."""

from collections.abc import Mapping

from keyhole.engine import catalogue

TYPES = (
    *("A", "AAAA", "ANY", "SRV", "SOA", "PTR", "TXT", "NAPTR", "MX", "DS", "RRSIG", "DNSKEY"),
    *("NS", "SVCB", "HTTPS", "OTHER"),
)
STATUSES = (
    *("UNKNOWN", "GRAVITY", "FORWARDED", "CACHE", "REGEX", "DENYLIST", "EXTERNAL_BLOCKED_IP"),
    *("EXTERNAL_BLOCKED_NULL", "EXTERNAL_BLOCKED_NXRA", "GRAVITY_CNAME", "REGEX_CNAME"),
    *("DENYLIST_CNAME", "RETRIED", "RETRIED_DNSSEC", "IN_PROGRESS", "DBBUSY", "SPECIAL_DOMAIN"),
    *("CACHE_STALE", "EXTERNAL_BLOCKED_EDE15"),
)
REPLIES = (
    *(
        "UNKNOWN",
        "NODATA",
        "NXDOMAIN",
        "CNAME",
        "IP",
        "DOMAIN",
        "RRNAME",
        "SERVFAIL",
        "REFUSED",
    ),
    *("NOTIMP", "OTHER", "DNSSEC", "NONE", "BLOB"),
)
_BY_REASON = {
    "forwarded": "FORWARDED",
    "cached": "CACHE",
    "local_record": "CACHE",
    "stale": "CACHE_STALE",
    "special_use": "SPECIAL_DOMAIN",
    "blocked_by_list": "GRAVITY",
    "blocked_by_rule": "DENYLIST",
    "denied_by_default": "DENYLIST",
    "blocked_target": "GRAVITY_CNAME",
    "private_address": "DENYLIST_CNAME",
    "tunnel_type": "DENYLIST",
}
_EVERY = tuple(str(row["word"]) for row in catalogue()["reasons"])
CACHED = ("cached", "stale", "local_record")
"""Reasons of answers that asked nobody."""
FORWARDED = ("forwarded",)
BLOCKED = tuple(
    reason for reason, word in _BY_REASON.items() if word.startswith(("GRAVITY", "DENYLIST"))
)
_OF_UPSTREAM = {
    "blocklist": BLOCKED,
    "cache": CACHED,
    "permitted": tuple(one for one in _EVERY if one not in BLOCKED),
}


def status(reason: str) -> str:
    """What Pi-hole would call the end of a query."""
    return _BY_REASON.get(reason, "UNKNOWN")


def reasons(wanted: str) -> tuple[str, ...] | None:
    """The reasons that Pi-hole would call so; none at all for a status that it does not know."""
    if wanted.upper() not in STATUSES:
        return None
    return tuple(one for one in _EVERY if status(one) == wanted.upper())


def reasons_of_upstream(wanted: str) -> tuple[str, ...] | None:
    """The reasons behind a name that Pi-hole gives to no upstream, but to a kind of answer."""
    return _OF_UPSTREAM.get(wanted)


def by_status(by_reason: Mapping[str, int]) -> dict[str, int]:
    """Counts by status, all of them named."""
    counts = dict.fromkeys(STATUSES, 0)
    for reason, count in by_reason.items():
        counts[status(reason)] += count
    return counts


def by_type(found: Mapping[str, int]) -> dict[str, int]:
    """Counts by type, those that Pi-hole has no word for together."""
    counts = dict.fromkeys(TYPES, 0)
    for kind, count in found.items():
        counts[kind if kind in counts else "OTHER"] += count
    return counts
