"""The settings in the config maps open what was intended, and no more."""

from ipaddress import ip_address

import pytest

from tests.deploy.rendered import needs_helm, settings_of

pytestmark = needs_helm


def _open(listeners: list[str]) -> list[str]:
    """The listeners that more than the pod itself can reach."""
    return [one for one in listeners if not ip_address(one.rpartition(":")[0]).is_loopback]


@pytest.mark.parametrize("mode", ["sidecar", "ambient"])
@pytest.mark.parametrize("variant", ["proxy", "proxy-page"])
def test_where_the_mesh_names_clients_no_port_lets_them_ask_without_a_name(
    mode: str, variant: str
) -> None:
    listen = settings_of(mode, variant, "resolver")["listen"]
    assert listen["mesh"]
    assert _open([*listen["udp"], *listen["tcp"], *listen["doh"]]) == []
    # In ambient, ztunnel connects from within the pod. A sidecar captures what comes to this port.
    assert _open(listen["mesh"]) == ([] if mode == "ambient" else ["0.0.0.0:5300"])
