"""The value of ``$dnsrewrite``: a response code, or a record.

What urlfilter, AdGuard's reader, would refuse is refused here too; nothing is guessed.
"""

from dataclasses import dataclass

from keyhole.importers.addresses import plain_address
from keyhole.model.address import read_address
from keyhole.model.name import read_name

_ANSWERS = {"NXDOMAIN": "nxdomain", "REFUSED": "refused", "NOERROR": "nodata"}
_CODES = (*_ANSWERS, "SERVFAIL")
_RECORDS = ("A", "AAAA", "CNAME")


@dataclass(frozen=True)
class Rewrite:
    """What a name is answered with: ``answer`` as in a rule, or a record of a kind."""

    answer: str | None = None
    kind: str = ""
    """a, aaaa or cname."""
    value: str = ""


def read_rewrite(value: str) -> Rewrite:
    """Reads the value; raises ValueError with the reason."""
    parts = value.split(";", 2)
    if len(parts) == 2:
        raise ValueError("its $dnsrewrite has one semicolon; AdGuard wants none or two")
    if len(parts) == 3:
        return _full(*parts)
    if not value:
        raise ValueError("its $dnsrewrite names no answer")
    if value in _CODES:
        return Rewrite(_answer(value))
    if value.upper() in _CODES or (value.isalpha() and value.isupper()):
        raise ValueError(f"its $dnsrewrite, {value}, is neither a response code nor a name")
    address = plain_address(value)
    if address is not None:
        return _record("A" if read_address(address).version == 4 else "AAAA", address)
    return _record("CNAME", value)


def _full(code: str, kind: str, value: str) -> Rewrite:
    code = code.upper()
    if code != "NOERROR":
        return Rewrite(_answer(code))
    if not kind:
        return Rewrite(_answer(code))
    return _record(kind.upper(), value)


def _answer(code: str) -> str:
    if code not in _ANSWERS:
        raise ValueError(
            f"it answers with the response code {code[:20]}, which no rule in Keyhole does"
        )
    return _ANSWERS[code]


def _record(kind: str, value: str) -> Rewrite:
    if kind not in _RECORDS:
        raise ValueError(
            f"it answers with a record of type {kind[:20]}; a Record holds A, AAAA, CNAME, TXT and "
            "PTR; write it by hand"
        )
    if kind == "CNAME":
        return Rewrite(kind="cname", value=read_name(value))
    address = plain_address(value)
    if address is None or read_address(address).version != (4 if kind == "A" else 6):
        raise ValueError(f"{value[:80]} is no address for a record of type {kind}")
    if read_address(address).is_unspecified:
        return Rewrite("null")
    return Rewrite(kind=kind.lower(), value=address)
