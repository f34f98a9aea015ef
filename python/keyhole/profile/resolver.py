"""Local resolvers that forward to Keyhole: systemd-resolved, unbound, stubby, CoreDNS."""

import json
from ipaddress import ip_address

from keyhole.profile.client import Client, Profile, ProfileError, as_comments


def systemd_resolved(client: Client) -> Profile:
    """A drop-in for ``resolved.conf``."""
    client.must_not_present_certificate("systemd-resolved")
    place = client.dot().place
    notes = [
        "systemd-resolved cannot present a client certificate; it can use a token, in the "
        "server's name",
        f"it trusts only the system's authorities: copy {client.roots} to "
        "/usr/local/share/ca-certificates/keyhole.crt and run update-ca-certificates",
        *client.remarks(),
    ]
    file = "/etc/systemd/resolved.conf.d/keyhole.conf"
    body = (
        "[Resolve]\n"
        f"DNS={place.host}:{place.port}#{client.server_name()}\n"
        "# No other server is used, and no query is sent without encryption.\n"
        "FallbackDNS=\n"
        "DNSOverTLS=yes\n"
        "Domains=~.\n"
    )
    return _file(file, notes, body, "then: systemctl restart systemd-resolved")


def unbound(client: Client) -> Profile:
    """A part of ``unbound.conf``."""
    client.must_not_present_certificate("unbound")
    place = client.dot().place
    notes = [
        "unbound cannot present a client certificate to its upstream; it can use a "
        "token, in the server's name",
        *client.remarks(),
    ]
    local = "    do-not-query-localhost: no\n" if ip_address(place.address).is_loopback else ""
    body = (
        "server:\n"
        f"    tls-cert-bundle: {_quoted(client)}\n"
        f"{local}"
        "forward-zone:\n"
        '    name: "."\n'
        "    forward-tls-upstream: yes\n"
        "    forward-first: no\n"
        f"    forward-addr: {place.address}@{place.port}#{client.server_name()}\n"
    )
    return _file("/etc/unbound/unbound.conf.d/keyhole.conf", notes, body, "then: unbound-checkconf")


def stubby(client: Client) -> Profile:
    """A complete ``stubby.yml``."""
    client.must_not_present_certificate("stubby")
    place = client.dot().place
    notes = [
        "stubby cannot present a client certificate; it can use a token, in the server's name",
        *client.remarks(),
    ]
    body = (
        "resolution_type: GETDNS_RESOLUTION_STUB\n"
        "dns_transport_list:\n"
        "  - GETDNS_TRANSPORT_TLS\n"
        "tls_authentication: GETDNS_AUTHENTICATION_REQUIRED\n"
        f"tls_ca_file: {_quoted(client)}\n"
        "tls_query_padding_blocksize: 128\n"
        "idle_timeout: 10000\n"
        "listen_addresses:\n"
        "  - 127.0.0.1@53\n"
        "upstream_recursive_servers:\n"
        f"  - address_data: {place.address}\n"
        f"    tls_port: {place.port}\n"
        f'    tls_auth_name: "{client.server_name()}"\n'
    )
    return _file("/etc/stubby/stubby.yml", notes, body, "then: stubby -i, and restart it")


def coredns(client: Client) -> Profile:
    """A server block of a Corefile."""
    place = client.dot().place
    roots = _plain(str(client.roots))
    notes = list(client.remarks())
    files = roots
    if client.identity is not None:
        certificate, key = str(client.identity.certificate), str(client.identity.key)
        files = f"{_plain(certificate)} {_plain(key)} {roots}"
        notes += [
            f"CoreDNS presents {client.identity.spiffe}; it reads the certificate only when it "
            "starts: let keyhole enroll keep restart it after each renewal, and choose a long "
            "life with keyhole enroll create --life 30d",
        ]
    body = (
        ". {\n"
        f"    forward . tls://{place.host}:{place.port} {{\n"
        f"        tls {files}\n"
        f"        tls_servername {client.server_name()}\n"
        "        health_check 5s\n"
        "    }\n"
        "}\n"
    )
    return _file("Corefile", notes, body, "zones such as cluster.local stay as they are")


def _file(file: str, notes: list[str], body: str, last: str) -> Profile:
    return Profile(as_comments("#", file, *notes, last) + body, file, (*notes, last))


def _quoted(client: Client) -> str:
    """A path in double quotes, as unbound and YAML read them."""
    path = str(client.roots)
    if '"' in path or "\\" in path or not path.isprintable():
        raise ProfileError(f"the path {path!r} cannot be written in this file; move the folder")
    return json.dumps(path, ensure_ascii=False)


def _plain(path: str) -> str:
    if any(c.isspace() or c in "\"'{}#" for c in path):
        raise ProfileError(f"the path {path!r} cannot be written in a Corefile; move the folder")
    return path
