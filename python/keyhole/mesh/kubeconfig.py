"""How a kubeconfig says to reach a cluster: address, root, and certificate or token."""

import base64
import binascii
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import yaml

from keyhole.mesh.error import MeshError
from keyhole.mesh.objects import Tree, inner, listed

_PIPE = "print the objects with kubectl get -o yaml and give them to keyhole mesh check -"
_OTHER_CREDENTIALS = {"exec", "auth-provider", "username", "as", "as-uid", "as-groups"}
"""Without ``as``, what it may read would be that of somebody else."""


@dataclass(frozen=True)
class ClusterAccess:
    """The cluster of the current context, and who asks it."""

    context: str
    server: str
    """Its URL, always https."""
    server_name: str | None
    """The name in its certificate, if it is not that in the URL."""
    trust: ssl.SSLContext
    """Its root, and the certificate of the client if it has one."""
    token: str | None
    token_file: Path | None = None
    """The file with the token, where that is read for each request."""


def in_pod(account: Path, host: str, port: str) -> ClusterAccess:
    """The cluster around a pod, with the service account that kubelet mounts at ``account``."""
    root = account / "ca.crt"
    try:
        trust = ssl.create_default_context(cafile=str(root))
    except (OSError, ssl.SSLError) as error:
        raise MeshError(f"{root} cannot be used: {error}") from error
    host = f"[{host}]" if ":" in host else host
    return ClusterAccess(
        "of this pod", f"https://{host}:{port}", None, trust, None, account / "token"
    )


def read_kubeconfig(path: Path) -> ClusterAccess:
    """Reads the current context; raises `MeshError` for what cannot be used safely or at all."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise MeshError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict) or not isinstance(tree.get("current-context"), str):
        raise MeshError(f"{path} names no current-context; choose one: kubectl config use-context")
    name = tree["current-context"]
    context = _named(path, tree, "context", name)
    cluster = _named(path, tree, "cluster", str(context.get("cluster")))
    user = _named(path, tree, "user", str(context.get("user")))
    _check(path, cluster, user)
    trust = _trust(path, cluster)
    _add_certificate(path, user, trust)
    server_name = cluster.get("tls-server-name")
    return ClusterAccess(
        name,
        str(cluster["server"]).rstrip("/"),
        str(server_name) if server_name else None,
        trust,
        _token(path, user),
    )


def _named(path: Path, tree: Tree, what: str, name: str) -> Tree:
    for one in listed(tree, f"{what}s"):
        if one.get("name") == name:
            return inner(one, what)
    raise MeshError(f"{path} has no {what} {name}")


def _check(path: Path, cluster: Tree, user: Tree) -> None:
    server = cluster.get("server")
    if not isinstance(server, str) or not server.startswith("https://"):
        raise MeshError(
            f"{path}: the server {server} is not https, so anybody could be it; {_PIPE}"
        )
    if cluster.get("insecure-skip-tls-verify"):
        raise MeshError(
            f"{path}: insecure-skip-tls-verify lets anybody be the cluster; give its root in "
            "certificate-authority-data"
        )
    if cluster.get("proxy-url"):
        raise MeshError(f"{path}: a proxy (proxy-url) is not supported; {_PIPE}")
    if other := sorted(_OTHER_CREDENTIALS & user.keys()):
        raise MeshError(f"{path}: credentials by {other[0]} are not supported; {_PIPE}")


def _trust(path: Path, cluster: Tree) -> ssl.SSLContext:
    root = _content(path, cluster, "certificate-authority")
    if root is not None and not root.strip():
        raise MeshError(f"{path}: certificate-authority is empty, and any authority would do")
    try:
        return ssl.create_default_context(cadata=root.decode("ascii") if root else None)
    except (ssl.SSLError, ValueError) as error:
        raise MeshError(f"{path}: certificate-authority cannot be used: {error}") from error


def _add_certificate(path: Path, user: Tree, trust: ssl.SSLContext) -> None:
    certificate = _content(path, user, "client-certificate")
    key = _content(path, user, "client-key")
    if not certificate:
        return
    # OpenSSL reads files alone; this one is in memory, so that no copy of the key stays anywhere.
    memory = os.memfd_create("keyhole-client", os.MFD_CLOEXEC)
    try:
        with os.fdopen(memory, "wb", closefd=False) as file:
            file.write(certificate + b"\n" + (key or b""))
        trust.load_cert_chain(f"/proc/self/fd/{memory}", password=b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise MeshError(f"{path}: client-certificate cannot be used: {error}") from error
    finally:
        os.close(memory)


def _token(path: Path, user: Tree) -> str | None:
    if file := user.get("tokenFile"):
        token = _read(path, path.parent / str(file)).decode("ascii", "replace").strip()
    else:
        token = str(user.get("token") or "").strip()
    if not token.isprintable() or not token.isascii():
        raise MeshError(f"{path}: the token of the user is none")
    return token or None


def _content(path: Path, tree: Tree, key: str) -> bytes | None:
    """What stands in ``KEY-data``, or in the file of ``KEY`` beside the kubeconfig."""
    if data := tree.get(f"{key}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except binascii.Error as error:
            raise MeshError(f"{path}: {key}-data is no base64") from error
    if file := tree.get(key):
        return _read(path, path.parent / str(file))
    return None


def _read(path: Path, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise MeshError(f"{path} names a file that cannot be read: {error}") from error
