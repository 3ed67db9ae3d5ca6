/* Text that somebody else owns: a pointer and a size, not NUL-terminated. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *bytes; /* borrowed; may be null when size is 0 */
    size_t size;
};

struct str str_from(const char *text);
struct str str_slice(struct str text, size_t from, size_t to);
/* Without blanks, tabs, CR and LF at both ends. */
struct str str_trim(struct str text);

bool str_equal(struct str a, struct str b);
bool str_is(struct str a, const char *b);
/* ASCII letters only: secret references hold no others (connect-api.md). */
bool str_equal_nocase(struct str a, struct str b);
/* Order for sorting and searching, equal exactly when str_equal_nocase says so. */
int str_compare_nocase(struct str a, struct str b);
bool str_starts(struct str text, const char *prefix);
/* Offset of the first occurrence at or after `from`; text.size if there is none. */
size_t str_find(struct str text, size_t from, const char *needle);

/* Size of the well-formed UTF-8 character that `text` begins with, its code point in *ret_point; 0
 * when it is malformed. */
size_t str_decode(struct str text, uint32_t *ret_point);
/* RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF. */
bool str_is_utf8(struct str text);

/* Copies into `out` (size > 0, always terminated), cut at a character; control characters, invalid
 * UTF-8 and direction marks (which could make a terminal lie) become '?'. */
void str_print(struct str text, char *out, size_t size);

/* Number of single-character edits between the two; texts over 64 bytes count as 64 apart. */
size_t str_distance(struct str a, struct str b);
/* The nearest of `count` candidates, if near enough to be a slip of the finger; else null. */
const char *str_suggest(struct str text, const char *const candidates[], size_t count);
