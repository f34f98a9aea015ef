"""The results of an import: its documents, its report, and the core's verdicts for them."""

import json
from pathlib import Path
from typing import Any

from keyhole.config.documents import read_text_documents
from keyhole.config.source_tree import plain
from keyhole.config.yaml import read_yaml
from keyhole.control.import_settings import ImportResult, import_file
from keyhole.engine import judge
from keyhole.importers import Disposition, Item
from keyhole.policy import TrustContext, compile_documents
from tests.world.resolver import document

Spec = dict[str, Any]


class Imported:
    """One import that wrote no files."""

    def __init__(self, product: str, file: Path) -> None:
        self.done: ImportResult = import_file(product, file, None)
        self.documents: list[Spec] = []
        for name, text in self.done.files.items():
            nodes, problems = read_yaml(text, name)
            assert not problems, problems
            self.documents += [plain(node) for node in nodes]  # type: ignore[misc]
        self._snapshots: dict[str | None, bytes] = {}

    def specs(self, kind: str) -> dict[str, Spec]:
        """The specs of a kind, by name."""
        return {
            one["metadata"]["name"]: one["spec"] for one in self.documents if one["kind"] == kind
        }

    def items(self, disposition: Disposition, kind: str = "") -> list[Item]:
        """The items with a disposition, of one kind or all."""
        items = self.done.report.items
        return [one for one in items if one.disposition is disposition and kind in ("", one.kind)]

    def item(self, name: str) -> Item:
        """The only item that is called so or, where none is, whose name has this in it."""
        items = self.done.report.items
        found = [one for one in items if name == one.name]
        found = found or [one for one in items if name in one.name]
        assert len(found) == 1, [name, *found]
        return found[0]

    def verdict(
        self,
        name: str,
        who: str | None = None,
        *,
        kind: str = "A",
        token: str | None = None,
        at: int | None = None,
    ) -> str:
        """The reason of the core's verdict for a query."""
        asked: Spec = {"name": name, "type": kind, "transport": "udp", "at": at}
        asked["as"] = {"token": token} if token else {"address": who or "192.0.2.250"}
        return str(judge(self._compiled(token), [asked])[0]["reason"])

    def _compiled(self, token: str | None) -> bytes:
        """The snapshot without lists, because those would be downloaded."""
        if token not in self._snapshots:
            self._snapshots[token] = self._compile(token)
        return self._snapshots[token]

    def _compile(self, token: str | None) -> bytes:
        documents = [json.loads(json.dumps(one)) for one in self.documents if one["kind"] != "List"]
        for one in documents:
            if one["kind"] == "Policy":
                lists = one["spec"].get("lists")
                if isinstance(lists, dict):
                    lists["names"] = []
                elif lists:
                    del one["spec"]["lists"]
        upstream: Spec = {"protocol": "dot", "addresses": ["192.0.2.1"]}
        documents.append(document("Upstream", "any", **upstream, serverName="dns.example.org"))
        text = "\n---\n".join(json.dumps(one) for one in documents)
        read, problems = read_text_documents(text, "imported", Path("/nowhere"))
        assert not problems, problems
        context = TrustContext(tokens={token: "ab" * 32} if token else None)
        return compile_documents(read, 1, None, context=context).snapshot.to_json()
