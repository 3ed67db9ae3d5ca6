#include "item.h"

#include "base.h"
#include "generate.h"
#include "members.h"
#include "otp.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char categories[][24] = {
    "LOGIN",
    "PASSWORD",
    "API_CREDENTIAL",
    "SERVER",
    "DATABASE",
    "CREDIT_CARD",
    "MEMBERSHIP",
    "PASSPORT",
    "SOFTWARE_LICENSE",
    "OUTDOOR_LICENSE",
    "SECURE_NOTE",
    "WIRELESS_ROUTER",
    "BANK_ACCOUNT",
    "DRIVER_LICENSE",
    "IDENTITY",
    "REWARD_PROGRAM",
    "DOCUMENT",
    "EMAIL_ACCOUNT",
    "SOCIAL_SECURITY_NUMBER",
    "MEDICAL_RECORD",
    "SSH_KEY",
    "CUSTOM",
};

static const char spec_field_types[][12] = {
    "STRING", "EMAIL", "CONCEALED", "URL", "TOTP", "DATE", "MONTH_YEAR", "MENU",
};

static bool is_one_of(const char *names, size_t size, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names + i * size, text) == 0) {
            return true;
        }
    }
    return false;
}

cJSON *item_render_summary(const struct item *item)
{
    cJSON *object = cJSON_CreateObject();
    const cJSON *member = NULL;
    cJSON_ArrayForEach(member, item->doc)
    {
        if (strcmp(member->string, "sections") != 0 && strcmp(member->string, "fields") != 0 &&
            strcmp(member->string, "files") != 0) {
            cJSON_AddItemToObject(object, member->string, cJSON_Duplicate(member, true));
        }
    }
    return object;
}

static bool is_otp(const cJSON *field)
{
    const char *type = members_text(field, "type");
    return type != NULL && strcmp(type, "OTP") == 0;
}

/* What the published file calls the type of the field, or the nearest it has. */
static const char *spec_type(const cJSON *field)
{
    const char *type = members_text(field, "type");
    if (is_otp(field)) {
        return "TOTP";
    }
    if (type != NULL && strcmp(type, "SSHKEY") == 0) {
        return "CONCEALED";
    }
    bool known =
        type != NULL && is_one_of(spec_field_types[0], sizeof spec_field_types[0],
                                  sizeof spec_field_types / sizeof *spec_field_types, type);
    return known ? type : "STRING";
}

cJSON *item_render_full(const struct item *item, bool spec_types)
{
    cJSON *doc = cJSON_Duplicate(item->doc, true);
    cJSON *field = NULL;
    cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(doc, "fields"))
    {
        const char *value = members_text(field, "value");
        char code[OTP_SIZE];
        if (is_otp(field) && value != NULL && !cJSON_HasObjectItem(field, "totp") &&
            otp_code(value, (int64_t)time(NULL), code) == 0) {
            cJSON_AddStringToObject(field, "totp", code);
        }
        if (spec_types) {
            members_set_text(field, "type", spec_type(field));
        }
    }
    return doc;
}

cJSON *item_render_file(const struct item *item, const struct file *file, bool inline_content)
{
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(item->doc, "files");
    entry = entry != NULL ? entry->child : NULL;
    for (size_t i = 0; entry != NULL && &item->files[i] != file; i++) {
        entry = entry->next;
    }
    if (entry == NULL) {
        return NULL;
    }
    cJSON *object = cJSON_Duplicate(entry, true);
    if (inline_content) {
        char *content = base64_encode(file->data, file->size);
        members_set_text(object, "content", content);
        free(content);
    }
    return object;
}

static void uppercase(char *text)
{
    for (; *text != '\0'; text++) {
        *text = (char)toupper((unsigned char)*text);
    }
}

static void accept_id(cJSON *object)
{
    const char *purpose = members_text(object, "purpose");
    const char *id = members_text(object, "id");
    if (id != NULL && id[0] != '\0') {
        return;
    }
    if (purpose != NULL && strcmp(purpose, "USERNAME") == 0) {
        members_set_text(object, "id", "username");
    } else if (purpose != NULL && strcmp(purpose, "PASSWORD") == 0) {
        members_set_text(object, "id", "password");
    } else if (purpose != NULL && strcmp(purpose, "NOTES") == 0) {
        members_set_text(object, "id", "notesPlain");
    } else {
        char made[ID_SIZE];
        id_make_random(made);
        members_set_text(object, "id", made);
    }
}

