"""The Debian package is installed, serves, is upgraded and removed, on a machine with systemd and
without a network.

One run goes through all of it, as the guide does, because to install takes seconds; each test looks
at a part of what was printed.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, SHELL
from tests.world.spare_machine import needs_spare_machine, run_in_spare_machine
from tests.world.tools import needs

pytestmark = [needs_spare_machine, needs("dig"), needs("kdig"), pytest.mark.timeout(900)]

_GUIDE = ROOT / "docs" / "guides" / "install.md"
_PACKAGE = "keyhole_0.1.0-1+py311_amd64.deb"
"""As the guide calls it."""
_DOCUMENTS = """\
apiVersion: keyhole.dev/v1
kind: Record
metadata: {name: printer}
spec: {name: printer.example.org, a: [192.0.2.7]}
"""
_TALK = """\
export DEBIAN_FRONTEND=noninteractive
echo 'APT::Get::Assume-Yes "true"; APT::Sandbox::User "root";' >/run/apt.conf
export APT_CONFIG=/run/apt.conf
cd /run/given
# What apt, dpkg, useradd and a first boot keep for themselves is no part of the package.
changed() {
  (cd /run/changed && find . ! -type d ! -path './var/lib/dpkg/*' ! -path './var/log/*' \\
    ! -path './var/cache/*' ! -path './var/lib/apt/*' ! -path './etc/passwd*' \\
    ! -path './etc/group*' ! -path './etc/shadow*' ! -path './etc/gshadow*' \\
    ! -path './etc/sub?id*' ! -path './etc/.pwd.lock' ! -path './etc/machine-id' \\
    ! -path './var/lib/PackageKit/*' ! -type c | sort)
}
wait_for() {
  last=$(($(date +%s) + 180))
  until "$@" >/run/waited 2>&1; do
    if [ "$(date +%s)" -ge "$last" ]; then
      cat /run/waited >&2
      journalctl --no-pager --lines 100 >&2
      return 1
    fi
    sleep 0.1
  done
}
answers() {
  dig @127.0.0.1 -p 5300 printer.example.org | grep -q 192.0.2.7
}
"""


def _guide() -> list[list[str]]:
    """The lines of each block of the guide: install, use, remove."""
    return [part[2].splitlines() for part in SHELL.finditer(_GUIDE.read_text())]


def _script() -> str:
    install, use, remove = _guide()
    # There is no internet: the name that the guide asks for is a local record here.
    use = [line.replace("www.debian.org", "printer.example.org") for line in use]
    parts = {
        "installed": [
            "mkdir -p /var/lib/keyhole && echo mine >/var/lib/keyhole/keyhole.yaml",
            "apt install ./*.deb >/run/refused 2>&1 || grep ^keyhole: /run/refused",
            "chown -R keyhole: /var/lib/keyhole; dpkg --configure keyhole 2>&1 | grep ^keyhole:",
            "cat /var/lib/keyhole/keyhole.yaml.dpkg-old; rm /var/lib/keyhole/keyhole.yaml.dpkg-old",
            *install,
            "stat -c '%U:%G %a %n' /etc/keyhole /etc/keyhole/keyhole.yaml /var/lib/keyhole",
            "getent passwd keyhole",
            "dpkg --verify keyhole",
            "systemd-analyze verify --man=no keyhole.service 2>&1 | grep -i keyhole || true",
        ],
        "served": [
            "wait_for keyhole engines",
            "cp /run/given/printer.yaml /etc/keyhole/documents/",
            "wait_for answers",
            *use,
            "find /var/lib/keyhole ! -user keyhole ! -type l",
        ],
        "systemd": [
            "systemctl show keyhole -p ActiveState -p StatusText -p NRestarts",
            "grep -E 'CapEff|NoNew|Seccomp:' /proc/$(systemctl show -P MainPID keyhole)/status",
            # A port below 1024 needs the one capability.
            "sed -i 's/127.0.0.1:5300/127.0.0.1:53/' /etc/keyhole/keyhole.yaml",
            "systemctl restart keyhole",
            "dig @127.0.0.1 +short printer.example.org",
            "journalctl -u keyhole -o cat --no-pager",
        ],
        "upgraded": [
            "echo '# mine' >>/etc/keyhole/keyhole.yaml",
            "ls -m /etc/keyhole/documents; rm /etc/keyhole/documents/lists.yaml",
            "apt install ./later/*.deb",
            "tail -n 1 /etc/keyhole/keyhole.yaml",
            "readlink /var/lib/keyhole/keyhole.yaml",
            "dpkg-query --showformat '${Version}\\n' --show keyhole",
            "find /usr/lib/keyhole/lib -path '*/keyhole/__pycache__/__main__.*'",
            "ls -m /etc/keyhole/documents",
            # It was started again, and is ready once dpkg has ended.
            "dig @127.0.0.1 +short printer.example.org",
        ],
        "set up": [
            "keyhole setup --replace --anyway --listen 127.0.0.1 --serve none --upstream mullvad"
            " --list none --one-time-password",
            "stat -c '%U:%G %a %n' /etc/keyhole/keyhole.yaml /etc/keyhole/documents/*",
            "ls -m /etc/keyhole; find /var/lib/keyhole ! -user keyhole ! -type l",
            "systemctl restart keyhole",
            "dig @127.0.0.1 1.0.0.10.in-addr.arpa PTR | grep status:",
            "rm -r /etc/keyhole/*.old",
        ],
        "removed": [remove[0], "changed", "systemctl is-active keyhole || true"],
        "purged": [remove[1], "changed", "! getent passwd keyhole"],
    }
    lines = [line for name, part in parts.items() for line in (f"echo '=== {name}'", *part)]
    return "\n".join((_TALK, *lines, ""))


def _later(package: Path, folder: Path) -> None:
    """The same package with a later version, in a folder."""
    files = folder / "files"
    subprocess.run(["dpkg-deb", "-R", str(package), str(files)], check=True)
    control = files / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9"))
    pack = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(files), str(folder)]
    subprocess.run(pack, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(files)


@pytest.fixture(scope="module")
def told(with_deb: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each part of the run printed."""
    given = tmp_path_factory.mktemp("given")
    given.chmod(0o755)
    (package,) = with_deb.glob("*.deb")
    shutil.copy(package, given / _PACKAGE)
    (given / "later").mkdir()
    _later(package, given / "later")
    (given / "printer.yaml").write_text(_DOCUMENTS)
    (given / "printer.yaml").chmod(0o644)
    return dict(_parts(run_in_spare_machine(_script(), given)))


