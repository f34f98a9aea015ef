"""``keyhole enroll``: certificates for clients on other machines, renewed automatically."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, JSON, WHY, duration
from keyhole.cli.output import console, errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

if TYPE_CHECKING:
    from keyhole.enrollment.enrolled_client import EnrolledClient

CREATE_EXAMPLES = """
[bold]Examples[/]

  keyhole enroll create shop/web                       valid for one hour, once

  keyhole enroll create laptop --valid-for 1d --life 30d

Exit code 0: created. 1: not; the message says why.
"""

REDEEM_EXAMPLES = """
[bold]Examples[/]

  keyhole enroll redeem --out /etc/keyhole               asks for the token

  keyhole enroll redeem token.txt --out /etc/keyhole

  keyhole enroll redeem token.txt --out /etc/keyhole --unless-enrolled

The last one may be repeated, such as at each start of a container. It

renews a certificate that has expired, and needs the token only if the

server does not renew it any more.

A token is never an argument: other users can read command lines.

Exit code 0: enrolled. 1: not; nothing was written.
"""

KEEP_EXAMPLES = """
[bold]Examples[/]

  keyhole enroll keep /etc/keyhole                       as a service

  keyhole enroll keep /etc/keyhole -- systemctl restart coredns

  keyhole enroll keep /etc/keyhole --once                from a timer

The command after -- runs after each renewal, without a shell.

Exit code 0: ended; with --once: renewed, or not yet due. 1: --once could not renew.
"""

app = typer.Typer(
    help="Certificates for clients on other machines, renewed automatically.",
    no_args_is_help=True,
)


@app.command("create", epilog=CREATE_EXAMPLES)
def create(
    name: Annotated[str, typer.Argument(help="web, or shop/web with a namespace.")],
    spiffe: Annotated[
        str | None, typer.Option("--spiffe", help="The SPIFFE ID. Default: made from the name.")
    ] = None,
    life: Annotated[
        str, typer.Option("--life", help="Lifetime of each certificate, 5m to 90d.")
    ] = "24h",
    valid_for: Annotated[
        str, typer.Option("--valid-for", help="Lifetime of the token, 1m to 30d.")
    ] = "1h",
    also_server: Annotated[
        bool, typer.Option("--server", help="The client may also use it as a server.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option("--url", help="Where the client connects. Default: from the settings."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Cancel a waiting enrollment of this name.")
    ] = False,
    why: WHY = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Create a token with which a client gets its certificate, once.

    It is shown once: Keyhole stores only its digest. Handle it like a
    password.
    """
    from keyhole.control.enrollment import InvitationRequest, invite
    from keyhole.control.identity import settings_of
    from keyhole.identity.journal import Author

    folder = DataFolder(data or default_data_folder())
    request = InvitationRequest(
        name, spiffe, duration(life), duration(valid_for), also_server, url=url, replace=replace
    )
    made = invite(settings_of(folder, config), folder, request, Author.of_command(why))
    one = made.enrollment
    if as_json:
        print_json(
            {
                "name": one.name,
                "spiffe": one.spiffe,
                "token": made.token,
                "url": made.url,
                "expires": one.expires.isoformat(),
            }
        )
        return
    terminal = console()
    terminal.print(f"[green]+[/] {escape(one.spiffe)}, at {escape(made.url)}")
    terminal.print(f"  valid once, until {one.expires:%Y-%m-%d %H:%M} UTC; on the client run")
    print("keyhole enroll redeem --out /etc/keyhole")
    terminal.print("  and give it this token when it asks")
    print(made.token)


@app.command("list")
def list_(data: DATA = None, as_json: JSON = False) -> None:
    """List enrollments: waiting, used or expired."""
    from keyhole.control.enrollment import enrollments_of

    known = enrollments_of(DataFolder(data or default_data_folder()))
    if as_json:
        print_json(
            [
                {**one.model_dump(mode="json", exclude={"sha256"}), "state": one.state()}
                for one in known
            ]
        )
        return
    for one in known:
        console().print(
            f"{one.state():8} [bold]{escape(one.name)}[/]  {escape(one.spiffe)}  "
            f"until {one.expires:%Y-%m-%d %H:%M} UTC"
        )
    if not known:
        console().print("no enrollments")


