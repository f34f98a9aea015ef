"""The Containerfile, stage by stage, as far as it can be checked without a builder."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tools.chart import MANIFESTS, ROOT

FILE = ROOT / "deploy" / "container" / "Containerfile"
_USER = "65532"


@dataclass
class Stage:
    """One stage: its image, its name, and its steps as pairs of word and rest."""

    image: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What stands behind one word."""
        return [rest for step, rest in self.steps if step == word]


def _stages() -> list[Stage]:
    text = re.sub(r"(?m)^#.*\n", "", FILE.read_text()).replace("\\\n", " ")
    stages: list[Stage] = []
    for line in filter(None, (" ".join(line.split()) for line in text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            stages.append(Stage(image, name))
        else:
            stages[-1].steps.append((word, rest))
    return stages


def test_it_has_a_stage_for_the_page_one_for_the_wheel_and_one_to_run() -> None:
    page, build, last = _stages()
    assert [page.name, build.name, last.name] == ["page", "build", ""]
    assert "npm ci" in page.all("RUN")[0]
    assert any("maturin build --release --locked" in step for step in build.all("RUN"))
    # A name of an image without its registry means another one on another machine.
    for stage in (page, build, last):
        assert re.fullmatch(r"[a-z.]+\.[a-z]+/[a-z0-9/-]+:[a-z0-9.-]+", stage.image)
        assert not stage.image.endswith(":latest")


def test_what_is_installed_is_locked_by_digests() -> None:
    installs = [
        command
        for stage in _stages()
        for step in stage.all("RUN")
        for command in step.split("&&")
        if " install " in command and "apt-get" not in command
    ]
    assert len(installs) == 3
    for command in installs:
        # The wheel itself was built in this stage, so nothing may be looked up.
        assert "--require-hashes" in command or "--no-index" in command
        assert "--no-deps" in command


def test_the_last_stage_has_no_shell_and_runs_as_nobody_in_particular() -> None:
    last = _stages()[-1]
    assert "distroless" in last.image
    assert last.all("RUN") == [], "there is no shell that could run anything"
    assert last.all("USER") == [f"{_USER}:{_USER}"]
    (copied,) = last.all("COPY")
    assert copied == "--from=build /opt/keyhole /opt/keyhole"
    for command in (*last.all("ENTRYPOINT"), *last.all("CMD")):
        assert command.startswith("["), "the form with a list needs no shell"
    assert "PYTHONDONTWRITEBYTECODE=1" in last.all("ENV")[0]


def test_results_of_other_builds_stay_outside() -> None:
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    for path in ("target", ".venv", ".git", "**/node_modules", "python/keyhole/_core*.so"):
        assert path in ignored


def test_it_has_one_python_from_the_build_to_the_end() -> None:
    _, build, last = _stages()
    assert "bookworm" in build.image
    assert "debian12" in last.image, "Debian 12 is bookworm"
    assert any("python3 -m venv --without-pip /opt/keyhole" in one for one in build.all("RUN"))


def test_everything_that_is_copied_is_in_the_sources() -> None:
    for stage in _stages()[:-1]:
        for rest in stage.all("COPY"):
            if rest.startswith("--from=page"):
                assert rest.split()[1] == "/src/python/keyhole/page"
                continue
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source


@pytest.mark.parametrize("mode", ["sidecar", "ambient", "plain"])
def test_the_ports_and_the_user_are_those_of_the_manifests(mode: str) -> None:
    exposed = {int(one.split("/")[0]) for one in _stages()[-1].all("EXPOSE")[0].split()}
    assert min(exposed) >= 1024
    used = set()
    text = Path(MANIFESTS / mode / "keyhole.yaml").read_text()
    for one in yaml.load_all(text, yaml.CSafeLoader):
        if one["kind"] == "StatefulSet":
            pod = one["spec"]["template"]["spec"]
            assert str(pod["securityContext"]["runAsUser"]) == _USER
            for container in pod["containers"]:
                used |= {port["containerPort"] for port in container.get("ports", ())}
    assert used <= exposed
