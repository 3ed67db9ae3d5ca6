#include "render/structured.h"

#include <criterion/criterion.h>
#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "config/tree.h"

/* A subtree of a template, and what its references resolved to: those to a field whose name is a
 * key of `fields` have its value. */
struct made {
    struct findings findings;
    struct template template;
    struct yaml_node *node;
    struct tree *tree;
    struct values values;
};

static const struct {
    const char *reference, *value;
} fields[] = {
    {"op://v/i/plain", "canary"},
    {"op://v/i/number", "5432"},
    {"op://v/i/hostile", " canary: \"#\\\n\xc3\xa9\x7f"},
    {"op://v/i/binary", "canary\xff"},
};

static void make(const char *source, struct made *made)
{
    struct error error;
    struct decoder decoder = {&made->template, &made->findings, &made->template.references, NULL};
    memset(made, 0, sizeof(*made));
    findings_init(&made->findings);
    references_init(&made->template.references);
    made->node = yaml_read("t.yaml", str_from(source), &made->findings);
    cr_assert(made->node && tree_decode(&decoder, made->node, &made->tree), "%s", source);
    cr_assert(values_init(&made->values, made->template.references.count, &error));
    for (size_t i = 0; i < made->values.count; i++) {
        const char *text = made->template.references.list[i]->text;
        error_set(&error, ERROR_NOT_FOUND, "%s: nothing there", text);
        values_fail(&made->values, i, &error);
        for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
            struct secret *value = secret_new(100);
            cr_assert(secret_append(value, str_from(fields[j].value), &error));
            if (strcmp(text, fields[j].reference) == 0) {
                values_set(&made->values, i, value);
            } else {
                secret_free(value);
            }
        }
    }
}

static void unmake(struct made *made)
{
    tree_free(made->tree);
    yaml_node_free(made->node);
    references_done(&made->template.references);
    values_done(&made->values);
    findings_done(&made->findings);
}

static bool write_source(structured_writer *write, const char *source, struct secret *into,
                         struct place *place, struct error *error)
{
    struct made made;
    make(source, &made);
    const struct sources sources = {&made.template.references, &made.values};
    bool ok = write(made.tree, &sources, into, place, error);
    unmake(&made);
    return ok;
}

struct golden {
    const char *source, *expected;
};

static void expect(structured_writer *write, const struct golden cases[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error error = {.message = ""};
        struct place place;
        SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
        cr_assert(secret_append(into, str_from("+"), &error));
        cr_expect(write_source(write, cases[i].source, into, &place, &error), "%s: %s",
                  cases[i].source, error.message);
        cr_expect_str_eq(secret_bytes(into) + 1, cases[i].expected, "%s gives\n%s", cases[i].source,
                         secret_bytes(into));
    }
}
#define EXPECT(write, cases) expect((write), (cases), sizeof(cases) / sizeof((cases)[0]))

/* Types and the order of keys are kept; a number as it was written. */
#define EVERYTHING                                                                                 \
    "z: op://v/i/plain\n"                                                                          \
    "a: {n: -12.50e-3, big: 123456789012345678901234567890, t: TRUE, f: false, e: ~}\n"            \
    "list: [1, \"5\", [], {}, [op://v/i/number, {deep: \"x{{ op://v/i/hostile }}\"}]]\n"

Test(structured, json_keeps_types_and_order)
{
    static const struct golden cases[] = {
        {EVERYTHING, "{\n"
                     "  \"z\": \"canary\",\n"
                     "  \"a\": {\n"
                     "    \"n\": -12.50e-3,\n"
                     "    \"big\": 123456789012345678901234567890,\n"
                     "    \"t\": true,\n"
                     "    \"f\": false,\n"
                     "    \"e\": null\n"
                     "  },\n"
                     "  \"list\": [\n"
                     "    1,\n"
                     "    \"5\",\n"
                     "    [],\n"
                     "    {},\n"
                     "    [\n"
                     "      \"5432\",\n"
                     "      {\n"
                     "        \"deep\": \"x canary: \\\"#\\\\\\n\xc3\xa9\\u007f\"\n"
                     "      }\n"
                     "    ]\n"
                     "  ]\n"
                     "}\n"},
        {"{}", "{}\n"},
        {"[]", "[]\n"},
        {"7", "7\n"},
        {"op://v/i/number", "\"5432\"\n"},
        {"\"k\\\"\\n\": null", "{\n  \"k\\\"\\n\": null\n}\n"},
    };
    EXPECT(structured_json, cases);
}

Test(structured, yaml_keeps_types_and_order_and_quotes_every_string)
{
    static const struct golden cases[] = {
        {EVERYTHING, "---\n"
                     "z: \"canary\"\n"
                     "a:\n"
                     "  \"n\": -12.50e-3\n"
                     "  big: 123456789012345678901234567890\n"
                     "  t: true\n"
                     "  f: false\n"
                     "  e: null\n"
                     "list:\n"
                     "  - 1\n"
                     "  - \"5\"\n"
                     "  - []\n"
                     "  - {}\n"
                     "  -\n"
                     "    - \"5432\"\n"
                     "    -\n"
                     "      deep: \"x canary: \\\"#\\\\\\n\xc3\xa9\\u007f\"\n"},
        {"{}", "--- {}\n"},
        {"[]", "--- []\n"},
        {"7", "--- 7\n"},
        {"op://v/i/number", "--- \"5432\"\n"},
        {"[[1, 2]]", "---\n-\n  - 1\n  - 2\n"},
    };
    EXPECT(structured_yaml, cases);
}

