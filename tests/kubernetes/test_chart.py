"""helm/connect-agent, rendered by helm: what each value does, what is refused, and that Kubernetes takes the result."""

import base64
import itertools
import json
import re
import shutil
import sys
import tarfile

import pytest

import tools
from conftest import CHART, ROOT, changed, containers, load, of_kind, pods, run, yaml

TEMPLATE = """version: 1
outputs:
  - directory: /run/secrets/app
    files:
      - {path: password, content: op://prod/db/password}
"""
SWITCHES = {
    "podMonitor": ["PodMonitor"],
    "prometheusRule": ["PrometheusRule"],
    "dashboard": ["ConfigMap"],
    "networkPolicy": ["NetworkPolicy"],
    "demo": ["ConfigMap", "Deployment"],
}
ON = {name: {"enabled": True} for name in SWITCHES}
DIGEST = "sha256:" + "0123456789abcdef" * 4

# Each has another value for something that reaches an object.
VALUES = {
    "nothing": {},
    "everything": {**ON, "template": {"files": {"template.yaml": TEMPLATE}}, "token": {"value": "canary-value-token"}},
    "fake": {"demo": {"enabled": True, "fakeConnect": {"enabled": True}}, "networkPolicy": {"enabled": True}},
    "names": {**ON, "fullnameOverride": "secrets", "commonLabels": {"team": "platform"}},
    "agent": {"demo": {"enabled": True}, "agent": {
        "logLevel": "debug", "interval": "30s", "maxStale": "24h", "runAsUser": 1000, "runAsGroup": 2000,
        "env": [{"name": "https_proxy", "value": "http://proxy:3128"}], "readinessProbe": {"enabled": True},
        "metrics": {"enabled": True, "port": 9999}, "resources": {"limits": {"memory": "64Mi", "cpu": 1}}}},
    "ca": {"demo": {"enabled": True}, "connect": {"host": "https://connect.example.com", "caConfigMap": "ca"}},
    "csi": {"demo": {"enabled": True}, "token": {"volume": {"csi": {
        "driver": "secrets-store.csi.k8s.io", "readOnly": True, "volumeAttributes": {"secretProviderClass": "x"}}}}},
    "images": {"demo": {"enabled": True}, "image": {"digest": DIGEST}, "imagePullSecrets": ["one"], "global": {
        "imageRegistry": "registry.example.com/mirror/", "imagePullSecrets": [{"name": "two"}, "one"]}},
    "monitoring": {
        "podMonitor": {"enabled": True, "namespaces": ["a", "b"], "matchLabels": {"x": "y"}, "labels": {"release": "p"},
                       "namespace": "monitoring"},
        "prometheusRule": {"enabled": True, "labels": {"release": "p"}, "alertLabels": {"team": "x"}, "staleSeconds": 60,
                           "disabled": ["ConnectAgentFilesPolled"], "namespace": "monitoring"},
        "dashboard": {"enabled": True, "namespace": "grafana", "annotations": {"grafana_folder": "Secrets"}}},
    "policy": {"networkPolicy": {"enabled": True, "podLabels": {"a": "b"}, "connectPort": 443, "connectPeers": [
        {"ipBlock": {"cidr": "192.0.2.0/24"}}]}},
}


# What helm makes of it.


@pytest.mark.parametrize("name", VALUES)
def test_lint_is_content_with_every_set_of_values(helm, name):
    done = helm("lint", "--strict", CHART, "--values", "-", text=json.dumps(VALUES[name]))
    assert done.returncode == 0 and "[WARNING]" not in done.stdout and "[ERROR]" not in done.stdout, done


def test_nothing_is_installed_by_default(helm):
    assert helm.render() == []


@pytest.mark.parametrize("number", range(len(SWITCHES) + 1))
def test_each_switch_adds_its_objects_and_no_others(helm, number):
    for names in itertools.combinations(SWITCHES, number):
        found = helm.render({name: ON[name] for name in names})
        assert sorted(item["kind"] for item in found) == sorted(sum((SWITCHES[name] for name in names), []))


