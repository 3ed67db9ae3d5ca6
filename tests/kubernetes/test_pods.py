"""The pods of the chart and of deploy/kubernetes, run for real by podlet.py: with their users, volumes, probes and order, on a
fake Connect server. Nothing of a manifest is changed but the address of Connect and how often the agent asks."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import textwrap

import pytest

import podlet
import test_manifests
from conftest import ROOT, pods

AGENT, FAKE = os.environ.get("AGENT"), os.environ.get("FAKE_CONNECT")
reason = podlet.why_not()
pytestmark = pytest.mark.skipif(reason is not None, reason=reason or "")

FIXTURE = """
tokens: [{name: agent}]
vaults:
  - name: prod
    items:
      - title: db
        fields:
          - {label: username, value: canary-value-user}
          - {label: password, value: "canary-value-@:/ pass"}
          - {label: server, value: db.example.com}
          - {label: port, value: "5432"}
      - title: tls
        fields:
          - {label: private key, generate: ed25519}
          - {label: certificate, generate: certificate}
"""


def script(text):
    """An image that is busybox and one program of the test's own."""
    return {"files": {"/bin/busybox": shutil.which("busybox")},
            "commands": ["chroot {root} /bin/busybox --install -s /bin", "mkdir -p {root}/usr/local/bin {root}/usr/bin",
                         "cat >{root}/usr/local/bin/app <<'END'\n#!/bin/sh\n" + textwrap.dedent(text) + "\nEND",
                         "chmod 755 {root}/usr/local/bin/app", "ln -s ../local/bin/app {root}/usr/bin/pg_dump"],
            "entrypoint": ["/usr/local/bin/app"]}


def images(app="", **more):
    if shutil.which("busybox") is None:
        pytest.skip("busybox is not installed")
    return {"connect-agent": {"files": {"/usr/bin/connect-agent": AGENT}, "entrypoint": ["/usr/bin/connect-agent"]},
            "fake-connect": {"files": {"/usr/bin/fake-connect": FAKE,
                                       "/etc/fake-connect/vault.yaml": ROOT / "tests/data/sample-vault.yaml"},
                             "entrypoint": ["/usr/bin/fake-connect"]},
            "app": script(app), "busybox": script(app), "postgres": script(app), **more}


class Stand(podlet.Pod):
    """A pod of a manifest, with a fake Connect server in its network."""

    def __init__(self, name, found, connect=True):
        self.connect = connect
        self.objects_of = test_manifests.FILES[name]
        (template,) = pods(self.objects_of)
        super().__init__(template, self.objects_of, found, {"OP_CONNECT_HOST": "http://127.0.0.1:8080"})

    def __enter__(self):
        super().__enter__()
        (self.folder / "fixture.yaml").write_text(FIXTURE)
        self.tokens = self.folder / "tokens"
        command = ["nsenter", "--net", "--target", str(self.pause), FAKE, "--fixture", self.folder / "fixture.yaml",
                   "--listen", "127.0.0.1:8080", "--token-directory", self.tokens]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.stack.callback(process.stdout.close)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        assert "listening" in process.stdout.readline()
        self.mount_token()
        return self

    def mount_token(self):
        self.write("token", {"token": (self.tokens / "agent").read_text()}, 0o440)

    def change(self, item, field, value):
        self.ask("PUT", f"http://127.0.0.1:8080/_fake/vaults/prod/items/{item}/fields/{field}", value)

    def refresh(self):
        """What the interval would do in a minute."""
        os.kill(self.containers["connect-agent"].pid, signal.SIGHUP)


def messages(container):
    return [found[1] for found in (re.search(r'"message":"(.*?)"', line) for line in container.lines) if found]


def test_filekeyref_gives_an_unchanged_application_its_variables():
    with Stand("init-filekeyref", images('echo "user=$DB_USER password=$DB_PASSWORD"')) as pod:
        running = pod.run()
        assert running["app"].wait() == 0
        assert running["app"].lines == ["user=canary-value-user password=canary-value-@:/ pass"]
        assert not [line for line in running["connect-agent"].lines if "canary" in line or '"level":"warn"' in line]
        assert '"pod":"app-1"' in "\n".join(running["connect-agent"].lines), "the audit line"


def test_sidecar_reloads_nginx_when_the_certificate_is_renewed():
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed")
    image = {"files": {"/usr/sbin/nginx": nginx}, "entrypoint": ["nginx"]}

    def served(pod):
        code = "import ssl; print(ssl.get_server_certificate(('127.0.0.1', 8443)))"
        done = subprocess.run(["nsenter", "--net", "--target", str(pod.pause), sys.executable, "-c", code],
                              capture_output=True, text=True, check=False)
        return ssl.PEM_cert_to_DER_cert(done.stdout) if done.returncode == 0 else None

    with Stand("sidecar", images(nginx=image)) as pod:
        running = pod.run()
        first = podlet.wait_until(lambda: served(pod), lambda: f"nginx serves: {running['nginx'].lines}")
        # A certificate of the same key, as after a renewal.
        key = pod.volume("secrets") / "tls" / "server.key"
        made = subprocess.run(["openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=renewed", "-days", "1"],
                              capture_output=True, text=True, check=True)
        pod.change("tls", "certificate", made.stdout)
        pod.refresh()
        renewed = ssl.PEM_cert_to_DER_cert(made.stdout)
        assert first != renewed
        podlet.wait_until(lambda: served(pod) == renewed, lambda: f"{running['connect-agent'].lines[-5:]}")
        assert running["nginx"].process.poll() is None, "a reload, not a restart"
        assert running["connect-agent"].stop() == 0


