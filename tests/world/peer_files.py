"""Whole settings files of other products, and files of them with odd values in them."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.world.imports import Rows, home, legacy_teleporter, teleporter, zipped

FOLDER = Path(__file__).parent / "peer_settings"

_TOML, _APP = "pihole.toml", "dnsApp.config"
PRODUCTS = {
    "adguard": "AdGuardHome.yaml",
    "blocky": "config.yml",
    "pihole": _TOML,
    "technitium": _APP,
}
"""The file with every key of each product."""

ODD: tuple[Any, ...] = (
    None, True, "", " ", "*.x.lan", "*", ".", "..", "a" * 300, "ü.example", "\u202e", "a b", "-1",
    "1e999", 10**60, -5, 2.5, [], {}, [[]], [None], [{}], {"": ""}, {"a": {"b": ["c"]}}, [1, "x"],
    "[::1", "1.2.3.4/99", "fe80::1%eth0", "https://", "https://[x]/", "tls://@:99999", "sdns://AA",
    "||^", "@@", "/(/", "/" + "(a|b)" * 40 + "/", "$", "0.0.0.0", "\n", "a\nb", "%", "#", "!", "=",
    "true,,,", ",", "x,", "address=/*.x.lan/192.0.2.1", "host-record=", "cname=a,a", "99999999999h",
    "23:59", "mon", "xn--", "xn--a", "localhost", "home.arpa", "1.0.0.127.in-addr.arpa",
    "internal", "\ufffd",
)  # fmt: skip
"""Values that no product writes, or that mean nothing where they stand."""


def whole(product: str) -> dict[str, Any]:
    """The values of a product's whole file, read by another reader than the importer's."""
    text = (FOLDER / PRODUCTS[product]).read_text()
    if product == "pihole":
        return tomllib.loads(text)
    value = json.loads(text) if product == "technitium" else yaml.safe_load(text)
    assert isinstance(value, dict)
    return value


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in it, lists and mappings too."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from paths(one, (*path, index))


def put(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:
    """A copy of the value with another value at the path."""
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], odd)
    return copy


def odd_keys(value: Any, odd: Any) -> Any:
    """A copy of the value in which each mapping also has odd keys, with the values it has."""
    if isinstance(value, list):
        return [odd_keys(one, odd) for one in value]
    if not isinstance(value, dict) or not value:
        return value
    copy = {key: odd_keys(one, odd) for key, one in value.items()}
    return copy | {odd: next(iter(copy.values()))}


def write_file(folder: Path, product: str, value: Any, tables: Rows | None = None) -> Path:
    """The values as a file that the importer of the product reads."""
    if product == "pihole":
        return teleporter(folder / "teleporter.zip", tables or home(), _toml(value))
    if product == "technitium":
        app = f"apps/Advanced Blocking/{_APP}"
        return zipped(folder / "backup.zip", {app: json.dumps(value).encode()})
    file = folder / PRODUCTS[product]
    file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return file


def old_pihole(path: Path) -> Path:
    """A teleporter archive of Pi-hole 5 with every key of its settings."""
    files = {name: (FOLDER / name).read_text() for name in ("setupVars.conf", "pihole-FTL.conf")}
    files["custom.list"] = "192.0.2.7 nas.example\nnonsense\n"
    files["dnsmasq.d/05-pihole-custom-cname.conf"] = "cname=www.example,nas.example\n"
    files["dnsmasq.d/04-pihole-static-dhcp.conf"] = "dhcp-host=02:00:5E:00:53:01,192.0.2.31,phone\n"
    return legacy_teleporter(path, home(), files)


def _toml(value: dict[str, Any]) -> str:
    """The values in TOML, whose inline tables and arrays hold anything but null."""
    return "\n".join(f"{json.dumps(key)} = {_inline(one)}" for key, one in value.items())


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inside = (f"{json.dumps(key)} = {_inline(one)}" for key, one in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_inline(one) for one in value) + "]"
    if value is None:
        return '""'
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
