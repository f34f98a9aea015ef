"""Settings that the API shows: as written in the file, and none that is a secret."""

import json

from keyhole.api.settings import shown_settings
from keyhole.config import Config


def test_a_setting_is_shown_as_it_is_written_in_the_file() -> None:
    config = Config.model_validate(
        {"log": {"keep": "8MiB"}, "api": {"clients": ["127.0.0.0/8", "192.0.2.0/24"]}}
    )
    found = {one.name: one for one in shown_settings(config)}
    assert (found["log.keep"].value, found["log.keep"].is_default) == ('"8MiB"', False)
    assert found["api.clients"].value == '["127.0.0.0/8", "192.0.2.0/24"]'
    assert (found["log.retention"].value, found["log.retention"].is_default) == ('"30d"', True)
    assert found["log.anonymize_after"].value is None
    assert found["api.pihole"].value == "false"
    assert all(one.description for one in found.values())


def test_no_secret_and_no_path_to_one_is_shown() -> None:
    config = Config.model_validate(
        {
            "database": {"url": "postgresql://keyhole:hidden@db.example.org/keyhole"},
            "api": {
                "oidc": {
                    "issuer": "https://login.example.org",
                    "client_id": "keyhole",
                    "client_secret_file": "hidden",
                    "roles": {"staff": "viewer"},
                }
            },
        }
    )
    found = list(shown_settings(config))
    assert '"https://login.example.org"' in [one.value for one in found]
    assert not [one for one in found if "hidden" in f"{one.name}{one.value}"]
    assert not [one for one in found if one.name.endswith(("secret_file", ".key", "url"))]


def test_every_value_is_json_also_a_text_that_begins_with_a_bracket() -> None:
    config = Config.model_validate({"dnstap": {"socket": "[::1]:6000"}})
    found = {one.name: one.value for one in shown_settings(config)}
    assert found["dnstap.socket"] == '"[::1]:6000"'
    assert all(json.loads(one) is not None for one in found.values() if one is not None)
