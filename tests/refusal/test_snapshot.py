"""Without good documents there is no policy, and without policy there is no answer."""

import json
from collections.abc import Callable

from tests.world.process import call_keyhole
from tests.world.resolver import Resolver, document
from tests.world.upstream import ADDRESS, Upstream

_NOT_READY, _PROHIBITED = 14, 18


def test_without_a_snapshot_every_question_is_refused(
    make_resolver: Callable[[], Resolver],
) -> None:
    resolver = make_resolver()
    resolver.configure()
    (resolver.documents / "policy.yaml").write_text("kind: [")
    server = resolver.start_refusing().server
    reply = server.ask("www.example.org")
    assert reply.rcode == "REFUSED"
    assert [code for code, _ in reply.errors] == [_NOT_READY]


def test_a_policy_that_denies_by_default_refuses_what_no_rule_allows(
    resolver: Resolver, upstream: Upstream
) -> None:
    resolver.write(
        document(
            "Policy",
            "home",
            default="deny",
            upstreams=["test"],
            rules=[{"allow": ["api.example.org", "probe.example.org"], "types": ["A"]}],
        )
    )
    server = resolver.start().server
    assert server.ask("api.example.org").addresses == [ADDRESS]
    # Another type of a name that is allowed has no data: the name itself is not denied.
    for name, kind, rcode in (
        ("api.example.org", "AAAA", "NOERROR"),
        ("www.example.org", "A", "REFUSED"),
    ):
        reply = server.ask(name, kind)
        assert (reply.rcode, reply.addresses) == (rcode, [])
        assert [code for code, _ in reply.errors] == [_PROHIBITED]
    assert upstream.times_asked("www.example.org") == 0


def test_a_list_whose_file_is_gone_keeps_the_last_good_set(resolver: Resolver) -> None:
    names = resolver.documents / "ads.txt"
    names.write_text("ads.example.org\n")
    resolver.write(
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
    )
    server = resolver.start().server
    assert server.ask("ads.example.org").rcode == "NXDOMAIN"
    before = resolver.program.output
    names.unlink()
    resolver.wait_for(lambda: "ads.txt" in resolver.program.output[len(before) :], "it says why")
    assert server.ask("ads.example.org").rcode == "NXDOMAIN"


def test_a_compiled_list_that_was_damaged_never_becomes_a_policy_without_it(
    resolver: Resolver,
) -> None:
    (resolver.documents / "ads.txt").write_text("ads.example.org\n")
    resolver.write(
        document("List", "ads", kind="block", files=["ads.txt"]),
        document("Policy", "home", default="allow", upstreams=["test"], lists=["ads"]),
    )
    resolver.start()
    resolver.stop()
    for compiled in (resolver.folder / "state").glob("lists-*.khl"):
        compiled.write_bytes(compiled.read_bytes()[:40])
    resolver.start_refusing()
    resolver.wait_for(
        lambda: resolver.server.ask("probe.example.org").addresses, "the list is compiled again"
    )
    assert resolver.server.ask("ads.example.org").rcode == "NXDOMAIN"


def test_cleartext_to_an_upstream_must_be_said_aloud(resolver: Resolver) -> None:
    file = resolver.folder / "upstream.yaml"
    spec = {"protocol": "tcp", "addresses": ["192.0.2.53"]}
    file.write_text(json.dumps(document("Upstream", "plain", **spec)))
    checked = call_keyhole("check", str(file))
    assert checked.returncode != 0
    assert "insecure" in checked.stdout + checked.stderr
