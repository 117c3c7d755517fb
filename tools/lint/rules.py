"""The rules that read text. Each is a function (path, text, tree) that yields (line, message); its name is the rule's.

`path` is relative to the top of the repository, `tree` the paths of all files that are linted. Line 0: the whole file.
A message that begins with "warning: " does not fail the run.
"""
import re

import csource

# --- where a folder stands, and what it may include: itself and lower levels (ARCHITECTURE.md) -------------------------

LEVELS = {
    'base': 0,
    'crypto': 1, 'wire': 1,
    'net': 2, 'ipc': 2, 'db': 2, 'tee': 2, 'sandbox': 2, 'seal': 2,
    'store': 3, 'kms': 3, 'iam': 3, 'broker': 3, 'audit': 3, 'detect': 3, 'jobs': 3, 'provenance': 3,
}
TOPS = ('daemon', 'cli', 'guest')  # above all levels

# Libraries that one place wraps for all others.
HOMES = (
    (re.compile(r'openssl/'), re.compile(r'src/crypto/|src/net/tls[^/]*$'), 'src/crypto and src/net/tls*'),
    (re.compile(r'intel-ipsec-mb\.h|ipsec-mb\.h'), re.compile(r'src/crypto/'), 'src/crypto'),
    (re.compile(r'sqlite3\.h'), re.compile(r'src/db/'), 'src/db'),
)


def _is_test(path):
    return path.startswith(('tests/', 'fuzz/', 'workloads/'))


def _is_c(path):
    return path.endswith(('.c', '.h'))


def _numbered(text):
    return enumerate(text.split('\n'), 1)


def include(path, text, tree):
    """A folder includes only itself and lower levels; wrapped libraries only at home."""
    if not _is_c(path) or _is_test(path):
        return
    parts = path.split('/')
    folder = parts[1] if parts[0] == 'src' and len(parts) > 2 else None
    if folder and folder not in LEVELS:
        yield 0, f'src/{folder} has no level yet: give it one in tools/lint/rules.py and in ARCHITECTURE.md'
        return
    for number, line in _numbered(text):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        if not match:
            continue
        quote, name = match.groups()
        for library, home, where in HOMES:
            if library.match(name) and not home.match(path):
                yield number, f'<{name}> is for {where} only; use what it offers'
        if quote == '"' and folder:
            yield from _check_level(number, folder, name)


def _check_level(number, folder, name):
    used = name.split('/')[0] if '/' in name else None
    if used is None:
        yield number, f'"{name}": say its folder, "{folder}/{name}"'
    elif used in TOPS:
        yield number, f'"{name}": a library may not include a program'
    elif used not in LEVELS:
        yield number, f'"{name}": {used}/ is no folder of src with a level'
    elif used != folder and LEVELS[used] >= LEVELS[folder]:
        yield number, f'"{name}": {folder}/ (level {LEVELS[folder]}) may not include {used}/ (level {LEVELS[used]})'


# --- banned calls ------------------------------------------------------------------------------------------------------

EVERYWHERE, NOT_IN_TESTS, LIBRARIES = 'everywhere', 'not in tests', 'libraries'
BANNED = {
    'strcpy': (EVERYWHERE, 'knows no bound; use slice_to_str or snprintf'),
    'strcat': (EVERYWHERE, 'knows no bound; use struct buf'),
    'strncpy': (EVERYWHERE, 'may leave no NUL; use slice_to_str'),
    'strncat': (EVERYWHERE, 'its bound is not the size; use struct buf'),
    'sprintf': (EVERYWHERE, 'knows no bound; use snprintf or buf_put_fmt'),
    'vsprintf': (EVERYWHERE, 'knows no bound; use vsnprintf'),
    'gets': (EVERYWHERE, 'knows no bound'),
    'strtok': (EVERYWHERE, 'keeps hidden state and eats empty fields; use cursor_take_until'),
    'atoi': (EVERYWHERE, 'tells no error; use slice_to_u64'),
    'atol': (EVERYWHERE, 'tells no error; use slice_to_u64'),
    'atof': (EVERYWHERE, 'tells no error'),
    'alloca': (EVERYWHERE, 'a length from outside overflows the stack'),
    'rand': (EVERYWHERE, 'can be guessed; use random_fill'),
    'srand': (EVERYWHERE, 'can be guessed; use random_fill'),
    'mktemp': (EVERYWHERE, 'races; use path_open_beneath with O_EXCL'),
    'tmpnam': (EVERYWHERE, 'races; use path_open_beneath with O_EXCL'),
    'asctime': (EVERYWHERE, 'one static buffer for all threads; use time_format'),
    'ctime': (EVERYWHERE, 'one static buffer for all threads; use time_format'),
    'localtime': (EVERYWHERE, 'one static buffer, and a time zone; use time_format'),
    'gmtime': (EVERYWHERE, 'one static buffer for all threads; use gmtime_r'),
    'setlocale': (EVERYWHERE, 'changes how every parser reads numbers'),
    'system': (NOT_IN_TESTS, 'a shell between us and the program; use posix_spawn'),
    'popen': (NOT_IN_TESTS, 'a shell between us and the program; use posix_spawn'),
    'strerror': (NOT_IN_TESTS, 'not safe among threads; use why_errno'),
    'select': (NOT_IN_TESTS, 'writes past its set from descriptor 1024 on; use poll or epoll'),
    'printf': (LIBRARIES, 'libraries return errors; only programs speak'),
    'fprintf': (LIBRARIES, 'libraries return errors; only programs speak'),
    'puts': (LIBRARIES, 'libraries return errors; only programs speak'),
    'perror': (LIBRARIES, 'libraries return errors; only programs speak'),
    'syslog': (LIBRARIES, 'libraries return errors; only programs speak'),
    'exit': (LIBRARIES, 'a library may not end the process; return an error'),
}
BASE_ONLY = {
    'memcmp': 'its time tells where bytes differ; use bytes_equal_ct for secrets, slice_equal for public bytes',
    'open': 'follows links and outlives exec; use path_open_beneath or path_open_given',
    'openat': 'follows links and outlives exec; use path_open_beneath',
    'fopen': 'follows links and outlives exec; use path_open_* or file_read',
    'creat': 'follows links and outlives exec; use path_open_beneath',
    'rename': 'is not durable by itself; use file_replace',
}
_CALL = re.compile(r'(?<![\w.>])([a-z]\w*)\s*\(')


