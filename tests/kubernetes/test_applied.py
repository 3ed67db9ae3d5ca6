"""Every object of the chart and every plain manifest, taken by a real kube-apiserver: its validation, strict about fields."""

import pytest

import tools
from injected import CHART, ON, ROOT, install, load, offline_helm, start, wait_for_policies

MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
# Of the Prometheus operator; kubeconform checks these by its CRDs.
FOREIGN = ("monitoring.coreos.com/v1",)
EVERYTHING = ["injection.enabled", "demo.enabled", "demo.fakeConnect.enabled", "networkPolicy.enabled",
              "podMonitor.enabled", "prometheusRule.enabled", "dashboard.enabled", "agent.metrics.enabled",
              "agent.readinessProbe.enabled"]


@pytest.fixture(scope="module")
def cluster():
    with start() as running:
        running.namespace("on", ON)
        running.namespace("strict", {**ON, "pod-security.kubernetes.io/enforce": "restricted",
                                     "pod-security.kubernetes.io/warn": "restricted"})
        yield running


def taken(cluster, what):
    """Creates the object, without keeping it, and the pod that its template describes, as a controller would."""
    answer = cluster.create("strict", what, dry_run=True)
    assert answer.ok and not answer.warnings, f"{what['kind']} {what['metadata']['name']}: {answer}"
    template = what.get("spec", {}).get("template")
    if template:
        made = {"apiVersion": "v1", "kind": "Pod", **template}
        made["metadata"] = {**made.get("metadata", {}), "generateName": "x-"}
        answer = cluster.create("strict", made, dry_run=True)
        assert answer.ok and not answer.warnings, f"the pod of {what['metadata']['name']}: {answer}"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_server_takes_each_object_of_a_plain_manifest(cluster, path):
    objects = load(path.read_text(encoding="utf-8"))
    assert objects
    for what in objects:
        what["metadata"].pop("namespace", None)
        taken(cluster, what)


@pytest.mark.parametrize("version", tools.VERSIONS)
def test_the_server_takes_each_object_that_the_chart_renders(cluster, version):
    if version != tools.VERSIONS[-1]:
        settings = ["--set", "injection.apiVersion=v1"]  # this server has no other; test_injection_versions has
    else:
        settings = []
    done = offline_helm("template", "demo", CHART, "--namespace", "strict", "--kube-version", version,
                        *[word for name in EVERYTHING for word in ("--set", f"{name}=true")], *settings)
    assert done.returncode == 0, done.stderr
    kinds = set()
    for what in load(done.stdout):
        if what["apiVersion"] not in FOREIGN:
            what["metadata"].pop("namespace", None)
            taken(cluster, what)
            kinds.add(what["kind"])
    assert {"Deployment", "ConfigMap", "NetworkPolicy", "MutatingAdmissionPolicy"} <= kinds


def test_with_injection_in_force_a_workload_of_the_chart_stays_as_it_is(cluster):
    """The demo has its own agent and no annotations."""
    install(cluster, "--set", "demo.enabled=true,demo.fakeConnect.enabled=true", "--namespace", "strict")
    wait_for_policies(cluster)
    deployments = cluster.list("apps/v1", "Deployment", "strict")
    assert deployments
    for one in deployments:
        made = {"apiVersion": "v1", "kind": "Pod", **one["spec"]["template"]}
        made["metadata"] = {**made["metadata"], "generateName": "x-"}
        answer = cluster.create("strict", made, dry_run=True)
        assert answer.ok, answer
        named = [[c["name"] for c in spec.get("initContainers", [])] for spec in (made["spec"], answer.object["spec"])]
        assert named[0] == named[1]
