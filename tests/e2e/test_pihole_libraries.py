"""The libraries that programs use to talk to Pi-hole 6 work with Keyhole in its place."""

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.world.certificates import Authority
from tests.world.pihole_house import House
from tests.world.resolver import Resolver, document
from tests.world.upstream import Upstream

pihole6api = pytest.importorskip("pihole6api", reason="./dev setup installs it")


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, shared_upstream: Upstream
) -> Iterator[House]:
    """One resolver that has something of each kind."""
    resolver = Resolver(tmp_path_factory.mktemp("libraries") / "data", authority)
    (resolver.documents / "ads.txt").write_text("ads.example.com\n")
    resolver.write(
        resolver.upstream(shared_upstream.port),
        document("List", "ads", files=["ads.txt"]),
        document("Record", "nas", name="nas.example.org", a=["192.0.2.7"]),
        document("Client", "tablet", addresses=["192.0.2.20"], groups=["kids"]),
        document(
            "Policy",
            "home",
            default="allow",
            upstreams=["test"],
            lists=["ads"],
            rules=[
                {"block": ["games.example.org", "*.games.example.org", "/^ad[0-9]/"]},
                {"allow": ["good.example.org"]},
            ],
        ),
        document("Policy", "kids", subjects=["group:kids"], default="allow", mode="observe"),
    )
    try:
        yield House(resolver)
    finally:
        resolver.stop()


def test_the_library_of_home_assistant_reads_all_and_switches_blocking(house: House) -> None:
    hole = pytest.importorskip("hole", reason="hole has a wheel for Python 3.13 or newer alone")
    aiohttp = pytest.importorskip("aiohttp", reason="it comes with hole")

    server = house.resolver.server
    server.ask("ads.example.com")
    server.ask("www.example.org")

    async def talk() -> tuple[Any, ...]:
        async with aiohttp.ClientSession() as session:
            client = hole.Hole(
                "127.0.0.1", session, port=house.port, password=house.token()[1], version=6
            )
            await client.get_data()
            read = (client.domains_being_blocked, client.clients_ever_seen >= 0)
            updates = (client.core_update, client.web_update, client.ftl_update)
            await client.disable(60)
            off = (client.status, server.ask("ads.example.com").rcode)
            await client.enable()
            on = (client.status, server.ask("ads.example.com").rcode)
            await client.logout()
            return read, updates, off, on

    read, updates, off, on = asyncio.run(talk())
    assert read == (1, True)
    assert updates == (False, False, False)
    assert off == ("disabled", "NOERROR")
    assert on == ("enabled", "NXDOMAIN")


def test_pihole6api_reads_what_is_in_force_and_stays_logged_in(house: House) -> None:
    # A decision about one client makes a copy of its policy, which is no group of its own.
    decision = {"action": "block", "name": "x.example", "client": "client:tablet"}
    made = house.resolver.api("POST", "/decisions", json=decision)
    assert made.status_code < 300, made.text
    client = pihole6api.PiHole6Client(house.url, house.token("viewer")[1])
    sid = client.connection.session_id
    groups = client.group_management.get_groups()["groups"]
    names = {one["name"]: one for one in groups}
    assert len(names) == len(groups)
    assert {name: one["enabled"] for name, one in names.items()} == {"home": True, "kids": False}
    assert client.group_management.get_group("kids")["groups"] == [names["kids"]]
    (tablet,) = client.client_management.get_clients()["clients"]
    assert (tablet["client"], tablet["name"]) == ("192.0.2.20/32", "tablet")
    assert tablet["groups"] == [names["kids"]["id"]]
    assert client.client_management.get_client("192.0.2.20")["clients"] == [tablet]
    (ads,) = client.list_management.get_lists()["lists"]
    assert (ads["type"], ads["comment"], ads["number"]) == ("block", "ads", 1)
    assert ads["groups"] == [names["home"]["id"]]
    assert client.list_management.get_lists("allow")["lists"] == []
    domains = client.connection.get("domains")["domains"]
    assert [(one["type"], one["kind"], one["domain"]) for one in domains] == [
        ("deny", "exact", "games.example.org"),
        ("deny", "regex", r"\.games\.example\.org$"),
        ("deny", "regex", "^ad[0-9]"),
        ("allow", "exact", "good.example.org"),
    ]
    found = client.domain_management.get_domain("good.example.org", "allow", "exact")["domains"]
    assert [one["domain"] for one in found] == ["good.example.org"]
    settings = client.config.get_config()["config"]["dns"]
    assert settings["upstreams"] == ["test"]
    assert "192.0.2.7 nas.example.org" in settings["hosts"]
    hosts = client.connection.get(f"config/{quote('dns/hosts')}")["config"]["dns"]
    assert hosts == {"hosts": settings["hosts"]}
    padd = client.get_padd_summary()
    assert (padd["blocking"], padd["gravity_size"]) == ("enabled", 1)
    assert client.ftl_info.get_system_info()["system"]["memory"]["ram"]["total"] > 0
    for path in ("client", "host", "sensors", "messages", "messages/count", "ftl", "database"):
        assert "error" not in client.connection.get(f"info/{path}"), path
    for path in ("devices", "gateway", "interfaces", "routes"):
        assert "error" not in client.connection.get(f"network/{path}"), path
    assert client.network_info.get_devices()["devices"][0]["ips"][0]["name"] == "tablet"
    # Logged in once, though a client without a CSRF token would log in before each request.
    assert client.connection.session_id == sid
    # What it cannot do, it says: writing is for documents.
    assert "error" in client.group_management.add_group("more")
    client.close_session()
