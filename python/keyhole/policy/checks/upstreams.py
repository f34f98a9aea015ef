"""Upstreams in the clear: only where no stranger can be on the way.

``insecure: mesh`` says that a mesh encrypts the hop. Only a private network can be one: its
addresses lead nowhere in the public network, and others have to be named in the settings.
Also the upstreams that settings name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from keyhole.config.declaration import Documents
from keyhole.errors import Problem
from keyhole.model.address import LINK_LOCAL_NETWORKS, PRIVATE_NETWORKS, Address, Network
from keyhole.model.suggestion import suggest
from keyhole.policy.trust_context import TrustContext


def check_cleartext(documents: Documents, context: TrustContext) -> Iterator[Problem]:
    """Upstreams without encryption whose address is neither private nor listed.

    Where the settings are not known, that is advice.
    """
    allowed = (*PRIVATE_NETWORKS, *LINK_LOCAL_NETWORKS, *(context.mesh_networks or ()))
    for upstream in documents.upstreams:
        if upstream.spec.insecure is None:
            continue
        for index, endpoint in enumerate(upstream.spec.addresses):
            if _is_within(endpoint.ip, allowed):
                continue
            why = (
                f"{endpoint.address} is a public address, and queries would go there unencrypted; "
                "use dot or doh, or name the network of the mesh in mesh.networks of keyhole.yaml"
            )
            problem = upstream.problem(["spec", "addresses", index], why)
            yield problem if context.mesh_networks is not None else replace(problem, is_advice=True)


def advise_on_forwarders(documents: Documents, context: TrustContext) -> Iterator[Problem]:
    """Forwarders in the settings of traces that no document describes: no trace goes on there."""
    known = [upstream.name for upstream in documents.upstreams]
    for index, name in enumerate(context.forwarders):
        if name not in known:
            why = f"there is no Upstream {name}, so it learns of no trace; {suggest(name, known)}"
            place = f"traces.forwarders[{index}]"
            yield Problem("keyhole.yaml", 0, "", place, why, is_advice=True)


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    # An IPv4 address in IPv6 form is asked over IPv4 (RFC 4291 section 2.5.5.2).
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks if network.version == plain.version)
