"""Root rotation: no client loses access, also when the machine dies in a step."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from keyhole.identity import (
    Authority,
    CertificateSpec,
    IdentityError,
    ensure_server_certificate,
    read_trust,
)
from keyhole.identity.ca_files import read_bundle
from keyhole.identity.rotation import Phase, finish, phase, prepare, switch

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Authority.open(tmp_path / "identity")
    return tmp_path / "identity"


def _svid(folder: Path, life: timedelta = timedelta(hours=24)) -> list[x509.Certificate]:
    chain, _ = Authority.open(folder).issue(CertificateSpec.svid(WEB, life))
    return x509.load_pem_x509_certificates(chain)


def _is_trusted(folder: Path, chain: list[x509.Certificate]) -> bool:
    """Whether the chain verifies against the current bundle."""
    store = verification.Store(read_bundle(folder))
    verifier = verification.PolicyBuilder().store(store).build_client_verifier()
    try:
        verifier.verify(chain[0], chain[1:])
    except verification.VerificationError:
        return False
    return True


def test_first_the_new_root_is_trusted_and_signs_nothing(folder: Path) -> None:
    old = Authority.open(folder).certificate
    new = prepare(folder)
    assert phase(folder) is Phase.PREPARED
    assert read_bundle(folder) == [old, new]
    assert Authority.open(folder).certificate == old
    assert _is_trusted(folder, _svid(folder))


def test_then_it_signs_and_the_old_one_is_still_trusted(folder: Path) -> None:
    before = _svid(folder)
    new = prepare(folder)
    authority = switch(folder)
    assert phase(folder) is Phase.SWITCHED
    assert authority.certificate == new
    assert authority.domain == "keyhole.internal"
    after = _svid(folder)
    assert authority.signed(after[0], after[1:])
    assert _is_trusted(folder, before)
    assert _is_trusted(folder, after)


def test_at_last_the_old_one_is_trusted_no_longer(folder: Path) -> None:
    before = _svid(folder)
    prepare(folder)
    switch(folder)
    after = _svid(folder)
    assert finish(folder) == 1
    assert phase(folder) is Phase.NONE
    assert not _is_trusted(folder, before)
    assert _is_trusted(folder, after)


def test_the_server_shows_the_old_root_until_the_new_one_signs(folder: Path) -> None:
    first = ensure_server_certificate(folder, ["dns.example.org"], [])
    new = prepare(folder)
    assert ensure_server_certificate(folder, ["dns.example.org"], []).leaf == first.leaf
    switch(folder)
    shown = ensure_server_certificate(folder, ["dns.example.org"], [])
    chain = x509.load_pem_x509_certificates(shown.certificate.read_bytes())
    chain[1].verify_directly_issued_by(new)


def test_the_old_root_stays_while_a_client_needs_it(folder: Path) -> None:
    _svid(folder)
    prepare(folder)
    switch(folder)
    with pytest.raises(IdentityError, match="still valid.*" + WEB):
        finish(folder)
    assert phase(folder) is Phase.SWITCHED
    assert finish(folder, datetime.now(UTC) + timedelta(hours=25)) == 1


def test_a_person_may_lock_out_whoever_still_needs_it(folder: Path) -> None:
    before = _svid(folder)
    prepare(folder)
    switch(folder)
    assert finish(folder, force=True) == 1
    assert not _is_trusted(folder, before)


def test_no_step_comes_before_its_time(folder: Path) -> None:
    with pytest.raises(IdentityError, match="no new root yet"):
        switch(folder)
    prepare(folder)
    with pytest.raises(IdentityError, match="signs nothing yet"):
        finish(folder)
    switch(folder)
    with pytest.raises(IdentityError, match="not finished"):
        prepare(folder)


def test_each_step_may_be_repeated(folder: Path) -> None:
    assert prepare(folder) == prepare(folder)
    assert switch(folder).certificate == switch(folder).certificate
    assert finish(folder) == 1
    assert finish(folder) == 0


def test_a_root_whose_key_is_elsewhere_can_be_followed_by_another(folder: Path) -> None:
    (folder / "root-key.pem").unlink()
    new = prepare(folder)
    assert switch(folder).certificate == new


_DYING = """
import os, sys
from pathlib import Path
left = int(sys.argv[2])
replace, unlink = Path.replace, Path.unlink
def dying(real):
    def act(self, *rest, **named):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return real(self, *rest, **named)
    return act
Path.replace, Path.unlink = dying(replace), dying(unlink)
from keyhole.identity import rotation
getattr(rotation, sys.argv[3])(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("step", ["prepare", "switch", "finish"])
def test_a_step_that_dies_anywhere_is_ended_by_the_next_try(tmp_path: Path, step: str) -> None:
    steps: dict[str, Callable[..., object]] = {
        "prepare": prepare,
        "switch": switch,
        "finish": finish,
    }
    died = 0
    for left in range(12):
        folder = tmp_path / str(left) / "identity"
        Authority.open(folder)
        for before in list(steps)[: list(steps).index(step)]:
            steps[before](folder)
        ended = subprocess.run(
            [sys.executable, "-c", _DYING, str(folder), str(left), step],
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).returncode
        assert ended in (0, 9)
        died += ended == 9
        # After any interruption the authority opens, signs, and is trusted.
        assert _is_trusted(folder, _svid(folder))
        assert read_trust(folder).domain == "keyhole.internal"
        steps[step](folder) if step != "finish" else finish(folder, force=True)
        wanted = {"prepare": Phase.PREPARED, "switch": Phase.SWITCHED, "finish": Phase.NONE}
        assert phase(folder) is wanted[step]
        if ended == 0:
            break
    assert died > 0, "the test never killed anything"
    assert ended == 0, "the test never let the step end"
