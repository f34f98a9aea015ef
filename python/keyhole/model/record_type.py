"""Record types by name and number; the same table as ``crates/wire/src/types.rs``."""

import re

from keyhole.model.field_types import FieldType, text_of
from keyhole.model.suggestion import suggest

RECORD_TYPES = {
    "A": 1, "NS": 2, "MD": 3, "MF": 4, "CNAME": 5, "SOA": 6, "MB": 7, "MG": 8, "MR": 9,
    "NULL": 10, "WKS": 11, "PTR": 12, "HINFO": 13, "MINFO": 14, "MX": 15, "TXT": 16, "RP": 17,
    "AFSDB": 18, "X25": 19, "ISDN": 20, "RT": 21, "NSAP": 22, "SIG": 24, "KEY": 25, "PX": 26,
    "GPOS": 27, "AAAA": 28, "LOC": 29, "NXT": 30, "SRV": 33, "NAPTR": 35, "KX": 36, "CERT": 37,
    "A6": 38, "DNAME": 39, "OPT": 41, "APL": 42, "DS": 43, "SSHFP": 44, "IPSECKEY": 45,
    "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "DHCID": 49, "NSEC3": 50, "NSEC3PARAM": 51,
    "TLSA": 52, "SMIMEA": 53, "HIP": 55, "CDS": 59, "CDNSKEY": 60, "OPENPGPKEY": 61, "CSYNC": 62,
    "ZONEMD": 63, "SVCB": 64, "HTTPS": 65, "SPF": 99, "EUI48": 108, "EUI64": 109, "TKEY": 249,
    "TSIG": 250, "IXFR": 251, "AXFR": 252, "MAILB": 253, "MAILA": 254, "ANY": 255, "URI": 256,
    "CAA": 257, "RESINFO": 261,
}  # fmt: skip

# Refused before policy: they belong to a message or a connection, not to a question.
_NEVER_ASKED = {"OPT", "TKEY", "TSIG", "IXFR", "AXFR"}
_NAMES = {number: name for name, number in RECORD_TYPES.items()}
_BY_NUMBER = re.compile(r"TYPE([0-9]{1,5})")


def read_record_type(written: object) -> int:
    """The number of ``AAAA``, ``aaaa`` or ``TYPE28`` (RFC 3597 section 5)."""
    text = text_of(written).strip().upper()
    if text in _NEVER_ASKED:
        raise ValueError(f"no client may ask for {text}, so no rule can be about it")
    if text in RECORD_TYPES:
        return RECORD_TYPES[text]
    found = _BY_NUMBER.fullmatch(text)
    if found and 0 < int(found[1]) < 65536:
        return int(found[1])
    asked = [name for name in RECORD_TYPES if name not in _NEVER_ASKED]
    raise ValueError(f"{text} is not a record type; {suggest(text, asked)}")


def show_record_type(number: int) -> str:
    """The name, or ``TYPE`` and the number."""
    return _NAMES.get(number, f"TYPE{number}")


RECORD_TYPE = FieldType(
    read_record_type,
    {"type": "string", "description": "a record type", "examples": ["A", "AAAA", "HTTPS"]},
    show_record_type,
)
