"""An OIDC identity provider: discovery, authorize, token and keys over real HTTP.

A test sets the person that logs in there, and the errors of the next ID tokens.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

CLIENT = "keyhole"
SECRET = "a secret: of & the client"

Key = RSAKey | ECKey | OctKey


@dataclass
class Grant:
    """The request behind an authorization code."""

    redirect_uri: str
    nonce: str
    challenge: str


class Provider:
    """A running provider; change its fields between requests."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.rotate()
        self.reset()
        provider = self

        class Requests(_Requests):
            """Belongs to this provider."""

            world = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Provider":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def issuer(self) -> str:
        """Its issuer identifier."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def key(self) -> Key:
        """The key that signs now."""
        wanted = "EC" if self.algorithm.startswith("ES") else "RSA"
        return next(key for key in self.keys if key.key_type == wanted)

    def reset(self) -> None:
        """Removes the changes of the previous test."""
        self.claims: dict[str, Any] = {
            "sub": "248289761001",
            "preferred_username": "anna",
            "groups": ["staff", "dns-admins"],
        }
        self.algorithm = "RS256"
        # Replaces claims of the token; None removes a claim.
        self.spoil_claims: dict[str, Any] = {}
        # Makes the ID token in place of the provider.
        self.make_token: Callable[[dict[str, Any]], Any] | None = None
        # Replaces fields of the discovery document.
        self.metadata: dict[str, Any] = {}
        self.grants: dict[str, Grant] = {}
        self.asked: list[str] = []
        self.keys = self.keys[:2]

    def rotate(self) -> None:
        """Replaces the keys with new ones."""
        number = secrets.token_hex(4)
        self.keys = [
            RSAKey.generate_key(2048, {"kid": f"rsa-{number}"}),
            ECKey.generate_key("P-256", {"kid": f"ec-{number}"}),
        ]

    def log_in(self, url: str) -> str:
        """The URL to which the browser is redirected after the login."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        grant = Grant(asked["redirect_uri"], asked["nonce"], asked["code_challenge"])
        self.grants[code] = grant
        back = {"code": code, "state": asked["state"]}
        if self.metadata.get("authorization_response_iss_parameter_supported"):
            back["iss"] = self.issuer
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The response to an authorization code, or none when it is refused."""
        basic = base64.b64encode(b"keyhole:a+secret%3A+of+%26+the+client").decode()
        grant = self.grants.pop(form.get("code", ""), None)
        if authorization != f"Basic {basic}" or grant is None:
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != grant.challenge or form["redirect_uri"] != grant.redirect_uri:
            return None
        return {"access_token": "x", "token_type": "Bearer", "id_token": self._token(grant)}

    def _token(self, grant: Grant) -> str:
        now = int(time.time())
        own = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.nonce,
        }
        claims = {**own, **self.claims, **self.spoil_claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.make_token is not None:
            return str(self.make_token(claims))
        return self.sign(claims, self.key)

    def sign(self, claims: dict[str, Any], key: Key, **header: Any) -> str:
        """A token with these claims."""
        said = {"alg": self.algorithm, "kid": key.kid, **header}
        return jwt.encode(said, claims, key, algorithms=[str(said["alg"])])

    def public_keys(self) -> Any:
        """The public keys (JWKS)."""
        return KeySet(list(self.keys)).as_dict(private=False)

    def discovery(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            **self.metadata,
        }


class _Requests(BaseHTTPRequestHandler):
    world: Provider

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.world.asked.append(path)
        if path == "/authorize":
            self.send_response(303)
            self.send_header("location", self.world.log_in(self.path))
            self.send_header("content-length", "0")
            self.end_headers()
            return
        pages = {
            "/.well-known/openid-configuration": self.world.discovery,
            "/keys": self.world.public_keys,
        }
        page = pages.get(path)
        self._answer(200 if page else 404, page() if page else {})

    def do_POST(self) -> None:
        self.world.asked.append(self.path)
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        answer = self.world.redeem(form, self.headers.get("authorization", ""))
        self._answer(200 if answer else 400, answer or {"error": "invalid_grant"})

    def _answer(self, status: int, document: Any) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""
