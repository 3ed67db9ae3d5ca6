#include "report/health.h"

#include <criterion/criterion.h>
#include <string.h>

Test(health, follows_what_happens)
{
    struct health health = {.max_stale_ms = 1000};
    struct error error;
    char line[HEALTH_LINE];
    error_set(&error, ERROR_UNREACHABLE, "nobody there");
    cr_expect(health_ask(&health, HEALTH_LIVE, 0, line));
    cr_expect_not(health_ask(&health, HEALTH_STARTUP, 5000, line));
    health_failed(&health, &error);
    cr_expect_not(health_ask(&health, HEALTH_READY, 5000, line));
    cr_expect_str_eq(line, "nothing published yet: nobody there");
    health_succeeded(&health, 5000);
    cr_expect(health_ask(&health, HEALTH_READY, 6000, line));
    cr_expect_str_eq(line, "published");
    health_failed(&health, &error);
    cr_expect(health_ask(&health, HEALTH_READY, 6000, line), "as long as it is not stale");
    cr_expect_str_eq(line, "published; the last refresh failed: nobody there");
    cr_expect_not(health_ask(&health, HEALTH_READY, 6001, line));
    cr_expect_str_eq(line, "stale: no refresh went through for 1 s: nobody there");
    cr_expect(health_ask(&health, HEALTH_STARTUP, 6001, line));
    health.max_stale_ms = 0;
    cr_expect(health_ask(&health, HEALTH_READY, UINT64_MAX, line), "never stale");
}

Test(health, counts_what_an_earlier_process_published_from_its_own_start)
{
    struct health health = {.max_stale_ms = 1000};
    struct error error;
    char line[HEALTH_LINE];
    error_set(&error, ERROR_UNREACHABLE, "nobody there");
    health_carry(&health, 5000);
    cr_expect(health_ask(&health, HEALTH_STARTUP, 5000, line));
    health_failed(&health, &error);
    cr_expect(health_ask(&health, HEALTH_READY, 6000, line));
    cr_expect_str_eq(line, "published before this start, and nothing since: nobody there");
    cr_expect_not(health_ask(&health, HEALTH_READY, 6001, line));
    health_succeeded(&health, 7000);
    cr_expect(health_ask(&health, HEALTH_READY, 7000, line));
    cr_expect_str_eq(line, "published");
}

Test(health, knows_its_words)
{
    enum health_question question;
    cr_assert(health_find("ready", &question));
    cr_expect_str_eq(health_path(question), "/readyz");
    cr_expect_not(health_find("readyz", &question));
}