def banned(path, text, tree):
    """Calls that go wrong too easily, each with what to use instead."""
    if not _is_c(path):
        return
    for number, line in _numbered(csource.strip(text)):
        if line.lstrip().startswith('#'):
            continue
        for match in _CALL.finditer(line):
            reason = _reason_against(match.group(1), path)
            if reason:
                yield number, f'{match.group(1)}(): {reason}'


def _reason_against(name, path):
    if name in BASE_ONLY and not path.startswith('src/base/') and not _is_test(path):
        return BASE_ONLY[name]
    scope, reason = BANNED.get(name, (None, None))
    if scope == EVERYWHERE or (scope == NOT_IN_TESTS and not _is_test(path)):
        return reason
    return reason if scope == LIBRARIES and path.startswith('src/') else None


# --- size --------------------------------------------------------------------------------------------------------------

FUNCTION_LINES, FUNCTION_WALL, NESTING_MAX = 60, 100, 3
FILE_LINES, FILE_WALL = 900, 1500


def size(path, text, tree):
    """Functions to 60 lines (wall 100), nesting to 3, files to 900 lines (wall 1500)."""
    if not _is_c(path):
        return
    lines = text.count('\n')
    if lines > FILE_WALL:
        yield 0, f'{lines} lines; {FILE_WALL} is the wall'
    elif lines > FILE_LINES:
        yield 0, f'warning: {lines} lines; it splits at {FILE_LINES}'
    for f in csource.functions(text):
        excused = re.search(r'lint: long because [^\s*]', f.text)
        if f.length > FUNCTION_WALL:
            yield f.first, f'{f.name}() has {f.length} lines; {FUNCTION_WALL} is the wall'
        elif f.length > FUNCTION_LINES and not excused:
            yield f.first, (f'warning: {f.name}() has {f.length} lines of {FUNCTION_LINES}; split it, or say in it '
                            '"lint: long because …"')
        if f.depth > NESTING_MAX:
            yield f.first, f'{f.name}() nests {f.depth} deep; {NESTING_MAX} is the most'


def ifdef(path, text, tree):
    """No conditional compilation inside a function: one file per platform or provider instead."""
    if not _is_c(path):
        return
    inside = False
    for number, line in _numbered(csource.strip(text)):
        if line == '{':
            inside = True
        elif line == '}':
            inside = False
        elif inside and re.match(r'\s*#\s*(if|ifdef|ifndef|elif|else)\b', line):
            yield number, 'conditional compilation inside a function; move it to a file or a constant of its own'


# --- headers and names -------------------------------------------------------------------------------------------------

def header(path, text, tree):
    """A header begins with what it is for, and is included once."""
    if not path.endswith('.h'):
        return
    name = re.escape(path.split('/')[-1])
    if not re.match(r'/\* ' + name + r': \S.*[a-z]', text):
        yield 1, f'begin with a sentence on what it is for: /* {path.split("/")[-1]}: …'
    if '#pragma once' not in text:
        yield 1, 'no #pragma once'


