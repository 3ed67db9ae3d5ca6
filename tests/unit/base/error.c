#include "base/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/findings.h"
#include "base/log.h"

Test(error, wraps_outward_and_keeps_code_and_number)
{
    struct error error;
    cr_expect_not(error_set_errno(&error, ERROR_OUTPUT, ENOSPC, "file %s", "app.env"));
    cr_expect_not(error_wrap(&error, "output %s", "/run/x"));
    cr_expect_str_eq(error.message, "output /run/x: file app.env: No space left on device");
    cr_expect_eq(error.code, ERROR_OUTPUT);
    cr_expect_eq(error.number, ENOSPC);
}

Test(error, every_code_has_its_row)
{
    for (int code = 0; code < ERROR_CODES; code++) {
        cr_expect_str_neq(error_describe((enum error_code)code)->label, "bug");
    }
    cr_expect_eq(error_describe((enum error_code)999)->exit_status, 70);
}

Test(error, a_long_message_is_cut_not_overrun)
{
    char text[3 * LIMIT_MESSAGE];
    struct error error;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    error_set(&error, ERROR_OUTPUT, "%s", text);
    error_wrap(&error, "%s", text);
    cr_expect_eq(strlen(error.message), LIMIT_MESSAGE - 1);
}

Test(findings, are_printed_as_editors_read_them_and_sorted)
{
    struct findings findings;
    char text[LIMIT_MESSAGE];
    findings_init(&findings);
    findings_format(&findings, (struct place){"t.yaml", 9, 1}, ERROR_TEMPLATE, "second");
    findings_format(&findings, (struct place){"t.yaml", 2, 7}, ERROR_TEMPLATE, "first");
    findings_sort(&findings);
    finding_print(&findings.list[0], text, sizeof(text));
    cr_expect_str_eq(text, "t.yaml:2:7: first");
    for (int i = 0; i < 2 * LIMIT_FINDINGS; i++) {
        findings_format(&findings, (struct place){0}, ERROR_TEMPLATE, "more");
    }
    cr_expect_eq(findings.count, LIMIT_FINDINGS);
    cr_expect_eq(findings.dropped, LIMIT_FINDINGS + 2);
    findings_done(&findings);
}

Test(base64, both_alphabets_with_and_without_padding)
{
    const struct {
        const char *text, *bytes;
    } cases[] = {{"", ""}, {"Zg==", "f"}, {"Zm8", "fo"}, {"Zm9v", "foo"}, {"_-__", "\xff\xef\xff"}};
    struct error error;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SECRET_AUTO bytes = secret_new(100);
        cr_expect(base64_decode(str_from(cases[i].text), bytes, &error));
        cr_expect(str_is(secret_str(bytes), cases[i].bytes), "%s", cases[i].text);
    }
    const char *const wrong[] = {"Z", "Zg=x", "Zm 9", "====="};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        SECRET_AUTO bytes = secret_new(100);
        cr_expect_not(base64_decode(str_from(wrong[i]), bytes, &error), "%s", wrong[i]);
    }
}
