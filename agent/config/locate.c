#include "config/locate.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool has_more(const struct locator *locator)
{
    return locator->source_at < locator->source.size;
}

static char here(const struct locator *locator, size_t ahead)
{
    size_t at = locator->source_at + ahead;
    return at < locator->source.size ? locator->source.bytes[at] : '\0';
}

static void step(struct locator *locator)
{
    char c = here(locator, 0);
    bool ends = c == '\n' || (c == '\r' && here(locator, 1) != '\n');
    locator->source_at++;
    if (ends) {
        locator->place.line++;
        locator->place.column = 1;
    } else if (((unsigned char)here(locator, 0) & 0xc0) != 0x80) {
        locator->place.column++;
    }
}

static bool is_escape(const struct locator *locator, const char *letters)
{
    char letter = here(locator, 1);
    return locator->style == YAML_DOUBLE && here(locator, 0) == '\\' && letter != '\0' &&
           strchr(letters, letter);
}

static void skip_blanks(struct locator *locator)
{
    while (has_more(locator)) {
        if (is_escape(locator, "ntr \n\r")) {
            step(locator);
        } else if (!is_blank(here(locator, 0))) {
            return;
        }
        step(locator);
    }
}

/* Takes the byte of the text that comes next from the source. */
static void match(struct locator *locator)
{
    char c = locator->text.bytes[locator->text_at++];
    if (is_blank(c)) {
        locator->blanks++;
        return;
    }
    locator->blanks = 0;
    skip_blanks(locator);
    if ((locator->style == YAML_SINGLE && c == '\'') || is_escape(locator, "\"\\/")) {
        step(locator);
    }
    locator->lost = locator->lost || here(locator, 0) != c || !has_more(locator);
    step(locator);
}

static struct place locate(void *context, size_t at)
{
    struct locator *locator = context;
    while (locator->text_at < at && locator->text_at < locator->text.size && !locator->lost) {
        match(locator);
    }
    if (locator->lost) {
        return locator->start;
    }
    struct locator ahead = *locator;
    if (at < ahead.text.size && !is_blank(ahead.text.bytes[at])) {
        skip_blanks(&ahead);
    }
    while (ahead.blanks > 0 && at < ahead.text.size && is_blank(ahead.text.bytes[at]) &&
           is_blank(here(&ahead, 0))) {
        step(&ahead);
        ahead.blanks--;
    }
    return ahead.place;
}

struct text_origin locate_scalar(struct locator *locator, const struct yaml_node *node)
{
    *locator = (struct locator){.text = node->text,
                                .source = node->source,
                                .style = node->style,
                                .start = node->place,
                                .place = node->place};
    if (node->style == YAML_BLOCK) { /* what follows | is no text */
        while (has_more(locator) && here(locator, 0) != '\n') {
            step(locator);
        }
    } else if (node->style != YAML_PLAIN) {
        step(locator);
    }
    return (struct text_origin){locate, locator};
}

struct text_origin locate_file(struct locator *locator, struct str bytes, const char *file)
{
    struct place start = {file, 1, 1};
    *locator = (struct locator){.text = bytes, .source = bytes, .start = start, .place = start};
    return (struct text_origin){locate, locator};
}
