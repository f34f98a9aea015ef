"""``keyhole enroll``: certificates for clients on other machines, kept fresh by themselves."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, JSON, duration
from keyhole.cli.output import console, errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

if TYPE_CHECKING:
    from keyhole.enrollment.enrolled_client import EnrolledClient

CREATE_EXAMPLES = """
[bold]Examples[/]

  keyhole enroll create shop/web                       good for one hour, once

  keyhole enroll create laptop --valid-for 1d --life 30d

Exit code 0: made. 1: not, and why.
"""

REDEEM_EXAMPLES = """
[bold]Examples[/]

  keyhole enroll redeem khe1.eyJ1... --out /etc/keyhole

  keyhole enroll redeem - --out /etc/keyhole < token     not in the shell's history

Exit code 0: enrolled. 1: not, and why; nothing was written.
"""

KEEP_EXAMPLES = """
[bold]Examples[/]

  keyhole enroll keep /etc/keyhole                       as a service

  keyhole enroll keep /etc/keyhole -- systemctl restart coredns

  keyhole enroll keep /etc/keyhole --once                from a timer

What stands after -- runs after each renewal, as it is: no shell sees it.

Exit code 0: ended, or with --once: fresh. 1: --once could not renew.
"""

app = typer.Typer(
    help="Certificates for clients on other machines, kept fresh by themselves.",
    no_args_is_help=True,
)


@app.command("create", epilog=CREATE_EXAMPLES)
def create(
    name: Annotated[str, typer.Argument(help="web, or shop/web with a namespace.")],
    spiffe: Annotated[
        str | None, typer.Option("--spiffe", help="The SPIFFE ID, if not the one of the name.")
    ] = None,
    life: Annotated[str, typer.Option("--life", help="Of each certificate: 5m to 90d.")] = "24h",
    valid_for: Annotated[str, typer.Option("--valid-for", help="Of the token: 1m to 30d.")] = "1h",
    also_server: Annotated[
        bool, typer.Option("--server", help="The client may also serve with it.")
    ] = False,
    url: Annotated[
        str | None, typer.Option("--url", help="Where the client connects to, if elsewhere.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="End one of this name that waits.")
    ] = False,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Make a token by which a client gets its certificate, once.

    It is shown once: Keyhole keeps its digest alone. Give it to the client
    as you would a password.
    """
    from keyhole.control.enrollment import InvitationRequest, invite
    from keyhole.control.identity import settings_of

    folder = DataFolder(data or default_data_folder())
    wanted = InvitationRequest(
        name, spiffe, duration(life), duration(valid_for), also_server, url=url, replace=replace
    )
    made = invite(settings_of(folder, config), folder, wanted)
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
    terminal.print(f"  good once, until {one.expires:%Y-%m-%d %H:%M} UTC; on the client run")
    print(f"keyhole enroll redeem {made.token} --out /etc/keyhole")


@app.command("list")
def list_(data: DATA = None, as_json: JSON = False) -> None:
    """List enrollments: which wait, which were used, which expired."""
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
        console().print("none so far")


@app.command("cancel")
def cancel(
    name: Annotated[str, typer.Argument(help="Of the enrollment that waits.")], data: DATA = None
) -> None:
    """End an enrollment that waits; its token is worth nothing then."""
    from keyhole.control.enrollment import cancel as cancel_it

    cancel_it(DataFolder(data or default_data_folder()), name)
    console().print(f"[red]canceled[/] {escape(name)}")


@app.command("redeem", epilog=REDEEM_EXAMPLES)
def redeem(
    token: Annotated[str, typer.Argument(help="From keyhole enroll create; - reads the input.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where it is put.")],
    as_json: JSON = False,
) -> None:
    """On the client: make a key here, and get a certificate for it.

    The key never leaves this machine. The token's secret goes only to a
    server that the token itself lets it recognize.
    """
    import sys

    from keyhole.enrollment import JoinToken
    from keyhole.enrollment.enrolled_client import EnrolledClient

    text = sys.stdin.readline() if token == "-" else token  # noqa: S105
    client = EnrolledClient.join(JoinToken.read(text), out)
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
    for what, file in (("certificate", files.certificate), ("key", files.key)):
        terminal.print(f"  {what:12} {escape(str(file))}")
    terminal.print(f"  {'trust':12} {escape(str(files.bundle))}")
    terminal.print("\n[bold]Next[/]")
    terminal.print(f"  keyhole enroll keep {escape(str(out))}                 renews it in time")
    terminal.print(
        f"  keyhole profile coredns --identity {escape(str(out))}  settings for a program"
    )


@app.command("keep", epilog=KEEP_EXAMPLES)
def keep(
    folder: Annotated[Path, typer.Argument(help="What keyhole enroll redeem wrote.")],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="Run after each renewal, without a shell."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Renew if it is time, and end.")] = False,
) -> None:
    """On the client: renew the certificate before half of its life is over."""
    import asyncio

    from keyhole.enrollment.enrolled_client import EnrolledClient
    from keyhole.enrollment.renewal_loop import renew_if_due

    client = EnrolledClient(folder)
    client.credentials()
    client.enrolled()
    if once:
        if not asyncio.run(renew_if_due(client, command or [], _tell)):
            raise typer.Exit(FAILED)
        return
    asyncio.run(_keep(client, command or []))


async def _keep(client: "EnrolledClient", command: list[str]) -> None:
    from keyhole.control.shutdown import end_on_signals
    from keyhole.enrollment.renewal_loop import run as keep_on

    await keep_on(client, command, end_on_signals(), _tell)


def _tell(is_good: bool, sentence: str) -> None:
    terminal = console() if is_good else errors_console()
    terminal.print(
        f"[{'green' if is_good else 'red'}]{'+' if is_good else 'x'}[/] {escape(sentence)}"
    )
