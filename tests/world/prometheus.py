"""A real Prometheus."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2

from tests.world.ports import free_port
from tests.world.tools import find
from tests.world.waiting import PATIENCE

_DEPLOY = Path(__file__).resolve().parents[2] / "deploy" / "observability"


class Prometheus:
    """A real Prometheus that scrapes every second."""

    def __init__(self, folder: Path, targets: dict[str, str]) -> None:
        folder.mkdir()
        self._url = f"http://127.0.0.1:{free_port()}"
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [target]}]}
            for name, target in targets.items()
        ]
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(_DEPLOY / "rules.yml")],
            "scrape_configs": jobs,
        }
        file = folder / "prometheus.yml"
        file.write_text(json.dumps(settings))
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    find("prometheus"),
                    f"--config.file={file}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._url.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query; empty while it does not answer."""
        try:
            found = httpx2.get(f"{self._url}/api/v1/query", params={"query": expression})
        except httpx2.HTTPError:
            return []
        if found.status_code != httpx2.codes.OK:
            return []
        result: list[dict[str, Any]] = found.json()["data"]["result"]
        return result

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
