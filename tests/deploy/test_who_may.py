"""Who may talk to whom, computed from what the chart renders, is what was intended."""

from dataclasses import replace
from typing import NamedTuple

import pytest

from tests.deploy.rendered import VERIFYING, Object, needs_helm, objects_of
from tests.world.policies import Rules, Workload, part

pytestmark = needs_helm

NETSHOOT = Workload("client", "netshoot")
OTHER_ACCOUNT = Workload("client", "other")
STRANGER = Workload("shop", "web")
OUTSIDE = Workload("client", "netshoot", in_mesh=False)
PROMETHEUS = Workload("istio-system", "prometheus", in_mesh=False)
CONTROL, RESOLVER, FORWARDER, TEST = (
    part(name) for name in ("control", "resolver", "forwarder", "test")
)
SOURCES = {
    "netshoot": NETSHOOT,
    "other account": OTHER_ACCOUNT,
    "stranger": STRANGER,
    "outside": OUTSIDE,
    "prometheus": PROMETHEUS,
    "control": CONTROL,
    "resolver": RESOLVER,
    "forwarder": FORWARDER,
    "test": TEST,
}


class Intent(NamedTuple):
    """A port of a part, and who may reach it in a mesh and without one."""

    target: Workload
    port: int
    mesh: set[str]
    plain: set[str]


DNS = {"netshoot", "test"}
# Without a mesh, only the namespace of a client is known.
DNS_PLAIN = {"netshoot", "other account", "outside", "test"}
INTENDED = {
    "ask the resolver": Intent(RESOLVER, 5300, DNS, DNS_PLAIN),
    "ask the forwarder": Intent(FORWARDER, 5300, {"control", "resolver"}, set()),
    "ask the forwarder over TLS": Intent(FORWARDER, 8853, set(), {"control", "resolver"}),
    "join": Intent(CONTROL, 8444, {"resolver"}, {"resolver", "forwarder"}),
    "fetch snapshots": Intent(CONTROL, 8445, {"resolver"}, {"resolver"}),
    "open the page": Intent(CONTROL, 8080, set(), set()),
    "an open port of the pod": Intent(RESOLVER, 9999, set(), set()),
}


@pytest.mark.parametrize("mode", ["sidecar", "ambient", "plain"])
@pytest.mark.parametrize("what", INTENDED)
def test_only_whom_the_chart_means_gets_through(mode: str, what: str) -> None:
    intent = INTENDED[what]
    rules = Rules(objects_of(mode, "as-it-is"), mode)
    reached = {
        name
        for name, source in SOURCES.items()
        if source is not intent.target and rules.may_reach(source, intent.target, intent.port)
    }
    assert reached == (intent.plain if mode == "plain" else intent.mesh)


@pytest.mark.parametrize(("mode", "variant"), VERIFYING)
def test_who_attacks_reaches_what_it_attacks_and_nothing_else(mode: str, variant: str) -> None:
    rules, verify = Rules(objects_of(mode, variant), mode), part("verify")
    reached = {
        (target.account, port)
        for target in (CONTROL, RESOLVER, FORWARDER, TEST)
        for port in (5300, 8053, 8080, 8444, 8445, 8853, 9153, 9154)
        if rules.may_reach(verify, target, port)
    }
    page, dot = ("keyhole-control", 8080), ("keyhole-resolver", 8853)
    attacked = set() if variant == "verify-alone" else {page, dot}
    assert reached == {("keyhole-resolver", 5300), *attacked}
    assert not rules.may_leave(verify, "9.9.9.9", 443)
    assert not any(rules.may_reach(one, verify, 8080) for one in SOURCES.values())
    # Nobody else gets further than before.
    for what, intent in INTENDED.items():
        for name, source in SOURCES.items():
            if source is not intent.target and rules.may_reach(source, intent.target, intent.port):
                assert name in (intent.plain if mode == "plain" else intent.mesh), what


def test_behind_a_sidecar_it_gets_through_to_the_page_with_its_report_alone() -> None:
    def operations(variant: str) -> list[Object]:
        return [
            to["operation"]
            for one in objects_of("sidecar", variant)
            if (one["kind"], one["metadata"]["name"]) == ("AuthorizationPolicy", "keyhole-verify")
            for rule in one["spec"]["rules"]
            for to in rule["to"]
        ]

    (report,) = operations("verify")
    assert report == {"ports": ["8080"], "methods": ["POST"], "paths": ["/api/v1/proof/reports"]}
    assert operations("as-it-is") == []


@pytest.mark.parametrize("mode", ["sidecar", "ambient", "plain"])
@pytest.mark.parametrize("target", [CONTROL, RESOLVER, FORWARDER], ids=lambda one: one.account)
def test_metrics_are_for_the_namespace_of_prometheus_with_a_sidecar_or_without(
    mode: str, target: Workload
) -> None:
    rules = Rules(objects_of(mode, "as-it-is"), mode)
    for port in (9153,) if target is RESOLVER else (9153, 9154):
        assert rules.may_reach(PROMETHEUS, target, port)
        assert rules.may_reach(replace(PROMETHEUS, in_mesh=True), target, port)
        for one in (NETSHOOT, STRANGER):
            assert not rules.may_reach(one, target, port)
            assert not rules.may_reach(replace(one, in_mesh=False), target, port)


