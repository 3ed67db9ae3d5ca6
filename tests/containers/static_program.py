"""What the image's build stage makes: the static program, its bill of materials, and the stage itself, which
can be asked about its packages."""


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

    def built_again(self, where, jobs):
        """A stage in which libraries and program are made once more, from the sources, in other places. It is built for
        the content once, as every layer of the image."""
        libraries, out = f"{where}/libraries", f"{where}/out"
        steps = (f"FROM {self.stage}\n"
                 f"RUN mkdir -p {where} && cp -a /src {where}/tree && cd {where}/tree && rm -rf build && \\\n"
                 f"    JOBS={jobs} STATIC_DEPENDENCIES={libraries} deploy/static/build.sh --no-install --output {out}\n")
        context = self.directory / "again"
        context.mkdir()
        (context / "Dockerfile").write_text(steps)
        tag = "connect-agent-test/again"
        self.docker.run("build", "--network", "host", "-t", tag, context, seconds=1500)
        return tag
