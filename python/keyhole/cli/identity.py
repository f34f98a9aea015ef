"""``keyhole identity``: the certificates of workloads."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from keyhole.cli.app import FAILED
from keyhole.cli.options import CONFIG, DATA, JSON, WHY, duration
from keyhole.cli.output import console, errors_console, print_json
from keyhole.control.data_folder import DataFolder, default_data_folder

ISSUE_EXAMPLES = """
[bold]Examples[/]

  keyhole identity issue shop/web --out /etc/keyhole     .../ns/shop/sa/web

  keyhole identity issue ci --spiffe spiffe://keyhole.internal/ci/build --out ci

The folder then holds svid.pem, svid-key.pem and bundle.pem.

Exit code 0: issued. 1: not; the message says why.
"""

REVOKE_EXAMPLES = """
[bold]Examples[/]

  keyhole identity revoke shop/web                    the identity, permanently

  keyhole identity revoke shop/web --certificates     only its certificates: it may get a new one

  keyhole identity revoke --serial 4f3a...            one certificate

  keyhole identity revoke shop/web --undo             undo the revocation

Exit code 0: done. 1: no such identity or certificate, nothing to change, or an
engine that does not have it yet, which is named.
"""

ROTATE_EXAMPLES = """
[bold]Examples[/]

  keyhole identity rotate             1. a new root, trusted beside the old one

  keyhole identity rotate --sign      2. the new root signs; first let every client learn it

  keyhole identity rotate --finish    3. the old root is no longer trusted

Between the steps, wait until clients and other servers have the new root. Clients that run
keyhole enroll keep get it with their next renewal.

Exit code 0: done. 1: not yet; the message says why.
"""

LIST_EXAMPLES = """
[bold]Examples[/]

  keyhole identity list              valid certificates of clients

  keyhole identity list --all        all certificates ever issued
"""

app = typer.Typer(help="The authority and the certificates of workloads.", no_args_is_help=True)


@app.command("show")
def show(data: DATA = None, config: CONFIG = None, as_json: JSON = False) -> None:
    """Show the authority: trust domain, roots, issuer, and advice."""
    from keyhole.control import identity

    folder = DataFolder(data or default_data_folder())
    authority = identity.show(identity.settings_of(folder, config), folder)
    if as_json:
        print_json(authority)
        return
    terminal = console()
    terminal.print(f"[bold]trust domain[/] {escape(authority['trust_domain'])}")
    for root in authority["roots"]:
        what = "signs" if root["signs"] else "also trusted"
        terminal.print(
            f"[bold]root[/] {root['sha256'][:16]}, {what}, until {root['not_after'][:10]}"
        )
    where = "here" if authority["root_key"] else "elsewhere"
    terminal.print(
        f"[bold]issuer[/] until {authority['issuer']['not_after'][:10]}; root-key.pem is {where}"
    )
    terminal.print(f"[bold]rotation[/] {authority['rotation']}")
    revoked = authority["revoked"]
    terminal.print(
        f"{authority['living']} identities have a valid certificate; revoked are "
        f"{len(revoked['identities'])} identities and {len(revoked['certificates'])} certificates"
    )
    for advice in authority["advice"]:
        terminal.print(f"[yellow]![/] {escape(advice)}")


@app.command("issue", epilog=ISSUE_EXAMPLES)
def issue(
    name: Annotated[str, typer.Argument(help="web, or shop/web with a namespace.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the files.")
    ],
    spiffe: Annotated[
        str | None, typer.Option("--spiffe", help="The SPIFFE ID. Default: made from the name.")
    ] = None,
    life: Annotated[str, typer.Option("--life", help="Lifetime, 5m to 90d.")] = "24h",
    also_server: Annotated[
        bool, typer.Option("--server", help="The workload may also use it as a server.")
    ] = False,
    why: WHY = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Create key and certificate of a workload on this machine.

    For workloads on other machines use keyhole enroll: the key never leaves
    the machine, and renewal is automatic.
    """
    from keyhole.control import identity
    from keyhole.identity.journal import Author

    folder = DataFolder(data or default_data_folder())
    given = identity.issue(
        identity.settings_of(folder, config),
        folder,
        name,
        out,
        spiffe=spiffe,
        life=duration(life),
        also_server=also_server,
        author=Author.of_command(why),
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
        bool, typer.Option("--all", help="Also expired ones, and those of servers.")
    ] = False,
    data: DATA = None,
    as_json: JSON = False,
) -> None:
    """List the issued certificates, oldest first."""
    from keyhole.control.identity import list_issued

    issued = list_issued(DataFolder(data or default_data_folder()), everything=everything)
    if as_json:
        print_json(issued)
        return
    terminal = console()
    styles = {"good": "green", "revoked": "red", "expired": "dim"}
    for one in issued:
        state = f"[{styles[one['state']]}]{one['state']}[/]"
        holder = one["spiffe"] or ", ".join(one["names"])
        name = f"{one['name']}  " if one["name"] else ""
        terminal.print(
            f"{state}  [bold]{escape(name)}[/]{escape(holder)}  until {one['not_after'][:16]}  "
            f"[dim]{one['serial']}, {escape(one['how'])}[/]"
        )
    if not issued:
        terminal.print("no certificates")


