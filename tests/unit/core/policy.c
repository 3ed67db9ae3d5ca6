#include "core/policy.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "config/example.h"
#include "core/commands.h"
#include "io/broker.h"
#include "io/spawn.h"

/* What is granted is asked of a real broker, so that what it starts is a child of the test; what is
 * refused is asked of the policy itself too, since commands.h does not put nonsense. */

#define SCRIPT "echo \"$0 $1 $CONNECT_AGENT_DIRECTORY $CONNECT_AGENT_GENERATION\""

static const char source[] =
    "version: 1\n"
    "outputs:\n"
    "  - directory: /r/a\n"
    "    files: [{path: x, content: y}]\n"
    "    beforePublish: [{exec: {command: [/bin/sh, -c, '" SCRIPT "', '{{directory}}/x', t]}}]\n"
    "    onChange:\n"
    "      - exec: {command: [/bin/echo, changed]}\n"
    "      - exec: {command: [/no/such/program]}\n"
    "      - signal: {exe: %s/sleeper, signal: USR1}\n"
    "      - signal: {exe: %s, signal: USR1}\n"
    "      - signal: {process: init, signal: USR2}\n"
    "  - directory: /r/b\n"
    "    files: [{path: x, content: y}]\n"
    "    onChange: [{exec: {command: [/bin/echo, b]}}]\n"
    "exec:\n"
    "  env: {PASSWORD: 'op://v/i/f', USER: me}\n";

static const struct overrides overrides = {.launch = true};
static char folder[64], own_program[PATH_MAX];
static struct template *template;
static struct commands *commands;
static struct error error;

static struct template *load(void)
{
    struct findings findings;
    struct template *loaded = NULL;
    char text[8192];
    findings_init(&findings);
    bool ok = config_load("t.yaml", &overrides, &findings, &loaded);
    print_all(&findings, text, sizeof(text));
    cr_assert(ok, "%s", text);
    findings_done(&findings);
    return loaded;
}

static void open_all(void)
{
    char text[8192];
    enter_folder();
    cr_assert(getcwd(folder, sizeof(folder)));
    ssize_t size = readlink("/proc/self/exe", own_program, sizeof(own_program) - 1);
    cr_assert_gt(size, 0);
    snprintf(text, sizeof(text), source, folder, own_program);
    write_file("t.yaml", str_from(text));
    template = load();
}

static void close_all(void)
{
    commands_close(commands);
    template_free(template);
    leave_folder();
}

TestSuite(policy, .init = open_all, .fini = close_all, .timeout = 60);

static void open_commands(char *const *command, char *const *environment)
{
    const struct commands_options options = {.template = template,
                                             .path = "t.yaml",
                                             .overrides = &overrides,
                                             .command = command,
                                             .environment = environment};
    cr_assert(commands_open(&options, &commands, &error), "%s", error.message);
}

/* All that is written until nobody has the other end. */
static const char *read_all(int fd)
{
    static char text[8192];
    size_t size = 0;
    ssize_t got;
    while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0) {
        size += (size_t)got;
    }
    cr_assert_eq(got, 0);
    text[size] = '\0';
    close(fd);
    return text;
}

static void expect_exit(pid_t pid)
{
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid, "it is no child of who asked");
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A child of ours besides the broker? */
static void expect_nothing_started(int output)
{
    cr_expect_str_eq(read_all(output), "");
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), 0);
}

/* --- hooks --- */

static bool run_hook(const struct hook *hook, const char *directory, const char *expected)
{
    int ends[2];
    pid_t pid = 0;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    bool ok = commands_run_hook(commands, hook, directory, "7", ends[1], &pid, &error);
    close(ends[1]);
    if (ok) {
        cr_expect_str_eq(read_all(ends[0]), expected);
        expect_exit(pid);
    } else {
        cr_expect_eq(error.code, ERROR_HOOK);
        expect_nothing_started(ends[0]);
    }
    return ok;
}

static void expect_hook(const struct hook *hook, const char *directory, const char *expected)
{
    cr_expect(run_hook(hook, directory, expected), "%s", error.message);
}

Test(policy, starts_a_hook_of_the_template_for_the_directory_of_a_generation)
{
    open_commands(NULL, NULL);
    expect_hook(&template->outputs[0].before_publish[0], "/r/a/..2026",
                "/r/a/..2026/x t /r/a/..2026 7\n");
    expect_hook(&template->outputs[0].before_publish[0], "/r/a", "/r/a/x t /r/a 7\n");
    expect_hook(&template->outputs[0].on_change[0], "/r/a", "changed\n");
    expect_hook(&template->outputs[1].on_change[0], "/r/b", "b\n");
}

