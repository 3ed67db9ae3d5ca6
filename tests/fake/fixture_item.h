#pragma once
/* The items of a fixture. */

#include "reader.h"
#include "world.h"

/* Adds the item of the node, with its files, to the vault. A mistake is left in the reader. */
void fixture_add_item(struct reader *reader, yaml_node_t *node, struct vault *vault);

/* Copies the ID that the node gives under "id", or makes the one that belongs to the path and the
 * name: the same at each start, and another for each time the name comes again (as occurrence
 * counts). */
void fixture_id(struct reader *reader, yaml_node_t *node, const char *path, const char *name,
                size_t occurrence, char id[ID_SIZE]);
