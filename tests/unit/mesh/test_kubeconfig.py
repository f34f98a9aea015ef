"""A kubeconfig that cannot be used safely is refused, and says what to do instead."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyhole.mesh.error import MeshError
from keyhole.mesh.kubeconfig import in_pod, read_kubeconfig
from tests.world.certificates import Authority
from tests.world.process import call_keyhole


def _write(folder: Path, user: dict[str, Any], **cluster: object) -> Path:
    path = folder / "config"
    tree = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "one", "user": "me"}}],
        "clusters": [{"name": "one", "cluster": {"server": "https://192.0.2.1:6443/", **cluster}}],
        "users": [{"name": "me", "user": user}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_root_certificate_and_key_may_stand_in_it(tmp_path: Path, authority: Authority) -> None:
    pair = authority.svid("spiffe://example.org/me")
    user = {
        "client-certificate-data": _data(pair.certificate),
        "client-key-data": _data(pair.key),
        "token": "abc",
    }
    path = _write(tmp_path, user, **{"certificate-authority-data": _data(authority.root)})
    found = read_kubeconfig(path)
    assert (found.context, found.server, found.token) == ("here", "https://192.0.2.1:6443", "abc")
    assert len(found.trust.get_ca_certs()) == 1
    assert found.trust.check_hostname


def test_files_that_it_names_are_beside_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "pki")
    (tmp_path / "token").write_text("abc\n")
    root = {"certificate-authority": "pki/root.pem"}
    assert read_kubeconfig(_write(tmp_path, {"tokenFile": "token"}, **root)).token == "abc"
    assert len(read_kubeconfig(_write(tmp_path, {}, **root)).trust.get_ca_certs()) == 1
    assert authority.root.exists()


@pytest.mark.parametrize(
    ("user", "cluster", "why"),
    [
        ({}, {"server": "http://192.0.2.1"}, "is not https"),
        ({}, {"insecure-skip-tls-verify": True}, "lets anybody be the cluster"),
        ({"exec": {"command": "x"}}, {}, "keyhole mesh check -"),
        ({"username": "me", "password": "x"}, {}, "by username are not supported"),
        ({}, {"certificate-authority-data": "!"}, "is no base64"),
        ({}, {"certificate-authority-data": "QUJD"}, "certificate-authority cannot be used"),
        ({"client-certificate-data": "QUJD"}, {}, "client-certificate cannot be used"),
        ({}, {"certificate-authority": "absent.pem"}, "cannot be read"),
        ({}, {"certificate-authority": "/dev/null"}, "any authority would do"),
        ({}, {"proxy-url": "http://192.0.2.9"}, "proxy-url"),
        ({"as": "admin", "token": "abc"}, {}, "by as are not supported"),
        ({"token": "a\nb"}, {}, "the token of the user is none"),
    ],
)
def test_what_is_unsafe_or_cannot_be_used_is_said(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], why: str
) -> None:
    with pytest.raises(MeshError, match=why):
        read_kubeconfig(_write(tmp_path, user, **cluster))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "cannot be read"),
        ("[]", "no current-context"),
        ("current-context: x", "has no context x"),
        ("{current-context: x, contexts: [{name: x, context: {cluster: y}}]}", "no cluster y"),
    ],
)
def test_a_file_that_is_no_kubeconfig_is_said(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(MeshError, match=why):
        read_kubeconfig(path)


def test_a_cluster_that_does_not_answer_is_said(tmp_path: Path, authority: Authority) -> None:
    root = {"certificate-authority-data": _data(authority.root)}
    path = _write(tmp_path, {}, server="https://127.0.0.1:1", **root)
    done = call_keyhole("mesh", "check", "--kubeconfig", str(path))
    assert done.returncode == 1
    assert "https://127.0.0.1:1 cannot be reached" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "words", [[], ["x.yaml", "--kubeconfig", "c"], ["x.yaml", "--namespace", "keyhole"]]
)
def test_the_command_reads_either_files_or_a_cluster(words: list[str]) -> None:
    done = call_keyhole("mesh", "check", *words)
    assert done.returncode == 2
    assert "give files, or --kubeconfig" in " ".join(done.stderr.split())


def test_a_pod_has_a_root_or_asks_nobody(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(MeshError, match=r"ca.crt cannot be used"):
        in_pod(tmp_path, "10.96.0.1", "443")
    (tmp_path / "ca.crt").write_bytes(authority.root.read_bytes())
    found = in_pod(tmp_path, "fd00::1", "443")
    assert (found.server, found.token_file) == ("https://[fd00::1]:443", tmp_path / "token")
