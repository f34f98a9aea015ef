"""The profiles of the lab's workloads: who asks what, over which transport, and how often."""

from dataclasses import dataclass
from typing import Literal

from keyhole.lab.svids import EXPIRED, WRONG_CA

NO_CERTIFICATE = "bad/no-certificate"
TV_NAME = "office/tv"


@dataclass(frozen=True)
class WorkloadProfile:
    """Who asks what; ``pause`` is the mean number of seconds between two questions.

    ``to`` is whom it asks: the resolver, or the forwarder behind it, which is none of its business.
    ``story`` is for people.
    """

    name: str
    story: str
    transport: Literal["udp", "tls", "https"]
    pause: float
    names: tuple[str, ...]
    to: Literal["resolver", "forwarder"] = "resolver"


WORKLOAD_PROFILES = (
    WorkloadProfile(
        "shop/web",
        "what the lab allows, and a list of its own",
        "https",
        0.25,
        (
            "api.shop.example",
            "cdn.static.example",
            "images.static.example",
            "fonts.typography.example",
            "search.shop.example",
            "tracker.example.net",
            "status.adnetwork.example",
            "bid.adnetwork.example",
            "feed.social.example",
        ),
    ),
    WorkloadProfile(
        "shop/payments",
        "three names and nothing else",
        "tls",
        0.6,
        (
            "gateway.payments.example",
            "ledger.bank.example",
            "fraud.scoring.example",
            "api.shop.example",
        ),
    ),
    WorkloadProfile(
        "build/ci",
        "packages and sources",
        "tls",
        0.5,
        (
            "registry.packages.example",
            "mirror.packages.example",
            "git.forge.example",
            "artifacts.forge.example",
            "telemetry.gadgets.example",
        ),
    ),
    WorkloadProfile(
        "netshoot",
        "private addresses too",
        "https",
        1.0,
        (
            "www.example.org",
            "printer.example.org",
            "chain.example.net",
            "cloaked.example.net",
            "nx.example.net",
            "rebind.example.net",
            "ad7.banners.example.com",
            "slow.example.net",
            "servfail.example.net",
        ),
    ),
    # It knows a DoH address and nothing else, so its token is a part of that address.
    WorkloadProfile(
        TV_NAME,
        "films; the token is in its DoH address",
        "https",
        2.0,
        ("films.media.example", "telemetry.gadgets.example"),
    ),
    # No certificate fits into it: it is known by its network alone, where that is enough.
    WorkloadProfile(
        "office/printer",
        "known by its network alone",
        "udp",
        2.0,
        ("time.example.net", "updates.printer.example"),
    ),
    # Around the resolver, where no policy would stop it.
    WorkloadProfile(
        NO_CERTIFICATE,
        "asks the forwarder: refused",
        "tls",
        3.0,
        ("ledger.bank.example",),
        to="forwarder",
    ),
    WorkloadProfile(
        WRONG_CA,
        "signed by a stranger: no connection",
        "tls",
        3.0,
        ("ledger.bank.example",),
    ),
    WorkloadProfile(
        EXPIRED,
        "of yesterday: the way to a new one alone",
        "tls",
        3.0,
        ("api.shop.example", "control.example.net"),
    ),
)
