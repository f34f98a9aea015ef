"""Asks for the names of private addresses, only where an upstream with domains has them."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

from keyhole.control.own_question import Addresses, ask_own_listener
from keyhole.learned_names import LearnedName, clean_name, plain_address
from keyhole.model.name import is_at_or_below, reverse_name
from keyhole.model.snapshot import Snapshot
from keyhole.policy.subject_match import SubjectTables

PAUSE_SECONDS = 0.2
"""Between two look-ups: a home router has little time."""
ANSWER_SECONDS = 3.0
MAX_A_ROUND, MAX_ADDRESSES = 100, 4_096
"""Look-ups of a round, and addresses whose next one is remembered."""
MIN_TTL, MAX_TTL, NO_NAME_TTL, FAILURE_TTL = 300, 86_400, 3_600, 300
"""Seconds until an address is looked up again: by the TTL, without a name, after a failure."""
GRACE_SECONDS = 600
"""How much longer than its TTL a name holds: the next look-up comes a little later."""


@dataclass(frozen=True)
class Lookup:
    """What came of one look-up."""

    name: str | None
    ttl: float
    problem: str | None = None


class ReverseLookups:
    """Looks up addresses, each again only after the TTL of what was found."""

    def __init__(self, addresses: Callable[[], Addresses], mark: Callable[[], str]) -> None:
        self._addresses = addresses
        self._mark = mark
        self._due: dict[str, float] = {}

    async def look_up(
        self, asked: Iterable[str], zones: "Zones", since: float
    ) -> tuple[list[LearnedName], str | None]:
        """The names of those addresses that are due and in a zone, and what went wrong where no
        look-up worked. ``since`` is when they had asked by."""
        now = time.time()
        due = [one for one in _private(asked) if self._due.get(one, 0) <= now and zones.has(one)]
        found: list[LearnedName] = []
        problems = []
        for address in due[:MAX_A_ROUND]:
            one = await self._ask(address)
            self._remember(address, time.time() + one.ttl)
            if one.problem is not None:
                problems.append(one.problem)
            elif one.name is not None:
                until = time.time() + one.ttl + GRACE_SECONDS
                found.append(LearnedName(address, one.name, "reverse", since, until))
            await asyncio.sleep(PAUSE_SECONDS)
        all_failed = problems and len(problems) == len(due[:MAX_A_ROUND])
        return found, problems[-1] if all_failed else None

    async def _ask(self, address: str) -> Lookup:
        question = dns.message.make_query(reverse_name(address), dns.rdatatype.PTR)
        mark = bytes.fromhex(self._mark())
        try:
            answer = await ask_own_listener(question, self._addresses(), mark, ANSWER_SECONDS)
        except (OSError, EOFError, dns.exception.DNSException) as error:
            return Lookup(None, FAILURE_TTL, f"{address}: {str(error) or type(error).__name__}")
        if answer is None:
            return Lookup(None, FAILURE_TTL, "no listener serves this machine without credentials")
        return read_answer(address, answer)

    def _remember(self, address: str, due: float) -> None:
        self._due.pop(address, None)
        while len(self._due) >= MAX_ADDRESSES:
            self._due.pop(next(iter(self._due)))  # the one that was looked up first
        self._due[address] = due


def read_answer(address: str, answer: dns.message.Message) -> Lookup:
    """The first name of an answer that may be shown."""
    code = answer.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Lookup(None, FAILURE_TTL, f"{address}: {dns.rcode.to_text(code)}")
    for rrset in answer.answer:
        if rrset.rdtype == dns.rdatatype.PTR:
            names = (clean_name(str(one.target)) for one in rrset)
            name = next((one for one in names if one is not None), None)
            return Lookup(name, min(max(rrset.ttl, MIN_TTL), MAX_TTL))
    return Lookup(None, NO_NAME_TTL)


def _private(addresses: Iterable[str]) -> list[str]:
    """Addresses of networks that are not public: those of others are nobody's we serve."""
    plain = (found for one in addresses if (found := plain_address(one)) is not None)
    return [one for one in plain if not ip_address(one).is_global]


class Zones:
    """The domains of upstreams that our own questions go to, by the policy that applies to them.

    A name in one of them goes to an upstream with domains or nowhere; all others are not asked.
    """

    def __init__(self, domains: Iterable[str] = ()) -> None:
        self._domains = [one for one in domains if is_at_or_below(one, "arpa")]

    def __bool__(self) -> bool:
        return bool(self._domains)

    @classmethod
    def of(cls, snapshot: Snapshot, asked_from: str | None) -> "Zones":
        """Those of a snapshot for questions from this address. Blocks: it may name many
        networks."""
        every = (domain.name for policy in snapshot.policies for domain in policy.domains)
        if asked_from is None or not Zones(every):
            return cls()
        policy = SubjectTables(snapshot).address(asked_from).policy
        return cls() if policy is None else cls(one.name for one in policy.domains)

    def has(self, address: str) -> bool:
        """Whether the reverse name of an address lies in one of them."""
        name = reverse_name(address)
        return any(is_at_or_below(name, domain) for domain in self._domains)
