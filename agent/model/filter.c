#include "model/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

enum { INDENT_MOST = 64, LIST_SIZE = 256 };

static const struct {
    const char *name;
    bool number;
    const char *help;
} table[FILTERS] = {
    [FILTER_BASE64] = {"base64", false, "base64 with padding, on one line"},
    [FILTER_BASE64URL] = {"base64url", false, "base64 for URLs and file names, without padding"},
    [FILTER_BASE64DECODE] = {"base64decode", false, "the bytes that base64 of either kind means"},
    [FILTER_INDENT] = {"indent", true, "N blanks before every line: indent 4"},
    [FILTER_JSON] = {"json", false, "escaped for a JSON or YAML string in double quotes"},
    [FILTER_LINES] = {"lines", false, "lines that end with LF, also the last; no CR before them"},
    [FILTER_LOWER] = {"lower", false, "A to Z as a to z"},
    [FILTER_SH] = {"sh", false, "one word of a POSIX shell, in single quotes"},
    [FILTER_TRIM] = {"trim", false, "without blanks, tabs and line ends around it"},
    [FILTER_UPPER] = {"upper", false, "a to z as A to Z"},
    [FILTER_URLENCODE] = {"urlencode", false, "percent-encoded, but for letters, digits and -._~"},
    [FILTER_XML] = {"xml", false, "escaped for XML text and attributes"},
};

/* What the same is called elsewhere: Sprig and External Secrets, Vault Agent, Jinja. */
static const struct {
    const char *foreign;
    enum filter filter;
} aliases[] = {
    {"b64enc", FILTER_BASE64},
    {"base64encode", FILTER_BASE64},
    {"b64encode", FILTER_BASE64},
    {"b64dec", FILTER_BASE64DECODE},
    {"b64decode", FILTER_BASE64DECODE},
    {"urlquery", FILTER_URLENCODE},
    {"urlquote", FILTER_URLENCODE},
    {"uriencode", FILTER_URLENCODE},
    {"tojson", FILTER_JSON},
    {"quote", FILTER_JSON},
    {"squote", FILTER_SH},
    {"shellquote", FILTER_SH},
    {"trimspace", FILTER_TRIM},
    {"strip", FILTER_TRIM},
    {"nindent", FILTER_INDENT},
    {"toupper", FILTER_UPPER},
    {"tolower", FILTER_LOWER},
    {"escape", FILTER_XML},
    {"html", FILTER_XML},
};

const char *filter_name(enum filter filter)
{
    return table[filter].name;
}

const char *filter_help(enum filter filter)
{
    return table[filter].help;
}

bool filter_takes_number(enum filter filter)
{
    return table[filter].number;
}

static const char *suggest(struct str name)
{
    const char *names[FILTERS];
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (str_equal_nocase(name, str_from(aliases[i].foreign))) {
            return table[aliases[i].filter].name;
        }
    }
    for (size_t i = 0; i < FILTERS; i++) {
        names[i] = table[i].name;
    }
    return str_suggest(name, names, FILTERS);
}

static bool refuse_unknown(struct str name, struct error *err)
{
    char shown[64];
    char list[LIST_SIZE] = "";
    const char *nearest = suggest(name);
    str_print(name, shown, sizeof(shown));
    if (nearest) {
        return error_set(err, ERROR_TEMPLATE, "unknown filter \"%s\"; did you mean \"%s\"?", shown,
                         nearest);
    }
    for (size_t i = 0, used = 0; i < FILTERS; i++, used = strlen(list)) {
        snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", table[i].name);
    }
    return error_set(err, ERROR_TEMPLATE, "unknown filter \"%s\"; known: %s", shown, list);
}

static bool find(struct str name, enum filter *ret_filter)
{
    for (size_t i = 0; i < FILTERS; i++) {
        if (str_is(name, table[i].name)) {
            *ret_filter = (enum filter)i;
            return true;
        }
    }
    return false;
}

bool filter_parse(struct str text, struct filter_use *ret_use, struct error *err)
{
    size_t blank = str_find(text, 0, " ");
    struct str name = str_slice(text, 0, blank);
    struct str rest = str_trim(str_slice(text, blank, text.size));
    struct filter_use use = {.number = 0};
    uint64_t number = 0;
    if (name.size == 0) {
        return error_set(err, ERROR_TEMPLATE, "a filter is expected after |");
    }
    if (!find(name, &use.filter)) {
        return refuse_unknown(name, err);
    }
    if (!table[use.filter].number && rest.size > 0) {
        return error_set(err, ERROR_TEMPLATE, "the filter \"%s\" takes nothing after its name",
                         table[use.filter].name);
    }
    if (table[use.filter].number && !parse_number(rest, INDENT_MOST, &number)) {
        return error_set(err, ERROR_TEMPLATE,
                         "the filter \"%s\" needs a number of blanks, at most %d: %s 4",
                         table[use.filter].name, INDENT_MOST, table[use.filter].name);
    }
    use.number = (unsigned)number;
    *ret_use = use;
    return true;
}
