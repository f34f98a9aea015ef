"""Waits until every engine has what a command took away."""

import time

from rich.markup import escape

from keyhole.cli.api_client import ApiClient, ApiError
from keyhole.cli.output import errors_console, sanitize
from keyhole.control.data_folder import DataFolder
from keyhole.control.settings import Settings

_RETRY_SECONDS = 0.1
_MARGIN_SECONDS = 2.0
"""Control waits as long for the engines, and then has to answer."""


def deliver(settings: Settings, data: DataFolder) -> dict[str, str]:
    """The engines that do not have it yet, and why. Waits ten seconds at most.

    Where no Keyhole runs, the next start begins with it.
    """
    from keyhole.control.withdrawals import DELIVERY_SECONDS, keep_for_start

    keep_for_start(data)
    last = time.monotonic() + DELIVERY_SECONDS
    while True:
        try:
            with ApiClient(data.path, DELIVERY_SECONDS + _MARGIN_SECONDS) as api:
                found = api.ask("POST", "/engines/delivery").json()["items"]
            return {one["engine"]: one["why"] for one in found if not one["has_it"]}
        except ApiError as error:
            if not data.is_claimed():
                why = "no Keyhole runs here; it gets it when one is started"
                return dict.fromkeys(settings.written.link.engines, why)
            # Control is being started again. An answer means that waiting changes nothing.
            if error.status or time.monotonic() >= last:
                return {"local": f"control did not deliver it: {error}"}
        time.sleep(_RETRY_SECONDS)


def show_missing(missing: dict[str, str]) -> None:
    """Names the engines on standard error."""
    for engine, why in missing.items():
        errors_console().print(
            f"[red]not yet at[/] {escape(sanitize(engine))}: {escape(sanitize(why))}"
        )
