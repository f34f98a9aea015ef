"""What is wrong with a config is said in words that help, before anything listens."""

import json
import socket
from collections.abc import Callable

import pytest

from tests.world.process import call_keyhole, run_keyhole
from tests.world.resolver import Resolver, document


def _output(resolver: Resolver) -> str:
    """What `keyhole up` says when it cannot start."""
    ended = run_keyhole("up", "--data", str(resolver.folder))
    said = ended.stdout + ended.stderr
    assert ended.returncode != 0, said
    assert "Traceback" not in said
    return said


@pytest.fixture
def broken(make_resolver: Callable[[], Resolver]) -> Resolver:
    one = make_resolver()
    one.configure()
    return one


def test_an_unknown_key_is_named_with_the_nearest_one(broken: Resolver) -> None:
    broken.configure(lisen={})
    said = _output(broken)
    assert "lisen" in said
    assert "listen" in said.replace("lisen", "")


def test_an_unknown_key_inside_a_section_is_named_with_its_place(broken: Resolver) -> None:
    broken.configure(limits={"conections": 5})
    said = _output(broken)
    assert "conections" in said
    assert "connections" in said


def test_a_value_that_cannot_be_is_named_with_its_place(broken: Resolver) -> None:
    broken.configure(workers="many")
    assert "workers" in _output(broken)


def test_a_file_that_is_no_yaml_is_named_with_its_line(broken: Resolver) -> None:
    broken.config.write_text("role: resolver\nlisten: [\n")
    said = _output(broken)
    assert "keyhole.yaml" in said
    assert "line" in said or ":2" in said or ":3" in said


def test_a_port_in_use_is_named_with_what_to_do(broken: Resolver) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", broken.server.tcp))
        other.listen()
        said = _output(broken)
    assert str(broken.server.tcp) in said
    assert "in use" in said


def test_a_missing_certificate_is_named(broken: Resolver) -> None:
    broken.certificate.certificate.unlink()
    assert "server.pem" in _output(broken)


def test_a_key_that_does_not_fit_its_certificate_is_named(
    broken: Resolver,
) -> None:
    broken.certificate.key.write_bytes(broken.authority.issue("other.example.org").key.read_bytes())
    said = _output(broken)
    assert "server.key" in said or "server.pem" in said


def test_doh_without_tls_stays_on_loopback(broken: Resolver) -> None:
    config = json.loads(broken.config.read_text())
    config["listen"]["doh_cleartext"] = ["0.0.0.0:8053"]
    broken.config.write_text(json.dumps(config))
    assert "loopback" in _output(broken)


def test_check_names_every_error_at_once_with_its_place(broken: Resolver) -> None:
    file = broken.folder / "policy.yaml"
    file.write_text(json.dumps(document(
        "Policy", "home", default="perhaps", upstreems=["test"],
        rules=[{"block": ["not a name"]}, {"block": ["/(/"]}],
    )))  # fmt: skip
    checked = call_keyhole("check", str(file))
    said = checked.stdout + checked.stderr
    assert checked.returncode != 0
    assert "Traceback" not in said
    for place in ("default", "upstreems", "upstreams", "rules"):
        assert place in said, said


def test_check_is_content_with_good_documents(broken: Resolver) -> None:
    broken.write(
        broken.upstream(853), document("Policy", "home", default="allow", upstreams=["test"])
    )
    checked = call_keyhole("check", str(broken.documents))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_explain_names_the_rule(broken: Resolver) -> None:
    broken.write(
        broken.upstream(853),
        document(
            "Policy", "home", default="allow", upstreams=["test"],
            rules=[{"block": ["*.ads.example.org"]}],
        ),
    )  # fmt: skip
    explained = call_keyhole("explain", "x.ads.example.org", "--data", str(broken.folder))
    said = explained.stdout + explained.stderr
    assert "blocked_by_rule" in said, said
    assert "*.ads.example.org" in said
