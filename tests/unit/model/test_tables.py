"""The shipped tables of safe search and of services can be used as they are."""

from keyhole.importers.public_resolvers import _ALL
from keyhole.model.blocked_services import known_services
from keyhole.model.name import read_name
from keyhole.model.safe_search import ENGINES, restricted


def test_each_engine_and_mode_has_a_row_and_no_name_has_two_targets() -> None:
    for youtube in ("moderate", "strict"):
        rows = list(restricted(["all"], youtube))
        assert [row.title for row in rows] == [
            *(f"safe search: {engine}" for engine in ENGINES),
            f"safe search: youtube-{youtube}",
        ]
        names = [name for row in rows for name in row.names]
        assert len(names) == len(set(names)) > 190
        assert all(read_name(name) == name for name in names)
        assert not {row.target for row in rows} & set(names), "a target is not rewritten itself"
    assert list(restricted([], "off")) == []
    assert [row.target for row in restricted(["bing"], "off")] == ["strict.bing.com"]


def test_services_have_names_of_their_own_and_cut_nobody_off() -> None:
    services = known_services()
    assert len(services) >= 30
    domains = [domain for one in services.values() for domain in one.domains]
    assert len(domains) == len(set(domains))
    assert all(read_name(domain) == domain for domain in domains)
    resolvers = [name for one in _ALL for name in (one.name, *one.other_names)]
    for one in services.values():
        assert one.title
        assert one.category
        assert not [name for name in resolvers if any(m.covers(name) for m in one.matches)]
