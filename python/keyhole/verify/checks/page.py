"""Administration: what the page tells a browser to refuse, cookies, and what leaks without one."""

import secrets
from http.cookies import SimpleCookie

import httpx2

from keyhole.verify.check import Check, Seen, Threat, check
from keyhole.verify.checks.administration import OWASP, api_client, plain_client
from keyhole.verify.endpoint import ask
from keyhole.verify.error import SkippedError, VerifyError
from keyhole.verify.question import question
from keyhole.verify.standards import rfc
from keyhole.verify.target import Target

_NAME = "verify"


@check(
    "admin-headers",
    "The page allows no foreign script, frame or type",
    Threat.ADMINISTRATION,
    f"{OWASP} 14.4",
    "W3C Content Security Policy Level 3",
    tried="the headers of the page and of the API",
    expected="a content security policy without inline scripts or other origins, no frames, "
    "nosniff, no referrer",
)
def headers(target: Target) -> Seen:
    """What a browser does not run cannot steal a session."""
    broken = []
    places = ("/", "/api/v1/health")
    with api_client(target) as client:
        for path in places:
            broken += [f"{path}: {fault}" for fault in _faults(client.get(path).headers)]
    return Seen.of(broken, len(places), "content security policy, no frames, nosniff, no referrer")


def _faults(found: httpx2.Headers) -> list[str]:
    policy = found.get("content-security-policy", "")
    parts = {one.split()[0]: one.split()[1:] for one in policy.split(";") if one.split()}
    faults = []
    scripts = parts.get("script-src", parts.get("default-src"))
    if scripts is None:
        faults.append("no content security policy for scripts")
    elif any(
        one in ("'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:") for one in scripts
    ):
        faults.append(f"scripts from {' '.join(scripts)}")
    if parts.get("frame-ancestors") != ["'none'"]:
        faults.append("other pages may put it in a frame")
    if found.get("x-content-type-options") != "nosniff":
        faults.append("no nosniff")
    if found.get("referrer-policy") not in ("no-referrer", "same-origin"):
        faults.append("it sends its address to others")
    return faults


@check(
    "admin-cookie",
    "The cookie of a session is out of reach of scripts and other sites",
    Threat.ADMINISTRATION,
    rfc(6265, "8"),
    f"{OWASP} 3.4",
    tried="a sign-in of a person made for it, and a second one with the same password",
    expected="HttpOnly, SameSite=Strict, Path=/, over TLS Secure; another session each time",
)
def cookie(target: Target) -> Seen:
    """RFC 6265 section 8.2: a cookie is sent wherever it may be."""
    lab = target.needs_lab("an account is made and removed")
    name = f"{_NAME}-{secrets.token_hex(4)}"
    with lab.api() as api:
        made = api.post("/people", json={"name": name, "role": "viewer"})
        made.raise_for_status()
        try:
            # The password that it was made with is good for one sign-in alone.
            login = {"name": name, "password": secrets.token_urlsafe(24)}
            chosen = api.put(f"/people/{name}/password", json={"password": login["password"]})
            chosen.raise_for_status()
            with api_client(target) as client:
                ours = {"x-keyhole-request": _NAME}
                answers = [
                    client.post("/api/v1/session", json=login, headers=ours) for _ in range(2)
                ]
        finally:
            api.delete(f"/people/{name}")
    found = [
        each
        for answer in answers
        for each in SimpleCookie(answer.headers.get("set-cookie", "")).values()
    ]
    if len(found) < len(answers):
        codes = ", ".join(str(answer.status_code) for answer in answers)
        return Seen(False, f"a sign-in set no cookie: HTTP {codes}")
    one, broken = found[0], []
    if found[0].value == found[1].value:
        broken.append("a second sign-in got the same session")
    if not one["httponly"]:
        broken.append("scripts can read it")
    if str(one["samesite"]).lower() != "strict":
        broken.append("other sites send it")
    if one["path"] != "/" or one["domain"]:
        broken.append("it is of other paths or hosts")
    if (target.api or "").startswith("https:") and not one["secure"]:
        broken.append("it is sent without TLS")
    return Seen.of(broken, len(found), "HttpOnly, SameSite=Strict, Path=/, two sessions")


@check(
    "metrics-names",
    "Metrics and health tell no names",
    Threat.DISCLOSURE,
    rfc(9076),
    rfc(8932, "5.2"),
    tried="metrics and health without a sign-in, right after names that were never asked",
    expected="none of the names, no identity, no address of a client",
)
def metrics(target: Target) -> Seen:
    """RFC 8932 section 5.2: who looks at a service needs no names."""
    places = [*target.metrics, *([f"{target.api}/api/v1/health"] if target.api else [])]
    if not target.metrics:
        raise SkippedError("needs the address of the metrics: --metrics")
    secret = f"m{secrets.token_hex(8)}"
    for one in target.over("udp", "tcp", "dot", "doh"):
        ask(one, question(f"{secret}.example.org"))
    broken = []
    for place in places:
        with plain_client(target, place) as client:
            answer = client.get(place)
            if answer.status_code != httpx2.codes.OK:
                raise VerifyError(f"{place}: HTTP {answer.status_code}, so nothing was read")
            text = answer.text.lower()
            leaks = [word for word in (secret, "spiffe://", "example.org") if word in text]
            broken += [f"{place} tells {word}" for word in leaks]
    return Seen.of(broken, len(places), f"{len(places)} places, no name in them")


CHECKS: tuple[Check, ...] = (headers, cookie, metrics)
