#!/usr/bin/python3
"""script/test after setup: builds, runs, counts, and makes sure that nothing is left running.

Every stage builds in a directory of its own under build/, so that nothing here disturbs a developer's build. A test is
counted case by case where its output tells them apart (cmocka), else as one. Exit status 77 of a test, and cmocka's
skip(), mean skipped: tests/allowed-skips says which may be, and why; any other skip is a failure.
"""
import argparse
import concurrent.futures
import ctypes
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CPUS = len(os.sched_getaffinity(0))
SANITIZED_SUITES = ('unit', 'fault')
VALGRIND_QUICK = ('unit/base/buf', 'unit/base/encode', 'unit/base/log', 'unit/base/secret', 'unit/base/slice')
CASE = re.compile(r'^\[\s*(OK|FAILED|SKIPPED|PASSED)\s*\] (\S+)$', re.MULTILINE)
COUNTS = re.compile(r'^(\d+) passed, (\d+) failed$', re.MULTILINE)


class Tally:
    """What passed, failed and was skipped, and which skips are allowed."""

    def __init__(self):
        self.passed, self.failures, self.skips = 0, [], []
        self.allowed = []
        with open(os.path.join(TOP, 'tests/allowed-skips'), encoding='utf-8') as f:
            for line in f:
                if line.strip() and not line.startswith('#'):
                    self.allowed.append(line.split()[0])

    def fail(self, name, output=''):
        self.failures.append(name)
        print(f'FAILED {name}')
        if output:
            print('    ' + '\n    '.join(output.strip().split('\n')[-60:]), flush=True)

    def skip(self, name, reason):
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in self.allowed):
            self.skips.append(name)
            print(f'skipped {name}: {reason}', flush=True)
        else:
            self.fail(name, f'skipped, which tests/allowed-skips does not allow: {reason}')

    def program(self, name, code, output):
        """Counts one test program by what it printed and how it ended."""
        cases = {}
        for state, case in CASE.findall(output):
            if state in ('OK', 'FAILED', 'SKIPPED') and not (state == 'OK' and case in cases):
                cases[case] = state
        counts = COUNTS.findall(output)
        before = len(self.failures)
        for case, state in cases.items():
            if state == 'FAILED':
                self.fail(f'{name}:{case}')
            elif state == 'SKIPPED':
                self.skip(f'{name}:{case}', last_line(output))
            else:
                self.passed += 1
        if not cases and counts:
            self.passed += int(counts[-1][0])
        elif not cases and code == 0:
            self.passed += 1
        if code == 77 and not cases:
            self.skip(name, last_line(output))
        elif code != 0:
            if len(self.failures) == before:
                self.fail(f'{name}: exit status {code}', output)
            else:
                print('    ' + '\n    '.join(output.strip().split('\n')[-60:]), flush=True)


def last_line(output):
    lines = output.strip().split('\n')
    return lines[-1] if lines else 'no reason given'


def stage(text):
    print(f'== {time.monotonic() - START:5.0f}s  {text}', flush=True)


def run(command, **environment):
    done = subprocess.run(command, cwd=TOP, env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode(errors='replace')


def build(tally, folder, options, **environment):
    """Configures build/FOLDER anew if its options changed, and compiles. False if that failed."""
    path = os.path.join('build', folder)
    setup = ['meson', 'setup', path, '--werror'] + options
    stamp = os.path.join(TOP, path, 'cloister-setup')
    wanted = json.dumps([setup, environment])
    configured = os.path.exists(stamp) and open(stamp, encoding='utf-8').read() == wanted
    if not configured:
        shutil.rmtree(os.path.join(TOP, path), ignore_errors=True)
        code, output = run(setup, **environment)
        if code:
            tally.fail(f'build/{folder}: meson setup', output)
            return False
        with open(stamp, 'w', encoding='utf-8') as f:
            f.write(wanted)
    code, output = run(['ninja', '-C', path])
    if code:
        tally.fail(f'build/{folder}: ninja', output)
    return code == 0


def tests_of(folder, only, suites=None):
    """The tests that meson knows, by name."""
    code, output = run(['meson', 'introspect', '--tests', os.path.join('build', folder)])
    if code:
        raise SystemExit(output)
    found = []
    for test in json.loads(output):
        in_suite = suites is None or any(s.split(':')[-1] in suites for s in test['suite'])
        if only in test['name'] and in_suite:
            found.append(test)
    return found


def meson_test(tally, folder, only, suites=None, label='', **environment):
    names = [t['name'] for t in tests_of(folder, only, suites)]
    if not names:
        return
    path = os.path.join('build', folder)
    log = os.path.join(TOP, path, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    code, output = run(['meson', 'test', '-C', path, '--no-rebuild', '--timeout-multiplier', '2'] + names,
                       **environment)
    seen = 0
    if os.path.exists(log):
        with open(log, encoding='utf-8') as f:
            for line in f:
                test = json.loads(line)
                seen += 1
                code_of = {'OK': 0, 'SKIP': 77}.get(test['result'], test['returncode'] or 1)
                text = test.get('stdout', '') + test.get('stderr', '')
                if test['result'] == 'TIMEOUT':
                    text += f'\nran out of time after {test["duration"]:.0f} s'
                tally.program(label + test['name'].split(' / ')[-1], code_of, text)
    if seen < len(names):
        tally.fail(f'build/{folder}: {len(names)} tests, {seen} of them ran (meson exits {code})', output)


def valgrind(tally, folder, only, wanted):
    """Under valgrind: an error or a leak fails. Debian 12's valgrind does not know openat2(2); what needs it is
    skipped there, and runs on Debian 13."""
    def one(test):
        # What a test cannot remove without openat2(2) goes with the folder.
        with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, 'log'), 'w+', encoding='utf-8') as log:
            os.chmod(folder, 0o755)
            code, output = run(['valgrind', '-q', '--error-exitcode=9', '--leak-check=full', '--num-callers=30',
                                '--log-file=' + log.name] + test['cmd'],
                               TMPDIR=folder, **{k: str(v) for k, v in test['env'].items()})
            return test['name'], code, output, log.read()

    chosen = [t for t in tests_of(folder, only, SANITIZED_SUITES) if wanted is None or t['name'] in wanted]
    with concurrent.futures.ThreadPoolExecutor(CPUS) as pool:
        for name, code, output, log in pool.map(one, chosen):
            if 'unhandled amd64-linux syscall: 437' in log:
                tally.skip('valgrind/' + name, 'this valgrind does not know openat2(2)')
            else:
                tally.program('valgrind/' + name, code, output + (log if code == 9 else ''))


