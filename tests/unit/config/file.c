#include "config/file.h"

#include <criterion/criterion.h>
#include <sys/stat.h>

#include "example.h"

TestSuite(file, .init = enter_folder, .fini = leave_folder);

Test(file, refuses_wrong_paths)
{
    char longer[512];
    static const struct example examples[] = {
        {"      - content: y\n", "t.yaml:5:9: a file needs the key \"path\""},
        {"      - {path: '', content: y}\n", "t.yaml:5:16: the path is empty"},
        {"      - {path: /x, content: y}\n",
         "t.yaml:5:16: the path must be relative: it is below the output's directory"},
        {"      - {path: x/, content: y}\n", "t.yaml:5:16: the path names a directory, not a file"},
        {"      - {path: ../x, content: y}\n", "t.yaml:5:16: \"..\" is not allowed in a path"},
        {"      - {path: x/./y, content: y}\n", "t.yaml:5:16: \".\" is not allowed in a path"},
        {"      - {path: ..data, content: y}\n",
         "t.yaml:5:16: names that begin with \"..\" belong to connect-agent itself"},
        {"      - {path: \"x\\ny\", content: y}\n", "t.yaml:5:16: a control character in the path"},
        {"      - {path: a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q, content: y}\n",
         "t.yaml:5:16: more than 16 directories deep"},
        {"      - {path: x, content: y}\n      - {path: x, content: y}\n",
         "t.yaml:6:16: the file \"x\" collides with \"x\" on line 5"},
        {"      - {path: a, content: y}\n      - {path: a.b, content: y}\n"
         "      - {path: a/b, content: y}\n      - {path: a/c, content: y}\n",
         "t.yaml:7:16: the file \"a/b\" collides with \"a\" on line 5\n"
         "t.yaml:8:16: the file \"a/c\" collides with \"a\" on line 5"},
        {"      - {path: a/b, content: y}\n      - {path: a, content: y}\n",
         "t.yaml:6:16: the file \"a\" collides with \"a/b\" on line 5"},
    };
    EXPECT_EACH(examples, FILES);
    snprintf(longer, sizeof(longer), FILES "      - {content: y, path: %0256d}\n", 0);
    expect_findings(longer, "t.yaml:5:28: a name in the path is longer than 255 bytes");
}

#define ODD                                                                                        \
    "is a number that not every reader takes for the same; write it in decimal digits, or in "     \
    "quotes if it is a text"

