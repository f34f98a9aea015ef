"""The header of PROXY protocol version 2, as a sidecar sends it."""

import struct
from ipaddress import ip_address

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
# The type of the TLV in which ztunnel and Envoy name the identity of the peer.
SPIFFE = 0xD0
_PROXY, _LOCAL = 0x21, 0x20
_TCP4, _TCP6, _UNSPECIFIED = 0x11, 0x21, 0x00


def tlv(kind: int, value: bytes) -> bytes:
    """One type-length-value (PROXY protocol section 2.2.1)."""
    return struct.pack("!BH", kind, len(value)) + value


def header(
    identity: str | None = None,
    *,
    source: str = "127.0.0.1",
    tlvs: bytes = b"",
    local: bool = False,
) -> bytes:
    """The header for a connection from ``source`` on behalf of ``identity``.

    ``local`` makes it the health check of a proxy, which speaks for itself.
    """
    if local:
        return SIGNATURE + struct.pack("!BBH", _LOCAL, _UNSPECIFIED, 0)
    address = ip_address(source)
    family = _TCP4 if address.version == 4 else _TCP6
    ports = struct.pack("!HH", 40_000, 53)
    said = tlv(SPIFFE, identity.encode()) if identity is not None else b""
    body = address.packed * 2 + ports + said + tlvs
    return SIGNATURE + struct.pack("!BBH", _PROXY, family, len(body)) + body
