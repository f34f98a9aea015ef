"""A Keyhole with Pi-hole's API."""

from tests.world.ports import free_port
from tests.world.resolver import Resolver


class House:
    """A resolver with Pi-hole's API, and tokens for its clients."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        resolver.configure(api={"listen": [f"127.0.0.1:{self.port}"], "pihole": True})
        resolver.start()
        resolver.wait_for_api()
        self._tokens = 0

    def token(self, role: str = "operator") -> tuple[str, str]:
        """Name and secret of a new token."""
        self._tokens += 1
        name = f"panel-{self._tokens}"
        done = self.resolver.api("POST", "/tokens", json={"name": name, "role": role})
        assert done.status_code < 300, done.text
        return name, str(done.json()["secret"])
