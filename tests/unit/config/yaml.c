#include "config/yaml.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* All findings, one a line. */
static void print_all(const struct findings *findings, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < findings->count; i++) {
        char line[2 * LIMIT_MESSAGE];
        finding_print(&findings->list[i], line, sizeof(line));
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "\n" : "", line);
    }
}

static void expect_findings(struct str source, const char *expected)
{
    struct findings findings;
    char got[8192];
    findings_init(&findings);
    struct yaml_node *root = yaml_read("t", source, &findings);
    print_all(&findings, got, sizeof(got));
    cr_expect_str_eq(got, expected, "%s\n  got      %s\n  expected %s", source.bytes, got,
                     expected);
    yaml_node_free(root);
    findings_done(&findings);
}

static struct yaml_node *read_good(const char *source)
{
    struct findings findings;
    findings_init(&findings);
    struct yaml_node *root = yaml_read("t", str_from(source), &findings);
    cr_assert(root && findings.count == 0, "%s",
              findings.count ? findings.list[0].error.message : "");
    findings_done(&findings);
    return root;
}

Test(yaml, remembers_kinds_and_places)
{
    struct yaml_node *root = read_good("# c\na: 1\nb:\n  - x\n  - 'y'\nc: {d: \"z\"}\ne: |\n  t\n");
    const struct yaml_node *list = yaml_get(root, "b");
    const struct yaml_node *inner = yaml_get(yaml_get(root, "c"), "d");
    cr_expect_eq(root->kind, YAML_MAPPING);
    cr_expect_eq(root->count, 4);
    cr_expect_eq(list->kind, YAML_SEQUENCE);
    cr_expect_eq(list->count, 2);
    cr_expect_eq(list->key->place.line, 3);
    cr_expect_eq(list->first->place.line, 4);
    cr_expect_eq(list->first->place.column, 5);
    cr_expect_eq(list->first->next->style, YAML_SINGLE);
    cr_expect(str_is(list->first->next->text, "y"));
    cr_expect_eq(inner->style, YAML_DOUBLE);
    cr_expect_eq(inner->key->place.column, 5);
    cr_expect_eq(inner->place.line, 6);
    cr_expect_eq(inner->place.column, 8);
    cr_expect_eq(yaml_get(root, "e")->style, YAML_BLOCK);
    cr_expect(str_is(yaml_get(root, "e")->text, "t\n"));
    cr_expect_null(yaml_get(root, "z"));
    yaml_node_free(root);
}

Test(yaml, knows_nothing_from_an_empty_string)
{
    struct yaml_node *root =
        read_good("a:\nb: ~\nc: null\nd: NULL\ne: ''\nf: \"null\"\ng: nil\nh: []\n");
    static const struct {
        const char *key;
        bool is_null;
        const char *description;
    } examples[] = {{"a", true, "nothing"}, {"b", true, "nothing"}, {"c", true, "nothing"},
                    {"d", true, "nothing"}, {"e", false, "text"},   {"f", false, "text"},
                    {"g", false, "text"},   {"h", false, "a list"}};
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        const struct yaml_node *node = yaml_get(root, examples[i].key);
        cr_expect_eq(yaml_is_null(node), examples[i].is_null, "%s", examples[i].key);
        cr_expect_str_eq(yaml_describe(node), examples[i].description, "%s", examples[i].key);
    }
    cr_expect_str_eq(yaml_describe(root), "a mapping");
    yaml_node_free(root);
}

Test(yaml, explains_syntax_at_its_place)
{
    static const struct {
        const char *source;
        const char *expected;
    } examples[] = {
        {"", "t: the template is empty; it begins with \"version: 1\""},
        {"# only\n", "t: the template is empty; it begins with \"version: 1\""},
        {"---\n", "t: the template is empty; it begins with \"version: 1\""},
        {"a: \"b", "t:1:4: this quote is not closed"},
        {"a: 'b\n---\n", "t:1:4: this quote is not closed"},
        {"a: b: c", "t:1:5: \": \" is not allowed here; put a string that holds it in quotes, and "
                    "mind the indentation"},
        {"a: - b", "t:1:4: \"- \" is not allowed here; put a string that begins with it in quotes, "
                   "and mind the indentation"},
        {"a:\n\t- b\n", "t:2:1: a tab cannot indent; use spaces"},
        {"a: @b", "t:1:4: a string that begins with @ must be in quotes"},
        {"a: `b`", "t:1:4: a string that begins with ` must be in quotes"},
        {"a: %b", "t:1:4: a string that begins with % must be in quotes"},
        {"a: \"\\q\"", "t:1:5: unknown escape in a string; write \\\\ for a backslash, or use "
                       "single quotes"},
        {"a: [1, 2\nb: 3\n", "t:2:2: expected \",\" or \"]\" in the list (it begins on line 1)"},
        {"a: {b: c\n", "t:2:1: expected \",\" or \"}\" in the mapping (it begins on line 1)"},
        {"a: 1\n  b: 2\n", "t:2:4: \": \" is not allowed here; put a string that holds it in "
                           "quotes, and mind the indentation"},
        {"  a: 1\n b: 2\n", "t:2:2: expected the end of the template; mind the indentation"},
        {"a:\n  - b\n  c: d\n",
         "t:3:3: expected \"- \", as far indented as the others of its list (it begins on line 2)"},
        {"a: 1\nb\n", "t:2:1: expected \": \" after this key"},
        {"a: *\n", "t:1:5: a string that begins with * must be in quotes; aliases are not "
                   "supported"},
        {"a: &\n", "t:1:5: a string that begins with & must be in quotes; anchors are not "
                   "supported"},
        {"a: |x\n  b\n", "t:1:5: expected the end of the line after | or >"},
        {"a: \xff\n", "t:1:4: the template is not UTF-8 text (0xff)"},
        {"a: 1\nbé: \xc3(\n", "t:2:6: the template is not UTF-8 text (0x28)"},
        {"\xff\xfe"
         "a",
         "t:1:1: the template is not UTF-8 text (0xff)"},
        {"a: b\x01\n", "t:1:5: a control character (0x01) is not allowed"},
        {"%YAML 3.0\n---\na: 1\n", "t:1:1: expected YAML 1.1 or 1.2"},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        expect_findings(str_from(examples[i].source), examples[i].expected);
    }
}

