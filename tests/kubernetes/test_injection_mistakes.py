"""Mistakes in annotations: each is refused, with what was found and what to do; and the page that documents them."""

import re

import pytest

from injected import GOOD, ROOT, assert_injected_once, changed, created, installed, pod, refused

PAGE = (ROOT / "docs" / "injection.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cluster():
    with installed() as running:
        yield running


WRONG = [
    (changed(mode="sidcar"), {}, 'mode: "sidcar" is not a mode; init publishes before'),
    (changed(mode=""), {}, 'mode: "" is not a mode'),
    (changed(mode=None), {}, "mode is missing, without which the other annotations have no effect"),
    (changed(mount="x"), {}, "there is no annotation connect-agent/mount; did you mean connect-agent/mount-path?"),
    (changed(zzz="x"), {}, "there is no annotation connect-agent/zzz; there are: containers, mode, "),
    (changed(template=None), {}, "template is missing: the name of the ConfigMap with the template"),
    (changed(template="App"), {}, 'template: "App" is not the name of a ConfigMap'),
    (changed(template_key="../x"), {}, 'template-key: "../x" is not a key of a ConfigMap'),
    (changed(token=None), {}, "token is missing: the name of the Secret with the Connect token"),
    (changed(token="a b"), {}, 'token: "a b" is not the name of a Secret'),
    (changed(template="a..b"), {}, 'template: "a..b" is not the name of a ConfigMap'),
    (changed(token="a.-b"), {}, 'token: "a.-b" is not the name of a Secret'),
    (changed(token="line\nend"), {}, r'token: "line\nend" is not the name of a Secret'),
    (changed(token="t" * 300), {}, 'token: "' + "t" * 60 + "…"),
    (changed(token_key="a/b"), {}, 'token-key: "a/b" is not a key of a Secret'),
    (changed(mount_path="run/secrets"), {}, 'mount-path: "run/secrets" is not an absolute path'),
    (changed(mount_path="/run/../etc"), {}, 'mount-path: "/run/../etc" is not an absolute path'),
    (changed(mount_path="/"), {}, 'mount-path: "/" is not an absolute path'),
    (changed(mount_path="/etc/connect-agent"), {}, "is where the system or the agent has files of its own"),
    (changed(mount_path="/proc/x"), {}, "is where the system or the agent has files of its own"),
    (changed(mount_path="/run/secrets"), {}, "is where the system or the agent has files of its own"),
    (changed(mount_path="/usr"), {}, "is where the system or the agent has files of its own"),
    (changed(mount_path="/usr/bin"), {}, "is where the system or the agent has files of its own"),
    (changed(mount_path="/etc/ssl"), {}, "is where the system or the agent has files of its own"),
    (changed(mount_path="/etc"), {}, "is where the system or the agent has files of its own"),
    (changed(containers="app,web"), {}, 'containers: there is no container "web"; there are: app'),
    (changed(containers=""), {}, 'containers: there is no container ""; there are: app'),
    (changed(containers="connect-agent"), {}, 'containers: there is no container "connect-agent"'),
    (changed(user="root"), {}, 'user: "root" is not the number of a user other than root'),
    (changed(user="0"), {}, 'user: "0" is not the number of a user other than root'),
    (changed(user="2147483648"), {}, 'user: "2147483648" is not the number of a user other than root'),
    (changed(user=""), {}, 'user: "" is not the number of a user other than root'),
    (changed(share_process_namespace="yes"), {}, '"yes" is neither "true" nor "false"'),
    (changed(share_process_namespace="true", mode="init"), {}, "has no effect in mode init"),
    (changed(share_process_namespace="true"), {"hostPID": True}, "the pod has hostPID, and cannot have both"),
    (changed(share_process_namespace="true"), {"shareProcessNamespace": False}, "spec.shareProcessNamespace is false"),
    (changed(size_limit="much"), {}, 'size-limit: "much" is not a quantity'),
    (changed(size_limit="1Gi"), {}, 'size-limit: "1Gi" is not between 64Ki and 16Mi'),
    (changed(size_limit="0"), {}, 'size-limit: "0" is not between 64Ki and 16Mi'),
    (changed(size_limit="-8Mi"), {}, 'size-limit: "-8Mi" is not between 64Ki and 16Mi'),
    (GOOD, {"os": {"name": "windows"}}, "the pod is for another system than Linux"),
    (GOOD, {"nodeSelector": {"kubernetes.io/os": "windows"}}, "the pod is for another system than Linux"),
    (GOOD, {"hostNetwork": True}, "the pod has hostNetwork: its probes would ask the agent of any pod on the node"),
    (GOOD, {"containers": [{"name": "connect-agent", "image": "x"}]}, "a container of the pod is called connect-agent"),
    (GOOD, {"volumes": [{"name": "connect-agent-token", "emptyDir": {}}]}, "has a volume called connect-agent-token"),
    (GOOD, {"initContainers": [{"name": "connect-agent", "image": "x"}]}, "an init container connect-agent of its own"),
]


@pytest.mark.parametrize("notes, spec, message", WRONG, ids=[case[2][:40] for case in WRONG])
def test_a_mistake_is_refused_with_what_was_found_and_what_to_do(cluster, notes, spec, message):
    what = pod(notes)
    what["spec"].update(spec)
    said = refused(cluster, what)
    assert message in said
    assert "connect-agent/" in said or "connect-agent" in message


@pytest.mark.parametrize("path", ["/run/secrets/app", "/run/secrets/app/", "/run/secrets/app/below"])
def test_a_mount_path_that_is_taken_is_refused_for_the_containers_that_it_is_for(cluster, path):
    web = {"name": "web", "image": "app:1", "volumeMounts": [{"name": "data", "mountPath": path}]}
    what = pod(GOOD, ["app", web], volumes=[{"name": "data", "emptyDir": {}}])
    assert '"/run/secrets/app" is taken: container web mounts something there' in refused(cluster, what)
    what["metadata"]["annotations"]["connect-agent/containers"] = "app"
    created(cluster, what)


def test_all_mistakes_are_told_at_once(cluster):
    said = refused(cluster, pod({"mode": "x", "token": "A", "user": "0"}))
    assert said.count(" | ") == 3
    for part in ("mode: ", "template is missing", "token: ", "user: "):
        assert part in said


def test_a_hostnetwork_pod_can_have_mode_init(cluster):
    assert_injected_once(created(cluster, pod(changed(mode="init"), hostNetwork=True)))


# The page.


def test_the_page_lists_the_annotations_that_the_policy_knows(cluster):
    said = refused(cluster, pod(changed(zzz="x")))
    known = re.search(r"there are: ([a-z-, ]+)", said)[1].split(", ")
    rows = re.findall(r"^\| `connect-agent/([a-z-]+)` \|", PAGE, re.M)
    assert sorted(rows) == known


def test_the_pages_message_is_what_the_server_says(cluster):
    shown = re.search(r"denied request: (.*)", PAGE)[1]
    notes = {"mode": "sidcar", "template": "app-template", "token": "app-token", "mount": "/secrets"}
    assert refused(cluster, pod(notes)).endswith("denied request: " + shown)