Test(policy, says_what_to_do_for_a_hook_that_is_not_there)
{
    open_commands(NULL, NULL);
    cr_expect_not(run_hook(&template->outputs[0].on_change[1], "/r/a", ""));
    cr_expect_str_eq(error.message,
                     "/no/such/program cannot be started: No such file or directory; it must be in "
                     "connect-agent's own container, at that path or on PATH. To reach another "
                     "container use signal: or http:");
    cr_expect_eq(error.number, ENOENT);
}

/* Strings, each ended by NUL. */
#define TEXT(literal) ((struct str){(literal), sizeof(literal)})
#define REFUSED                                                                                    \
    "the broker does not start what its template does not name; it may have changed meanwhile"
#define NONSENSE "the broker was asked nonsense"

/* Played by a process of its own: what it would start must not become the runner's child. */
static bool serve(void *context, const struct broker_request *request, pid_t *ret_pid,
                  struct error *err)
{
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    return text && stash_get(request->stash, text, err) &&
           policy_run_hook(context, text, request->descriptors[0], ret_pid, err);
}

static bool ask_raw(struct str bytes, int output, pid_t *ret_pid)
{
    struct policy policy = {.template = template};
    const struct broker_service service = {&policy, serve};
    struct broker *broker;
    struct stash stash;
    cr_assert(broker_open(&service, &broker, &error), "%s", error.message);
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE); /* not before: a child finds it empty */
    stash_init(&stash);
    cr_assert(text && secret_append(text, bytes, &error));
    cr_assert(bytes.size == 0 || stash_put(&stash, text, &error));
    const struct broker_request request = {
        .stash = &stash, .descriptors = &output, .descriptors_count = 1};
    bool ok = broker_ask(broker, &request, ret_pid, &error);
    broker_close(broker);
    stash_done(&stash);
    return ok;
}

static void expect_refused_as(struct str bytes, enum error_code code, const char *message)
{
    int ends[2];
    pid_t pid = 0;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    bool ok = ask_raw(bytes, ends[1], &pid);
    close(ends[1]);
    cr_expect_not(ok, "\"%s\" was not refused", bytes.bytes);
    cr_expect(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "something was started");
    cr_expect_eq(error.code, code);
    cr_expect_str_eq(error.message, message);
    cr_expect_str_eq(read_all(ends[0]), "");
}

static void expect_refused(struct str bytes)
{
    expect_refused_as(bytes, ERROR_HOOK, REFUSED);
}

Test(policy, refuses_a_command_that_is_not_the_template_s)
{
    expect_refused(TEXT("/r/a\0007\0/bin/echo\0canary"));
    expect_refused(TEXT("/r/a\0007\0/bin/echo"));
    expect_refused(TEXT("/r/a\0007\0/bin/echo\0changed\0more"));
    expect_refused(TEXT("/r/a\0007\0/bin/echo\0changed\0"));
    expect_refused(TEXT("/r/a\0007\0/bin/ech\0changed"));
    expect_refused(TEXT("/r/a\0007\0/bin/sh\0-c\0" SCRIPT "\0/r/a/x\0t"));
    expect_refused(TEXT("/r/a\0007\0init"));
}

