/* The least a program can do with libcurl: fetch the URLs of standard input, all at once over at
 * most 8 connections, with one token. What the benchmark holds a cold start against. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URLS_MOST = 4096, CONNECTIONS = 8, LINE = 2048 };

static size_t count(char *bytes, size_t one, size_t size, void *total)
{
    (void)bytes;
    *(size_t *)total += one * size;
    return one * size;
}

static CURL *begin(const char *url, const char *ca, struct curl_slist *headers, size_t *total)
{
    CURL *easy = curl_easy_init();
    if (easy) {
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, total);
    }
    return easy;
}

static int run(CURLM *multi)
{
    int running, left, failed = 0;
    while (curl_multi_perform(multi, &running) == CURLM_OK && running > 0) {
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
        failed += message->msg == CURLMSG_DONE && message->data.result != CURLE_OK;
    }
    return failed;
}

int main(int argc, char *argv[])
{
    static char line[LINE], header[1 << 16];
    size_t total = 0;
    FILE *token = argc == 3 ? fopen(argv[1], "r") : NULL;
    if (!token || !fgets(line, sizeof(line), token)) {
        fprintf(stderr, "usage: fetch TOKEN-FILE CA-FILE <URLS\n");
        return 64;
    }
    fclose(token);
    line[strcspn(line, "\n")] = '\0';
    snprintf(header, sizeof(header), "Authorization: Bearer %s", line);
    struct curl_slist *headers = curl_slist_append(NULL, header);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS);
    for (int i = 0; i < URLS_MOST && fgets(line, sizeof(line), stdin); i++) {
        line[strcspn(line, "\n")] = '\0';
        curl_multi_add_handle(multi, begin(line, argv[2], headers, &total));
    }
    int failed = run(multi);
    printf("%zu bytes, %d failed\n", total, failed);
    return failed ? 1 : 0;
}
