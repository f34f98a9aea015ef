"""The kinds of profile, by the name of the program."""

from collections.abc import Callable

from keyhole.model.suggestion import suggest
from keyhole.profile import android, apple, browser, resolver, windows
from keyhole.profile.client import Client, Profile, ProfileError

KINDS: dict[str, Callable[[Client], Profile]] = {
    "systemd-resolved": resolver.systemd_resolved,
    "unbound": resolver.unbound,
    "stubby": resolver.stubby,
    "coredns": resolver.coredns,
    "windows": windows.windows,
    "apple": apple.apple,
    "android": android.android,
    "firefox": browser.firefox,
    "chromium": browser.chromium,
}

TITLES = {
    "apple": "iPhone, iPad or Mac",
    "android": "Android 9 or newer",
    "windows": "Windows 11",
    "firefox": "Firefox",
    "chromium": "Chromium or Chrome",
    "systemd-resolved": "Linux with systemd-resolved",
    "stubby": "Linux with stubby",
    "unbound": "unbound",
    "coredns": "CoreDNS",
}
"""What each kind is for, in the order in which people are shown them."""


def render(kind: str, client: Client) -> Profile:
    """The profile; raises :class:`ProfileError` for an unknown kind, and for a client that the
    program does not support."""
    renderer = KINDS.get(kind)
    if renderer is None:
        raise ProfileError(f"there is no profile {kind}; {suggest(kind, list(KINDS))}")
    return renderer(client)
