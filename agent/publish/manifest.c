#include "publish/manifest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "publish/directory.h"
#include "publish/pattern.h"
#include "publish/write.h"

enum { MANIFEST_LARGEST = LIMIT_TEMPLATE_FILE, PIECE = 4096, MANIFEST_MODE = 0600 };

static void buf_cleanup(struct buf *buf)
{
    buf_done(buf);
}
#define BUF_AUTO __attribute__((cleanup(buf_cleanup))) struct buf

static bool read_all(const struct site *site, struct buf *text, struct error *err)
{
    char piece[PIECE];
    ssize_t size = 0;
    FD_AUTO fd = directory_open_file(site->fd, PATTERN_LIST);
    while (fd >= 0 && (size = read(fd, piece, sizeof(piece))) > 0) {
        if (!buf_append(text, (struct str){piece, (size_t)size}, err)) {
            err->code = err->code == ERROR_MEMORY ? ERROR_MEMORY : ERROR_OUTPUT;
            return error_wrap(err, "%s/%s", site->directory, PATTERN_LIST);
        }
    }
    return (fd >= 0 && size == 0) ||
           explain_errno(site, PATTERN_LIST, "read the list of published files", errno, err);
}

static bool parse_line(struct str line, struct names *manifest, struct error *err)
{
    size_t slash = line.size > 0 && line.bytes[line.size - 1] == '/';
    char *path = strndup(line.bytes, line.size - slash);
    if (!path) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool ok = !pattern_is_publishable(path) || names_add(manifest, line, err);
    free(path);
    return ok;
}

bool manifest_read(const struct site *site, struct names *manifest, struct error *err)
{
    BUF_AUTO text;
    struct stat status;
    buf_init(&text, MANIFEST_LARGEST);
    if (!directory_stat(site->fd, PATTERN_LIST, &status)) {
        return errno == ENOENT || explain_errno(site, PATTERN_LIST, "look at it", errno, err);
    }
    if (!S_ISREG(status.st_mode)) {
        return explain_in_the_way(site, PATTERN_LIST, status.st_mode,
                                  "that connect-agent did not put there; remove it", err);
    }
    if (!read_all(site, &text, err)) {
        return false;
    }
    struct str whole = buf_str(&text);
    for (size_t at = 0, end; at < whole.size; at = end + 1) {
        end = str_find(whole, at, "\n");
        if (!parse_line(str_slice(whole, at, end), manifest, err)) {
            return false;
        }
    }
    return true;
}

static bool print(const struct names *manifest, struct buf *text, struct error *err)
{
    for (size_t i = 0; i < manifest->count; i++) {
        if (!buf_append(text, str_from(manifest->list[i]), err) ||
            !buf_append(text, str_from("\n"), err)) {
            return false;
        }
    }
    return true;
}

static bool replace(const struct site *site, struct str text, struct error *err)
{
    char name[PATTERN_SIZE];
    struct attributes attributes = {MANIFEST_MODE, (uid_t)-1, (gid_t)-1};
    pattern_make(PATTERN_NEWLIST, name);
    if (!write_file(site, PATTERN_LIST, site->fd, name, &attributes, text, err)) {
        return false;
    }
    if (renameat(site->fd, name, site->fd, PATTERN_LIST) == 0) {
        return directory_sync(site->fd) ||
               explain_errno(site, NULL, "write the directory", errno, err);
    }
    explain_errno(site, PATTERN_LIST, "replace the list of published files", errno, err);
    (void)unlinkat(site->fd, name, 0);
    return false;
}

bool manifest_write(const struct site *site, const struct names *manifest, struct error *err)
{
    BUF_AUTO text;
    buf_init(&text, MANIFEST_LARGEST);
    if (manifest->count == 0) {
        return unlinkat(site->fd, PATTERN_LIST, 0) == 0 || errno == ENOENT ||
               explain_errno(site, PATTERN_LIST, "remove it", errno, err);
    }
    return print(manifest, &text, err) && replace(site, buf_str(&text), err);
}

bool manifest_add_directory(struct names *manifest, const char *path, struct error *err)
{
    char *entry = NULL;
    if (asprintf(&entry, "%s/", path) < 0) {
        return error_set(err, ERROR_MEMORY, "out of memory");
    }
    bool ok = names_add(manifest, str_from(entry), err);
    free(entry);
    return ok;
}

bool manifest_has_directory(const struct names *manifest, const char *path)
{
    char *entry = NULL;
    bool has = asprintf(&entry, "%s/", path) >= 0 && names_has(manifest, str_from(entry));
    free(entry);
    return has;
}

void manifest_remove_directory(struct names *manifest, const char *path)
{
    char *entry = NULL;
    if (asprintf(&entry, "%s/", path) >= 0) {
        names_remove(manifest, str_from(entry));
        free(entry);
    }
}

bool manifest_is_directory(const char *entry, struct str *ret_path)
{
    size_t size = strlen(entry);
    if (size == 0 || entry[size - 1] != '/') {
        return false;
    }
    *ret_path = (struct str){entry, size - 1};
    return true;
}
