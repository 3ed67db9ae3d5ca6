#include "model/settings.h"

#include <stdlib.h>

void settings_done(struct settings *settings)
{
    free(settings->host);
    free(settings->token_file);
    free(settings->ca_file);
    free(settings->client_cert_file);
    free(settings->client_key_file);
    free(settings->listen);
    *settings = (struct settings){.host = NULL};
}
