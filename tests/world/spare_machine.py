"""A copy of this machine that a test may change, with a systemd of its own: packages are installed
there, services run there, and nothing here changes.

Its file system is an overlay over the one of this machine, in memory. It has its own processes and
no network but loopback.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_UNSHARE = [
    *("unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--cgroup"),
    *("--fork", "--kill-child"),
]
_SYSTEMD = Path("/lib/systemd/systemd")
_PREPARE = """
set -e
# Commands that a test calls in its own process leave a narrower one behind.
umask 022
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
R=/mnt/root
mount -t proc proc $R/proc
mount -t sysfs sysfs $R/sys
mount -t cgroup2 cgroup2 $R/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $R/run
mount -t tmpfs -o mode=1777 tmpfs $R/tmp
mount -t tmpfs -o mode=755 tmpfs $R/dev
for device in null zero full random urandom tty; do
  touch $R/dev/$device
  mount --bind /dev/$device $R/dev/$device
done
mkdir $R/dev/pts $R/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts $R/dev/pts
mount -t tmpfs tmpfs $R/dev/shm
ln -s pts/ptmx $R/dev/ptmx
ln -s /proc/self/fd $R/dev/fd
mkdir $R/run/given $R/run/changed
mount --bind "$0" $R/run/given
ip link set lo up
"""
_BOOT = """
# Containers of build machines forbid to start services; this one does not.
rm -f $R/usr/sbin/policy-rc.d
mkdir -p $R/run/systemd/system
cat >$R/run/systemd/system/script.service <<'UNIT'
[Unit]
DefaultDependencies=no
Requires=dbus.socket
After=dbus.socket
[Service]
Type=oneshot
Environment=LC_ALL=C.UTF-8 HOME=/root
StandardOutput=append:/run/given/output
StandardError=append:/run/given/errors
ExecStart=/bin/sh -c '/bin/sh /run/given/script; echo $? >/run/given/code'
ExecStopPost=/bin/systemctl --force --force poweroff
UNIT
mount --bind /mnt/upper $R/run/changed
exec env -i container=other PATH=/usr/sbin:/usr/bin \
  chroot $R /lib/systemd/systemd --unit=script.service --log-target=null
"""


def _missing() -> str | None:
    """Why there can be no such machine; none if there can."""
    if os.geteuid() != 0:
        return "a machine for packages needs root"
    if shutil.which("dpkg") is None or not _SYSTEMD.exists():
        return "this is no Debian with systemd"
    python = Path(f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}")
    if not python.exists():
        return f"the package is for the Python of Debian, and {python} is not installed"
    tried = subprocess.run(
        [*_UNSHARE, "sh", "-c", _PREPARE, "/tmp"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if tried.returncode != 0:
        return f"this kernel or container gives no machine in namespaces: {tried.stderr.strip()}"
    return None


_WHY = _missing()
needs_spare_machine = pytest.mark.skipif(_WHY is not None, reason=_WHY or "")


def run_in_spare_machine(script: str, given: Path, *, seconds: float = 600) -> str:
    """Starts such a machine, runs a shell script as root in it, and gives what it printed.

    The folder ``given`` is at ``/run/given`` there, and what was changed or made is below
    ``/run/changed``. Fails with all output where a command of the script fails. At its end the
    machine is gone with all that ran in it.
    """
    (given / "script").write_text(f"set -ex\n{script}")
    for name in ("output", "errors", "code"):
        (given / name).unlink(missing_ok=True)
    boot = [*_UNSHARE, "sh", "-c", _PREPARE + _BOOT, str(given)]
    try:
        said = subprocess.run(
            boot,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        ).stderr
    except subprocess.TimeoutExpired:
        said = f"it did not end within {seconds} s"
    told = {
        name: (given / name).read_text() if (given / name).exists() else ""
        for name in ("output", "errors", "code")
    }
    assert told["code"].strip() == "0", f"{told['output']}\n{told['errors']}\n{said}"
    return told["output"]
