"""The policies in other versions of Kubernetes, with other settings, and after they are gone."""

import re

import pytest

from injected import (CHART, GOOD, ON, POLICIES, agents, assert_injected_once, assert_untouched, changed, created, install,
                      load, offline_helm, pod, refused, start, wait_for_policies)


@pytest.mark.parametrize("version", ["1.34", "1.35"])
def test_kubernetes_before_1_36_takes_the_beta_policy(version):
    """The API server behaves as that version does, in its defaults and in the CEL that it takes. It cannot do without the
    stable API too, through which it reads the policies itself; the chart writes the beta."""
    policies = "admissionregistration.k8s.io/v1/mutatingadmissionpolic"
    options = [f"--emulated-version={version}", "--feature-gates=MutatingAdmissionPolicy=true",
               "--runtime-config-emulation-forward-compatible=true", "--runtime-config="
               f"admissionregistration.k8s.io/v1beta1=true,{policies}ies=true,{policies}ybindings=true"]
    with start(*options) as old:
        told = old.request("GET", "/version").object
        assert f"{told['emulationMajor']}.{told['emulationMinor']}" == version
        old.namespace("on", ON)
        install(old, "--set", "injection.apiVersion=v1beta1")
        wait_for_policies(old)
        assert mutating_versions(old.helm("get", "manifest", "demo").stdout) == ["v1beta1"] * 2
        assert_injected_once(created(old, pod(GOOD)))
        assert '"x" is not a mode' in refused(old, pod(changed(mode="x")))


def mutating_versions(manifest):
    return re.findall(r"^apiVersion: admissionregistration.k8s.io/(\w+)\nkind: Mutating", manifest, re.M)


@pytest.mark.parametrize("served, value, version", [
    (["v1beta1"], "", "v1beta1"), (["v1beta1", "v1"], "", "v1"), ([], "", "v1"),
    (["v1beta1", "v1"], "v1beta1", "v1beta1"), (["v1beta1"], "v1", "v1"),
])
def test_the_version_is_the_value_or_what_the_cluster_serves(served, value, version):
    kinds = [f"admissionregistration.k8s.io/{one}/MutatingAdmissionPolicy" for one in served]
    done = offline_helm("template", "demo", CHART, "--set", f"injection.enabled=true,injection.apiVersion={value}",
                        *[word for kind in kinds for word in ("--api-versions", kind)])
    assert done.returncode == 0, done.stderr
    assert mutating_versions(done.stdout) == [version] * 2


@pytest.mark.parametrize("kubernetes, api", [("1.34", "v1beta1"), ("1.35", "v1beta1"), ("1.36", "v1beta1"), ("1.36", "v1")])
def test_the_policies_fit_the_schemas_of_each_version(validate, kubernetes, api):
    done = offline_helm("template", "demo", CHART, "--set", f"injection.enabled=true,injection.apiVersion={api}")
    assert done.returncode == 0, done.stderr
    policies = [what for what in load(done.stdout) if what["kind"] in POLICIES]
    assert {what["kind"] for what in policies} == set(POLICIES)
    assert validate.wrong(policies, kubernetes) == []
    broken = changed_policy(policies)
    assert len(validate.wrong([broken], kubernetes)) == 1


def changed_policy(policies):
    policy = next(what for what in policies if what["kind"] == POLICIES[0])
    return {**policy, "spec": {**policy["spec"], "reinvocation": "Never"}}


@pytest.mark.parametrize("setting, said", [
    ("prefix=Not_A_Name", "prefix"), ("apiVersion=v2", "apiVersion"), ("maxSizeLimit=much", "maxSizeLimit"),
    ("tokenSecret=A", "tokenSecret"), ("enable=true", "enable"),
])
def test_a_wrong_value_is_refused_by_the_schema(setting, said):
    done = offline_helm("template", "demo", CHART, "--set", f"injection.{setting}")
    assert done.returncode != 0
    assert said in done.stderr


