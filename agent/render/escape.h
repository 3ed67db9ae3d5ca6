/* Bytes as other languages quote them. Each appends to a secret; ERROR_CONTENT says what the
 * language cannot hold and what to do. Pure. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/str.h"

/* The body of a JSON string (RFC 8259). It is that of a double-quoted YAML string too: what YAML
 * readers refuse or fold in there is escaped as well. */
bool escape_json(struct str text, struct secret *into, struct error *err);

/* Text and attributes of XML 1.0, which has no way to write most control characters. */
bool escape_xml(struct str text, struct secret *into, struct error *err);

/* One word of a POSIX shell, with its single quotes. */
bool escape_sh(struct str text, struct secret *into, struct error *err);

/* A key or a value of a Java properties file (java.util.Properties): ASCII, the rest as \uXXXX. */
bool escape_properties(struct str text, bool key, struct secret *into, struct error *err);
