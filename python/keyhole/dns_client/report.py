"""Prints answers as text or JSON."""

from datetime import UTC, datetime
from typing import Any

import dns.flags
import dns.rcode
import dns.rdatatype
import dns.rrset
from rich.console import Console
from rich.markup import escape

from keyhole.dns_client.answer import Answer, Protection, Transport
from keyhole.dns_client.code_meanings import extended_errors, rcode_meaning
from keyhole.dns_client.exchange import Server, is_loopback


def as_document(answer: Answer, server: Server) -> dict[str, Any]:
    """The document for ``--json``; times in seconds."""
    question = answer.message.question[0]
    return {
        "question": {
            "name": question.name.to_text(),
            "type": dns.rdatatype.to_text(question.rdtype),
        },
        "status": dns.rcode.to_text(answer.message.rcode()),
        "meaning": rcode_meaning(answer.message),
        "flags": dns.flags.to_text(answer.message.flags).split(),
        "answer": _records(answer.message.answer),
        "authority": _records(answer.message.authority),
        "extended_errors": extended_errors(answer.message),
        "server": answer.server,
        "shown": server.credentials.description(),
        "transport": answer.transport.value,
        "truncated_first": answer.truncated_first,
        "encrypted": answer.transport.encrypted,
        "tls": _protection(answer.protection),
        "http_status": answer.http_status,
        "seconds": round(answer.seconds, 6),
        "connect_seconds": round(answer.connect_seconds, 6),
        "octets": answer.octets,
    }


def _records(sets: list[dns.rrset.RRset]) -> list[dict[str, Any]]:
    return [
        {
            "name": records.name.to_text(),
            "ttl": records.ttl,
            "type": dns.rdatatype.to_text(records.rdtype),
            "data": record.to_text(),
        }
        for records in sets
        for record in records
    ]


def _protection(protection: Protection | None) -> dict[str, Any] | None:
    if protection is None:
        return None
    certificate = protection.certificate
    return {
        "version": protection.version,
        "cipher": protection.cipher,
        "alpn": protection.alpn,
        "certificate": {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "names": list(certificate.names),
            "expires": certificate.expires.isoformat(),
        },
    }


def show_short(console: Console, answer: Answer) -> None:
    """Only the data of the answer records, one per line."""
    for record in _records(answer.message.answer):
        console.print(record["data"], markup=False, highlight=False, soft_wrap=True)


def show(console: Console, answer: Answer, server: Server) -> None:
    """The whole answer as text."""
    for record in _records(answer.message.answer):
        line = f"{record['name']}  {record['ttl']}  {record['type']}  {record['data']}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    status = dns.rcode.to_text(answer.message.rcode())
    good = answer.message.rcode() == dns.rcode.NOERROR
    style = "green" if good else "yellow"
    _line(console, "status", f"[{style}]{status}[/]: {rcode_meaning(answer.message)}")
    for error in extended_errors(answer.message):
        said = f" [dim]({escape(str(error['text']))})[/]" if error["text"] else ""
        _line(console, "why", f"{error['meaning']}{said} [dim](extended error {error['code']})[/]")
    _line(console, "time", _time(answer))
    via = f"{answer.transport.value.upper()} to {escape(answer.server)}, {answer.octets} octets"
    if answer.truncated_first:
        via += ", after a truncated answer over UDP"
    _line(console, "asked", via)
    if who := server.credentials.description():
        _line(console, "as", escape(who))
    _line(console, "protected", _how_protected(answer, server))
    if answer.protection:
        certificate = answer.protection.certificate
        _line(
            console,
            "certificate",
            escape(f"{certificate.subject}, for {_names(certificate.names)}"),
        )
        left = (certificate.expires - datetime.now(UTC)).days
        until = f"{certificate.expires:%Y-%m-%d %H:%M} UTC ({left} days left)"
        _line(console, "", escape(f"signed by {certificate.issuer}, valid until {until}"))


def _line(console: Console, word: str, text: str) -> None:
    console.print(f"[dim]{word:>11}[/]  {text}", highlight=False, soft_wrap=True)


def _time(answer: Answer) -> str:
    total = f"{answer.seconds * 1000:.1f} ms"
    if answer.connect_seconds:
        total += f", of which {answer.connect_seconds * 1000:.1f} ms to connect"
    return total


def _names(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown or "nobody"


def _how_protected(answer: Answer, server: Server) -> str:
    if answer.protection:
        how = f"{answer.protection.version}, {answer.protection.cipher}"
        if answer.transport is Transport.HTTPS:
            how += f", HTTP/2 status {answer.http_status}"
        return f"[green]encrypted and authenticated[/] ({how})"
    if is_loopback(server.host):
        return "[yellow]in the clear[/], but it did not leave this machine"
    return "[red]in the clear[/]: anyone on the path can read and change it; try --tls or --https"
