"""The manifests of Keyhole in a cluster, without Helm.

They were rendered from the Helm chart, with marks where a cluster has values of its own. The chart
has more to choose from.
"""

import re
from dataclasses import dataclass
from importlib import resources
from ipaddress import ip_address

from keyhole.mesh.error import MeshError

MODES = ("sidecar", "ambient", "plain")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True)
class Place:
    """What differs between clusters; the defaults are those of the chart."""

    namespace: str = "keyhole"
    image: str = "keyhole:0.1.0"
    control: str = "10.96.0.52"
    resolver: str = "10.96.0.53"
    forwarder: str = "10.96.0.54"
    trust_domain: str = "cluster.local"


MARKS = Place(
    namespace="zz-namespace",
    image="zz-image:zz-tag",
    control="192.0.2.152",
    resolver="192.0.2.153",
    forwarder="192.0.2.154",
    trust_domain="zz.trust-domain",
)
"""The values with which the packaged manifests are rendered."""


def packaged(mode: str) -> str:
    """The manifests of a mode with marks; raises `MeshError` for an unknown mode."""
    if mode not in MODES:
        raise MeshError(f"there is no mode {mode}; give sidecar, ambient or plain")
    return (resources.files("keyhole.mesh") / "manifests" / f"{mode}.yaml").read_text("utf-8")


def render(mode: str, place: Place | None = None) -> str:
    """The manifests of a mode for a cluster; raises `MeshError` where a value cannot be used."""
    place = place or Place()
    _check(place)
    text = packaged(mode)
    for field in Place.__dataclass_fields__:
        text = text.replace(getattr(MARKS, field), getattr(place, field))
    return text


def _check(place: Place) -> None:
    addresses = (place.control, place.resolver, place.forwarder)
    for address in addresses:
        try:
            ip_address(address)
        except ValueError:
            raise MeshError(
                f"{address} is no address; give one of the service network, such as 10.96.0.53"
            ) from None
    if len(set(addresses)) < len(addresses):
        raise MeshError("control, resolver and forwarder need an address each")
    for value, form, what in (
        (place.namespace, _NAME, "name of a namespace, such as keyhole"),
        (place.image, _IMAGE, "image, such as registry.example.org/keyhole:0.1.0"),
        (place.trust_domain, _DOMAIN, "trust domain, such as cluster.local"),
    ):
        if not form.fullmatch(value):
            raise MeshError(f"{value} is no {what}")
