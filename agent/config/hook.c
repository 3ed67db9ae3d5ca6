#include "config/hook.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/address.h"
#include "config/command.h"

#define SECOND ((uint64_t)1000)

enum { SIGNAL_LARGEST = 64, SIGNAL_NAMED = 31, SHOWN = 64 };

/* --- strings --- */

/* Nothing of a hook but its arguments is a template. */
static bool check_literal(struct decoder *decoder, const struct yaml_node *node)
{
    size_t braces = str_find(node->text, 0, "{{");
    size_t reference = str_find(node->text, 0, "op://");
    size_t at = braces < reference ? braces : reference;
    return at == node->text.size ||
           decode_fail_at(decoder, node, at,
                          "a reference cannot stand here: no secret goes into a hook");
}

static bool decode_literal(struct decoder *decoder, const struct yaml_node *node,
                           const char *expected, char **ret_string)
{
    if (!check_literal(decoder, node) || !decode_string(decoder, node, expected, ret_string)) {
        return false;
    }
    return (*ret_string)[0] || decode_fail(decoder, node, "expected %s, found nothing", expected);
}

static bool decode_absolute(struct decoder *decoder, const struct yaml_node *node,
                            const char *expected, char **ret_path)
{
    return decode_literal(decoder, node, expected, ret_path) &&
           ((*ret_path)[0] == '/' ||
            decode_fail(decoder, node, "expected %s, found \"%.64s\"", expected, *ret_path));
}

static bool decode_timeout(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    static const struct duration_limits limits = {100, 3600 * SECOND, "from 100ms to 1h"};
    struct hook *hook = into;
    return decode_duration(decoder, node, &limits, &hook->timeout_ms);
}

/* --- signal --- */

static bool decode_process(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    if (!decode_literal(decoder, node, "the name of a process", &hook->process)) {
        return false;
    }
    return !strchr(hook->process, '/') ||
           decode_fail(decoder, node,
                       "\"%.64s\" is a path, and \"process\" takes the name of a process; did you "
                       "mean exe: or pidFile:?",
                       hook->process);
}

#define EXPECT_EXE "the absolute path of a program such as /usr/sbin/nginx"
#define EXPECT_PID_FILE "the absolute path of a file such as /run/nginx.pid"
#define EXPECT_SIGNAL "a signal such as HUP"

static bool decode_exe(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    return decode_absolute(decoder, node, EXPECT_EXE, &hook->exe);
}

static bool decode_pid_file(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    return decode_absolute(decoder, node, EXPECT_PID_FILE, &hook->pid_file);
}

static bool find_signal(struct str name, int *ret_signal)
{
    for (int signal = 1; signal <= SIGNAL_NAMED; signal++) {
        const char *known = sigabbrev_np(signal);
        if (known && str_is(name, known)) {
            *ret_signal = signal;
            return true;
        }
    }
    return false;
}

bool hook_find_signal(struct str name, int *ret_signal)
{
    int signal;
    size_t from = str_starts(name, "SIG") ? 3 : 0;
    if (!find_signal(str_slice(name, from, name.size), &signal) || signal == SIGKILL ||
        signal == SIGSTOP) {
        return false;
    }
    *ret_signal = signal;
    return true;
}

static bool fail_signal(struct decoder *decoder, const struct yaml_node *node, struct str name)
{
    const char *names[SIGNAL_NAMED];
    size_t count = 0;
    const char *nearest = NULL;
    for (int signal = 1; signal <= SIGNAL_NAMED; signal++) {
        const char *known = sigabbrev_np(signal);
        if (known && str_equal_nocase(name, str_from(known))) {
            nearest = known;
        }
        if (known && signal != SIGKILL && signal != SIGSTOP) {
            names[count++] = known;
        }
    }
    nearest = nearest ? nearest : str_suggest(name, names, count);
    return nearest ? decode_fail(decoder, node, "no signal \"%.64s\"; did you mean \"%s\"?",
                                 node->text.bytes, nearest)
                   : decode_fail(decoder, node,
                                 "no signal \"%.64s\"; write its name, such as HUP, USR1 or TERM, "
                                 "or a number from 1 to 64",
                                 node->text.bytes);
}

