"""``keyhole identity``: certificates by which workloads say who they are."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, JSON, duration
from keyhole.cli.output import console, errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

ISSUE_EXAMPLES = """
[bold]Examples[/]

  keyhole identity issue shop/web --out /etc/keyhole     .../ns/shop/sa/web

  keyhole identity issue ci --spiffe spiffe://keyhole.internal/ci/build --out ci

The folder then holds svid.pem, svid-key.pem and bundle.pem.

Exit code 0: issued. 1: not, and why.
"""

REVOKE_EXAMPLES = """
[bold]Examples[/]

  keyhole identity revoke shop/web                    the identity, for good

  keyhole identity revoke shop/web --certificates     stolen: it may get a new one

  keyhole identity revoke --serial 4f3a...            one certificate

  keyhole identity revoke shop/web --undo             take it back

Exit code 0: done. 1: nobody is meant, or all of it was so before.
"""

ROTATE_EXAMPLES = """
[bold]Examples[/]

  keyhole identity rotate             1. a new root, trusted beside the old one

  keyhole identity rotate --sign      2. it signs, once every client knows it

  keyhole identity rotate --finish    3. the old root is trusted no longer

Between the steps, give clients and other servers the time to learn the new root: clients that run
keyhole enroll keep learn it with their next renewal.

Exit code 0: done. 1: not yet, and why.
"""

LIST_EXAMPLES = """
[bold]Examples[/]

  keyhole identity list              certificates of clients that live

  keyhole identity list --all        everything that was ever issued
"""

app = typer.Typer(help="Certificates by which workloads say who they are.", no_args_is_help=True)


@app.command("show")
def show(data: DATA = None, config: CONFIG = None, as_json: JSON = False) -> None:
    """Show the authority: its trust domain, roots, issuer, and what needs a hand."""
    from keyhole.control import identity

    folder = DataFolder(data or default_data_folder())
    told = identity.show(identity.settings_of(folder, config), folder)
    if as_json:
        print_json(told)
        return
    terminal = console()
    terminal.print(f"[bold]trust domain[/] {escape(told['trust_domain'])}")
    for root in told["roots"]:
        what = "signs" if root["signs"] else "trusted beside it"
        terminal.print(
            f"[bold]root[/] {root['sha256'][:16]}, {what}, until {root['not_after'][:10]}"
        )
    where = "here" if told["root_key"] else "elsewhere"
    terminal.print(
        f"[bold]issuer[/] until {told['issuer']['not_after'][:10]}; root-key.pem is {where}"
    )
    terminal.print(f"[bold]rotation[/] {told['rotation']}")
    revoked = told["revoked"]
    terminal.print(
        f"{told['living']} identities have a certificate that lives; revoked are "
        f"{len(revoked['identities'])} identities and {len(revoked['certificates'])} certificates"
    )
    for advice in told["advice"]:
        terminal.print(f"[yellow]![/] {escape(advice)}")


@app.command("issue", epilog=ISSUE_EXAMPLES)
def issue(
    name: Annotated[str, typer.Argument(help="web, or shop/web with a namespace.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where it is put.")],
    spiffe: Annotated[
        str | None, typer.Option("--spiffe", help="The SPIFFE ID, if not the one of the name.")
    ] = None,
    life: Annotated[str, typer.Option("--life", help="5m to 90d.")] = "24h",
    also_server: Annotated[
        bool, typer.Option("--server", help="It may also serve with it, not only ask.")
    ] = False,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Make key and certificate of a workload on this machine.

    For workloads on other machines use keyhole enroll: their key never
    leaves them, and they renew by themselves.
    """
    from keyhole.control import identity

    folder = DataFolder(data or default_data_folder())
    given = identity.issue(
        identity.settings_of(folder, config),
        folder,
        name,
        out,
        spiffe=spiffe,
        life=duration(life),
        also_server=also_server,
    )
    files = given.folder
    if as_json:
        print_json(
            {
                "spiffe": given.spiffe,
                "serial": given.serial,
                "not_after": given.not_after.isoformat(),
                "certificate": str(files.certificate),
                "key": str(files.key),
                "bundle": str(files.bundle),
            }
        )
        return
    terminal = console()
    terminal.print(
        f"[green]+[/] {escape(given.spiffe)}, until {given.not_after:%Y-%m-%d %H:%M} UTC"
    )
    for what, file in (("certificate", files.certificate), ("key", files.key)):
        terminal.print(f"  {what:12} {escape(str(file))}")
    terminal.print(f"  {'trust':12} {escape(str(files.bundle))}")
    for advice in given.advice:
        errors_console().print(f"[yellow]![/] {escape(advice)}")


