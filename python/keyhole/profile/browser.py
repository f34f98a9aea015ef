"""Browsers: managed policies."""

import json
from base64 import b64encode
from typing import Any

from keyhole.profile.client import Client, Profile


def firefox(client: Client) -> Profile:
    """A ``policies.json``."""
    client.must_not_present_certificate("Firefox")
    policies: dict[str, Any] = {
        "DNSOverHTTPS": {
            "Enabled": True,
            "ProviderURL": client.doh_url(),
            "Locked": True,
            # No query is sent without encryption when Keyhole cannot be reached.
            "Fallback": False,
        },
        "Certificates": {"Install": [str(client.roots)]},
        # Firefox drops private addresses that come by DoH, such as those of local records; Keyhole
        # has checked already whether the name may have one.
        "Preferences": {"network.trr.allow-rfc1918": {"Value": True, "Status": "locked"}},
    }
    notes = (
        "Firefox does not present a client certificate for DNS; it can use a token, in the URL",
        f"it reads {client.roots} when it starts, so that file must be on its machine",
        *client.remarks(client.doh()),
    )
    return Profile(_json({"policies": policies}), "/etc/firefox/policies/policies.json", notes)


def chromium(client: Client) -> Profile:
    """A file of managed policies."""
    client.must_not_present_certificate("Chromium")
    policies = {
        # secure: never without encryption. Chromium gives a server up that asks for a certificate.
        "DnsOverHttpsMode": "secure",
        "DnsOverHttpsTemplates": client.doh_url(asks_nobody=True),
        "CACertificates": [b64encode(root).decode() for root in client.roots_der()],
    }
    notes = (
        "Chromium does not present a client certificate for DNS; it can use a token, in the URL",
        "it trusts the root of this Keyhole by this file: Chromium 128 or newer",
        "Chrome reads the same file in /etc/opt/chrome/policies/managed, Edge in "
        "/etc/opt/edge/policies/managed",
        *client.remarks(),
    )
    return Profile(_json(policies), "/etc/chromium/policies/managed/keyhole.json", notes)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
