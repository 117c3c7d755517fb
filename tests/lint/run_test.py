#!/usr/bin/python3
"""tests/run.py's own tests: what it counts as passed, failed and skipped, and that it finds what is left behind."""
import contextlib
import ctypes
import io
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import run  # noqa: E402

CMOCKA = '[==========] Running 3 test(s).\n[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n%s[==========] 3 run.\n'
FAILS = '[  ERROR   ] --- 1 != 2\n[  FAILED  ] b\n'
LISTED = '[  PASSED  ] 1 test(s).\n[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] b\n'

# name, exit status, output; passed, failed, skipped. Only unit/may-skip* is allowed to skip.
PROGRAMS = [
    ('unit/x', 0, CMOCKA % '[       OK ] b\n', 2, 0, 0),
    ('unit/x', 1, CMOCKA % FAILS + LISTED, 1, 1, 0),
    ('unit/x', 0, CMOCKA % '[  SKIPPED ] b\n', 1, 1, 0),
    ('unit/may-skip', 0, CMOCKA % '[  SKIPPED ] b\n', 1, 0, 1),
    ('unit/x', 139, CMOCKA % '', 1, 1, 0),             # it crashed in b
    ('unit/x', 1, CMOCKA % '[       OK ] b\n', 2, 1, 0),  # a leak, found at the end
    ('x', 0, 'anything\n', 1, 0, 0),
    ('x', 1, 'anything\n', 0, 1, 0),
    ('x', 0, '93 passed, 0 failed\n', 93, 0, 0),
    ('x', 1, '92 passed, 1 failed\n', 92, 1, 0),
    ('x', 77, 'no TPM here\n', 0, 1, 0),
    ('unit/may-skip-too', 77, 'no TPM here\n', 0, 0, 1),
]

failed = 0


def expect(name, found, wanted):
    global failed
    failed += found != wanted
    print(f'[  FAILED  ] {name}: {found} where {wanted} was expected' if found != wanted else f'[       OK ] {name}')


def quietly(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        function(*arguments)


def new_tally():
    tally = run.Tally()
    tally.allowed = ['unit/may-skip*']
    return tally


for number, (name, code, output, *wanted) in enumerate(PROGRAMS):
    tally = new_tally()
    quietly(tally.program, name, code, output)
    expect(f'program-{number}', [tally.passed, len(tally.failures), len(tally.skips)], wanted)

ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
with tempfile.TemporaryDirectory() as folder:
    os.environ['TMPDIR'] = folder
    tally = new_tally()
    quietly(run.nothing_left, tally, run.mounts())
    expect('nothing-is-left', tally.failures, [])

    # A daemon that has left its session and whose environment says nothing, and a child of its own.
    subprocess.run(['setsid', '-f', 'env', '-i', '/bin/sh', '-c', 'sleep 1000 & sleep 1000'], check=True)
    tally = new_tally()
    quietly(run.nothing_left, tally, run.mounts())
    expect('a-daemon-is-found', [f.startswith('left running: ') for f in tally.failures], [True])
    expect('a-daemon-and-its-children-are-ended', run.children(), [])

    os.mkdir(os.path.join(folder, 'x'))
    tally = new_tally()
    quietly(run.nothing_left, tally, run.mounts() - {'/proc'})
    expect('a-file-and-a-mount-are-found', sorted(tally.failures), ['left in $TMPDIR: x', 'left mounted: /proc'])

sys.exit(1 if failed else 0)
