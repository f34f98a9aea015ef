"""The kinds of documents, as the API of Kubernetes names them."""

from keyhole.model.document import API_VERSION, KINDS

GROUP, VERSION = API_VERSION.split("/")
OBJECTS = {kind: kind for kind in KINDS} | {"List": "NameList"}
"""The kind of the object of each kind of document. kubectl, Helm and all that use the same library
take ``List`` of any group for a kind without namespaces, so that no object of it can be found."""


def _plural(kind: str) -> str:
    word = kind.lower()
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


PLURALS = {kind: _plural(one) for kind, one in OBJECTS.items()}
"""The name of each kind of document in addresses and roles, such as ``policies``."""
