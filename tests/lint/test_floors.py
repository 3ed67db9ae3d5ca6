#!/usr/bin/env python3
"""floors.py catches each kind of bad include, and lets the good ones pass."""

import sys

import floors

ONCE = "#pragma once\n"

# Path, text, has a header of its own, part of the message (None: nothing is wrong).
CASES = [
    ("main.c", '#include "cmd/command.h"\n#include "io/process.h"\n', False, None),
    ("main.c", '#include "core/agent.h"\n', False, "main.c may not include"),
    ("main.c", '#include "io/loop.h"\n', False, "main.c may not include"),
    ("cmd/init.c", '#include "core/agent.h"\n#include "config/config.h"\n', False, None),
    ("cmd/version.c", '#include "connect/transport.h"\n#include "version.h"\n', False, None),
    ("cmd/init.c", '#include "connect/client.h"\n', False, "cmd may not include"),
    ("cmd/init.c", '#include "render/render.h"\n', False, "cmd may not include"),
    ("cmd/init.c", '#include "publish/publish.h"\n', False, "cmd may not include"),
    ("core/cycle.c", '#include "publish/publish.h"\n#include "render/render.h"\n', False, None),
    ("core/cycle.c", '#include "cmd/load.h"\n', False, "core may not include"),
    ("connect/a.c", '#include "connect/b.h"\n#include "model/value.h"\n', False, None),
    ("connect/a.c", '#include "publish/publish.h"\n', False, "are peers"),
    ("config/a.c", '#  include "connect/client.h"\n', False, "are peers"),
    ("render/a.c", '#include "core/plan.h"\n', False, "render may not include"),
    ("model/a.c", '#include "io/file.h"\n', False, "model may not include"),
    ("io/a.c", '#include "model/value.h"\n', False, "io may not include"),
    ("base/a.c", '#include "base/str.h"\n', False, None),
    ("base/a.c", '#include "io/file.h"\n', False, "nothing but itself"),
    ("base/a.c", '#include "str.h"\n', False, "from the root"),
    ("base/a.c", '#include "../io/file.h"\n', False, "from the root"),
    ("base/a.c", '#include "util/x.h"\n', False, "has no floor"),
    ("util/x.c", "", False, "has no floor"),
    ("connect/a.c", "#include <curl/curl.h>\n", False, None),
    ("core/a.c", "#include <curl/multi.h>\n", False, "only connect"),
    ("core/a.c", "#include <yaml.h>\n", False, "only config"),
    ("base/json.c", "#include <cjson/cJSON.h>\n", False, None),
    ("base/str.c", "#include <cjson/cJSON.h>\n", False, "only base/json.c"),
    ("connect/answer.c", "#include <cjson/cJSON.h>\n", False, "only base/json.c"),
    ("io/a.c", "#include <sys/inotify.h>\n", False, "only watch"),
    ("io/a.c", "#include <microhttpd.h>\n", False, "only report"),
    ("io/a.c", '#include "io/a.h"\n\n#include <time.h>\n\n#include "base/str.h"\n', True, None),
    ("io/a.c", '#include <time.h>\n#include "io/a.h"\n', True, "first"),
    ("io/a.c", "int x;\n", True, "first"),
    ("io/a.c", '#include "base/str.h"\n#include <time.h>\n', False, "goes before"),
    ("io/a.h", "/* What it is\n * for. */\n#pragma once\n", False, None),
    ("io/a.h", "#ifndef A_H\n#define A_H\n#endif\n", False, "#pragma once"),
    ("io/a.h", "/* #pragma once */\nint x;\n", False, "#pragma once"),
    ("io/a.h", ONCE + '/*\n#include "core/agent.h"\n*/\n', False, None),
]

failed = 0
for path, text, has_header, wanted in CASES:
    messages = [message for _, message in floors.check_text(path, text, has_header)]
    good = not messages if wanted is None else any(wanted in message for message in messages)
    if not good:
        print(f"{path}: {text!r}: wanted {wanted!r}, got {messages}")
        failed += 1

lines = list(floors.check_text("io/a.c", '/*\n*/\n#include "model/x.h"\n'))
if [line for line, _ in lines] != [3]:
    print(f"wrong line: {lines}")
    failed += 1

print(f"floors' own test: {len(CASES) + 1 - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
