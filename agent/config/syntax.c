#include "config/syntax.h"

#include <string.h>
#include <yaml.h>

/* Where to point: at what libyaml stumbled over, at what it was reading then, or at the first with
 * the line of the second. */
enum point { AT_PROBLEM, AT_BEGINNING, AT_BOTH };

/* The first row that fits counts; null fits any. */
static const struct {
    const char *problem;
    const char *context;
    const char *words;
    enum point point;
} table[] = {
    {"mapping values are not allowed in this context", NULL,
     "\": \" is not allowed here; put a string that holds it in quotes, and mind the indentation",
     AT_PROBLEM},
    {"block sequence entries are not allowed in this context", NULL,
     "\"- \" is not allowed here; put a string that begins with it in quotes, and mind the "
     "indentation",
     AT_PROBLEM},
    {"mapping keys are not allowed in this context", NULL,
     "a key is not allowed here; mind the indentation", AT_PROBLEM},
    {"could not find expected ':'", NULL, "expected \": \" after this key", AT_BEGINNING},
    {"did not find expected key", "while parsing a block mapping",
     "expected a key, as far indented as the others of its mapping", AT_BOTH},
    {"did not find expected '-' indicator", NULL,
     "expected \"- \", as far indented as the others of its list", AT_BOTH},
    {"did not find expected ',' or ']'", NULL, "expected \",\" or \"]\" in the list", AT_BOTH},
    {"did not find expected ',' or '}'", NULL, "expected \",\" or \"}\" in the mapping", AT_BOTH},
    {"did not find expected node content", NULL, "expected a value", AT_PROBLEM},
    {"did not find expected <document start>", NULL,
     "expected the end of the template; mind the indentation", AT_PROBLEM},
    {"found unexpected end of stream", "while scanning a quoted scalar", "this quote is not closed",
     AT_BEGINNING},
    {"found unexpected document indicator", NULL, "this quote is not closed", AT_BEGINNING},
    {"found unknown escape character", NULL,
     "unknown escape in a string; write \\\\ for a backslash, or use single quotes", AT_PROBLEM},
    {"did not find expected hexdecimal number", NULL, "expected hexadecimal digits", AT_PROBLEM},
    {"found invalid Unicode character escape code", NULL, "there is no such character", AT_PROBLEM},
    {"did not find expected comment or line break", "while scanning a block scalar",
     "expected the end of the line after | or >", AT_PROBLEM},
    {"found an indentation indicator equal to 0", NULL, "an indentation of 0 is not allowed",
     AT_PROBLEM},
    {NULL, "while scanning an alias",
     "a string that begins with * must be in quotes; aliases are not supported", AT_PROBLEM},
    {NULL, "while scanning an anchor",
     "a string that begins with & must be in quotes; anchors are not supported", AT_PROBLEM},
    {NULL, "while scanning a tag",
     "a string that begins with ! must be in quotes; tags are not supported", AT_PROBLEM},
    {"found incompatible YAML document", NULL, "expected YAML 1.1 or 1.2", AT_PROBLEM},
};

static bool fits(const char *pattern, const char *text)
{
    return !pattern || (text && strcmp(pattern, text) == 0);
}

/* The place of a byte, when libyaml knows no better. */
static struct place find_place(struct str source, const char *file, size_t offset)
{
    struct place place = {file, 1, 1};
    for (size_t at = 0; at < offset && at < source.size; at++) {
        bool ends = source.bytes[at] == '\n';
        bool continues = ((unsigned char)source.bytes[at] & 0xc0) == 0x80;
        place.line += ends;
        place.column = ends ? 1 : place.column + !continues;
    }
    return place;
}

static struct str line_at(struct str source, yaml_mark_t mark)
{
    size_t at = 0;
    for (size_t line = 0; line < mark.line; line++) {
        at = str_find(source, at, "\n") + 1;
    }
    return str_slice(source, at, str_find(source, at, "\n"));
}

static char byte_at(struct str source, yaml_mark_t mark)
{
    struct str line = line_at(source, mark);
    size_t at = 0;
    for (size_t column = 0; column < mark.column && at < line.size; column++) {
        at++;
        while (at < line.size && ((unsigned char)line.bytes[at] & 0xc0) == 0x80) {
            at++;
        }
    }
    return at < line.size ? line.bytes[at] : '\0';
}

/* To YAML they begin a mapping: A: {{ op://… }}/suffix */
static bool has_braces(struct str source, yaml_mark_t mark)
{
    struct str line = line_at(source, mark);
    return str_find(line, 0, ": {{") < line.size || str_find(line, 0, "- {{") < line.size;
}

static void explain_reader(const yaml_parser_t *parser, struct str source, const char *file,
                           struct findings *findings)
{
    struct place place = find_place(source, file, parser->problem_offset);
    bool control = strcmp(parser->problem, "control characters are not allowed") == 0;
    findings_format(findings, place, ERROR_TEMPLATE,
                    control ? "a control character (0x%02x) is not allowed"
                            : "the template is not UTF-8 text (0x%02x)",
                    (unsigned)parser->problem_value & 0xffff);
}

static void explain_character(struct place place, char c, struct findings *findings)
{
    if (c == '\t') {
        findings_format(findings, place, ERROR_TEMPLATE, "a tab cannot indent; use spaces");
    } else {
        findings_format(findings, place, ERROR_TEMPLATE,
                        "a string that begins with %c must be in quotes", c);
    }
}

static void explain_row(const yaml_parser_t *parser, size_t row, struct place place,
                        struct findings *findings)
{
    struct place beginning = {place.file, (unsigned)parser->context_mark.line + 1,
                              (unsigned)parser->context_mark.column + 1};
    if (table[row].point == AT_BOTH) {
        findings_format(findings, place, ERROR_TEMPLATE, "%s (it begins on line %u)",
                        table[row].words, beginning.line);
    } else {
        findings_format(findings, table[row].point == AT_PROBLEM ? place : beginning,
                        ERROR_TEMPLATE, "%s", table[row].words);
    }
}

static void explain_mark(const yaml_parser_t *parser, struct place place, struct findings *findings)
{
    const char *problem = parser->problem ? parser->problem : "cannot be read";
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (fits(table[i].problem, problem) && fits(table[i].context, parser->context)) {
            explain_row(parser, i, place, findings);
            return;
        }
    }
    findings_format(findings, place, ERROR_TEMPLATE, "not YAML: %s%s%s", problem,
                    parser->context ? ", " : "", parser->context ? parser->context : "");
}

void syntax_explain(const struct yaml_parser_s *parser, struct str source, const char *file,
                    struct findings *findings)
{
    yaml_mark_t mark = parser->problem_mark;
    struct place place = {file, (unsigned)mark.line + 1, (unsigned)mark.column + 1};
    if (parser->error == YAML_MEMORY_ERROR) {
        findings_format(findings, place, ERROR_MEMORY, "out of memory");
    } else if (parser->error == YAML_READER_ERROR) {
        explain_reader(parser, source, file, findings);
    } else if (fits("found character that cannot start any token", parser->problem)) {
        explain_character(place, byte_at(source, mark), findings);
    } else if (parser->problem && strstr(parser->problem, "found a tab character")) {
        explain_character(place, '\t', findings);
    } else if (has_braces(source, mark)) {
        findings_format(findings, place, ERROR_TEMPLATE,
                        "a value that begins with {{ must be in quotes");
    } else {
        explain_mark(parser, place, findings);
    }
}
