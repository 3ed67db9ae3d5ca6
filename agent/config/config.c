#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/decode.h"
#include "config/launch.h"
#include "config/output.h"
#include "config/path.h"
#include "config/yaml.h"
#include "io/file.h"

enum { DEFAULT_GRACE_MS = 10000 };

static bool decode_version(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct str text;
    (void)into;
    return decode_scalar(decoder, node, "the version 1", &text) &&
           (str_is(text, "1") ||
            decode_fail(decoder, node, "template version \"%.32s\" is not known; write version: 1",
                        text.bytes));
}

static bool decode_setting(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    struct str text;
    struct error error;
    enum setting setting;
    (void)into;
    if (!settings_find(node->key->text, &setting) ||
        !decode_scalar(decoder, node, settings_shape(setting)->expected, &text)) {
        return false;
    }
    return settings_set(&decoder->template->settings, setting, text, &error) ||
           findings_hide(decoder->findings, node->place, &error);
}

size_t config_block_keys(const char *block, struct key keys[SETTINGS])
{
    size_t count = 0;
    for (int i = 0; i < SETTINGS; i++) {
        const struct setting_info *info = settings_describe((enum setting)i);
        if (strcmp(info->block, block) == 0) {
            keys[count++] = (struct key){info->key, KEY_OPTIONAL, info->help,
                                         settings_shape((enum setting)i), decode_setting};
        }
    }
    return count;
}

/* The keys of a block are the settings that say they belong to it. */
static bool decode_block(struct decoder *decoder, const struct yaml_node *node,
                         const struct shape *block)
{
    struct key keys[SETTINGS];
    struct shape shape = *block;
    shape.keys = keys;
    shape.keys_count = config_block_keys(block->block, keys);
    return decode_mapping(decoder, node, &shape, NULL);
}

static const struct shape connect_shape = {
    .kind = SHAPE_SETTINGS, .expected = "the block connect", .block = "connect"};
static const struct shape refresh_shape = {
    .kind = SHAPE_SETTINGS, .expected = "the block refresh", .block = "refresh"};

static bool decode_connect(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    (void)into;
    return decode_block(decoder, node, &connect_shape);
}

static bool decode_refresh(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    (void)into;
    return decode_block(decoder, node, &refresh_shape);
}

static bool decode_listen(struct decoder *decoder, const struct yaml_node *node, void *into)
{
    return yaml_is_null(node) || decode_setting(decoder, node, into);
}

static const struct shape version_shape = {
    .kind = SHAPE_SCALAR, .expected = "the version 1", .constant = 1};
static const struct shape listen_shape = {.kind = SHAPE_SCALAR,
                                          .expected = "an address such as 127.0.0.1:9180, or off",
                                          .also = SHAPE_NULL,
                                          .pattern = "^$|^off$|^[0-9.]+:[0-9]+$|^\\[.+\\]:[0-9]+$"};

static const struct key keys[] = {
    {"version", KEY_REQUIRED, "version of this format: 1", &version_shape, decode_version},
    {"connect", KEY_OPTIONAL, "the Connect server", &connect_shape, decode_connect},
    {"refresh", KEY_OPTIONAL, "how often to look for changes", &refresh_shape, decode_refresh},
    {"listen", KEY_OPTIONAL, "address:port of metrics and health, 127.0.0.1:9180; off: none",
     &listen_shape, decode_listen},
    {"outputs", KEY_OPTIONAL, "what to publish, and where", &output_list_shape, output_decode_list},
    {"exec", KEY_OPTIONAL, "the environment of a command, for connect-agent exec", &launch_shape,
     launch_decode},
};

static const struct shape_rule rules[] = {{RULE_ANY_OF, {"outputs", "exec"}, NULL}};

static const struct shape shape = {
    .kind = SHAPE_MAPPING,
    .expected = "the template",
    .keys = keys,
    .keys_count = sizeof(keys) / sizeof(keys[0]),
    .rules = rules,
    .rules_count = sizeof(rules) / sizeof(rules[0]),
};

