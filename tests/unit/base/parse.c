#include "base/parse.h"

#include <criterion/criterion.h>

Test(parse, durations)
{
    const struct {
        const char *text;
        bool valid;
        uint64_t ms;
    } cases[] = {
        {"0", true, 0},
        {"250ms", true, 250},
        {"15s", true, 15000},
        {"1m30s", true, 90000},
        {"24h", true, 86400000},
        {"7d", true, 604800000},
        {"", false, 0},
        {"60", false, 0},
        {"s", false, 0},
        {"-1s", false, 0},
        {"1.5s", false, 0},
        {"1 s", false, 0},
        {"9999999999d", false, 0},
        {"18446744073709551616s", false, 0},
        {"1s2", false, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 42;
        cr_expect_eq(parse_duration(str_from(cases[i].text), &ms), cases[i].valid, "%s",
                     cases[i].text);
        cr_expect_eq(ms, cases[i].valid ? cases[i].ms : 42, "%s", cases[i].text);
    }
}

Test(parse, modes_are_octal_however_written)
{
    mode_t mode = 0;
    cr_expect(parse_mode(str_from("0400"), &mode) && mode == 0400);
    cr_expect(parse_mode(str_from("640"), &mode) && mode == 0640);
    cr_expect(parse_mode(str_from("0o750"), &mode) && mode == 0750);
    cr_expect_not(parse_mode(str_from("0800"), &mode));
    cr_expect_not(parse_mode(str_from("rw"), &mode));
    cr_expect_not(parse_mode(str_from(""), &mode));
    cr_expect_not(parse_mode(str_from("17777"), &mode));
    cr_expect_eq(mode, 0750);
}

Test(parse, owners_are_numeric)
{
    uid_t uid = 0;
    gid_t gid = 0;
    cr_expect(parse_owner(str_from("1000:2000"), &uid, &gid) && uid == 1000 && gid == 2000);
    cr_expect(parse_owner(str_from("7"), &uid, &gid) && uid == 7 && gid == (gid_t)-1);
    cr_expect_not(parse_owner(str_from("app:app"), &uid, &gid));
    cr_expect_not(parse_owner(str_from("1:"), &uid, &gid));
    cr_expect_not(
        parse_owner(str_from("4294967295:1"), &uid, &gid)); /* means "unchanged" to chown */
}
