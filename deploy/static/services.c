/* In place of two functions of glibc, in the static program only. c-ares calls them to turn names
 * of services into ports; curl always gives it numbers. glibc's would load shared libraries of
 * whatever system it runs on (NSS), which a static program must not depend on. */
#include <errno.h>
#include <netdb.h>
#include <stddef.h>

int getservbyname_r(const char *name, const char *protocol, struct servent *entry, char *buffer,
                    size_t size, struct servent **ret_entry)
{
    (void)name, (void)protocol, (void)entry, (void)buffer, (void)size;
    *ret_entry = NULL;
    return ENOENT;
}

int getservbyport_r(int port, const char *protocol, struct servent *entry, char *buffer,
                    size_t size, struct servent **ret_entry)
{
    (void)port, (void)protocol, (void)entry, (void)buffer, (void)size;
    *ret_entry = NULL;
    return ENOENT;
}
