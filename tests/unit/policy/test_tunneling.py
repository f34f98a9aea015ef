"""`tunneling` of a policy: what may be written, and what engines get."""

from pathlib import Path

import pytest

from keyhole.config import read_text_documents
from keyhole.model.snapshot import Split, Tunneling
from keyhole.policy import compile_documents, cross_check

from .conftest import UPSTREAM, document


def compiled(spec: str) -> Tunneling | None:
    text = "---\n".join([UPSTREAM, document("Policy", "home", spec)])
    documents, problems = read_text_documents(text, "a.yaml", Path("/"))
    assert problems == []
    (policy,) = compile_documents(documents, 1, None).snapshot.policies
    return policy.tunneling


def problems(spec: str) -> list[str]:
    documents, found = read_text_documents(document("Policy", "home", spec), "a.yaml", Path("/"))
    about = ("tunneling", "missingDomains")
    found += [one for one in cross_check(documents) if any(key in one.path for key in about)]
    return [f"{one.path}: {one.why}" for one in found]


def test_a_policy_observes_by_default_with_the_budgets_of_the_guide() -> None:
    assert compiled("default: allow") == Tunneling(
        mode="observe",
        alert=1024,
        throttle=2048,
        block=4096,
        day=8192,
        split=Split(mode="observe", octets=4096),
        exempt=[],
    )


def test_a_word_alone_is_the_mode_and_off_counts_nothing() -> None:
    enforced = compiled("tunneling: enforce")
    assert enforced is not None
    assert enforced.mode == "enforce"
    # YAML 1.1, as kubectl sends it, has false for off, wherever the word of a mode may stand.
    for off in ("off", "false"):
        assert compiled(f"tunneling: {off}") is None
        assert compiled(f"tunneling: {{mode: {off}}}") is None
        alone = compiled(f"tunneling: {{split: {off}}}")
        assert alone is not None
        assert alone.split is None
        assert problems(f"missingDomains: {off}\nyoutube: {off}") == []
    assert "valid are off, observe, enforce" in problems("tunneling: true")[0]
    together = compiled("tunneling: {mode: enforce, split: enforce}")
    assert together is not None
    assert together.split == Split(mode="enforce", octets=4096)


def test_an_exemption_ends_when_its_day_begins() -> None:
    spec = "tunneling:\n  exempt: [{domain: CDN.example.org, reason: files, until: 2099-01-02}]"
    got = compiled(spec)
    assert got is not None
    assert [(one.domain, one.until) for one in got.exempt] == [("cdn.example.org", 4_070_995_200)]
    assert problems(spec) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("sometimes", "spec.tunneling"),
        ("{block: 1KiB}", "spec.tunneling.block: 1KiB is below throttle, 2KiB; budgets ascend"),
        ("{quarantine: 1d}", "spec.tunneling.quarantine: mode observe puts nobody in quarantine"),
        ("{mode: off, quarantine: 1d}", "quarantine: mode off puts nobody in quarantine; write"),
        ("{split: enforce}", "spec.tunneling.split: mode observe refuses nothing; write mode"),
        ("{split: {octets: 64KiB}}", "spec.tunneling.split.octets: 64KiB is out of range"),
        ("{day: 64KiB}", "spec.tunneling.day: 64KiB is out of range"),
        ("{alert: 16B}", "spec.tunneling.alert: 16B is out of range"),
        ("{exempt: [{domain: a.example, until: 2099-01-01}]}", "exempt[0].reason"),
        ("{exempt: [{domain: a.example, reason: x}]}", "exempt[0].until"),
        ("{exempt: [{domain: com, reason: x, until: 2099-01-01}]}", "com would exempt every"),
        ("{exempt: [{domain: a.example, reason: x, until: soon}]}", "soon is not a day"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(written: str, said: str) -> None:
    assert any(said in one for one in problems(f"tunneling: {written}")), problems(
        f"tunneling: {written}"
    )


def test_check_names_exemptions_that_ended_and_budgets_that_cannot_act() -> None:
    ended = "{exempt: [{domain: a.example, reason: x, until: 2020-01-01}]}"
    assert problems(f"tunneling: {ended}") == [
        "spec.tunneling.exempt[0].until: the exemption of a.example ended on 2020-01-01; remove "
        "it, or renew it"
    ]
    assert "nothing is counted" in problems(f"tunneling: {{mode: off, {ended[1:]}")[-1]
    assert problems("tunneling: off\nmissingDomains: enforce") == []
    observed = problems("mode: observe\ntunneling: enforce")
    assert observed == ["spec.tunneling: the policy only observes, and so do its budgets"]
