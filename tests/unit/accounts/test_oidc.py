"""Who is believed on the word of an identity provider, and whose word does not count."""

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc.jwk import OctKey, RSAKey

from keyhole.accounts.oidc import (
    AuthorizationRequest,
    AuthorizationResponse,
    Oidc,
    OidcLoginError,
    OidcSetup,
    ProviderError,
)
from keyhole.accounts.oidc import provider as keeping
from keyhole.accounts.oidc.flow import LOGIN_STATE_SECONDS
from keyhole.model.role import Role
from tests.unit.accounts.conftest import Clock
from tests.world.provider import CLIENT, SECRET, Provider

CALLBACK = "http://127.0.0.1:8080/api/v1/oidc/callback"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with Provider() as one:
        yield one


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.reset()
    return running


def _oidc(provider: Provider, **changed: Any) -> Oidc:
    given = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "scopes": ["profile"],
        "groups_claim": "groups",
        "roles": {"staff": Role.VIEWER, "dns-admins": Role.ADMINISTRATOR},
        **changed,
    }
    return Oidc(OidcSetup(**given))


def _back(begun: AuthorizationRequest, **changed: Any) -> AuthorizationResponse:
    """What a browser brings back that went where it was sent."""
    answer = httpx2.get(begun.url, trust_env=False)
    brought = httpx2.URL(answer.headers["location"]).params
    given = {
        "state": brought["state"],
        "code": brought["code"],
        "error": None,
        "issuer": brought.get("iss"),
        "sealed": begun.sealed,
        "redirect_uri": CALLBACK,
        **changed,
    }
    return AuthorizationResponse(**given)


def _log_in(oidc: Oidc, **changed: Any) -> tuple[str, Role]:
    person = oidc.finish(_back(oidc.begin(CALLBACK), **changed))
    return person.name, person.role


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_somebody_whom_the_provider_knows_gets_the_highest_role_of_their_groups(
    provider: Provider, algorithm: str
) -> None:
    provider.algorithm = algorithm
    assert _log_in(_oidc(provider)) == ("oidc:anna (248289761001)", Role.ADMINISTRATOR)


@pytest.mark.parametrize("groups", [["strangers"], [], None, "strangers", [["staff"]]])
def test_somebody_in_no_group_that_has_a_role_is_refused(provider: Provider, groups: Any) -> None:
    provider.claims["groups"] = groups
    with pytest.raises(OidcLoginError, match="none of your groups") as refused:
        _log_in(_oidc(provider))
    assert refused.value.name == "oidc:anna (248289761001)"


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ({"iss": "https://other.example.org"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "another client"),
        ({"aud": ["other"]}, "another client"),
        ({"aud": [CLIENT, "other"]}, "given to another client"),
        ({"azp": "other"}, "given to another client"),
        ({"exp": 1_700_000_000}, "has expired"),
        ({"exp": None}, "has no exp"),
        ({"exp": "soon"}, "has no exp"),
        ({"iat": 1_700_000_000}, "was not issued just now"),
        ({"iat": 4_000_000_000}, "was not issued just now"),
        ({"iat": None}, "has no iat"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"nonce": "another"}, "another login"),
        ({"nonce": None}, "another login"),
        ({"nonce": ["x"]}, "another login"),
        ({"sub": None}, "no valid subject"),
        ({"sub": ""}, "no valid subject"),
        ({"sub": 7}, "no valid subject"),
    ],
)
def test_a_token_that_says_something_else_than_expected_vouches_for_nobody(
    provider: Provider, spoiled: dict[str, Any], said: str
) -> None:
    provider.spoil_claims = spoiled
    with pytest.raises(OidcLoginError, match=said):
        _log_in(_oidc(provider))


