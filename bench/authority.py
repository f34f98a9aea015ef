"""The authority that every server asks: one zone, the root, in which every name has an address."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from bench.measure import StartError, running, wait_until_it_answers
from bench.setting import ADDRESS, Setting

_ZONE = f"""$ORIGIN .
$TTL 3600
@ SOA ns.example. host.example. 1 3600 600 86400 300
@ NS ns.example.
* A {ADDRESS}
"""


@contextmanager
def authority(setting: Setting) -> Iterator[None]:
    """Runs nsd while the block runs."""
    program = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
    if program is None:
        raise StartError("nsd is not installed: it answers for every name that is not blocked")
    zone = setting.write("root.zone", _ZONE)
    folder = setting.folder
    config = setting.write(
        "nsd.conf",
        f"""server:
  ip-address: {setting.authority}@{setting.ports.authority}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  zonelistfile: "{folder}/nsd.zones"
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "{folder}"
  server-count: 1
  rrl-ratelimit: 0
  tcp-count: 200
  tcp-query-count: 0
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "{zone}"
""",
    )
    with running([program, "-d", "-c", str(config)], "nsd", folder) as process:
        at = replace(setting, ports=replace(setting.ports, dns=setting.ports.authority))
        wait_until_it_answers(process, "nsd", at)
        yield