const struct shape *config_shape(void)
{
    return &shape;
}

static bool read_source(const char *path, struct buf *source, struct findings *findings)
{
    struct error error;
    if (file_read(path, ERROR_TEMPLATE, source, &error)) {
        return true;
    }
    if (error.number == ENOENT || error.number == ENOTDIR) {
        error_set(&error, ERROR_TEMPLATE,
                  "%s: no template there; give one with -c FILE or CONNECT_AGENT_TEMPLATE", path);
    }
    return findings_add(findings, (struct place){.line = 0}, &error);
}

static bool decode(struct decoder *decoder, struct str source)
{
    struct findings *findings = decoder->findings;
    size_t before = findings->count + findings->dropped;
    struct yaml_node *root = yaml_read(decoder->template->path, source, findings);
    if (!root) {
        return false;
    }
    bool ok = decode_mapping(decoder, root, &shape, NULL);
    yaml_node_free(root);
    return ok && findings->count + findings->dropped == before;
}

/* The template's file, if there is one, and what the environment adds for a command. */
static bool read_template(struct template *template, const struct overrides *overrides,
                          struct findings *findings)
{
    struct decoder decoder = {.template = template,
                              .findings = findings,
                              .references = &template->references,
                              .environment = overrides->variables};
    struct buf source;
    bool ok = true;
    buf_init(&source, LIMIT_TEMPLATE_FILE);
    if (template->path) {
        ok = read_source(template->path, &source, findings) && decode(&decoder, buf_str(&source));
    }
    buf_done(&source);
    return (!overrides->launch_variables || launch_add_environment(&decoder)) && ok;
}

static bool refuse_input(const struct template *template, const char *what, const char *path,
                         struct findings *findings)
{
    bool ok = true;
    for (size_t i = 0; path && i < template->outputs_count; i++) {
        const struct output *output = &template->outputs[i];
        if (output->directory && path_overlaps(output->directory, path)) {
            ok = findings_format(findings, output->place, ERROR_TEMPLATE,
                                 "the output \"%s\" would hold the %s %s; publish elsewhere",
                                 output->directory, what, path);
        }
    }
    return ok;
}

/* What the agent reads must not be among what it writes. By the names: links are not followed. */
static bool check_inputs(const struct template *template, struct findings *findings)
{
    const struct settings *settings = &template->settings;
    bool ok = refuse_input(template, "template", template->path, findings);
    ok = refuse_input(template, "token file", settings->token_file, findings) && ok;
    ok = refuse_input(template, "CA file", settings->ca_file, findings) && ok;
    ok = refuse_input(template, "client certificate", settings->client_cert_file, findings) && ok;
    ok = refuse_input(template, "client key", settings->client_key_file, findings) && ok;
    for (size_t i = 0; i < template->template_files_count; i++) {
        ok = refuse_input(template, "file", template->template_files[i], findings) && ok;
    }
    return ok;
}

static struct template *template_new(const char *path, const struct overrides *overrides)
{
    struct template *template = calloc(1, sizeof(*template));
    if (!template) {
        return NULL;
    }
    references_init(&template->references);
    settings_init(&template->settings);
    template->launch = (struct launch){.counts = overrides->launch,
                                       .environment = {.kind = FILE_ENVIRONMENT},
                                       .grace_ms = DEFAULT_GRACE_MS};
    template->path = path ? strdup(path) : NULL;
    if (path && !template->path) {
        free(template);
        return NULL;
    }
    return template;
}

bool config_load(const char *path, const struct overrides *overrides, struct findings *findings,
                 struct template **ret_template)
{
    struct template *template = template_new(path, overrides);
    if (!template) {
        return findings_format(findings, (struct place){.line = 0}, ERROR_MEMORY, "out of memory");
    }
    bool ok = read_template(template, overrides, findings);
    ok = settings_override(&template->settings, overrides, findings) && ok;
    ok = check_inputs(template, findings) && ok;
    findings_sort(findings);
    *ret_template = template;
    return ok;
}
