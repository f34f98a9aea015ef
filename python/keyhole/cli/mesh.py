"""``keyhole mesh``: manifests for a cluster, a check of manifests, the state of a cluster."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from keyhole.cli import mesh_status
from keyhole.cli.app import FAILED
from keyhole.cli.options import JSON
from keyhole.cli.output import console, print_json

if TYPE_CHECKING:
    from keyhole.mesh.objects import World

RENDER_EXAMPLES = """
[bold]Examples[/]

  keyhole mesh render ambient > keyhole.yaml

  keyhole mesh render plain --namespace dns --image registry.example.org/keyhole:0.1.0

Exit code 0: printed. 1: a value cannot be used; the message says why.
"""

CHECK_EXAMPLES = """
[bold]Examples[/]

  keyhole mesh check manifests/                 a folder, with every file in it

  keyhole mesh check keyhole.yaml coredns.yaml  together

  helm template keyhole deploy/helm/keyhole | keyhole mesh check -

  keyhole mesh check --kubeconfig ~/.kube/config --namespace keyhole --namespace istio-system

Exit code 0: no trap. 1: at least one, or the manifests cannot be read.
"""

app = typer.Typer(help="Keyhole in a cluster, with Istio or without.", no_args_is_help=True)
app.add_typer(mesh_status.app)


@app.command("render", epilog=RENDER_EXAMPLES)
def render(
    mode: Annotated[str, typer.Argument(metavar="MODE", help="sidecar, ambient or plain.")],
    namespace: Annotated[
        str, typer.Option("--namespace", help="Where Keyhole is installed.")
    ] = "keyhole",
    image: Annotated[str, typer.Option("--image", help="The image of Keyhole.")] = "keyhole:0.1.0",
    control: Annotated[
        str, typer.Option("--control", metavar="ADDRESS", help="Service address of control.")
    ] = "10.96.0.52",
    resolver: Annotated[
        str, typer.Option("--resolver", metavar="ADDRESS", help="Service address of resolvers.")
    ] = "10.96.0.53",
    forwarder: Annotated[
        str, typer.Option("--forwarder", metavar="ADDRESS", help="Service address of forwarders.")
    ] = "10.96.0.54",
    trust_domain: Annotated[
        str, typer.Option("--trust-domain", help="The trust domain of the mesh.")
    ] = "cluster.local",
) -> None:
    """Print the manifests of Keyhole, without Helm.

    The addresses are fixed ones in the service network of the cluster. The
    Helm chart has more to choose from.
    """
    from keyhole.mesh.render import Place
    from keyhole.mesh.render import render as render_manifests

    place = Place(namespace, image, control, resolver, forwarder, trust_domain)
    print(render_manifests(mode, place), end="")


@app.command("check", epilog=CHECK_EXAMPLES)
def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE...]", help="Files and folders; - is standard input."),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option("--kubeconfig", help="Read from the cluster of its current context instead."),
    ] = None,
    namespaces: Annotated[
        list[str] | None,
        typer.Option("--namespace", help="Only from this namespace of it; may be repeated."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Find what breaks DNS in a mesh, in manifests, and say what would be right.

    Give all manifests that belong together, with the namespaces: their
    labels say which mesh they are in. From a cluster nothing but lists of
    objects is read, and no Secret.
    """
    from keyhole.mesh.check import check as check_world

    if bool(files) == bool(kubeconfig) or (namespaces and not kubeconfig):
        raise typer.BadParameter("give files, or --kubeconfig with any number of --namespace")
    world = _from_cluster(kubeconfig, namespaces or []) if kubeconfig else _from_files(files or [])
    findings = check_world(world)
    if as_json:
        print_json({"objects": len(world.manifests), "traps": [asdict(one) for one in findings]})
    else:
        terminal = console()
        for one in findings:
            terminal.print(f"[red]{one.trap}[/] [bold]{escape(one.object)}[/] {escape(one.file)}")
            terminal.print(f"  {escape(one.why)}")
            terminal.print(f"  [green]right:[/] {escape(one.cure)}")
        count = f"{len(findings)} traps" if len(findings) != 1 else "1 trap"
        terminal.print(f"{count if findings else 'no trap'} in {len(world.manifests)} objects")
    if findings:
        raise typer.Exit(FAILED)


def _from_files(files: list[str]) -> "World":
    from keyhole.mesh.objects import World, read_paths, read_text

    world = read_paths(Path(file) for file in files if file != "-")
    if "-" in files:
        return World((*world.manifests, *read_text(sys.stdin.read(), "standard input")))
    return world


def _from_cluster(kubeconfig: Path, namespaces: list[str]) -> "World":
    from keyhole.mesh.cluster import read_cluster
    from keyhole.mesh.kubeconfig import read_kubeconfig

    return read_cluster(read_kubeconfig(kubeconfig.expanduser()), namespaces)
