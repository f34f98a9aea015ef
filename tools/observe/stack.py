"""A lab, a Prometheus that scrapes it, and a Grafana where it is installed."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.jaeger import arguments
from tools.jaeger import find as find_jaeger
from tools.observe.grafana import FOLDER

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0


class StackError(Exception):
    """A part that is missing or does not start; the text says what to do."""


@contextmanager
def running(
    arguments: list[str], log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with the block; its output goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def lab(folder: Path, traces: str | None) -> Iterator[dict[str, Any]]:
    """A lab that sends its traces there; gives the content of its ready file."""
    ready, log = folder / "ready.json", folder / "lab.log"
    words = ["lab", "--data", str(folder / "lab"), "--ready-file", str(ready)]
    words += ["--traces", traces] if traces else []
    with running([sys.executable, "-m", "keyhole", *words], log) as process:
        _wait(process, log, "the lab", ready.exists)
        yield json.loads(ready.read_text())


@contextmanager
def prometheus(folder: Path, metrics: dict[str, str]) -> Iterator[str]:
    """A Prometheus that scrapes these pages, by job, and has our rules; gives its address."""
    program = shutil.which("prometheus")
    if program is None:
        raise StackError("prometheus is not installed: on Debian, install the package prometheus")
    targets = {
        job: url.removeprefix("http://").removesuffix("/metrics") for job, url in metrics.items()
    }
    settings = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(ROOT / "deploy" / "observability" / "rules.yml")],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [target]}]}
            for job, target in targets.items()
        ],
    }
    file, address = folder / "prometheus.yml", f"127.0.0.1:{_free_port()}"
    file.write_text(json.dumps(settings, indent=1))
    log = folder / "prometheus.log"
    words = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'prometheus'}"]
    with running([program, *words, f"--web.listen-address={address}"], log) as process:
        _wait(process, log, "prometheus", lambda: _answers(f"http://{address}/-/ready"))
        yield f"http://{address}"


@contextmanager
def jaeger(folder: Path) -> Iterator[tuple[str, str] | None]:
    """A Jaeger; gives where it receives traces and its query API, or none if it was not built."""
    if find_jaeger() is None:
        yield None
        return
    otlp, query, admin = _free_port(), _free_port(), _free_port()
    log = folder / "jaeger.log"
    with running(arguments(otlp, query, admin), log) as process:
        _wait(process, log, "jaeger", lambda: _answers(f"http://127.0.0.1:{admin}/"))
        yield f"http://127.0.0.1:{otlp}", f"http://127.0.0.1:{query}"


@contextmanager
def grafana(folder: Path, prometheus: str) -> Iterator[str | None]:
    """A Grafana with our boards; gives its address, or none where it is not installed."""
    program = shutil.which("grafana-server")
    if program is None:
        yield None
        return
    address, boards = f"127.0.0.1:{_free_port()}", ROOT / FOLDER
    settings = {
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": address.rpartition(":")[2],
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_PATHS_DATA": str(folder / "grafana"),
        "GF_PATHS_PROVISIONING": str(boards / "provisioning"),
        "KEYHOLE_BOARDS": str(boards / "boards"),
        "KEYHOLE_PROMETHEUS": prometheus,
    }
    home, log = os.environ.get("GF_PATHS_HOME", "/usr/share/grafana"), folder / "grafana.log"
    with running([program, "--homepath", home], log, **settings) as process:
        _wait(process, log, "grafana", lambda: _answers(f"http://{address}/api/health"))
        yield f"http://{address}/dashboards"


def _wait(process: subprocess.Popen[bytes], log: Path, what: str, is_ready: Any) -> None:
    end = time.monotonic() + READY_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > end:
            last = log.read_text(errors="replace")[-2000:]
            raise StackError(f"{what} did not start; the end of its output:\n{last}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
