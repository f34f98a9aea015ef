"""Limits on untrusted files; whatever exceeds one is not an export of these products."""

from keyhole.model.units import KIB, MIB

MAX_ARCHIVE = 256 * MIB
"""Octets of an archive on disk. A backup may hold logs, which are skipped."""
MAX_DIRECTORY = 4 * MIB
"""Octets of a zip's central directory."""
MAX_ENTRIES = 10_000
MAX_ENTRY = 64 * MIB
"""Octets of an unpacked entry of an archive."""
MAX_UNPACKED = 128 * MIB
"""Octets of all unpacked entries that are read."""
MAX_RATIO = 200
"""Unpacked octets per packed octet, beyond the first MiB; text databases reach 40."""
MAX_DATABASE = 1024 * MIB
"""Octets of a database file. One with millions of names from lists has a few hundred MiB."""
MAX_ROWS = 100_000
"""Rows of a table."""
MAX_TEXT = 64 * KIB
"""Octets of a value in a database."""
MAX_TABLE = 64 * MIB
"""Characters of all values of a table."""
MAX_QUERY_SECONDS = 10.0
MAX_STRUCTURED = 8 * MIB
"""Octets of a TOML or YAML file. One with 100,000 rules of a person's own has 4 MiB."""
MAX_LINE = 64 * KIB
"""Characters of a line of settings."""
MAX_NODES = 500_000
"""Values in a YAML file."""
MAX_DIGITS = 100
"""Digits of a number; no setting has so many, and huge ones take long to read."""
MAX_JSON = 16 * MIB
MAX_VALUES = 2_000_000
"""Values in a JSON file, counted before it is parsed: each takes many times its octets."""
MAX_DEPTH = 64
"""Nesting levels of a JSON or TOML file."""
MAX_BINARY = 16 * MIB
"""Octets of a binary settings file."""
MAX_ITEMS = 100_000
"""Entries of a list or mapping."""