def _parts(output: str) -> Iterator[tuple[str, str]]:
    for part in output.split("=== ")[1:]:
        name, _, text = part.partition("\n")
        yield name, text


def test_only_the_service_reads_its_data_and_only_root_writes_its_settings(
    told: dict[str, str],
) -> None:
    installed = told["installed"]
    assert "root:keyhole 750 /etc/keyhole\n" in installed
    assert "root:root 644 /etc/keyhole/keyhole.yaml\n" in installed
    assert "keyhole:keyhole 700 /var/lib/keyhole\n" in installed
    assert re.search(r"(?m)^keyhole:.*:/var/lib/keyhole:/usr/sbin/nologin$", installed)


def test_the_data_of_another_keyhole_is_not_taken_without_asking_and_its_settings_are_kept(
    told: dict[str, str],
) -> None:
    refused, kept, settings = told["installed"].splitlines()[:3]
    assert refused.startswith("keyhole: /var/lib/keyhole belongs to another Keyhole. ")
    assert kept.startswith("keyhole: the settings are in /etc/keyhole/keyhole.yaml now; ")
    assert settings == "mine"


def test_every_file_is_as_packed_and_systemd_finds_no_mistake_in_the_unit(
    told: dict[str, str],
) -> None:
    # dpkg --verify and systemd-analyze verify print what is wrong.
    assert told["installed"].rstrip().endswith("/usr/sbin/nologin")


def test_it_answers_over_udp_and_tls_and_a_blocked_name_says_why(told: dict[str, str]) -> None:
    served = told["served"]
    assert "EDE: 15 (Blocked)" in served
    assert re.search(
        r";; TLS session .*\n(?:.*\n)*?printer\.example\.org\.\s.*192\.0\.2\.7", served
    )
    assert "http://127.0.0.1:8080/#link=" in served


def test_commands_of_root_leave_no_file_of_root_in_the_data_folder(told: dict[str, str]) -> None:
    assert not re.search(r"(?m)^/var/lib/keyhole", told["served"])


def test_systemd_runs_it_with_one_capability_and_knows_that_it_is_ready(
    told: dict[str, str],
) -> None:
    lines = told["systemd"].splitlines()
    assert {"ActiveState=active", "StatusText=DNS is served", "NRestarts=0"} <= set(lines)
    assert {"CapEff:\t0000000000000400", "NoNewPrivs:\t1", "Seccomp:\t2"} <= set(lines)
    # Systemd said that it is started, so the first query on port 53 was answered.
    assert "192.0.2.7" in lines


def test_setup_replaces_the_settings_of_the_package_and_nothing_in_the_data_folder(
    told: dict[str, str],
) -> None:
    """The service reads what root has written, and what was there is kept."""
    said = told["set up"]
    assert "root:root 644 /etc/keyhole/keyhole.yaml\n" in said
    assert "root:root 644 /etc/keyhole/documents/upstreams.yaml\n" in said
    assert "documents, documents.old, keyhole.yaml, keyhole.yaml.old" in said
    assert "systemctl restart keyhole" in said
    assert not re.search(r"(?m)^/var/lib/keyhole", said)
    assert "status: NXDOMAIN" in said


def test_it_ends_in_order_and_writes_lines_of_json_to_the_journal(told: dict[str, str]) -> None:
    events = [json.loads(line) for line in told["systemd"].splitlines() if line.startswith("{")]
    assert [one for one in events if one["event"].startswith("ending; ")]
    assert [one for one in events if "starting it again" in one["event"]] == []


def test_an_upgrade_keeps_changed_settings_and_compiles_the_new_modules(
    told: dict[str, str],
) -> None:
    assert re.search(r"# mine\n/etc/keyhole/keyhole\.yaml\n9\S+\n", told["upgraded"])
    assert "/keyhole/__pycache__/__main__.cpython-311.pyc" in told["upgraded"]
    assert told["upgraded"].rstrip().endswith("\n192.0.2.7")


def test_a_first_installation_blocks_a_list_and_an_upgrade_does_not_give_it_back(
    told: dict[str, str],
) -> None:
    found = re.findall(r"(?m)^.*policy\.yaml, .*$", told["upgraded"])
    before = "lists.yaml, policy.yaml, printer.yaml, upstreams.yaml"
    assert found == [before, before.removeprefix("lists.yaml, ")]


def test_removal_leaves_settings_and_data_alone(told: dict[str, str]) -> None:
    left = re.findall(r"(?m)^\./.*", told["removed"])
    assert "./etc/keyhole/keyhole.yaml" in left
    assert "./var/lib/keyhole/identity/root.pem" in left
    others = ("./etc/keyhole/", "./var/lib/keyhole/")
    assert [one for one in left if not one.startswith(others)] == []
    assert told["removed"].rstrip().endswith("\ninactive")


def test_purge_leaves_nothing(told: dict[str, str]) -> None:
    assert re.findall(r"(?m)^\./.*", told["purged"]) == []
