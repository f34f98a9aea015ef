"""Each workload of the lab has its own certificate; valid ones are renewed, invalid ones stay."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from keyhole.identity import read_tokens
from keyhole.identity.tokens import digest
from keyhole.lab.svids import EXPIRED, LIFE, RESOLVER, WRONG_CA, Svid, Svids
from keyhole.lab.workload_profiles import WORKLOAD_PROFILES

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
GOOD = ["shop/web", "shop/payments", "build/ci", "netshoot", RESOLVER]


@pytest.fixture
def svids(tmp_path: Path) -> Svids:
    made = Svids(tmp_path / "identity", tmp_path / "workloads")
    made.renew(NOW)
    return made


def _chain(svid: Svid) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(svid.certificate.read_bytes())


def _leads_to(svid: Svid, root: Path) -> bool:
    authority = x509.load_pem_x509_certificate(root.read_bytes())
    leaf, issuer = _chain(svid)
    try:
        leaf.verify_directly_issued_by(issuer)
        issuer.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 (whatever it is, it leads elsewhere)
        return False
    return True


@pytest.mark.parametrize("name", GOOD)
def test_a_good_one_names_who_it_is_and_leads_to_the_root_of_the_lab(
    svids: Svids, tmp_path: Path, name: str
) -> None:
    svid = svids.of(name)
    leaf = _chain(svid)[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [svid.spiffe]
    assert _leads_to(svid, tmp_path / "identity" / "root.pem")
    assert leaf.not_valid_before_utc < NOW < leaf.not_valid_after_utc
    assert svid.key.stat().st_mode & 0o077 == 0


def test_a_strangers_signature_leads_elsewhere(svids: Svids, tmp_path: Path) -> None:
    assert svids.of(WRONG_CA).spiffe == svids.of("shop/payments").spiffe
    assert not _leads_to(svids.of(WRONG_CA), tmp_path / "identity" / "root.pem")
    assert _chain(svids.of(WRONG_CA))[0].not_valid_after_utc > NOW


def test_the_expired_one_was_good_once(svids: Svids, tmp_path: Path) -> None:
    leaf = _chain(svids.of(EXPIRED))[0]
    assert leaf.not_valid_after_utc < NOW
    assert _leads_to(svids.of(EXPIRED), tmp_path / "identity" / "root.pem")


def test_certificates_are_renewed_long_before_they_end(svids: Svids) -> None:
    before = {name: _chain(svids.of(name))[0] for name in GOOD}
    assert svids.renew(NOW + timedelta(seconds=30)) == []
    later = NOW + LIFE / 2
    assert svids.renew(later) == GOOD[:-1]
    for name in GOOD[:-1]:
        renewed = _chain(svids.of(name))[0]
        assert renewed.serial_number != before[name].serial_number
        assert renewed.not_valid_after_utc > before[name].not_valid_after_utc > later


def test_a_certificate_that_was_lost_is_issued_again(svids: Svids) -> None:
    svids.of("shop/web").key.unlink()
    assert svids.renew(NOW) == ["shop/web"]


def test_the_bad_ones_stay_bad(svids: Svids, tmp_path: Path) -> None:
    svids.renew(NOW + LIFE)
    assert _chain(svids.of(EXPIRED))[0].not_valid_after_utc < NOW
    assert not _leads_to(svids.of(WRONG_CA), tmp_path / "identity" / "root.pem")


def test_the_television_keeps_its_token(svids: Svids, tmp_path: Path) -> None:
    secret = svids.token.read_text().strip()
    svids.renew(NOW + LIFE)
    assert svids.token.read_text().strip() == secret
    assert digest(secret) in read_tokens(tmp_path / "identity").values()
    assert svids.token.stat().st_mode & 0o077 == 0


def test_every_workload_with_a_certificate_has_a_profile(svids: Svids) -> None:
    assert svids.workloads().keys() <= {profile.name for profile in WORKLOAD_PROFILES}