@pytest.mark.parametrize("mode", ["sidecar", "ambient", "plain"])
def test_only_the_forwarder_leaves_and_only_to_its_upstreams(mode: str) -> None:
    rules = Rules(objects_of(mode, "as-it-is"), mode)
    leaving = {
        (name, address)
        for name in ("control", "resolver", "forwarder", "test")
        for address in ("9.9.9.9", "1.1.1.1", "198.51.100.7", "169.254.169.254")
        if rules.may_leave(SOURCES[name], address, 443)
    }
    assert leaving == {("forwarder", "9.9.9.9"), ("forwarder", "1.1.1.1")}
    assert not rules.may_leave(FORWARDER, "9.9.9.9", 53)


@pytest.mark.parametrize("mode", ["sidecar", "ambient", "plain"])
def test_control_alone_reaches_the_database_and_only_at_its_address_and_port(mode: str) -> None:
    rules = Rules(objects_of(mode, "all"), mode)
    reached = {
        (name, address, port)
        for name in ("control", "resolver", "forwarder", "test")
        for address in ("198.51.100.9", "198.51.100.10", "10.0.0.9")
        for port in (6432, 5432)
        if rules.may_leave(SOURCES[name], address, port)
    }
    assert reached == {("control", "198.51.100.9", 6432)}
    without = Rules(objects_of(mode, "as-it-is"), mode)
    assert not without.may_leave(CONTROL, "198.51.100.9", 6432)


@pytest.mark.parametrize("mode", ["sidecar", "ambient"])
def test_dns_over_tls_is_outside_of_the_mesh_for_who_has_no_sidecar(mode: str) -> None:
    without = Rules(objects_of(mode, "as-it-is"), mode)
    rules = Rules(objects_of(mode, "all"), mode)
    core_dns = Workload("kube-system", "coredns", in_mesh=False)
    assert rules.may_reach(core_dns, RESOLVER, 8853)
    assert not rules.may_reach(core_dns, RESOLVER, 5300)
    assert not without.may_reach(core_dns, RESOLVER, 8853)


def test_dns_over_http_is_for_those_who_may_ask() -> None:
    rules = Rules(objects_of("sidecar", "proxy-doh"), "sidecar")
    reached = {name for name, one in SOURCES.items() if rules.may_reach(one, RESOLVER, 8053)}
    assert reached - {"resolver"} == {"netshoot"}
    without = Rules(objects_of("sidecar", "proxy"), "sidecar")
    assert not without.may_reach(NETSHOOT, RESOLVER, 8053)


def test_the_forwarder_is_asked_over_http_by_resolvers_and_control_alone() -> None:
    rules = Rules(objects_of("sidecar", "http2"), "sidecar")
    for port in (8053, 5300, 5301):
        reached = {name for name, one in SOURCES.items() if rules.may_reach(one, FORWARDER, port)}
        assert reached - {"forwarder"} == ({"control", "resolver"} if port == 8053 else set())


@pytest.mark.parametrize("mode", ["sidecar", "ambient"])
def test_every_account_of_a_namespace_may_ask_if_it_is_named(mode: str) -> None:
    rules = Rules(objects_of(mode, "all"), mode)
    assert rules.may_reach(STRANGER, RESOLVER, 5300)
    assert not rules.may_reach(OTHER_ACCOUNT, RESOLVER, 5300)


@pytest.mark.parametrize("mode", ["sidecar", "ambient"])
def test_the_page_is_for_its_gateway_alone(mode: str) -> None:
    labels = {"gateway.networking.k8s.io/gateway-name": "keyhole-page"}
    gateway = Workload("keyhole", "keyhole-page-istio", labels)
    rules = Rules(objects_of(mode, "page-gateway-api"), mode)
    assert rules.may_reach(gateway, CONTROL, 8080)
    assert not rules.may_reach(gateway, RESOLVER, 5300)
    assert not rules.may_reach(NETSHOOT, CONTROL, 8080)


@pytest.mark.parametrize("mode", ["sidecar", "ambient"])
def test_policies_for_dns_have_no_field_of_layer_7(mode: str) -> None:
    for one in objects_of(mode, "all"):
        if one["kind"] == "AuthorizationPolicy" and one["metadata"]["name"] != "keyhole-page":
            for rule in one["spec"].get("rules", ()):
                assert rule.keys() <= {"from", "to"}
                assert all(o["operation"].keys() == {"ports"} for o in rule.get("to", ()))


@pytest.mark.parametrize("mode", ["sidecar", "ambient"])
@pytest.mark.parametrize("variant", ["page-gateway-api", "page-istio"])
def test_the_page_is_open_to_the_allowed_addresses_alone(mode: str, variant: str) -> None:
    (policy,) = [
        one
        for one in objects_of(mode, variant)
        if one["kind"] == "AuthorizationPolicy" and one["metadata"]["name"] == "keyhole-page"
    ]
    (rule,) = policy["spec"]["rules"]
    if variant == "page-istio":
        assert policy["metadata"]["namespace"] == "istio-system"
        assert policy["spec"]["action"] == "DENY"
        assert rule["from"][0]["source"] == {"notRemoteIpBlocks": ["192.0.2.1/32"]}
        assert "keyhole.example.org" in rule["to"][0]["operation"]["hosts"]
    else:
        assert policy["spec"]["action"] == "ALLOW"
        assert rule["from"][0]["source"] == {"ipBlocks": ["192.0.2.1/32"]}
