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
from keyhole.policy.checks.upstreams import check_cleartext
from keyhole.policy.include import check_includes
from keyhole.policy.own_names import check_own_names
from keyhole.policy.trust_context import TrustContext
from keyhole.system.regular_file import open_regular


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
    return [
        *check_references(documents, is_whole=is_whole),
        *check_includes(documents),
        *check_subjects(documents, context, is_whole=is_whole),
        *check_clients(documents, context),
        *check_records(documents),
        *check_shadowed(documents),
        *check_cleartext(documents, context),
        *check_own_names(documents, own_names),
        *check_certificate_files(documents, context.secrets),
        *advise_on_expressions(documents),
    ]


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
