/* Completion scripts for shells, from the tables of commands and options. */
#pragma once

#include <stdio.h>

/* What follows an option. */
enum completion_kind {
    COMPLETION_NOTHING, /* takes none */
    COMPLETION_FILE,
    COMPLETION_WORDS, /* one of a few */
    COMPLETION_OTHER, /* something nobody can guess */
};

/* *ret_words, separated by blanks, when it is COMPLETION_WORDS. */
enum completion_kind completion_of(const char *argument, const char **ret_words);

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);