@app.command("list", epilog=LIST_EXAMPLES)
def list_(
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is over, and certificates of servers.")
    ] = False,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """List the certificates that were issued, oldest first."""
    from keyhole.control.identity import list_issued

    issued = list_issued(DataFolder(data or default_data_folder()), everything=everything)
    if as_json:
        print_json(issued)
        return
    terminal = console()
    styles = {"good": "green", "revoked": "red", "expired": "dim"}
    for one in issued:
        state = f"[{styles[one['state']]}]{one['state']}[/]"
        whom = one["spiffe"] or ", ".join(one["names"])
        name = f"{one['name']}  " if one["name"] else ""
        terminal.print(
            f"{state}  [bold]{escape(name)}[/]{escape(whom)}  until {one['not_after'][:16]}  "
            f"[dim]{one['serial']}, {escape(one['how'])}[/]"
        )
    if not issued:
        terminal.print("none so far")


@app.command("revoke", epilog=REVOKE_EXAMPLES)
def revoke(
    whom: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|SPIFFE]", help="The name it was issued under, or its ID."),
    ] = None,
    serial: Annotated[
        str | None, typer.Option("--serial", help="One certificate, by its serial number.")
    ] = None,
    certificates: Annotated[
        bool,
        typer.Option("--certificates", help="Those issued so far, not the identity itself."),
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Take a revocation back.")] = False,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Refuse an identity or a certificate from now on, also on connections that are open."""
    from keyhole.control import identity

    if (whom is None) == (serial is None):
        raise typer.BadParameter("give a NAME or SPIFFE ID, or --serial")
    folder = DataFolder(data or default_data_folder())
    settings = identity.settings_of(folder, config)
    if serial is not None:
        meant = identity.revocation_of_serial(settings, folder, serial)
    else:
        assert whom is not None
        meant = identity.revocation_for(settings, folder, whom, certificates=certificates)
    change = identity.unrevoke_all if undo else identity.revoke_all
    count = change(folder, meant)
    names = sorted(meant.identities) or sorted(one for _, one, _ in meant.certificates)
    if as_json:
        print_json({"changed": count, "meant": names, "undo": undo})
    else:
        word = "no longer revoked" if undo else "revoked"
        for name in names:
            console().print(f"[{'green' if undo else 'red'}]{word}[/] {escape(name)}")
        if not count:
            console().print("nothing changed: that was so before")
    if not count:
        raise typer.Exit(FAILED)


@app.command("rotate", epilog=ROTATE_EXAMPLES)
def rotate(
    sign: Annotated[
        bool, typer.Option("--sign", help="Second step: the new root signs from now on.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Third step: the old root is trusted no longer.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Finish though clients still need the old root.")
    ] = False,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Move to a new root in three steps, so that nobody is locked out on the way."""
    from keyhole.control.identity import settings_of
    from keyhole.control.rotation import Step
    from keyhole.control.rotation import rotate as rotate_root

    if sign and finish:
        raise typer.BadParameter("--sign and --finish are two steps, with time between them")
    folder = DataFolder(data or default_data_folder())
    step = Step.SIGN if sign else Step.FINISH if finish else Step.PREPARE
    told = rotate_root(settings_of(folder, config), folder, step, force=force)
    if as_json:
        print_json({"phase": told.phase, "next": told.then})
        return
    console().print(f"[green]+[/] {escape(told.done)}")
    console().print(f"  {escape(told.then)}")
