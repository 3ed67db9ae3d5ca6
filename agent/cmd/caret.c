#include "cmd/caret.h"

#include <stdio.h>

#include "base/limits.h"
#include "io/file.h"

enum { WIDTH = 100, BEFORE = 60 }; /* characters shown of a long line, and of those before */

static struct str find_line(struct str text, unsigned line)
{
    size_t at = 0;
    for (unsigned i = 1; i < line && at < text.size; i++) {
        at = str_find(text, at, "\n") + 1;
    }
    return str_slice(text, at, str_find(text, at, "\n"));
}

/* The offset of the character; characters are what a place counts in. */
static size_t find_character(struct str line, size_t index)
{
    size_t at = 0;
    for (size_t i = 0; i < index && at < line.size; i++) {
        uint32_t point;
        size_t size = str_decode(str_slice(line, at, line.size), &point);
        at += size ? size : 1;
    }
    return at;
}

static void print(struct str line, const struct place *place)
{
    char shown[4 * WIDTH + 1];
    size_t column = place->column - 1;
    size_t first = column > BEFORE ? column - BEFORE : 0;
    size_t from = find_character(line, first);
    str_print(str_slice(line, from, find_character(line, first + WIDTH)), shown, sizeof(shown));
    for (char *at = shown; *at; at++) {
        *at = *at == '\t' ? ' ' : *at;
    }
    fprintf(stderr, "%6u | %s\n       | %*s^\n", place->line, shown, (int)(column - first), "");
}

void caret_print(const struct finding *finding)
{
    const struct place *place = &finding->place;
    struct buf buf;
    struct error ignored;
    if (finding->hidden || !place->file || place->line == 0 || place->column == 0) {
        return;
    }
    buf_init(&buf, LIMIT_TEMPLATE_FILE);
    if (file_read(place->file, ERROR_TEMPLATE, &buf, &ignored)) {
        print(find_line(buf_str(&buf), place->line), place);
    }
    buf_done(&buf);
}
