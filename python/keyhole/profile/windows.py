"""Windows 11: Zero Trust DNS by ``netsh ztdns``, as an administrator runs it."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from keyhole.profile.client import Client, Profile, ProfileError, as_comments

_CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


def windows(client: Client) -> Profile:
    """Commands for an elevated prompt. They start in audit mode, which blocks nothing."""
    target, url = client.doh(), client.doh_url()
    place = target.place
    if any(c in url for c in '"%^&|<>!'):
        raise ProfileError(
            f"{url} cannot be used on a Windows command line; change listen.doh_path"
        )
    root = x509.load_pem_x509_certificates(client.roots_pem)[0]
    thumbprint = root.fingerprint(hashes.SHA1()).hex()  # noqa: S303  (Windows identifies it so)
    notes = [
        "Windows 11 Enterprise or Education, in an elevated command prompt",
        f"copy {client.roots.name} here first; it is the root of this Keyhole",
        "audit=yes blocks nothing and logs what would be: Event Viewer, Microsoft-Windows-ZTDNS",
        "then audit=no; first add exceptions for traffic without DNS (netsh ztdns add exception)",
        "netsh ztdns delete server removes ALL servers",
    ]
    if client.identity is not None:
        notes += [
            f"client certificate: {client.identity.spiffe}; import it with its key into the "
            "machine store (certutil -importpfx keyhole.pfx, made with openssl pkcs12 -export)",
            f"Windows selects it by root and usage: in the Zero Trust DNS profile of your "
            f"device management, root {thumbprint} and usage {_CLIENT_AUTH}; "
            "netsh ztdns show clientcert shows the setting",
        ]
    notes += client.remarks(target)
    server = f'type=doh address={place.address} port={place.port} template="{url}"'
    commands = [
        f'certutil -addstore Root "{client.roots.name}"',
        *_add_server(server, is_secret=client.token is not None),
        "netsh ztdns set state enable=yes audit=yes",
        "netsh ztdns show server",
        "netsh ztdns show state",
    ]
    if client.identity is not None:
        commands.append("netsh ztdns show clientcert")
    text = as_comments("rem", *notes) + "".join(f"{line}\n" for line in commands)
    return Profile(text.replace("\n", "\r\n"), "keyhole.cmd", tuple(notes))


def _add_server(server: str, *, is_secret: bool) -> list[str]:
    """The commands that add the server; a token in its URL is in no command line."""
    if not is_secret:
        return [f"netsh ztdns add server {server}"]
    # echo is part of the shell and no process; netsh reads the command from the file.
    return [
        f">keyhole-netsh.txt echo ztdns add server {server}",
        "netsh -f keyhole-netsh.txt",
        "del keyhole-netsh.txt",
    ]
