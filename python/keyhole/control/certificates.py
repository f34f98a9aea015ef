"""The certificates of one Keyhole: its own or given ones, checked before installation."""

from pathlib import Path

from keyhole.control.data_folder import DataFolder
from keyhole.control.parts import CLIENT_TLS, SERVER_TLS, Parts
from keyhole.control.settings import Settings
from keyhole.engine.launch import Identity
from keyhole.identity import (
    CertificateAndKey,
    IdentityError,
    ensure_server_certificate,
    read_certificate_and_key,
)

SERVER = "server"
"""The engine's name for the certificate of its listeners."""


class Certificates:
    """The certificate of the listeners, and the client certificates for upstreams."""

    def __init__(self, settings: Settings, data: DataFolder, parts: Parts | None = None) -> None:
        """What cannot be used is recorded in ``parts``."""
        self._parts = parts or Parts(lambda notice: None)
        self._settings = settings
        self._data = data
        self._installed: dict[str, bytes] = {}

    def files(self, clients: dict[str, Identity]) -> frozenset[Path]:
        """The files to watch."""
        identities = [self._given(), *clients.values()]
        return frozenset(
            path for one in identities if one is not None for path in (one.certificate, one.key)
        )

    def read(self, clients: dict[str, Identity]) -> dict[str, CertificateAndKey]:
        """Reads and checks all certificates, issuing or renewing our own; by engine name.

        Raises ``IdentityError`` for the first certificate that cannot be used.
        """
        shown = {name: _read_client(one) for name, one in clients.items()}
        return {SERVER: self._server(), **shown}

    def usable(
        self, clients: dict[str, Identity], before: dict[str, Identity] | None = None
    ) -> dict[str, CertificateAndKey]:
        """As `read`, but a certificate that cannot be used is left out and recorded.

        With ``before``, the client certificates in force before a change, raises ``IdentityError``
        for one that the change brings; one that was there is no reason to refuse the change.
        """
        usable: dict[str, CertificateAndKey] = {}
        errors: dict[str, IdentityError] = {}
        try:
            usable[SERVER] = self._server()
        except IdentityError as error:
            errors[SERVER] = error
        for name, one in clients.items():
            try:
                usable[name] = _read_client(one)
            except IdentityError as error:
                if before is not None and before.get(name) != one:
                    raise
                errors[name] = error
        self._record(errors)
        return usable

    def own(self) -> dict[str, CertificateAndKey]:
        """The certificate of the listeners, where it is one of our own authority and can be used;
        it needs no file that somebody named."""
        if self._given() is not None:
            return {}
        try:
            return {SERVER: self._server()}
        except IdentityError as error:
            self._parts.set(SERVER_TLS, f"{error}; the listeners go on with what they have")
            return {}

    def _record(self, errors: dict[str, IdentityError]) -> None:
        server = errors.get(SERVER)
        why = f"{server}; the listeners go on with what they have" if server else None
        self._parts.set(SERVER_TLS, why)
        others = "\n".join(str(error) for name, error in errors.items() if name != SERVER)
        self._parts.set(CLIENT_TLS, others or None)

    def places(self, clients: dict[str, Identity]) -> dict[str, Identity]:
        """The files of all certificates, usable or not; by engine name."""
        folder = self._data.identity
        own = Identity(folder / "server.pem", folder / "server-key.pem")
        return {SERVER: self._given() or own, **clients}

    def _server(self) -> CertificateAndKey:
        given = self._given()
        if given is not None:
            return read_certificate_and_key(given.certificate, given.key)
        resolved = self._settings.resolved
        return ensure_server_certificate(
            self._data.identity,
            resolved.tls.names,
            resolved.tls.addresses,
            domain=resolved.trust_domain,
        )

    def changed(self, pairs: dict[str, CertificateAndKey]) -> dict[str, CertificateAndKey]:
        """The certificates that are new or changed since the last installation."""
        return {
            name: pair
            for name, pair in pairs.items()
            if self._installed.get(name) != pair.leaf.tbs_certificate_bytes
        }

    def remember(self, pairs: dict[str, CertificateAndKey]) -> None:
        """Records the certificates that the engine has."""
        for name, pair in pairs.items():
            self._installed[name] = pair.leaf.tbs_certificate_bytes

    def _given(self) -> Identity | None:
        return self._settings.server_identity


def _read_client(one: Identity) -> CertificateAndKey:
    return read_certificate_and_key(one.certificate, one.key, names_needed=False)