@app.command("revoke", epilog=REVOKE_EXAMPLES)
def revoke(
    whom: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|SPIFFE]", help="Its name, or its SPIFFE ID."),
    ] = None,
    serial: Annotated[
        str | None, typer.Option("--serial", help="One certificate, by its serial number.")
    ] = None,
    certificates: Annotated[
        bool,
        typer.Option("--certificates", help="Only those issued so far, not the identity."),
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo a revocation.")] = False,
    why: WHY = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Revoke an identity or a certificate, also for open connections.

    It takes effect while documents are not valid, too, and ends when all
    engines have it, after ten seconds at the latest.
    """
    from keyhole.cli.delivery import deliver, show_missing
    from keyhole.control import identity
    from keyhole.identity.journal import Author
    from keyhole.identity.revoked import revoke as revoke_targets
    from keyhole.identity.revoked import unrevoke

    if (whom is None) == (serial is None):
        raise typer.BadParameter("give a NAME or SPIFFE ID, or --serial")
    folder = DataFolder(data or default_data_folder())
    settings = identity.settings_in_force(folder, config)
    if serial is not None:
        targets = identity.revocation_of_serial(settings, folder, serial)
    else:
        assert whom is not None
        targets = identity.revocation_for(folder, whom, certificates=certificates)
    notes = [] if undo else identity.unreached_by_mesh(settings, folder, targets)
    change = unrevoke if undo else revoke_targets
    count = change(folder.identity, targets, Author.of_command(why))
    missing = deliver(settings, folder)
    names = sorted(targets.identities | targets.older)
    names += sorted(one for _, one, _ in targets.certificates)
    if as_json:
        print_json({"changed": count, "meant": names, "undo": undo, "undelivered": missing})
    else:
        word = "no longer revoked" if undo else "revoked"
        for name in names:
            console().print(f"[{'green' if undo else 'red'}]{word}[/] {escape(name)}")
        if not count:
            console().print("nothing changed")
    for note in notes:
        errors_console().print(f"[yellow]![/] {escape(note)}")
    show_missing(missing)
    if not count or missing:
        raise typer.Exit(FAILED)


@app.command("rotate", epilog=ROTATE_EXAMPLES)
def rotate(
    sign: Annotated[
        bool, typer.Option("--sign", help="Second step: sign with the new root.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Third step: stop trusting the old root.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Finish although clients still need the old root.")
    ] = False,
    why: WHY = None,
    data: DATA = None,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Replace the root in three steps, so that no client loses access."""
    from keyhole.cli.delivery import deliver, show_missing
    from keyhole.control.identity import settings_in_force
    from keyhole.control.rotation import Step
    from keyhole.control.rotation import rotate as rotate_root
    from keyhole.identity.journal import Author

    if sign and finish:
        raise typer.BadParameter("--sign and --finish are two steps, with time between them")
    folder = DataFolder(data or default_data_folder())
    step = Step.SIGN if sign else Step.FINISH if finish else Step.PREPARE
    settings, author = settings_in_force(folder, config), Author.of_command(why)
    step_result = rotate_root(settings, folder, step, force=force, author=author)
    missing = deliver(settings, folder)
    if as_json:
        answer = {"phase": step_result.phase, "next": step_result.then, "undelivered": missing}
        print_json(answer)
    else:
        console().print(f"[green]+[/] {escape(step_result.done)}")
        console().print(f"  {escape(step_result.then)}")
    show_missing(missing)
    if missing:
        raise typer.Exit(FAILED)
