#include "config/locate.h"

#include <criterion/criterion.h>
#include <string.h>

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

/* The place of every `@` in the scalar of `a`, which the source marks in the same order. */
static void expect_places(const char *source)
{
    struct yaml_node *root = read_good(source);
    const struct yaml_node *node = yaml_get(root, "a");
    struct locator locator;
    struct text_origin origin = locate_scalar(&locator, node);
    unsigned line = 1;
    unsigned column = 1;
    size_t at = 0;
    for (const char *c = source; *c; c++) {
        if (*c == '@') {
            at = str_find(node->text, at, "@");
            cr_assert_lt(at, node->text.size, "%s", source);
            struct place place = origin.locate(origin.context, at);
            cr_expect(place.line == line && place.column == column, "%s\n%u:%u, expected %u:%u",
                      source, place.line, place.column, line, column);
            at++;
        }
        column = *c == '\n' ? 1 : column + (((unsigned char)*c & 0xc0) != 0x80);
        line += *c == '\n';
    }
    yaml_node_free(root);
}

Test(locate, finds_the_place_in_every_style)
{
    static const char *const examples[] = {
        "a: x@ y@\n",
        "é: b\na: é@ @\n",
        "a:\n  b @c\n  d @\n",
        "a: ' @ it''s @'\n",
        "a: 'one @\n\n  two @'\n",
        "a: \"@ \\\" @ \\\\ @ \\/ @\"\n",
        "a: \"x\\n@ \\t @ \\\n   @\"\n",
        "a: |\n  x @\n    @ indented\n\n  @\n",
        "a: |2\n    @ more\n  @\n",
        "a: |-  # comment\n  b @\n",
        "a: >\n  x @\n  y @\n\n  z @\n    w @\n  @\n",
        "a: >-\n\n  @\n",
    };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        expect_places(examples[i]);
    }
}

Test(locate, handles_other_line_ends)
{
    struct yaml_node *root = read_good("a: |\r\n  b\r\n  @\r\n");
    struct locator locator;
    const struct yaml_node *node = yaml_get(root, "a");
    struct text_origin origin = locate_scalar(&locator, node);
    struct place place = origin.locate(origin.context, str_find(node->text, 0, "@"));
    cr_expect_eq(place.line, 3);
    cr_expect_eq(place.column, 3);
    yaml_node_free(root);
}

Test(locate, gives_the_start_when_escapes_hide_the_place)
{
    struct yaml_node *root = read_good("a:\n  \"\\u0041 b @\"\n");
    struct locator locator;
    const struct yaml_node *node = yaml_get(root, "a");
    struct text_origin origin = locate_scalar(&locator, node);
    struct place place = origin.locate(origin.context, str_find(node->text, 0, "@"));
    cr_expect_eq(place.line, 2);
    cr_expect_eq(place.column, 3);
    yaml_node_free(root);
}

Test(locate, walks_files)
{
    struct locator locator;
    struct text_origin origin = locate_file(&locator, str_from("a\n  é b\n\n\tc"), "f");
    static const struct {
        size_t at;
        unsigned line, column;
    } examples[] = {{0, 1, 1}, {4, 2, 3}, {6, 2, 4}, {7, 2, 5}, {10, 4, 1}, {11, 4, 2}};
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        struct place place = origin.locate(origin.context, examples[i].at);
        cr_expect(place.line == examples[i].line && place.column == examples[i].column,
                  "%zu: %u:%u", examples[i].at, place.line, place.column);
    }
}
