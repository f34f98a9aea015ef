"""Reads and validates ``keyhole.yaml``."""

from pathlib import Path

from keyhole.config.advice import advise, locate_in_config
from keyhole.config.contradictions import contradictions
from keyhole.config.files import Source, read_text
from keyhole.config.resolve import resolve
from keyhole.config.sections import Config
from keyhole.config.source_tree import Mapping, Node
from keyhole.config.validate import validate
from keyhole.config.yaml import read_yaml
from keyhole.errors import DocumentErrors, Problem, has_errors

_DOCUMENT_KEYS = {"apiVersion", "kind"}


def read_config(path: Path) -> tuple[Config | None, list[Problem]]:
    """Reads the file; returns the config, or none, with all problems and advice."""
    config, problems, _ = _read_file(path)
    return config, problems


def _read_file(path: Path) -> tuple[Config | None, list[Problem], str]:
    text, problems = read_text(Source(path, path.name))
    if problems:
        return None, problems, text
    config, node, problems = _read(text, path.name)
    if config is not None:
        problems += _missing_files(config, node, path)
    return config, problems, text


def read_config_text(text: str, name: str) -> tuple[Config | None, list[Problem]]:
    """Reads a config from a text as if it were the file ``name``."""
    config, _, problems = _read(text, name)
    return config, problems


def _read(text: str, name: str) -> tuple[Config | None, Node, list[Problem]]:
    nodes, problems = read_yaml(text, name)
    if not problems and len(nodes) > 1:
        why = "a second document begins; keyhole.yaml holds one"
        problems.append(Problem(name, nodes[1].line, "", "", why))
    node = nodes[0] if nodes else Mapping(1, {})
    if not problems:
        problems += _not_a_config(node, name)
    if problems:
        return None, node, problems
    config, problems = validate(Config, node, name)
    if config is not None:
        problems = contradictions(config, node, name) + advise(config, node, name)
    return config, node, problems


def load_config(path: Path) -> tuple[Config, list[Problem]]:
    """Reads the file; returns the config and advice. Raises `DocumentErrors` with all problems."""
    config, problems, _ = load_config_and_text(path)
    return config, problems


def load_config_and_text(path: Path) -> tuple[Config, list[Problem], str]:
    """As `load_config`, with the text that was read: the file may have changed since."""
    config, problems, text = _read_file(path)
    if config is None or has_errors(problems):
        raise DocumentErrors(problems)
    return config, problems, text


def is_config(nodes: list[Node]) -> bool:
    """Whether what was read looks like ``keyhole.yaml`` rather than documents."""
    return (
        len(nodes) == 1
        and isinstance(nodes[0], Mapping)
        and not (_DOCUMENT_KEYS & nodes[0].entries.keys())
    )


def _not_a_config(node: Node, name: str) -> list[Problem]:
    if not isinstance(node, Mapping):
        return [Problem(name, node.line, "", "", "a config has keys such as listen and clients")]
    if _DOCUMENT_KEYS & node.entries.keys():
        why = "this is a document, not a config; put it into the folder that documents names"
        return [Problem(name, node.line, "", "", why)]
    return []


def _missing_files(config: Config, node: Node, path: Path) -> list[Problem]:
    resolved = resolve(config, path.absolute().parent)
    files = [
        (["tls", "certificate"], resolved.tls.certificate),
        (["tls", "key"], resolved.tls.key),
        (["api", "tls", "certificate"], resolved.api.certificate),
        (["api", "tls", "key"], resolved.api.key),
        (["api", "oidc", "client_secret_file"], resolved.api.client_secret),
    ]
    return [
        Problem(path.name, *locate_in_config(node, place), f"{file} is not there")
        for place, file in files
        if file is not None and not file.is_file()
    ]
