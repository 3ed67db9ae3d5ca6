"""Pods to be injected, and what became of them, for the tests on a real kube-apiserver."""

import contextlib
import copy
import pathlib
import subprocess

import pytest

import cluster as real
import tools

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (python3-yaml)")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "connect-agent"
ON = {"connect-agent/injection": "enabled"}
GOOD = {"mode": "sidecar", "template": "app-template", "token": "app-token"}
VOLUMES = ["connect-agent-output", "connect-agent-template", "connect-agent-token"]
POLICIES = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
            "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def load(text):
    """The objects of a YAML stream."""
    return [item for item in yaml.safe_load_all(text) if item]


def annotated(notes, prefix="connect-agent"):
    return {f"{prefix}/{name}": value for name, value in notes.items()}


def pod(notes=None, containers=("app",), prefix="connect-agent", **spec):
    """A pod as a workload's controller makes it: without a name of its own."""
    listed = [c if isinstance(c, dict) else {"name": c, "image": "app:1"} for c in containers]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "app-", "annotations": annotated(notes or {}, prefix)},
        "spec": {"containers": listed, **spec},
    }


def changed(**changes):
    """The good annotations with these changes; None takes one away. Dashes are underscores here."""
    notes = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in notes.items() if value is not None}


def install(cluster, *settings):
    done = cluster.helm("install", "demo", CHART, "--set", "injection.enabled=true", *settings)
    assert done.returncode == 0, done.stderr


def wait_for_policies(cluster, prefix="connect-agent"):
    """Until both policies are in force: the good pod has the agent, and the wrong one is refused."""
    def in_force():
        good = cluster.create("on", pod(GOOD, prefix=prefix), dry_run=True)
        wrong = cluster.create("on", pod({"mode": "x"}, prefix=prefix), dry_run=True)
        return good.ok and agents(good.object) and wrong.status == 422
    cluster.wait_until("policies are in force", in_force)


def start(*options):
    try:
        tools.path("helm")
        return real.Cluster(*options)
    except tools.Unavailable as reason:
        pytest.skip(str(reason))


@contextlib.contextmanager
def installed():
    """A server with the chart's injection, and the namespace "on" for which it is switched on."""
    with start() as running:
        running.namespace("on", ON)
        install(running)
        wait_for_policies(running)
        running.wait_until("whoever forgets the label is warned",
                           lambda: running.create("default", pod(GOOD), dry_run=True).warnings)
        yield running


def offline_helm(*arguments):
    """helm without a cluster."""
    try:
        helm = tools.path("helm")
    except tools.Unavailable as reason:
        pytest.skip(str(reason))
    return subprocess.run([helm, *map(str, arguments)], capture_output=True, text=True, check=False)


def agents(made):
    return [c for c in made["spec"].get("initContainers", []) if c["name"] == "connect-agent"]


def created(cluster, what, namespace="on"):
    answer = cluster.create(namespace, what)
    assert answer.ok, answer
    return answer.object


def refused(cluster, what, namespace="on"):
    answer = cluster.create(namespace, what)
    assert answer.status == 422, answer
    return answer.message


def mounted(made, name):
    """Where the container has the secrets, or None."""
    every = made["spec"]["containers"] + made["spec"].get("initContainers", [])
    container = next(c for c in every if c["name"] == name)
    return next((m["mountPath"] for m in container.get("volumeMounts", []) if m["name"] == VOLUMES[0]), None)


def assert_injected_once(made):
    assert len(agents(made)) == 1
    volumes = [v["name"] for v in made["spec"]["volumes"]]
    assert [name for name in volumes if name.startswith("connect-agent-")] == VOLUMES
    for container in made["spec"]["containers"]:
        mounts = [m for m in container["volumeMounts"] if m["name"].startswith("connect-agent-")]
        assert [m["name"] for m in mounts] == VOLUMES[:1]


def assert_untouched(made):
    assert not agents(made)
    assert "connect-agent" not in str(made["spec"])


def fresh(made):
    """A pod that was read, as one applies it again elsewhere."""
    again = copy.deepcopy(made)
    again["metadata"] = {"generateName": "again-", "annotations": made["metadata"]["annotations"]}
    del again["status"]
    return again


def job(notes):
    template = {"metadata": {"annotations": annotated(notes)},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "app:1"}]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "job-"}, "spec": {"template": template}}


def deployment(notes):
    labels = {"app": "x"}
    template = {"metadata": {"annotations": annotated(notes), "labels": labels},
                "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generateName": "app-"},
            "spec": {"selector": {"matchLabels": labels}, "template": template}}


def cron_job(notes):
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"generateName": "cron-"},
            "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": job(notes)["spec"]}}}
