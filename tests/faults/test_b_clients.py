"""Section B: clients that people have get through, each where `keyhole profile` points."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.world import own_authority as own
from tests.world.callers import Caller
from tests.world.certificates import Authority, Pair
from tests.world.outcome import outcome_of
from tests.world.ports import free_port
from tests.world.private_etc import PrivateEtc, needs_private_etc
from tests.world.process import Program
from tests.world.resolver import Resolver, document
from tests.world.signed_zone import ADDRESS as SIGNED_ADDRESS
from tests.world.signed_zone import FORGED, GENUINE, SignedRoot
from tests.world.tools import find, needs, run
from tests.world.upstream import ADDRESS, Upstream
from tests.world.waiting import until
from tests.world.web_site import PAGE, WebSite, web_site

HOST, DEVICES = "resolver.example.org", "devices.resolver.example.org"
# A name that nobody on the internet has: only a record of Keyhole leads to the site.
SITE = "shop.only-here.example"
BROWSER_SECONDS = 120.0

BY_TRANSPORT: dict[str, Any] = {"names": {}}
"""The defaults: DoH asks nobody."""
BY_NAME: dict[str, Any] = {"doh": "ask", "names": {DEVICES: "never"}}
"""DoH and DoT ask, and one name does not."""


@dataclass(frozen=True)
class Home:
    """A strict Keyhole with a workload, and a laptop that has a token. Of its log it shows what was
    asked after ``begun``, in Unix time."""

    resolver: Resolver
    token: str
    workload: Pair
    workload_folder: Path
    device: str
    """The name that devices with a token use."""
    begun: float = 0.0

    def profile(self, kind: str, *words: str) -> dict[str, Any]:
        """The profile for a program with the token, or with the options in ``words``."""
        credential = words or ("--token-file", str(self.resolver.folder / "laptop.token"))
        roots = str(self.resolver.server.ca)
        said = own.keyhole(self.resolver, "profile", kind, "--roots", roots, "--json", *credential)
        made: dict[str, Any] = json.loads(said)
        return made

    def events(self, name: str) -> list[dict[str, Any]]:
        """What the query log says of a name since it began."""
        path = self.resolver.folder / "log" / "queries.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        written = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in written if event["name"] == name and self._is_new(event)]

    def _is_new(self, event: dict[str, Any]) -> bool:
        return datetime.fromisoformat(event["time"]).timestamp() >= self.begun

    def was_asked(self, name: str, transport: str) -> None:
        """Waits until the log shows that the laptop asked for a name over this transport."""

        def written() -> bool:
            return any(
                (event["transport"], event["token"], event["outcome"])
                == (transport, "laptop", "answered")
                for event in self.events(name)
            )

        self.resolver.wait_for(written, f"the query for {name} over {transport} is in the log")


def _home(one: Resolver, upstream: Upstream, folder: Path, setting: dict[str, Any]) -> Home:
    one.configure(
        authentication={"dot": "strict", "doh": "strict"},
        # Keyhole's own certificate, as most people have it.
        tls={"names": [HOST, DEVICES]},
        client_certificates=setting,
        identity={"trust_domain": "own.test"},
    )
    token = own.create_token(one, "laptop")
    (one.folder / "laptop.token").write_text(token)
    workload = own.issue(one, "shop/web", folder / "workload")
    one.write(
        one.upstream(upstream.port),
        document("Record", "site", name=SITE, a=["127.0.0.1"]),
        document(
            "Policy",
            "home",
            subjects=["token:laptop", "spiffe://own.test/*", "cidr:127.0.0.0/8"],
            default="allow",
            upstreams=["test"],
        ),
    )
    # Every program may read this copy, whoever it runs as.
    roots = folder / "keyhole-roots.pem"
    roots.write_bytes((one.folder / "identity" / "bundle.pem").read_bytes())
    one.server = replace(one.server, ca=roots)
    device = DEVICES if setting is BY_NAME else HOST
    return Home(one.start(), token, workload, folder / "workload", device)


@pytest.fixture(scope="module", params=[BY_TRANSPORT, BY_NAME], ids=["defaults", "by-name"])
def kept_home(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    authority: Authority,
    shared_upstream: Upstream,
) -> Iterator[Home]:
    """The home of a setting, for all tests: they only ask."""
    folder = tmp_path_factory.mktemp("home")
    resolver = Resolver(folder / "data", authority)
    try:
        yield _home(resolver, shared_upstream, folder, request.param)
    finally:
        resolver.stop()


@pytest.fixture
def home(kept_home: Home) -> Home:
    """The home as a test finds it: it sees no query of another test."""
    return replace(kept_home, begun=time.time())


@pytest.fixture
def site(authority: Authority) -> Iterator[WebSite]:
    with web_site(authority.issue(SITE)) as one:
        yield one


@pytest.fixture
def etc(tmp_path: Path) -> PrivateEtc:
    """An /etc in which the names of Keyhole are known, as on a machine that can find it."""
    folder = tmp_path / "etc"
    folder.mkdir()
    one = PrivateEtc(folder)
    one.name(HOST, DEVICES)
    return one


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[Program]:
    program = Program(command, log, environment)
    try:
        yield program
    finally:
        program.stop()


def loads_the_page(home: Home, site: WebSite, command: list[str], log: Path) -> None:
    """The browser loads the page of the site, and asked Keyhole over DoH where it is."""
    with running(command, log, HOME=str(log.parent), MOZ_HEADLESS="1") as browser:

        def loaded() -> bool:
            found = any(host == f"{SITE}:{site.port}" for host, _ in site.requests)
            if not found:
                assert browser.is_running() or site.requests, browser.output
            return found

        until(loaded, f"the browser loads the page; it said {browser.log}", BROWSER_SECONDS)
    home.was_asked(SITE, "doh")


# The authority of the site is trusted beside that of Keyhole, as a company would have it.


@needs("chromium")
@needs_private_etc
def test_chromium_loads_a_page_that_only_keyhole_leads_to(
    home: Home,
    site: WebSite,
    etc: PrivateEtc,
    authority: Authority,
    tmp_path: Path,
) -> None:
    made = home.profile("chromium")
    policy = json.loads(made["text"])
    pem = authority.root.read_text().split("-----")[2]
    policy["CACertificates"].append("".join(pem.split()))
    etc.write(made["file"], json.dumps(policy))
    page = f"https://{SITE}:{site.port}/"
    command = etc.command(
        find("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
        "--disable-dev-shm-usage", f"--user-data-dir={tmp_path / 'chromium'}",
        "--timeout=60000", "--dump-dom", page,
    )  # fmt: skip
    loads_the_page(home, site, command, tmp_path / "chromium.log")
    assert urlsplit(policy["DnsOverHttpsTemplates"]).hostname == home.device


@needs("firefox-esr")
@needs_private_etc
def test_firefox_loads_a_page_that_only_keyhole_leads_to(
    home: Home,
    site: WebSite,
    etc: PrivateEtc,
    authority: Authority,
    tmp_path: Path,
) -> None:
    made = home.profile("firefox")
    policy = json.loads(made["text"])
    policy["policies"]["Certificates"]["Install"].append(str(authority.root))
    etc.write(made["file"], json.dumps(policy))
    profile = tmp_path / "firefox"
    profile.mkdir()
    command = etc.command(
        find("firefox-esr"), "--headless", "--no-remote", "--profile", str(profile),
        "--screenshot", str(tmp_path / "page.png"), f"https://{SITE}:{site.port}/",
    )  # fmt: skip
    loads_the_page(home, site, command, tmp_path / "firefox.log")


@needs("curl")
@needs_private_etc
def test_curl_loads_a_page_by_the_url_of_a_token(
    home: Home,
    site: WebSite,
    etc: PrivateEtc,
    authority: Authority,
    tmp_path: Path,
) -> None:
    url = json.loads(home.profile("chromium")["text"])["DnsOverHttpsTemplates"]
    both = tmp_path / "both.pem"
    both.write_bytes(authority.root.read_bytes() + home.resolver.server.ca.read_bytes())
    found = run(*etc.command(find("curl"), "--silent", "--show-error", "--noproxy", "*",
                             "--doh-url", url, "--cacert", str(both),
                             f"https://{SITE}:{site.port}/"))  # fmt: skip
    assert PAGE in found.stdout, found
    home.was_asked(SITE, "doh")


@needs("kdig")
def test_kdig_asks_with_a_token_and_with_a_certificate_where_each_is_taken(home: Home) -> None:
    server = home.resolver.server
    shown = [f"+tls-certfile={home.workload.certificate}", f"+tls-keyfile={home.workload.key}"]

    def kdig(port: int, *words: str) -> str:
        found = run("kdig", "@127.0.0.1", "-p", str(port), f"+tls-ca={server.ca}",
                    "+retry=0", "+time=30", *words, "www.example.org")  # fmt: skip
        return found.stdout + found.stderr

    url = urlsplit(json.loads(home.profile("chromium")["text"])["DnsOverHttpsTemplates"])
    assert url.port is not None
    by_token = kdig(url.port, f"+https={url.path}", f"+tls-hostname={url.hostname}")
    assert ADDRESS in by_token
    by_token = kdig(server.dot, "+tls", f"+tls-hostname={home.token}.{DEVICES}",
                    f"+tls-sni={home.token}.{DEVICES}")  # fmt: skip
    assert ADDRESS in by_token
    assert ADDRESS in kdig(server.dot, "+tls", f"+tls-hostname={HOST}", *shown)
    over_doh = kdig(server.doh, "+https", f"+tls-hostname={HOST}", *shown)
    # Where nobody is asked, a certificate helps nobody, and the policy of the network does not
    # step in.
    assert (ADDRESS if home.device == DEVICES else "no_identity") in over_doh
    assert "no_identity" in kdig(server.dot, "+tls", f"+tls-hostname={DEVICES}", *(
        shown if home.device == DEVICES else []))  # fmt: skip


def answers(program: Program, port: int, name: str, *words: str) -> str:
    """What dig hears from a stub resolver, once that answers."""

    def heard() -> str | None:
        program.must_run()
        found = run("dig", "@127.0.0.1", "-p", str(port), "+time=5", "+tries=1", *words, name)
        return found.stdout if "status: NOERROR" in found.stdout else None

    return until(heard, f"the resolver answers; it said {program.log}")


_UNBOUND = """
server:
    interface: 127.0.0.1@{port}
    module-config: "{modules}"
    chroot: ""
    username: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    do-ip6: no
