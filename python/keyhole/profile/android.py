"""Android: the setting Private DNS, which is DNS over TLS (Android 9 and newer)."""

from dataclasses import replace

from keyhole.profile.client import Client, Profile, ProfileError

_PORT = 853  # RFC 7858 section 3.1; the setting takes a name and no port


def android(client: Client) -> Profile:
    """The name to enter, and how: Android reads no file."""
    client.must_not_present_certificate("Android")
    client = _at_its_port(client)
    target, name = client.dot(), client.server_name()
    if target.name is None:
        raise ProfileError(
            "Android takes the name of a server and no address, and this Keyhole has no name; "
            "write `tls: {names: [dns.example.org]}` with its name into keyhole.yaml"
        )
    notes = (
        "Android cannot present a client certificate; it can use a token, in the server's name",
        f"{target.name} and every name below it must lead to {target.place.address} in the DNS "
        "that the device has without Keyhole",
        "Android trusts public authorities alone here: set tls.certificate and tls.key to a "
        f"certificate for {target.name} and *.{target.name}",
        "Settings, Network and internet, Private DNS, Private DNS provider hostname",
        *client.remarks(),
    )
    return Profile(f"{name}\n", "keyhole-android.txt", notes)


def _at_its_port(client: Client) -> Client:
    """The client with the listeners at the one port that Android asks.

    Raises `ProfileError` that says how to have one.
    """
    places = client.service.dot
    usable = tuple(one for one in places if one.port == _PORT)
    if usable:
        return replace(client, service=client.service.model_copy(update={"dot": usable}))
    if not places:
        client.dot()  # says that there is none
    ports = ", ".join(sorted({str(one.port) for one in places}))
    raise ProfileError(
        f"Android asks at port {_PORT} alone, and DoT listens on port {ports}. Add "
        f'"{places[0].host}:{_PORT}" to listen.dot in keyhole.yaml, and start keyhole up again; a '
        "port below 1024 needs root, or the capability CAP_NET_BIND_SERVICE. Apps with DoH need "
        "no such port"
    )