Test(file, refuses_wrong_files)
{
    static const struct example examples[] = {
        {"      - path: x\n", "t.yaml:5:9: a file needs one of env, content, template, "
                              "templateFile, json, yaml, properties"},
        {"      - {path: x, content: a, template: b}\n",
         "t.yaml:5:31: \"content\" and \"template\" exclude each other: a file has one content"},
        {"      - {path: x, json: {}, default: y}\n",
         "t.yaml:5:29: a structured file has no \"default\"; it can be \"optional\""},
        {"      - {path: x, properties: {}}\n",
         "t.yaml:5:31: the subtree: a properties file cannot hold nothing: give it keys"},
        {"      - {path: x, properties: [a]}\n",
         "t.yaml:5:31: expected keys and their values, found a list"},
        {"      - {path: x, properties: {a: {b: 1}, a.b: 2, c: [], d: null}}\n",
         "t.yaml:5:48: the key a.b is there twice once joined; the first is on line 5\n"
         "t.yaml:5:54: c: a properties file cannot hold an empty list or mapping; leave the key "
         "out\n"
         "t.yaml:5:61: d: a properties file cannot hold null; leave the key out, or write \"\""},
        {"      - {path: x, json: {\"{{ op://a/b/c }}\": 1, b: 007, c: .inf, d: +1, e: 0x1F}}\n",
         "t.yaml:5:26: a reference cannot stand in a key, only in a value\n"
         "t.yaml:5:52: \"007\" " ODD "\n"
         "t.yaml:5:60: \".inf\" " ODD "\n"
         "t.yaml:5:69: \"+1\" " ODD "\n"
         "t.yaml:5:76: \"0x1F\" " ODD},
        {"      - {path: x, contents: y}\n",
         "t.yaml:5:9: a file needs one of env, content, template, templateFile, json, yaml, "
         "properties\n"
         "t.yaml:5:19: unknown key \"contents\" in a file; did you mean \"content\"?"},
        {"      - {path: x, env: {}}\n",
         "t.yaml:5:19: an env file needs a \"dialect\": no quoting is read the same by every "
         "reader; one of sh, compose, docker, systemd, kubernetes, portable"},
        {"      - {path: x, content: y, dialect: sh}\n",
         "t.yaml:5:31: \"dialect\" is for env files only"},
        {"      - {path: x, env: {}, dialect: compos}\n",
         "t.yaml:5:37: no dialect \"compos\"; did you mean \"compose\"?"},
        {"      - {path: x, env: {}, dialect: bash-3}\n",
         "t.yaml:5:37: no dialect \"bash-3\"; known: sh, compose, docker, systemd, kubernetes, "
         "portable"},
        {"      - {path: x, env: [], dialect: sh}\n",
         "t.yaml:5:24: expected variables and their values, found a list"},
        {"      - {path: x, env: {}, dialect: sh, optional: true}\n",
         "t.yaml:5:41: in an env file, \"optional\" and \"default\" belong to a variable"},
        {"      - {path: x, content: y, optional: true, default: z}\n",
         "t.yaml:5:47: \"optional\" and \"default\" exclude each other: left out, or replaced?"},
        {"      - {path: x, content: }\n",
         "t.yaml:5:28: expected a string, such as \"\", found nothing"},
        {"      - {path: x, content: [y]}\n", "t.yaml:5:28: expected a string, found a list"},
        {"      - {path: x, content: y, mode: 0666}\n",
         "t.yaml:5:37: mode 0666 lets others write; take away the last 2"},
        {"      - {path: x, content: y, owner: a:b}\n",
         "t.yaml:5:38: \"a:b\" is not a numeric owner such as 1000:1000; names mean nothing in "
         "another container"},
    };
    EXPECT_EACH(examples, FILES);
}

#define ENV FILES "      - path: x\n        dialect: sh\n        env:\n"

Test(file, refuses_wrong_variables)
{
    static const struct example examples[] = {
        {"          1A: x\n",
         "t.yaml:8:11: \"1A\" cannot be the name of a variable: letters, digits and _, not "
         "beginning with a digit"},
        {"          A-B: x\n",
         "t.yaml:8:11: \"A-B\" cannot be the name of a variable: letters, digits and _, not "
         "beginning with a digit"},
        {"          <<: {}\n",
         "t.yaml:8:11: \"<<\" cannot be the name of a variable: letters, digits and _, not "
         "beginning with a digit\n"
         "t.yaml:8:15: a variable needs the key \"value\""},
        {"          \"{{ op://a/b/c }}\": x\n",
         "t.yaml:8:11: a reference cannot stand in a key, only in a value"},
        {"          A: 1\n          A: 2\n",
         "t.yaml:9:11: duplicate key \"A\"; the first is on line 8"},
        {"          A:\n", "t.yaml:8:13: expected a string, such as \"\", found nothing"},
        {"          A: null\n", "t.yaml:8:14: expected a string, such as \"\", found nothing"},
        {"          A: [x]\n", "t.yaml:8:14: expected a string, found a list"},
        {"          A: {optional: true}\n", "t.yaml:8:14: a variable needs the key \"value\""},
        {"          A: {value: x, optional: true, default: y}\n",
         "t.yaml:8:41: \"optional\" and \"default\" exclude each other: left out, or replaced?"},
        {"          A: {value: x, optional: maybe}\n",
         "t.yaml:8:35: expected true or false, found \"maybe\""},
        {"          A: {value: x, defualt: y}\n",
         "t.yaml:8:25: unknown key \"defualt\" in a variable; did you mean \"default\"?"},
        {"          A: {{ op://a/b/c }}\n",
         "t.yaml:8:15: a key must be a string; a value that begins with {{ must be in quotes"},
    };
    EXPECT_EACH(examples, ENV);
}

