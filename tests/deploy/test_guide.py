"""What the guide to Kubernetes and the snippets say is true, as far as no cluster is needed."""

import re
import shlex
import subprocess

import pytest
import yaml

from keyhole.mesh.render import MODES
from tests.deploy.rendered import needs_helm, settings_of
from tests.docs.command_lines import Call, mistake
from tests.docs.pages import BLOCK
from tools.chart import CHART, ROOT, template

GUIDE = (ROOT / "docs/guides/kubernetes.md").read_text()
RECIPE = (ROOT / "docs/guides/recipe.md").read_text()
"""The founding recipe, with Keyhole in it."""
PAGES = (GUIDE, RECIPE)
_IN_A_POD = re.compile(r"kubectl exec .*? -- (keyhole [^;|`\n]*)")


def _commands(page: str, start: str) -> list[str]:
    blocks = "\n".join(text for _, text in BLOCK.findall(page)).replace("\\\n", " ")
    return [line for line in blocks.splitlines() if line.startswith(start)]


@needs_helm
def test_each_helm_command_has_values_that_the_chart_takes() -> None:
    commands = [line for page in PAGES for line in _commands(page, "helm ")]
    assert len(commands) == 7
    for line in commands:
        words = shlex.split(line)
        given = [words[index + 1] for index, word in enumerate(words) if word == "--set"]
        assert given
        values = dict(one.split("=", 1) for one in given)
        try:
            template(values)
        except subprocess.CalledProcessError as error:
            pytest.fail(f"{line}: {error.stderr}")


def test_commands_in_pods_are_ones_that_keyhole_accepts() -> None:
    found = [one for page in PAGES for one in _IN_A_POD.findall(page.replace("\\\n", " "))]
    assert len(found) == 6
    for one in found:
        words = shlex.split(one.replace('"$@"', "engines/keyhole-resolver-0"))[1:]
        assert mistake(Call(one, tuple(words))) is None, one


@needs_helm
@pytest.mark.parametrize("mode", MODES)
def test_the_port_that_is_forwarded_is_open_before_a_password_is_chosen(mode: str) -> None:
    (port,) = re.findall(r"kubectl port-forward -n keyhole keyhole-control-0 (\d+)", GUIDE)
    # Until then, only listeners on loopback are open; 0.0.0.0 is none.
    listeners = settings_of(mode, "as-it-is", "control")["api"]["listen"]
    assert listeners == [f"127.0.0.1:{port}", "0.0.0.0:8080"]
    assert f"http://127.0.0.1:{port}" in GUIDE


def test_tokens_are_made_for_the_pods_that_there_are() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for part in ("resolver", "forwarder"):
        made = re.findall(rf"(?m)^token engines/keyhole-{part}-(\d+)", GUIDE)
        assert [int(one) for one in made] == list(range(values[part]["replicas"]))


def test_the_recipe_lets_the_resolvers_join_and_its_client_ask_as_the_guide_does() -> None:
    lines = ("token()", "token engines/keyhole-resolver", "kubectl create secret generic")
    for start in (*lines, "kubectl apply -f deploy/client", "umask"):
        assert _commands(RECIPE, start) == _commands(GUIDE, start)


def test_files_and_values_that_the_guide_names_exist() -> None:
    for path in set(re.findall(r"`?(deploy/[\w./-]+\w)", GUIDE + RECIPE)):
        assert (ROOT / path).exists(), path
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for name in set(
        re.findall(r"`(?:control|resolver|forwarder|verify|ingress|metrics)\.[\w.]+", GUIDE)
    ):
        place = values
        for word in name.strip("`").split("."):
            assert word in place, name
            place = place[word]


@pytest.mark.parametrize("file", sorted((ROOT / "deploy/client").glob("*.yaml")), ids=str)
def test_the_clients_are_manifests_with_the_address_of_the_chart(file: object) -> None:
    text = (ROOT / str(file)).read_text()
    objects = list(yaml.safe_load_all(text))
    assert all(one["apiVersion"] and one["kind"] and one["metadata"]["name"] for one in objects)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["addresses"]["resolver"] in text


@pytest.mark.parametrize("file", sorted((ROOT / "deploy/coredns").glob("*")), ids=str)
def test_the_snippets_for_core_dns_are_whole_and_say_when_they_work(file: object) -> None:
    text = (ROOT / str(file)).read_text()
    code = re.sub(r"(?m)#.*$", "", text)
    assert code.count("{") == code.count("}")
    assert re.search(r"(?m)^# .*\bWorks", text)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    target = values["addresses"]["resolver"]
    assert re.search(rf"forward \. (tls://{target}:853|{target}:5300) ", code)
    if "tls://" in code:
        assert f"tls_servername {values['resolver']['dot']['names'][0]}" in code
        assert re.search(r"tls \S+\.crt \S+\.key \S+\.crt", code)
