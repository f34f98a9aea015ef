"""Finds what breaks DNS in a mesh, in manifests."""

from collections.abc import Iterable

from keyhole.mesh.finding import Finding, Rule
from keyhole.mesh.objects import World
from keyhole.mesh.shapes import must_have_shape
from keyhole.mesh.traps import dns, egress, hops, network, pods, policies

RULES: tuple[Rule, ...] = (
    *dns.RULES,
    *policies.RULES,
    *egress.RULES,
    *hops.RULES,
    *network.RULES,
    *pods.RULES,
)


def check(world: World, rules: Iterable[Rule] = RULES) -> list[Finding]:
    """All traps, in the order of the files; each once. Raises `MeshError` where a manifest cannot
    be read."""
    must_have_shape(world)
    findings = dict.fromkeys(one for rule in rules for one in rule(world))
    return sorted(findings, key=lambda one: (one.file, one.object, one.trap, one.why))
