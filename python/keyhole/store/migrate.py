"""Runs the migrations that a database lacks. Imported only where one is missing: the library takes
a tenth of the time of a start."""

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_SCRIPTS = "keyhole.store:migrations"


def known_revisions() -> set[str]:
    """All revisions that this version knows."""
    config = Config()
    config.set_main_option("script_location", _SCRIPTS)
    return _revisions(config)


def _revisions(config: Config) -> set[str]:
    scripts = ScriptDirectory.from_config(config)
    return {script.revision for script in scripts.walk_revisions()}


class Migrations:
    """The migrations of this version, for one connection."""

    def __init__(self, connection: Connection) -> None:
        self._config = Config()
        self._config.set_main_option("script_location", _SCRIPTS)
        self._config.attributes["connection"] = connection

    @property
    def revisions(self) -> set[str]:
        """All revisions that this version knows."""
        return _revisions(self._config)

    @property
    def newest(self) -> str | None:
        """The revision of the newest schema."""
        return ScriptDirectory.from_config(self._config).get_current_head()

    def run(self) -> None:
        """Runs what is missing, in the transaction of the connection."""
        command.upgrade(self._config, "head")
