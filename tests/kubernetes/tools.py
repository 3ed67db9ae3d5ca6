"""helm, kubeconform and podsecurity, built once with Go through its module proxy, and the schemas of Kubernetes and of the
Prometheus operator as JSON Schema, which kubeconform reads. All of it lies in a cache outside of the tree.

`python3 tools.py` makes what is missing and says where it is; exit status 77: it cannot be made here.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import schemas

HERE = pathlib.Path(__file__).resolve().parent
MODULE = HERE / "tools"
PROGRAMS = ("helm", "kubeconform", "podsecurity")
OPERATOR = ("github.com/prometheus-operator/prometheus-operator", "v0.85.0",
            "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=")
CRDS = ("monitoring.coreos.com_podmonitors.yaml", "monitoring.coreos.com_prometheusrules.yaml")
KUBERNETES = {
    "1.34": ("k8s.io/kubernetes", "v1.34.4", "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk="),
    "1.35": ("k8s.io/kubernetes", "v1.35.4", "h1:o/8dBC/pHVpYoGV4OAIytAlNPZbdYVTXJHoYvXC4qzM="),
    "1.36": ("k8s.io/kubernetes", "v1.36.3", "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o="),
}
VERSIONS = tuple(KUBERNETES)
SKIPPED = 77


class Unavailable(Exception):
    """What is missing on this machine, for the reason of a skipped test."""


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/root"), ".cache")
    return pathlib.Path(home) / "connect-agent"


def digest(*paths):
    """Of what decides the result: a change of it makes the result anew."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(path.read_bytes())
    return whole.hexdigest()[:16]


def go_environment(**more):
    """Nothing of the caller's settings may change what is built; where modules come from is the machine's business."""
    ours = {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    return {**os.environ, **ours, **more}


def run_go(*arguments, folder=MODULE, **environment):
    return subprocess.run(["nice", "go", *arguments], cwd=folder, env=go_environment(**environment),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def need_go():
    if shutil.which("go") is None:
        raise Unavailable("Go is not installed")
    found = run_go("version").stdout
    wanted = re.search(r"^go (\d+)\.(\d+)", (MODULE / "go.mod").read_text(), re.M)
    have = re.search(r"go(\d+)\.(\d+)", found)
    if not have or tuple(map(int, have.groups())) < tuple(map(int, wanted.groups())):
        raise Unavailable(f"Go {wanted[1]}.{wanted[2]} or newer is needed, this is: {found.strip()}")


def made_once(folder, make):
    """The folder, made by make(fresh) if it is not there. Of several that want it, one makes it and the others wait."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(folder.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        need_go()
        with tempfile.TemporaryDirectory(prefix=folder.name + "-", dir=folder.parent) as scratch:
            fresh = pathlib.Path(scratch) / "fresh"
            fresh.mkdir()
            make(fresh)
            fresh.rename(folder)
    return folder


def build_programs(fresh):
    done = run_go("mod", "download")
    if done.returncode:
        raise Unavailable("the Go module proxy cannot be reached: " + done.stderr.strip()[-300:])
    # A plain `go build` of helm takes itself to be of Kubernetes 1.20.
    major, minor = VERSIONS[-1].split(".")
    version = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
    flags = f"-s -w -X {version}Major={major} -X {version}Minor={minor}"
    done = run_go("build", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", f"{fresh}/", "tool",
                  "./podsecurity")
    assert done.returncode == 0, done.stderr


def programs():
    key = digest(MODULE / "go.mod", MODULE / "go.sum", MODULE / "podsecurity" / "main.go")
    return made_once(cache() / f"kubernetes-tools-{VERSIONS[-1]}-{key}", build_programs)


def path(name):
    """The program of that name."""
    assert name in PROGRAMS, name
    return programs() / name


@contextlib.contextmanager
def module(name, version, wanted):
    """The folder of a module's source for a moment: it is large, and a fraction of it is needed."""
    with tempfile.TemporaryDirectory(prefix="connect-agent-modules-") as scratch:
        done = run_go("mod", "download", "-json", f"{name}@{version}", folder=scratch, GOMODCACHE=scratch,
                      GOFLAGS="-modcacherw")
        if done.returncode:
            raise Unavailable(f"{name} {version} cannot be had: {done.stdout.strip()[-300:]}{done.stderr[-300:]}")
        found = json.loads(done.stdout)
        assert found["Sum"] == wanted, f"{name} {version} is not what it was: {found['Sum']}"
        yield pathlib.Path(found["Dir"])


def convert_kubernetes(fresh):
    for minor, pin in KUBERNETES.items():
        with module(*pin) as source:
            schemas.convert_openapi(source / "api" / "openapi-spec" / "v3", fresh / minor)


def convert_operator(fresh):
    with module(*OPERATOR) as source:
        schemas.convert_crds(source / "example" / "prometheus-operator-crd", fresh, CRDS)


def kubernetes_schemas():
    """One folder for each of VERSIONS."""
    pins = hashlib.sha256(repr(KUBERNETES).encode()).hexdigest()[:8]
    return made_once(cache() / f"kubernetes-schemas-{pins}-{digest(HERE / 'schemas.py')}", convert_kubernetes)


def operator_schemas():
    pins = hashlib.sha256(repr(OPERATOR).encode()).hexdigest()[:8]
    return made_once(cache() / f"operator-schemas-{pins}-{digest(HERE / 'schemas.py')}", convert_operator)


def main():
    try:
        for folder in (programs(), kubernetes_schemas(), operator_schemas()):
            print(folder)
    except Unavailable as reason:
        print(f"SKIPPED: {reason}")
        return SKIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
