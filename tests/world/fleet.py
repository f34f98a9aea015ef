"""A control plane, and the engine of another machine that it controls over mutual TLS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.world.ports import free_port
from tests.world.process import call_keyhole
from tests.world.resolver import Resolver

BERLIN = "spiffe://keyhole.internal/ns/engines/sa/berlin"


class Fleet:
    """``control`` decides; ``engine_host`` only answers. Both begin when ``start`` is called."""

    def __init__(self, make: Callable[[], Resolver]) -> None:
        self.control, self.engine_host = make(), make()
        self.port = free_port()
        self.link = {"listen": [f"127.0.0.1:{self.port}"], "engines": ["engines/berlin"]}

    def start(self, **settings: Any) -> "Fleet":
        """Starts both, and waits until the engine host decides as it was told."""
        self.control.configure(link=self.link, **settings)
        self.control.start()
        self.enroll("engines/berlin")
        self.lead()
        self.engine_host.start_refusing()
        self.settle()
        return self

    def enroll(self, name: str) -> Path:
        """Issues an identity for the engine host."""
        folder = self.engine_host.folder / "engine"
        done = call_keyhole(
            *("identity", "issue", name, "--out", str(folder), "--data", str(self.control.folder))
        )
        assert done.returncode == 0, done.stderr
        return folder

    def lead(self) -> None:
        """Makes the engine host use this control plane from its next start on."""
        led = {"url": f"https://127.0.0.1:{self.port}", "identity": "engine"}
        self.engine_host.configure(control=led)

    def settle(self) -> None:
        """Waits until what control decides by is in force at the engine host, too."""
        self.control.settle()
        name = "probe.example.org"
        wanted = self.control.server.ask(name).addresses

        def asked() -> bool:
            reply = self.engine_host.try_ask(name)
            return reply is not None and reply.addresses == wanted

        self.engine_host.wait_for(asked, f"the engine host decides like control (probe {wanted})")

    def state(self) -> dict[str, Any]:
        """How the engine host fares, by control."""
        items = self.control.api("GET", "/engines").json()["items"]
        (found,) = [one for one in items if one["name"] == BERLIN]
        assert isinstance(found, dict)
        return found

    def wait_for_state(self, state: str) -> dict[str, Any]:
        """Waits until control says so."""
        self.control.wait_for(lambda: self.state()["state"] == state, f"the engine is {state}")
        return self.state()
