"""Random questions for signed zones, to Keyhole and to a validating Unbound: what differs.

``python -m bench.dnssec [--questions N] [--seed S] [--folder PATH]``. NSD serves the zones of
`tests.world.signed_zones`: Unbound asks it, and Keyhole by way of an Unbound that only resolves.
Ends with 1 where an answer differs in a way that is not explained here.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode

from tests.world.certificates import Authority
from tests.world.resolver import Resolver, document
from tests.world.signed_world import SignedWorld

_LABELS = """
www mail srv alias wild a.wild b.a.wild taken.wild x.taken.wild ent deep.ent below.deep.ent x.ent
x.below.deep.ent y.walias walias over tobogus toinsecure tonothing move www.move nothing.move x.www
zzz 0 nothing ns www.child zz.child child secure www.secure zz.secure *.wild @
"""
_TYPES = "A A A A AAAA TXT MX CNAME DS DNSKEY SOA NS SRV NSEC NSEC3PARAM DNAME HTTPS"
_SECONDS = 20


@dataclass(frozen=True)
class Said:
    """What a validator said, without what may differ."""

    rcode: str
    authentic: bool
    records: frozenset[str]
    error: int | None

    @property
    def compared(self) -> tuple[object, ...]:
        """The part that must not differ; the code of a failure says the same in other words."""
        return self.rcode, self.authentic, self.records


def questions(count: int, seed: int, zones: list[str]) -> Iterator[tuple[str, str]]:
    """Random questions, the same for the same seed."""
    dice, labels, types = random.Random(seed), _LABELS.split(), _TYPES.split()
    for number in range(count):
        label = dice.choice(labels).strip("@")
        if dice.random() < 0.2:
            label = ".".join(filter(None, (f"r{number}", label)))
        zone = dice.choice(zones)
        yield ".".join(filter(None, (label, zone.strip(".")))) + ".", dice.choice(types)


def ask(port: int, name: str, kind: str) -> Said:
    """Asks with DO, over TCP."""
    query = dns.message.make_query(name, kind, want_dnssec=True)
    try:
        reply = dns.query.tcp(query, "127.0.0.1", timeout=_SECONDS, port=port)
    except (dns.exception.Timeout, OSError) as error:
        return Said(type(error).__name__, False, frozenset(), None)
    records = frozenset(
        f"{one.name.to_text().lower()} {record.to_text().lower()}"
        for one in reply.answer
        for record in one
    )
    codes = [int(one.code) for one in reply.options if isinstance(one, dns.edns.EDEOption)]
    is_authentic = bool(reply.flags & dns.flags.AD)
    code = codes[0] if codes else None
    return Said(dns.rcode.to_text(reply.rcode()), is_authentic, records, code)


def explanation(name: str, kind: str, ours: Said, theirs: Said) -> str | None:
    """Why a difference is meant; none where it is not."""
    if theirs.rcode == "Timeout" or ours.rcode == "Timeout":
        return None
    if name.count(".") == 1 or name.endswith(".mail."):
        return "a name with a special use is answered here (RFC 6761)"
    if ".move." in name and kind in ("CNAME", "DNAME") and ours.authentic:
        return "Unbound wants a signature on an alias that a DNAME record makes, or follows it"
    if ".walias." in name and kind == "NSEC" and len(ours.records) > len(theirs.records):
        return "Unbound leaves the NSEC record behind an alias out"
    if "iter500." in name and ours.error == 27:
        return "more than 150 iterations are refused here (RFC 9276 section 3.2)"
    return None


def main() -> int:
    """Runs the comparison; gives the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--questions", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        return compare(chosen.folder or Path(scratch), chosen.questions, chosen.seed)


def compare(folder: Path, count: int, seed: int) -> int:
    """Starts all that is needed, asks, and prints."""
    authority = Authority(folder / "ca")
    certificate = authority.issue("upstream.example.org", "127.0.0.1")
    resolver = Resolver(folder / "data", authority)
    with SignedWorld(folder / "world", certificate) as world:
        world.wait()
        resolver.write(
            resolver.upstream(world.port),
            document(
                "Policy",
                "home",
                default="allow",
                upstreams={
                    "names": ["test"],
                    "validate": {"mode": "on", "anchors": str(world.anchors)},
                },
                tunneling="off",
                privateAddresses="allow",
            ),
        )
        try:
            resolver.start()
            return _compare(resolver.server.tcp, world, count, seed)
        finally:
            resolver.stop()


def _compare(port: int, world: SignedWorld, count: int, seed: int) -> int:
    names = [one.name for one in world.zones]
    asked = list(questions(count, seed, names))

    def both(question: tuple[str, str]) -> tuple[Said, Said]:
        return ask(port, *question), ask(world.oracle, *question)

    with ThreadPoolExecutor(4) as workers:
        said = list(workers.map(both, asked))
    outcomes: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    unexplained = 0
    for (name, kind), (ours, theirs) in zip(asked, said, strict=True):
        outcomes[f"{ours.rcode}{' AD' if ours.authentic else ''}"] += 1
        if ours.rcode == "SERVFAIL":
            outcomes[f"SERVFAIL with EDE {ours.error}"] += 1
        if ours.compared == theirs.compared:
            continue
        why = explanation(name, kind, ours, theirs)
        if why is not None:
            explained[why] += 1
            continue
        unexplained += 1
        if unexplained <= 40:
            print(f"{name} {kind}: {_text(ours)}; Unbound: {_text(theirs)}")
    print(f"{len(asked)} questions, {unexplained} differences that are not explained")
    for table in (outcomes, explained):
        for text, times in table.most_common():
            print(f"{times:8} {text}")
    return 1 if unexplained else 0


def _text(said: Said) -> str:
    authentic = " AD" if said.authentic else ""
    error = "" if said.error is None else f" EDE {said.error}"
    return f"{said.rcode}{authentic}{error} {len(said.records)} records"


if __name__ == "__main__":
    sys.exit(main())