static bool decode_signal(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    struct str name;
    uint64_t number = 0;
    int signal;
    if (!decode_scalar(decoder, node, EXPECT_SIGNAL, &name)) {
        return false;
    }
    bool prefixed = name.size > 3 && (str_starts(name, "SIG") || str_starts(name, "sig"));
    name = str_slice(name, prefixed ? 3 : 0, name.size);
    if (parse_number(node->text, SIGNAL_LARGEST, &number) && number > 0) {
        signal = (int)number;
    } else if (!find_signal(name, &signal)) {
        return fail_signal(decoder, node, name);
    }
    if (signal == SIGKILL || signal == SIGSTOP) {
        return decode_fail(decoder, node,
                           "%s cannot be caught: it would %s the program, not make it read its "
                           "files again; most take HUP",
                           signal == SIGKILL ? "KILL" : "STOP", signal == SIGKILL ? "end" : "halt");
    }
    hook->signal = signal;
    return true;
}

static const struct shape process_shape = {.kind = SHAPE_SCALAR,
                                           .expected = "the name of a process",
                                           .also = SHAPE_NUMBER | SHAPE_BOOLEAN,
                                           .pattern = "^[^/]+$"};
static const struct shape exe_shape = {
    .kind = SHAPE_SCALAR, .expected = EXPECT_EXE, .pattern = "^/"};
static const struct shape pid_file_shape = {
    .kind = SHAPE_SCALAR, .expected = EXPECT_PID_FILE, .pattern = "^/"};
static const struct shape signal_shape = {.kind = SHAPE_SCALAR,
                                          .expected = EXPECT_SIGNAL,
                                          .also = SHAPE_NUMBER,
                                          .pattern = "^" HOOK_SIGNAL_NAMES "$|"
                                                     "^0*([1-8]|1[0-8]|[2-5][0-9]|6[0-4])$"};

static const struct key signal_keys[] = {
    {"process", KEY_OPTIONAL, "its name, as ps -o comm shows it, or the program it was started as",
     &process_shape, decode_process},
    {"exe", KEY_OPTIONAL, "absolute path of its program, in its own container", &exe_shape,
     decode_exe},
    {"pidFile", KEY_OPTIONAL, "absolute path of a file with its number", &pid_file_shape,
     decode_pid_file},
    {"signal", KEY_OPTIONAL, "name or number of the signal, HUP", &signal_shape, decode_signal},
};

static const struct shape_rule signal_rules[] = {
    {RULE_ONE_OF, {"process", "exe", "pidFile"}, "a process is found in one way"},
};

static const struct shape signal_hook_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "a signal hook",
    .keys = signal_keys,
    .keys_count = sizeof(signal_keys) / sizeof(signal_keys[0]),
    .rules = signal_rules,
    .rules_count = sizeof(signal_rules) / sizeof(signal_rules[0]),
};

static bool decode_signal_hook(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    hook->kind = HOOK_SIGNAL;
    hook->signal = SIGHUP;
    return decode_mapping(decoder, node, &signal_hook_shape, hook);
}

/* --- http --- */

#define EXPECT_URL "a URL such as http://127.0.0.1:9090/-/reload"

/* Where host and port begin and end. */
static struct str find_authority(struct str url)
{
    size_t scheme = str_find(url, 0, "://");
    size_t from = scheme < url.size ? scheme + 3 : 0;
    size_t to = from;
    while (to < url.size && !strchr("/?#\\", url.bytes[to])) {
        to++;
    }
    return str_slice(url, from, to);
}

static bool check_rest(struct str rest, struct error *err)
{
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.bytes[i] <= ' ' || rest.bytes[i] > '~' || strchr("#\"<>\\^`{|}", rest.bytes[i])) {
            return error_set(err, ERROR_TEMPLATE,
                             "a character after the host that a URL cannot hold, or a fragment; "
                             "write it percent-encoded");
        }
    }
    return true;
}

static bool check_url(struct str url, struct error *err)
{
    struct str authority = find_authority(url);
    size_t end = (size_t)(authority.bytes + authority.size - url.bytes);
    struct str ignored;
    if (str_find(authority, 0, "@") < authority.size) { /* what stands before it is not shown */
        return error_set(err, ERROR_TEMPLATE,
                         "no user and password in the URL: no secret goes into a hook");
    }
    return address_check_url(str_slice(url, 0, end), &ignored, err) &&
           check_rest(str_slice(url, end, url.size), err);
}

static bool decode_url(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    struct error error;
    if (!check_literal(decoder, node)) {
        return false;
    }
    return check_url(node->text, &error) ? decode_string(decoder, node, EXPECT_URL, &hook->url)
                                         : findings_hide(decoder->findings, node->place, &error);
}

static const char *name_method(size_t index)
{
    static const char *const names[] = {"POST", "GET", "PUT", NULL};
    return names[index];
}

