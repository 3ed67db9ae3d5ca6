#include "core/wishes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/example.h"
#include "io/sandbox.h"

/* A directory on tmpfs and one elsewhere; what was granted: "r PATH\n", "rw PATH\n". */
static char disk[64], memory[64];
static char granted[16384];
static struct template *template;

static bool grant(void *context, const char *path, unsigned rights, const struct place *place)
{
    size_t used = strlen(granted);
    (void)context;
    (void)place;
    snprintf(granted + used, sizeof(granted) - used, "%s %s\n", rights & SANDBOX_WRITE ? "rw" : "r",
             path);
    return true;
}

static const struct wishes wishes = {NULL, grant, false};

static void in(char out[256], const char *directory, const char *below)
{
    snprintf(out, 256, "%s/%s", directory, below);
}

static void set_up(void)
{
    snprintf(disk, sizeof(disk), "/tmp/unit-wishes-XXXXXX");
    snprintf(memory, sizeof(memory), "/dev/shm/unit-wishes-XXXXXX");
    cr_assert(mkdtemp(disk) && mkdtemp(memory));
}

static void tear_down(void)
{
    template_free(template);
    template = NULL;
    cr_expect_eq(nftw(disk, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    cr_expect_eq(nftw(memory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(wishes, .init = set_up, .fini = tear_down);

/* %D is the directory on disk, %M the one in memory. */
static void load(const char *pattern)
{
    char text[4096], file[256];
    size_t used = 0;
    struct findings findings;
    for (const char *at = pattern; *at && used < sizeof(text) - sizeof(disk); at++) {
        bool named = at[0] == '%' && (at[1] == 'D' || at[1] == 'M');
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%.*s", named ? 64 : 1,
                                 !named         ? at
                                 : at[1] == 'D' ? disk
                                                : memory);
        at += named;
    }
    in(file, disk, "t.yaml");
    FILE *stream = fopen(file, "w");
    cr_assert(stream && fputs(text, stream) >= 0 && fclose(stream) == 0);
    const struct overrides none = {.launch = false};
    findings_init(&findings);
    bool ok = config_load(file, &none, &findings, &template);
    cr_assert(ok, "%s", findings.count ? findings.list[0].error.message : "?");
    findings_done(&findings);
}

static void wish(enum wishes_life life)
{
    granted[0] = '\0';
    cr_assert(wishes_of(&wishes, template, life));
}

static bool grants(const char *rights, const char *directory, const char *below)
{
    char line[512];
    snprintf(line, sizeof(line), "%s %s%s%s\n", rights, directory, *below ? "/" : "", below);
    return strstr(granted, line) != NULL;
}

#define OUTPUT                                                                                     \
    "version: 1\n"                                                                                 \
    "connect: {tokenFile: %D/secret/token}\n"                                                      \
    "outputs:\n"                                                                                   \
    "  - directory: %M/volume/out\n"                                                               \
    "    files: [{path: x, content: y}]\n"

static void make(const char *directory, const char *below)
{
    char path[256];
    in(path, directory, below);
    cr_assert_eq(mkdir(path, 0700), 0);
}

Test(wishes, the_directory_of_a_file_is_read_and_the_volume_of_an_output_is_written)
{
    make(disk, "secret");
    make(memory, "volume");
    load(OUTPUT);
    wish(WISHES_LASTING);
    cr_expect(grants("r", disk, "secret"), "%s", granted);
    cr_expect(grants("r", disk, ""), "the template's: %s", granted);
    cr_expect(grants("rw", memory, "volume"), "%s", granted);
    cr_expect_not(strstr(granted, "rw /tmp"), "%s", granted);
    cr_expect_not(strstr(granted, "/proc"), "%s", granted);
}

Test(wishes, a_preview_writes_nothing)
{
    make(disk, "secret");
    make(memory, "volume");
    load(OUTPUT);
    wish(WISHES_PREVIEW);
    cr_expect(grants("r", disk, "secret"), "%s", granted);
    cr_expect_not(strstr(granted, "rw "), "%s", granted);
}

Test(wishes, who_publishes_once_does_not_read_the_template_again)
{
    make(disk, "secret");
    make(memory, "volume");
    load(OUTPUT);
    wish(WISHES_ONCE);
    cr_expect_not(grants("r", disk, ""), "%s", granted);
    cr_expect(grants("rw", memory, "volume"), "%s", granted);
}

Test(wishes, the_directory_of_a_swapped_link_is_read_with_what_it_leads_to)
{
    char link[256], path[256];
    make(disk, "secret");
    make(disk, "secret/..one");
    make(memory, "volume");
    in(path, disk, "secret/..one/token");
    FILE *stream = fopen(path, "w");
    cr_assert(stream && fclose(stream) == 0);
    in(link, disk, "secret/..data");
    cr_assert_eq(symlink("..one", link), 0);
    in(link, disk, "secret/token");
    cr_assert_eq(symlink("..data/token", link), 0);
    load(OUTPUT);
    wish(WISHES_LASTING);
    cr_expect(grants("r", disk, "secret"), "the next one lies in it: %s", granted);
}

Test(wishes, of_a_path_that_comes_later_the_nearest_directory_is_read)
{
    make(memory, "volume");
    load(OUTPUT);
    wish(WISHES_LASTING);
    cr_expect(grants("r", disk, ""), "%s", granted);
    cr_expect_not(strstr(granted, "r /\n"), "%s", granted);
}

Test(wishes, the_directory_shared_with_others_is_never_an_outputs_volume)
{
    char line[256];
    load("version: 1\noutputs:\n  - directory: %M\n    files: [{path: x, content: y}]\n");
    wish(WISHES_LASTING);
    snprintf(line, sizeof(line), "rw %s\n", memory);
    cr_expect(strstr(granted, line), "%s", granted);
    cr_expect_not(strstr(granted, "rw /dev/shm\n"), "%s", granted);
}

Test(wishes, a_signal_needs_proc_and_the_directory_of_a_pid_file)
{
    make(memory, "volume");
    make(disk, "pids");
    load(OUTPUT "    onChange: [{signal: {pidFile: %D/pids/x}}]\n");
    wish(WISHES_LASTING);
    cr_expect(strstr(granted, "r /proc\n") && grants("r", disk, "pids"), "%s", granted);
    wish(WISHES_ONCE);
    cr_expect_not(strstr(granted, "r /proc\n"), "%s", granted);
}

/* --- what hooks need, and when --- */

static const struct {
    const char *hooks;
    bool once, lasting; /* a broker */
} brokers[] = {
    {"", false, false},
    {"    onChange: [{http: {url: 'http://x/'}}]\n", false, false},
    {"    onChange: [{signal: {process: x}}]\n", false, false},
    {"    onChange: [{exec: {command: [/bin/true]}}]\n", false, true},
    {"    onChange: [{signal: {exe: /bin/x}}]\n", false, true},
    {"    beforePublish: [{exec: {command: [/bin/true]}}]\n", true, true},
};

Test(wishes, a_broker_is_for_hooks_that_run_in_this_life)
{
    for (size_t i = 0; i < sizeof(brokers) / sizeof(brokers[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), "%s%s", OUTPUT, brokers[i].hooks);
        load(text);
        cr_expect_not(wishes_need_broker(template, WISHES_PREVIEW), "%s", text);
        cr_expect_eq(wishes_need_broker(template, WISHES_ONCE), brokers[i].once, "%s", text);
        cr_expect_eq(wishes_need_broker(template, WISHES_LASTING), brokers[i].lasting, "%s", text);
        template_free(template);
        template = NULL;
    }
}

Test(wishes, of_the_system_all_is_read_only)
{
    granted[0] = '\0';
    cr_expect(wishes_of_system(&wishes));
    cr_expect(strstr(granted, "r /etc/ssl\n") && !strstr(granted, "rw "), "%s", granted);
}

Test(wishes, a_file_that_is_written_is_renamed_in_its_directory)
{
    granted[0] = '\0';
    cr_expect(wishes_of_output_file(&wishes, "/some/where/file"));
    cr_expect_str_eq(granted, "rw /some/where\n");
}

static bool refuse(void *context, const char *path, unsigned rights, const struct place *place)
{
    unsigned *calls = context;
    (void)path;
    (void)rights;
    (void)place;
    return ++*calls < 2;
}

Test(wishes, what_cannot_be_granted_ends_it)
{
    unsigned calls = 0;
    const struct wishes refused = {&calls, refuse, false};
    make(disk, "secret");
    make(memory, "volume");
    load(OUTPUT);
    cr_expect_not(wishes_of(&refused, template, WISHES_LASTING));
    cr_expect_eq(calls, 2);
    calls = 0;
    cr_expect_not(wishes_of_system(&refused));
    cr_expect_eq(calls, 2);
}
