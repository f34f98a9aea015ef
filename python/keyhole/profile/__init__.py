"""Settings for other programs and systems, so that they use this Keyhole as their resolver."""

from keyhole.profile.client import Client, Profile, ProfileError
from keyhole.profile.kinds import KINDS, TITLES, render

__all__ = ["KINDS", "TITLES", "Client", "Profile", "ProfileError", "render"]
