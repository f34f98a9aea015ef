"""The API of Kubernetes as control uses it: lists, watches, and what is written back.

With ``httpx2`` alone, which is here anyway; docs/decisions/kubernetes-documents.md says why.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from keyhole.mesh.error import MeshError
from keyhole.mesh.kubeconfig import ClusterAccess
from keyhole.mesh.objects import Tree

WATCH_SECONDS = 240
"""How long the server is asked to keep a watch open."""
_SECONDS = 30.0
_SILENT_SECONDS = WATCH_SECONDS + 30.0
_MAX_OCTETS = 64 << 20
_MAX_EVENT = 8 << 20
_MAX_LEVELS = 64
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


_BROKEN = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError)


class GoneError(MeshError):
    """The version to go on from is too old (status 410)."""


class NotThereError(MeshError):
    """There is no such object, or no such kind (status 404)."""


class ForbiddenError(MeshError):
    """Control may not do that there (status 403)."""


class TooLargeError(MeshError):
    """The answer is larger than what is taken at once."""


_KINDS: dict[int, type[MeshError]] = {403: ForbiddenError, 410: GoneError}


class ClusterApi:
    """A connection to the API server; safe to use from several tasks."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        name = access.server_name
        self._extensions: dict[str, Any] = {"sni_hostname": name} if name else {}
        timeout = httpx2.Timeout(_SECONDS, read=_SILENT_SECONDS)
        # No proxy of the environment: it would see the token.
        self._client = httpx2.AsyncClient(
            base_url=access.server,
            verify=access.trust,
            timeout=timeout,
            limits=httpx2.Limits(max_connections=None),
            trust_env=False,
        )

    async def close(self) -> None:
        """Ends all connections."""
        await self._client.aclose()

    async def get(self, path: str, asked: dict[str, str]) -> Tree:
        """An object, or a list of objects."""
        return await self._call("GET", path, asked=asked)

    async def merge(self, path: str, body: Tree) -> None:
        """Changes an object: a merge patch (RFC 7396)."""
        kind = "application/merge-patch+json"
        await self._call("PATCH", path, body=body, kind=kind, asked={"fieldManager": "keyhole"})

    async def create(self, path: str, body: Tree) -> None:
        """Creates an object."""
        await self._call("POST", path, body=body)

    async def watch(self, path: str, asked: dict[str, str]) -> AsyncIterator[Tree]:
        """The events of a watch, until the server ends it."""
        asked = {**asked, "watch": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        async with self._open("GET", path, asked) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise _refused(path, answer.status_code, await _body(answer))
            line = bytearray()
            async for chunk in answer.aiter_bytes():
                line += chunk
                *whole, rest = bytes(line).split(b"\n")
                if len(rest) > _MAX_EVENT:
                    raise MeshError(f"{path}: an event with more than 8 MiB")
                line = bytearray(rest)
                for one in whole:
                    yield _tree(path, one)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        asked: dict[str, str] | None = None,
        body: Tree | None = None,
        kind: str = "application/json",
    ) -> Tree:
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": kind} if body is not None else {}
        async with self._open(method, path, asked or {}, content, headers) as answer:
            octets = await _body(answer)
        if not answer.is_success:
            raise _refused(path, answer.status_code, octets)
        return _tree(path, octets)

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        asked: dict[str, str],
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        # Uncompressed, so that what is counted is what arrives.
        sent = {"accept": "application/json", "accept-encoding": "identity", **(headers or {})}
        if token := self._token():
            sent["authorization"] = f"Bearer {token}"
        try:
            async with self._client.stream(
                method,
                path,
                params=asked,
                content=content,
                headers=sent,
                extensions=self._extensions,
            ) as answer:
                yield answer
        except _BROKEN as error:
            words = str(error) or type(error).__name__
            raise MeshError(f"{self._access.server} cannot be reached: {words}") from error

    def _token(self) -> str | None:
        file = self._access.token_file
        if file is None:
            return self._access.token
        # Each time: kubelet replaces it before it ends.
        try:
            return file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise MeshError(f"the token of the service account cannot be read: {error}") from error


async def _body(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _MAX_OCTETS:
            raise TooLargeError(f"{answer.request.url.path} answers with more than 64 MiB")
    return bytes(body)


def _tree(path: str, octets: bytes) -> Tree:
    try:
        found = _json(octets)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MeshError(f"{path} answers with something that is no object in JSON")
    return found


def _json(octets: bytes) -> object:
    try:
        return json.loads(octets)
    except RecursionError:
        return json.loads(_shallow(octets))


def _shallow(octets: bytes) -> bytes:
    """The same JSON (RFC 8259) with null in the place of what is deeper than `_MAX_LEVELS`: one
    object with ten thousand levels, which a server takes, must not hide all others of a list."""
    kept, level, begin = bytearray(), 0, 0
    for found in _TOKEN.finditer(octets):
        mark = found[0]
        if mark in b"[{":
            level += 1
            if level == _MAX_LEVELS:
                kept += octets[begin : found.start()] + b"null"
        elif mark in b"]}":
            if level == _MAX_LEVELS:
                begin = found.end()
            level -= 1
    return bytes(kept + octets[begin:])


def _refused(path: str, status: int, body: bytes) -> MeshError:
    try:
        said = str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError, RecursionError):
        said = "not in JSON"
    if status == httpx2.codes.NOT_FOUND:
        return NotThereError(f"{path} is not there; deploy/helm/keyhole/definitions.yaml makes it")
    kind = _KINDS.get(status, MeshError)
    return kind(f"{path}: the API server answers with status {status}: {said[:500]}")


def path_of(version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """The address of the objects of a kind, or of one of them."""
    root = "/api/v1" if version == "v1" else f"/apis/{version}"
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{place}/{plural}" + (f"/{name}" if name else "")


ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where kubelet mounts the service account of a pod."""