@app.command("cancel")
def cancel(
    name: Annotated[str, typer.Argument(help="Name of the waiting enrollment.")],
    why: WHY = None,
    data: DATA = None,
) -> None:
    """Cancel a waiting enrollment; its token is then invalid."""
    from keyhole.control.enrollment import cancel as cancel_enrollment
    from keyhole.identity.journal import Author

    cancel_enrollment(DataFolder(data or default_data_folder()), name, Author.of_command(why))
    console().print(f"[red]canceled[/] {escape(name)}")


@app.command("redeem", epilog=REDEEM_EXAMPLES)
def redeem(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the files.")
    ],
    file: Annotated[
        str,
        typer.Argument(metavar="[FILE]", help="File with the token; - is standard input."),
    ] = "-",
    unless_enrolled: Annotated[
        bool,
        typer.Option(
            "--unless-enrolled",
            help="Do nothing if the folder has a certificate that is valid or can be renewed.",
        ),
    ] = False,
    as_json: JSON = False,
) -> None:
    """On the client: create a key here, and get a certificate for it.

    The key never leaves this machine. The token identifies the server, and
    its secret is sent to that server only.
    """
    from keyhole.enrollment import JoinToken
    from keyhole.enrollment.enrolled_client import EnrolledClient
    from keyhole.system.secret_input import read_secret

    known = EnrolledClient(out)
    if unless_enrolled and known.is_enrolled() and not known.needs_token():
        _show_known(known, as_json)
        return
    token = JoinToken.read(read_secret(file, "Token"))
    client = EnrolledClient.join(token, out, again=unless_enrolled)
    credentials, enrolled = client.credentials(), client.enrolled()
    until = credentials.leaf.not_valid_after_utc
    files = client.folder
    if as_json:
        print_json(
            {
                "spiffe": credentials.spiffe,
                "not_after": until.isoformat(),
                "certificate": str(files.certificate),
                "key": str(files.key),
                "bundle": str(files.bundle),
                "service": enrolled.service.model_dump(mode="json"),
            }
        )
        return
    terminal = console()
    terminal.print(f"[green]+[/] {escape(credentials.spiffe)}, until {until:%Y-%m-%d %H:%M} UTC")
    for what, path in (("certificate", files.certificate), ("key", files.key)):
        terminal.print(f"  {what:12} {escape(str(path))}")
    terminal.print(f"  {'trust':12} {escape(str(files.bundle))}")
    terminal.print("\n[bold]Next[/]")
    terminal.print(f"  keyhole enroll keep {escape(str(out))}                 renew it in time")
    terminal.print(
        f"  keyhole profile coredns --identity {escape(str(out))}  settings for another program"
    )


def _show_known(client: "EnrolledClient", as_json: bool) -> None:
    """What a folder has that was enrolled before; its token was used then."""
    credentials = client.credentials()
    until = credentials.leaf.not_valid_after_utc
    if as_json:
        print_json({"spiffe": credentials.spiffe, "not_after": until.isoformat()})
        return
    spiffe = escape(credentials.spiffe)
    console().print(f"enrolled already: {spiffe}, until {until:%Y-%m-%d %H:%M} UTC")


@app.command("keep", epilog=KEEP_EXAMPLES)
def keep(
    folder: Annotated[Path, typer.Argument(help="Folder that keyhole enroll redeem wrote.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="Run after each renewal, without a shell."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Renew if due, and end.")] = False,
) -> None:
    """On the client: renew the certificate before half of its lifetime is over."""
    import asyncio

    from keyhole.enrollment.enrolled_client import EnrolledClient
    from keyhole.enrollment.renewal_loop import renew_if_due

    client = EnrolledClient(folder)
    client.credentials()
    client.enrolled()
    if once:
        if not asyncio.run(renew_if_due(client, command or [], _notify)):
            raise typer.Exit(FAILED)
        return
    asyncio.run(_renew(client, command or []))


async def _renew(client: "EnrolledClient", command: list[str]) -> None:
    from keyhole.control.shutdown import end_on_signals
    from keyhole.enrollment.renewal_loop import run as renew

    await renew(client, command, end_on_signals(), _notify)


def _notify(is_good: bool, sentence: str) -> None:
    terminal = console() if is_good else errors_console()
    terminal.print(
        f"[{'green' if is_good else 'red'}]{'+' if is_good else 'x'}[/] {escape(sentence)}"
    )
