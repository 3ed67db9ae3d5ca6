#include "token.h"

#include "base.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOKEN_FILE_LIMIT ((size_t)16 << 10)

static void credential_done(struct credential *credential)
{
    free(credential->text);
    free(credential->jti);
    *credential = (struct credential){0};
}

void tokens_free(struct tokens *tokens)
{
    if (tokens == NULL) {
        return;
    }
    for (size_t i = 0; i < tokens->n; i++) {
        struct token *token = &tokens->list[i];
        for (size_t j = 0; j < token->n_credentials; j++) {
            credential_done(&token->credentials[j]);
        }
        free(token->grants);
        free(token->name);
    }
    free(tokens->list);
    free(tokens);
}

void tokens_add(struct tokens *tokens, struct token token)
{
    tokens->list = mem_grow(tokens->list, tokens->n + 1, sizeof token);
    tokens->list[tokens->n++] = token;
}

struct token *tokens_find(const struct tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->n; i++) {
        if (strcmp(tokens->list[i].name, name) == 0) {
            return &tokens->list[i];
        }
    }
    return NULL;
}

void tokens_keep(struct tokens *to, struct tokens *from)
{
    for (size_t i = 0; i < from->n; i++) {
        struct token *old = &from->list[i];
        struct token *token = tokens_find(to, old->name);
        if (token != NULL) {
            memcpy(token->credentials, old->credentials, sizeof old->credentials);
            token->n_credentials = old->n_credentials;
            old->n_credentials = 0;
            token_restore(token);
        }
    }
}

void token_grant(struct token *token, const char *vault_id)
{
    if (!token_may_read(token, vault_id)) {
        token->grants = mem_grow(token->grants, token->n_grants + 1, ID_SIZE);
        memcpy(token->grants[token->n_grants++], vault_id, ID_SIZE);
    }
}

bool token_may_read(const struct token *token, const char *vault_id)
{
    bool found = token->all_vaults;
    for (size_t i = 0; !found && i < token->n_grants; i++) {
        found = strcmp(token->grants[i], vault_id) == 0;
    }
    return found;
}

static void add_random_text(cJSON *object, const char *name, size_t n)
{
    unsigned char bytes[64];
    random_fill(bytes, n);
    char *text = base64_encode_url(bytes, n);
    cJSON_AddStringToObject(object, name, text);
    free(text);
}

static cJSON *vault_claims(const struct token *token, const struct world *world)
{
    cJSON *claims = cJSON_CreateArray();
    for (size_t i = 0; i < world->n_vaults; i++) {
        if (token_may_read(token, world->vaults[i]->id)) {
            cJSON *claim = cJSON_CreateObject();
            cJSON_AddStringToObject(claim, "u", world->vaults[i]->id);
            cJSON_AddNumberToObject(claim, "a", 48);
            cJSON_AddItemToArray(claims, claim);
        }
    }
    return claims;
}

/* The claims that 1Password's tokens carry, with made-up values. */
static cJSON *make_claims(const struct token *token, const struct world *world,
                          const struct credential *credential, int64_t now)
{
    char sub[ID_SIZE];
    id_make_random(sub);
    cJSON *claims = cJSON_CreateObject();
    add_random_text(claims, "1password.com/auuid", 24);
    add_random_text(claims, "1password.com/token", 48);
    cJSON *features = cJSON_AddArrayToObject(claims, "1password.com/fts");
    cJSON_AddItemToArray(features, cJSON_CreateString("vaultaccess"));
    cJSON_AddItemToObject(claims, "1password.com/vts", vault_claims(token, world));
    cJSON *audience = cJSON_AddArrayToObject(claims, "aud");
    cJSON_AddItemToArray(audience, cJSON_CreateString("com.1password.connect"));
    cJSON_AddStringToObject(claims, "sub", sub);
    cJSON_AddNumberToObject(claims, "iat", (double)now);
    if (credential->expires != 0) {
        cJSON_AddNumberToObject(claims, "exp", (double)credential->expires);
    }
    cJSON_AddStringToObject(claims, "iss", "com.1password.b5");
    cJSON_AddStringToObject(claims, "jti", credential->jti);
    add_random_text(claims, "fake-connect/padding", 64);
    return claims;
}

