"""``keyhole setup`` in a folder that nobody has used: asks what no option says, and writes."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import typer
from rich.markup import escape

from keyhole.accounts.passwords import Passwords, check_new
from keyhole.cli.doctor import running_keyhole
from keyhole.cli.output import console, sanitize
from keyhole.cli.setup_screen import show_files, show_losses, show_ports, show_what_comes
from keyhole.control.data_folder import DataFolder
from keyhole.control.doctor.finding import Finding
from keyhole.control.error import ControlError
from keyhole.control.first_run.answers import (
    DNS_PORT,
    NO_LIST,
    Answers,
    check_reachable,
    read_address,
    read_lists,
    read_served,
)
from keyhole.control.first_run.losses import losses
from keyhole.control.first_run.machine import local_network, taken_ports
from keyhole.control.first_run.place import finish, in_the_way
from keyhole.control.first_run.upstreams import Choice, read_upstream
from keyhole.control.first_run.write import check_texts, give_to_owner, write_all
from keyhole.errors import KeyholeError
from keyhole.model.name import read_server_name
from keyhole.system import durable
from keyhole.system.secret_input import read_secret

ACCOUNT = "admin"
USUAL_UPSTREAMS, USUAL_LIST = "quad9 cloudflare", "hagezi-light"
Answer = TypeVar("Answer")
_ANOTHER, _LAST_PORT = 5300, 65_535


@dataclass(frozen=True)
class Given:
    """The options, as written; none where one is left out."""

    listen: list[str] | None
    port: int | None
    serve: list[str] | None
    upstream: list[str] | None
    lists: list[str] | None
    password_file: str | None
    one_time_password: bool
    name: str | None
    dry_run: bool
    replace: bool
    anyway: bool

    @property
    def has_answers(self) -> bool:
        """Whether an option answers a question."""
        answers = (self.listen, self.port, self.serve, self.upstream, self.lists, self.name)
        return any(answers) or bool(self.password_file) or self.one_time_password

    @property
    def missing(self) -> list[str]:
        """Options that a terminal would be asked for."""
        options = {
            "--listen": self.listen,
            "--serve": self.serve,
            "--upstream": self.upstream,
            "--list": self.lists,
            "--password-file or --one-time-password": self.password_file or self.one_time_password,
        }
        return [name for name, value in options.items() if not value]


def run_setup(folder: DataFolder, settings: Path, given: Given) -> None:
    """Asks, looks, and writes all or nothing. Raises ``KeyholeError`` and ``OSError``."""
    terminal, asks = console(), sys.stdin.isatty()
    completed = [] if given.dry_run else finish(settings)
    for path in completed:
        terminal.print(f"[green]+[/] {escape(str(path))}: completed what was interrupted")
    if completed and given.replace and not given.has_answers:
        return  # the command that a start names for this
    there = in_the_way(settings)
    if there and not given.replace and not given.dry_run:
        shown = " and ".join(map(str, there))
        raise ControlError(
            f"{shown}: there already, and nothing is overwritten; keyhole setup --replace keeps it "
            "beside, as .old"
        )
    if given.missing and not asks:
        raise typer.BadParameter(
            f"without a terminal nothing can be asked; give {', '.join(given.missing)}"
        )
    answers = _answers(given)
    check_reachable(answers)
    password = None if given.dry_run else _password(folder, given)
    files = answers.files
    for one in check_texts(files):
        terminal.print(f"[yellow]advice:[/] {escape(sanitize(one.why))}")
    taken = taken_ports(folder, settings, answers.config, running_keyhole(folder))
    show_ports(terminal, taken)
    lost = losses(settings, files) if there else []
    show_losses(terminal, lost)
    if given.dry_run:
        show_files(terminal, settings.parent, files)
        return
    if lost and not given.anyway:
        _confirm_losses(asks=asks)
    answers = _make_room(folder, settings, given, answers, taken)
    written = _write(folder, settings, answers.files, password, replace=given.replace)
    for path in written:
        terminal.print(f"[green]+[/] {escape(str(path))}")
    show_what_comes(terminal, folder, settings, answers, has_password=password is not None)


def _make_room(
    folder: DataFolder, settings: Path, given: Given, answers: Answers, taken: Sequence[Finding]
) -> Answers:
    """The answers, with a port that is free or that somebody wants all the same."""
    while taken and not given.anyway:
        if not sys.stdin.isatty() or given.port is not None:
            raise ControlError(
                "nothing was written: make room as said above, give another --port, or write it "
                "with --anyway"
            )
        port = typer.prompt("Another port, or the same to write it anyway", _ANOTHER, type=int)
        if port == answers.port:
            break
        if not 0 < port <= _LAST_PORT:
            continue
        answers = replace(answers, port=port)
        taken = taken_ports(folder, settings, answers.config, running_keyhole(folder))
        show_ports(console(), taken)
    return answers


def _confirm_losses(*, asks: bool) -> None:
    if not asks:
        raise ControlError(
            "nothing was written: --replace would lose what is said above; write it with --anyway"
        )
    if not typer.confirm("Replace it all the same?", default=False):
        raise ControlError("nothing was written")


def _write(
    folder: DataFolder,
    settings: Path,
    files: dict[str, str],
    password: str | None,
    *,
    replace: bool,
) -> list[Path]:
    if password is None:
        if not folder.database.exists():
            folder.first_password.unlink(missing_ok=True)  # of a run that was killed
        return write_all(settings, files, replace=replace)
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write_text(folder.first_password, password + "\n")
    try:
        give_to_owner(folder.first_password, folder.path)
        return write_all(settings, files, replace=replace)
    except BaseException:
        folder.first_password.unlink(missing_ok=True)
        raise


def _answers(given: Given) -> Answers:
    around = local_network()
    here = "127.0.0.1" if around is None else f"127.0.0.1 {around[0]}"
    name = None if given.name is None else _read(read_server_name, given.name)
    listen = _ask(
        given.listen, "1. Addresses to listen on", here, lambda all_: tuple(map(read_address, all_))
    )
    network = NO_LIST if around is None or listen == ("127.0.0.1",) else around[1]
    serve = _ask(given.serve, "2. Networks to serve besides this machine", network, _networks)
    upstreams = _ask(
        given.upstream,
        "3. Upstreams (keyhole setup --help names them), the preferred one first",
        USUAL_UPSTREAMS,
        _upstreams,
    )
    lists = _ask(
        given.lists, "4. Lists to block (keyhole lists catalog), or none", USUAL_LIST, read_lists
    )
    return Answers(listen, given.port or DNS_PORT, serve, upstreams, lists, name)


def _networks(written: list[str]) -> tuple[str, ...]:
    return () if written == [NO_LIST] else tuple(map(read_served, written))


def _upstreams(written: list[str]) -> tuple[Choice, ...]:
    return tuple(map(read_upstream, written))


def _ask(
    given: list[str] | None, question: str, usual: str, read: Callable[[list[str]], Answer]
) -> Answer:
    """What the options say; else what a person says, until it is right."""
    if given:
        return read(given)
    while True:
        written: str = typer.prompt(question, default=usual)
        try:
            # In an upstream of one's own, commas stand between its addresses.
            words = written if "@" in written else written.replace(",", " ")
            return read(words.split())
        except KeyholeError as error:
            console().print(f"[red]{escape(sanitize(str(error)))}[/]")


def _read(read: Callable[[str], str], written: str) -> str:
    try:
        return read(written)
    except ValueError as error:
        raise ControlError(f"--name: {error}") from None


def _password(folder: DataFolder, given: Given) -> str | None:
    """The hash of the password for the first start; none for a one-time password."""
    if given.one_time_password:
        return None
    if folder.database.exists():
        if given.password_file is None:
            return None
        raise ControlError("accounts are there already: keyhole people password admin sets one")
    if given.password_file is not None:
        chosen = read_secret(given.password_file, "Password of admin")
        check_new(chosen, ACCOUNT)
        return Passwords().hash(chosen)
    while True:
        question = "5. Password of admin for the page (empty: a one-time password at the start)"
        chosen = typer.prompt(question, default="", hide_input=True, show_default=False)
        if not chosen:
            return None
        try:
            check_new(chosen, ACCOUNT)
        except KeyholeError as error:
            console().print(f"[red]{escape(str(error))}[/]")
            continue
        if typer.prompt("   once more", default="", hide_input=True, show_default=False) == chosen:
            return Passwords().hash(chosen)
        console().print("[red]the two are different[/]")
