"""The kinds of documents, as the API of Kubernetes names them."""

from keyhole.model.document import API_VERSION, KINDS

GROUP, VERSION = API_VERSION.split("/")


def plural(kind: str) -> str:
    """The name of a kind in addresses and roles, such as ``policies``."""
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


PLURALS = {kind: plural(kind) for kind in KINDS}
