"""Safe search, YouTube and services by name, off unless a policy says so."""

import json
from pathlib import Path

import pytest

from keyhole.config import read_text_documents
from keyhole.engine import judge
from keyhole.model.snapshot import Snapshot
from keyhole.policy import compile_documents, cross_check

from .conftest import UPSTREAM, document


def compiled(*policies: str) -> Snapshot:
    text = "---\n".join([UPSTREAM, *policies])
    documents, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    assert problems == []
    return compile_documents(documents, 1).snapshot


def problems(*policies: str) -> list[str]:
    text = "---\n".join([UPSTREAM, *policies])
    documents, found = read_text_documents(text, "a.yaml", Path("/nowhere"))
    return [f"{one.path}: {one.why}" for one in [*found, *cross_check(documents)]]


def targets(snapshot: Snapshot, policy: str) -> dict[str, str]:
    one = next(one for one in snapshot.policies if one.name == policy)
    if one.rewrite_set is None:
        return {}
    return {row.name: row.target for row in snapshot.rewrite_sets[one.rewrite_set]}


KIDS = document("Policy", "kids", "subjects: [client:kid]\ninclude: [extra]\nsafeSearch: [bing]")
EXTRA = document("Policy", "extra", "subjects: []\nsafeSearch: [ecosia]\nyoutube: strict\n"
                 "services: [tiktok]")  # fmt: skip
LOOSE = document("Policy", "loose", "default: allow\nyoutube: moderate\nmode: observe")
PLAIN = document("Policy", "plain", "subjects: [client:other]\ndefault: allow")
CLIENTS = "---\n".join(
    document("Client", name, f"addresses: [192.0.2.{number}]")
    for number, name in enumerate(("kid", "other"), 7)
)


def test_what_a_policy_and_its_included_ones_restrict_adds_up_and_others_are_not_touched() -> None:
    snapshot = compiled(KIDS, EXTRA, LOOSE, PLAIN, CLIENTS)
    assert targets(snapshot, "kids") == {
        "www.bing.com": "strict.bing.com",
        "edgeservices.bing.com": "strict.bing.com",
        "www.ecosia.org": "strict-safe-search.ecosia.org",
        **dict.fromkeys(
            ("www.youtube.com", "m.youtube.com", "youtubei.googleapis.com",
             "youtube.googleapis.com", "www.youtube-nocookie.com"), "restrict.youtube.com",
        ),
    }  # fmt: skip
    assert targets(snapshot, "plain") == {}
    assert targets(snapshot, "loose") == {}, "a policy that only observes changes no answer"
    assert len(snapshot.rewrite_sets) == 1


def test_policies_with_the_same_choice_share_it_and_the_strictest_mode_wins() -> None:
    own = document("Policy", "own", "subjects: [client:kid]\ninclude: [extra]\nyoutube: moderate")
    both = document("Policy", "both", "default: allow\nsafeSearch: all\nyoutube: strict")
    same = document("Policy", "same", "subjects: [client:other]\nsafeSearch: [all, bing]\n"
                    "youtube: strict")  # fmt: skip
    snapshot = compiled(own, EXTRA, both, same, CLIENTS)
    assert targets(snapshot, "own")["m.youtube.com"] == "restrict.youtube.com"
    assert targets(snapshot, "both") == targets(snapshot, "same")
    assert targets(snapshot, "both")["www.google.co.uk"] == "forcesafesearch.google.com"
    assert len(snapshot.rewrite_sets) == 2


def test_services_are_blocked_with_all_names_below_and_an_allow_rule_wins() -> None:
    spec = "default: allow\nservices: [tiktok, reddit]\nlists: {names: [], answer: nodata}\n"
    spec += "rules: [{allow: [www.reddit.com]}]"
    snapshot = compiled(document("Policy", "home", spec)).to_json()
    names = ["tiktok.com", "v16.TIKTOKCDN.com", "www.reddit.com", "old.reddit.com", "example.org"]
    asked = [{"name": name, "type": "A", "transport": "udp", "at": None,
              "as": {"address": "192.0.2.9"}} for name in names]  # fmt: skip
    assert [one["reason"] for one in judge(snapshot, asked)] == [
        "blocked_by_rule", "blocked_by_rule", "forwarded", "blocked_by_rule", "forwarded",
    ]  # fmt: skip
    rules = json.loads(snapshot)["policies"][0]["rules"]
    assert [rule["origin"].rpartition(" ")[2] for rule in rules[1:]] == [
        "spec.services[0]", "spec.services[1]",
    ]  # fmt: skip
    assert {rule["answer"] for rule in rules[1:]} == {"nodata"}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("services: [tictok]", "did you mean tiktok?"),
        ("services: [tiktok, tiktok]", "tiktok appears twice"),
        ("safeSearch: [gogle]", "google"),
        ("youtube: strikt", "strict"),
    ],
)
def test_a_word_that_is_none_is_refused_with_the_one_that_was_meant(spec: str, why: str) -> None:
    assert any(why in one for one in problems(document("Policy", "p", f"default: allow\n{spec}")))


def test_a_service_whose_names_keyhole_needs_is_refused_unless_that_name_is_allowed() -> None:
    upstream = document("Upstream", "two", "protocol: dot\naddresses: [192.0.2.2]\n"
                        "serverName: dns.reddit.com")  # fmt: skip
    home = "default: allow\nservices: [reddit]"
    found = problems(upstream, document("Policy", "home", home))
    assert any("spec.services[0]: reddit blocks dns.reddit.com" in one for one in found)
    home += "\nrules: [{allow: [dns.reddit.com]}]"
    assert not any(
        "cut itself off" in one for one in problems(upstream, document("Policy", "p", home))
    )
