"""What the image's build stage makes: the static program, its bill of materials, and the stage itself, which
can be asked about its packages."""

import hashlib
import shutil
import tempfile

from engine import ROOT, context_digest

PHANTOM_VERSION = "99.0-1"
PHANTOM = f"""Package: curl
Binary: curl
Version: {PHANTOM_VERSION}
Maintainer: nobody <nobody@example.com>
Architecture: any
Format: 3.0 (quilt)
Files:
 {hashlib.md5(b"").hexdigest()} 1 curl_{PHANTOM_VERSION}.dsc
Checksums-Sha256:
 {hashlib.sha256(b"").hexdigest()} 1 curl_{PHANTOM_VERSION}.dsc
Directory: pool

"""


class StaticProgram:
    """Files taken out of the build stage into `directory`."""

    def __init__(self, docker, directory):
        self.docker = docker
        self.directory = directory
        self.stage = docker.image("build")
        self.program = self.take("/out/connect-agent")
        self.sbom = self.take("/out/connect-agent.spdx.json")
        self.versions = self.take("/opt/static-deps/versions")

    def take(self, path, stage=None):
        """A copy of the stage's file; that of another stage gets another name."""
        target = self.directory / (path.rsplit("/", 1)[1] + (".again" if stage else ""))
        container = self.docker.run("create", *self.docker.mine, stage or self.stage, "true").stdout.strip()
        self.docker.run("cp", f"{container}:{path}", target)
        self.docker.run("rm", container)
        return target

    def in_stage(self, *command):
        """What a command prints in the stage."""
        return self.docker.run("run", "--rm", *self.docker.mine, self.stage, *command).stdout

    def compromised(self):
        """The same program taken over (tests/integration/attack.c), of the same sources and libraries. Beside the tests'
        sources, which the image does not have, the stage has all of it."""
        integration = ROOT / "tests/integration"
        script = ("cp -r /attack/. tests/integration/ && cmake --preset static -B /attacked -D COMPROMISED=ON"
                  " -D STATIC_DEPENDENCIES=$STATIC_DEPENDENCIES && cmake --build /attacked -j 2 --target compromised")
        container = self.docker.run("create", *self.docker.mine, self.stage, "sh", "-ec", "mkdir -p tests/integration && " + script).stdout.strip()
        with tempfile.TemporaryDirectory() as folder:  # no mount: the engine may be on another machine
            for name in ("attack.c", "attack.cmake"):
                shutil.copy(integration / name, folder)
            self.docker.run("cp", f"{folder}/.", f"{container}:/attack")
        self.docker.run("start", "--attach", container, seconds=600)
        target = self.directory / "compromised"
        self.docker.run("cp", f"{container}:/attacked/compromised", target)
        self.docker.run("rm", container)
        return target

    def built_again(self, where, jobs):
        """A stage in which libraries and program are made once more, from the sources, in other places, with a list of
        packages that names a newer curl than the mirror holds. It is built for the content once, as every layer of
        the image. What the build said is in WHERE/said."""
        libraries, out = f"{where}/libraries", f"{where}/out"
        context = self.directory / "again"
        (context / "repository").mkdir(parents=True)
        (context / "repository/Sources").write_text(PHANTOM)
        digest = hashlib.sha256(PHANTOM.encode()).hexdigest()
        (context / "repository/Release").write_text(f"Origin: Debian\nCodename: trixie\nSHA256:\n {digest} {len(PHANTOM)} Sources\n")
        # The libraries first, in a layer that a change of the program leaves as it is; hence on an image without the label
        # of its content.
        # Tags of what decides them: another tree may build here just now.
        libraries_stage = f"connect-agent-test/libraries:{context_digest()}"
        self.docker.run("build", "--network", "host", "--target", "libraries", "-t", libraries_stage, ROOT, seconds=1500)
        (context / "Dockerfile").write_text(
            f"FROM {libraries_stage}\n"
            "COPY repository /repository\n"
            "RUN echo 'deb-src [trusted=yes] file:/repository ./' >/etc/apt/sources.list.d/phantom.list && \\\n"
            f"    mkdir {where} && {{ JOBS={jobs} deploy/static/dependencies.sh {libraries} >{where}/said 2>&1 || \\\n"
            f"    {{ cat {where}/said; exit 1; }}; }}\n"
            f"COPY --from={self.stage} /src {where}/tree\n"
            f"RUN cd {where}/tree && rm -rf build && JOBS={jobs} STATIC_DEPENDENCIES={libraries} \\\n"
            f"    deploy/static/build.sh --no-install --output {out}\n")
        tag = f"connect-agent-test/again:{context_digest()}"
        self.docker.run("build", "--network", "host", "-t", tag, context, seconds=1500)
        self.docker.forget_old("connect-agent-test/libraries")
        self.docker.forget_old("connect-agent-test/again")
        return tag
