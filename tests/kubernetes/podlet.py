"""Runs a pod as the kubelet does, without a cluster: for tests of what manifests and charts make. Needs root.

Containers share a network namespace (and a pid namespace, if the pod says so), each has a root of its own that is read-only,
its volumes, the user and group of the security context, no capabilities and no new privileges. ConfigMaps and Secrets are
written as Kubernetes writes them, with `..data`. What an image holds is said by the test: paths in it, and files of this machine.
"""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SECONDS = 60
LIBRARIES = ("lib", "lib64", "usr/lib", "usr/lib64")
# The namespaces' first process: brings the loopback up, says so, and waits for its end.
PAUSE = """
import fcntl, signal, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
print("up", flush=True)
signal.sigwait({signal.SIGTERM})
"""


def why_not():
    """Why pods cannot be run here, or None."""
    if os.geteuid() != 0:
        return "pods are run as root"
    done = subprocess.run(["unshare", "--net", "--pid", "--fork", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else f"no namespaces and mounts here: {done.stderr.strip()}"


def wait_until(ready, what):
    deadline = time.monotonic() + SECONDS
    while not (found := ready()):
        assert time.monotonic() < deadline, f"not in {SECONDS} s: {what() if callable(what) else what}"
        time.sleep(0.02)
    return found


def child_of(pid):
    """The one child of a process, once it is there."""
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return int(wait_until(lambda: path.read_text().split(), f"a child of {pid}")[0])


class Container:
    def __init__(self, pod, spec, process):
        self.pod = pod
        self.spec = spec
        self.process = process
        self.lines = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def wait_for(self, pattern, since=0):
        """The first line that matches, from number `since` on."""
        def look():
            return next((line for line in self.lines[since:] if re.search(pattern, line)), None)

        with self.changed:
            self.changed.wait_for(lambda: look() or self.process.poll() is not None, SECONDS)
        self.process.poll() is None or self.reader.join(SECONDS)
        assert look(), f"{self.spec['name']} never said {pattern!r}: {self.lines[-30:]}"
        return look()

    @property
    def pid(self):
        """Of the container's first process: below nsenter, and below unshare where it has pids of its own."""
        inner = child_of(self.process.pid)
        return inner if self.pod.spec.get("shareProcessNamespace") else child_of(inner)

    def wait(self):
        status = self.process.wait(SECONDS)
        self.reader.join(SECONDS)
        return status

    def end(self):
        """After the namespaces' end, which ends what runs in them."""
        self.process.kill()
        self.wait()
        self.process.stdout.close()

    def stop(self):
        """As the kubelet does; gives the exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def probe(self, kind):
        """(exit status, text) of the probe; of an HTTP one 0 for an answer below 400."""
        probe = self.spec[kind]
        inside = ["nsenter", "--net", "--target", str(self.pid)]
        if "httpGet" in probe:
            url = f"http://127.0.0.1:{probe['httpGet']['port']}{probe['httpGet']['path']}"
            command = [*inside, sys.executable, "-c", f"import urllib.request; urllib.request.urlopen({url!r}, timeout=1)"]
        else:
            command = [*inside, "--mount", "--root", "--wd=/", *self.pod.limits(self.spec), *probe["exec"]["command"]]
        # As a kubelet: a command in a container has the variables of the container.
        done = subprocess.run(command, env=self.pod.environment_of(self.spec), capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class Pod:
    """pod = Pod(template, objects, images); pod.run() starts all; `with` ends all."""

    def __init__(self, template, objects, images, environment=None):
        self.spec = template["spec"]
        self.objects = {(item["kind"], item["metadata"]["name"]): item for item in objects}
        self.images = images
        self.environment = environment or {}  # over that of every container, where it has the variable
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="podlet-", dir="/dev/shm"))
        self.folder.chmod(0o755)
        self.stack = contextlib.ExitStack()
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.containers = {}
        self.group = self.spec.get("securityContext", {}).get("fsGroup")
        for volume in self.spec.get("volumes", []):
            self._make(volume)

    def __enter__(self):
        command = ["unshare", "--net", "--pid", "--fork", "--kill-child", sys.executable, "-c", PAUSE]
        process = self.stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        assert process.stdout.readline() == "up\n"
        self.pause = child_of(process.pid)
        return self

    def __exit__(self, *_):
        os.kill(self.pause, signal.SIGKILL)  # the first process of a pid namespace takes the others with it
        self.stack.close()

    # Volumes.

    def volume(self, name):
        return self.folder / "volumes" / name

    def _make(self, volume):
        path = self.volume(volume["name"])
        path.mkdir(parents=True)
        path.chmod(0o2777 if self.group else 0o777)
        if self.group:
            os.chown(path, 0, self.group)
        source = volume.get("configMap") or volume.get("secret")
        if source:
            path.chmod(0o755)
            self.write(volume["name"], self._files(volume), source.get("defaultMode", 0o644))

    def _files(self, volume):
        if "configMap" in volume:
            return self.objects["ConfigMap", volume["configMap"]["name"]]["data"]
        secret = self.objects["Secret", volume["secret"]["secretName"]]["stringData"]
        wanted = volume["secret"].get("items") or [{"key": key, "path": key} for key in secret]
        return {item["path"]: secret[item["key"]] for item in wanted}

    def write(self, name, files, mode=0o644):
        """As Kubernetes writes a ConfigMap or Secret: a new folder, and the swap of `..data`."""
        path = self.volume(name)
        fresh = pathlib.Path(tempfile.mkdtemp(prefix="..2026_", dir=path))
        fresh.chmod(0o755)
        for key, text in files.items():
            (fresh / key).write_text(text)
            (fresh / key).chmod(mode | 0o440 if self.group else mode)
            os.chown(fresh / key, 0, self.group or 0)
            if not (path / key).is_symlink():
                (path / key).symlink_to(f"..data/{key}")
        (path / "..data_tmp").symlink_to(fresh.name)
        (path / "..data_tmp").rename(path / "..data")

    # Containers.

    def limits(self, container):
        """setpriv with the user and the limits of the security context."""
        security = {**self.spec.get("securityContext", {}), **container["securityContext"]}
        user = security.get("runAsUser", 65532)
        assert user != 0 or not security["runAsNonRoot"]
        groups = f"--groups={self.group}" if self.group else "--clear-groups"
        assert security["capabilities"]["drop"] == ["ALL"] and not security["allowPrivilegeEscalation"]
        return ["/podlet/setpriv", f"--reuid={user}", f"--regid={security.get('runAsGroup', 65532)}", groups,
                "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]

    def _root_script(self, container, root):
        """Shell commands that make the container's root, seen by it alone."""
        image = self.images[container["image"].split(":")[0]]
        lines = [f"mount -t tmpfs -o mode=0755 tmpfs {root}", f"mkdir -p {root}/proc {root}/dev {root}/podlet",
                 f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev"]
        for name in LIBRARIES:
            if pathlib.Path("/", name).is_symlink():
                lines.append(f"ln -s {os.readlink('/' + name)} {root}/{name}")
            elif pathlib.Path("/", name).is_dir():
                lines.append(f"mkdir -p {root}/{name} && mount --bind -o ro /{name} {root}/{name}")
        files = {**image.get("files", {}), "/podlet/setpriv": shutil.which("setpriv")}
        for inside, outside in files.items():
            lines.append(f"mkdir -p {root}{os.path.dirname(inside)} && cp {shlex.quote(str(outside))} {root}{inside}")
        lines += [command.format(root=root) for command in image.get("commands", [])]
        for mount in container.get("volumeMounts", []):
            target, flags = f"{root}{mount['mountPath']}", "-o ro" if mount.get("readOnly") else ""
            lines.append(f"mkdir -p {target} && mount --bind {flags} {self.volume(mount['name'])} {target}")
        if container["securityContext"].get("readOnlyRootFilesystem"):
            lines.append(f"mount -o remount,ro {root}")
        return lines

    def environment_of(self, container):
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        fields = {"metadata.name": "app-1", "metadata.namespace": "example"}
        for variable in container.get("env", []):
            name, source = variable["name"], variable.get("valueFrom", {})
            if "fileKeyRef" in source:
                found[name] = self._key_of_file(source["fileKeyRef"])
            else:
                found[name] = fields[source["fieldRef"]["fieldPath"]] if source else variable["value"]
            found[name] = self.environment.get(name, found[name])
        return found

    def _key_of_file(self, reference):
        """As the kubelet reads it: NAME='value' and no more."""
        path = self.volume(reference["volumeName"]) / reference["path"]
        assert not path.is_symlink() or not os.path.isabs(os.readlink(path)), "the kubelet has another path to the volume"
        text = path.read_text()
        pairs = re.findall(r"([A-Za-z_]\w*)='([^']*)'\n", text)
        assert "".join(f"{name}='{value}'\n" for name, value in pairs) == text
        return dict(pairs)[reference["key"]]

    def start(self, container):
        root = self.folder / "roots" / container["name"]
        root.mkdir(parents=True)
        image = self.images[container["image"].split(":")[0]]
        command = container.get("command") or image["entrypoint"]
        words = [*self.limits(container), *command, *container.get("args", [])]
        script = ["set -e", *self._root_script(container, root),
                  f"exec chroot {root} " + " ".join(shlex.quote(str(word)) for word in words)]
        own = [] if self.spec.get("shareProcessNamespace") else ["--pid", "--kill-child"]
        command = ["nsenter", "--net", "--pid", "--target", str(self.pause), "unshare", "--mount", *own]
        command += ["--fork"] if own else []
        process = subprocess.Popen([*command, "sh", "-c", "\n".join(script)], env=self.environment_of(container),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        made = Container(self, container, process)
        self.stack.callback(made.end)
        self.containers[container["name"]] = made
        return made

    def run(self):
        """Init containers one after the other, then the rest; gives the running ones by name."""
        for spec in self.spec.get("initContainers", []):
            container = self.start(spec)
            if spec.get("restartPolicy") != "Always":
                assert container.wait() == 0, container.lines
            elif "startupProbe" in spec:
                self.wait_started(container)
        for spec in self.spec["containers"]:
            self.start(spec)
        return self.containers

    def wait_started(self, container):
        def passes():
            assert container.process.poll() is None, container.lines
            return container.probe("startupProbe")[0] == 0

        wait_until(passes, lambda: f"start of {container.spec['name']}: {container.probe('startupProbe')} {container.lines}")

    def ask(self, method, url, body=None):
        """An HTTP request from inside the pod."""
        code = ("import sys, urllib.request as u; "
                "print(u.urlopen(u.Request(sys.argv[2], method=sys.argv[1], data=sys.argv[3].encode() or None), timeout=60)"
                ".read().decode())")
        done = subprocess.run(["nsenter", "--net", "--target", str(self.pause), sys.executable, "-c", code, method, url,
                               body or ""], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
