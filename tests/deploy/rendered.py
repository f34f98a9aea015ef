"""What helm renders of the chart, for the values that the tests try."""

from functools import cache
from itertools import product
from typing import Any

import pytest
import yaml

from keyhole.mesh.render import MODES
from tools.chart import template
from tools.cluster_tools import cache as cache_folder
from tools.cluster_tools import find_helm, has_schemas

Object = dict[str, Any]

needs_helm = pytest.mark.skipif(
    find_helm() is None, reason=f"helm is not in {cache_folder()}; ./dev test-tools fetches it"
)
needs_schemas = pytest.mark.skipif(
    not has_schemas(), reason=f"no schemas in {cache_folder()}; ./dev test-tools fetches them"
)

_DOT = {"resolver.dot.enabled": "true", "resolver.dot.secret": "keyhole-dot"}
_VARIANTS: dict[str, dict[str, str]] = {
    "as-it-is": {"namespace.create": "true"},
    "all": {
        **_DOT,
        "resolver.autoscaling.enabled": "true",
        "resolver.clientNamespaces": "{shop,bank}",
        "control.database.urlSecret": "keyhole-database",
        "control.database.address": "198.51.100.9",
        "control.database.port": "6432",
        "control.downloads": "true",
        "control.listServers": "{lists.example.org}",
        "metrics.serviceMonitor.enabled": "true",
        "metrics.serviceMonitor.labels.team": "dns",
        "telemetry.tracing": "jaeger",
        "resolver.replicas": "3",
        "nodeSelector.disk": "ssd",
        "image.pullSecrets": "{registry}",
    },
    "without-volume": {"resolver.storage.enabled": "false", "forwarder.replicas": "1"},
}
_IN_A_MESH: dict[str, dict[str, str]] = {
    "page-gateway-api": {"ingress.api": "gateway-api"},
    "page-istio": {"ingress.api": "istio", "ingress.clientSource": "header"},
    "proxy": {"resolver.identity": "proxy"},
    "proxy-page": {"resolver.identity": "proxy", "ingress.api": "gateway-api", **_DOT},
}
_DOCUMENTS: dict[str, dict[str, str]] = {
    "crds": {
        "documents.source": "crds",
        "documents.namespaces": "{shop,bank}",
        "documents.include": "{base}",
    },
    "crds-everywhere": {"documents.source": "crds", "documents.namespaces": "{*}"},
}
_WITH_SIDECARS: dict[str, dict[str, str]] = {
    "one-that-grows": {"resolver.replicas": "1", "resolver.autoscaling.enabled": "true"},
    "proxy-doh": {"resolver.identity": "proxy", "resolver.doh.enabled": "true"},
    "http2": {
        "resolver.identity": "proxy",
        "forwarder.transport": "http2",
        "telemetry.otlp.endpoint": "http://127.0.0.1:4318",
    },
}
_ATTACKS: dict[str, dict[str, str]] = {
    "verify": {
        **_DOT,
        "verify.enabled": "true",
        "verify.blocked": "ads.example.net",
        "verify.caSecret": "keyhole-root",
        "verify.reportTokenSecret": "keyhole-report",
    },
    "verify-alone": {"verify.enabled": "true"},
}
_ALL = {**_VARIANTS, **_IN_A_MESH, **_WITH_SIDECARS, **_DOCUMENTS, **_ATTACKS}
CASES = [
    *product(MODES, _VARIANTS),
    *product(("sidecar", "ambient"), _IN_A_MESH),
    *product(("sidecar",), _WITH_SIDECARS),
]
"""All pairs of a mode and the name of some values, with which control asks no API server."""
WATCHING = [("sidecar", "crds"), ("ambient", "crds"), ("plain", "crds-everywhere")]
"""The same, with which it watches documents."""
VERIFYING = [*((mode, "verify") for mode in MODES), ("plain", "verify-alone")]
"""The same, in which a CronJob attacks."""
each_case = pytest.mark.parametrize(("mode", "variant"), CASES + WATCHING + VERIFYING)


@cache
def text_of(mode: str, variant: str) -> str:
    """What helm renders of one case."""
    return template({"mode": mode, **_ALL[variant]})


@cache
def objects_of(mode: str, variant: str) -> list[Object]:
    """The objects of one case; nobody changes them."""
    # The loader in C takes a tenth of the time.
    return list(yaml.load_all(text_of(mode, variant), yaml.CSafeLoader))


def settings_of(mode: str, variant: str, part: str) -> Object:
    """What keyhole.yaml of a part says, as it is mounted."""
    (found,) = [
        one
        for one in objects_of(mode, variant)
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == f"keyhole-{part}-settings"
    ]
    return dict(yaml.safe_load(found["data"]["keyhole.yaml"]))