def fuzz_regressions(tally, folder, only):
    """Each harness once over its seeds and over every input that once found something."""
    place = os.path.join(TOP, 'build', folder, 'fuzz')
    for harness in sorted(os.listdir(place)):
        program = os.path.join(place, harness)
        if not (os.path.isfile(program) and os.access(program, os.X_OK) and 'fuzz' in harness):
            continue
        name = re.sub(r'^fuzz-|_fuzz$', '', harness)
        if only not in 'fuzz/' + name:
            continue
        inputs = [d for d in (f'fuzz/corpus/{name}', f'fuzz/regressions/{name}') if os.path.isdir(os.path.join(TOP, d))]
        if not inputs:
            tally.fail(f'fuzz/{name}', f'has no seeds in fuzz/corpus/{name}')
            continue
        code, output = run([program, '-runs=0', '-timeout=20', '-artifact_prefix=' + os.environ['TMPDIR'] + '/']
                           + inputs)
        tally.program(f'fuzz/{name}', code, output)


def children():
    """Processes whose parent is this one: what outlived its own parent is handed to us (a subreaper)."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as f:
                parent = int(f.read().rsplit(')', 1)[1].split()[1])
            if parent == os.getpid():
                with open(f'/proc/{pid}/cmdline', encoding='utf-8', errors='replace') as f:
                    found.append((int(pid), f.read().replace('\0', ' ').strip()))
        except (OSError, IndexError):
            continue
    return found


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def nothing_left(tally, mounts_before):
    """No process, no mount and no temporary file of ours may be there any more."""
    for _ in range(20):  # what was told to end may need a moment
        reap()
        if not children():
            break
        time.sleep(0.1)
    left = children()
    for pid, command in left:
        tally.fail(f'left running: {pid} {command}')
    while left:
        for pid, _ in left:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        reap()
        left = children()
    for mount in sorted(mounts() - mounts_before):
        tally.fail(f'left mounted: {mount}')
    for name in sorted(os.listdir(os.environ['TMPDIR'])):
        tally.fail(f'left in $TMPDIR: {name}')
    if not tally.failures:
        tally.passed += 1


def mounts():
    with open('/proc/self/mounts', encoding='utf-8') as f:
        return {line.split()[1] for line in f}


def stages(tally, options):
    only = options.only
    stage('build with gcc')
    if not build(tally, 'test', [], CC='gcc'):
        return
    if only in 'lint/files':
        stage('lint')
        code, output = run(['script/lint'])
        tally.program('lint/files', code, output)
        print('    ' + last_line(output))
    stage('tests')
    meson_test(tally, 'test', only, CLOISTER_LONG='1' if options.long else '')
    if options.quick:
        return
    stage('build with clang, AddressSanitizer and UndefinedBehaviorSanitizer')
    if build(tally, 'test-sanitized',
             ['-Dfuzz=true', '-Db_lundef=false'], CC='clang-19'):
        stage('tests under the sanitizers')
        meson_test(tally, 'test-sanitized', only, SANITIZED_SUITES, label='sanitized/',
                   UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1', ASAN_OPTIONS='detect_stack_use_after_return=1')
        stage('fuzzers over their seeds and regressions')
        fuzz_regressions(tally, 'test-sanitized', only)
    stage('valgrind' + ('' if options.long else ' over a few'))
    valgrind(tally, 'test', only, None if options.long else VALGRIND_QUICK)


def main():
    parser = argparse.ArgumentParser(prog='script/test')
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--long', action='store_true')
    parser.add_argument('--only', default='', metavar='PATTERN')
    options = parser.parse_args()

    sys.stdout.reconfigure(line_buffering=True)
    PR_SET_CHILD_SUBREAPER = 36
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise SystemExit('script/test: the kernel knows no subreapers')
    mounts_before = mounts()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix='cloister-test-run-') as folder:
        os.chmod(folder, 0o755)  # tests that become nobody go through it
        os.environ['TMPDIR'] = folder
        try:
            stages(tally, options)
        finally:
            stage('nothing may be left')
            nothing_left(tally, mounts_before)
    stage('done')
    for name in tally.failures:
        print(f'FAILED {name}')
    summary = f'{tally.passed} passed, {len(tally.failures)} failed'
    print(summary + (f', {len(tally.skips)} skipped' if tally.skips else ''))
    return 1 if tally.failures or not tally.passed else 0


START = time.monotonic()
if __name__ == '__main__':
    sys.exit(main())