@pytest.mark.parametrize("name", VALUES)
def test_names_and_labels_are_those_that_helm_recommends(helm, name):
    whole = helm.render(VALUES[name])
    assert len({(item["kind"], item["metadata"]["name"]) for item in whole}) == len(whole)
    for item in whole:
        labels = item["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == "connect-agent" and labels["helm.sh/chart"] == "connect-agent-0.1.0"
        assert labels["app.kubernetes.io/instance"] == "test" and labels["app.kubernetes.io/managed-by"] == "Helm"
        assert VALUES[name].get("commonLabels", {}).items() <= labels.items()
        start = VALUES[name].get("fullnameOverride", "test-connect-agent")
        assert item["metadata"]["name"].startswith(start)


def test_labels_of_the_platform_go_over_those_that_nothing_is_found_by(helm):
    labels = {"app.kubernetes.io/part-of": "secrets", "team": "platform"}
    values = {**ON, "commonLabels": labels, "image": {"tag": "x" * 62 + "-" + "y" * 30}}
    done = helm.template(values)
    assert done.returncode == 0 and done.stdout.count("app.kubernetes.io/part-of: secrets") == done.stdout.count("team: platform")
    assert "part-of: connect-agent" not in done.stdout, "a key that is there twice is refused by strict readers"
    for item in load(done.stdout):
        assert labels.items() <= item["metadata"]["labels"].items()
        assert item["metadata"]["labels"]["app.kubernetes.io/version"] == "x" * 62, "a label is shorter than a tag"


def test_the_package_renders_what_the_folder_does(helm, tmp_path):
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done
    (made,) = tmp_path.glob("*.tgz")
    names = {name.split("/", 1)[1] for name in tarfile.open(made).getnames()}
    assert {"Chart.yaml", "values.yaml", "values.schema.json", "README.md", "templates/NOTES.txt"} <= names
    assert not [name for name in names if name.endswith((".py", ".pyc", "~"))]
    assert helm.render(VALUES["everything"], chart=made) == helm.render(VALUES["everything"])


def test_versions_are_those_of_the_program(helm, program):
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    tags = {values["image"]["tag"], values["demo"]["fakeConnect"]["image"]["tag"]}
    assert {chart["version"], chart["appVersion"], program.version, *tags} == {program.version}
    refused = helm.template(kubernetes="1.28.0")
    assert refused.returncode != 0 and "requires kubeVersion: >=1.29" in refused.stderr


# What Kubernetes makes of it.


@pytest.mark.parametrize("version", tools.VERSIONS)
@pytest.mark.parametrize("name", [name for name in VALUES if name != "nothing"])
def test_every_object_is_right_by_the_schema(helm, validate, name, version):
    found = helm.render(VALUES[name], kubernetes=version)
    assert found and validate.wrong(found, version) == []


@pytest.mark.parametrize("version", tools.VERSIONS)
def test_a_misspelt_field_of_any_object_is_found(helm, validate, version):
    found = helm.render(VALUES["everything"])
    kinds = {}
    for item in found:
        part = "spec" if "spec" in item else "metadata"
        (message,) = validate.wrong([changed(item, part, "misspelt", value="x")], version)
        assert "misspelt" in message, message
        kinds[item["kind"]] = True
    assert set(kinds) == {*sum(SWITCHES.values(), []), "Secret"}
    (deployment,) = of_kind(found, "Deployment")
    inner = ("spec", "template", "spec", "initContainers", 0, "startupProbe")
    assert "misspelt" in validate.wrong([changed(deployment, *inner, "misspelt", value=1)], version)[0]
    assert "periodSeconds" in validate.wrong([changed(deployment, *inner, "periodSeconds", value="1 s")], version)[0]
    assert validate.wrong([changed(deployment, "apiVersion", value="apps/v2")], version)


@pytest.mark.parametrize("name", [name for name, values in VALUES.items() if "demo" in values])
def test_every_pod_passes_the_restricted_standard(helm, judge, name):
    found = pods(helm.render(VALUES[name]))
    assert found and judge(found) == [""] * len(found)
    for pod in found:
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in containers(pod):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] and container["resources"]["limits"]["memory"]
            wrong = [("allowPrivilegeEscalation", True), ("capabilities", {"add": ["SYS_ADMIN"]}),
                     ("runAsNonRoot", False), ("seccompProfile", {"type": "Unconfined"}), ("privileged", True)]
            for key, value in wrong:
                before = security.get(key)
                security[key] = value
                assert judge([pod])[0], f"{key} is seen"
                security[key] = before


