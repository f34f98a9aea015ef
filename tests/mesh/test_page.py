"""The page, through a real Gateway, is for one address."""

import re
import subprocess

import pytest

from tests.world.api import PASSWORD, browser
from tests.world.network import Host
from tests.world.real_mesh import ALLOWED, GATEWAY, OTHER, PAGE, Mesh, needs_mesh
from tests.world.waiting import until

pytestmark = [needs_mesh, pytest.mark.timeout(1800)]


def test_the_page_is_shown_to_the_allowed_address_alone(mesh: Mesh) -> None:
    control, gateway = mesh["keyhole-control-0"], mesh[GATEWAY]
    allowed, other = mesh.network.add("allowed", ALLOWED), mesh.network.add("other", OTHER)

    def status(host: Host) -> int:
        where = ("--noproxy", "*", "--max-time", "20", "--resolve", f"{PAGE}:443:{gateway.address}")
        trust = ("--cacert", str(mesh.authority.root))
        words = ("-sS", "-o", "/dev/null", "-w", "%{http_code}", f"https://{PAGE}/")
        # No status while the gateway has no certificate yet, or nothing behind it.
        done = subprocess.run(
            host.command("curl", *where, *trust, *words),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return int(done.stdout) if done.returncode == 0 else 0

    # It opens once somebody has chosen a password, through `kubectl port-forward`.
    (first,) = re.findall(r"log in as admin with (\S+?)\"", control.output)
    with control.host.inside(), browser("http://127.0.0.1:8081") as one:
        assert one.log_in("admin", first).status_code == 200
        assert one.ask("PUT", "/session/password", json={"new": PASSWORD}).status_code == 200
    until(lambda: status(allowed) == 200, "the page is shown")
    assert status(other) == 403
