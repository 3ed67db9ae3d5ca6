#include "base/str.h"

#include <criterion/criterion.h>
#include <string.h>

static void check_print(const char *text, const char *expected)
{
    char out[64];
    str_print(str_from(text), out, sizeof(out));
    cr_expect_str_eq(out, expected);
}

Test(str, print_makes_terminal_tricks_harmless)
{
    check_print("plain é 日本", "plain é 日本");
    check_print("\x1b[2J", "?[2J");
    check_print("a\nb\tc\x7f", "a?b?c?");
    /* NOLINTNEXTLINE(misc-misleading-bidirectional): that is the case */
    check_print("\xe2\x80\xaegnp.exe", "?gnp.exe"); /* U+202E */
    check_print("\xff\xc3(", "?"
                             "?(");
    check_print("\xc2\x9b"
                "2J",
                "?2J"); /* C1 control */
}

Test(str, print_cuts_at_a_character)
{
    char out[4];
    str_print(str_from("aéé"), out, sizeof(out));
    cr_expect_str_eq(out, "aé");
}

Test(str, utf8_is_rfc_3629)
{
    const struct {
        const char *text;
        bool valid;
    } cases[] = {{"", true},
                 {"é", true},
                 {"\xf0\x9f\x98\x80", true},
                 {"\xc0\x80", false},
                 {"\xed\xa0\x80", false},
                 {"\xf4\x90\x80\x80", false},
                 {"\xe2\x82", false},
                 {"\x80", false},
                 {"\xe0\x80\xaf", false},
                 {"\xf8\x88", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(str_is_utf8(str_from(cases[i].text)), cases[i].valid, "case %zu", i);
    }
}

Test(str, order_without_case_agrees_with_equality)
{
    cr_expect(str_equal_nocase(str_from("PassWord"), str_from("password")));
    cr_expect_not(str_equal_nocase(str_from("password"), str_from("password ")));
    cr_expect_lt(str_compare_nocase(str_from("Abc"), str_from("abd")), 0);
    cr_expect_gt(str_compare_nocase(str_from("abcd"), str_from("ABC")), 0);
    cr_expect_eq(str_compare_nocase((struct str){0}, str_from("")), 0);
}

Test(str, suggests_slips_and_no_other_words)
{
    const char *const words[] = {"content", "template", "env"};
    cr_expect_str_eq(str_suggest(str_from("contend"), words, 3), "content");
    cr_expect_str_eq(str_suggest(str_from("tempalte"), words, 3), "template");
    cr_expect_null(str_suggest(str_from("properties"), words, 3));
}

Test(str, slices_never_leave_the_text)
{
    struct str text = str_from("abc");
    cr_expect_eq(str_slice(text, 2, 9).size, 1);
    cr_expect_eq(str_slice(text, 9, 12).size, 0);
    cr_expect_eq(str_find(text, 9, "a"), 3);
    cr_expect_eq(str_trim(str_from(" \t\r\n")).size, 0);
}
