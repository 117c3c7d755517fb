#!/usr/bin/python3
"""The linter's own tests: for each rule, text that must be flagged and text that must not."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tools', 'lint'))
import csource  # noqa: E402
import rules  # noqa: E402

FUNCTION = 'int f(void)\n{\n%s}\n'
DEEP = 'for (;;)\nif (a) {\nwhile (b)\n%s;\n}\n'

# rule, path, text, the line that must be flagged (None: none may be). Texts with a warning are in WARNED.
CASES = [
    ('include', 'src/crypto/a.c', '#include "base/err.h"\n#include "crypto/b.h"\n#include <openssl/evp.h>\n', None),
    ('include', 'src/crypto/a.c', '#include "base/err.h"\n#include "wire/b.h"\n', 2),
    ('include', 'src/base/a.c', '#include "crypto/b.h"\n', 1),
    ('include', 'src/kms/a.c', '#include "iam/b.h"\n', 1),
    ('include', 'src/kms/a.c', '#include "db/b.h"\n#include "crypto/b.h"\n#include "ipc/b.h"\n', None),
    ('include', 'src/kms/a.c', '#include "daemon/front/b.h"\n', 1),
    ('include', 'src/kms/a.c', '#include "b.h"\n', 1),
    ('include', 'src/kms/a.c', '#include <openssl/evp.h>\n', 1),
    ('include', 'src/net/tls.c', '#include <openssl/ssl.h>\n', None),
    ('include', 'src/net/server.c', '#include <openssl/ssl.h>\n', 1),
    ('include', 'src/kms/a.c', '#include <sqlite3.h>\n', 1),
    ('include', 'src/db/a.c', '#include <sqlite3.h>\n', None),
    ('include', 'src/newcomer/a.c', '#include "base/err.h"\n', 0),
    ('include', 'daemon/keys/a.c', '#include "kms/b.h"\n#include "daemon/keys/c.h"\n', None),
    ('include', 'daemon/keys/a.c', '#include <openssl/evp.h>\n', 1),
    ('include', 'tests/unit/crypto/a_test.c', '#include <openssl/evp.h>\n', None),

    ('banned', 'src/kms/a.c', 'f(strcpy_like(a));\n/* strcpy(a, b) */\nx = "strcpy(a, b)";\na->system(b);\n', None),
    ('banned', 'src/kms/a.c', '\nstrcpy (a, b);\n', 2),
    ('banned', 'tests/unit/kms/a_test.c', 'sprintf(a, "b");\n', 1),
    ('banned', 'src/kms/a.c', 'if (memcmp(a, b, n) == 0)\n', 1),
    ('banned', 'src/base/a.c', 'if (memcmp(a, b, n) == 0)\n', None),
    ('banned', 'tests/unit/kms/a_test.c', 'if (memcmp(a, b, n) == 0)\n', None),
    ('banned', 'src/kms/a.c', 'fd = open(path, 0);\n', 1),
    ('banned', 'src/kms/a.c', 'ops->open(path);\nops.open(path);\nmy_open(path);\n', None),
    ('banned', 'src/kms/a.c', 'fprintf(stderr, "x");\n', 1),
    ('banned', 'cli/a.c', 'fprintf(stderr, "x");\n', None),
    ('banned', 'src/kms/a.c', 'exit(1);\n', 1),
    ('banned', 'daemon/a.c', 'system("ls");\n', 1),

    ('size', 'src/kms/a.c', FUNCTION % ('\ta();\n' * 90), 'warning'),
    ('size', 'src/kms/a.c', FUNCTION % ('\t/* lint: long because a table is */\n' + '\ta();\n' * 90), None),
    ('size', 'src/kms/a.c', FUNCTION % ('\t/* lint: long because */\n' + '\ta();\n' * 90), 'warning'),
    ('size', 'src/kms/a.c', '\n' + FUNCTION % ('\t/* lint: long because a table is */\n' + '\ta();\n' * 100), 2),
    ('size', 'src/kms/a.c', FUNCTION % ('\ta();\n' * 57), None),
    ('size', 'src/kms/a.c', FUNCTION % (DEEP % 'c()'), None),
    ('size', 'src/kms/a.c', FUNCTION % (DEEP % 'if (c) d()'), 1),
    ('size', 'src/kms/a.c', FUNCTION % (DEEP % 'for (;;) { d(); }'), 1),
    ('size', 'src/kms/a.c', FUNCTION % ('if (a) b();\n' + 'else if (c) d();\n' * 9 + 'else e();\n'), None),
    ('size', 'src/kms/a.c', FUNCTION % 'switch (a) {\ncase 1:\nfor (;;) {\nif (b)\nreturn (struct x){1, {2}};\n}\n}\n', None),
    ('size', 'src/kms/a.c', FUNCTION % 'do { x = ({ int y = 1; y; }); } while (a);\nf(a, (struct x){.b = 1}, c);\n', None),
    ('size', 'src/kms/a.c', FUNCTION % 'each_key(a, b) {\nif (c)\nfor (;;)\nif (d)\ne();\n}\n', 1),
    ('size', 'src/kms/a.c', 'int a;\n' * 901, 'warning'),
    ('size', 'src/kms/a.c', 'int a;\n' * 1501, 0),
    ('size', 'src/kms/a.c', 'int a;\n' * 900, None),

    ('ifdef', 'src/kms/a.c', '#ifdef A\nint a;\n#endif\n' + FUNCTION % '\ta();\n', None),
    ('ifdef', 'src/kms/a.c', FUNCTION % '#ifdef A\n\ta();\n#endif\n', 3),
    ('ifdef', 'src/kms/a.c', FUNCTION % '/*\n#ifdef A\n*/\n', None),

    ('header', 'src/kms/a.h', '/* a.h: keys, and what may be done with them. */\n#pragma once\n', None),
    ('header', 'src/kms/a.h', '/* a.h: YAML 1.2, a safe part of it. */\n#pragma once\n', None),
    ('header', 'src/kms/a.h', '#pragma once\n/* a.h: keys. */\n', 1),
    ('header', 'src/kms/a.h', '/* b.h: keys of others. */\n#pragma once\n', 1),
    ('header', 'src/kms/a.h', '/* a.h: keys, and what may be done with them. */\n', 1),

    ('must-use', 'src/kms/a.h', 'MUST_USE int f(int a,\n               struct why *reterr_why);\nint g(void);\n', None),
    ('must-use', 'src/kms/a.h', '/* x */\nint f(int a, struct why *reterr_why);\n', 2),
    ('must-use', 'src/kms/a.h', 'int g(void);\nstatic inline int f(struct why *reterr_why)\n{\n}\n', 2),
    ('must-use', 'src/kms/a.h', 'struct ops {\n\tint (*f)(struct why *reterr_why);\n};\n', None),

    ('typedef', 'src/kms/a.h', 'typedef int visit(int a);\nstruct foo;\n', None),
    ('typedef', 'src/kms/a.h', '\ntypedef struct foo foo_t;\n', 2),

    ('whitespace', 'a.md', 'one\n\ntwo\n', None),
    ('whitespace', 'a.md', 'one\ntwo \n', 2),
    ('whitespace', 'a.md', 'one\r\n', 1),
    ('whitespace', 'a.md', 'one', 1),

    ('private', 'a.md', 'see docs/work/x, https://c2sp.org/tlog, AKIAIOSFODNN7EXAMPLE and /home/user/x\n', None),
    ('private', 'a.md', 'see /work/x\n', 1),
    ('private', 'a.md', '\nin /home/jane/x\n', 2),
    ('private', 'a.md', 'from https://registry.corp.test/x\n', 1),
    ('private', 'a.md', 'AKIA0123456789ABCDEF\n', 1),
    ('private', 'a.md', 'ghp_' + 36 * 'a' + '\n', 1),
    ('private', 'a.c', 'a;\n"-----BEGIN EC PRIVATE KEY-----\\n"\n\t"' + 40 * 'A' + '"', 2),
    ('private', 'a.pem', '-----BEGIN PRIVATE KEY-----\n' + 64 * 'a' + '\n', 1),
    ('private', 'a.c', 'assert_starts_with(pem, "-----BEGIN PRIVATE KEY-----\\n");\nassert_that(x);\n', None),
]

LIMITS = '#define A_MAX 1\n#define A_SUM (A_MAX + 1)\n'
LIMIT_CASES = [
    ({'src/kms/a.c': 'A_SUM', 'tests/a_test.c': 'A_MAX A_SUM'}, []),
    ({'src/kms/a.c': 'A_SUM', 'tests/a_test.c': 'A_SUM A_MAXIMUM'}, [1]),
    ({'src/kms/a.c': 'A_SUMMIT', 'tests/a_test.c': 'A_MAX A_SUM'}, [2]),
    ({'src/kms/a.c': 'A_MAX'}, [1, 2, 2]),
]

# A limit that no test can hit says why, in the comment above it or above the run that it stands in.
EXCUSED = ('/* Long. No unit test\n * hits them: it takes a day. */\n#define A_MS 1\n#define B_MS 2\n'
           '/* No unit test hits it: */\n#define C_MS 3\n')

passed = failed = 0


def expect(name, found, wanted):
    global passed, failed
    if found == wanted:
        passed += 1
        print(f'[       OK ] {name}')
    else:
        failed += 1
        print(f'[  FAILED  ] {name}: {found} where {wanted} was expected')


def text_rules():
    by_name = {rule.__name__.replace('_', '-'): rule for rule in rules.ALL}
    for number, (name, path, text, wanted) in enumerate(CASES):
        found = list(by_name[name](path, text, {path: text}))
        warned = all(message.startswith('warning: ') for _, message in found)
        lines = ['warning' if warned else line for line, _ in found]
        expect(f'{name} {number}: {path}', lines, [] if wanted is None else [wanted])
    for number, (tree, wanted) in enumerate(LIMIT_CASES):
        found = rules.limits('src/base/limits.h', LIMITS, dict(tree, **{'src/base/limits.h': LIMITS}))
        expect(f'limits {number}', [line for line, _ in found], wanted)
    tree = {'src/base/limits.h': EXCUSED, 'src/kms/a.c': 'A_MS B_MS C_MS'}
    debts = {'src/base/limits.h': '#define A_MS 1\n#define B_MS 2\n', 'src/kms/a.c': 'A_MS B_MS',
             'tests/unit/kms/a_test.c': 'B_MS', 'tests/owed-limits': '# why\nA_MS\nB_MS\nGONE_MS\n'}
    expect('limits that are owed a test', [line for line, _ in rules.limits('src/base/limits.h', debts['src/base/limits.h'], debts)],
           [1, 2])
    expect('limits with reasons', [line for line, _ in rules.limits('src/base/limits.h', EXCUSED, tree)], [6])
    for rule in by_name:
        kinds = {wanted is None for name, _, _, wanted in CASES if name == rule}
        if rule != 'limits':
            expect(f'{rule} has a case that is flagged and one that is not', kinds, {True, False})


def parsing():
    text = 'static int *f(int a,\n              int b)\n{\n\treturn g("}");\n}\n\nint h(void)\n{\n}\n'
    expect('functions are found', [(f.name, f.first, f.last) for f in csource.functions(text)],
           [('f', 1, 5), ('h', 7, 9)])
    expect('comments are counted', csource.comment_lines('a; /* b\n c */\n"/* d */"\n// e\n'), 3)
    expect('strings keep their place', csource.strip('f("a\\"b", \'"\', c); // d'), 'f("    ", \' \', c);     ')


def whole_program():
    """In a repository of its own, with each outside tool finding one thing."""
    with tempfile.TemporaryDirectory() as top:
        shutil.copytree(os.path.join(TOP, 'tools', 'lint'), os.path.join(top, 'tools', 'lint'))
        for name in ('.clang-format', '.clang-tidy'):
            shutil.copy(os.path.join(TOP, name), top)
        files = {
            '.gitignore': 'build*/\nignored.c\n',
            'meson.build': "project('x', 'c')\nstatic_library('x', 'src/base/a.c', include_directories: 'src')\n",
            'src/base/a.c': '#include "base/a.h"\n\nint half(int *p)\n{\n\tif (!p)\n\t\treturn *p;\n\treturn *p / 2;\n}\n',
            'src/base/a.h': '/* a.h: halves of numbers. */\n#pragma once\nint half(int *p);\n',
            'script/x': '#!/bin/bash\necho $1\n',
            'ignored.c': 'int x ;\n',
        }
        for name, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, name)) or top, exist_ok=True)
            with open(os.path.join(top, name), 'w', encoding='utf-8') as f:
                f.write(text)
        subprocess.run(['git', 'init', '-q', top], check=True)

        def lint(*options):
            done = subprocess.run(['/usr/bin/python3', '-B', os.path.join(top, 'tools/lint/lint.py'), *options],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            return done.returncode, done.stdout.decode()

        code, output = lint()
        expect('a null pointer is found by clang-tidy', (code, '\nsrc/base/a.c:6: tidy:' in '\n' + output), (1, True))
        expect('a bare $1 is found by shellcheck', 'script/x:2: shell:' in output, True)
        expect('what git ignores is not linted', 'ignored.c' in output, False)
        code, output = lint()
        expect('a finding is found again, not cached away', '\nsrc/base/a.c:6: tidy:' in '\n' + output, True)
        with open(os.path.join(top, 'src/base/a.c'), 'w', encoding='utf-8') as f:
            f.write('#include "base/a.h"\n\nint half(int *p)\n{\n  return *p/2;\n}\n')
        with open(os.path.join(top, 'script/x'), 'w', encoding='utf-8') as f:
            f.write('#!/bin/bash\necho "$1"\n')
        code, output = lint()
        expect('odd blanks are found by clang-format', (code, 'src/base/a.c:5: format:' in output), (1, True))
        lint('--fix')
        code, output = lint()
        expect('--fix mends them, and then nothing is found', (code, '0 errors' in output), (0, True))
        cached = len(os.listdir(os.path.join(top, 'build/lint-cache')))
        expect('a clean file is cached', cached >= 1, True)


text_rules()
parsing()
whole_program()
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed else 0)
