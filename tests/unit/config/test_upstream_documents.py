from pathlib import Path

import pytest

from keyhole.config import read_text_documents

PIN = "A" * 43 + "="


def problems_of(spec: str) -> list[str]:
    text = (
        "apiVersion: keyhole.dev/v1\nkind: Upstream\nmetadata: {name: up}\n"
        f"spec: {{addresses: [192.0.2.1], {spec}}}\n"
    )
    _, problems = read_text_documents(text, "a.yaml", Path("/nowhere"))
    return [f"{problem.path}: {problem.why}" for problem in problems]


@pytest.mark.parametrize(
    "spec",
    [
        "protocol: doh, serverName: dns.example.org",
        "protocol: doh, serverName: 192.0.2.1, path: /q",
        f"protocol: dot, serverName: dns.example.org, pins: [{PIN}, sha256/{PIN}]",
        "protocol: tcp, insecure: mesh",
        "protocol: doh_cleartext, insecure: mesh, path: /q",
    ],
)
def test_each_protocol_has_a_complete_form(spec: str) -> None:
    assert problems_of(spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("protocol: tcp", "protocol: tcp sends queries unencrypted; use dot or doh"),
        ("protocol: udp", "udp is not valid here; valid are doh, dot, tcp, doh_cleartext"),
        ("protocol: doh", "protocol: doh needs serverName"),
        ("protocol: dot, serverName: a.example, path: /q", "path: only doh and doh_cleartext"),
        ("protocol: dot, serverName: a.example, insecure: mesh", "insecure: dot is encrypted"),
        ("protocol: tcp, insecure: mesh, ca: a.pem", "ca: tcp uses no certificates"),
        ("protocol: doh_cleartext", "protocol: doh_cleartext sends queries unencrypted"),
        (
            "protocol: doh_cleartext, insecure: local-network, domains: lan",
            "insecure: only tcp asks a device of the local network; write mesh",
        ),
        (
            "protocol: doh_cleartext, insecure: mesh, serverName: a.example",
            "serverName: doh_cleartext uses no certificates",
        ),
        ("protocol: doh, serverName: a.example, insecure: mesh", "insecure: doh is encrypted"),
        (
            "protocol: tcp, insecure: yes",
            "insecure: yes is not valid here; valid are mesh, local-network",
        ),
        ("protocol: doh, serverName: a.example, path: '/q{?dns}'", "path: /q{?dns} is a template"),
        ("protocol: doh, serverName: a.example, pins: [abc]", "pins[0]: abc is not a pin"),
        ("protocol: doh, serverName: a.example, server_name: b", "did you mean serverName?"),
    ],
)
def test_what_does_not_fit_the_protocol_is_refused(spec: str, expected: str) -> None:
    assert any(expected in problem for problem in problems_of(spec)), problems_of(spec)
