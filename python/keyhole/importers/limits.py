"""How much of a foreign file is read; what is larger is no export of these products."""

from keyhole.model.units import KIB, MIB

MAX_ARCHIVE = 256 * MIB
"""Octets of an archive on disk. A backup may carry logs, which are passed over unread."""
MAX_DIRECTORY = 4 * MIB
"""Octets of the directory of a zip."""
MAX_ENTRIES = 10_000
MAX_ENTRY = 64 * MIB
"""Octets of one entry of an archive, unpacked."""
MAX_UNPACKED = 128 * MIB
"""Octets of all entries that are read, unpacked."""
MAX_RATIO = 200
"""How many octets one octet may become, beyond the first MiB; databases of text reach 40."""
MAX_DATABASE = 1024 * MIB
"""Octets of a database file. One with millions of names from lists has some hundred MiB."""
MAX_ROWS = 100_000
"""Rows of one table."""
MAX_TEXT = 64 * KIB
"""Octets of one value in a database."""
MAX_TABLE = 64 * MIB
"""Characters of all values of one table."""
MAX_QUERY_SECONDS = 10.0
MAX_STRUCTURED = 1 * MIB
"""Octets of a TOML or YAML file."""
MAX_JSON = 16 * MIB
MAX_DEPTH = 64
"""Levels of a JSON or TOML file."""
MAX_BINARY = 16 * MIB
"""Octets of a binary settings file."""
MAX_ITEMS = 100_000
"""Things of one kind."""
