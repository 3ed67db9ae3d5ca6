#include "io/spawn.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/example.h"
#include "io/process.h"

/* Two directories, first and second, for programs that PATH leads to. */
static char root[64];
static char output[4096];
static char *const environment[] = {"MARK=here", NULL};

static const char *path(const char *below)
{
    static char whole[4][192];
    static unsigned next;
    char *into = whole[next++ % 4];
    snprintf(into, sizeof(whole[0]), "%s/%s", root, below);
    return into;
}

static void script(const char *below, const char *text, mode_t mode)
{
    int fd = open(path(below), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void set_up(void)
{
    char where[256];
    snprintf(root, sizeof(root), "/tmp/unit-spawn-XXXXXX");
    cr_assert(mkdtemp(root));
    cr_assert(mkdir(path("first"), 0700) == 0 && mkdir(path("second"), 0700) == 0);
    snprintf(where, sizeof(where), "%s:%s", path("first"), path("second"));
    cr_assert_eq(setenv("PATH", where, 1), 0);
}

static void tear_down(void)
{
    cr_expect_eq(nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(spawn, .init = set_up, .fini = tear_down, .timeout = 30);

/* What it printed is in `output`; its wait status. */
static int run(struct spawn spawn)
{
    int ends[2], status = -1;
    pid_t pid;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    spawn.environment = environment;
    spawn.descriptors[0] = -1;
    spawn.descriptors[1] = ends[1];
    spawn.descriptors[2] = ends[1];
    cr_assert_eq(spawn_start(&spawn, &pid), 0);
    close(ends[1]);
    size_t used = 0;
    ssize_t got;
    while ((got = read(ends[0], output + used, sizeof(output) - 1 - used)) > 0) {
        used += (size_t)got;
    }
    output[used] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return status;
}

/* The errno; what was there of it is gone then. */
static int fails(const char *program)
{
    char *arguments[] = {(char *)program, NULL};
    const struct spawn spawn = {
        .arguments = arguments, .environment = environment, .descriptors = {-1, -1, -1}};
    pid_t pid;
    int number = spawn_start(&spawn, &pid);
    cr_assert_neq(number, 0);
    cr_assert_eq(waitpid(pid, NULL, 0), pid, "it has to be waited for");
    return number;
}

#define SH(text) ((char *[]){"/bin/sh", "-c", (text), NULL})

Test(spawn, it_has_its_arguments_and_its_environment_alone)
{
    cr_assert_eq(setenv("OURS", "canary", 1), 0);
    cr_expect_eq(run((struct spawn){.arguments = (char *[]){"/usr/bin/env", NULL}}), 0);
    cr_expect_str_eq(output, "MARK=here\n");
    cr_expect_eq(WEXITSTATUS(run((struct spawn){.arguments = SH("echo \"$0\"; exit 7")})), 7);
    cr_expect_str_eq(output, "/bin/sh\n");
}

Test(spawn, a_name_is_looked_for_in_every_directory_of_PATH)
{
    script("second/tool", "#!/bin/sh\necho second\n", 0700);
    run((struct spawn){.arguments = (char *[]){"tool", NULL}});
    cr_expect_str_eq(output, "second\n");
    script("first/tool", "#!/bin/sh\necho first\n", 0600);
    run((struct spawn){.arguments = (char *[]){"tool", NULL}});
    cr_expect_str_eq(output, "second\n", "one that may not be run is passed over");
    cr_assert_eq(chmod(path("first/tool"), 0700), 0);
    run((struct spawn){.arguments = (char *[]){"tool", NULL}});
    cr_expect_str_eq(output, "first\n");
}

Test(spawn, an_empty_directory_of_PATH_is_the_present_one)
{
    script("first/tool", "#!/bin/sh\necho here\n", 0700);
    cr_assert(setenv("PATH", "/nowhere:", 1) == 0 && chdir(path("first")) == 0);
    run((struct spawn){.arguments = (char *[]){"tool", NULL}});
    cr_expect_str_eq(output, "here\n");
}

Test(spawn, what_cannot_be_run_says_why)
{
    script("first/denied", "#!/bin/sh\n", 0600);
    script("second/plain", "no program\n", 0700);
    cr_expect_eq(fails("none"), ENOENT);
    cr_expect_eq(fails("denied"), EACCES);
    cr_expect_eq(fails("plain"), ENOEXEC);
    cr_expect_eq(fails(path("none")), ENOENT);
    cr_expect_eq(fails(path("first/denied")), EACCES);
}

Test(spawn, a_name_that_is_too_long_is_not_found)
{
    static char name[8192];
    memset(name, 'x', sizeof(name) - 1);
    cr_expect_eq(fails(name), ENOENT);
}

/* --- what it starts with --- */

Test(spawn, a_bare_one_has_no_other_descriptor_and_signals_as_usual)
{
    sigset_t all;
    sigfillset(&all);
    cr_assert_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
    cr_assert_neq(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    cr_assert_eq(dup2(0, 200), 200);
    run((struct spawn){.arguments = SH("ls /proc/self/fd | tr '\\n' ' '; "
                                       "exec grep -E '^Sig(Blk|Ign)' /proc/self/status"),
                       .is_bare = true});
    cr_expect(strncmp(output, "0 1 2 3 ", 8) == 0, "%s", output); /* 3 is the listing's own */
    cr_expect(strstr(output, "SigBlk:\t0000000000000000"), "%s", output);
    const char *ignored = strstr(output, "SigIgn:");
    /* 32 and 33 are glibc's own */
    cr_expect(ignored && (strtoull(ignored + 7, NULL, 16) & ~0x180000000ULL) == 0, "%s", output);
}

Test(spawn, else_it_is_as_we_were_born)
{
    sigset_t blocked;
    umask(027);
    cr_assert_eq(dup2(0, 200), 200);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    cr_assert_eq(sigprocmask(SIG_SETMASK, &blocked, NULL), 0);
    cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    process_harden();
    process_note_inherited();
    cr_assert_eq(dup2(0, 201), 201); /* ours, and not closed on exec */
    cr_assert_neq(signal(SIGPIPE, SIG_IGN), SIG_ERR);
    run((struct spawn){.arguments = SH("umask; ls /proc/self/fd | tr '\\n' ' '; "
                                       "exec grep -E '^Sig(Blk|Ign)' /proc/self/status")});
    cr_expect(strncmp(output, "0027\n", 5) == 0, "%s", output);
    cr_expect(strstr(output, " 200 ") && !strstr(output, " 201 "), "%s", output);
    cr_expect(strstr(output, "SigBlk:\t0000000000000800"), "%s", output);
    const char *ignored = strstr(output, "SigIgn:");
    cr_assert(ignored);
    unsigned long long set = strtoull(ignored + 7, NULL, 16);
    cr_expect((set >> (SIGXFSZ - 1) & 1) == 1 && (set >> (SIGPIPE - 1) & 1) == 0, "%s", output);
}

Test(spawn, it_leads_a_group_or_stays_in_ours)
{
    char expected[32];
    run((struct spawn){.arguments = SH("cut -d' ' -f5 /proc/$$/stat; echo $$"), .own_group = true});
    char *second = strchr(output, '\n');
    cr_assert(second);
    cr_expect_eq(strncmp(output, second + 1, (size_t)(second - output)), 0, "%s", output);
    run((struct spawn){.arguments = SH("cut -d' ' -f5 /proc/$$/stat")});
    snprintf(expected, sizeof(expected), "%d\n", (int)getpgrp());
    cr_expect_str_eq(output, expected);
}

/* Asked by a child of ours, it becomes our child. */
Test(spawn, a_sibling_is_a_child_of_our_parent)
{
    int ends[2], status;
    pid_t pid = 0;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t asker = fork();
    if (asker == 0) {
        const struct spawn spawn = {.arguments = SH("exit 5"),
                                    .environment = environment,
                                    .descriptors = {-1, -1, -1},
                                    .sibling = true};
        bool ok = spawn_start(&spawn, &pid) == 0 && write(ends[1], &pid, sizeof(pid)) > 0;
        _exit(ok ? 0 : 1);
    }
    cr_assert_eq(read(ends[0], &pid, sizeof(pid)), (ssize_t)sizeof(pid));
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(WEXITSTATUS(status), 5);
    cr_expect(waitpid(asker, &status, 0) == asker && status == 0);
}
