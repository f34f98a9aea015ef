"""Upstreams in the clear: only where no stranger can be on the way.

``insecure: mesh`` says that a mesh encrypts the hop. Only a private network can be one: its
addresses lead nowhere in the public network, and others have to be named in the settings.
``insecure: local-network`` says that nothing does; then no setting allows a public address.
No set has both: where the encrypted one is silent, its queries would go out in the clear.
Also policies that have upstreams for domains alone.
Also the upstreams that settings name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from keyhole.config.declaration import Documents
from keyhole.errors import Problem
from keyhole.model.address import LINK_LOCAL_NETWORKS, PRIVATE_NETWORKS, Address, Network
from keyhole.model.domain import domain_names
from keyhole.model.suggestion import suggest
from keyhole.policy.include import applied_policies
from keyhole.policy.trust_context import TrustContext


def check_cleartext(documents: Documents, context: TrustContext) -> Iterator[Problem]:
    """Upstreams without encryption whose address is neither private nor listed.

    Where the settings are not known, that is advice.
    """
    private = (*PRIVATE_NETWORKS, *LINK_LOCAL_NETWORKS)
    for upstream in documents.upstreams:
        if upstream.spec.insecure is None:
            continue
        for index, endpoint in enumerate(upstream.spec.addresses):
            if _is_within(endpoint.ip, private):
                continue
            if upstream.spec.insecure == "local-network":
                why = (
                    f"{endpoint.address} is no address of a local network, and queries would go "
                    "there unencrypted; use dot or doh"
                )
                yield upstream.problem(["spec", "addresses", index], why)
                continue
            if _is_within(endpoint.ip, context.mesh_networks or ()):
                continue
            why = (
                f"{endpoint.address} is a public address, and queries would go there unencrypted; "
                "use dot or doh, or name the network of the mesh in mesh.networks of keyhole.yaml"
            )
            problem = upstream.problem(["spec", "addresses", index], why)
            yield problem if context.mesh_networks is not None else replace(problem, is_advice=True)


def check_mixed_sets(documents: Documents) -> Iterator[Problem]:
    """Upstreams in the clear that a policy would ask for the same domain as encrypted ones."""
    known = {one.name: one for one in documents.upstreams}
    if not any(one.spec.insecure == "local-network" for one in documents.upstreams):
        return
    told: set[tuple[str, str]] = set()
    for flat in applied_policies(documents):
        encrypted: dict[str, str] = {}
        clear: list[tuple[str, str]] = []
        for name in flat.policy.spec.upstreams.names or known:
            upstream = known.get(name)
            for domain in upstream.spec.domains if upstream else ():
                for one in domain_names(domain):
                    if upstream and upstream.spec.insecure == "local-network":
                        clear.append((name, one))
                    else:
                        encrypted.setdefault(one, name)
        for name, domain in clear:
            other = encrypted.get(domain)
            if other is None or (name, other) in told:
                continue
            told.add((name, other))
            why = (
                f"policy {flat.policy.name} would also ask {other} for {domain}, which is not in "
                "the clear; where it does not answer, its queries would go out unencrypted; give "
                "them different domains, or have the policy name one of them in upstreams"
            )
            yield known[name].problem(["spec", "domains"], why)


def check_general_upstreams(documents: Documents, *, is_whole: bool = True) -> Iterator[Problem]:
    """Policies all of whose upstreams are for domains alone: nobody could answer for other names.

    Without ``is_whole`` the documents are a part of a set, and it is only advice.
    """
    known = {one.name: one for one in documents.upstreams}
    for flat in applied_policies(documents):
        named = flat.policy.spec.upstreams.names
        asked = [known.get(name) for name in named or known]
        # One that is missing is a problem of its own.
        if not asked or any(one is None or not one.spec.domains for one in asked):
            continue
        names = sorted({domain for one in asked if one for domain in one.spec.domains})
        what = "the upstreams of this policy are" if named else "all upstreams are"
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        why = (
            f"{what} for their domains alone ({shown}), so no other name would be answered; "
            f"{'name' if named else 'declare'} an Upstream without domains, too"
        )
        place = ["spec", "upstreams", "names"] if named else ["spec"]
        problem = flat.policy.problem(place, why)
        yield problem if is_whole else replace(problem, is_advice=True)


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
