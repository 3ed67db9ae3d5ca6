#include "config/output.h"

#include <criterion/criterion.h>

#include "example.h"

TestSuite(output, .init = enter_folder, .fini = leave_folder);

Test(output, refuses_wrong_outputs)
{
    static const struct example examples[] = {
        {"  - files: [{path: x, content: y}]\n",
         "t.yaml:3:5: an output needs the key \"directory\""},
        {"  - directory: /r\n", "t.yaml:3:5: an output needs the key \"files\""},
        {"  - {directory: /r, files: []}\n",
         "t.yaml:3:28: expected a list of files, found an empty one"},
        {"  - {directory: r, files: [{path: x, content: y}]}\n",
         "t.yaml:3:17: the directory must be an absolute path such as /run/secrets/app"},
        {"  - {directory: //, files: [{path: x, content: y}]}\n",
         "t.yaml:3:17: the root directory cannot be an output"},
        {"  - {directory: /a/../b, files: [{path: x, content: y}]}\n",
         "t.yaml:3:17: \"..\" is not allowed in a path"},
        {"  - {directory: /a/./b, files: [{path: x, content: y}]}\n",
         "t.yaml:3:17: \".\" is not allowed in a path"},
        {"  - {directory: \"/a\\tb\", files: [{path: x, content: y}]}\n",
         "t.yaml:3:17: a control character in the path"},
        {"  - {directory: /r, layout: atomc, files: [{path: x, content: y}]}\n",
         "t.yaml:3:29: no layout \"atomc\"; did you mean \"atomic\"?"},
        {"  - {directory: /r, mode: 0402, files: [{path: x, content: y}]}\n",
         "t.yaml:3:27: mode 0402 lets others write; take away the last 2"},
        {"  - {directory: /r, mode: 4400, files: [{path: x, content: y}]}\n",
         "t.yaml:3:27: mode 4400 has setuid, setgid or sticky; use at most 0775"},
        {"  - {directory: /r, directoryMode: 1750, files: [{path: x, content: y}]}\n",
         "t.yaml:3:36: mode 1750 has setuid, setgid or sticky; use at most 0775"},
        {"  - {directory: /r, mode: 288, files: [{path: x, content: y}]}\n",
         "t.yaml:3:27: \"288\" is not an octal mode such as 0400"},
        {"  - {directory: /r, owner: root, files: [{path: x, content: y}]}\n",
         "t.yaml:3:28: \"root\" is not a numeric owner such as 1000:1000; names mean nothing in "
         "another container"},
        {"  - {directory: /r, allowDisk: yes, files: [{path: x, content: y}]}\n",
         "t.yaml:3:32: expected true or false, found \"yes\""},
        {"  - {directory: /r/a, files: [{path: x, content: y}]}\n"
         "  - {directory: /r//a/, files: [{path: x, content: y}]}\n",
         "t.yaml:4:17: the output \"/r/a\" collides with \"/r/a\" on line 3"},
        {"  - {directory: /r/a/b, files: [{path: x, content: y}]}\n"
         "  - {directory: /r/a-b, files: [{path: x, content: y}]}\n"
         "  - {directory: /r/a, files: [{path: x, content: y}]}\n",
         "t.yaml:5:17: the output \"/r/a\" collides with \"/r/a/b\" on line 3"},
    };
    EXPECT_EACH(examples, "version: 1\noutputs:\n");
}