remote-control:
    control-enable: no
"""


def forwards(home: Home, port: int, command: list[str], log: Path) -> None:
    """The stub resolver at the port asks Keyhole over DoT."""
    name = f"{log.stem}.example.org"
    with running(command, log) as stub:
        assert ADDRESS in answers(stub, port, name)
    home.was_asked(name, "dot")


@needs("unbound")
@needs("dig")
def test_unbound_forwards_to_where_its_profile_points(home: Home, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "unbound.conf"
    config.write_text(
        home.profile("unbound")["text"]
        + _UNBOUND.format(port=port, folder=tmp_path, modules="iterator")
    )
    command = [find("unbound"), "-d", "-c", str(config)]
    forwards(home, port, command, tmp_path / "unbound.log")


@needs("stubby")
@needs("dig")
def test_stubby_forwards_to_where_its_profile_points(home: Home, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "stubby.yml"
    text = home.profile("stubby")["text"]
    assert "127.0.0.1@53" in text
    config.write_text(text.replace("127.0.0.1@53", f"127.0.0.1@{port}"))
    forwards(home, port, [find("stubby"), "-C", str(config)], tmp_path / "stubby.log")


def test_each_profile_points_to_a_listener_that_takes_what_its_client_shows(home: Home) -> None:
    device = home.device
    chromium = json.loads(home.profile("chromium")["text"])["DnsOverHttpsTemplates"]
    assert urlsplit(chromium).hostname == device
    assert f"#{home.token}.{device}" in home.profile("unbound")["text"]
    assert f'"{home.token}.{device}"' in home.profile("stubby")["text"]
    assert f"#{home.token}.{device}" in home.profile("systemd-resolved")["text"]
    coredns = home.profile("coredns", "--identity", str(home.workload_folder))["text"]
    assert f"tls_servername {HOST}\n" in coredns
    shown = Caller(certificate=home.workload)
    assert outcome_of(replace(home.resolver.server, name=HOST), "dot", shown) == "answered"


def test_a_profile_that_no_listener_can_serve_says_which_setting_is_missing(
    make_resolver: Callable[[], Resolver], shared_upstream: Upstream, tmp_path: Path
) -> None:
    home = _home(make_resolver(), shared_upstream, tmp_path, {"doh": "ask"})
    words = ["--token-file", str(home.resolver.folder / "laptop.token")]
    told = home.resolver.command("profile", "chromium", *words)
    assert told.returncode == 1
    assert "never in client_certificates" in told.stderr
    folder = str(home.workload_folder)
    home.resolver.configure(client_certificates={"dot": "never"}, tls={"names": [HOST]})
    told = home.resolver.command("profile", "coredns", "--identity", folder)
    assert told.returncode == 1
    assert "ask in client_certificates" in told.stderr


@needs("unbound")
@needs("dig")
def test_an_unbound_that_validates_gets_the_signatures_through_keyhole(
    make_resolver: Callable[[], Resolver], authority: Authority, tmp_path: Path
) -> None:
    zone, port = SignedRoot(), free_port()
    pair = authority.issue("upstream.example.org", "127.0.0.1")
    with Upstream(pair, zone=zone) as upstream:  # type: ignore[arg-type]
        one = make_resolver()
        one.write(
            one.upstream(upstream.port),
            document("Policy", "home", default="allow", upstreams=["test"]),
        )
        one.configure(tls={"names": [HOST]})
        one.start()
        roots = str(one.folder / "identity" / "bundle.pem")
        profile = json.loads(own.keyhole(one, "profile", "unbound", "--roots", roots, "--json"))
        anchor = tmp_path / "root.key"
        anchor.write_text(zone.anchor + "\n")
        config = tmp_path / "unbound.conf"
        config.write_text(
            profile["text"]
            + _UNBOUND.format(port=port, folder=tmp_path, modules="validator iterator")
            + f"""