/* NULL, or what is wrong. */
static const char *accept_generated(cJSON *field)
{
    const char *value = members_text(field, "value");
    if (members_true(field, "generate") && (value == NULL || value[0] == '\0')) {
        char *made = generate_password(cJSON_GetObjectItemCaseSensitive(field, "recipe"));
        if (made == NULL) {
            return "Invalid recipe";
        }
        members_set_text(field, "value", made);
        free(made);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(field, "generate");
    cJSON_DeleteItemFromObjectCaseSensitive(field, "recipe");
    cJSON_DeleteItemFromObjectCaseSensitive(field, "entropy");
    return NULL;
}

/* NULL, or what is wrong. */
static const char *accept_field(cJSON *field)
{
    if (!cJSON_IsObject(field)) {
        return "Invalid field";
    }
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(field, "value");
    if (value != NULL && !cJSON_IsString(value) && !cJSON_IsNull(value)) {
        return "Invalid field value";
    }
    accept_id(field);
    cJSON *type = cJSON_GetObjectItemCaseSensitive(field, "type");
    if (!cJSON_IsString(type)) {
        members_set_text(field, "type", "STRING");
    } else {
        uppercase(type->valuestring);
        if (strcmp(type->valuestring, "TOTP") == 0) {
            members_set_text(field, "type", "OTP");
        }
    }
    if (is_otp(field)) {
        cJSON_DeleteItemFromObjectCaseSensitive(field, "totp");
    }
    return accept_generated(field);
}

/* NULL, or what is wrong. An absent list is right. */
static const char *accept_list(cJSON *doc, const char *name, const char *(*accept)(cJSON *))
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(doc, name);
    cJSON *element = NULL;
    if (cJSON_IsNull(list)) {
        cJSON_DeleteItemFromObjectCaseSensitive(doc, name);
        return NULL;
    }
    if (list != NULL && !cJSON_IsArray(list)) {
        return name;
    }
    cJSON_ArrayForEach(element, list)
    {
        const char *wrong = accept(element);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

static const char *accept_section(cJSON *section)
{
    if (!cJSON_IsObject(section)) {
        return "Invalid section";
    }
    accept_id(section);
    return NULL;
}

static const char *accept_tag(cJSON *tag)
{
    return cJSON_IsString(tag) ? NULL : "Invalid tag";
}

static const char *accept_url(cJSON *url)
{
    return members_text(url, "href") != NULL ? NULL : "Invalid URL";
}

static const char *accept_category(const cJSON *doc, const cJSON *old)
{
    const char *category = members_text(doc, "category");
    const char *before = members_text(old, "category");
    if (category != NULL && before != NULL && strcmp(category, before) == 0) {
        return NULL;
    }
    bool known = category != NULL && is_one_of(categories[0], sizeof categories[0],
                                               sizeof categories / sizeof *categories, category);
    return known ? NULL : "Invalid item category";
}

int item_accept(cJSON *doc, const cJSON *old, char error[ITEM_ERROR_SIZE])
{
    const char *wrong = accept_category(doc, old);
    const cJSON *title = cJSON_GetObjectItemCaseSensitive(doc, "title");
    const cJSON *favorite = cJSON_GetObjectItemCaseSensitive(doc, "favorite");
    if (wrong == NULL && title != NULL && !cJSON_IsString(title)) {
        wrong = "Invalid item title";
    }
    if (wrong == NULL && favorite != NULL && !cJSON_IsBool(favorite)) {
        wrong = "Invalid favorite";
    }
    wrong = wrong != NULL ? wrong : accept_list(doc, "tags", accept_tag);
    wrong = wrong != NULL ? wrong : accept_list(doc, "urls", accept_url);
    wrong = wrong != NULL ? wrong : accept_list(doc, "sections", accept_section);
    wrong = wrong != NULL ? wrong : accept_list(doc, "fields", accept_field);
    if (wrong != NULL) {
        snprintf(error, ITEM_ERROR_SIZE, "%s", wrong);
        return -1;
    }
    if (cJSON_GetObjectItemCaseSensitive(doc, "fields") == NULL) {
        cJSON_AddArrayToObject(doc, "fields");
    }
    return 0;
}

cJSON *item_writable(const cJSON *doc)
{
    static const char *const names[] = {"title", "category", "favorite", "tags",
                                        "urls",  "sections", "fields"};
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cJSON *member = cJSON_GetObjectItemCaseSensitive(doc, names[i]);
        if (member != NULL) {
            cJSON_AddItemToObject(object, names[i], cJSON_Duplicate(member, true));
        }
    }
    return object;
}
