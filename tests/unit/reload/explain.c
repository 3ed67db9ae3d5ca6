#include "reload/explain.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/connect-agent-explain-XXXXXX";

static void write_program(const void *bytes, size_t size)
{
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void expect(int number, const char *wanted)
{
    struct error error;
    cr_assert_not(explain_start(path, number, &error));
    unlink(path);
    cr_assert_eq(error.code, ERROR_HOOK);
    cr_assert_eq(error.number, number);
    cr_assert(strstr(error.message, wanted), "%s", error.message);
    cr_assert(strstr(error.message, path), "%s", error.message);
}

/* The head of a program for the machine, as a little- or big-endian one writes it. */
static void write_elf(unsigned machine, bool big)
{
    unsigned char head[64] = {0x7f, 'E', 'L', 'F', 2, big ? 2 : 1, 1};
    head[big ? 19 : 18] = (unsigned char)machine;
    write_program(head, sizeof(head));
}

Test(explain, names_the_machine_of_a_program_for_another_one)
{
#if defined(__aarch64__)
    write_elf(62, false);
    expect(ENOEXEC, "a program for x86_64 and this machine is aarch64");
#else
    write_elf(183, false);
    expect(ENOEXEC, "a program for aarch64 and this machine is ");
#endif
}

Test(explain, reads_a_big_endian_head)
{
    write_elf(22, true);
    expect(ENOEXEC, "a program for s390x");
}

Test(explain, a_machine_without_a_name_is_another_machine)
{
    write_elf(250, false);
    expect(ENOEXEC, "a program for another machine");
}

Test(explain, a_text_without_an_interpreter_is_said_to_lack_one)
{
    write_program("true\n", 5);
    expect(ENOEXEC, "first line #!");
}

Test(explain, names_the_interpreter_that_is_missing)
{
    write_program("#! /no/such/shell -e\n", 21);
    expect(ENOENT, "\"/no/such/shell\"");
}

Test(explain, an_interpreter_cannot_speak_to_a_terminal)
{
    write_program("#!/no\033[31m\n", 12);
    struct error error;
    explain_start(path, ENOENT, &error);
    unlink(path);
    cr_assert_null(strchr(error.message, '\033'));
    cr_assert(strstr(error.message, "/no"));
}

Test(explain, an_endless_first_line_is_cut)
{
    char line[1000] = "#!";
    memset(line + 2, 'x', sizeof(line) - 2);
    write_program(line, sizeof(line));
    expect(ENOENT, "\"xxxxxxxx");
}

Test(explain, says_that_the_loader_is_missing)
{
    write_elf(62, false);
    expect(ENOENT, "loader of its shared libraries");
}

Test(explain, a_program_that_is_not_there_is_said_to_be_missing)
{
    expect(ENOENT, "must be in connect-agent's own container");
}

Test(explain, waits_for_no_fifo)
{
    cr_assert(mkdtemp(path));
    rmdir(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    alarm(30); /* a wait would end the test */
    expect(EACCES, "executable by connect-agent's uid");
}