def _part(document: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _unsigned(claims: dict[str, Any]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def test_a_token_without_a_signature_vouches_for_nobody(provider: Provider) -> None:
    provider.make_token = _unsigned
    with pytest.raises(OidcLoginError, match="not signed with an accepted algorithm"):
        _log_in(_oidc(provider))


def test_the_public_key_is_no_shared_secret(provider: Provider) -> None:
    key = provider.keys[0]
    assert isinstance(key, RSAKey)
    public = key.as_pem(private=False)

    def confused(claims: dict[str, Any]) -> str:
        said = f"{_part({'alg': 'HS256', 'kid': provider.keys[0].kid})}.{_part(claims)}"
        signature = hmac.digest(public, said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    provider.make_token = confused
    with pytest.raises(OidcLoginError, match="not signed with an accepted algorithm"):
        _log_in(_oidc(provider))


def test_a_shared_secret_among_the_keys_counts_for_nothing(provider: Provider) -> None:
    own = OctKey.generate_key(256, {"kid": "shared"})
    provider.keys.append(own)
    provider.make_token = lambda claims: provider.sign(claims, own, alg="HS256")
    with pytest.raises(OidcLoginError):
        _log_in(_oidc(provider))


def test_a_token_that_somebody_else_signed_vouches_for_nobody(provider: Provider) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": str(provider.keys[0].kid)})
    provider.make_token = lambda claims: provider.sign(claims, stranger)
    with pytest.raises(OidcLoginError, match="signature"):
        _log_in(_oidc(provider))


@pytest.mark.parametrize("token", ["", "x", "a.b", "....", "e30.e30.x", 7, None, "A" * 70_000])
def test_what_is_no_token_vouches_for_nobody(provider: Provider, token: Any) -> None:
    provider.make_token = lambda _: token
    with pytest.raises(OidcLoginError):
        _log_in(_oidc(provider))


def test_new_keys_are_found_and_old_ones_are_not_asked_for_again(provider: Provider) -> None:
    oidc = _oidc(provider)
    clock = Clock()
    oidc.provider._clock = clock
    _log_in(oidc)
    _log_in(oidc)
    assert provider.asked.count("/keys") == 1
    assert provider.asked.count("/.well-known/openid-configuration") == 1
    provider.rotate()
    with pytest.raises(OidcLoginError, match="signature"):
        _log_in(oidc)
    assert provider.asked.count("/keys") == 1, "whoever names keys that do not exist fetches none"
    clock.now += keeping.REFETCH_SECONDS + 1
    assert _log_in(oidc)
    assert provider.asked.count("/keys") == 2


@pytest.mark.parametrize("sealed", [None, "", "x", "gAAAAA=="])
def test_a_browser_that_began_no_login_cannot_finish_one(provider: Provider, sealed: Any) -> None:
    oidc = _oidc(provider)
    with pytest.raises(OidcLoginError, match="started no login"):
        _log_in(oidc, sealed=sealed)


def test_an_answer_is_for_the_login_and_the_browser_that_began_it(provider: Provider) -> None:
    oidc = _oidc(provider)
    mine, theirs = oidc.begin(CALLBACK), oidc.begin(CALLBACK)
    with pytest.raises(OidcLoginError, match="another login"):
        oidc.finish(_back(theirs, sealed=mine.sealed))
    with pytest.raises(OidcLoginError, match="another login"):
        oidc.finish(_back(mine, state=None))


def test_a_code_of_somebody_else_cannot_be_put_into_my_login(provider: Provider) -> None:
    oidc = _oidc(provider)
    mine, theirs = oidc.begin(CALLBACK), oidc.begin(CALLBACK)
    stolen = _back(theirs)
    with pytest.raises(ProviderError, match="status 400"):
        oidc.finish(_back(mine, code=stolen.code))


def test_a_code_is_redeemed_once(provider: Provider) -> None:
    oidc = _oidc(provider)
    returned = _back(oidc.begin(CALLBACK))
    oidc.finish(returned)
    with pytest.raises(ProviderError):
        oidc.finish(returned)


def test_whoever_takes_too_long_begins_again(provider: Provider) -> None:
    oidc = _oidc(provider)
    clock = Clock()
    oidc._clock = clock
    begun = oidc.begin(CALLBACK)
    clock.now += LOGIN_STATE_SECONDS + 1
    with pytest.raises(OidcLoginError, match="too long ago"):
        oidc.finish(_back(begun))


def test_an_answer_of_another_provider_is_none(provider: Provider) -> None:
    with pytest.raises(OidcLoginError, match="another provider"):
        _log_in(_oidc(provider), issuer="https://evil.example.org")
    provider.metadata["authorization_response_iss_parameter_supported"] = True
    assert _log_in(_oidc(provider))
    with pytest.raises(OidcLoginError, match="does not say which provider"):
        _log_in(_oidc(provider), issuer=None)


def test_a_refusal_of_the_provider_is_one(provider: Provider) -> None:
    with pytest.raises(OidcLoginError, match="refused the login"):
        _log_in(_oidc(provider), code=None, error="access_denied")


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"issuer": "https://other.example.org"}, "is https://other.example.org"),
        ({"token_endpoint": "file:///etc/passwd"}, "not https"),
        ({"jwks_uri": None}, "not https"),
        ({"jwks_uri": "http://127.0.0.1:9/keys"}, "cannot be reached"),
    ],
)
def test_a_provider_that_is_not_what_it_should_be_is_not_used(
    provider: Provider, metadata: dict[str, Any], said: str
) -> None:
    provider.metadata = metadata
    with pytest.raises(ProviderError, match=said):
        _log_in(_oidc(provider))


def test_subjects_stay_apart_whatever_they_are_called(provider: Provider) -> None:
    names = set()
    for sub, called in (("a", "anna"), ("b", "anna"), ("a b", "anna"), ("a(b", "anna (a)\x1b[0m")):
        provider.claims |= {"sub": sub, "preferred_username": called}
        names.add(_log_in(_oidc(provider))[0])
    assert len(names) == 4
    assert all(one.isprintable() for one in names)


def test_a_public_client_sends_no_secret(provider: Provider) -> None:
    with pytest.raises(ProviderError, match="status 400"):
        _log_in(_oidc(provider, client_secret=None))
