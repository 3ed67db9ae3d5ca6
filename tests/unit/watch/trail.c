#include "watch/trail.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/trail-XXXXXX";
static char shown[4096];

static void show(void *context, const char *place, const char *name)
{
    size_t root = strlen(folder);
    (void)context;
    if (strncmp(place, folder, root) == 0) { /* what lies above is the machine's */
        size_t used = strlen(shown);
        snprintf(shown + used, sizeof(shown) - used, "%s[%s] ", place + root, name);
    }
}

static void expect(const char *path, const char *places)
{
    shown[0] = '\0';
    trail_walk(path, show, NULL);
    cr_expect_str_eq(shown, places, "%s gives %s", path, shown);
}

static void enter(void)
{
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void leave(void)
{
    cr_assert(chdir("/") == 0);
    cr_assert_eq(nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TestSuite(trail, .init = enter, .fini = leave);

static void touch(const char *path)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    cr_assert_eq(fclose(file), 0);
}

Test(trail, has_every_place_at_which_a_file_can_become_another_one)
{
    touch("file");
    cr_assert(mkdir("..1", 0700) == 0 && symlink("..1", "..data") == 0);
    touch("..1/token");
    cr_assert(symlink("..data/token", "token") == 0);
    expect("file", "[file] /file[] ");
    expect("./file", "[file] /file[] ");
    expect("..1/../file", "[..1] [file] /file[] ");
    expect("token", "[token] [..data] [..1] /..1[token] /..1/token[] ");
}

Test(trail, ends_where_there_is_nothing_yet)
{
    expect("not/yet/there", "[not] ");
    cr_assert(mkdir("not", 0700) == 0);
    expect("not/yet/there", "[not] /not[yet] ");
}

Test(trail, ends_in_a_circle)
{
    cr_assert(symlink("b", "a") == 0 && symlink("a", "b") == 0);
    shown[0] = '\0';
    trail_walk("a", show, NULL);
    cr_expect(strlen(shown) < 400, "%s", shown);
}
