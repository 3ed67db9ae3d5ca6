#include "config/shape.h"

const struct shape shape_text = {
    .kind = SHAPE_SCALAR, .expected = "a string", .also = SHAPE_NUMBER | SHAPE_BOOLEAN};

const struct shape shape_path = {.kind = SHAPE_SCALAR,
                                 .expected = "the path of a file",
                                 .also = SHAPE_NUMBER | SHAPE_BOOLEAN,
                                 .pattern = "^.+$"};

const struct shape shape_boolean = {.kind = SHAPE_SCALAR,
                                    .expected = "true or false",
                                    .also = SHAPE_BOOLEAN,
                                    .pattern = "^(true|false)$"};

const struct shape shape_mode = {.kind = SHAPE_SCALAR,
                                 .expected = "an octal mode such as 0400",
                                 .also = SHAPE_NUMBER,
                                 .pattern = "^(0o)?0*[0-7]?[0-7]?[0145]$"};

const struct shape shape_owner = {.kind = SHAPE_SCALAR,
                                  .expected = "a numeric owner such as 1000:1000",
                                  .also = SHAPE_NUMBER,
                                  .pattern = "^[0-9]+(:[0-9]+)?$"};
const struct shape shape_duration = {.kind = SHAPE_SCALAR,
                                     .expected = "a duration such as 30s",
                                     .pattern = "^([0-9]+(ms|s|m|h|d))+$"};
