#include "base/parse.h"

static const uint64_t longest_duration_ms = (uint64_t)10 * 365 * 24 * 3600 * 1000;

bool parse_number(struct str text, uint64_t largest, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text.bytes[i] - '0');
        if (number > (largest - digit) / 10 || digit > largest) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (text.size == 0) {
        return false;
    }
    *ret_number = number;
    return true;
}

static uint64_t unit_ms(struct str unit)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_is(unit, units[i].name)) {
            return units[i].ms;
        }
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool parse_duration(struct str text, uint64_t *ret_ms)
{
    uint64_t total = 0;
    if (str_is(text, "0")) {
        *ret_ms = 0;
        return true;
    }
    for (size_t at = 0; at < text.size;) {
        size_t unit = at;
        while (unit < text.size && is_digit(text.bytes[unit])) {
            unit++;
        }
        size_t end = unit;
        while (end < text.size && !is_digit(text.bytes[end])) {
            end++;
        }
        uint64_t number;
        uint64_t scale = unit_ms(str_slice(text, unit, end));
        if (!scale ||
            !parse_number(str_slice(text, at, unit), longest_duration_ms / scale, &number)) {
            return false;
        }
        total += number * scale;
        if (total > longest_duration_ms) {
            return false;
        }
        at = end;
    }
    if (text.size == 0) {
        return false;
    }
    *ret_ms = total;
    return true;
}

bool parse_mode(struct str text, mode_t *ret_mode)
{
    mode_t mode = 0;
    if (str_starts(text, "0o")) {
        text = str_slice(text, 2, text.size);
    }
    if (text.size == 0 || text.size > 5) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '7') {
            return false;
        }
        mode = mode << 3 | (mode_t)(text.bytes[i] - '0');
    }
    if (mode > 07777) {
        return false;
    }
    *ret_mode = mode;
    return true;
}

bool parse_owner(struct str text, uid_t *ret_uid, gid_t *ret_gid)
{
    uint64_t uid;
    uint64_t gid = (gid_t)-1;
    size_t colon = str_find(text, 0, ":");
    if (!parse_number(str_slice(text, 0, colon), UINT32_MAX - 1, &uid)) {
        return false;
    }
    if (colon < text.size &&
        !parse_number(str_slice(text, colon + 1, text.size), UINT32_MAX - 1, &gid)) {
        return false;
    }
    *ret_uid = (uid_t)uid;
    *ret_gid = (gid_t)gid;
    return true;
}

bool parse_boolean(struct str text, bool *ret_boolean)
{
    bool yes = str_is(text, "true");
    if (!yes && !str_is(text, "false")) {
        return false;
    }
    *ret_boolean = yes;
    return true;
}
