"""A Keyhole at any address as the target: what is known of it comes from the command line."""

from dataclasses import dataclass, field
from pathlib import Path

from keyhole.model.address import is_address
from keyhole.verify.endpoint import Certificate, Endpoint
from keyhole.verify.error import VerifyError
from keyhole.verify.target import Target

_PORTS = {"udp": 5300, "tcp": 5300, "dot": 8853, "doh": 8443}


@dataclass(frozen=True)
class Server:
    """The words of the command line; a port that is ``None`` is left out, and without any port all
    listeners have those of Keyhole. ``tcp`` is open to this machine because of where it is; what
    else needs an identity with ``strict`` does not include it."""

    host: str
    dns: int | None = None
    dot: int | None = None
    doh: int | None = None
    name: str | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    token: str | None = None
    strict: bool = False
    known: str = "example.org"
    blocked: str | None = None
    alias: str | None = None
    tunnel: str | None = None
    api: str | None = None
    closed_api: str | None = None
    metrics: list[str] = field(default_factory=list)
    tcp: int | None = None

    def target(self) -> Target:
        """Where and as whom it is asked. Raises `VerifyError` where the words do not fit."""
        if self.key is not None and self.cert is None:
            raise VerifyError("--key without --cert; give the certificate that belongs to the key")
        if self.api is not None and self.closed_api is not None:
            raise VerifyError(
                "--api and --closed-api: its API answers this machine or it does not; give one"
            )
        listeners = self._listeners()
        server_name = self.name or self.host
        has_dot = any(one.transport == "dot" for one in listeners)
        if self.token is not None and has_dot and is_address(server_name):
            raise VerifyError(
                f"over DoT a token stands before the name of the server, and {server_name} is an "
                "address; give the name with --name, or --doh alone"
            )
        for file in (self.ca, self.cert, self.key):
            if file is not None and not file.is_file():
                raise VerifyError(f"there is no file {file}")
        good = Certificate(self.cert, self.key or self.cert) if self.cert else None
        has_credentials = good is not None or self.token is not None
        secret = [one for one in listeners if one.encrypted]
        clear = [one for one in listeners if not one.encrypted]
        known = [one.shows(good, self.token) for one in secret]
        udp = [one for one in clear if one.transport == "udp"]
        by_place = [one for one in clear if self.tcp is not None and one.transport == "tcp"]
        return Target(
            title=self.host,
            # Where nobody is answered without an identity, nothing in the clear is, except to who
            # is let in because of where it is.
            open=[*by_place, *(known if has_credentials else [])]
            if self.strict
            else [*clear, *known],
            strict=secret if self.strict else [],
            outside=udp[0] if self.strict and udp else None,
            known=self.known,
            blocked=self.blocked,
            alias=self.alias,
            tunnel=self.tunnel,
            good=good,
            api=self.api.rstrip("/") if self.api else None,
            closed_api=self.closed_api.rstrip("/") if self.closed_api else None,
            api_ca=self.ca,
            metrics=self.metrics,
        )

    def _listeners(self) -> list[Endpoint]:
        tcp = self.tcp if self.tcp is not None else self.dns
        given = {"udp": self.dns, "tcp": tcp, "dot": self.dot, "doh": self.doh}
        ports = given if any(given.values()) else _PORTS
        return [
            Endpoint(transport, self.host, port, self.name, self.ca)
            for transport, port in ports.items()
            if port is not None
        ]
