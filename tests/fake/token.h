#pragma once
/* The access tokens: made at random at start, shaped as Connect's, kept in files by name. */

#include "world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_CREDENTIALS_MAX 8

/* One text that was given out for a token. */
struct credential {
    char *text;
    char *jti;
    int64_t expires; /* UNIX seconds, 0 = never */
    bool revoked;
    bool expired; /* before its time, by the control API */
};

struct token {
    char *name;
    bool all_vaults;
    char (*grants)[ID_SIZE];
    size_t n_grants;
    int64_t lifetime; /* seconds from issue to expiry, may be negative */
    int64_t expires;  /* absolute, used where there is no lifetime */
    bool has_lifetime;
    struct credential credentials[TOKEN_CREDENTIALS_MAX]; /* the newest last */
    size_t n_credentials;
};

struct tokens {
    struct token *list;
    size_t n;
};

void tokens_free(struct tokens *tokens);

/* Takes the token without credentials. */
void tokens_add(struct tokens *tokens, struct token token);
struct token *tokens_find(const struct tokens *tokens, const char *name);

/* Moves the credentials of tokens with the same name from one set to another. */
void tokens_keep(struct tokens *to, struct tokens *from);

/* Grants the vault to the token; nothing if it has it. */
void token_grant(struct token *token, const char *vault_id);
bool token_may_read(const struct token *token, const char *vault_id);

/* Makes a new credential and, with a directory, writes DIRECTORY/NAME with mode 0600. The oldest
 * is forgotten where there are too many. Returns 0, or -1 with errno set. */
int token_issue(struct token *token, const struct world *world, const char *directory);

/* Takes the text of DIRECTORY/NAME as a credential; false if there is no such file. */
bool token_load(struct token *token, const char *directory);

/* All that were given out so far. */
void token_revoke(struct token *token);
void token_expire(struct token *token);
void token_restore(struct token *token);

/* Borrowed: the token whose credential the Authorization header (or NULL) carries and that is
 * neither revoked nor expired; NULL otherwise. The name of the token is told even then, so that
 * the log can say who was refused: ret_known is the token or NULL. */
const struct credential *tokens_check(const struct tokens *tokens, const char *authorization,
                                      const struct token **ret_known);
