#include "publish/explain.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/str.h"
#include "io/sandbox.h"
#include "publish/directory.h"

enum { TARGET_SIZE = 256 };

static const struct {
    uint32_t type;
    const char *name;
} file_systems[] = {
    {EXT4_SUPER_MAGIC, "ext4"},   {OVERLAYFS_SUPER_MAGIC, "overlay"},
    {XFS_SUPER_MAGIC, "xfs"},     {BTRFS_SUPER_MAGIC, "btrfs"},
    {NFS_SUPER_MAGIC, "nfs"},     {F2FS_SUPER_MAGIC, "f2fs"},
    {FUSE_SUPER_MAGIC, "fuse"},   {V9FS_MAGIC, "9p"},
    {CEPH_SUPER_MAGIC, "ceph"},   {CIFS_SUPER_MAGIC, "cifs"},
    {SMB2_SUPER_MAGIC, "smb2"},   {MSDOS_SUPER_MAGIC, "vfat"},
    {SQUASHFS_MAGIC, "squashfs"}, {0x2fc12fc1, "zfs"},
};

static void join(const struct site *site, const char *path, size_t size, char *out)
{
    snprintf(out, size, "%s%s%s", site->directory, path ? "/" : "", path ? path : "");
}

static void explain_denied(const struct site *site, const char *whole, const char *doing,
                           struct error *err)
{
    if (sandbox_refuses(site->fd, ".", W_OK | X_OK)) {
        error_set(err, ERROR_OUTPUT,
                  "%s: cannot %s: outside of the sandbox: the directory came to be after "
                  "connect-agent was started; restart connect-agent",
                  whole, doing);
        return;
    }
    error_set(err, ERROR_OUTPUT,
              "%s: cannot %s: Permission denied for uid %u, gid %u; make the directory "
              "writable for that user (Kubernetes `fsGroup:`) or run as its owner",
              whole, doing, (unsigned)geteuid(), (unsigned)getegid());
}

static bool explain_full(const struct site *site, const char *whole, int number, struct error *err)
{
    struct statvfs status;
    unsigned long long size = 0;
    if (fstatvfs(site->fd, &status) == 0) {
        size = (unsigned long long)status.f_blocks * status.f_frsize;
    }
    return error_set(err, ERROR_OUTPUT,
                     "%s: the output is full (%s): this set needs %llu bytes beside those that are "
                     "published, and the file system has %llu in all; make it larger "
                     "(Kubernetes `sizeLimit:`, compose `size=` in `driver_opts:`)",
                     whole, strerrordesc_np(number), (unsigned long long)site->bytes, size);
}

bool explain_errno(const struct site *site, const char *path, const char *doing, int number,
                   struct error *err)
{
    char whole[LIMIT_MESSAGE];
    join(site, path, sizeof(whole), whole);
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        explain_full(site, whole, number, err);
        break;
    case EROFS:
        error_set(err, ERROR_OUTPUT,
                  "%s: cannot %s: Read-only file system; mount it writable for connect-agent "
                  "(only its readers need `readOnly: true`)",
                  whole, doing);
        break;
    case ENOTDIR:
        error_set(
            err, ERROR_OUTPUT,
            "%s: cannot %s: Not a directory; remove what is there, or choose another directory",
            whole, doing);
        break;
    case EACCES:
        explain_denied(site, whole, doing, err);
        break;
    default:
        return error_set_errno(err, ERROR_OUTPUT, number, "%s: cannot %s", whole, doing);
    }
    err->number = number;
    return false;
}

static void print_id(unsigned id, size_t size, char *out)
{
    if (id == (unsigned)-1) {
        out[0] = '\0';
    } else {
        snprintf(out, size, "%u", id);
    }
}

bool explain_owner(const struct site *site, const char *path, uid_t uid, gid_t gid, int number,
                   struct error *err)
{
    char whole[LIMIT_MESSAGE];
    char user[16];
    char group[16];
    if (number != EPERM) {
        return explain_errno(site, path, "change the owner", number, err);
    }
    join(site, path, sizeof(whole), whole);
    print_id(uid, sizeof(user), user);
    print_id(gid, sizeof(group), group);
    error_set(err, ERROR_OUTPUT,
              "%s: cannot give it to %s:%s: running as uid %u, gid %u without CAP_CHOWN; remove "
              "`owner:` or run as that uid",
              whole, user, group, (unsigned)geteuid(), (unsigned)getegid());
    err->number = number;
    return false;
}

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "a regular file";
    case S_IFDIR:
        return "a directory";
    case S_IFLNK:
        return "a symlink";
    case S_IFIFO:
        return "a FIFO";
    case S_IFSOCK:
        return "a socket";
    default:
        return "a device";
    }
}

bool explain_in_the_way(const struct site *site, const char *path, mode_t mode, const char *why,
                        struct error *err)
{
    return error_set(err, ERROR_OUTPUT, "%s/%s is in the way: %s %s", site->directory, path,
                     kind_of(mode), why);
}

/* Not shown unless printable, so that a terminal cannot be fooled. */
static void print_target(const struct site *site, const char *path, size_t size, char *out)
{
    char target[TARGET_SIZE];
    const char *name;
    FD_AUTO parent = directory_open_parent(site->fd, path, &name);
    out[0] = '\0';
    if (parent >= 0 && directory_read_link(parent, name, sizeof(target), target)) {
        str_print(str_from(target), out, size);
        if (strcmp(target, out) != 0) {
            out[0] = '\0';
        }
    }
}

bool explain_symlink(const struct site *site, const char *path, struct error *err)
{
    char target[TARGET_SIZE];
    print_target(site, path, sizeof(target), target);
    return error_set(err, ERROR_OUTPUT,
                     "%s/%s is a symlink%s%s; connect-agent does not write through symlinks; "
                     "remove it",
                     site->directory, path, target[0] ? " to " : "", target);
}

bool explain_disk(const struct site *site, uint32_t type, struct error *err)
{
    char found[32];
    snprintf(found, sizeof(found), "file system 0x%x", (unsigned)type);
    for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
        if (file_systems[i].type == type) {
            snprintf(found, sizeof(found), "%s", file_systems[i].name);
        }
    }
    return error_set(err, ERROR_OUTPUT,
                     "%s is on %s, not tmpfs: secrets would reach a disk; mount a tmpfs there "
                     "(Kubernetes `emptyDir: {medium: Memory}`, compose: a volume with "
                     "`driver_opts: {type: tmpfs}`), or set `allowDisk: true`",
                     site->directory, found);
}
