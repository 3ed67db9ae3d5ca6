#include "reload/explain.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/str.h"

enum { HEAD_SIZE = 256, NAME_SIZE = 160 };

/* By the names of uname(2), which images' platforms are close to. */
static const struct {
    uint16_t machine;
    const char *name;
} machines[] = {
    {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"},       {EM_386, "i386"},   {EM_ARM, "arm"},
    {EM_RISCV, "riscv64"}, {EM_PPC64, "ppc64"},           {EM_S390, "s390x"}, {EM_MIPS, "mips"},
    {EM_PPC, "ppc"},       {EM_LOONGARCH, "loongarch64"},
};

struct head {
    unsigned char bytes[HEAD_SIZE];
    size_t size;
};

/* Nothing of what cannot be read, and nothing of a FIFO, which would have to be waited for. */
static struct head read_head(const char *program)
{
    struct head head = {.size = 0};
    int fd = strchr(program, '/') ? open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd >= 0) {
        ssize_t got = read(fd, head.bytes, sizeof(head.bytes));
        head.size = got > 0 ? (size_t)got : 0;
        close(fd);
    }
    return head;
}

static bool is_elf(const struct head *head)
{
    return head->size >= sizeof(Elf32_Ehdr) && memcmp(head->bytes, ELFMAG, SELFMAG) == 0;
}

static const char *machine_of(const struct head *head)
{
    uint16_t machine;
    memcpy(&machine, head->bytes + offsetof(Elf64_Ehdr, e_machine), sizeof(machine));
    machine = head->bytes[EI_DATA] == ELFDATA2MSB ? be16toh(machine) : le16toh(machine);
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        if (machines[i].machine == machine) {
            return machines[i].name;
        }
    }
    return "another machine";
}

static void advise_format(const struct head *head, size_t size, char *out)
{
    struct utsname here;
    if (!is_elf(head) || uname(&here) < 0) {
        snprintf(out, size,
                 "it is no program for this machine, or a script without its first "
                 "line #!");
    } else if (strcmp(machine_of(head), here.machine) == 0) {
        snprintf(out, size,
                 "it is damaged: the head of a program for %s, which Linux does not "
                 "take",
                 here.machine);
    } else {
        snprintf(out, size,
                 "it is a program for %s and this machine is %s; take the image or the "
                 "build for this platform",
                 machine_of(head), here.machine);
    }
}

/* The path behind a script's #!, printable. */
static void print_interpreter(const struct head *head, size_t size, char *out)
{
    char raw[NAME_SIZE];
    struct str line = {(const char *)head->bytes + 2, head->size - 2};
    size_t start = 0, end;
    while (start < line.size && (line.bytes[start] == ' ' || line.bytes[start] == '\t')) {
        start++;
    }
    for (end = start; end < line.size && end - start + 1 < sizeof(raw); end++) {
        if (strchr(" \t\r\n", line.bytes[end])) { /* also at a zero byte */
            break;
        }
    }
    memcpy(raw, line.bytes + start, end - start);
    raw[end - start] = '\0';
    str_print(str_from(raw), out, size);
}

static void advise_missing(const struct head *head, size_t size, char *out)
{
    char interpreter[NAME_SIZE];
    if (head->size > 2 && memcmp(head->bytes, "#!", 2) == 0) {
        print_interpreter(head, sizeof(interpreter), interpreter);
        snprintf(out, size,
                 "it is there, but not the interpreter that its first line names, "
                 "\"%s\"; the script's image must have it",
                 interpreter);
    } else if (is_elf(head)) {
        snprintf(out, size,
                 "it is there, but not the loader of its shared libraries; run it in "
                 "the image that it was built for, or link it statically");
    } else {
        snprintf(out, size, "it must be in connect-agent's own container, at that path or on PATH");
    }
}

bool explain_start(const char *program, int number, struct error *err)
{
    char advice[2 * HEAD_SIZE + NAME_SIZE] = "";
    struct head head = read_head(program);
    if (number == ENOENT) {
        advise_missing(&head, sizeof(advice), advice);
    } else if (number == EACCES) {
        snprintf(advice, sizeof(advice),
                 "it must be a file, executable by connect-agent's uid %u, and not on a file "
                 "system that is mounted noexec",
                 (unsigned)geteuid());
    } else if (number == ENOEXEC) {
        advise_format(&head, sizeof(advice), advice);
    }
    error_set(err, ERROR_HOOK, "%s cannot be started: %s%s%s", program, strerrordesc_np(number),
              *advice ? "; " : "", advice);
    err->number = number;
    return false;
}
