#pragma once
/* Reads a YAML file and remembers its first mistake as "file:line:column: what". After a mistake
 * every call still answers, with nothing, so callers check once at the end. */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

struct reader {
    const char *path; /* borrowed */
    yaml_document_t document;
    bool failed;
    char error[512];
};

/* Borrows the path. Opens, reads and parses the file of at most 64 MiB; false on a mistake.
 * reader_done is to be called either way. */
bool reader_init(struct reader *reader, const char *path);
void reader_done(struct reader *reader);

/* Records the mistake at the node, unless there was one before. */
void reader_fail(struct reader *reader, const yaml_node_t *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gives the root node, a mapping, or NULL. */
yaml_node_t *reader_root(struct reader *reader);

/* Checks that the node is a mapping with no key twice and none but those named, separated by a
 * space. */
void reader_keys(struct reader *reader, yaml_node_t *map, const char *names);

/* Borrowed from the document: the value of the key, or NULL. */
yaml_node_t *reader_get(struct reader *reader, yaml_node_t *map, const char *key);

/* Borrowed text of a scalar, or NULL if the key is absent. */
const char *reader_text(struct reader *reader, yaml_node_t *map, const char *key);
const char *reader_scalar(struct reader *reader, yaml_node_t *node);

/* A whole number of a key, or the default. */
int64_t reader_number(struct reader *reader, yaml_node_t *map, const char *key, int64_t otherwise);

/* A list: its length (0 if node is NULL) and its elements. */
size_t reader_count(struct reader *reader, yaml_node_t *list);
yaml_node_t *reader_at(struct reader *reader, yaml_node_t *list, size_t i);

/* Merges a mapping into the JSON object: each key replaces a member, and the local tag !absent
 * removes it. Nothing if the node is NULL. */
void reader_merge(struct reader *reader, yaml_node_t *map, cJSON *object);
