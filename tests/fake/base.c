#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

void *mem_grow(void *p, size_t n, size_t size)
{
    p = reallocarray(p, n > 0 ? n : 1, size);
    if (p == NULL) {
        abort();
    }
    return p;
}

char *mem_text(const char *text)
{
    return mem_text_n(text, strlen(text));
}

char *mem_text_n(const char *text, size_t n)
{
    char *copy = mem_new(n + 1, 1);
    if (n > 0) {
        memcpy(copy, text, n);
    }
    return copy;
}

char *mem_print(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        abort();
    }
    va_end(args);
    return text;
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_add(struct buf *buf, const void *data, size_t n)
{
    if (buf->data == NULL || buf->capacity - buf->length <= n) {
        size_t capacity = buf->capacity > 0 ? buf->capacity : 256;
        while (capacity - buf->length <= n) {
            capacity *= 2;
        }
        buf->data = mem_grow(buf->data, capacity, 1);
        buf->capacity = capacity;
    }
    if (n > 0) {
        memcpy(buf->data + buf->length, data, n);
    }
    buf->length += n;
    buf->data[buf->length] = '\0';
}

void buf_print(struct buf *buf, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0) {
        abort();
    }
    buf_add(buf, text, (size_t)n);
    free(text);
}

char *buf_take(struct buf *buf)
{
    buf_add(buf, "", 0);
    char *data = buf->data;
    *buf = (struct buf){0};
    return data;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t n)
{
    const unsigned char *in = data;
    char *text = mem_new((n + 2) / 3 * 4 + 1, 1);
    char *out = text;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= i + 2 < n ? in[i + 2] : 0;
        *out++ = base64_alphabet[bits >> 18];
        *out++ = base64_alphabet[bits >> 12 & 63];
        *out++ = i + 1 < n ? base64_alphabet[bits >> 6 & 63] : '=';
        *out++ = i + 2 < n ? base64_alphabet[bits & 63] : '=';
    }
    return text;
}

char *base64_encode_url(const void *data, size_t n)
{
    char *text = base64_encode(data, n);
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '+') {
            *c = '-';
        } else if (*c == '/') {
            *c = '_';
        } else if (*c == '=') {
            *c = '\0';
            break;
        }
    }
    return text;
}

unsigned char *base64_decode(const char *text, size_t *ret_n)
{
    unsigned char *out = mem_new(strlen(text) / 4 * 3 + 4, 1);
    size_t n = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (const char *c = text; *c != '\0' && *c != '='; c++) {
        if (strchr(" \t\r\n", *c) != NULL) {
            continue;
        }
        const char *at = strchr(base64_alphabet, *c);
        if (at == NULL) {
            free(out);
            return NULL;
        }
        bits = bits << 6 | (uint32_t)(at - base64_alphabet);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (unsigned char)(bits >> have & 0xff);
        }
    }
    *ret_n = n;
    return out;
}

/* What the first byte says: the length of the sequence, and the least code point that needs it. */
static const struct {
    unsigned char mask;
    unsigned char lead;
    size_t length;
    uint32_t least;
} utf8_forms[] = {
    {0x80, 0x00, 1, 0x1},
    {0xe0, 0xc0, 2, 0x80},
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

/* The length of the UTF-8 sequence (RFC 3629) at the text, or 0 if it is none, or NUL. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    size_t form = 0;
    while (form < 4 && (s[0] & utf8_forms[form].mask) != utf8_forms[form].lead) {
        form++;
    }
    if (form == 4 || utf8_forms[form].length > n) {
        return 0;
    }
    uint32_t code = s[0] & (unsigned char)~utf8_forms[form].mask;
    for (size_t i = 1; i < utf8_forms[form].length; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (s[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    bool right = code >= utf8_forms[form].least && code <= 0x10ffff && !surrogate;
    return right ? utf8_forms[form].length : 0;
}

bool text_is_utf8(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        size_t step = utf8_length(s + i, n - i);
        if (step == 0) {
            return false;
        }
        i += step;
    }
    return true;
}

bool text_is_id(const char *text)
{
    return strlen(text) == 26 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == 26;
}

void random_fill(void *bytes, size_t n)
{
    if (gnutls_rnd(GNUTLS_RND_NONCE, bytes, n) != GNUTLS_E_SUCCESS) {
        abort();
    }
}

int64_t clock_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *clock_rfc3339(int64_t seconds, char buffer[RFC3339_SIZE])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    gmtime_r(&when, &parts);
    strftime(buffer, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return buffer;
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t written = write(fd, data, n);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -1;
        }
        data += written;
        n -= (size_t)written;
    }
    return 0;
}

int file_write(const char *path, const void *data, size_t n, unsigned mode)
{
    char *temporary = mem_print("%s.%d.tmp", path, (int)getpid());
    int result = -1;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0) {
        bool written = fchmod(fd, mode) == 0 && write_all(fd, data, n) == 0;
        bool closed = close(fd) == 0;
        if (written && closed && rename(temporary, path) == 0) {
            result = 0;
        } else {
            int saved = errno;
            unlink(temporary);
            errno = saved;
        }
    }
    free(temporary);
    return result;
}

int directory_make(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

char *file_read(const char *path, size_t limit, size_t *ret_n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    struct buf buf = {0};
    char chunk[16384];
    ssize_t n;
    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || buf.length + (size_t)n > limit) {
            int saved = n < 0 ? errno : EFBIG;
            close(fd);
            buf_done(&buf);
            errno = saved;
            return NULL;
        }
        buf_add(&buf, chunk, (size_t)n);
    }
    close(fd);
    *ret_n = buf.length;
    return buf_take(&buf);
}
