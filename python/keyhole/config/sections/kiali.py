"""The section ``kiali`` of ``keyhole.yaml``: series for an extension of Kiali."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from keyhole.model.field_types import FLAG, Section
from keyhole.model.namespace import NAMESPACE

_CLUSTER = re.compile(r"[A-Za-z0-9](?:[-._A-Za-z0-9]{0,251}[A-Za-z0-9])?")


class KialiSection(Section):
    """Who asks whom, for the graph of Kiali: series on the metrics page of control. They name
    workloads by their service account, tokens and upstreams, and no address and no query."""

    enabled: Annotated[bool, FLAG] = Field(False, description="Whether the series are served.")
    cluster: str = Field(
        "Kubernetes",
        description="The name of the cluster, as Istio and Kiali have it.",
    )
    namespace: Annotated[str, NAMESPACE] = Field(
        "keyhole",
        description="The namespace in which engines, upstreams, and clients without a namespace of "
        "their own are drawn.",
    )

    @field_validator("cluster")
    @classmethod
    def _is_cluster(cls, value: str) -> str:
        if not _CLUSTER.fullmatch(value):
            raise ValueError(
                f"{value!r} is no name of a cluster; give 1 to 253 letters, digits, dots, hyphens "
                "and underscores, such as Kubernetes"
            )
        return value
