"""What the chart's injection policies make of pods, on a real kube-apiserver: its own admission, defaults and validation."""

import copy

import pytest

from injected import (GOOD, ON, VOLUMES, agents, assert_injected_once, assert_untouched, changed, created, cron_job,
                      deployment, fresh, installed, job, mounted, pod, refused)


@pytest.fixture(scope="module")
def cluster():
    with installed() as running:
        yield running


# What is injected.


def test_an_annotated_pod_gets_the_native_sidecar(cluster):
    made = created(cluster, pod(GOOD))
    assert_injected_once(made)
    agent = agents(made)[0]
    assert agent["args"] == ["sidecar"]
    assert agent["restartPolicy"] == "Always"
    assert agent["startupProbe"]["exec"]["command"][1:] == ["probe", "startup"]
    assert agent["resources"]["requests"] == {"cpu": "1m", "memory": "4Mi"}
    volumes = {v["name"]: v for v in made["spec"]["volumes"]}
    assert volumes["connect-agent-output"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "8Mi"}
    assert volumes["connect-agent-template"]["configMap"]["name"] == "app-template"
    assert volumes["connect-agent-token"]["secret"]["secretName"] == "app-token"
    assert "shareProcessNamespace" not in made["spec"]


def test_mode_init_gets_an_init_container_that_ends(cluster):
    made = created(cluster, pod(changed(mode="init")))
    assert_injected_once(made)
    agent = agents(made)[0]
    assert agent["args"][0] == "init"
    assert "restartPolicy" not in agent and "startupProbe" not in agent


