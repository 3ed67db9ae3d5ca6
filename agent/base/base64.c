#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static struct str without_padding(struct str text)
{
    for (int i = 0; i < 2 && text.size > 0 && text.bytes[text.size - 1] == '='; i++) {
        text.size--;
    }
    return text;
}

bool base64_decode(struct str text, struct secret *bytes, struct error *err)
{
    uint32_t window = 0;
    unsigned bits = 0;
    text = without_padding(text);
    for (size_t at = 0; at < text.size; at++) {
        int value = digit(text.bytes[at]);
        if (value < 0) {
            return error_set(err, ERROR_CONTENT, "not base64 at byte %zu", at);
        }
        window = window << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            char byte = (char)(window >> bits & 0xff);
            if (!secret_append(bytes, (struct str){&byte, 1}, err)) {
                return false;
            }
        }
    }
    if (bits >= 6) {
        return error_set(err, ERROR_CONTENT, "not base64: cut off at byte %zu", text.size);
    }
    return true;
}

/* One to three bytes as two to four characters. */
static struct str encode_group(struct str bytes, enum base64_kind kind, char group[4])
{
    static const char *const alphabets[] = {
        [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    };
    uint32_t window = 0;
    for (size_t i = 0; i < 3; i++) {
        window = window << 8 | (i < bytes.size ? (unsigned char)bytes.bytes[i] : 0);
    }
    for (size_t i = 0; i < 4; i++) {
        group[i] = i <= bytes.size ? alphabets[kind][window >> (18 - 6 * i) & 63] : '=';
    }
    return (struct str){group, kind == BASE64_STANDARD ? 4 : bytes.size + 1};
}

bool base64_encode(struct str bytes, enum base64_kind kind, struct secret *text, struct error *err)
{
    for (size_t at = 0; at < bytes.size; at += 3) {
        char group[4];
        size_t end = at + 3 < bytes.size ? at + 3 : bytes.size;
        bool ok = secret_append(text, encode_group(str_slice(bytes, at, end), kind, group), err);
        explicit_bzero(group, sizeof(group));
        if (!ok) {
            return false;
        }
    }
    return true;
}
