"""Clients of Pi-hole's API, each with the headers and bodies that the real client sends."""

import json
from typing import Any

import httpx2

from tests.world.no_tls import NO_TLS


class HomeAssistant:
    """Logs in once, says its seat in ``X-FTL-SID``, and sends JSON as such."""

    HEADER = "X-FTL-SID"

    def __init__(self, url: str, password: str) -> None:
        self.client = httpx2.Client(
            base_url=f"{url}/api", trust_env=False, timeout=30, verify=NO_TLS
        )
        self.password = password
        self.sid = ""

    def log_in(self) -> httpx2.Response:
        """Asks for a seat, and keeps it."""
        answer = self.client.post("/auth", json={"password": self.password})
        self.sid = answer.json()["session"]["sid"] or ""
        return answer

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """One request with the seat."""
        headers = {self.HEADER: self.sid, **request.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **request)

    def get(self, path: str, **params: Any) -> Any:
        """What a request that must succeed says."""
        answer = self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def switch(self, body: dict[str, Any]) -> httpx2.Response:
        """Turns blocking on or off."""
        return self.ask("POST", "/dns/blocking", json=body)

    def close(self) -> None:
        """Hangs up, without giving the seat up."""
        self.client.close()


class Homepage(HomeAssistant):
    """Names JSON even where there is no body, and never gives a seat up."""

    def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """One request with the seat."""
        headers = {"content-type": "application/json", **request.pop("headers", {})}
        return super().ask(method, path, headers=headers, **request)


class Homarr(HomeAssistant):
    """Says its seat in ``sid``, and sends JSON as plain text."""

    HEADER = "sid"

    def log_in(self) -> httpx2.Response:
        """Asks for a seat, and keeps it."""
        body = json.dumps({"password": self.password})
        plain = {"content-type": "text/plain;charset=UTF-8"}
        answer = self.client.post("/auth", content=body, headers=plain)
        self.sid = answer.json()["session"]["sid"] or ""
        return answer

    def push_the_button(self) -> httpx2.Response:
        """Turns blocking off until it is turned on again, which it says by a timer of 0."""
        return self.switch({"blocking": False, "timer": 0})

    def switch(self, body: dict[str, Any]) -> httpx2.Response:
        """Turns blocking on or off."""
        plain = {"content-type": "text/plain;charset=UTF-8"}
        return self.ask("POST", "/dns/blocking", content=json.dumps(body), headers=plain)