def test_pod_and_namespace_are_told_for_the_audit_line(cluster):
    sources = {e["name"]: e.get("valueFrom") for e in agents(created(cluster, pod(GOOD)))[0]["env"]}
    assert sources["CONNECT_AGENT_POD"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert sources["CONNECT_AGENT_NAMESPACE"]["fieldRef"]["fieldPath"] == "metadata.namespace"


def test_every_annotation_has_its_effect(cluster):
    notes = changed(template_key="other.yaml", token_key="jwt", mount_path="/secrets", containers="web, helper",
                    user="1234", share_process_namespace="true", size_limit="128Ki")
    made = created(cluster, pod(notes, ("web", "helper", "stranger")))
    assert [mounted(made, name) for name in ("web", "helper", "stranger")] == ["/secrets", "/secrets", None]
    assert mounted(made, "connect-agent") == "/secrets"
    agent = agents(made)[0]
    assert {"name": "CONNECT_AGENT_TEMPLATE", "value": "/etc/connect-agent/other.yaml"} in agent["env"]
    assert agent["securityContext"]["runAsUser"] == 1234
    assert made["spec"]["shareProcessNamespace"] is True
    volumes = {v["name"]: v for v in made["spec"]["volumes"]}
    assert volumes["connect-agent-token"]["secret"]["items"] == [{"key": "jwt", "path": "token"}]
    assert volumes["connect-agent-output"]["emptyDir"]["sizeLimit"] == "128Ki"


def test_the_agent_is_first_among_init_containers_and_they_see_the_secrets(cluster):
    inits = [{"name": "migrate", "image": "app:1"}, {"name": "warm", "image": "app:1", "volumeMounts": []}]
    made = created(cluster, pod(GOOD, initContainers=inits))
    assert [c["name"] for c in made["spec"]["initContainers"]] == ["connect-agent", "migrate", "warm"]
    assert mounted(made, "migrate") == mounted(made, "warm") == "/run/secrets/app"


def test_an_init_container_may_be_the_only_target(cluster):
    inits = [{"name": "before", "image": "app:1"}, {"name": "migrate", "image": "app:1"}]
    made = created(cluster, pod(changed(containers="migrate"), initContainers=inits))
    seen = [mounted(made, name) for name in ("app", "before", "migrate")]
    assert seen == [None, None, "/run/secrets/app"]


def test_a_pod_without_volumes_and_mounts_gets_them(cluster):
    made = created(cluster, pod(GOOD, automountServiceAccountToken=False))
    assert_injected_once(made)
    assert [v["name"] for v in made["spec"]["volumes"]] == VOLUMES


def test_what_a_pod_has_already_stays(cluster):
    app = {"name": "app", "image": "app:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    made = created(cluster, pod(GOOD, [app], volumes=[{"name": "data", "emptyDir": {}}]))
    assert_injected_once(made)
    assert made["spec"]["volumes"][0] == {"name": "data", "emptyDir": {}}
    assert made["spec"]["containers"][0]["volumeMounts"][0] == {"name": "data", "mountPath": "/data"}


@pytest.mark.parametrize("notes, spec, security, user", [
    ({}, {}, {}, 65532),
    ({}, {"securityContext": {"runAsUser": 1000}}, {}, 1000),
    ({}, {"securityContext": {"runAsUser": 1000}}, {"runAsUser": 2000}, 2000),
    ({}, {"securityContext": {"runAsUser": 0}}, {}, 65532),
    ({}, {"securityContext": {"runAsUser": 1000}}, {"runAsUser": 0}, 65532),
    ({"user": "3000"}, {"securityContext": {"runAsUser": 1000}}, {"runAsUser": 2000}, 3000),
    ({"user": "1000660000"}, {}, {}, 1000660000),  # as OpenShift gives them out
    ({"user": "2147483647"}, {}, {}, 2147483647),
])
def test_the_agent_runs_as_the_applications_user_but_never_as_root(cluster, notes, spec, security, user):
    app = {"name": "app", "image": "app:1", "securityContext": security}
    context = agents(created(cluster, pod({**GOOD, **notes}, [app], **spec)))[0]["securityContext"]
    assert (context["runAsUser"], context["runAsNonRoot"]) == (user, True)


def test_the_token_is_for_the_group_alone_where_the_pod_has_one(cluster):
    modes = []
    for spec in ({}, {"securityContext": {"fsGroup": 3000}}):
        volumes = created(cluster, pod(GOOD, **spec))["spec"]["volumes"]
        modes += [v["secret"]["defaultMode"] for v in volumes if v["name"] == "connect-agent-token"]
    assert modes == [0o444, 0o440]


def test_variables_can_come_from_a_file_in_the_injected_volume(cluster):
    source = {"volumeName": "connect-agent-output", "path": "app.env", "key": "PASSWORD"}
    app = {"name": "app", "image": "app:1", "env": [{"name": "PASSWORD", "valueFrom": {"fileKeyRef": source}}]}
    made = created(cluster, pod(GOOD, [app]))
    assert made["spec"]["containers"][0]["env"][0]["valueFrom"]["fileKeyRef"]["volumeName"] == VOLUMES[0]


def test_a_large_pod_is_injected_within_the_cost_limits(cluster):
    names = [f"container-{i}" for i in range(60)]
    mounts = [{"name": "data", "mountPath": f"/data/{i}"} for i in range(40)]
    containers = [{"name": name, "image": "app:1", "volumeMounts": mounts} for name in names]
    what = pod(GOOD, containers, volumes=[{"name": "data", "emptyDir": {}}])
    what["metadata"]["annotations"].update({f"other/{i}": "x" * 1000 for i in range(200)})
    made = created(cluster, what)
    assert {mounted(made, name) for name in names} == {"/run/secrets/app"}


def test_quotas_and_ranges_of_the_namespace_hold_for_the_agent(cluster):
    """And their message names it, as docs/kubernetes.md says."""
    full = [{"name": "app", "image": "app:1", "resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}]

    def limited(name, **limits):
        cluster.namespace(name, ON)
        what = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "range"},
                "spec": {"limits": [{"type": "Container", **limits}]}}
        created(cluster, what, name)

    def answer(name):
        return cluster.create(name, pod(GOOD, full), dry_run=True)

    limited("least", min={"cpu": "10m"})
    cluster.wait_until("the range is in force", lambda: answer("least").status == 403)
    assert "minimum cpu usage per Container is 10m, but request is 1m" in answer("least").message
    limited("usual", default={"cpu": "500m"})
    cluster.wait_until("the default is in force", lambda: "cpu" in agents(answer("usual").object)[0]["resources"]["limits"])


# What is not.


def test_a_pod_without_annotations_is_left_as_it_is(cluster):
    assert_untouched(created(cluster, pod()))


def test_a_namespace_without_the_label_is_left_alone_and_the_author_warned(cluster):
    answer = cluster.create("default", pod(GOOD))
    assert_untouched(answer.object)
    assert "namespace default has no label connect-agent/injection: enabled" in str(answer.warnings)
    assert not cluster.create("default", pod()).warnings


def test_a_namespace_with_another_value_of_the_label_is_not_opted_in(cluster):
    cluster.namespace("other-value", {"connect-agent/injection": "disabled"})
    assert_untouched(created(cluster, pod(GOOD), "other-value"))


def test_a_mirror_of_a_static_pod_is_left_as_it_is(cluster):
    what = pod({"mode": "wrong"}, nodeName="node", automountServiceAccountToken=False)
    what["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x"
    assert_untouched(created(cluster, what))


def test_an_injected_pod_that_is_applied_again_stays_as_it_is(cluster):
    inits = [{"name": "migrate", "image": "app:1"}]
    first = created(cluster, pod(changed(share_process_namespace="true"), initContainers=inits))
    second = created(cluster, fresh(first))
    assert second["spec"] == first["spec"]
    assert_injected_once(second)


def test_containers_that_a_webhook_adds_later_are_let_in_and_see_nothing(cluster):
    again = fresh(created(cluster, pod(GOOD)))
    again["spec"]["initContainers"].insert(0, {"name": "mesh-init", "image": "mesh:1"})
    again["spec"]["containers"].append({"name": "mesh-proxy", "image": "mesh:1"})
    made = created(cluster, again)
    assert [c["name"] for c in made["spec"]["initContainers"]] == ["mesh-init", "connect-agent"]
    assert [mounted(made, name) for name in ("mesh-init", "mesh-proxy")] == [None, None]


def test_a_pod_from_which_something_took_the_secrets_away_is_refused(cluster):
    again = fresh(created(cluster, pod(changed(containers="app"))))
    again["spec"]["containers"][0]["volumeMounts"].pop()
    assert "the pod has not got what they ask for" in refused(cluster, again)


# Workloads.


def test_the_pod_of_a_job_is_injected_and_the_job_itself_is_not(cluster):
    made = created(cluster, job(GOOD))
    assert "initContainers" not in made["spec"]["template"]["spec"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": made["metadata"]["name"],
             "uid": made["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}
    what = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(made["spec"]["template"])}
    what["metadata"].update(generateName=f"{made['metadata']['name']}-", ownerReferences=[owner])
    ours = created(cluster, what)
    assert_injected_once(ours)
    assert agents(ours)[0]["restartPolicy"] == "Always"  # the kubelet ends it with the Job's own container
    assert ours["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("workload", [job, deployment, cron_job])
def test_a_mistake_is_told_to_whoever_applies_the_workload(cluster, workload):
    created(cluster, workload(GOOD))
    created(cluster, workload({}))
    assert '"sidcar" is not a mode' in refused(cluster, workload(changed(mode="sidcar")))
    assert "has no label" in str(cluster.create("default", workload(GOOD)).warnings)


def test_a_wrong_workload_that_was_there_before_can_still_be_scaled(cluster):
    cluster.namespace("before")
    wrong = created(cluster, deployment(changed(mode="sidcar")), "before")
    space = cluster.get("v1", "Namespace", None, "before")
    space["metadata"]["labels"].update(ON)
    assert cluster.replace(space).ok

    def in_force():
        return cluster.create("before", pod(changed(mode="sidcar")), dry_run=True).status == 422
    cluster.wait_until("the label is seen", in_force)
    wrong["spec"]["replicas"] = 3
    assert cluster.replace(wrong).ok
    wrong = cluster.get("apps/v1", "Deployment", "before", wrong["metadata"]["name"])
    wrong["spec"]["template"]["spec"]["containers"][0]["image"] = "app:2"
    assert '"sidcar" is not a mode' in cluster.replace(wrong).message


def test_the_annotations_of_a_workload_can_be_taken_away(cluster):
    made = created(cluster, deployment(GOOD))
    del made["spec"]["template"]["metadata"]["annotations"]
    answer = cluster.replace(made)
    assert answer.ok, answer


def test_annotations_of_a_pod_that_exists_cannot_change_but_all_else_can(cluster):
    made = created(cluster, pod(GOOD))
    made["metadata"]["labels"] = {"any": "label"}
    made["metadata"]["annotations"]["other/annotation"] = "x"
    made = cluster.replace(made).object
    for change in ({"connect-agent/mode": "init"}, {"connect-agent/user": "1"}):
        altered = copy.deepcopy(made)
        altered["metadata"]["annotations"].update(change)
        assert "no effect on a pod that exists" in cluster.replace(altered).message
    altered = copy.deepcopy(made)
    del altered["metadata"]["annotations"]["connect-agent/mode"]
    assert "no effect on a pod that exists" in cluster.replace(altered).message


def test_an_ephemeral_container_can_be_added_to_an_injected_pod(cluster):
    made = created(cluster, pod(GOOD))
    made["spec"]["ephemeralContainers"] = [{"name": "debug", "image": "debug:1"}]
    path = cluster.path("v1", "Pod", "on", made["metadata"]["name"])
    answer = cluster.request("PUT", path + "/ephemeralcontainers", made)
    assert answer.ok, answer
    assert "volumeMounts" not in answer.object["spec"]["ephemeralContainers"][0]


def test_a_namespace_that_enforces_the_restricted_standard_takes_the_injected_pod(cluster):
    cluster.namespace("strict", {**ON, "pod-security.kubernetes.io/enforce": "restricted"})
    secure = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
              "seccompProfile": {"type": "RuntimeDefault"}}
    bare = cluster.create("strict", pod(GOOD))
    assert bare.status == 403 and "violates PodSecurity" in bare.message
    assert 'container "app"' in bare.message and '"connect-agent"' not in bare.message
    for mode in ("sidecar", "init"):
        app = {"name": "app", "image": "app:1", "securityContext": secure}
        assert_injected_once(created(cluster, pod(changed(mode=mode), [app]), "strict"))
