#include "members.h"

#include <math.h>
#include <string.h>

void members_set(cJSON *object, const char *name, cJSON *value)
{
    if (cJSON_GetObjectItemCaseSensitive(object, name) != NULL) {
        cJSON_ReplaceItemInObjectCaseSensitive(object, name, value);
    } else {
        cJSON_AddItemToObject(object, name, value);
    }
}

void members_set_text(cJSON *object, const char *name, const char *text)
{
    members_set(object, name, cJSON_CreateString(text));
}

const char *members_text(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool members_true(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

int64_t members_number(const cJSON *object, const char *name, int64_t limit)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(number) || number->valuedouble < 0 || number->valuedouble > (double)limit ||
        trunc(number->valuedouble) < number->valuedouble) {
        return -1;
    }
    return (int64_t)number->valuedouble;
}

bool members_only(const cJSON *object, const char *names)
{
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, object)
    {
        size_t n = strlen(member->string);
        const char *at = names;
        bool known = false;
        while (n > 0 && !known && (at = strstr(at, member->string)) != NULL) {
            known = (at == names || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
            at += n;
        }
        if (!known) {
            return false;
        }
    }
    return true;
}
