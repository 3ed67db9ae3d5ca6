#include "render/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Appends what stands for one character; `bytes` are those it was written with. */
typedef bool character_writer(uint32_t point, struct str bytes, struct secret *into,
                              struct error *err);

static bool put(struct secret *into, const char *text, struct error *err)
{
    return secret_append(into, str_from(text), err);
}

static bool each_character(struct str text, size_t from, const char *language,
                           character_writer *write, struct secret *into, struct error *err)
{
    for (size_t at = from; at < text.size;) {
        uint32_t point = 0;
        size_t size = str_decode(str_slice(text, at, text.size), &point);
        if (size == 0) {
            return error_set(err, ERROR_CONTENT,
                             "is not valid UTF-8 at byte %zu, which %s cannot hold; use the filter "
                             "base64, or publish it as a file of its own",
                             at, language);
        }
        if (!write(point, str_slice(text, at, at + size), into, err)) {
            return false;
        }
        at += size;
    }
    return true;
}

/* \uXXXX, beyond the first plane a pair of surrogates: JSON, YAML and Java alike. */
static bool put_unicode(uint32_t point, struct secret *into, struct error *err)
{
    char code[16];
    if (point < 0x10000) {
        snprintf(code, sizeof(code), "\\u%04x", (unsigned)point);
    } else {
        snprintf(code, sizeof(code), "\\u%04x\\u%04x", 0xd7c0u + (unsigned)(point >> 10),
                 0xdc00u + (unsigned)(point & 0x3ff));
    }
    return put(into, code, err);
}

static const char *short_escape(uint32_t point)
{
    switch (point) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

/* YAML 1.1 and 1.2 (5.1, 5.4): not printable, or a line end to one of the two. */
static bool is_special_to_yaml(uint32_t point)
{
    return (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 ||
           point == 0xfeff || point == 0xfffe || point == 0xffff;
}

static bool write_json(uint32_t point, struct str bytes, struct secret *into, struct error *err)
{
    const char *escape = short_escape(point);
    if (escape) {
        return put(into, escape, err);
    }
    return point < 0x20 || is_special_to_yaml(point) ? put_unicode(point, into, err)
                                                     : secret_append(into, bytes, err);
}

bool escape_json(struct str text, struct secret *into, struct error *err)
{
    return each_character(text, 0, "a JSON or YAML string", write_json, into, err);
}

static bool write_xml(uint32_t point, struct str bytes, struct secret *into, struct error *err)
{
    char code[16];
    if (point != 0 && point < 0x80 && strchr("<>&\"'\n\r\t", (int)point)) {
        snprintf(code, sizeof(code), "&#%u;", (unsigned)point);
        return put(into, code, err);
    }
    if (point < 0x20 || point == 0xfffe || point == 0xffff) {
        return error_set(err, ERROR_CONTENT,
                         "holds the character U+%04X, which XML cannot hold; use the filter base64",
                         (unsigned)point);
    }
    return secret_append(into, bytes, err);
}

bool escape_xml(struct str text, struct secret *into, struct error *err)
{
    return each_character(text, 0, "XML", write_xml, into, err);
}

bool escape_sh(struct str text, struct secret *into, struct error *err)
{
    bool ok = put(into, "'", err);
    if (text.size > 0 && memchr(text.bytes, '\0', text.size)) {
        return error_set(err, ERROR_CONTENT, "holds NUL, which no shell can hold");
    }
    for (size_t at = 0, end; ok && at < text.size; at = end + 1) {
        end = str_find(text, at, "'");
        ok = secret_append(into, str_slice(text, at, end), err) &&
             (end == text.size || put(into, "'\\''", err));
    }
    return ok && put(into, "'", err);
}

static bool write_properties(uint32_t point, struct str bytes, struct secret *into,
                             struct error *err)
{
    const char *escape = point == '"' ? NULL : short_escape(point);
    if (escape) {
        return put(into, escape, err);
    }
    return point < 0x20 || point >= 0x7f ? put_unicode(point, into, err)
                                         : secret_append(into, bytes, err);
}

/* In a key, these end it or make it a comment. */
static bool write_properties_key(uint32_t point, struct str bytes, struct secret *into,
                                 struct error *err)
{
    bool special = point != 0 && point < 0x80 && strchr(" :=#!", (int)point);
    return (!special || put(into, "\\", err)) && write_properties(point, bytes, into, err);
}

bool escape_properties(struct str text, bool key, struct secret *into, struct error *err)
{
    size_t blanks = 0;
    if (key) {
        return each_character(text, 0, "a properties file", write_properties_key, into, err);
    }
    /* Blanks before a value are skipped by readers; after it they count. */
    for (; blanks < text.size && text.bytes[blanks] == ' '; blanks++) {
        if (!put(into, "\\ ", err)) {
            return false;
        }
    }
    return each_character(text, blanks, "a properties file", write_properties, into, err);
}
