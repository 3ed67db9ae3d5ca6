/* What libyaml says is wrong, in words that a person who wrote a template can act on. */
#pragma once

#include "base/findings.h"
#include "base/str.h"

struct yaml_parser_s;

/* Adds what made the parser fail while it read `source`, known as `file`. */
void syntax_explain(const struct yaml_parser_s *parser, struct str source, const char *file,
                    struct findings *findings);
