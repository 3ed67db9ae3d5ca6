"""Fixtures of the tests of the chart and the manifests: the tools, or a skipped test that says what is missing."""

import copy
import json
import os
import pathlib
import subprocess

import pytest

import tools

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (python3-yaml)")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "connect-agent"
WORKLOADS = ("Deployment", "Job", "StatefulSet", "DaemonSet")


def or_skip(make):
    try:
        return make()
    except tools.Unavailable as reason:
        return pytest.skip(str(reason))


def run(*command, text=None, **environment):
    return subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


class Helm:
    """helm, with nothing of the caller's home."""

    def __init__(self, program, home):
        self.program = program
        self.environment = {f"HELM_{kind}_HOME": str(home) for kind in ("CACHE", "CONFIG", "DATA")}

    def __call__(self, *arguments, **options):
        return run(self.program, *arguments, KUBECONFIG="/dev/null", **self.environment, **options)

    def template(self, values=None, chart=CHART, name="test", kubernetes=tools.VERSIONS[-1]):
        """The run of `helm template`."""
        return self("template", name, chart, "--namespace", "example", "--kube-version", kubernetes, "--values", "-",
                    text=json.dumps(values or {}))

    def render(self, values=None, **options):
        """The objects."""
        done = self.template(values, **options)
        assert done.returncode == 0, done.stderr
        return load(done.stdout)


def load(text):
    return [item for item in yaml.safe_load_all(text) if item]


def of_kind(objects, *kinds):
    return [item for item in objects if item["kind"] in kinds]


def pods(objects):
    """The pod templates of what runs pods."""
    return [item["spec"]["template"] for item in of_kind(objects, *WORKLOADS)]


def containers(pod):
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def changed(item, *path, value):
    """A copy with one field that is another one."""
    made = copy.deepcopy(item)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return made


@pytest.fixture(scope="session")
def helm(tmp_path_factory):
    return Helm(or_skip(lambda: tools.path("helm")), tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def judge():
    """judge(pods): for each why the Pod Security Standard "restricted" refuses it, or "" """
    program = or_skip(lambda: tools.path("podsecurity"))

    def ask(asked):
        done = run(program, text=json.dumps(asked))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


class Validate:
    """kubeconform, with the schemas of one version of Kubernetes and of the Prometheus operator."""

    def __init__(self):
        self.program = tools.path("kubeconform")
        self.kubernetes = tools.kubernetes_schemas()
        self.operator = tools.operator_schemas()

    def wrong(self, objects, version):
        """What is wrong, as a list of messages. An object of an unknown kind is wrong too."""
        places = [f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json" for folder in
                  (self.kubernetes / version, self.operator)]
        locations = [word for place in places for word in ("-schema-location", place)]
        done = run(self.program, *locations, "-strict", "-summary", "-output", "json", "-",
                   text="\n---\n".join(json.dumps(item) for item in objects))
        report = json.loads(done.stdout)
        assert sum(report["summary"].values()) == len(objects), "each of them was looked at"
        assert report["summary"]["skipped"] == 0
        return [f"{found['kind']} {found['name']}: {found['msg']}" for found in report["resources"]]


@pytest.fixture(scope="session")
def validate():
    return or_skip(Validate)


class Program:
    """What the built program says of itself."""

    def __init__(self):
        self.path = os.environ["AGENT"]
        self.version = self("version").split()[1]
        self.help = {"": self("help")}

    def __call__(self, *arguments):
        done = run(self.path, *arguments)
        assert done.returncode == 0, done
        return done.stdout

    def check(self, text, folder):
        """The run of `check` on a template."""
        path = folder / "template.yaml"
        path.write_text(text)
        return run(self.path, "check", "-c", path, OP_CONNECT_HOST="http://127.0.0.1:1")


@pytest.fixture(scope="session")
def program():
    return Program()
