"""The address of the page on this machine, and a one-time link to it."""

from keyhole.config.sections.api import ApiSection
from keyhole.model.address import Endpoint

ONLY_LOOPBACK = (
    "until somebody has chosen a password, only listeners on loopback are open, and api.listen has "
    "none"
)


def page_url(api: ApiSection, *, is_set_up: bool) -> str | None:
    """The address for a browser on this machine, on loopback if there is one; none if the API does
    not listen. Until it is set up, only its listeners on loopback are open: 0.0.0.0 is none, also
    not on loopback."""
    open_now = [one for one in api.listen if is_set_up or one.ip.is_loopback]
    if not open_now:
        return None
    best = min(open_now, key=lambda one: not one.ip.is_loopback)
    scheme = "https" if api.is_encrypted(best) else "http"
    return f"{scheme}://{_host(api, best)}:{best.port}"


def link_url(page: str, secret: str) -> str:
    """A link that signs in. Browsers send what follows the # to no server, so no log has it."""
    return f"{page}/#link={secret}"


def _host(api: ApiSection, endpoint: Endpoint) -> str:
    if endpoint.ip.is_unspecified:
        return api.hosts[0] if api.hosts else "localhost"
    return f"[{endpoint.ip}]" if endpoint.ip.version == 6 else str(endpoint.ip)
