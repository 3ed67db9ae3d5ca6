"""deploy/kubernetes: what people apply without helm. What the pods do when they run is in test_pods.py."""

import re

import pytest

import tools
from conftest import ROOT, changed, containers, load, of_kind, pods

FOLDER = ROOT / "deploy" / "kubernetes"
FILES = {path.stem: load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}
DOCUMENT = (ROOT / "docs" / "kubernetes.md").read_text()
IMAGE = "connect-agent:"


def agents(objects):
    """Containers that run connect-agent, with its arguments."""
    for pod in pods(objects):
        for container in containers(pod):
            command = container.get("command", [])
            if container["image"].startswith(IMAGE):
                yield pod, container, container["args"]
            elif command and command[0].endswith("/connect-agent"):
                yield pod, container, command[1:]


@pytest.mark.parametrize("version", tools.VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_every_object_is_right_by_the_schema(validate, name, version):
    assert validate.wrong(FILES[name], version) == []
    (workload,) = of_kind(FILES[name], "Deployment", "Job")
    (wrong,) = validate.wrong([changed(workload, "spec", "template", "spec", "initContainer", value=[])], version)
    assert "initContainer" in wrong


@pytest.mark.parametrize("name", FILES)
def test_every_pod_passes_the_restricted_standard_that_its_namespace_asks_for(judge, name):
    (namespace,) = of_kind(FILES[name], "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert all(item["metadata"]["namespace"] == namespace["metadata"]["name"] for item in FILES[name][1:])
    found = pods(FILES[name])
    assert judge(found) == [""]
    assert all(c["securityContext"]["readOnlyRootFilesystem"] for pod in found for c in containers(pod))
    (pod,) = found
    assert "privileged" in judge([changed(pod, "spec", "containers", 0, "securityContext", "privileged", value=True)])[0]


@pytest.mark.parametrize("name", FILES)
def test_the_template_passes_check(program, tmp_path, name):
    (item,) = of_kind(FILES[name], "ConfigMap")
    done = program.check(item["data"]["template.yaml"], tmp_path)
    assert done.returncode == 0, done


@pytest.mark.parametrize("name", FILES)
def test_commands_variables_and_probes_are_those_of_the_program(program, name):
    commands = set(re.findall(r"^  (\w+) ", program.help[""], re.M))
    found = list(agents(FILES[name]))
    assert found
    told = [arguments[0] for _, container, arguments in found if container.get("terminationMessagePolicy") == "FallbackToLogsOnError"]
    assert told == [arguments[0] for _, _, arguments in found if arguments[0] != "install"], "the pod's status says why it ended"
    for _, container, arguments in found:
        assert arguments[0] in commands
        words = arguments[1:arguments.index("--")] if "--" in arguments else arguments[1:]
        text = program("help", arguments[0])
        assert all(word.split("=")[0] in text for word in words if word.startswith("-"))
        documented = text + "CONNECT_AGENT_POD CONNECT_AGENT_NAMESPACE"
        assert all(variable["name"] in documented for variable in container.get("env", []))
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe in container:
                path, command, question = container[probe]["exec"]["command"]
                assert command == "probe" and question in ("startup", "ready", "live")
                assert path == container.get("command", ["/usr/bin/connect-agent"])[0]


@pytest.mark.parametrize("name", FILES)
def test_everything_that_a_container_names_is_there(name):
    """Volumes, the ConfigMap and the Secret, the outputs' directories."""
    objects = {(item["kind"], item["metadata"]["name"]): item for item in FILES[name]}
    for pod in pods(FILES[name]):
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        mounted = {mount["name"] for c in containers(pod) for mount in c.get("volumeMounts", [])}
        assert mounted == set(volumes)
        for volume in volumes.values():
            if "configMap" in volume:
                assert "template.yaml" in objects["ConfigMap", volume["configMap"]["name"]]["data"]
            if "secret" in volume:
                assert objects["Secret", volume["secret"]["secretName"]]["stringData"]["token"].startswith("put-the-token")
    for _, container, _ in agents(FILES[name]):
        if container.get("env"):
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/etc/connect-agent", "/var/run/secrets/connect"} <= paths
            (item,) = of_kind(FILES[name], "ConfigMap")
            for directory in re.findall(r"directory: (\S+)", item["data"]["template.yaml"]):
                assert directory in paths


@pytest.mark.parametrize("name, command", [("sidecar", "sidecar"), ("job", "sidecar"), ("init-filekeyref", "init")])
def test_a_sidecar_is_native_and_first_and_an_init_container_ends(name, command):
    ((pod, container, arguments),) = agents(FILES[name])
    assert pod["spec"]["initContainers"][0] is container and arguments == [command]
    native = {"restartPolicy", "startupProbe"} & set(container)
    assert native == ({"restartPolicy", "startupProbe"} if command == "sidecar" else set())
    if native:
        assert container["restartPolicy"] == "Always" and container["startupProbe"]["failureThreshold"] >= 3600


def test_variables_by_file_key_are_in_the_template():
    (pod,) = pods(FILES["init-filekeyref"])
    (item,) = of_kind(FILES["init-filekeyref"], "ConfigMap")
    (app,) = pod["spec"]["containers"]
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert "command" not in app and "volumeMounts" not in app, "unchanged"
    for variable in app["env"]:
        key = variable["valueFrom"]["fileKeyRef"]
        assert "emptyDir" in volumes[key["volumeName"]] and f"path: {key['path']}" in item["data"]["template.yaml"]
        assert re.search(rf"^\s+{key['key']}: op://", item["data"]["template.yaml"], re.M)


def test_the_four_ways_are_in_the_document():
    assert set(FILES) == {"init-filekeyref", "sidecar", "job", "exec"}
    for name in FILES:
        assert f"(../deploy/kubernetes/{name}.yaml)" in DOCUMENT
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", DOCUMENT):
        assert (ROOT / "docs" / target).exists(), target
