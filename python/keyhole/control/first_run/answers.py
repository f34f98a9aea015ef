"""The answers of ``keyhole setup``, and the settings and documents that they make."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from keyhole.config import Config, default_config_text, read_config_text
from keyhole.control.error import ControlError, InvalidError
from keyhole.control.first_run.upstreams import Choice
from keyhole.errors import DocumentErrors
from keyhole.lists.catalog import catalog
from keyhole.model.suggestion import suggest
from keyhole.policy.default import LISTS_FILE, POLICY_FILE, UPSTREAMS_FILE, default_documents

DNS_PORT = 53
"""With it, DoT and DoH have their well-known ports, too (RFC 7858, RFC 8484)."""
NO_LIST = "none"
_UPSTREAMS_LINE = "  upstreams: [quad9, cloudflare]\n"
_LOOPBACK = ("127.0.0.0/8", "::1/128")
_POLICY = "default"


@dataclass(frozen=True)
class Answers:
    """What a person has chosen; each is valid by itself."""

    listen: tuple[str, ...]
    """Addresses of this machine."""
    port: int
    """Of DNS over UDP and TCP."""
    serve: tuple[str, ...]
    """Networks besides this machine."""
    upstreams: tuple[Choice, ...]
    lists: tuple[str, ...]
    """Names in the catalog."""
    name: str | None = None
    """The name of this Keyhole in its certificate."""

    @property
    def config(self) -> Config:
        """The settings. Raises ``DocumentErrors``."""
        dot, doh = (853, 443) if self.port == DNS_PORT else (8853, 8443)
        ports = {"udp": self.port, "tcp": self.port, "dot": dot, "doh": doh}
        listen = {key: [_endpoint(one, port) for one in self.listen] for key, port in ports.items()}
        written: dict[str, object] = {"listen": listen, "clients": [*_LOOPBACK, *self.serve]}
        if not all(ip_address(one).is_loopback for one in self.listen):
            # Clients at home have no credentials: their network admits them.
            written["authentication"] = dict.fromkeys(ports, "permissive")
        if self.name is not None:
            written["tls"] = {"names": [self.name]}
        config, problems = read_config_text(json.dumps(written), "keyhole.yaml")
        if config is None:
            raise DocumentErrors(problems)
        return config

    @property
    def files(self) -> dict[str, str]:
        """All files by their path in the folder of the settings."""
        documents = default_documents()
        names = ", ".join(one.name for one in self.upstreams)
        documents[POLICY_FILE] = documents[POLICY_FILE].replace(
            _UPSTREAMS_LINE, f"  upstreams: [{names}]\n"
        )
        documents[UPSTREAMS_FILE] = "---\n".join(one.document for one in self.upstreams)
        lists = [f"{catalog()[one].document}  policies: [{_POLICY}]\n" for one in self.lists]
        if lists:
            documents[LISTS_FILE] = "---\n".join(lists)
        else:
            del documents[LISTS_FILE]
        texts = {f"documents/{name}": text for name, text in documents.items()}
        return {**texts, "keyhole.yaml": default_config_text(self.config)}


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def read_address(text: str) -> str:
    """An address to listen on. Raises `InvalidError`."""
    try:
        return str(ip_address(text.strip().strip("[]")))
    except ValueError:
        raise InvalidError(
            f"{text[:80] or 'nothing'} is no address: give one of this machine such as "
            "192.168.1.2, or 0.0.0.0 for all; the port is --port"
        ) from None


def read_served(text: str) -> str:
    """A network to serve. Raises `InvalidError`."""
    try:
        return str(ip_network(text.strip()))
    except ValueError as error:
        raise InvalidError(
            f"{text[:80] or 'nothing'} is no network: give one such as 192.168.1.0/24 ({error})"
        ) from None


def read_lists(names: Sequence[str]) -> tuple[str, ...]:
    """Names of lists in the catalog; ``none`` alone for no list. Raises `InvalidError`."""
    known = catalog()
    if list(names) == [NO_LIST]:
        return ()
    for name in names:
        if name not in known:
            raise InvalidError(
                f"{name[:80] or 'nothing'} is no list of keyhole lists catalog; "
                f"{suggest(name, list(known))}, or none"
            )
    return tuple(dict.fromkeys(names))


def check_reachable(answers: Answers) -> None:
    """Raises `ControlError` for answers that contradict one another."""
    is_here = all(ip_address(one).is_loopback for one in answers.listen)
    others = [one for one in answers.serve if not ip_network(one).is_loopback]
    if is_here and others:
        raise ControlError(
            f"{', '.join(others)} cannot reach {', '.join(answers.listen)}: listen on an address "
            "of this machine in that network, or serve this machine alone"
        )
    names = [one.name for one in answers.upstreams]
    if len(set(names)) < len(names):
        raise ControlError(f"an upstream is given twice: {', '.join(names)}")
