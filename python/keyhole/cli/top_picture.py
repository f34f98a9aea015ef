"""What ``keyhole top`` shows, as one document."""

from typing import Any

from keyhole.cli.api_client import ApiClient

MAX_NAMES = 100


def take_picture(api: ApiClient, window: int) -> dict[str, Any]:
    """The last ``window`` seconds of a running Keyhole. Raises ``ApiError``."""
    graph = api.ask("GET", "/graph", params={"window": str(window)}).json()
    status = api.ask("GET", "/status").json()
    # The clock of that Keyhole counts, which may be another one than that of this machine.
    during = {"since": graph["since"], "until": graph["until"], "most": str(MAX_NAMES)}

    def names(*, withheld: bool) -> list[dict[str, Any]]:
        params = {**during, "withheld": str(withheld).lower()}
        found: list[dict[str, Any]] = api.ask("GET", "/statistics/top/name", params=params).json()[
            "items"
        ]
        return found

    return {
        "window": window,
        "role": status["role"],
        "graph": graph,
        "names": names(withheld=False),
        "withheld_names": names(withheld=True),
        "upstreams": status["upstreams"],
        "parts": status["parts"],
        "load": status["load"],
    }
