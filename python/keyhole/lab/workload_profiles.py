"""Profiles of the lab's workloads: which names they ask, over which transport, how often."""

from dataclasses import dataclass
from typing import Literal

from keyhole.lab.svids import EXPIRED, WRONG_CA

NO_CERTIFICATE = "bad/no-certificate"
TV_NAME = "office/tv"


@dataclass(frozen=True)
class WorkloadProfile:
    """The queries of one workload. ``pause`` is the mean number of seconds between two queries.

    ``to`` is the server that it asks; only the resolver may ask the forwarder. ``story`` is a
    short description for people.
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
        "the lab's policy, and one more block list",
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
    # Its only setting is a DoH URL, so the token is a part of that URL.
    WorkloadProfile(
        TV_NAME,
        "films; the token is in its DoH address",
        "https",
        2.0,
        ("films.media.example", "telemetry.gadgets.example"),
    ),
    # It cannot hold a certificate. The policy identifies it by its network.
    WorkloadProfile(
        "office/printer",
        "identified by its network only",
        "udp",
        2.0,
        ("time.example.net", "updates.printer.example"),
    ),
    # It tries to bypass the resolver and its policy.
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
        "signed by an unknown CA: no connection",
        "tls",
        3.0,
        ("ledger.bank.example",),
    ),
    WorkloadProfile(
        EXPIRED,
        "expired: may only reach the enrollment server",
        "tls",
        3.0,
        ("api.shop.example", "control.example.net"),
    ),
)
