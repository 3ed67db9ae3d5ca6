"""A real kube-apiserver with etcd for tests: built from Go modules once, kept in a cache, started on loopback.

    with Cluster() as cluster:
        cluster.create("default", pod)

`cluster.py build` builds them and prints where they are; tests/run.sh does that beside the other tests. Only the standard
library is needed, and Go. No controller and no scheduler runs, so no pod ever starts: this shows what the API server makes
of an object, by its own admission, and nothing of what a kubelet does with it.
"""

import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import tools

HERE = pathlib.Path(__file__).resolve().parent
MODULE = HERE / "apiserver"
START_SECONDS = 120
STOP_SECONDS = 30
WAIT_SECONDS = 60
STARTS = 3  # another program may take a port between its choice and its use

# What `go build` calls the programs, and what they are called here.
PROGRAMS = {"server": "etcd", "kube-apiserver": "kube-apiserver"}


def version():
    """The version of Kubernetes in go.mod, such as v1.36.3."""
    return re.search(r"^\tk8s\.io/kubernetes (v\S+)", (MODULE / "go.mod").read_text(), re.M)[1]


def link_flags():
    """A kube-apiserver that does not know its version serves no API that came in a later one."""
    major, minor, _ = version().lstrip("v").split(".")
    facts = {"gitVersion": version(), "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(["-s", "-w", *(f"-X k8s.io/component-base/version.{k}={v}" for k, v in facts.items())])


def compile_into(fresh):
    done = tools.run_go("list", "-deps", "tool", folder=MODULE)  # downloads what the build reads, and no more
    if done.returncode:
        raise tools.Unavailable("the Go module proxy cannot be reached: " + done.stderr.strip()[-300:])
    done = tools.run_go("build", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags", link_flags(),
                        "-o", f"{fresh}/", "tool", folder=MODULE)
    assert done.returncode == 0, done.stderr
    for made, name in PROGRAMS.items():
        (fresh / made).rename(fresh / name)


def build():
    """The folder with the programs. Whoever comes first builds, the others wait for it."""
    return tools.made_once(tools.cache() / f"kubernetes-{tools.digest(MODULE / 'go.mod', MODULE / 'go.sum')}", compile_into)


# Running.


def free_ports(count):
    """Ports that nobody listens on just now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def end(process):
    """Ends a process that was started here."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Answer:
    """What the API server said: status, object, and the warnings that kubectl would show."""

    def __init__(self, status, body, warnings):
        self.status = status
        self.object = body
        self.warnings = warnings

    @property
    def ok(self):
        return 200 <= self.status < 300

    @property
    def message(self):
        return self.object.get("message", "") if isinstance(self.object, dict) else str(self.object)

    def __repr__(self):
        return f"<{self.status} {self.message or self.object} warnings {self.warnings}>"


class Cluster:
    """One running API server. `options` are more flags of kube-apiserver."""

    def __init__(self, *options):
        self.programs = build()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cluster-"))
        self.token = secrets.token_hex(16)
        self._options = options
        self._processes = {}
        self._resources = {}
        self._context = None
        try:
            self._write_credentials()
            self._start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _write_credentials(self):
        (self.directory / "tokens.csv").write_text(f'{self.token},admin,admin,"system:masters"\n')
        subprocess.run(["openssl", "genrsa", "-out", str(self.directory / "accounts.key"), "2048"],
                       check=True, capture_output=True)

    def _spawn(self, name, *arguments):
        # A test that is killed, by CTest's timeout for one, cannot end them.
        command = ["setpriv", "--pdeathsig", "KILL", str(self.programs / name), *arguments]
        with open(self._log(name), "wb") as log:
            self._processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                     cwd=self.directory)

    def _start(self):
        for left in reversed(range(STARTS)):
            try:
                self._start_once()
                return
            except ChildProcessError:
                self._end_processes()
                if left == 0:
                    raise

    def _start_once(self):
        client, peer, self.port = free_ports(3)
        url = f"http://127.0.0.1:{client}"
        shutil.rmtree(self.directory / "etcd", ignore_errors=True)
        self._spawn("etcd", "--data-dir", str(self.directory / "etcd"), "--unsafe-no-fsync",
                    "--listen-client-urls", url, "--advertise-client-urls", url,
                    "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--logger", "zap")
        self._spawn("kube-apiserver", "--etcd-servers", url,
                    "--bind-address", "127.0.0.1", "--secure-port", str(self.port),
                    "--cert-dir", str(self.directory / "certificates"),
                    "--endpoint-reconciler-type", "none",
                    "--service-cluster-ip-range", "10.0.0.0/24",
                    "--authorization-mode", "RBAC",
                    "--token-auth-file", str(self.directory / "tokens.csv"),
                    "--service-account-issuer", "https://kubernetes.default.svc",
                    "--service-account-key-file", str(self.directory / "accounts.key"),
                    "--service-account-signing-key-file", str(self.directory / "accounts.key"),
                    *self._options)
        self._wait_until_ready()
        self._prepare_namespace("default")
        self._write_kubeconfig()

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise ChildProcessError(f"{name} ended: {self._log(name).read_text(errors='replace')[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"kube-apiserver is not ready after {START_SECONDS} s")
            time.sleep(0.05)

    def _is_ready(self):
        try:
            return self.request("GET", "/readyz").status == 200
        except OSError:  # no certificate yet, or nobody listens
            return False

    def _log(self, name):
        return self.directory / f"{name}.log"

    def _write_kubeconfig(self):
        self.kubeconfig = self.directory / "kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "clusters": [{"name": "test", "cluster": {
                "server": f"https://127.0.0.1:{self.port}",
                "certificate-authority": str(self.directory / "certificates" / "apiserver.crt"),
            }}],
        }))
        self.kubeconfig.chmod(0o600)

    def _end_processes(self):
        while self._processes:
            end(self._processes.popitem()[1])  # the API server before etcd

    def helm(self, *arguments):
        """Runs helm against this server; nothing of the user's own settings is read or written."""
        home = {name: str(self.directory / name) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
        return subprocess.run([tools.path("helm"), *map(str, arguments), "--kubeconfig", self.kubeconfig],
                              env={**os.environ, **home}, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)

    def stop(self):
        self._end_processes()
        shutil.rmtree(self.directory, ignore_errors=True)

    # The API.

    def request(self, method, path, body=None, content_type="application/json"):
        if self._context is None:
            certificate = self.directory / "certificates" / "apiserver.crt"
            self._context = ssl.create_default_context(cafile=certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=WAIT_SECONDS,
                                                 context=self._context)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            warnings = response.headers.get_all("Warning") or []
            try:
                decoded = json.loads(text)
            except ValueError:
                decoded = text.decode(errors="replace")
            return Answer(response.status, decoded, warnings)
        finally:
            connection.close()

    def resource(self, api_version, kind):
        """The path's beginning, the plural, and whether it is in namespaces, as the server tells."""
        if api_version not in self._resources:
            base = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
            answer = self.request("GET", base)
            assert answer.ok, f"{api_version} is not served: {answer}"
            self._resources[api_version] = (base, {
                one["kind"]: one for one in answer.object["resources"] if "/" not in one["name"]
            })
        base, kinds = self._resources[api_version]
        assert kind in kinds, f"{api_version} has no {kind}; it has {sorted(kinds)}"
        return base, kinds[kind]["name"], kinds[kind]["namespaced"]

    def path(self, api_version, kind, namespace=None, name=None):
        base, plural, namespaced = self.resource(api_version, kind)
        parts = [base]
        if namespaced and namespace:
            parts += ["namespaces", namespace]
        return "/".join([*parts, plural, *([name] if name else [])])

    def create(self, namespace, what, dry_run=False):
        """Creates an object as kubectl would: strict about fields that the kind does not have."""
        query = "?fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        return self.request("POST", self.path(what["apiVersion"], what["kind"], namespace) + query, what)

    def get(self, api_version, kind, namespace, name):
        answer = self.request("GET", self.path(api_version, kind, namespace, name))
        assert answer.ok, answer
        return answer.object

    def replace(self, what):
        """Writes an object that was read before, with its changes."""
        meta = what["metadata"]
        path = self.path(what["apiVersion"], what["kind"], meta.get("namespace"), meta["name"])
        return self.request("PUT", path, what)

    def list(self, api_version, kind, namespace=None):
        answer = self.request("GET", self.path(api_version, kind, namespace))
        assert answer.ok, answer
        return answer.object["items"]

    def _prepare_namespace(self, name):
        """What a controller does in a full cluster."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        answer = self.create(name, account)
        assert answer.ok or answer.status == 409, answer

    def namespace(self, name, labels=()):
        """Makes a namespace with these labels, a dict."""
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}
        answer = self.create(None, made)
        assert answer.ok, answer
        self._prepare_namespace(name)
        return name

    def wait_until(self, what, true):
        """Policies are compiled some time after they are created: waits until the server shows it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not true():
            assert time.monotonic() < deadline, f"not after {WAIT_SECONDS} s: {what}"
            time.sleep(0.05)


if __name__ == "__main__":
    if sys.argv[1:] != ["build"]:
        sys.exit("usage: cluster.py build")
    try:
        print(build())
    except tools.Unavailable as reason:
        print(f"SKIPPED: {reason}")
        sys.exit(tools.SKIPPED)
