"""What a reference can say beyond vault, item and field: attributes, sections, URLs, SSH keys."""

import shutil
import subprocess

import pytest

import agent

FIXTURE = """
tokens: [{name: agent}]
vaults:
  - name: prod
    items:
      - title: ed
        category: SSH_KEY
        fields:
          - {id: private_key, label: private key, type: SSHKEY, generate: ed25519}
          - {id: public_key, label: public key, type: STRING, generate: ssh-public}
      - title: rsa
        category: SSH_KEY
        fields:
          - {id: private_key, label: private key, type: SSHKEY, generate: rsa}
          - {id: public_key, label: public key, type: STRING, generate: ssh-public}
      - title: no public
        fields:
          - {label: private key, type: SSHKEY, generate: ed25519}
      - title: wrong keys
        fields:
          - {label: text, type: STRING, value: canary-value-no-key}
          - {label: garbage, value: "-----BEGIN PRIVATE KEY-----\\nY2FuYXJ5LXZhbHVlLQ==\\n-----END PRIVATE KEY-----\\n"}
          - {label: damaged, value: "-----BEGIN PRIVATE KEY-----\\n!\\n-----END PRIVATE KEY-----\\n"}
          - {label: empty, value: "-----BEGIN PRIVATE KEY-----\\n-----END PRIVATE KEY-----\\n"}
          - {label: elliptic, value: "-----BEGIN PRIVATE KEY-----\\nMBQCAQAwCwYJKoZIhvcNAQEBA4EA\\n-----END PRIVATE KEY-----\\n"}
      - title: mail
        category: LOGIN
        urls:
          - {label: website, href: "https://one.example.com"}
          - {label: website, href: "https://two.example.com", primary: true}
          - {label: admin, href: "https://admin.example.com"}
        sections: [{id: s1, label: Security}, {id: s2, label: Other}]
        fields:
          - {id: username, label: username, purpose: USERNAME, type: STRING, value: canary-value-user}
          - {id: f1, label: pin, section: s1, type: CONCEALED, value: canary-value-1}
          - {id: f2, label: pin, section: s2, type: CONCEALED, value: canary-value-2}
          - {label: code, section: s1, type: OTP, value: "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ"}
        files: [{id: filefilefilefilefilefilefi, name: note.txt, text: canary-value-note}]
"""

HEAD = "version: 1\noutputs:\n  - directory: {directory}\n    files:\n"


@pytest.fixture(scope="module")
def shared():
    with agent.Place(FIXTURE) as made:
        yield made


def content(place, reference):
    result = place.init(f"{HEAD}      - {{path: x, content: '{reference}'}}\n")
    assert result.status == 0, result
    return place.published("x").decode()


@pytest.mark.parametrize("reference, expected", [
    ("op://prod/mail/username", "canary-value-user"),
    ("op://PROD/Mail/USERNAME?attribute=value", "canary-value-user"),
    ("op://prod/mail/username?attr=type", "STRING"),
    ("op://prod/mail/username?attribute=purpose", "USERNAME"),
    ("op://prod/mail/username?attribute=id", "username"),
    ("op://prod/mail/Security/pin", "canary-value-1"),
    ("op://prod/mail/s2/pin", "canary-value-2"),
    ("op://prod/mail/f2", "canary-value-2"),
    ("op://prod/mail/s1/f1", "canary-value-1"),
    ("op://prod/mail/Security/pin?attr=type", "CONCEALED"),
    ("op://prod/mail/website", "https://two.example.com"),
    ("op://prod/mail/admin", "https://admin.example.com"),
    ("op://prod/mail/note.txt", "canary-value-note"),
    ("op://prod/mail/note.txt?attribute=content", "canary-value-note"),
    ("op://prod/mail/note.txt?attribute=size", "17"),
    ("op://prod/mail/note.txt?attr=name", "note.txt"),
    ("op://prod/mail/note.txt?attr=id", "filefilefilefilefilefilefi"),
    ("op://prod/mail/filefilefilefilefilefilefi", "canary-value-note"),
])
def test_reference(shared, reference, expected):
    assert content(shared, reference) == expected


@pytest.mark.parametrize("query", ["attribute=otp", "attr=totp"])
def test_one_time_password(shared, query):
    code = content(shared, f"op://prod/mail/Security/code?{query}")
    assert len(code) == 6 and code.isdigit()


@pytest.mark.parametrize("reference, said", [
    ("op://prod/mail/pin", "ambiguous: 2 match"),
    ("op://prod/mail/username?attribute=otp", "not a one-time password"),
    ("op://prod/mail/username?attribute=size", "a field has no such attribute"),
    ("op://prod/mail/note.txt?attribute=purpose", "a file has no such attribute"),
    ("op://prod/mail/website?attribute=type", "a URL has no attribute"),
    ("op://prod/mail/note.txt?ssh-format=openssh", "a file has no such attribute"),
])
def test_reference_that_leads_nowhere(shared, reference, said):
    result = shared.init(f"{HEAD}      - {{path: x, content: '{reference}'}}\n")
    assert result.status == 66 and result.said(said), result


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed (openssh-client)")
@pytest.mark.parametrize("item", ["ed", "rsa"])
def test_ssh_keys_in_the_format_of_openssh(shared, item):
    text = f"{HEAD}      - {{path: id, mode: 0400, content: 'op://prod/{item}/private key?ssh-format=openssh'}}\n"
    assert shared.init(text).status == 0
    path = shared.directory / "id"
    key = path.read_text()
    assert key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n") and key.endswith("-----END OPENSSH PRIVATE KEY-----\n")
    public = content(shared, f"op://prod/{item}/public key").split()[:2]
    path = shared.disk / f"id-{item}"
    path.write_text(key)
    path.chmod(0o600)
    run = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", path], capture_output=True, text=True, check=True)
    assert run.stdout.split()[:2] == public
    # It signs, too: the private half is whole.
    (shared.disk / "message").write_text("message")
    subprocess.run(["ssh-keygen", "-Y", "sign", "-n", "test", "-f", path, shared.disk / "message"], capture_output=True, check=True)
    (shared.disk / "signers").write_text("me " + " ".join(public) + "\n")
    with open(shared.disk / "message", "rb") as message:
        subprocess.run(["ssh-keygen", "-Y", "verify", "-n", "test", "-I", "me", "-f", shared.disk / "signers",
                        "-s", shared.disk / "message.sig"], stdin=message, capture_output=True, check=True)
    (shared.disk / "message.sig").unlink()
    shared.init(text)
    again = shared.init(text)
    assert again.status == 0 and again.said("unchanged"), "the same key gives other bytes"


@pytest.mark.parametrize("reference, said", [
    ("op://prod/no public/private key", 'field "public key" of its item'),
    ("op://prod/wrong keys/text", "holds something else"),
    ("op://prod/wrong keys/garbage", "not PKCS#8, or damaged"),
    ("op://prod/wrong keys/damaged", "not base64"),
    ("op://prod/wrong keys/empty", "not PKCS#8, or damaged"),
])
def test_keys_that_cannot_be_converted(shared, reference, said):
    result = shared.init(f"{HEAD}      - {{path: x, content: '{reference}?ssh-format=openssh'}}\n")
    assert result.status == 65 and result.said(said), result
    assert result.said(r"template.yaml:5:29: "), result