/* What one reader takes for a text, and another for true, a number, null or a merge. */
Test(structured, yaml_leaves_only_those_keys_bare_that_every_reader_takes_for_text)
{
    static const char *const bare[] = {"a", "_", "A-b.c_9", "yess", "nulls", "e1"};
    static const char *const quoted[] = {
        "y",   "N",  "yes",  "NO", "On",  "oFF", "True", "false",    "NULL", "~", "<<", "5",
        "1e3", "-a", ".inf", "=",  "a b", "a:",  "a#b",  "\xc3\xa9", "",     "?", "*a", "a,b"};
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]) + sizeof(quoted) / sizeof(quoted[0]);
         i++) {
        bool is_bare = i < sizeof(bare) / sizeof(bare[0]);
        const char *key = is_bare ? bare[i] : quoted[i - sizeof(bare) / sizeof(bare[0])];
        char source[64], expected[64];
        snprintf(source, sizeof(source), "\"%s\": 1", key);
        snprintf(expected, sizeof(expected), is_bare ? "---\n%s: 1\n" : "---\n\"%s\": 1\n", key);
        expect(structured_yaml, &(struct golden){source, expected}, 1);
    }
}

Test(structured, properties_join_keys_and_quote_nothing)
{
    static const struct golden cases[] = {
        {"{z: op://v/i/plain, a: {n: -12.50e-3, t: TRUE}}", "z=canary\na.n=-12.50e-3\na.t=true\n"},
        {"{l: [1, two, [3, {deep: op://v/i/number}]]}",
         "l[0]=1\nl[1]=two\nl[2][0]=3\nl[2][1].deep=5432\n"},
        {"a: op://v/i/hostile", "a=\\ canary: \"#\\\\\\n\\u00e9\\u007f\n"},
        {"{\"k =:#!\\u00e9\": x, a.b: \"\"}", "k\\ \\=\\:\\#\\!\\u00e9=x\na.b=\n"},
    };
    EXPECT(structured_properties, cases);
}

Test(structured, what_cannot_be_written_is_told_with_its_place_and_never_shown)
{
    const struct {
        structured_writer *write;
        const char *source;
        unsigned line, column; /* of the entry; of the reference when it leads nowhere */
        enum error_code code;
        const char *said;
    } wrong[] = {
        {structured_json, "a: 1\nb: {c: op://v/i/binary}", 2, 8, ERROR_CONTENT,
         "the value: is not valid UTF-8 at byte 6"},
        {structured_yaml, "a: 1\nb:\n  - op://v/i/binary", 3, 5, ERROR_CONTENT,
         "the value: is not"},
        {structured_properties, "a: 1\nb:\n  c: [x, op://v/i/binary]", 3, 10, ERROR_CONTENT,
         "the value of b.c[1]: is not"},
        {structured_json, "a: op://v/i/plain\nb: op://v/i/gone", 2, 4, ERROR_NOT_FOUND,
         "op://v/i/gone: nothing there"},
        {structured_yaml, "a: \"{{ op://v/i/gone }}\"", 1, 8, ERROR_NOT_FOUND, "op://v/i/gone"},
        {structured_properties, "a: op://v/i/gone", 1, 4, ERROR_NOT_FOUND, "op://v/i/gone"},
        {structured_json, "a: \"x {{ op://v/i/hostile | base64decode }}\"", 1, 29, ERROR_CONTENT,
         "filter base64decode: "},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct error error = {.message = ""};
        struct place place = {.line = 0};
        SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
        cr_expect_not(write_source(wrong[i].write, wrong[i].source, into, &place, &error), "%s",
                      wrong[i].source);
        cr_expect_eq(error.code, wrong[i].code, "%s: %s", wrong[i].source, error.message);
        cr_expect(strstr(error.message, wrong[i].said), "%s: %s", wrong[i].source, error.message);
        cr_expect(place.line == wrong[i].line && place.column == wrong[i].column, "%s: %u:%u",
                  wrong[i].source, place.line, place.column);
        cr_expect_null(strstr(error.message, "canary"), "%s", error.message);
    }
}

Test(structured, a_file_that_is_full_is_an_error_in_every_format)
{
    structured_writer *const writers[] = {structured_json, structured_yaml, structured_properties};
    for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
        for (size_t limit = 0; limit < 12; limit++) {
            struct error error = {.message = ""};
            struct place place;
            SECRET_AUTO into = secret_new(limit);
            cr_expect_not(write_source(writers[i], "k: [1, op://v/i/plain]", into, &place, &error));
            cr_expect(strstr(error.message, "larger than the limit"), "%s", error.message);
        }
    }
}

/* How many libyaml reads; 0 when it refuses the text. */
static size_t count_scalars(struct str text)
{
    yaml_parser_t parser;
    size_t count = 0;
    cr_assert(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.bytes, text.size);
    for (bool is_over = false; !is_over;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            count = 0;
            break;
        }
        count += event.type == YAML_SCALAR_EVENT;
        is_over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return count;
}

/* YAML 1.2, 7.4: a key of more than 1024 characters is one only after a question mark. */
Test(structured, yaml_with_a_long_key_can_be_read)
{
    static const size_t sizes[] = {1000, 1021, 1022, 1024, 1025, 1030, 3000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char source[4096];
        struct error error = {.message = ""};
        struct place place;
        SECRET_AUTO into = secret_new(LIMIT_OUTPUT_FILE);
        snprintf(source, sizeof(source), "a:\n  ? %0*d\n  : {b: x, c: [y]}\n", (int)sizes[i], 0);
        cr_assert(write_source(structured_yaml, source, into, &place, &error), "%s", error.message);
        cr_expect_eq(count_scalars(secret_str(into)), 6, "a key of %zu", sizes[i]);
    }
}
