#include "base/str.h"

#include <stdint.h>
#include <string.h>

enum { DISTANCE_LONGEST = 64 };

struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

struct str str_slice(struct str text, size_t from, size_t to)
{
    to = to > text.size ? text.size : to;
    from = from > to ? to : from;
    return (struct str){text.bytes ? text.bytes + from : NULL, to - from};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str text)
{
    size_t from = 0;
    size_t to = text.size;
    while (from < to && is_blank(text.bytes[from])) {
        from++;
    }
    while (to > from && is_blank(text.bytes[to - 1])) {
        to--;
    }
    return str_slice(text, from, to);
}

bool str_equal(struct str a, struct str b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

bool str_is(struct str a, const char *b)
{
    return str_equal(a, str_from(b));
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool str_equal_nocase(struct str a, struct str b)
{
    return a.size == b.size && str_compare_nocase(a, b) == 0;
}

int str_compare_nocase(struct str a, struct str b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < shorter; i++) {
        int order = lower(a.bytes[i]) - lower(b.bytes[i]);
        if (order != 0) {
            return order;
        }
    }
    return (a.size > b.size) - (a.size < b.size);
}

bool str_starts(struct str text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.bytes, prefix, size) == 0;
}

size_t str_find(struct str text, size_t from, const char *needle)
{
    if (from >= text.size) {
        return text.size;
    }
    const char *hit = memmem(text.bytes + from, text.size - from, needle, strlen(needle));
    return hit ? (size_t)(hit - text.bytes) : text.size;
}

size_t str_decode(struct str text, uint32_t *ret_point)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t lowest;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    if (text.size == 0 || !text.bytes) {
        return 0;
    }
    unsigned char first = (unsigned char)text.bytes[0];
    for (size_t extra = 0; extra < 4; extra++) {
        if ((first & forms[extra].mask) != forms[extra].lead) {
            continue;
        }
        uint32_t point = first & (unsigned char)~forms[extra].mask;
        for (size_t i = 1; i <= extra; i++) {
            if (i >= text.size || ((unsigned char)text.bytes[i] & 0xc0) != 0x80) {
                return 0;
            }
            point = point << 6 | ((unsigned char)text.bytes[i] & 0x3f);
        }
        if (point < forms[extra].lowest || point > 0x10ffff ||
            (point >= 0xd800 && point < 0xe000)) {
            return 0;
        }
        *ret_point = point;
        return extra + 1;
    }
    return 0;
}

bool str_is_utf8(struct str text)
{
    uint32_t point;
    for (size_t at = 0; at < text.size;) {
        size_t size = str_decode(str_slice(text, at, text.size), &point);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

static bool is_printable(uint32_t point)
{
    return point >= 0x20 && !(point >= 0x7f && point < 0xa0) && point != 0x200e &&
           point != 0x200f && !(point >= 0x2028 && point <= 0x202e) &&
           !(point >= 0x2066 && point <= 0x2069) && point != 0xfeff;
}

void str_print(struct str text, char *out, size_t size)
{
    size_t used = 0;
    for (size_t at = 0; at < text.size;) {
        uint32_t point = 0;
        size_t step = str_decode(str_slice(text, at, text.size), &point);
        bool shown = step > 0 && is_printable(point);
        size_t width = shown ? step : 1;
        if (used + width >= size) {
            break;
        }
        memcpy(out + used, shown ? text.bytes + at : "?", width);
        used += width;
        at += step ? step : 1;
    }
    out[used] = '\0';
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t str_distance(struct str a, struct str b)
{
    size_t row[DISTANCE_LONGEST + 1];
    if (a.size > DISTANCE_LONGEST || b.size > DISTANCE_LONGEST) {
        return DISTANCE_LONGEST;
    }
    for (size_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t cost = lower(a.bytes[i - 1]) == lower(b.bytes[j - 1]) ? 0 : 1;
            size_t above = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1, diagonal + cost);
            diagonal = above;
        }
    }
    return row[b.size];
}

const char *str_suggest(struct str text, const char *const candidates[], size_t count)
{
    const char *best = NULL;
    size_t nearest = text.size < 4 ? 2 : 3; /* a slip, not another word */
    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(text, str_from(candidates[i]));
        if (distance < nearest) {
            nearest = distance;
            best = candidates[i];
        }
    }
    return best;
}