Test(yaml, refuses_what_is_beyond_the_subset)
{
    static const struct {
        const char *source;
        const char *expected;
    } examples[] = {
        {"a: &x 1\n", "t:1:4: anchors are not supported; write the value where it is needed"},
        {"a: &x [1]\nb: &y {c: d}\n",
         "t:1:4: anchors are not supported; write the value where it is needed\n"
         "t:2:4: anchors are not supported; write the value where it is needed"},
        {"a: *x\n", "t:1:4: aliases are not supported; put a string that begins with * in quotes"},
        {"a: !!str 1\n",
         "t:1:4: tags are not supported; put a string that begins with ! in quotes"},
        {"a: !x [1]\n", "t:1:4: tags are not supported; put a string that begins with ! in quotes"},
        {"a: 1\n---\nb: 2\n", "t:2:1: a second document begins here; a template has one"},
        {"a: 1\n...\n---\n", "t:3:1: a second document begins here; a template has one"},
        {"a: 1\nb: 2\na: 3\n\"a\": 4\n", "t:3:1: duplicate key \"a\"; the first is on line 1\n"
                                         "t:4:1: duplicate key \"a\"; the first is on line 1"},
        {"a: {b: 1, b: 2}\n", "t:1:11: duplicate key \"b\"; the first is on line 1"},
        {"? [a]\n: b\n", "t:1:3: a key must be a string"},
        {"~: b\n", "t:1:1: a key must be a string"},
        {"a: {{ op://a/b/c }}\n",
         "t:1:5: a key must be a string; a value that begins with {{ must be in quotes"},
        {"a: \"x\\0y\"\n", "t:1:4: a string cannot hold a NUL character"},
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        expect_findings(str_from(examples[i].source), examples[i].expected);
    }
    struct str nul = {"a: b\0c", 6};
    expect_findings(nul, "t:1:5: a control character (0x00) is not allowed");
}

Test(yaml, goes_on_after_what_it_refuses)
{
    struct findings findings;
    findings_init(&findings);
    struct yaml_node *root =
        yaml_read("t", str_from("a: *x\nb: 1\nb: 2\nc: !!str ok\n"), &findings);
    cr_assert_not_null(root);
    cr_expect_eq(findings.count, 3);
    cr_expect_eq(yaml_get(root, "a")->kind, YAML_BROKEN);
    cr_expect(str_is(yaml_get(root, "b")->text, "1"));
    cr_expect(str_is(yaml_get(root, "c")->text, "ok"));
    yaml_node_free(root);
    findings_done(&findings);
}

Test(yaml, has_limits)
{
    char deep[4 + LIMIT_TEMPLATE_DEPTH] = "a: ";
    memset(deep + 3, '[', LIMIT_TEMPLATE_DEPTH);
    expect_findings(str_from(deep), "t:1:35: nested too deeply");
    struct buf many;
    struct error error;
    buf_init(&many, LIMIT_TEMPLATE_FILE);
    cr_assert(buf_append(&many, str_from("a: ["), &error));
    for (size_t i = 0; i < LIMIT_TEMPLATE_NODES; i++) {
        cr_assert(buf_append(&many, str_from("1,"), &error));
    }
    expect_findings(buf_str(&many), "t:1:399999: the template has too many entries");
    buf_done(&many);
}

Test(yaml, finds_duplicates_among_many_keys)
{
    struct buf source;
    struct error error;
    int count = 50000;
    buf_init(&source, LIMIT_TEMPLATE_FILE);
    for (int i = 0; i < count; i++) {
        cr_assert(buf_format(&source, &error, "k%d: v\n", i == count - 1 ? 7 : i));
    }
    expect_findings(buf_str(&source), "t:50000:1: duplicate key \"k7\"; the first is on line 8");
    buf_done(&source);
}
