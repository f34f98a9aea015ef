"""``/settings``: what runs from ``keyhole.yaml``, to read."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from keyhole.api.dependencies import RunningServices
from keyhole.api.principal import Viewer
from keyhole.config import Config

router = APIRouter(prefix="/settings", tags=["status"])

# Only these are shown. A new key is shown when it is named here; none of them is a secret.
_SHOWN = (
    "role",
    "listen",
    "clients",
    "authentication",
    "mesh",
    "api.listen",
    "api.hosts",
    "api.clients",
    "api.trusted_proxies",
    "api.pihole",
    "api.tls.use",
    "api.session",
    "api.oidc.issuer",
    "api.oidc.client_id",
    "api.oidc.scopes",
    "api.oidc.groups_claim",
    "api.oidc.roles",
    "log",
    "dnstap",
)


class Setting(BaseModel):
    """A setting as it runs now."""

    name: str = Field(description="Its keys in keyhole.yaml, such as api.clients.")
    value: str | None = Field(
        description="The value as JSON, with sizes and times as text as in the file; null if it "
        "has none."
    )
    is_default: bool = Field(description="Whether this is the value of a file without the key.")
    description: str = Field(description="What it is for.")


class RunningSettings(BaseModel):
    """The settings of this Keyhole."""

    file: str = Field(description="The file that they are from; it is read at the start.")
    items: list[Setting] = Field(description="The settings, in the order of the default file.")


@router.get("")
def get_settings(services: RunningServices, _: Viewer) -> RunningSettings:
    """Returns the settings for network, login, log and privacy as they run now, without secrets."""
    settings = services.settings
    return RunningSettings(file=str(settings.file), items=list(shown_settings(settings.written)))


def shown_settings(config: Config) -> Iterator[Setting]:
    """The settings that the API shows."""
    values, usual = config.model_dump(mode="json"), Config().model_dump(mode="json")
    yield from _of(Config, values, usual, "")


def _of(
    model: type[BaseModel], values: dict[str, Any], usual: dict[str, Any], before: str
) -> Iterator[Setting]:
    for key, field in model.model_fields.items():
        name = f"{before}{key}"
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _of(kind, values[key], usual[key], f"{name}.")
        elif any(name == one or name.startswith(f"{one}.") for one in _SHOWN):
            yield Setting(
                name=name,
                value=_written(values[key]),
                is_default=values[key] == usual[key],
                description=field.description or "",
            )


def _written(value: Any) -> str | None:
    # Always JSON, texts too: a text may begin with [, as the address [::1]:6000 does.
    return None if value is None else json.dumps(value)
