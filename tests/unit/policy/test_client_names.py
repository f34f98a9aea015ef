"""Which name a client has, and which clients a word means."""

from ipaddress import ip_network

import pytest

from keyhole.learned_names import LearnedName, LearnedNames
from keyhole.model.snapshot_identity import Identity, SubjectNetwork, Subjects, Token
from keyhole.policy import client_names
from keyhole.policy.address_ranges import AddressRanges
from keyhole.policy.client_names import ClientName, ClientNames

WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
_NETWORKS = [
    ("192.0.2.0/24", "office"),
    ("192.0.2.64/26", None),
    ("192.0.2.70/32", "printer"),
    ("2001:db8::/56", "office"),
]


@pytest.fixture(scope="module")
def names() -> ClientNames:
    """An office, a printer in it, a network in it without a name, a workload and a token."""
    networks = [
        SubjectNetwork(network=network, client=client, policy=None, subject="")
        for network, client in _NETWORKS
    ]
    identities = [Identity(id=WEB, client="till", policy=None, subject="")]
    tokens = [Token(name="tv", sha256="0" * 64, client=None, policy=None, subject="")]
    return ClientNames(
        Subjects(identities=identities, below=[], tokens=tokens, networks=networks, expired=None)
    )


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.1", "office"),
        ("192.0.2.65", "office"),
        ("192.0.2.70", "printer"),
        ("::ffff:192.0.2.70", "printer"),
        ("2001:db8::1", "office"),
        ("2001:db8:0:100::1", None),
        ("198.51.100.1", None),
        ("198.51.100.0/24", None),
    ],
)
def test_the_smallest_network_with_a_name_gives_it(
    names: ClientNames, address: str, name: str | None
) -> None:
    assert names.name_of(None, None, address) == name
    # Whoever shows a credential is known by that alone.
    assert names.name_of(None, "tv", address) is None
    assert names.name_of(WEB, None, address) == "till"


def test_a_learned_name_is_below_documents_and_credentials(names: ClientNames) -> None:
    """And one that reads like any of them is not shown: its client chose it."""
    learned = LearnedNames.of(
        LearnedName(address, name, "dhcp", 100.0)
        for address, name in (
            ("192.0.2.1", "my-office"),
            ("198.51.100.1", "guest"),
            ("198.51.100.2", "pr1nter"),
            ("198.51.100.3", "tv.lan"),
            ("198.51.100.4", "vveb"),
            ("198.51.100.5", "tlll"),
        )
    )
    known = names.with_learned(learned)
    assert known.named(None, None, "192.0.2.1") == ClientName("office", "document")
    assert known.named(None, None, "198.51.100.1") == ClientName("guest", "dhcp")
    assert known.named(None, None, "198.51.100.1", at=99.0) is None
    assert known.named(None, "tv", "198.51.100.1") is None
    assert known.named("spiffe://keyhole.lab/x", None, "198.51.100.1") is None
    assert [known.named(None, None, f"198.51.100.{at}") for at in (2, 3, 4, 5)] == [None] * 4
    # Nobody asks for what is not shown, and nothing that decides has learned anything.
    assert known.meant("pr1nter") is None
    found = known.meant("guest")
    assert found is not None
    assert [one.address for one in found.learned] == ["198.51.100.1"]
    assert known.name_of(None, None, "198.51.100.1") is None
    assert names.named(None, None, "198.51.100.1") is None
    assert ClientName("guest", "dhcp").beside("198.51.100.1") == "guest (198.51.100.1, dhcp)"


def test_a_network_means_its_addresses_and_is_no_workload(names: ClientNames) -> None:
    meant = names.meant("192.0.2.0/24")
    assert meant is not None
    assert meant.path is None
    assert meant.ranges is not None
    assert "192.0.2.9" in meant.ranges
    assert "192.0.3.9" not in meant.ranges


def test_nothing_is_known_without_a_snapshot() -> None:
    nobody = ClientNames(None)
    assert nobody.is_empty
    assert nobody.name_of(WEB, None, None) is None
    assert nobody.meant("office") is None


def test_addresses_are_found_in_their_networks_alone() -> None:
    found = AddressRanges(
        ip_network(one) for one in ("10.0.0.0/8", "10.1.0.0/16", "10.255.0.0/16", "fd00::/8")
    )
    inside = ("10.0.0.0", "10.200.1.1", "10.255.255.255", "::ffff:10.9.9.9", "fdff::1%eth0")
    assert [one for one in inside if one not in found] == []
    outside = ("11.0.0.0", "9.255.255.255", "fe80::1", "10.0.0.0/24", "", "no address", "::a00:1")
    assert [one for one in outside if one in found] == []


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("client:office", "office"),
        (WEB, "till"),
        (WEB + "2", None),
        ("token:tv", None),
        ("192.0.2.70", "printer"),
        ("192.0.2.0/24", None),
        ("2001:db8::1", "office"),
    ],
)
def test_the_client_of_a_decision_has_the_name_of_its_queries(
    names: ClientNames, client: str, name: str | None
) -> None:
    assert names.name_of_subject(client) == name


def test_what_names_of_documents_look_like_is_computed_once_for_all_copies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def skeleton(name: str) -> str:
        asked.append(name)
        return name

    monkeypatch.setattr(client_names, "skeleton", skeleton)
    token = Token(name="tv", sha256="0" * 64, client=None, policy=None, subject="")
    names = ClientNames(
        Subjects(identities=[], below=[], tokens=[token], networks=[], expired=None)
    )
    for number in range(3):
        learned = LearnedNames.of([LearnedName("192.0.2.1", f"host-{number}", "dhcp", 0)])
        found = names.with_learned(learned).named(None, None, "192.0.2.1")
        assert found == ClientName(f"host-{number}", "dhcp")
    assert asked.count("tv") == 1
