#pragma once
/* The Connect API. The caller holds the lock. */

#include "request.h"

/* Says which endpoint the path is, and keeps the IDs it names for the log. */
void api_classify(struct request *request);

/* Sets the access of the request by its Authorization header. */
void api_authenticate(struct request *request);

/* Answers by the state of the world, and changes it where the request says so. */
void api_answer(struct request *request, struct reply *reply);

/* Answers as a server whose first sync has not come that far. */
void api_answer_not_synced(const struct request *request, struct reply *reply);

/* The writing part, in api_write.c. */
void api_create_item(struct request *request, struct vault *vault, struct reply *reply);
void api_replace_item(struct request *request, struct vault *vault, struct item *item,
                      struct reply *reply);
void api_patch_item(struct request *request, struct vault *vault, struct item *item,
                    struct reply *reply);
void api_delete_item(struct vault *vault, struct item *item, struct reply *reply);