static const struct shape method_shape = {
    .kind = SHAPE_NAME, .expected = "a method: POST, GET or PUT", .name = name_method};

static bool decode_method(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    size_t index;
    return decode_name(decoder, node, &method_shape, &index) &&
           decode_string(decoder, node, method_shape.expected, &hook->method);
}

static const struct shape url_shape = {
    .kind = SHAPE_SCALAR,
    .expected = EXPECT_URL,
    .pattern = "^https?://[^/?#@\\\\]+([/?](?!.*op://)[!$-;=?-\\[\\]_a-z~%]*)?$"};

static const struct key http_keys[] = {
    {"url", KEY_REQUIRED, "what to ask, http or https", &url_shape, decode_url},
    {"method", KEY_OPTIONAL, "POST (default), GET or PUT; without a body", &method_shape,
     decode_method},
    {"timeout", KEY_OPTIONAL, "limit of one try, 10s", &shape_duration, decode_timeout},
};

static const struct shape http_hook_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "an http hook",
    .keys = http_keys,
    .keys_count = sizeof(http_keys) / sizeof(http_keys[0]),
};

static bool decode_http_hook(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    hook->kind = HOOK_HTTP;
    hook->timeout_ms = 10 * SECOND;
    if (!decode_mapping(decoder, node, &http_hook_shape, hook)) {
        return false;
    }
    if (!hook->method) {
        hook->method = strdup(name_method(0));
    }
    return hook->method || decode_fail_memory(decoder, node);
}

/* --- exec --- */

static const struct key exec_keys[] = {
    {"command", KEY_REQUIRED,
     "absolute path of a program and its arguments; {{ directory }} is "
     "the directory of the generation",
     &command_shape, command_decode},
    {"timeout", KEY_OPTIONAL, "limit of one try, 30s; then SIGTERM, 5 s later SIGKILL",
     &shape_duration, decode_timeout},
};

static const struct shape exec_hook_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "an exec hook",
    .keys = exec_keys,
    .keys_count = sizeof(exec_keys) / sizeof(exec_keys[0]),
};

static bool decode_exec_hook(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    hook->kind = HOOK_EXEC;
    hook->timeout_ms = 30 * SECOND;
    return decode_mapping(decoder, node, &exec_hook_shape, hook);
}

/* --- lists --- */

static const struct key hook_keys[] = {
    {"signal", KEY_OPTIONAL, "send a signal to a process that shares the pid namespace",
     &signal_hook_shape, decode_signal_hook},
    {"http", KEY_OPTIONAL, "send a request; an answer 2xx is success", &http_hook_shape,
     decode_http_hook},
    {"exec", KEY_OPTIONAL, "run a command; exit status 0 is success", &exec_hook_shape,
     decode_exec_hook},
};

static const struct shape_rule hook_rules[] = {
    {RULE_ONE_OF, {"signal", "http", "exec"}, "a hook does one thing; write two hooks"},
};

static const struct shape hook_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "a hook",
    .keys = hook_keys,
    .keys_count = sizeof(hook_keys) / sizeof(hook_keys[0]),
    .rules = hook_rules,
    .rules_count = sizeof(hook_rules) / sizeof(hook_rules[0]),
};

static const struct key check_keys[] = {
    {"exec", KEY_REQUIRED, "run a command; exit status 0 is success", &exec_hook_shape,
     decode_exec_hook},
};

static const struct shape check_shape = {
    .kind = SHAPE_MAPPING,
    .expected = "a hook before publishing",
    .keys = check_keys,
    .keys_count = sizeof(check_keys) / sizeof(check_keys[0]),
};

const struct shape hook_list_shape = {
    .kind = SHAPE_LIST, .expected = "a list of hooks", .element = &hook_shape};
const struct shape hook_check_list_shape = {
    .kind = SHAPE_LIST, .expected = "a list of hooks", .element = &check_shape};

static bool decode_hook(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    hook->place = node->place;
    return decode_mapping(decoder, node, &hook_shape, hook);
}

static bool decode_check_hook(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    hook->place = node->place;
    return decode_mapping(decoder, node, &check_shape, hook);
}

bool hook_decode_list(struct decoder *decoder, const struct yaml_node *node,
                      const struct shape *shape, struct hook **ret_list, size_t *ret_count)
{
    void *list = NULL;
    bool ok =
        decode_list(decoder, node, shape, sizeof(struct hook),
                    shape == &hook_list_shape ? decode_hook : decode_check_hook, &list, ret_count);
    *ret_list = list;
    return ok;
}
