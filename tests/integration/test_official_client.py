"""1Password's own JavaScript client takes the fake server for a Connect server.

Needs node, and the npm package @1password/connect in a folder that NODE_PATH names.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from fake import FakeConnect

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parent / "data/sample-vault.yaml"


def test_the_official_client_reads_and_writes(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not in PATH")
    folders = os.environ.get("NODE_PATH", "").split(os.pathsep)
    if not any(folder and os.path.isdir(f"{folder}/@1password/connect") for folder in folders):
        pytest.skip("NODE_PATH names no folder with the npm package @1password/connect")
    with FakeConnect(SAMPLE, tmp_path) as fake:
        command = [node, str(HERE / "official_client.mjs"), fake.url, str(fake.token_path("agent"))]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, result.stderr
        seen = json.loads(result.stdout)
        assert seen["vaults"] == ["prod", "shared"]
        assert "db" in seen["items"] and "tls" in seen["items"]
        assert seen["password"] == "example-password-not-a-secret"
        assert seen["file"] == {"name": "keystore.p12", "size": 2432}
        assert re.fullmatch(r"\d{6}", seen["otp"])
        assert {r["token"] for r in fake.requests()} == {"agent"}
        assert all(r["user_agent"].startswith("connect-sdk-js/") for r in fake.requests())
