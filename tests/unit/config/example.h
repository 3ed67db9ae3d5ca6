/* Templates as tests write them: in a folder of the test's own, as `t.yaml`, with what is wrong
 * with them as the program prints it. */
#pragma once

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

/* Each test has its own process and its own folder, where the template is `t.yaml`. */
static inline void enter_folder(void)
{
    char folder[] = "/tmp/config-XXXXXX";
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
}

static inline int remove_entry(const char *path, const struct stat *status, int type,
                               struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void leave_folder(void)
{
    char folder[PATH_MAX];
    cr_assert(getcwd(folder, sizeof(folder)) && str_starts(str_from(folder), "/tmp/config-"));
    cr_assert_eq(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void write_file(const char *path, struct str bytes)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes.bytes, 1, bytes.size, file), bytes.size);
    cr_assert_eq(fclose(file), 0);
}

static inline void print_all(const struct findings *findings, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < findings->count; i++) {
        char line[2 * LIMIT_MESSAGE];
        finding_print(&findings->list[i], line, sizeof(line));
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "\n" : "", line);
    }
}

static inline void expect_bad(const char *path, const char *expected)
{
    static char got[LIMIT_FINDINGS * LIMIT_MESSAGE];
    struct findings findings;
    struct template *template = NULL;
    findings_init(&findings);
    bool ok = config_load(path, &(struct overrides){.environment = NULL}, &findings, &template);
    print_all(&findings, got, sizeof(got));
    cr_expect_not(ok);
    cr_expect_str_eq(got, expected, "\n  got\n%s\n  expected\n%s", got, expected);
    findings_done(&findings);
    template_free(template);
}

static inline void expect_findings(const char *source, const char *expected)
{
    write_file("t.yaml", str_from(source));
    expect_bad("t.yaml", expected);
}

static inline struct template *load_good(const char *source)
{
    struct findings findings;
    struct template *template = NULL;
    char got[8192];
    write_file("t.yaml", str_from(source));
    findings_init(&findings);
    bool ok = config_load("t.yaml", &(struct overrides){.environment = NULL}, &findings, &template);
    print_all(&findings, got, sizeof(got));
    cr_assert(ok && findings.count == 0, "%s", got);
    findings_done(&findings);
    return template;
}

struct example {
    const char *source;
    const char *expected;
};

static inline void expect_each(const struct example examples[], size_t count, const char *before)
{
    for (size_t i = 0; i < count; i++) {
        char source[4096];
        snprintf(source, sizeof(source), "%s%s", before, examples[i].source);
        expect_findings(source, examples[i].expected);
    }
}

#define EXPECT_EACH(examples, before)                                                              \
    expect_each((examples), sizeof(examples) / sizeof((examples)[0]), (before))

#define FILES "version: 1\noutputs:\n  - directory: /r\n    files:\n"
