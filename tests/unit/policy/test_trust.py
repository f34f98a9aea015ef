"""Trust domains: their files are checked, and the snapshot holds the trusted authorities."""

from pathlib import Path

import pytest

from keyhole.errors import DocumentErrors, Problem
from keyhole.model.snapshot_identity import Revoked, RevokedCertificate, Trust, TrustDomain
from keyhole.policy import TrustContext, check, compile_documents, load_documents

from .authority import DAY, NOW, Authority
from .conftest import POLICY, UPSTREAM, Write, document

DOMAIN = document("TrustDomain", "example.org", "bundle: bundle.pem\ncrls: [one.pem, two.pem]")
OWN = TrustDomain(name="keyhole.internal", bundle="own", crls="", origin="identity")
REVOKED = Revoked(
    identities=["spiffe://keyhole.internal/lost"],
    certificates=[RevokedCertificate(domain="keyhole.internal", serial="1f")],
)


@pytest.fixture
def folder(write: Write, tmp_path: Path) -> Path:
    """Documents with a trust domain whose files are good."""
    authority = Authority()
    (tmp_path / "bundle.pem").write_text(f"a remark\n{authority.root}{Authority('next').root}")
    (tmp_path / "one.pem").write_text(authority.revocation_list())
    (tmp_path / "two.pem").write_text(authority.revocation_list() * 2)
    return write(POLICY, UPSTREAM, DOMAIN)


def problems_of(folder: Path) -> list[Problem]:
    return check([folder])


def trust_of(folder: Path, context: TrustContext | None = None) -> Trust:
    documents, _ = load_documents([folder])
    return compile_documents(documents, 1, context=context).snapshot.trust


def test_a_trust_domain_is_its_certificates_and_lists_and_nothing_else(folder: Path) -> None:
    assert problems_of(folder) == []
    (domain,) = trust_of(folder).domains
    assert (domain.name, domain.origin) == ("example.org", "2.yaml:1 TrustDomain/example.org")
    assert domain.bundle.count("BEGIN CERTIFICATE") == 2
    assert "remark" not in domain.bundle
    assert domain.crls.count("BEGIN X509 CRL") == 3


def test_our_own_authority_comes_first_and_what_was_revoked_comes_along(folder: Path) -> None:
    trust = trust_of(folder, TrustContext(trust=Trust(domains=[OWN], revoked=REVOKED)))
    assert [one.name for one in trust.domains] == ["keyhole.internal", "example.org"]
    assert trust.revoked == REVOKED


def test_while_no_certificate_is_accepted_there_is_no_trust_domain(folder: Path) -> None:
    context = TrustContext(trust=Trust(domains=[OWN], revoked=REVOKED), accepts_certificates=False)
    assert trust_of(folder, context).domains == []


def test_no_document_may_declare_our_own_trust_domain(folder: Path) -> None:
    own = OWN.model_copy(update={"name": "example.org"})
    with pytest.raises(DocumentErrors, match="is the trust domain of Keyhole's own authority"):
        trust_of(folder, TrustContext(trust=Trust(domains=[own], revoked=REVOKED)))


@pytest.mark.parametrize(
    ("file", "content", "place", "expected"),
    [
        ("bundle.pem", None, "spec.bundle", "No such file"),
        ("bundle.pem", "nothing", "spec.bundle", "bundle.pem holds no certificate in PEM form"),
        ("bundle.pem", "-----BEGIN PRIVATE KEY-----", "spec.bundle", "holds a private key"),
        ("one.pem", None, "spec.crls[0]", "No such file"),
        ("two.pem", "nothing", "spec.crls[1]", "two.pem holds no revocation list in PEM form"),
        (
            "two.pem",
            "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
            "spec.crls[1]",
            "two.pem holds a revocation list that is damaged",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_reported_with_its_place(
    folder: Path, file: str, content: str | None, place: str, expected: str
) -> None:
    (folder / file).unlink() if content is None else (folder / file).write_text(content)
    (problem,) = problems_of(folder)
    assert (problem.path, problem.is_advice) == (place, False)
    assert expected in problem.why


def test_a_bundle_with_the_certificate_of_a_client_is_refused(folder: Path) -> None:
    authority = Authority()
    leaf = authority.certificate("web", is_authority=False)
    (folder / "bundle.pem").write_text(authority.root + leaf)
    (problem,) = problems_of(folder)
    assert problem.path == "spec.bundle"
    assert "certificate 2 in bundle.pem is no authority" in problem.why
    assert "CN=web" not in problem.why, "nobody reads a file of this machine by our messages"


def test_a_revocation_list_that_is_overdue_is_advice(folder: Path) -> None:
    (folder / "one.pem").write_text(Authority().revocation_list(until=NOW - DAY))
    (problem,) = problems_of(folder)
    assert (problem.path, problem.is_advice) == ("spec.crls[0]", True)
    assert "should have been replaced by" in problem.why


def test_a_file_that_breaks_between_check_and_compile_is_reported(folder: Path) -> None:
    documents, _ = load_documents([folder])
    (folder / "one.pem").write_text("nothing")
    with pytest.raises(DocumentErrors, match=r"spec\.crls\[0\]: one\.pem holds no revocation"):
        compile_documents(documents, 1)


def test_an_upstream_may_be_known_by_its_identity_and_has_lists_too(
    write: Write, tmp_path: Path
) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.root)
    (tmp_path / "crl.pem").write_text(authority.revocation_list())
    upstream = document(
        "Upstream",
        "one",
        "protocol: doh\naddresses: ['[2001:db8::1]:8443']\n"
        "serverId: spiffe://example.org/forwarder\nca: ca.pem\ncrls: [crl.pem]",
    )
    documents, advice = load_documents([write(POLICY, upstream)])
    assert advice == []
    (one,) = compile_documents(documents, 1).snapshot.upstreams
    assert one.server_id == "spiffe://example.org/forwarder"
    assert one.server_name == "2001:db8::1", "TLS wants a word for the server; this is never sent"
    assert one.crls.count("BEGIN X509 CRL") == 1
    (tmp_path / "crl.pem").write_text("nothing")
    (problem,) = problems_of(tmp_path)
    assert problem.path == "spec.crls[0]"


def test_every_file_that_goes_into_the_snapshot_is_watched(folder: Path) -> None:
    documents, _ = load_documents([folder])
    assert {file.name for file in documents.watched_files()} == {"bundle.pem", "one.pem", "two.pem"}
