#include "base/findings.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_printed(const struct finding *finding, const char *expected)
{
    char text[2 * LIMIT_MESSAGE];
    finding_print(finding, text, sizeof(text));
    cr_expect_str_eq(text, expected);
}

Test(findings, print_as_compilers_do)
{
    struct findings findings;
    findings_init(&findings);
    cr_expect_not(findings_format(&findings, (struct place){"a.yaml", 3, 7}, ERROR_TEMPLATE,
                                  "bad %s", "key"));
    findings_format(&findings, (struct place){"a.yaml", 0, 0}, ERROR_TEMPLATE, "empty");
    findings_format(&findings, (struct place){0}, ERROR_USAGE, "option --x");
    cr_assert_eq(findings.count, 3);
    expect_printed(&findings.list[0], "a.yaml:3:7: bad key");
    expect_printed(&findings.list[1], "a.yaml: empty");
    expect_printed(&findings.list[2], "option --x");
    cr_expect_eq(findings.list[2].error.code, ERROR_USAGE);
    findings_done(&findings);
}

Test(findings, are_bounded_and_count_the_rest)
{
    struct findings findings;
    findings_init(&findings);
    for (unsigned i = 0; i < LIMIT_FINDINGS + 5; i++) {
        findings_format(&findings, (struct place){"x", i + 1, 1}, ERROR_TEMPLATE, "%u", i);
    }
    cr_expect_eq(findings.count, LIMIT_FINDINGS);
    cr_expect_eq(findings.dropped, 5);
    cr_expect_str_eq(findings.list[LIMIT_FINDINGS - 1].error.message, "63");
    findings_done(&findings);
    cr_expect_eq(findings.count, 0);
}

Test(findings, sort_by_file_line_and_column)
{
    static const struct place places[] = {
        {"b", 1, 1}, {"a", 2, 1}, {NULL, 0, 0}, {"a", 1, 9}, {"a", 1, 2}};
    static const char *const expected[] = {"2", "4", "3", "1", "0"};
    struct findings findings;
    findings_init(&findings);
    findings_sort(&findings);
    for (size_t i = 0; i < 5; i++) {
        findings_format(&findings, places[i], ERROR_TEMPLATE, "%zu", i);
    }
    findings_sort(&findings);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_str_eq(findings.list[i].error.message, expected[i]);
    }
    findings_done(&findings);
}

Test(findings, make_messages_printable)
{
    struct findings findings;
    findings_init(&findings);
    findings_format(&findings, (struct place){0}, ERROR_TEMPLATE, "a%cb\xff", '\033');
    expect_printed(&findings.list[0], "a?b?");
    findings_done(&findings);
}
