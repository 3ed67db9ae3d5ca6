#!/usr/bin/env python3
"""Writes the bill of materials of the static connect-agent: SPDX 2.3 in JSON.

    deploy/static/sbom.py VERSIONS PROGRAM OUTPUT

VERSIONS is the table that dependencies.sh leaves (name, Debian source package, its version, licence, with tabs). The
same program and table give the same bytes: the document is named by the program's hash, and its time is
SOURCE_DATE_EPOCH, or else the start of 1970.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import sys
import urllib.parse

AGENT_LICENCE = "Apache-2.0"
DISTRIBUTION = "debian-13"
ROOT = "SPDXRef-connect-agent"


def agent_version():
    """From the one place that says it."""
    lists = pathlib.Path(__file__).resolve().parents[2] / "CMakeLists.txt"
    found = re.search(r"project\(connect-agent VERSION ([0-9.]+)", lists.read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"{lists} names no version")
    return found[1]


def created():
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def package(identifier, name, version, licence, purl, supplier):
    return {
        "SPDXID": identifier,
        "name": name,
        "versionInfo": version,
        "supplier": supplier,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": licence,
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
        ],
    }


def linked(line):
    """The package of one line of the table."""
    name, source, version, licence = line.split("\t")
    quoted = urllib.parse.quote(version, safe=".-~:")
    purl = f"pkg:deb/debian/{urllib.parse.quote(source, safe='.-')}@{quoted}?arch=source&distro={DISTRIBUTION}"
    return package(f"SPDXRef-{name}", name, version, licence, purl, "Organization: Debian")


def document(versions, program):
    version = agent_version()
    digest = hashlib.sha256(program).hexdigest()
    agent = package(ROOT, "connect-agent", version, AGENT_LICENCE,
                    f"pkg:generic/connect-agent@{version}?checksum=sha256:{digest}", "NOASSERTION")
    agent["primaryPackagePurpose"] = "APPLICATION"
    agent["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    parts = [linked(line) for line in versions.splitlines() if line]
    table = hashlib.sha256(versions.encode()).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"connect-agent-{version}",
        # A name, not an address: unique for what it describes, as SPDX wants it.
        "documentNamespace": f"urn:connect-agent:sbom:{version}:{digest[:32]}:{table[:32]}",
        "creationInfo": {"created": created(), "creators": ["Tool: connect-agent-sbom.py"]},
        "packages": [agent, *parts],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": ROOT},
            *({"spdxElementId": ROOT, "relationshipType": "STATIC_LINK", "relatedSpdxElement": part["SPDXID"]}
              for part in parts),
        ],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", type=pathlib.Path)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    made = document(options.versions.read_text(encoding="utf-8"), options.program.read_bytes())
    options.output.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
