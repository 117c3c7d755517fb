"""clang-format, clang-tidy and shellcheck, as findings. The versions are pinned: 19 is in Debian 12 and in Debian 13."""
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess

FORMAT, TIDY = 'clang-format-19', 'clang-tidy-19'
BUILD = 'build/lint'          # configured, never compiled: clang-tidy wants its compile_commands.json
CACHE = 'build/lint-cache'    # one empty file per clean (file, its headers, command, checks)
# Not in the one configuration that clang-tidy sees; the compilers' warnings and the sanitizers' builds see them.
NOT_TIDIED = {
    'daemon/role/syscalls_plain.c': 'compiled without sanitizers only; here syscalls_sanitizer.c stands in its place',
    'fuzz/replay.c': 'compiled without -Dfuzz=true only, in place of libFuzzer',
}
TIDIED = ('src/', 'daemon/', 'cli/', 'guest/', 'include/', 'fuzz/', 'tests/lib/')


def _run(top, command):
    done = subprocess.run(command, cwd=top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors='replace')


def format_findings(top, paths, fix):
    paths = [p for p in paths if p.endswith(('.c', '.h'))]
    if not paths:
        return []
    if fix:
        _run(top, [FORMAT, '-i'] + paths)
        return []
    _, output = _run(top, [FORMAT, '--dry-run', '-Wclang-format-violations'] + paths)
    found = re.findall(r'^(\S+?):(\d+):\d+: (?:warning|error): code should be clang-formatted', output, re.MULTILINE)
    return sorted({(path, int(line), 'format', f'{FORMAT} would write it otherwise: script/lint --fix')
                   for path, line in found})


def shell_findings(top, paths, tree):
    scripts = [p for p in paths if re.match(r'#!.*\b(ba)?sh\b', tree[p])]
    if not scripts:
        return []
    code, output = _run(top, ['shellcheck', '-x', '-f', 'gcc'] + scripts)
    found = re.findall(r'^(\S+?):(\d+):\d+: \w+: (.*)$', output, re.MULTILINE)
    if code and not found:
        return [(scripts[0], 0, 'shell', output.strip())]
    return [(path, int(line), 'shell', message) for path, line, message in found]


def _commands(top):
    """What compiles each file, by clang, from a build directory that is only configured."""
    setup = ['meson', 'setup', BUILD, '--wipe'] if os.path.isdir(os.path.join(top, BUILD)) else \
            ['meson', 'setup', BUILD]
    options = ['-Dfuzz=true'] if _has_option(top, 'fuzz') else []
    environment = dict(os.environ, CC='clang-19', PATH='/usr/sbin:/usr/bin:/sbin:/bin')
    done = subprocess.run(setup + options, cwd=top, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit('lint: meson setup failed:\n' + done.stdout.decode(errors='replace'))
    with open(os.path.join(top, BUILD, 'compile_commands.json'), encoding='utf-8') as f:
        listed = json.load(f)
    return {os.path.relpath(os.path.join(c['directory'], c['file']), top): c['command'] for c in listed}


def _has_option(top, name):
    for options in ('meson.options', 'meson_options.txt'):
        path = os.path.join(top, options)
        if os.path.exists(path):
            with open(path, encoding='utf-8') as f:
                return f"option('{name}'" in f.read()
    return False


def _with_headers(path, tree, seen):
    """The file and every header of ours that it includes, itself or through others."""
    if path in seen or path not in tree:
        return
    seen.add(path)
    for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', tree[path], re.MULTILINE):
        for folder in ('src', 'include', 'tests', 'fuzz', 'daemon', 'cli', 'guest', '.', os.path.dirname(path)):
            _with_headers(os.path.normpath(os.path.join(folder, name)), tree, seen)


def _key(path, tree, command, checks):
    files = set()
    _with_headers(path, tree, files)
    digest = hashlib.sha256((TIDY + checks + command).encode())
    for name in sorted(files):
        digest.update(name.encode() + b'\0' + tree[name].encode(errors='surrogateescape') + b'\0')
    return digest.hexdigest()


def _tidy_one(top, path, stamp):
    code, output = _run(top, [TIDY, '-p', BUILD, '--quiet', '--warnings-as-errors=*', path])
    found = re.findall(r'^(\S+?):(\d+):\d+: (?:warning|error): (.*)$', output, re.MULTILINE)
    if not code and not found:
        with open(stamp, 'w', encoding='utf-8'):
            return []
    if not found:
        return [(path, 0, 'tidy', output.strip() or f'{TIDY} exits {code}')]
    build = os.path.join(top, BUILD)  # what its paths are relative to
    return [(os.path.relpath(os.path.join(build, name), top), int(line), 'tidy', message)
            for name, line, message in found]


def tidy_findings(top, paths, tree):
    paths = [p for p in paths if p.endswith('.c') and p.startswith(TIDIED) and p not in NOT_TIDIED]
    if not paths:
        return []
    commands = _commands(top)
    cache = os.path.join(top, CACHE)
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(top, '.clang-tidy'), encoding='utf-8') as f:
        checks = f.read()
    findings, left = [], []
    for path in paths:
        if path not in commands:
            findings.append((path, 0, 'tidy', 'no meson.build compiles this file'))
            continue
        stamp = os.path.join(cache, _key(path, tree, commands[path], checks))
        if not os.path.exists(stamp):
            left.append((path, stamp))
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        for found in pool.map(lambda job: _tidy_one(top, *job), left):
            findings += found
    return sorted(set(findings))