Test(policy, refuses_a_directory_that_is_none_of_a_generation_of_that_output)
{
    expect_refused(TEXT("/r/b\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a\0007\0/bin/echo\0b"));
    expect_refused(TEXT("/r/a/..\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a/.\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a/\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a/../b\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a/x/y\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a/x/\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/ab\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("/r\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("r/a\0007\0/bin/echo\0changed"));
    expect_refused(TEXT("\0007\0/bin/echo\0changed"));
}

Test(policy, refuses_a_generation_that_is_no_number)
{
    expect_refused(TEXT("/r/a\0x\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a\0007x\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a\0-1\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a\0\0/bin/echo\0changed"));
    expect_refused(TEXT("/r/a\00018446744073709551616\0/bin/echo\0changed"));
}

Test(policy, refuses_a_text_that_is_no_request)
{
    expect_refused((struct str){"", 0});
    expect_refused(TEXT(""));
    expect_refused(TEXT("/r/a"));
    expect_refused(TEXT("/r/a\0007"));
    expect_refused_as(str_from("x"), ERROR_SYSTEM, NONSENSE);
    expect_refused_as((struct str){"/r/a\0007\0/bin/echo\0changed", 24}, ERROR_SYSTEM, NONSENSE);
}

/* --- the command of exec --- */

static char *const print_environment[] = {"/usr/bin/env", NULL};
static char *const inherited[] = {"PATH=/bin",    "OP_CONNECT_TOKEN=canary-token",
                                  "PASSWORD=old", "PASSWORDS=other",
                                  "TERM=x",       NULL};

static bool run_command(struct str bytes, const char *expected)
{
    int ends[2];
    pid_t pid = 0;
    struct stash stash;
    SECRET_AUTO variables = secret_new(LIMIT_OUTPUT_FILE);
    stash_init(&stash);
    cr_assert(variables && secret_append(variables, bytes, &error));
    cr_assert(stash_put(&stash, variables, &error), "%s", error.message);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    bool ok = commands_run(commands, &stash, (int[]){ends[1], ends[1]}, &pid, &error);
    close(ends[1]);
    stash_done(&stash);
    if (ok) {
        cr_expect_str_eq(read_all(ends[0]), expected);
        expect_exit(pid);
    } else {
        cr_expect_eq(error.code, ERROR_HOOK);
        expect_nothing_started(ends[0]);
    }
    return ok;
}

Test(policy, sets_variables_that_the_template_names_in_place_of_inherited_ones)
{
    open_commands(print_environment, inherited);
    cr_expect(run_command(TEXT("PASSWORD=new=1\0USER="),
                          "PASSWORD=new=1\nUSER=\nPATH=/bin\nPASSWORDS=other\nTERM=x\n"),
              "%s", error.message);
}

Test(policy, the_command_never_inherits_our_token)
{
    open_commands(print_environment, inherited);
    cr_expect(
        run_command((struct str){"", 0}, "PATH=/bin\nPASSWORD=old\nPASSWORDS=other\nTERM=x\n"),
        "%s", error.message);
}

Test(policy, refuses_a_variable_that_the_template_does_not_name_and_keeps_its_value_secret)
{
    static const struct str examples[] = {
        TEXT("LD_PRELOAD=canary"), TEXT("PASSWORD=x\0LD_PRELOAD=canary"),
        TEXT("PASSWOR=canary"),    TEXT("PASSWORD2=canary"),
        TEXT("=canary"),
    };
    open_commands(print_environment, inherited);
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        cr_expect_not(run_command(examples[i], ""), "example %zu", i);
        cr_expect_not(strstr(error.message, "canary"), "%s", error.message);
    }
    cr_expect_not(run_command(examples[1], ""));
    cr_expect_str_eq(error.message,
                     "the broker does not set what its template does not name: LD_PRELOAD");
}

Test(policy, without_a_command_none_is_started)
{
    open_commands(NULL, inherited);
    cr_expect_not(run_command(TEXT("PASSWORD=x"), ""));
    cr_expect_str_eq(error.message, REFUSED);
}

Test(policy, says_by_its_number_why_the_command_cannot_be_started)
{
    open_commands((char *const[]){"/no/such/program", NULL}, inherited);
    cr_expect_not(run_command(TEXT("PASSWORD=x"), ""));
    cr_expect_eq(error.number, ENOENT);
}

/* --- signals --- */

