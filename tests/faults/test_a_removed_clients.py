"""Section A (A2): a client that is taken out of the documents, whatever else is wrong with them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_a_revocation import break_documents
from tests.world import own_authority as own
from tests.world.callers import NOBODY, Caller
from tests.world.certificates import DAY
from tests.world.outcome import outcome_of
from tests.world.resolver import Resolver, document
from tests.world.trust import TrustDomain
from tests.world.upstream import Upstream

Callers = Mapping[str, tuple[str, Caller]]


def _own_policy(*subjects: str) -> dict[str, Any]:
    return document("Policy", "own", default="allow", subjects=list(subjects), upstreams=["test"])


@pytest.fixture
def served(make_resolver: Callable[[], Resolver], upstream: Upstream) -> Resolver:
    """Three clients with a policy of their own, and a broader one that would serve them too."""
    one = make_resolver()
    one.configure(identity={"trust_domain": "own.test"}, authentication={"dot": "permissive"})
    one.write(
        one.upstream(upstream.port),
        _own_policy("client:tv", "group:shop", "spiffe://own.test/ns/lab/*"),
        document("Client", "tv", tokens=["tv"]),
        document("Client", "web", identities=["spiffe://own.test/ns/shop/sa/web"], groups=["shop"]),
        document("Client", "till", addresses=["127.0.0.1"], groups=["shop"]),
    )
    return one.start()


@pytest.fixture
def callers(served: Resolver, tmp_path: Path) -> Callers:
    """The transport and the credential of each client; all are served."""
    found = {
        "tv": ("doh1", Caller(token=own.create_token(served, "tv"))),
        "web": ("dot", Caller(certificate=own.issue(served, "shop/web", tmp_path / "web"))),
        "till": ("udp", NOBODY),
        "lab": ("dot", Caller(certificate=own.issue(served, "lab/one", tmp_path / "one"))),
    }
    served.wait_for(lambda: set(_outcomes(served, found)) == {"answered"}, "all are known")
    return found


def _outcomes(resolver: Resolver, callers: Callers) -> list[str]:
    return [outcome_of(resolver.server, way, caller) for way, caller in callers.values()]


def _wait_for(resolver: Resolver, callers: Callers, *wanted: str) -> None:
    resolver.wait_for(lambda: _outcomes(resolver, callers) == list(wanted), f"they are {wanted}")


def test_a_removed_client_is_refused_at_once_while_another_document_is_invalid(
    served: Resolver, callers: Callers
) -> None:
    """A2: by token, certificate and address, also after a restart, and whatever pause begins; a
    broader policy does not serve it, and the others go on."""
    on, off = "answered", "denied_by_default"
    break_documents(served)
    (served.documents / "client-tv.yaml").unlink()
    _wait_for(served, callers, off, on, on, on)
    (served.documents / "client-till.yaml").unlink()
    _wait_for(served, callers, off, on, off, on)
    assert "refused until all of them are valid: client:tv" in served.program.output
    served.write(document("Client", "web", tokens=["other"], groups=["shop"]))
    _wait_for(served, callers, off, off, off, on)
    assert served.command("pause", "--for", "10m").returncode == 0
    assert _outcomes(served, callers) == [off, off, off, on]
    served.stop()
    served.start_refusing()
    assert _outcomes(served, callers) == [off, off, off, on]


def test_a_subject_that_a_policy_names_no_longer_is_refused_at_once(
    served: Resolver, callers: Callers
) -> None:
    """A2: the same for what a policy itself names."""
    on, off = "answered", "denied_by_default"
    break_documents(served)
    served.write(_own_policy("client:tv", "group:shop"))
    _wait_for(served, callers, on, on, on, off)
    (served.documents / "policy-own.yaml").unlink()
    _wait_for(served, callers, off, off, off, off)


def test_who_has_no_line_of_its_own_is_refused_at_once_as_well(
    served: Resolver, tmp_path: Path
) -> None:
    """A2: clients with an expired certificate, and those of the policy without subjects."""
    home = TrustDomain(tmp_path / "home", "home.test")
    served.write(
        home.write(served.documents),
        document("Policy", "late", default="allow", subjects=["expired"], upstreams=["test"]),
    )
    past = home.svid("ns/shop/sa/late", begins=-3 * DAY, ends=-DAY)
    callers = {
        "late": ("dot", Caller(certificate=past)),
        "other": ("doh1", Caller(token=own.create_token(served, "other"))),
        "till": ("udp", NOBODY),
    }
    on, off = "answered", "denied_by_default"
    _wait_for(served, callers, on, on, on)
    break_documents(served)
    served.write(document("Policy", "late", default="allow", subjects=[], upstreams=["test"]))
    _wait_for(served, callers, off, on, on)
    (served.documents / "policy-home.yaml").unlink()
    _wait_for(served, callers, off, off, on)
    served.stop()
    served.start_refusing()
    assert _outcomes(served, callers) == [off, off, on]


def test_a_client_that_a_document_with_a_typo_may_name_stays(
    served: Resolver, callers: Callers
) -> None:
    """A2, the other way: nobody can tell what a document with a typo is to say."""
    renamed = document("Client", "television", tokens=["tv"], adresses=["192.0.2.7"])
    served.write(renamed)
    served.wait_for(lambda: "client-television.yaml" in served.program.output, "the typo is told")
    (served.documents / "client-tv.yaml").unlink()
    (served.documents / "client-web.yaml").unlink()
    _wait_for(served, callers, "answered", "denied_by_default", "answered", "answered")


def test_what_was_removed_while_documents_were_invalid_can_come_back(
    served: Resolver, callers: Callers, tmp_path: Path
) -> None:
    """A2, the other way: the same documents as before the typo give the same trust as before."""
    home = TrustDomain(tmp_path / "home", "home.test")
    served.write(home.write(served.documents))
    neighbor = Caller(certificate=home.svid("ns/shop/sa/web"))
    all_callers = {**callers, "neighbor": ("dot", neighbor)}
    on, off = "answered", "denied_by_default"
    _wait_for(served, all_callers, *[on] * 5)
    break_documents(served)
    files = [served.documents / name for name in ("client-tv.yaml", "trustdomain-home.test.yaml")]
    texts = [one.read_text() for one in files]
    for file in files:
        file.unlink()
    _wait_for(served, all_callers, off, on, on, on, "unknown ca")
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    (served.documents / "typo.yaml").unlink()
    _wait_for(served, all_callers, *[on] * 5)