#define NO_PART "empty part in the reference"

Test(file, points_into_strings_at_bad_references)
{
    static const struct example examples[] = {
        {"          A: op://a//c\n", "t.yaml:8:21: " NO_PART},
        {"          A: \"é {{ op://a//c }}\"\n", "t.yaml:8:27: " NO_PART},
        {"          A: 'it''s {{ op://a//c }}'\n", "t.yaml:8:31: " NO_PART},
        {"          A: \"\\u0041 {{ op://a//c }}\"\n", "t.yaml:8:14: " NO_PART},
        {"          A: |\n            x\n              é {{ op://a//c }}\n",
         "t.yaml:10:27: " NO_PART},
        {"          A: >-\n            x\n            y {{ op://a//c }}\n",
         "t.yaml:10:25: " NO_PART},
        {"          A: {value: x, default: \"{{ op://a//c }}\"}\n", "t.yaml:8:45: " NO_PART},
        {"          A: x {{ op://a/b/c | trimm }}\n",
         "t.yaml:8:32: unknown filter \"trimm\"; did you mean \"trim\"?"},
        {"          A: x {{ op://a/b/c | b64enc }}\n",
         "t.yaml:8:32: unknown filter \"b64enc\"; did you mean \"base64\"?"},
        {"          A: x {{ op://a/b/c | trim | indent }}\n",
         "t.yaml:8:39: the filter \"indent\" needs a number of blanks, at most 64: indent 4"},
        {"          A: x {{ op://a/b/c | trim 4 }}\n",
         "t.yaml:8:32: the filter \"trim\" takes nothing after its name"},
        {"          A: x {{ op://a/b/c | }}\n", "t.yaml:8:32: a filter is expected after |"},
        {"          A: 'x {{ | trim }}'\n",
         "t.yaml:8:17: a filter needs something before it: {{ op://vault/item/field | filter }}"},
        {"          A: op://a/$B/c\n",
         "t.yaml:8:21: variable B is not set; set it, or write ${B:-default}"},
        {"          A: \"a {{\"\n",
         "t.yaml:8:17: this {{ is not closed by }}; a literal {{ is written {{ \"{{\" }}"},
    };
    EXPECT_EACH(examples, ENV);
}

Test(file, refuses_bad_template_files)
{
    static const struct example examples[] = {
        {"none.tpl", "t.yaml:5:33: none.tpl: No such file or directory"},
        {"''", "t.yaml:5:33: the path is empty"},
        {".", "t.yaml:5:33: .: Is a directory, where a file has to be (Docker makes one of a file "
              "that is mounted and not there)"},
        {"nul.tpl", "t.yaml:5:33: nul.tpl: not a text: it holds a NUL character"},
        {"large.tpl", "t.yaml:5:33: large.tpl: larger than the limit of 1048576 bytes"},
        {"fifo.tpl", "t.yaml:5:33: fifo.tpl: not a regular file"},
        {"bad.tpl", "bad.tpl:2:10: " NO_PART},
    };
    write_file("nul.tpl", (struct str){"a\0b", 3});
    write_file("bad.tpl", str_from("#\nx op://a//c\n"));
    write_file("large.tpl", str_from(""));
    cr_assert_eq(truncate("large.tpl", LIMIT_TEMPLATE_FILE + 1), 0);
    cr_assert_eq(mkfifo("fifo.tpl", 0600), 0);
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        char source[4096];
        snprintf(source, sizeof(source), FILES "      - {path: x, templateFile: %s}\n",
                 examples[i].source);
        expect_findings(source, examples[i].expected);
    }
}
