"""What can be wrong with a file of names."""

from keyhole.errors import KeyholeError


class NamesFileError(KeyholeError):
    """A file that is no lease file and no hosts file, or a damaged one."""