def test_job_ends_with_its_work_and_the_sidecar_after_it():
    with Stand("job", images('echo "$1 $PGUSER@$PGHOST:$PGPORT $PGPASSWORD"')) as pod:
        running = pod.run()
        assert running["dump"].wait() == 0
        assert running["dump"].lines == ["--schema-only canary-value-user@db.example.com:5432 canary-value-@:/ pass"]
        assert running["connect-agent"].process.poll() is None
        assert running["connect-agent"].stop() == 0, "which is what the kubelet does then"


def test_exec_starts_an_application_with_its_variables_and_again_after_a_change():
    with Stand("exec", images('trap "exit 0" TERM; echo "$@ $DB_URL"; sleep 600 & wait')) as pod:
        running = pod.run()
        running["app"].wait_for("^--listen :8080 postgres://canary-value-user:canary-value-%40%3A%2F%20pass@db.example.com/app$")
        pod.wait_started(running["app"])
        assert not list(pod.folder.glob("volumes/*/*.env")), "in no file"
        pod.change("db", "password", "canary-value-new")
        pod.write("template", {"template.yaml": template_of("exec").replace("grace: 20s", "grace: 19s")})
        running["app"].wait_for("canary-value-new@db.example.com")
        assert running["app"].stop() == 0


def template_of(name):
    (text,) = [item["data"]["template.yaml"] for item in test_manifests.FILES[name] if item["kind"] == "ConfigMap"]
    return text


def test_a_pod_waits_for_its_token_and_starts_when_it_is_there():
    """The probe's line says why, which is what the pod's events show."""
    with Stand("job", images("echo ran")) as pod:
        pod.write("token", {"token": "put-the-token-of-your-connect-server-here"}, 0o440)
        (spec,) = pod.spec["initContainers"]
        container = pod.start(spec)
        podlet.wait_until(lambda: "not a Connect token" in container.probe("startupProbe")[1]
                          or container.process.poll() is not None, lambda: container.probe("startupProbe"))
        assert container.process.poll() is None, container.lines
        pod.mount_token()
        pod.wait_started(container)


def test_a_new_token_and_a_new_template_are_taken_up_without_a_restart():
    with Stand("job", images("sleep 600 & wait")) as pod:
        running = pod.run()
        pod.ask("POST", "http://127.0.0.1:8080/_fake/tokens/agent/rotate", '{"revoke_old":true}')
        pod.mount_token()
        path = pod.volume("secrets") / "db.env"
        pod.change("db", "password", "canary-value-new")
        pod.write("template", {"template.yaml": template_of("job").replace("PGPASSWORD", "NEW_NAME")})
        podlet.wait_until(lambda: "NEW_NAME='canary-value-new'" in path.read_text(), lambda: running["connect-agent"].lines)
        assert path.stat().st_uid == 10001 and path.stat().st_mode & 0o777 == 0o400


def test_a_file_for_the_group_of_the_pod_needs_its_owner_written():
    """What docs/kubernetes.md says of applications that are another user."""
    text = template_of("job").replace("  - directory: /run/secrets/app\n",
                                      "  - directory: /run/secrets/app\n    owner: 65532:10001\n    mode: 0440\n")
    with Stand("job", images('echo "as $(id -u) $PGUSER"')) as pod:
        pod.write("template", {"template.yaml": text})
        del pod.spec["securityContext"]["runAsUser"]
        (agent,), (app,) = pod.spec["initContainers"], pod.spec["containers"]
        agent["securityContext"].update(runAsUser=65532, runAsGroup=65532)
        app["securityContext"].update(runAsUser=20002, runAsGroup=20002)
        running = pod.run()
        assert running["dump"].wait() == 0 and running["dump"].lines == ["as 20002 canary-value-user"], running["dump"].lines


def test_a_template_that_says_listen_off_does_not_hold_up_a_pod_of_the_chart(helm):
    text = "version: 1\nlisten: off\noutputs:\n  - directory: /run/secrets/app\n    files: [{path: user, content: op://prod/db/username}]\n"
    found = helm.render({"demo": {"enabled": True, "fakeConnect": {"enabled": True}}, "template": {"files": {"template.yaml": text}}})
    (template,) = pods(found)
    with podlet.Pod(template, found, images()) as pod:
        running = pod.run()
        running["app"].wait_for(r"^\d+ \./user$")


def test_the_demo_of_the_chart_shows_what_is_published_and_what_changes(helm):
    values = {"demo": {"enabled": True, "fakeConnect": {"enabled": True}}, "agent": {
        "metrics": {"enabled": True}, "readinessProbe": {"enabled": True}}}
    found = helm.render(values)
    (template,) = pods(found)
    with podlet.Pod(template, found, images()) as pod:
        running = pod.run()
        for name in ("app.env", "tls/server.key"):
            running["app"].wait_for(rf"^\d+ \./{name}$")
        assert running["connect-agent"].probe("readinessProbe")[0] == 0
        assert "connect_agent_ready 1\n" in pod.ask("GET", "http://127.0.0.1:9180/metrics")
        since = len(running["app"].lines)
        pod.ask("PUT", "http://127.0.0.1:8080/_fake/vaults/prod/items/db/fields/password", "canary-value-new")
        os.kill(running["connect-agent"].pid, signal.SIGHUP)
        running["app"].wait_for(r"^\d+ \./app\.env$", since)
        assert not [line for line in running["app"].lines if "canary" in line]
        assert running["app"].stop() == 0 and running["connect-agent"].stop() == 0