server:
    trust-anchor-file: "{anchor}"
"""
        )
        command = [find("unbound"), "-d", "-c", str(config)]
        with running(command, tmp_path / "unbound.log") as unbound:
            told = answers(unbound, port, GENUINE, "+dnssec")
            assert " ad" in told.split("flags:")[1].split(";")[0], told
            assert SIGNED_ADDRESS in told
            forged = run("dig", "@127.0.0.1", "-p", str(port), "+time=30", FORGED).stdout
            assert "status: SERVFAIL" in forged
            unchecked = run("dig", "@127.0.0.1", "-p", str(port), "+cd", "+time=30", FORGED).stdout
            assert SIGNED_ADDRESS in unchecked


_RESOLVED = shutil.which("systemd-resolved", path=f"{os.environ['PATH']}:/usr/lib/systemd")
_USER = "systemd-resolve"


@needs("dig")
@needs_private_etc
@pytest.mark.skipif(
    _RESOLVED is None,
    reason="systemd-resolved is missing; ./dev test unpacks it where apt-get and dpkg are (its "
    "package would take over /etc/resolv.conf)",
)
@pytest.mark.skipif(os.geteuid() != 0, reason="systemd-resolved changes to a user of its own")
def test_systemd_resolved_asks_where_its_profile_points(
    home: Home,
    etc: PrivateEtc,
    tmp_path: Path,
) -> None:
    port = free_port()
    made = home.profile("systemd-resolved")
    etc.write(made["file"], made["text"])
    # The stub beside the usual one, which another program may have; the tests' zone is not signed.
    stub = f"DNSStubListener=no\nDNSStubListenerExtra=127.0.0.1:{port}\nDNSSEC=no\n"
    etc.write("/etc/systemd/resolved.conf", f"[Resolve]\n{stub}")
    etc.append("/etc/ssl/certs/ca-certificates.crt", home.resolver.server.ca.read_text())
    if _USER not in (etc.folder / "passwd").read_text():
        etc.append("/etc/passwd", f"{_USER}:x:990:990::/:/usr/sbin/nologin\n")
        etc.append("/etc/group", f"{_USER}:x:990:\n")
    own_run = "/run/systemd/resolve"
    made_run = f"umask 022 && mkdir -p {own_run} && chown {_USER}:{_USER} {own_run}"
    prepare = f'{made_run} && exec "$0"'
    command = etc.command("sh", "-c", prepare, str(_RESOLVED), with_run=True)
    with running(command, tmp_path / "resolved.log") as resolved:
        assert ADDRESS in answers(resolved, port, "resolved.example.org")
    home.was_asked("resolved.example.org", "dot")