# The agent in a pod.


def demo(helm, values=None):
    """Pod, agent and application of the demo."""
    found = helm.render({"demo": {"enabled": True}, **(values or {})})
    (pod,) = pods(found)
    (agent,) = [c for c in pod["spec"]["initContainers"] if c["name"] == "connect-agent"]
    (app,) = pod["spec"]["containers"]
    return pod["spec"], agent, app


def environment(container):
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container.get("env", [])}


def test_the_sidecar_is_native_with_a_startup_probe_and_costs_next_to_nothing(helm):
    spec, agent, _ = demo(helm)
    assert spec["initContainers"][0] is agent and agent["restartPolicy"] == "Always" and agent["args"] == ["sidecar"]
    assert agent["startupProbe"]["exec"]["command"] == ["/usr/bin/connect-agent", "probe", "startup"]
    assert agent["startupProbe"]["periodSeconds"] * agent["startupProbe"]["failureThreshold"] >= 3600, "a restart heals nothing"
    assert agent["resources"]["requests"] == {"cpu": "1m", "memory": "4Mi"} and "readinessProbe" not in agent
    assert agent["terminationMessagePolicy"] == "FallbackToLogsOnError", "the pod's status says why it ended"
    assert environment(agent)["CONNECT_AGENT_POD"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert environment(agent)["CONNECT_AGENT_NAMESPACE"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


def test_probes_have_somebody_to_ask_whatever_the_template_says(helm):
    """What a template with `listen: off` makes of it, test_pods shows."""
    assert environment(demo(helm)[1])["CONNECT_AGENT_LISTEN"] == "127.0.0.1:9180"
    assert environment(demo(helm, {"agent": {"metrics": {"port": 9999}}})[1])["CONNECT_AGENT_LISTEN"] == "127.0.0.1:9999"


def test_the_network_policy_opens_connect_and_dns_to_the_labelled_pods_and_nothing_else(helm):
    values = {"podLabels": {"a": "b"}, "connectPeers": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "connectPort": 8443, "dnsPort": 5353}
    (policy,) = helm.render({"networkPolicy": {"enabled": True, **values}})
    assert policy["spec"]["policyTypes"] == ["Egress"] and policy["spec"]["podSelector"] == {"matchLabels": {"a": "b"}}
    (usual,) = helm.render({"networkPolicy": {"enabled": True}})
    assert usual["spec"]["podSelector"] == {"matchLabels": {"connect-agent": "enabled"}}
    assert policy["spec"]["egress"][0]["to"] == values["connectPeers"] and len(policy["spec"]["egress"]) == 2
    (dns,) = policy["spec"]["egress"][1]["to"]
    assert dns["podSelector"] and dns["namespaceSelector"], "not every pod of the namespace, and not any namespace's"
    ports = [[(port["port"], port["protocol"]) for port in rule["ports"]] for rule in policy["spec"]["egress"]]
    assert ports == [[(8443, "TCP")], [(5353, "UDP"), (5353, "TCP")]]


def test_the_pod_monitor_finds_the_agents_of_all_namespaces_or_of_those_that_are_said(helm):
    (monitor,) = helm.render({"podMonitor": {"enabled": True}})
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (port,) = demo(helm, {"agent": {"metrics": {"enabled": True}}})[1]["ports"]
    assert (endpoint["port"], endpoint["path"]) == (port["name"], "/metrics")
    assert monitor["spec"]["namespaceSelector"] == {"any": True} and monitor["spec"]["selector"] == {}
    monitor, rule, board = (of_kind(helm.render(VALUES["monitoring"]), kind)[0] for kind in
                            ("PodMonitor", "PrometheusRule", "ConfigMap"))
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["a", "b"]}
    assert monitor["spec"]["selector"] == {"matchLabels": {"x": "y"}}
    assert [item["metadata"]["namespace"] for item in (monitor, rule, board)] == ["monitoring", "monitoring", "grafana"]
    assert monitor["metadata"]["labels"]["release"] == rule["metadata"]["labels"]["release"] == "p", "as Prometheus finds them"
    assert board["metadata"]["labels"]["grafana_dashboard"] == "1", "as Grafana's sidecar finds it"
    assert board["metadata"]["annotations"] == {"grafana_folder": "Secrets"}


@pytest.mark.parametrize("name", ["everything", "agent", "ca"])
def test_variables_are_those_of_the_program(helm, program, name):
    _, agent, _ = demo(helm, VALUES[name])
    documented = program("help", agent["args"][0])
    ours = {item["name"] for item in agent["env"]} - {"https_proxy", "CONNECT_AGENT_POD", "CONNECT_AGENT_NAMESPACE"}
    assert ours and not [variable for variable in ours if f"({variable}" not in documented]
    assert agent["startupProbe"]["exec"]["command"][2] == "startup" and "startup" in (ROOT / "docs/operations.md").read_text()


def test_secrets_lie_in_a_limited_tmpfs_that_the_application_cannot_write(helm):
    spec, agent, app = demo(helm, {"output": {"mountPath": "/secrets", "sizeLimit": "1Mi"}})
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["connect-agent-output"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Mi"}
    assert app["volumeMounts"] == [{"name": "connect-agent-output", "mountPath": "/secrets", "readOnly": True}]
    mounts = {mount["name"]: mount for mount in agent["volumeMounts"]}
    assert mounts["connect-agent-output"] == {"name": "connect-agent-output", "mountPath": "/secrets"}
    assert mounts["connect-agent-template"]["readOnly"] and mounts["connect-agent-token"]["readOnly"]
    assert not any("subPath" in mount for mount in agent["volumeMounts"]), "a subPath is never updated"
    assert {mount["name"] for mount in agent["volumeMounts"]} == set(volumes)


def test_values_of_the_agent_reach_its_container(helm):
    _, agent, _ = demo(helm, VALUES["agent"])
    found = environment(agent)
    assert {"CONNECT_AGENT_LOG_LEVEL": "debug", "CONNECT_AGENT_INTERVAL": "30s", "CONNECT_AGENT_MAX_STALE": "24h",
            "CONNECT_AGENT_LISTEN": "0.0.0.0:9999", "https_proxy": "http://proxy:3128"}.items() <= found.items()
    assert (agent["securityContext"]["runAsUser"], agent["securityContext"]["runAsGroup"]) == (1000, 2000)
    assert agent["ports"] == [{"name": "agent-metrics", "containerPort": 9999}]
    assert agent["readinessProbe"]["exec"]["command"] == ["/usr/bin/connect-agent", "probe", "ready"]
    assert agent["resources"]["limits"] == {"memory": "64Mi", "cpu": 1}
    _, agent, _ = demo(helm, VALUES["ca"])
    path = environment(agent)["CONNECT_AGENT_CA_FILE"]
    assert {"name": "connect-agent-ca", "mountPath": path.rsplit("/", 1)[0], "readOnly": True} in agent["volumeMounts"]


def test_images_take_registry_digest_and_pull_secrets(helm):
    _, agent, app = demo(helm)
    assert (agent["image"], app["image"]) == ("connect-agent:0.1.0", "busybox:stable"), "no registry is made up"
    spec, agent, app = demo(helm, VALUES["images"])
    assert agent["image"] == f"registry.example.com/mirror/connect-agent@{DIGEST}"
    assert app["image"] == "registry.example.com/mirror/busybox:stable"
    assert spec["imagePullSecrets"] == [{"name": "two"}, {"name": "one"}]
    _, agent, _ = demo(helm, {"image": {"registry": "r.example.com", "tag": "9"}, "global": {"imageRegistry": "other"}})
    assert agent["image"] == "r.example.com/connect-agent:9", "an image's own registry goes first"


def test_a_token_that_is_given_is_in_its_secret_and_nowhere_else(helm):
    done = helm.template(VALUES["everything"])
    (secret,) = of_kind(load(done.stdout), "Secret")
    assert base64.b64decode(secret["data"]["token"]) == b"canary-value-token"
    assert "canary-value-token" not in done.stdout + done.stderr
    assert done.stdout.count(secret["data"]["token"]) == 1
    spec, _, _ = demo(helm, {"token": {"value": "canary-value-token"}})
    (volume,) = [v["secret"] for v in spec["volumes"] if v["name"] == "connect-agent-token"]
    assert volume["secretName"] == secret["metadata"]["name"]
    existing = {"token": {"existingSecret": "mine", "key": "jwt", "value": "canary-value-token", "mode": 0o440}}
    spec, agent, _ = demo(helm, existing)
    (volume,) = [v["secret"] for v in spec["volumes"] if v["name"] == "connect-agent-token"]
    assert volume == {"secretName": "mine", "defaultMode": 0o440, "items": [{"key": "jwt", "path": "jwt"}]}
    assert environment(agent)["OP_CONNECT_TOKEN_FILE"] == "/var/run/secrets/connect/jwt"
    assert not of_kind(helm.render(existing), "Secret"), "an existing Secret goes first"
    assert not yaml.safe_load((CHART / "values.yaml").read_text())["token"]["value"]


# What is refused.


@pytest.mark.parametrize("values, place, what", [
    ({"conect": {}}, "", "conect"),
    ({"connect": {"hots": "http://x"}}, "connect", "hots"),
    ({"agent": {"resource": {}}}, "agent", "resource"),
    ({"demo": {"fakeConnect": {"enable": True}}}, "fakeConnect", "enable"),
    ({"podMonitor": {"label": {}}}, "podMonitor", "label"),
    ({"injection": {"enable": True}}, "injection", "enable"),
    ({"connect": {"host": "connect.example.com"}}, "host", "pattern"),
    ({"connect": {"host": "https://user:canary-value-word@connect.example.com"}}, "host", "pattern"),
    ({"image": {"digest": "sha256:12"}}, "digest", "pattern"),
    ({"image": {"pullPolicy": "always"}}, "pullPolicy", "one of"),
    ({"agent": {"logLevel": "verbose"}}, "logLevel", "one of"),
    ({"agent": {"interval": 60}}, "interval", "string"),
    ({"agent": {"interval": "1 minute"}}, "interval", "pattern"),
    ({"agent": {"metrics": {"port": 0}}}, "port", "minimum|greater"),
    ({"output": {"mountPath": "run/secrets"}}, "mountPath", "pattern"),
    ({"token": {"mode": 0o666}}, "mode", "one of"),
    ({"demo": {"runAsUser": 0}}, "runAsUser", "minimum|greater"),
    ({"agent": {"runAsUser": 0}}, "runAsUser", "minimum|greater"),
    ({"agent": {"runAsUser": 2147483648}}, "runAsUser", "maximum|less"),
    ({"agent": {"timeout": ""}}, "timeout", "minLength|length"),
    ({"commonLabels": {"app.kubernetes.io/name": "x"}}, "commonLabels/app.kubernetes.io", "false schema"),
    ({"token": {"existingSecret": "a..b"}}, "existingSecret", "pattern"),
    ({"template": {"files": {"a b": "x"}}}, "/template/files", "a b"),
    ({"prometheusRule": {"disabled": ["TokenExpired"]}}, "disabled", "one of"),
    ({"networkPolicy": {"connectPeers": []}}, "connectPeers", "minItems|at least"),
], ids=str)
def test_a_wrong_value_is_refused_with_its_place(helm, values, place, what):
    done = helm.template(values)
    assert done.returncode != 0 and done.stdout == ""
    assert place in done.stderr and re.search(what, done.stderr), done.stderr


def test_a_template_without_its_main_file_is_refused(helm):
    done = helm.template({"template": {"files": {"other.tpl": "x"}}})
    assert done.returncode != 0 and 'template.files has no "template.yaml"' in done.stderr


def test_injection_is_refused_where_kubernetes_has_none(helm):
    done = helm.template({"injection": {"enabled": True}}, kubernetes="1.33.4")
    assert done.returncode != 0 and done.stdout == ""
    assert "injection.enabled: Kubernetes v1.33.4 has no MutatingAdmissionPolicy, 1.34 is the first" in done.stderr, done.stderr
    # Who says which API is there is believed.
    assert helm.render({"injection": {"enabled": True, "apiVersion": "v1beta1"}}, kubernetes="1.33.4")
    assert helm.render({"injection": {"enabled": True}}, kubernetes="1.34.0")


def test_the_schema_knows_every_value(helm):
    """One that it does not know would be refused; here: each is described, and no description is for nothing."""
    schema = json.loads((CHART / "values.schema.json").read_text())

    def compare(values, node, path):
        while "$ref" in node:
            node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
        if isinstance(values, dict) and "properties" in node:
            known = set(node["properties"])
            assert set(values) == known, f"{path}: {set(values) ^ known}"
            for key in known:
                compare(values[key], node["properties"][key], f"{path}.{key}")
            assert node.get("additionalProperties") is False or path == ".global", path

    compare(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "")


def leaves(values, path=()):
    """Paths of the values that are no map, or an empty one, with what is there."""
    if not isinstance(values, dict) or not values:
        yield path, values
    else:
        for key, value in values.items():
            yield from leaves(value, (*path, key))


def at(path, value):
    return {path[0]: at(path[1:], value)} if path else value


OTHERS = ("other", "1h", "9Mi", "/other", "https://other.example", "192.0.2.1", "error", "Always", "v1beta1", DIGEST,
          {"other": "x"}, ["other"], [{"name": "other"}], ["ConnectAgentNotReady"], [{"podSelector": {}}],
          {"emptyDir": {}}, {"template.yaml": "x"})


def test_every_value_reaches_an_object(helm, tmp_path):
    """Each is changed alone, with everything switched on, and what is rendered is not the same. Values go in by files: the one
    that is changed over the rest."""
    on = {"enabled": True}
    rest = {**ON, "injection": on, "agent": {"metrics": on, "readinessProbe": on}, "token": {"value": "canary-value-token"}}
    files = [tmp_path / "on.yaml", tmp_path / "fake.yaml"]
    files[0].write_text(json.dumps(rest))
    files[1].write_text(json.dumps({**rest, "demo": {"enabled": True, "fakeConnect": on}, "token": {}}))

    def rendered(over, file):
        """None: it is not a value that may be there."""
        done = helm("template", "test", CHART, "--values", file, "--values", "-", text=json.dumps(over))
        return done.stdout if done.returncode == 0 else None

    before = {file: rendered({}, file) for file in files}
    assert all(before.values())
    for path, value in leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
        file = files["fakeConnect" in path]
        if isinstance(value, bool):
            others = [True, False]
        elif isinstance(value, int) or value is None:
            others = [288, (value or 7) + 1]
        else:
            others = [other for other in OTHERS if isinstance(other, type(value))]
        assert any(rendered(at(path, other), file) not in (None, before[file]) for other in others), ".".join(path)


# Templates and notes.


@pytest.mark.parametrize("name", [name for name, values in VALUES.items() if "demo" in values])
def test_every_template_passes_check(helm, program, tmp_path, name):
    found = [item["data"] for item in of_kind(helm.render(VALUES[name]), "ConfigMap") if "template.yaml" in item["data"]]
    assert found
    for data in found:
        done = program.check(data["template.yaml"], tmp_path)
        assert done.returncode == 0, done


def test_a_template_arrives_byte_for_byte(helm):
    text = TEMPLATE + "\n# {{ op://prod/db/password }} is not helm's\n"
    (item,) = helm.render({"template": {"files": {"template.yaml": text, "nginx.conf.tpl": "a\n  b"}}})
    assert item["data"] == {"template.yaml": text, "nginx.conf.tpl": "a\n  b"}


def notes(helm, tmp_path, values):
    """What helm prints after an install, which `helm template` does not."""
    copy = tmp_path / "chart"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(CHART, copy)
    (copy / "templates" / "notes.yaml").write_text(
        'kind: Notes\ntext: {{ include (print $.Template.BasePath "/NOTES.txt") . | toJson }}\n')
    (found,) = of_kind(helm.render(values, chart=copy), "Notes")
    return found["text"]


def test_notes_say_what_is_on_and_what_is_missing(helm, tmp_path):
    assert "Switched on: nothing." in notes(helm, tmp_path, {})
    text = notes(helm, tmp_path, VALUES["everything"])
    assert "podMonitor, prometheusRule, dashboard, networkPolicy, demo." in text
    assert "agent.metrics.enabled=true" in text and "create secret" not in text and "canary" not in text
    text = notes(helm, tmp_path, {"demo": {"enabled": True}, "token": {"key": "jwt"}})
    assert "create secret generic test-connect-agent-token --from-file=jwt=" in text
    assert "fake one" in notes(helm, tmp_path, VALUES["fake"])
    text = notes(helm, tmp_path, {"injection": {"enabled": True, "prefix": "a.example"}, "connect": {"caConfigMap": "ca"}})
    assert "kubectl label namespace NAMESPACE a.example/injection=enabled" in text and "The ConfigMap ca has to be in" in text
    assert "looks for http://onepassword-connect:8080 in its own namespace" in text
    for host in ("http://connect.onepassword:8080", "https://10.0.0.1", "http://[fd00::1]:8080", ""):
        assert "own namespace" not in notes(helm, tmp_path, {"injection": {"enabled": True}, "connect": {"host": host}})


def test_the_readme_has_the_table_of_values():
    done = run(sys.executable, ROOT / "deploy" / "helm-table.py", "--check")
    assert done.returncode == 0, done


# Charts that depend on it.


@pytest.fixture(scope="module")
def app_chart(helm, tmp_path_factory):
    """tests/kubernetes/app-chart with its dependency, which helm puts into the chart's folder: in a copy."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(CHART, root / "helm" / "connect-agent")
    chart = root / "tests" / "kubernetes" / "app-chart"
    shutil.copytree(ROOT / "tests" / "kubernetes" / "app-chart", chart)
    done = helm("dependency", "update", chart)
    assert done.returncode == 0, done
    return chart


def test_an_application_chart_includes_the_named_templates(helm, app_chart, validate, judge, program, tmp_path):
    done = helm("lint", "--strict", app_chart)
    assert done.returncode == 0, done
    found = helm.render(chart=app_chart)
    for version in tools.VERSIONS:
        assert validate.wrong(found, version) == []
    assert judge(pods(found)) == ["", "", ""]
    by_name = {item["metadata"]["name"]: item for item in found}
    assert set(by_name) == {"server", "worker", "second", "test-connect-agent-template"}
    agents = {name: by_name[name]["spec"]["template"]["spec"]["initContainers"][0] for name in
              ("server", "worker", "second")}
    assert {agent["image"] for agent in agents.values()} == {"connect-agent:0.1.0"}, "not the application's version"
    assert environment(agents["server"])["OP_CONNECT_HOST"] == "https://connect.example.com"
    assert agents["worker"]["args"] == ["init", "--timeout=120s"] and "restartPolicy" not in agents["worker"]
    assert agents["second"]["volumeMounts"][0]["mountPath"] == "/run/secrets/second"

    def config_map(name):
        volumes = by_name[name]["spec"]["template"]["spec"]["volumes"]
        return [v["configMap"]["name"] for v in volumes if v["name"] == "connect-agent-template"]

    assert config_map("server") == ["test-connect-agent-template"] and config_map("worker") == ["worker"]
    text = by_name["test-connect-agent-template"]["data"]["template.yaml"]
    assert program.check(text, tmp_path).returncode == 0
    assert len(by_name["worker"]["spec"]["template"]["metadata"]["annotations"]["checksum/template"]) == 64
    variables = by_name["worker"]["spec"]["template"]["spec"]["containers"][0]["env"]
    for variable in variables:
        key = variable["valueFrom"]["fileKeyRef"]
        assert key["volumeName"] == "connect-agent-output" and key["key"] == variable["name"]
        assert yaml.safe_load(text)["outputs"][0]["files"][0]["env"][key["key"]] and key["path"] == "app.env"


def test_an_application_chart_is_told_what_is_wrong(helm, app_chart):
    typo = helm.template({"worker": {"templte": {}}}, chart=app_chart)
    assert typo.returncode != 0 and 'overrides: there is no value "templte"' in typo.stderr
    typo = helm.template({"connect-agent": {"conect": {}}}, chart=app_chart)
    assert typo.returncode != 0 and "conect" in typo.stderr
