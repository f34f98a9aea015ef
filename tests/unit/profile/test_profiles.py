"""The programs themselves accept their profiles; the profiles name their limits."""

import json
import plistlib
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from keyhole.identity import Authority, CertificateSpec
from keyhole.identity.credentials import CredentialFolder
from keyhole.model.service import ClientCertificates, Service, ServiceAddress
from keyhole.profile import KINDS, TITLES, Client, ProfileError, render
from keyhole.profile.client import Identity
from tests.world.tools import needs, run

WEB = "spiffe://keyhole.internal/ns/shop/sa/web"
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
NAMED = Service(
    name="dns.example.org",
    dot=(ServiceAddress(address="192.0.2.1", port=8853),),
    doh=(ServiceAddress(address="192.0.2.1", port=8443),),
)
AT_853 = NAMED.model_copy(update={"dot": (ServiceAddress(address="192.0.2.1", port=853),)})
UNNAMED = NAMED.model_copy(update={"name": None})
V6 = Service(name=None, dot=(ServiceAddress(address="2001:db8::1", port=853),), doh=())
Make = Callable[..., Client]
WITHOUT_CERTIFICATE = ["systemd-resolved", "unbound", "stubby", "firefox", "chromium", "android"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.open(tmp_path / "identity")


@pytest.fixture
def make(authority: Authority) -> Make:
    return lambda service=NAMED, **shown: Client(
        service=service,
        roots=authority.root,
        roots_pem=authority.root.read_bytes(),
        **shown,
    )


@pytest.fixture
def identity(authority: Authority, tmp_path: Path) -> Identity:
    folder = CredentialFolder(tmp_path / "client")
    folder.write(*authority.issue(CertificateSpec.svid(WEB)), authority.root.read_bytes())
    pem = (folder.certificate.read_bytes(), folder.key.read_bytes())
    return Identity(folder.certificate, folder.key, WEB, *pem)


def _service(kind: str) -> Service:
    """One that this kind can use: Android asks at one port alone."""
    return AT_853 if kind == "android" else NAMED


def _text(kind: str, client: Client) -> str:
    return render(kind, client).text


@needs("unbound-checkconf")
@pytest.mark.parametrize("service", [NAMED, UNNAMED, V6])
def test_unbound_takes_its_profile(make: Make, tmp_path: Path, service: Service) -> None:
    file = tmp_path / "unbound.conf"
    file.write_text(_text("unbound", make(service)))
    checked = run("unbound-checkconf", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs("stubby")
@pytest.mark.parametrize("service", [NAMED, UNNAMED, V6])
def test_stubby_takes_its_profile(make: Make, tmp_path: Path, service: Service) -> None:
    file = tmp_path / "stubby.yml"
    file.write_text(_text("stubby", make(service)))
    checked = run("stubby", "-C", str(file), "-i")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert service.dot[0].address in checked.stdout


def test_a_mobileconfig_is_a_property_list_with_the_root_and_the_server(make: Make) -> None:
    whole = plistlib.loads(_text("apple", make(token=TOKEN)).encode())
    kinds = [one["PayloadType"] for one in whole["PayloadContent"]]
    assert kinds == ["com.apple.security.root", "com.apple.dnsSettings.managed"]
    settings = whole["PayloadContent"][1]["DNSSettings"]
    assert settings == {
        "DNSProtocol": "HTTPS",
        "ServerURL": f"https://dns.example.org:8443/dns-query/{TOKEN}",
        "ServerAddresses": ["192.0.2.1"],
    }
    identifiers = [one["PayloadUUID"] for one in (whole, *whole["PayloadContent"])]
    assert len(set(identifiers)) == 3


def test_a_mobileconfig_carries_a_certificate_where_there_is_one(
    make: Make, identity: Identity
) -> None:
    whole = plistlib.loads(_text("apple", make(identity=identity)).encode())
    shown = next(
        one for one in whole["PayloadContent"] if one["PayloadType"] == "com.apple.security.pkcs12"
    )
    dns = whole["PayloadContent"][-1]
    assert dns["PayloadCertificateUUID"] == shown["PayloadUUID"]
    key, leaf, above = pkcs12.load_key_and_certificates(
        shown["PayloadContent"], shown["Password"].encode()
    )
    assert key is not None
    assert leaf is not None
    assert leaf.public_key() == key.public_key()
    assert len(above) == 1


def test_chromium_never_asks_in_the_clear_and_has_the_root(
    make: Make, authority: Authority
) -> None:
    (root,) = x509.load_pem_x509_certificates(authority.root.read_bytes())
    assert json.loads(_text("chromium", make(token=TOKEN))) == {
        "DnsOverHttpsMode": "secure",
        "DnsOverHttpsTemplates": f"https://dns.example.org:8443/dns-query/{TOKEN}",
        "CACertificates": [b64encode(root.public_bytes(Encoding.DER)).decode()],
    }


def test_chrome_and_edge_are_told_where_they_read_the_profile_of_chromium(make: Make) -> None:
    notes = " ".join(render("chromium", make(token=TOKEN)).notes)
    for folder in ("/etc/opt/chrome/policies/managed", "/etc/opt/edge/policies/managed"):
        assert folder in notes


def _served(*settings: ClientCertificates, **names: ClientCertificates) -> Service:
    """A service with one listener of each transport for each of the settings."""
    places = tuple(
        ServiceAddress(address="192.0.2.1", port=8000 + index, client_certificates=setting)
        for index, setting in enumerate(settings)
    )
    spelled = {name.replace("_", "."): setting for name, setting in names.items()}
    return Service(name="dns.example.org", dot=places, doh=places, names=spelled)


def test_each_client_is_pointed_to_where_it_is_asked_as_it_can_answer(
    make: Make, identity: Identity
) -> None:
    service = _served("require", "ask", "never")
    assert make(service).doh().place.port == 8002
    assert make(service, identity=identity).doh().place.port == 8001
    service = _served("require", "ask")
    # One that asks is good enough for all but Chromium.
    assert make(service).dot().place.port == 8001
    assert ":8001/" in _text("firefox", make(service))
    with pytest.raises(ProfileError, match="the setting never in client_certificates"):
        render("chromium", make(service))
    service = _served("ask", tv_dns_example_org="never", bank_dns_example_org="require")
    assert "https://tv.dns.example.org:8000/" in _text("chromium", make(service))
    assert make(service, identity=identity).server_name() == "dns.example.org"
    service = _served("never", bank_dns_example_org="require")
    assert make(service, identity=identity).server_name() == "bank.dns.example.org"


def test_where_every_listener_asks_or_none_does_the_missing_setting_is_named(
    make: Make, identity: Identity
) -> None:
    with pytest.raises(ProfileError, match="the setting ask in client_certificates"):
        render("coredns", make(_served("never"), identity=identity))
    with pytest.raises(ProfileError, match="the setting never in client_certificates"):
        render("unbound", make(_served("require"), token=TOKEN))


def test_firefox_never_asks_in_the_clear(make: Make) -> None:
    policy = json.loads(_text("firefox", make(UNNAMED)))["policies"]["DNSOverHTTPS"]
    assert policy["ProviderURL"] == "https://192.0.2.1:8443/dns-query"
    assert policy["Enabled"]
    assert policy["Fallback"] is False


def test_systemd_resolved_carries_the_token_before_the_name(make: Make) -> None:
    text = _text("systemd-resolved", make(token=TOKEN))
    assert f"\nDNS=192.0.2.1:8853#{TOKEN}.dns.example.org\n" in text
    assert "\nDNSOverTLS=yes\n" in text
    assert "\nDNS=[2001:db8::1]:853#2001:db8::1\n" in _text("systemd-resolved", make(V6))


def test_coredns_shows_the_certificate(make: Make, identity: Identity) -> None:
    client = make(identity=identity)
    text = _text("coredns", client)
    assert f"tls {identity.certificate} {identity.key} {client.roots}\n" in text
    assert "forward . tls://192.0.2.1:8853 {" in text
    assert "tls_servername dns.example.org\n" in text


def test_windows_is_told_the_template_and_how_its_certificate_is_chosen(
    make: Make, identity: Identity
) -> None:
    text = _text("windows", make(identity=identity))
    assert (
        "netsh ztdns add server type=doh address=192.0.2.1 port=8443 "
        'template="https://dns.example.org:8443/dns-query"\r\n'
    ) in text
    assert "1.3.6.1.5.5.7.3.2" in text
    commands = [line for line in text.split("\r\n") if line and not line.startswith("rem ")]
    assert all(line.startswith(("netsh ztdns ", "certutil ")) for line in commands)


@pytest.mark.parametrize("kind", WITHOUT_CERTIFICATE)
def test_a_program_that_cannot_show_a_certificate_says_so(
    make: Make, identity: Identity, kind: str
) -> None:
    with pytest.raises(ProfileError, match=r"cannot present a client certificate.*token create"):
        render(kind, make(identity=identity))
    said = " ".join(render(kind, make(_service(kind), token=TOKEN)).notes)
    assert "can use a token" in said


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_shows_nothing_is_told_what_that_means(make: Make, kind: str) -> None:
    service = _service(kind)
    assert "has no credential" in " ".join(render(kind, make(service)).notes)
    assert "has no credential" not in " ".join(render(kind, make(service, token=TOKEN)).notes)


@pytest.mark.parametrize("kind", ["apple", "firefox", "windows"])
def test_a_client_without_a_certificate_is_told_where_its_listener_asks_for_one(
    make: Make, identity: Identity, kind: str
) -> None:
    """B1: it gets the listener that never asks, if there is one."""
    asks, never = _doh("ask", 8443), _doh("never", 8444)
    alone = NAMED.model_copy(update={"doh": (asks,)})
    both = NAMED.model_copy(update={"doh": (asks, never)})
    assert "asks clients for a certificate" in " ".join(render(kind, make(alone)).notes)
    profile = render(kind, make(both))
    assert "8444/dns-query" in profile.text
    assert "asks clients for a certificate" not in " ".join(profile.notes)
    if kind not in WITHOUT_CERTIFICATE:
        profile = render(kind, make(alone, identity=identity))
        assert "asks clients for a certificate" not in " ".join(profile.notes)


def _doh(asks: ClientCertificates, port: int) -> ServiceAddress:
    return ServiceAddress(address="192.0.2.1", port=port, client_certificates=asks)


@pytest.mark.parametrize("kind", ["systemd-resolved", "unbound", "stubby", "coredns"])
def test_a_token_needs_a_name_to_stand_before(make: Make, kind: str) -> None:
    with pytest.raises(ProfileError, match=r"names: \[dns\.example\.org\]"):
        render(kind, make(UNNAMED, token=TOKEN))


@pytest.mark.parametrize("kind", KINDS)
def test_a_listener_that_is_off_is_told(make: Make, kind: str) -> None:
    with pytest.raises(ProfileError, match=r"listen\.do[th]"):
        render(kind, make(Service(name="dns.example.org", dot=(), doh=())))


def test_a_kind_that_there_is_not_is_told_with_the_nearest(make: Make) -> None:
    with pytest.raises(ProfileError, match="unbound"):
        render("unbond", make())


@pytest.mark.parametrize("kind", ["unbound", "stubby", "coredns"])
def test_a_path_cannot_write_settings(authority: Authority, kind: str) -> None:
    evil = Client(
        service=NAMED,
        roots=Path('/tmp/a"\nforward-addr: 203.0.113.1'),
        roots_pem=authority.root.read_bytes(),
    )
    with pytest.raises(ProfileError, match="cannot be written"):
        render(kind, evil)


def test_android_is_given_the_name_to_enter_at_the_port_that_it_asks(make: Make) -> None:
    assert _text("android", make(AT_853, token=TOKEN)) == f"{TOKEN}.dns.example.org\n"
    both = AT_853.model_copy(update={"dot": (*NAMED.dot, *AT_853.dot)})
    assert _text("android", make(both, token=TOKEN)) == f"{TOKEN}.dns.example.org\n"
    wanted = r'asks at port 853 alone, .* on port 8853\. Add "192\.0\.2\.1:853" to listen\.dot'
    with pytest.raises(ProfileError, match=wanted):
        render("android", make(token=TOKEN))
    with pytest.raises(ProfileError, match="and no address"):
        render("android", make(AT_853.model_copy(update={"name": None})))


def test_each_kind_has_a_title() -> None:
    assert TITLES.keys() == KINDS.keys()