def must_use(path, text, tree):
    """A function that can fail is declared MUST_USE, so that no caller can forget to look."""
    if not path.endswith('.h'):
        return
    stripped = csource.strip(text)
    for match in re.finditer(r'(?:^|(?<=[;}]))\s*([^;{}#]*?\bstruct why \*reterr_why[^;{}]*\))\s*[;{]', stripped):
        declared = ' '.join(match.group(1).split())
        if re.match(r'(static |inline )*int \w+\(', declared):
            yield stripped.count('\n', 0, match.start(1)) + 1, f'{declared.split("(")[0]}() without MUST_USE'


def typedef(path, text, tree):
    """struct foo is written struct foo."""
    if not _is_c(path):
        return
    for number, line in _numbered(csource.strip(text)):
        if re.match(r'\s*typedef\s+(struct|union|enum)\b', line):
            yield number, 'no typedef for a struct, union or enum: a reader wants to see what it is'


# --- limits ------------------------------------------------------------------------------------------------------------

def _excused(lines, number):
    """Whether the comment above the #define in line `number`, or above the run of #defines it is in, gives a reason."""
    above = number - 2
    while above >= 0 and lines[above].startswith('#define'):
        above -= 1
    comment = ''
    while above >= 0 and lines[above].startswith(('/*', ' *')):
        comment = lines[above].lstrip('/* ') + ' ' + comment
        above -= 1
    return re.search(r'No unit test hits (it|them): \w', comment)


def limits(path, text, tree):
    """Every limit is used, and a test names it, or the comment above it says "No unit test hits it: " and why, or
    tests/owed-limits admits that its test is still to be written. That list only shrinks: what has its test now must
    be taken off."""
    if path != 'src/base/limits.h':
        return
    owed = {line for line in tree.get('tests/owed-limits', '').split('\n') if line and not line.startswith('#')}
    for name in sorted(owed - set(re.findall(r'^#define (\w+) ', text, re.M))):
        yield 1, f'{name} is in tests/owed-limits and is no limit; take it off'
    sources = {p: t for p, t in tree.items() if _is_c(p) and p != path}
    for number, line in _numbered(text):
        match = re.match(r'#define (\w+) ', line)
        if not match:
            continue
        word = re.compile(r'\b' + match.group(1) + r'\b')
        own = any(word.search(other) for k, other in enumerate(text.split('\n'), 1) if k != number)
        if not own and not any(word.search(t) for p, t in sources.items() if not _is_test(p)):
            yield number, f'{match.group(1)} limits nothing: no source uses it'
        tested = any(word.search(t) for p, t in sources.items() if _is_test(p))
        if tested and match.group(1) in owed:
            yield number, f'{match.group(1)} has a test now; take it off tests/owed-limits'
        if not tested and match.group(1) not in owed and not _excused(text.split('\n'), number):
            yield number, f'{match.group(1)} has no test that names it; a limit has a test that hits it'


# --- any text ----------------------------------------------------------------------------------------------------------

def whitespace(path, text, tree):
    """No trailing blanks, no carriage returns, a newline at the end."""
    for number, line in _numbered(text):
        if line != line.rstrip():
            yield number, 'blanks or a carriage return at the end of the line'
    if text and not text.endswith('\n'):
        yield text.count('\n') + 1, 'no newline at the end of the file'


# Spelled so that they do not match themselves.
_PRIVATE = (
    (re.compile(r'(?<![\w.])/work' + r'/|/home/(?!user\b|alice\b|bob\b|\$)\w+/'), 'a path of somebody\'s machine'),
    (re.compile(r'https?://[^\s"\'/]*(?:regis' r'try|artifac' r'tory|nex' r'us|mir' r'ror|pro' r'xy)[^\s"\'/]*', re.I),
     'the host name of a package service'),
    (re.compile(r'\b(?:AKIA|ASIA)(?!\w*EXAMPLE)[A-Z0-9]{16}\b'), 'what looks like an AWS access key'),
    (re.compile(r'\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[bap]-[A-Za-z0-9-]{10,}'), 'what looks like an access token'),
)
_PEM = re.compile(r'-----BEGIN (?:[A-Z]+ )*PRIVATE' r' KEY-----(?:\\n|["\s])*[A-Za-z0-9+/]{32}')


def private(path, text, tree):
    """No machine's paths, no package service's host, nothing that looks like a credential."""
    for number, line in _numbered(text):
        for pattern, what in _PRIVATE:
            if pattern.search(line):
                yield number, what
    for match in _PEM.finditer(text):
        yield text.count('\n', 0, match.start()) + 1, ('a private key; test keys are made by the test, published ones '
                                                       'are in tests/vectors')


ALL = (include, banned, size, ifdef, header, must_use, typedef, limits, whitespace, private)
