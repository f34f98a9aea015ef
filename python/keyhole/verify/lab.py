"""The lab as a target: its authority, its API, and upstreams that lie."""

import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from keyhole.identity import CertificateSpec
from keyhole.identity.ca_files import ISSUER, ISSUER_KEY, read_ecdsa_key
from keyhole.identity.certificate_and_key import read_certificates
from keyhole.identity.sign import Signer
from keyhole.system import durable
from keyhole.system.no_tls import trusting_nobody
from keyhole.system.unix_socket import short_path
from keyhole.verify.endpoint import Endpoint, ask
from keyhole.verify.error import VerifyError
from keyhole.verify.forged import Forger
from keyhole.verify.lab_documents import OUTSIDER, PROBE, UPSTREAM_NAME, Document, documents
from keyhole.verify.liar import Liar, server_context
from keyhole.verify.question import question
from keyhole.verify.target import Target

RESOLVER = "spiffe://keyhole.lab/ns/keyhole/sa/resolver"
WEB = "spiffe://keyhole.lab/ns/shop/sa/web"
_IN_FORCE_SECONDS = 30.0
_LIFE, _AGO = timedelta(minutes=40), timedelta(minutes=50)

Changed = Callable[[list[Document]], list[Document]]


class Lab:
    """A running lab, with the documents of the checks in force."""

    def __init__(self, ready: dict[str, Any], folder: Path) -> None:
        self.ready = ready
        self.data = Path(ready["data"])
        self.ca = Path(ready["ca"])
        self.folder = folder
        self.liars: dict[str, Liar] = {}
        identity = self.data / "identity"
        issuer = read_certificates(identity / ISSUER)[0]
        self.signer = Signer(issuer, read_ecdsa_key(identity / ISSUER_KEY, issuer))
        self.forger = Forger(folder / "clients", RESOLVER, self.signer)
        self.identity = cache(self.forger.of)
        """A right certificate for a SPIFFE ID."""

    def asked_as(self, spiffe: str, transport: str = "dot") -> Endpoint:
        """A listener of the resolver, asked as this identity."""
        return self.resolver(transport).shows(self.identity(spiffe))

    def resolver(self, transport: str) -> Endpoint:
        """A listener of the resolver, asked without credentials."""
        there = self.ready["dns"][transport]
        return _endpoint(transport, there, "resolver.example.net", self.ca)

    def forwarder(self, transport: str) -> Endpoint:
        """A listener of the forwarder, asked without credentials."""
        there = self.ready["forwarder"][transport]
        return _endpoint(transport, there, "forwarder.example.net", self.ca)

    @contextmanager
    def api(self) -> Iterator[httpx2.Client]:
        """A client of the API on its local socket, as administrator."""
        with short_path(self.data / "resolver" / "run" / "api.sock") as path:
            transport = httpx2.HTTPTransport(uds=path, verify=trusting_nobody())
            with httpx2.Client(
                transport=transport,
                base_url="http://localhost/api/v1",
                headers={"x-keyhole-request": "verify"},
                timeout=30,
            ) as client:
                yield client

    @contextmanager
    def prepared(self, change: Changed = list) -> Iterator[None]:
        """Starts the liars and puts the documents in force, until the block ends. ``change`` may
        alter the documents, to see which line turns red."""
        with ExitStack() as ending:
            for word, context in self._liar_contexts().items():
                self.liars[word] = liar = Liar(context)
                ending.callback(liar.close)
            with socket.create_server(("127.0.0.1", 0)) as gone:
                ports = {"gone": int(gone.getsockname()[1])}
            ports |= {word: liar.port for word, liar in self.liars.items()}
            probe = f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
            wanted = change(documents(ports, self.ca, probe))
            # A name that nobody has: a file of the user's is not overwritten.
            folder = self.data / "resolver" / "documents"
            file = folder / f"verify-{secrets.token_hex(4)}.yaml"
            text = "\n---\n".join(json.dumps(one, indent=1) for one in wanted)
            ending.callback(durable.remove, file)
            durable.write_text(file, text + "\n")
            self._wait_until_in_force(probe)
            yield

    def ports(self) -> set[int]:
        """The ports of all parts of the lab, and of the upstreams that lie."""
        values = [self.ready["api"], *self.ready["dns"].values(), *self.ready["metrics"].values()]
        values += [*self.ready["forwarder"].values(), *self.ready["internet"].values()]
        return {port for one in values if (port := _port(one))} | {
            liar.port for liar in self.liars.values()
        }

    def _wait_until_in_force(self, address: str) -> None:
        end = time.monotonic() + _IN_FORCE_SECONDS
        while (said := ask(self.resolver("tcp"), question(PROBE))).records != [address]:
            if time.monotonic() > end:
                raise VerifyError(
                    f"the lab did not take the documents of the checks within "
                    f"{_IN_FORCE_SECONDS:g} s ({PROBE}: {said.rcode}); keyhole check says why: "
                    f"{self.data / 'resolver' / 'documents'}"
                )
            time.sleep(0.1)

    def _liar_contexts(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        other = Signer.root("A stranger's root", now).issuer(None, now)
        right = CertificateSpec((UPSTREAM_NAME,), ("127.0.0.1",), _LIFE)
        wrong = CertificateSpec(("other.verify.example",), (), _LIFE)
        return {
            "liar": self._server(self.signer, right, now),
            "stranger": self._server(other, right, now),
            "other-name": self._server(self.signer, wrong, now),
            "expired": self._server(self.signer, right, now - _AGO),
            "cleartext": None,
        }

    def _server(self, signer: Signer, spec: CertificateSpec, now: datetime) -> Any:
        pair = Forger(self.folder / "servers", WEB, signer).by_trusted(spec, now)
        return server_context(pair.chain, pair.key)

    def target(self) -> Target:
        """Resolver and forwarder of the lab, asked as its workloads."""
        web = self.identity(WEB)
        return Target(
            title="the lab",
            open=[
                self.resolver("udp"),
                self.resolver("tcp"),
                self.resolver("dot").shows(web),
                self.resolver("doh").shows(web),
            ],
            strict=[self.forwarder("dot"), self.forwarder("doh")],
            outside=replace(self.resolver("udp"), source=OUTSIDER),
            known="www.example.org",
            blocked=self.ready["blocked_example"],
            alias="cloaked.example.net",
            good=self.identity(RESOLVER),
            api=self.ready["api"],
            metrics=list(self.ready["metrics"].values()),
            lab=self,
        )


def _port(there: str) -> int | None:
    return urlsplit(there if "://" in there else f"//{there}").port


def _endpoint(transport: str, there: str, name: str, ca: Path) -> Endpoint:
    parts = urlsplit(there if "://" in there else f"//{there}")
    assert parts.hostname
    assert parts.port
    return Endpoint(transport, parts.hostname, parts.port, name, ca, parts.path or "/dns-query")
