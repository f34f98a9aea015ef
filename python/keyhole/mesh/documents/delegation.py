"""What an object may say, and the document that it becomes.

Objects in Keyhole's own namespace are documents like those in files. People of another namespace
write policies for the service accounts of their own namespace alone, and lists for these policies.
The chart has the same rules for the API server, in CEL; ``tests/cluster`` compares them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from keyhole.errors import Problem
from keyhole.mesh.documents.kinds import OBJECTS
from keyhole.mesh.documents.limits import too_large
from keyhole.mesh.documents.resource import Key, Resource
from keyhole.model.document import API_VERSION

EVERY = "*"
"""In the place of a namespace: all of them."""
DELEGATED = {
    "Policy": (
        "subjects",
        "rules",
        "lists",
        "include",
        "default",
        "blockedTtl",
        "safeSearch",
        "youtube",
        "services",
    ),
    "List": ("kind", "entries", "format"),
}
"""The kinds that a delegated namespace has, and the keys of their spec."""
OPERATORS = {
    "Policy": (
        "mode",
        "upstreams",
        "privateAddresses",
        "specialNames",
        "tunneling",
        "missingDomains",
        "log",
    ),
    "List": ("files", "urls", "refresh", "services", "policies", "guard"),
}
"""The keys that stay with the people of Keyhole's own namespace."""
_NAMES = "; ".join(f"{OBJECTS[kind]}: {', '.join(keys)}" for kind, keys in DELEGATED.items())


@dataclass(frozen=True)
class Delegation:
    """Which namespaces have documents, and what is added to the policies of others."""

    own: str
    """Keyhole's own namespace."""
    namespaces: tuple[str, ...] = ()
    """The others whose people may write documents, or `EVERY`."""
    include: tuple[str, ...] = ()
    """Policies of the operator that each policy of others includes."""
    upstreams: tuple[str, ...] = ()
    """The upstreams of the policies of others; all if empty."""
    trust_domains: tuple[str, ...] = ()
    """The trust domains whose namespaces are those of this cluster; any if empty."""

    def name_of(self, key: Key) -> str:
        """The name of the document. No namespace has a dot in its name, so that of two namespaces
        none has the same one."""
        return key.name if key.namespace == self.own else f"{key.namespace}.{key.name}"

    def has(self, namespace: str) -> bool:
        """Whether a namespace has documents."""
        return namespace == self.own or not {EVERY, namespace}.isdisjoint(self.namespaces)

    def label_of(self, key: Key) -> str:
        """Kind and name of the document, as in messages."""
        return f"{key.kind}/{self.name_of(key)}"

    def problems(self, one: Resource) -> list[Problem]:
        """What it says that it may not say."""
        if one.key.namespace == self.own:
            return []
        return [
            Problem(one.key.file, 0, self.label_of(one.key), path, why)
            for path, why in self._refused(one)
        ]

    def _refused(self, one: Resource) -> Iterator[tuple[str, str]]:
        namespace, kind, _ = one.key
        if not self.has(namespace):
            why = f"the namespace {namespace} has no documents; kubernetes.namespaces names those"
            yield "", f"{why} that have"
            return
        if kind not in DELEGATED:
            yield "", f"only the namespace {self.own} has documents of kind {OBJECTS[kind]}"
            return
        if why := too_large(one.spec):
            yield "spec", why
            return
        spec = one.spec if isinstance(one.spec, dict) else {}
        for key in OPERATORS[kind]:
            if key in spec:
                yield (
                    f"spec.{key}",
                    (f"only the namespace {self.own} decides about {key}; leave it out ({_NAMES})"),
                )
        if kind == "Policy":
            if "lists" in spec and not _is_use(spec["lists"]):
                yield "spec.lists", "write names of lists, or names, answer and mode"
            yield from self._subjects(namespace, spec)

    def _subjects(self, namespace: str, spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
        domain = self.trust_domains[0] if self.trust_domains else "example.org"
        right = (
            f"write spiffe://{domain}/ns/{namespace}/sa/NAME or spiffe://{domain}/ns/{namespace}/*"
        )
        subjects = spec.get("subjects")
        if not isinstance(subjects, list):
            yield "spec.subjects", f"the default policy belongs to {self.own}; {right}"
            return
        domains = "|".join(map(re.escape, self.trust_domains)) or "[^/]+"
        own = re.compile(rf"spiffe://({domains})/ns/{re.escape(namespace)}/.+")
        for index, subject in enumerate(subjects):
            if not own.fullmatch(str(subject)):
                why = f"{str(subject)[:80]} is not of the namespace {namespace}; {right}"
                yield f"spec.subjects[{index}]", why

    def text_of(self, one: Resource) -> str:
        """The document in YAML."""
        tree = {
            "apiVersion": API_VERSION,
            "kind": one.key.kind,
            "metadata": {"name": self.name_of(one.key)},
            "spec": one.spec if one.key.namespace == self.own else self._others(one),
        }
        return str(yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))

    def _others(self, one: Resource) -> Any:
        """The spec of a document of another namespace: its names are those of that namespace."""
        if one.key.kind != "Policy" or not isinstance(one.spec, dict):
            return one.spec
        spec = dict(one.spec)
        place = one.key.namespace
        if "lists" in spec:
            spec["lists"] = _within(place, spec["lists"])
        own = _within(place, spec.get("include", []))
        if isinstance(own, list) and (own or self.include):
            spec["include"] = [*own, *self.include]
        if self.upstreams:
            spec["upstreams"] = list(self.upstreams)
        return spec


def _is_use(value: Any) -> bool:
    """Whether it may say which lists a policy uses; no schema of the server says so."""
    if isinstance(value, dict):
        if not value.keys() <= {"names", "answer", "mode"}:
            return False
        if not all(isinstance(value.get(key, ""), str) for key in ("answer", "mode")):
            return False
        value = value.get("names")
    names = value if isinstance(value, list) else [value]
    return all(isinstance(one, str) for one in names)


def _within(namespace: str, names: Any) -> Any:
    """The names with their namespace; what is no name stays, and is refused by its model."""
    if isinstance(names, dict) and "names" in names:
        return {**names, "names": _within(namespace, names["names"])}
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list):
        return names
    return [f"{namespace}.{one}" if isinstance(one, str) else one for one in names]


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # it has no types
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _show_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _show_text)