def test_what_is_injected_has_the_settings_of_the_chart():
    settings = {"connect.host": "https://connect.example", "connect.caConfigMap": "ca", "output.sizeLimit": 4194304,
                "injection.maxSizeLimit": 8388608, "agent.metrics.enabled": "true", "agent.readinessProbe.enabled": "true",
                "agent.interval": "30s", "agent.runAsUser": 4000, "agent.env[0].name": "CONNECT_AGENT_LOG_FORMAT",
                "agent.env[0].value": "a\"b'c\\\\d", "image.tag": "1.2.3", "agent.resources.limits.memory": "64Mi"}
    with start() as own:
        own.namespace("on", ON)
        install(own, *[word for name, value in settings.items() for word in ("--set", f"{name}={value}")])
        wait_for_policies(own)
        made = created(own, pod(GOOD))
        agent = agents(made)[0]
        assert agent["image"] == "connect-agent:1.2.3"
        env = {e["name"]: e.get("value") for e in agent["env"]}
        assert env["OP_CONNECT_HOST"] == "https://connect.example"
        assert env["CONNECT_AGENT_CA_FILE"] == "/etc/connect-agent-ca/ca.pem"
        assert env["CONNECT_AGENT_LISTEN"] == "0.0.0.0:9180"
        assert env["CONNECT_AGENT_INTERVAL"] == "30s"
        assert env["CONNECT_AGENT_LOG_FORMAT"] == "a\"b'c\\d"
        assert agent["ports"][0]["containerPort"] == 9180
        assert agent["readinessProbe"]["exec"]["command"][1:] == ["probe", "ready"]
        assert agent["securityContext"]["runAsUser"] == 4000
        assert agent["resources"]["limits"] == {"memory": "64Mi"}
        volumes = {v["name"]: v for v in made["spec"]["volumes"]}
        assert volumes["connect-agent-output"]["emptyDir"]["sizeLimit"] == "4194304"
        assert volumes["connect-agent-ca"]["configMap"]["name"] == "ca"
        assert "is not between 64Ki and 8388608" in refused(own, pod(changed(size_limit="9Mi")))


def test_settings_change_with_an_upgrade_and_an_uninstall_leaves_nothing():
    with start() as own:
        own.namespace("on", {**ON, "secrets.example.org/injection": "enabled"})
        install(own)
        wait_for_policies(own)
        settings = {"prefix": "secrets.example.org", "tokenSecret": "everyone", "warnUnlabelled": "false"}
        done = own.helm("upgrade", "demo", CHART, "--reuse-values",
                        *[word for name, value in settings.items() for word in ("--set", f"injection.{name}={value}")])
        assert done.returncode == 0, done.stderr
        wait_for_policies(own, "secrets.example.org")
        own.wait_until("the old prefix is none", lambda: not agents(own.create("on", pod(GOOD), True).object))
        notes = {"mode": "init", "template": "app-template"}
        made = created(own, pod(notes, prefix="secrets.example.org"))
        secrets = [v["secret"]["secretName"] for v in made["spec"]["volumes"] if "secret" in v]
        assert secrets == ["everyone"]
        ours = pod(notes, prefix="secrets.example.org")
        own.wait_until("nobody is warned", lambda: not own.create("default", ours, True).warnings)
        done = own.helm("uninstall", "demo", "--wait")
        assert done.returncode == 0, done.stderr
        for kind in POLICIES:
            assert own.list("admissionregistration.k8s.io/v1", kind) == []
        wrong = pod({"mode": "x"}, prefix="secrets.example.org")
        own.wait_until("mistakes are let through", lambda: own.create("on", wrong, True).ok)
        own.wait_until("nothing is injected", lambda: not agents(own.create("on", ours, True).object))
        assert_untouched(created(own, ours))


def test_a_chart_that_is_installed_with_its_defaults_brings_no_policy():
    done = offline_helm("template", "demo", CHART)
    assert done.returncode == 0, done.stderr
    assert "AdmissionPolicy" not in done.stdout
