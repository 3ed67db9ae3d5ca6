#include "config/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "model/hook.h"

#define NO_SECRET                                                                                  \
    "secrets never go into arguments, where every process can read them: publish a file, and "     \
    "name it as {{ directory }}/NAME"

/* The {{ at `at`: appends how the model writes it; *ret_end is behind its }}. */
static bool read_braces(struct decoder *decoder, const struct yaml_node *node, size_t at,
                        size_t *ret_end, struct buf *buf)
{
    struct error error;
    size_t end = str_find(node->text, at, "}}");
    struct str inner = str_trim(str_slice(node->text, at + 2, end));
    if (end == node->text.size) {
        return decode_fail_at(decoder, node, at,
                              "this {{ is not closed by }}; known is {{ directory }}");
    }
    if (!str_is(inner, "directory")) {
        bool refers = str_find(inner, 0, "op://") < inner.size;
        return decode_fail_at(
            decoder, node, at,
            refers ? NO_SECRET
                   : "only {{ directory }} can stand in an argument: the directory of "
                     "the generation");
    }
    *ret_end = end + 2;
    return buf_append(buf, str_from(HOOK_DIRECTORY), &error) || decode_fail_memory(decoder, node);
}

static bool read_argument(struct decoder *decoder, const struct yaml_node *node, struct buf *buf)
{
    struct error error;
    size_t at = 0;
    while (at < node->text.size) {
        size_t braces = str_find(node->text, at, "{{");
        size_t reference = str_find(node->text, at, "op://");
        if (reference < braces) {
            return decode_fail_at(decoder, node, reference, NO_SECRET);
        }
        if (!buf_append(buf, str_slice(node->text, at, braces), &error)) {
            return decode_fail_memory(decoder, node);
        }
        at = braces;
        if (at < node->text.size && !read_braces(decoder, node, at, &at, buf)) {
            return false;
        }
    }
    return true;
}

static bool decode_argument(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    char **argument = into;
    struct str text;
    struct buf buf;
    if (!decode_scalar(decoder, node, "an argument, such as \"\"", &text)) {
        return false;
    }
    buf_init(&buf, LIMIT_TEMPLATE_FILE);
    bool ok = read_argument(decoder, node, &buf);
    if (ok) {
        *argument = strdup(buf.bytes ? buf.bytes : "");
        ok = *argument || decode_fail_memory(decoder, node);
    }
    buf_done(&buf);
    return ok;
}

static const struct shape argument_shape = {.kind = SHAPE_SCALAR,
                                            .expected = "an argument",
                                            .also = SHAPE_NUMBER | SHAPE_BOOLEAN,
                                            .pattern = "^((?!op://|\\{\\{)(.|\\n)|"
                                                       "\\{\\{\\s*directory\\s*\\}\\})*$"};
const struct shape command_shape = {
    .kind = SHAPE_LIST,
    .expected = "a list of arguments such as [/bin/reload, --now]",
    .element = &argument_shape,
};

/* Closes the holes that wrong arguments left, so that the first null is the end. */
static char **end_command(void *list, size_t count)
{
    char **command = reallocarray(list, count + 1, sizeof(char *));
    size_t kept = 0;
    for (size_t i = 0; command && i < count; i++) {
        if (command[i]) {
            command[kept++] = command[i];
        }
    }
    if (command) {
        command[kept] = NULL;
    }
    return command;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; list && i < count; i++) {
        free(list[i]);
    }
    free(list);
}

bool command_decode(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct hook *hook = into;
    void *list = NULL;
    size_t count = 0;
    bool ok =
        decode_list(decoder, node, &command_shape, sizeof(char *), decode_argument, &list, &count);
    hook->command = list ? end_command(list, count) : NULL;
    if (list && !hook->command) {
        free_list(list, count);
        return decode_fail_memory(decoder, node);
    }
    if (ok && hook->command && hook->command[0] && hook->command[0][0] != '/') {
        return decode_fail(decoder, node->first,
                           "the program must be an absolute path such as /bin/reload, found "
                           "\"%.64s\"; it runs in connect-agent's own container, without a shell",
                           hook->command[0]);
    }
    return ok;
}
