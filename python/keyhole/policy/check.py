"""Checks files as a set: all errors and advice, in the order of files and lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from keyhole.config.declaration import Declaration, Documents
from keyhole.config.documents import read_documents
from keyhole.config.files import Source, read_text
from keyhole.config.load import is_config, read_config
from keyhole.config.resolve import resolve
from keyhole.config.yaml import read_yaml
from keyhole.errors import DocumentErrors, Problem, has_errors
from keyhole.model.document_file import DocumentFile
from keyhole.model.list import ListSpec
from keyhole.policy.certificate_files import SECRETS_FOLDER, check_certificate_files
from keyhole.policy.checks.clients import check_clients
from keyhole.policy.checks.expressions import advise_on_expressions
from keyhole.policy.checks.records import check_records
from keyhole.policy.checks.references import check_references
from keyhole.policy.checks.shadowed import check_shadowed
from keyhole.policy.checks.subjects import check_subjects
from keyhole.policy.checks.tunneling import advise_on_tunneling
from keyhole.policy.checks.upstreams import (
    advise_on_forwarders,
    check_cleartext,
    check_general_upstreams,
    check_mixed_sets,
)
from keyhole.policy.include import applied_policies, check_includes
from keyhole.policy.own_names import check_own_names
from keyhole.policy.remembered import Remembered
from keyhole.policy.trust_anchors import check_trust_anchors
from keyhole.policy.trust_context import TrustContext
from keyhole.system.regular_file import open_regular

_KINDS_OF_CLIENTS = ("Policy", "Client", "TrustDomain")


def cross_check(
    documents: Documents,
    own_names: Iterable[str] = (),
    *,
    is_whole: bool = True,
    context: TrustContext | None = None,
) -> list[Problem]:
    """Problems between documents that are valid one by one.

    ``is_whole`` means that there are no other documents, so a missing one is an error. ``context``
    holds what is in no document, such as the tokens.
    """
    context = context or TrustContext()
    names = tuple(own_names)
    return [
        *_OF_ALL.get((documents, names, is_whole), lambda: _of_all(documents, names, is_whole)),
        *_of_clients(documents, context, is_whole=is_whole),
        *check_cleartext(documents, context),
        *advise_on_forwarders(documents, context),
        # Not remembered: an end comes without a change of the documents.
        *advise_on_tunneling(documents),
        # Nor this: the files may change without the documents.
        *check_certificate_files(documents, context.secrets),
        *check_trust_anchors(documents),
    ]


_OF_ALL: Remembered[list[Problem]] = Remembered()
_OF_CLIENTS: Remembered[list[Problem]] = Remembered()


def _of_all(documents: Documents, own_names: Sequence[str], is_whole: bool) -> list[Problem]:
    try:
        applied_policies(documents)
    except DocumentErrors as error:
        return list(error.problems)  # the other checks would not end
    return [
        *check_references(documents, is_whole=is_whole),
        *check_general_upstreams(documents, is_whole=is_whole),
        *check_mixed_sets(documents),
        *check_includes(documents),
        *check_records(documents),
        *check_shadowed(documents),
        *check_own_names(documents, own_names),
        *advise_on_expressions(documents),
    ]


def _of_clients(
    documents: Documents, context: TrustContext, *, is_whole: bool
) -> Iterable[Problem]:
    """Problems of clients and subjects, which depend on no record, list and upstream."""
    part = Documents(
        policies=documents.policies,
        clients=documents.clients,
        trust_domains=documents.trust_domains,
        headings=tuple(one for one in documents.headings if one.kind in _KINDS_OF_CLIENTS),
    )
    return _OF_CLIENTS.get(
        (part, context, is_whole),
        lambda: [
            *check_subjects(part, context, is_whole=is_whole),
            *check_clients(part, context),
        ],
    )


def load_documents(
    paths: Iterable[Path],
    own_names: Iterable[str] = (),
    *,
    over: Sequence[Path] = (),
    context: TrustContext | None = None,
) -> tuple[Documents, list[Problem]]:
    """Reads and checks documents; returns them with advice.

    The documents of each path in ``over`` are added, except those whose kind and name exist
    already. Raises `DocumentErrors` with all problems. A missing list file is no problem here: the
    last good lists stay in use.
    """
    documents, problems = read_documents(paths)
    for path in over:
        labels = {heading.label for heading in documents.headings}
        base, beneath = read_documents([path])
        documents = documents.over(base)
        problems += [problem for problem in beneath if problem.document not in labels]
    problems += cross_check(documents, own_names, context=context)
    if has_errors(problems):
        raise DocumentErrors(problems)
    return documents, sorted(set(problems))


def check(paths: Sequence[Path], tokens: Mapping[str, str] | None = None) -> list[Problem]:
    """Checks configs and documents, files or folders, as one set; returns all problems.

    A config adds the documents that it names. Single files of documents may be a part of a set: a
    missing document is advice for them, and an error for a folder or a config. ``tokens`` are the
    existing ones, if known.
    """
    problems: list[Problem] = []
    folders: list[Path] = []
    own_names: list[str] = []
    context = TrustContext(tokens=tokens)
    for path in paths:
        if not _is_config(path):
            folders.append(path)
            continue
        config, wrong = read_config(path)
        problems += wrong
        if config is not None:
            resolved = resolve(config, path.absolute().parent)
            folders.append(resolved.documents)
            own_names += resolved.own_names
            context = replace(
                context,
                secrets=path.absolute().parent / SECRETS_FOLDER,
                trusted_domains=resolved.trusted_domains,
                admits_networks=resolved.admits_networks,
                mesh_networks=resolved.mesh_networks,
                forwarders=config.traces.forwarders,
            )
    if folders:
        documents, wrong = read_documents(dict.fromkeys(folders))
        problems += wrong
        is_whole = folders != list(paths) or any(folder.is_dir() for folder in folders)
        problems += cross_check(documents, own_names, is_whole=is_whole, context=context)
        problems += _missing_list_files(documents)
    return sorted(set(problems))


def _is_config(path: Path) -> bool:
    if not path.is_file():
        return False
    text, problems = read_text(Source(path, path.name))
    if problems:
        return path.stem == "keyhole"
    nodes, problems = read_yaml(text, path.name)
    return path.stem == "keyhole" if problems else is_config(nodes)


def _missing_list_files(documents: Documents) -> list[Problem]:
    return [
        one.problem(["spec", "files", index], why)
        for one in documents.lists
        for index, file in enumerate(one.spec.files)
        if (why := _missing(one, file)) is not None
    ]


def _missing(declared: Declaration[ListSpec], file: DocumentFile) -> str | None:
    try:
        path = declared.path_of(file)
        open_regular(path).close()
    except FileNotFoundError:
        return f"{path} is not there"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except ValueError as error:
        return str(error)
    return None