static cJSON *make_header(void)
{
    char id[ID_SIZE];
    id_make_random(id);
    cJSON *header = cJSON_CreateObject();
    cJSON_AddStringToObject(header, "alg", "ES256");
    cJSON_AddStringToObject(header, "kid", id);
    cJSON_AddStringToObject(header, "opuser", id);
    cJSON_AddStringToObject(header, "typ", "JWT");
    return header;
}

/* Takes the object; gives it as base64url. */
static char *encode_part(cJSON *object)
{
    char *json = cJSON_PrintUnformatted(object);
    char *text = base64_encode_url(json, strlen(json));
    free(json);
    cJSON_Delete(object);
    return text;
}

static int64_t credential_expiry(const struct token *token, int64_t now)
{
    return token->has_lifetime ? now + token->lifetime : token->expires;
}

static struct credential make_credential(const struct token *token, const struct world *world)
{
    int64_t now = (int64_t)time(NULL);
    char jti[ID_SIZE];
    unsigned char bytes[64];
    id_make_random(jti);
    random_fill(bytes, sizeof bytes);
    struct credential credential = {.jti = mem_text(jti)};
    credential.expires = credential_expiry(token, now);
    char *header = encode_part(make_header());
    char *claims = encode_part(make_claims(token, world, &credential, now));
    char *signature = base64_encode_url(bytes, sizeof bytes);
    credential.text = mem_print("%s.%s.%s", header, claims, signature);
    free(header);
    free(claims);
    free(signature);
    return credential;
}

int token_issue(struct token *token, const struct world *world, const char *directory)
{
    if (token->n_credentials == TOKEN_CREDENTIALS_MAX) {
        credential_done(&token->credentials[0]);
        token->n_credentials--;
        memmove(token->credentials, token->credentials + 1,
                token->n_credentials * sizeof(struct credential));
    }
    struct credential credential = make_credential(token, world);
    token->credentials[token->n_credentials++] = credential;
    if (directory == NULL) {
        return 0;
    }
    char *path = mem_print("%s/%s", directory, token->name);
    int result = file_write(path, credential.text, strlen(credential.text), 0600);
    free(path);
    return result;
}

bool token_load(struct token *token, const char *directory)
{
    size_t n = 0;
    char *path = mem_print("%s/%s", directory, token->name);
    char *text = file_read(path, TOKEN_FILE_LIMIT, &n);
    free(path);
    if (text == NULL || n == 0) {
        free(text);
        return false;
    }
    struct credential credential = {.text = text, .jti = mem_text("kept")};
    credential.expires = credential_expiry(token, (int64_t)time(NULL));
    token->credentials[token->n_credentials++] = credential;
    return true;
}

void token_revoke(struct token *token)
{
    for (size_t i = 0; i < token->n_credentials; i++) {
        token->credentials[i].revoked = true;
    }
}

void token_expire(struct token *token)
{
    for (size_t i = 0; i < token->n_credentials; i++) {
        token->credentials[i].expired = true;
    }
}

void token_restore(struct token *token)
{
    for (size_t i = 0; i < token->n_credentials; i++) {
        token->credentials[i].revoked = false;
        token->credentials[i].expired = false;
    }
}

static const struct credential *find_credential(const struct tokens *tokens, const char *text,
                                                const struct token **ret_token)
{
    for (size_t i = 0; i < tokens->n; i++) {
        const struct token *token = &tokens->list[i];
        for (size_t j = 0; j < token->n_credentials; j++) {
            if (strcmp(token->credentials[j].text, text) == 0) {
                *ret_token = token;
                return &token->credentials[j];
            }
        }
    }
    return NULL;
}

const struct credential *tokens_check(const struct tokens *tokens, const char *authorization,
                                      const struct token **ret_known)
{
    *ret_known = NULL;
    if (authorization == NULL || strncmp(authorization, "Bearer ", 7) != 0) {
        return NULL;
    }
    const struct credential *credential = find_credential(tokens, authorization + 7, ret_known);
    if (credential == NULL || credential->revoked || credential->expired) {
        return NULL;
    }
    bool over = credential->expires != 0 && credential->expires <= (int64_t)time(NULL);
    return over ? NULL : credential;
}
