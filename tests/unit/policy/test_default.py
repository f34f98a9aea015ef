from pathlib import Path

from keyhole.lists.catalog import catalog
from keyhole.model.snapshot import ListFile
from keyhole.policy import check, compile_documents, default_documents, load_documents

_LISTS = ListFile(path="/nowhere/lists.khl", sha256="0" * 64)


def written(folder: Path, uncomment: bool = False) -> Path:
    for name, text in default_documents().items():
        if uncomment:
            text = "\n".join(_uncommented(line) for line in text.splitlines())
        (folder / name).write_text(text + "\n")
    return folder


def _uncommented(line: str) -> str:
    """What a person makes of it who takes the # off an example, but leaves sentences alone."""
    bare = line.lstrip()
    indent = line[: len(line) - len(bare)]
    is_sentence = bare.startswith("#   #") or (bare.startswith("# ") and bare[2:3].isupper())
    return line if is_sentence or not bare.startswith("# ") else indent + bare[2:]


def test_the_default_documents_block_a_list_and_ask_two_upstreams_by_https(tmp_path: Path) -> None:
    documents, advice = load_documents([written(tmp_path)])
    assert advice == []
    snapshot = compile_documents(documents, 1, _LISTS).snapshot
    assert [one.server_name for one in snapshot.upstreams] == [
        "dns.quad9.net",
        "cloudflare-dns.com",
    ]
    assert {one.protocol for one in snapshot.upstreams} == {"doh"}
    assert snapshot.policies[0].default == "allow"
    assert [one.name for one in snapshot.lists] == ["hagezi-light"]
    assert snapshot.policies[0].lists == [0]
    assert snapshot.upstream_sets[0].upstreams == [0, 1]


def test_the_commented_examples_are_valid_once_they_are_uncommented(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "ads.txt").write_text("ads.example.com\n")
    assert check([written(tmp_path, uncomment=True)]) == []
    documents, _ = load_documents([tmp_path])
    assert len(documents.policies[0].spec.rules) == 4
    assert [one.name for one in documents.lists] == ["hagezi-light", "ads"]
    assert [one.name for one in documents.policies if one.spec.is_default] == ["default"]
    assert [str(subject) for subject in documents.policies[1].spec.subjects or ()] == ["group:kids"]
    assert [one.name for one in documents.clients] == ["tablet"]
    assert [one.spec.name for one in documents.records] == ["printer.example.org"]


def test_the_list_of_a_first_start_is_one_of_the_catalog(tmp_path: Path) -> None:
    documents, _ = load_documents([written(tmp_path)])
    (one,) = documents.lists
    assert one.spec.urls == [catalog()[one.name].url]
