"""The cast of the policy matrix: who asks, what speaks for each, and what each must get.

Everybody asks the same names. Below ``secret.example.org`` each of them meets another verdict; from
``public.example.org`` names lead there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.edns
import dns.message
import dns.rdatatype
import dns.rdtypes.svcbbase

from tests.world.ask import Reply
from tests.world.callers import NOBODY, Caller
from tests.world.certificates import DAY
from tests.world.resolver import PATIENT, document
from tests.world.trust import TrustDomain

ONE, TWO = "198.18.0.7", "198.18.0.8"
PRIVATE, LOCAL, SPLIT = "192.168.1.1", "192.0.2.7", "192.0.2.8"
SECRET = ["secret.example.org.", "*.Secret.example.org", "bücher.example.org"]
BLOCKED, PROHIBITED = 15, 18


@dataclass(frozen=True)
class Verdict:
    """What a client sees: response code, addresses, and extended error with its word."""

    rcode: str
    addresses: tuple[str, ...] = ()
    error: tuple[int, str] | None = None


def answered(*addresses: str) -> Verdict:
    """An answer without any error."""
    return Verdict("NOERROR", addresses)


def refused(word: str) -> Verdict:
    """Who asks may not."""
    return Verdict("REFUSED", error=(PROHIBITED, word))


def blocked(rcode: str, word: str, *addresses: str, code: int = BLOCKED) -> Verdict:
    """What is asked for is withheld."""
    return Verdict(rcode, addresses, (code, word))


@dataclass(frozen=True)
class Role:
    """One of the cast, with the verdict for each kind of question.

    ``direct`` is that for a name below ``secret``; ``target`` for a public name that leads there;
    ``hint`` for one that leads into the private network; ``local`` and ``split`` for two records
    that only some may see.
    """

    direct: Verdict
    target: Verdict
    hint: Verdict
    local: Verdict
    split: Verdict


def _same(verdict: Verdict) -> Role:
    return Role(verdict, verdict, verdict, verdict, verdict)


# The service is told without the address into the private network.
_HIDDEN = answered()
_DENIED = refused("denied_by_default")

ROLES = {
    # May ask anything, private addresses too.
    "web": Role(answered(ONE), answered(ONE), answered(PRIVATE), answered(LOCAL), answered(ONE)),
    # May ask anything, of another upstream.
    "open": Role(answered(TWO), answered(TWO), _HIDDEN, answered(TWO), answered(TWO)),
    # May ask public names, and nothing else; where these lead is not its business.
    # A record of the policy is answered all the same.
    "payments": Role(_DENIED, answered(ONE), _HIDDEN, answered(LOCAL), answered(SPLIT)),
    # By a list, on a policy for all below a prefix.
    "build": Role(
        blocked("NXDOMAIN", "blocked_by_list"),
        blocked("NXDOMAIN", "blocked_target"),
        _HIDDEN,
        blocked("NXDOMAIN", "blocked_by_list"),
        answered(ONE),
    ),
    # By a token; a rule answers with null addresses.
    "tv": Role(
        blocked("NOERROR", "blocked_by_rule", "0.0.0.0"),
        blocked("NOERROR", "blocked_target", "0.0.0.0"),
        _HIDDEN,
        blocked("NOERROR", "blocked_by_rule", "0.0.0.0"),
        answered(ONE),
    ),
    # By nothing but the network; a rule refuses.
    "guest": Role(
        blocked("REFUSED", "blocked_by_rule"),
        blocked("REFUSED", "blocked_target"),
        _HIDDEN,
        blocked("REFUSED", "blocked_by_rule"),
        answered(ONE),
    ),
    # Known, and no policy speaks for it: that of its network is no help.
    "nobody": _same(refused("no_policy")),
    # Its certificate has expired.
    "late": _same(_DENIED),
}


def callers(home: TrustDomain, token: str) -> dict[str, tuple[Caller, ...]]:
    """How each of the cast can show who it is."""
    paths = {
        "web": "ns/shop/sa/web",
        "open": "ns/shop/sa/open",
        "payments": "ns/shop/sa/payments",
        "build": "ns/build/sa/ci",
        "nobody": "ns/nowhere/sa/nobody",
    }
    shown = {
        name: (Caller(certificate=home.svid(path)), Caller(vouched=home.id(path)))
        for name, path in paths.items()
    }
    late = Caller(certificate=home.svid("ns/shop/sa/web", ends=-DAY))
    return {**shown, "tv": (Caller(token=token),), "guest": (NOBODY,), "late": (late,)}


def documents(home: TrustDomain) -> list[dict[str, Any]]:
    """The policies, one for each of the cast; nobody has none."""

    def policy(name: str, subject: str, **spec: Any) -> dict[str, Any]:
        given = {"subjects": [subject], "default": "allow", **spec}
        given["upstreams"] = {**PATIENT, "names": spec.get("upstreams", ["one"])}
        return document("Policy", name, **given)

    def rule(**how: str) -> list[dict[str, Any]]:
        return [{"block": SECRET, **how}]

    return [
        policy("web", home.id("ns/shop/sa/web"), privateAddresses="allow"),
        policy("open", home.id("ns/shop/sa/open"), upstreams=["two"]),
        policy(
            "payments",
            home.id("ns/shop/sa/payments"),
            default="deny",
            rules=[{"allow": ["*.public.example.org"]}],
        ),
        policy("build", home.id("ns/build/*"), lists=["secrets"]),
        policy("tv", "token:tv", rules=rule(answer="null")),
        policy("guest", "cidr:127.0.0.0/8", rules=rule(answer="refused")),
        policy("late", "expired", default="deny"),
        document("List", "secrets", kind="block", files=["secrets.txt"]),
        document(
            "Record",
            "host",
            name="host.secret.example.org",
            a=[LOCAL],
            policies=["web", "tv", "payments"],
        ),
        document(
            "Record",
            "split",
            name="split.public.example.org",
            a=[SPLIT],
            policies=["payments"],
        ),
        document("Record", "door", name="door.public.example.org", cname="door.secret.example.org"),
    ]


# Where the upstreams lead public names.
ALIASES = {
    f"{name}.public.example.org": f"{name}.secret.example.org" for name in ("alias", "https")
}


@dataclass(frozen=True)
class Shape:
    """A way to ask for the same thing; ``verdict`` says which verdict of a role it must meet."""

    name: str
    verdict: Callable[[Role], Verdict]
    kind: str = "A"
    options: tuple[dns.edns.Option, ...] = ()

    def query(self) -> dns.message.Message:
        """The question."""
        return dns.message.make_query(
            self.name, self.kind, use_edns=0, payload=1232, options=list(self.options)
        )


def _direct(role: Role) -> Verdict:
    return role.direct


def _target(role: Role) -> Verdict:
    return role.target


def _local_alias(role: Role) -> Verdict:
    """For a local record: it allows what it leads to, against the default and against lists."""
    error = role.direct.error
    is_listed = error is not None and error[1] == "blocked_by_list"
    return answered(ONE) if is_listed or role.target == _DENIED else role.target


def _https(verdict: Callable[[Role], Verdict]) -> Callable[[Role], Verdict]:
    """The same, to a question for HTTPS: other types of the name lead elsewhere, so a block has no
    data and denies none of them."""

    def of(role: Role) -> Verdict:
        found = verdict(role)
        is_target = found.error is not None and found.error[1] == "blocked_target"
        return Verdict("NOERROR", (), found.error) if is_target else found

    return of


SHAPES = {
    "direct": Shape("direct.secret.example.org", _direct),
    "trailing dot": Shape("dot.secret.example.org.", _direct),
    "capitals": Shape("CAPITALS.SECRET.EXAMPLE.ORG", _direct),
    "0x20": Shape("rAnDOm.SeCReT.eXAmpLe.oRg", _direct),
    "IDN": Shape("xn--bcher-kva.example.org", _direct),
    "IDN in capitals": Shape("XN--BCHER-KVA.example.org", _direct),
    "client subnet": Shape(
        "ecs.secret.example.org", _direct, options=(dns.edns.ECSOption("203.0.113.0", 24),)
    ),
    "CNAME": Shape("alias.public.example.org", _target),
    "CNAME of a local record": Shape("door.public.example.org", _local_alias),
    "HTTPS target": Shape("https.public.example.org", _https(_target), kind="HTTPS"),
    "HTTPS hint": Shape("hint-1.public.example.org", lambda role: role.hint, kind="HTTPS"),
    "local record": Shape("host.secret.example.org", lambda role: role.local),
    "record of another policy": Shape("split.public.example.org", lambda role: role.split),
}


def seen(reply: Reply) -> Verdict:
    """What a client sees of an answer; hints of HTTPS are addresses too."""
    hints = [
        address
        for rrset in reply.message.answer
        if rrset.rdtype == dns.rdatatype.HTTPS
        for item in rrset
        if (hint := item.params.get(dns.rdtypes.svcbbase.ParamKey.IPV4HINT)) is not None
        for address in hint.addresses
    ]
    errors = reply.errors
    assert len(errors) <= 1, reply.message
    return Verdict(reply.rcode, tuple(sorted([*reply.addresses, *hints])), next(iter(errors), None))