/* A program of a name that nobody else has, which runs when this returns. */
static pid_t start_sleeper(void)
{
    int from = open("/bin/sleep", O_RDONLY | O_CLOEXEC);
    int to = open("sleeper", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    struct stat status;
    pid_t pid;
    cr_assert(from >= 0 && to >= 0 && fstat(from, &status) == 0);
    while (sendfile(to, from, NULL, (size_t)status.st_size) > 0) {
    }
    close(from);
    close(to);
    char whole[80];
    snprintf(whole, sizeof(whole), "%s/sleeper", folder);
    const struct spawn spawn = {.arguments = (char *const[]){whole, "1000", NULL},
                                .environment = (char *const[]){NULL},
                                .descriptors = {-1, -1, -1},
                                .is_bare = true};
    cr_assert_eq(spawn_start(&spawn, &pid), 0);
    return pid;
}

Test(policy, signals_the_program_that_the_template_names)
{
    const struct hook *hook = &template->outputs[0].on_change[2];
    int status;
    open_commands(NULL, NULL);
    pid_t pid = start_sleeper();
    bool ok = commands_signal(commands, hook, &error);
    cr_expect(ok, "%s", error.message);
    (void)kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

static void expect_no_signal(const char *exe, const char *number, const char *message)
{
    const struct policy policy = {.template = template};
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    cr_assert(text && secret_append(text, (struct str){exe, strlen(exe) + 1}, &error));
    cr_assert(secret_append(text, (struct str){number, strlen(number) + 1}, &error));
    cr_expect_not(policy_signal(&policy, text, &error));
    cr_expect_eq(error.code, ERROR_HOOK);
    cr_expect_str_eq(error.message, message);
}

Test(policy, refuses_a_program_or_signal_that_the_template_does_not_name)
{
    char whole[80], number[16], message[PATH_MAX + 64];
    snprintf(whole, sizeof(whole), "%s/sleeper", folder);
    snprintf(number, sizeof(number), "%d", SIGUSR1);
    pid_t pid = start_sleeper();
    expect_no_signal("/bin/sleep", number, REFUSED);
    expect_no_signal("init", number, REFUSED);
    expect_no_signal(whole, "9", REFUSED);
    expect_no_signal(whole, "12", REFUSED); /* of the other hook */
    expect_no_signal(whole, "USR1", REFUSED);
    expect_no_signal(whole, "", REFUSED);
    snprintf(message, sizeof(message), "%s is connect-agent itself", own_program);
    expect_no_signal(own_program, number, message);
    cr_expect_eq(waitpid(pid, NULL, WNOHANG), 0, "it was hit");
    (void)kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(policy, a_signal_needs_a_program_and_a_number_and_nothing_else)
{
    const struct policy policy = {.template = template};
    char bytes[128];
    SECRET_AUTO text = secret_new(LIMIT_OUTPUT_FILE);
    cr_assert(text);
    cr_expect_not(policy_signal(&policy, text, &error));
    int size = snprintf(bytes, sizeof(bytes), "%s/sleeper", folder);
    cr_assert(secret_append(text, (struct str){bytes, (size_t)size + 1}, &error));
    cr_expect_not(policy_signal(&policy, text, &error));
    cr_assert(secret_append(text, TEXT("10\0more"), &error));
    cr_expect_not(policy_signal(&policy, text, &error));
    cr_expect_str_eq(error.message, REFUSED);
}

/* --- a new template --- */

#define OTHER                                                                                      \
    "version: 1\noutputs:\n  - directory: /r/a\n    files: [{path: x, content: y}]\n"              \
    "    onChange: [{exec: {command: [/bin/echo, other]}}]\n"

Test(policy, a_new_template_is_in_force_and_the_old_one_is_not)
{
    open_commands(NULL, NULL);
    write_file("t.yaml", str_from(OTHER));
    struct template *other = load();
    cr_expect_not(run_hook(&other->outputs[0].on_change[0], "/r/a", "other\n"), "too early");
    cr_assert(commands_reload(commands, &error), "%s", error.message);
    expect_hook(&other->outputs[0].on_change[0], "/r/a", "other\n");
    cr_expect_not(run_hook(&template->outputs[0].on_change[0], "/r/a", "changed\n"));
    cr_assert(commands_reload(commands, &error), "and again: %s", error.message);
    expect_hook(&other->outputs[0].on_change[0], "/r/a", "other\n");
    template_free(other);
}

Test(policy, a_wrong_template_leaves_the_old_one_in_force)
{
    open_commands(NULL, NULL);
    write_file("t.yaml", str_from("version: 2\n"));
    cr_expect_not(commands_reload(commands, &error));
    cr_expect_eq(error.code, ERROR_TEMPLATE);
    expect_hook(&template->outputs[0].on_change[0], "/r/a", "changed\n");
}

Test(policy, a_reload_frees_what_it_replaces)
{
    struct policy policy = {.template = template, .path = "t.yaml", .overrides = &overrides};
    cr_assert(policy_reload(&policy, &error) && policy_reload(&policy, &error));
    cr_expect(policy.template == policy.own && policy.own != template);
    template_free(policy.own);
}

/* --- without a broker --- */

Test(policy, without_a_broker_nothing_is_started)
{
    pid_t pid = 0;
    cr_expect_not(
        commands_run_hook(NULL, &template->outputs[0].on_change[0], "/r/a", "7", 1, &pid, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect(commands_reload(NULL, &error));
    cr_expect_eq(commands_descriptor(NULL), -1);
}
