"""``keyhole identity``, ``token``, ``enroll`` and ``profile``: output for people and programs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from keyhole.__main__ import main
from keyhole.identity import read_trust

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"


class Home:
    """A data folder without a running Keyhole; commands run in this process."""

    def __init__(
        self,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        folder.mkdir()
        monkeypatch.setenv("KEYHOLE_DATA", str(folder))
        monkeypatch.setenv("NO_COLOR", "1")

    def run(self, *arguments: str, code: int = 0) -> str:
        """Runs a command that must end with ``code``; returns both outputs."""
        self._monkeypatch.setattr("sys.argv", ["keyhole", *arguments])
        try:
            ended: object = main()
        except SystemExit as end:
            ended = end.code or 0
        output = self._capsys.readouterr()
        assert ended == code, output.out + output.err
        return output.out + output.err

    def ask(self, *arguments: str) -> Any:
        """Runs a command with ``--json``; returns the document."""
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Home:
    return Home(tmp_path / "data", monkeypatch, capsys)


def test_a_workload_gets_its_certificate_with_one_command(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "web"
    output = home.run("identity", "issue", "shop/web", "--out", str(out))
    assert WEB in output
    for name in ("svid.pem", "svid-key.pem", "bundle.pem"):
        assert str(out / name) in output
        assert (out / name).is_file()
    [one] = home.ask("identity", "list")
    assert (one["name"], one["spiffe"], one["state"]) == ("shop/web", WEB, "good")


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["shop/web/more"], 1, "not a name here"),
        (["web", "--spiffe", "web"], 1, "not a SPIFFE ID"),
        (["web", "--spiffe", "spiffe://elsewhere.org/web"], 1, "another trust domain"),
        (["web", "--life", "1m"], 1, "5 minutes to 90 days"),
        (["web", "--life", "long"], 2, "not a time"),
        (["web", "--data", "/nowhere/at/all"], 1, "does not exist"),
    ],
)
def test_an_invalid_request_is_explained(
    home: Home, tmp_path: Path, arguments: list[str], code: int, why: str
) -> None:
    output = home.run("identity", "issue", *arguments, "--out", str(tmp_path / "out"), code=code)
    assert why in output
    assert not (tmp_path / "out").exists()


def test_reading_creates_no_authority(home: Home) -> None:
    assert "no authority" in home.run("identity", "show", code=1)
    assert home.run("identity", "list") == "no certificates\n"
    assert not (home.folder / "identity").exists()


def test_the_trust_domain_comes_from_the_settings(home: Home, tmp_path: Path) -> None:
    (home.folder / "keyhole.yaml").write_text("identity: {trust_domain: example.org}\n")
    output = home.run("identity", "issue", "shop/web", "--out", str(tmp_path / "web"))
    assert "spiffe://example.org/ns/shop/sa/web" in output
    assert home.ask("identity", "show")["trust_domain"] == "example.org"
    (home.folder / "keyhole.yaml").write_text("identity: {trust_domain: example.net}\n")
    assert "set identity.trust_domain" in home.run("identity", "show", code=1)


def test_an_identity_is_revoked_by_its_name_and_unrevoked(home: Home, tmp_path: Path) -> None:
    home.run("identity", "issue", "shop/web", "--out", str(tmp_path / "web"))
    assert f"revoked {WEB}" in home.run("identity", "revoke", "shop/web")
    assert read_trust(home.folder / "identity").revoked_identities == (WEB,)
    assert [one["state"] for one in home.ask("identity", "list")] == ["revoked"]
    assert "nothing changed" in home.run("identity", "revoke", WEB, code=1)
    again = ["identity", "issue", "shop/web", "--out", str(tmp_path / "again")]
    assert "--undo" in home.run(*again, code=1)
    assert f"no longer revoked {WEB}" in home.run("identity", "revoke", "--undo", WEB)
    home.run(*again)


def test_certificates_are_revoked_and_the_identity_stays_valid(home: Home, tmp_path: Path) -> None:
    for name in ("first", "second"):
        home.run("identity", "issue", "shop/web", "--out", str(tmp_path / name))
    result = home.ask("identity", "revoke", "shop/web", "--certificates")
    assert result["changed"] == 2
    assert read_trust(home.folder / "identity").revoked_identities == ()
    home.run("identity", "issue", "shop/web", "--out", str(tmp_path / "third"))
    states = [one["state"] for one in home.ask("identity", "list")]
    assert states == ["revoked", "revoked", "good"]


def test_one_certificate_is_revoked_by_its_serial_number(home: Home, tmp_path: Path) -> None:
    issued = home.ask("identity", "issue", "shop/web", "--out", str(tmp_path / "web"))
    serial = issued["serial"].upper()
    home.run("identity", "revoke", "--serial", serial)
    trust = read_trust(home.folder / "identity")
    assert trust.revoked_certificates == (("keyhole.internal", issued["serial"]),)


def test_an_unknown_name_is_reported(home: Home) -> None:
    assert "no certificate was issued" in home.run("identity", "revoke", "nobody", code=1)
    home.run("identity", "revoke", code=2)
    home.run("identity", "revoke", "a", "--serial", "1", code=2)


def test_a_token_is_shown_once_with_url_and_name(home: Home) -> None:
    (home.folder / "keyhole.yaml").write_text(
        "listen: {dot: ['127.0.0.1:853'], doh: ['127.0.0.1:443']}\n"
        "tls: {names: [dns.example.org]}\n"
    )
    token_document = home.ask("token", "create", "tv")
    token = token_document["token"]
    assert re.fullmatch("[a-z2-7]{32}", token)
    assert token_document["doh"] == f"https://dns.example.org/dns-query/{token}"
    assert token_document["dot"] == f"{token}.dns.example.org port 853"
    assert token not in home.run("token", "list")
    assert "tv" in home.run("token", "list")
    assert "replace it" in home.run("token", "create", "tv", code=1)
    home.run("token", "create", "tv", "--replace")
    home.run("token", "revoke", "tv")
    assert home.run("token", "list") == "no tokens\n"


def test_without_a_server_name_the_output_says_that_dot_needs_one(home: Home) -> None:
    assert "tls: {names:" in home.run("token", "create", "tv")


def test_a_profile_accepts_only_the_token_itself(home: Home) -> None:
    token = home.ask("token", "create", "tv")["token"]

    def with_token(text: str, *more: str, code: int) -> str:
        (home.folder / "token").write_text(f"{text}\n")
        words = ("--token-file", str(home.folder / "token"), *more)
        return home.run("profile", "chromium", *words, code=code)

    result = json.loads(with_token(token, "--json", code=0))
    assert token in json.loads(result["text"])["DnsOverHttpsTemplates"]
    assert "is not kept" in with_token("tv", code=1)
    assert "32 characters" in with_token("x", code=1)
    assert "does not exist here" in with_token("a" * 32, code=1)
    with_token(token, "--identity", "x", code=2)


def test_no_command_takes_a_secret_in_its_command_line(home: Home, tmp_path: Path) -> None:
    """A15: other users of the machine can read it; the message does not repeat it either."""
    token = home.ask("token", "create", "tv")["token"]
    for words in (
        ("profile", "chromium", "--token-file", token),
        ("dig", "example.org", "--https", "--token-file", token),
        ("enroll", "redeem", token, "--out", str(tmp_path / "out")),
    ):
        output = " ".join(home.run(*words, code=1).split())
        assert "never the secret itself" in output
        assert token not in output
    for command in (("profile", "chromium"), ("dig", "a.example")):
        home.run(*command, "--token", token, code=2)


def test_what_windows_runs_has_the_token_in_no_command_line(home: Home) -> None:
    """A15: netsh reads the command with the token from a file."""
    (home.folder / "token").write_text(home.ask("token", "create", "tv")["token"])
    text = home.run("profile", "windows", "--token-file", str(home.folder / "token"))
    with_token = [line for line in text.splitlines() if (home.folder / "token").read_text() in line]
    assert with_token
    assert all(line.startswith(">keyhole-netsh.txt echo ") for line in with_token)


def test_a_profile_with_a_certificate_names_its_files(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "web"
    home.run("identity", "issue", "shop/web", "--out", str(out))
    output = home.run("profile", "coredns", "--identity", str(out), "--address", "192.0.2.1")
    assert f"tls {out}/svid.pem {out}/svid-key.pem" in output
    assert "tls://192.0.2.1:8853" in output
    assert "cannot present a client certificate" in home.run(
        "profile", "unbound", "--identity", str(out), code=1
    )


def test_an_enrollment_is_created_listed_and_canceled(home: Home) -> None:
    (home.folder / "keyhole.yaml").write_text("enrollment: {listen: ['127.0.0.1:8444']}\n")
    output = home.run("enroll", "create", "shop/web", "--valid-for", "2h")
    assert re.search(r"^keyhole enroll redeem --out /etc/keyhole$", output, re.MULTILINE)
    assert re.search(r"^khe1\.\S+$", output, re.MULTILINE), "the token has a line of its own"
    [one] = home.ask("enroll", "list")
    assert (one["name"], one["spiffe"], one["state"]) == ("shop/web", WEB, "waiting")
    assert "sha256" not in one
    home.run("enroll", "cancel", "shop/web")
    assert home.ask("enroll", "list") == []
    assert "is waiting" in home.run("enroll", "cancel", "shop/web", code=1)


def test_an_invalid_enrollment_token_is_reported(home: Home, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    words = (str(tmp_path / "token"), "--out", str(tmp_path / "out"))
    output = home.run("enroll", "redeem", *words, code=1)
    assert "keyhole enroll create prints one" in output
    assert not (tmp_path / "out").exists()


def test_a_root_is_replaced_in_three_steps(home: Home, tmp_path: Path) -> None:
    home.run("identity", "issue", "shop/web", "--out", str(tmp_path / "web"))
    assert "begin with" in home.run("identity", "rotate", "--sign", code=1)
    assert home.ask("identity", "rotate")["phase"] == "prepared"
    assert home.ask("identity", "rotate", "--sign")["phase"] == "switched"
    assert WEB in home.run("identity", "rotate", "--finish", code=1)
    home.run("identity", "issue", "shop/web", "--out", str(tmp_path / "web"))
    assert home.ask("identity", "rotate", "--finish")["phase"] == "none"
    home.run("identity", "rotate", "--sign", "--finish", code=2)


@pytest.mark.parametrize(
    "command",
    [
        ["identity"],
        *(["identity", one] for one in ("show", "issue", "list", "revoke", "rotate")),
        *(["token", one] for one in ("create", "list", "revoke")),
        *(["enroll", one] for one in ("create", "list", "cancel", "redeem", "keep")),
        ["profile"],
    ],
)
def test_each_command_has_help(home: Home, command: list[str]) -> None:
    assert "Usage:" in home.run(*command, "--help")
