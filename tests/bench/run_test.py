#!/usr/bin/python3
"""tests/bench/run.py's own tests: what it reads, which of several numbers it keeps, and how it compares them."""
import argparse
import contextlib
import io
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import run  # noqa: E402

failed, left = 0, []


def expect(name, found, wanted):
    global failed
    failed += found != wanted
    print(f'{"ok" if found == wanted else "FAILED"} {name}' + ('' if found == wanted else f': {found}, not {wanted}'))


def values_of(*outputs):
    values = run.Values()
    for output in outputs:
        values.take(output)
    return values


def row_of(unit, ours, theirs, wanted):
    values = run.Values({f'ours{unit}': ours, f'theirs{unit}': theirs})
    row, = run.rows_of(values, [('it', f'ours{unit}', 'them', f'theirs{unit}', wanted)])
    return row['unit'], round(row['ratio'], 3), row['ok']


def outcome_of(bench):
    """How run_bench() takes a bench: what it printed, and whether it counts as having failed."""
    out = io.StringIO()
    run.BENCHES['it'] = bench
    with contextlib.redirect_stdout(out), tempfile.TemporaryDirectory() as run.BUILD:
        result = run.run_bench('it', argparse.Namespace(seconds=1, rounds=1, mib=1))
        left.extend(os.listdir(run.BUILD))
    return 'DID NOT RUN' in out.getvalue(), 'failed' in result


def measures(b):
    """it measures"""
    b.values.take('a_per_s=2\nb_per_s=4\n')
    return [('it', 'a_per_s', 'them', 'b_per_s', 1.0)]


def breaks(_):
    """its program is not there"""
    run.run(['false'])


def measures_nothing(_):
    """it prints nothing"""
    return [('it', 'a_per_s', 'them', 'b_per_s', 1.0)]


expect('lines are read', dict(values_of('a_ms=1.5\nnot a line\nb_per_s=2e+06\n')), {'a_ms': 1.5, 'b_per_s': 2e6})
expect('the highest speed counts', dict(values_of('a_per_s=1\nb_mb_s=9\n', 'a_per_s=3\nb_mb_s=2\n')),
       {'a_per_s': 3.0, 'b_mb_s': 9.0})
expect('the shortest time counts', dict(values_of('a_ms=5\nb_s=1\n', 'a_ms=4\nb_s=2\n')), {'a_ms': 4.0, 'b_s': 1.0})
expect('the most memory counts', dict(values_of('a_kib=5\n', 'a_kib=7\n', 'a_kib=6\n')), {'a_kib': 7.0})
expect('a higher speed is a higher ratio', row_of('_per_s', 90.0, 100.0, 0.8), ('/s', 0.9, True))
expect('a longer time is a lower ratio', row_of('_s', 2.0, 1.0, 0.8), ('s', 0.5, False))
expect('less memory than allowed is ok', row_of('_kib', 10.0, 20.0, 1.0), ('KiB', 2.0, True))
expect('MB/s is a speed', row_of('_mb_s', 10.0, 20.0, None), ('MB/s', 0.5, None))
expect('what could not be compared is left out',
       list(run.rows_of(run.Values(a_s=1.0), [('it', 'a_s', 'them', 'b_s', 1.0)])), [])
expect('being slow is no failure', outcome_of(measures), (False, False))
expect('a program that fails is', outcome_of(breaks), (True, True))
expect('measuring nothing is', outcome_of(measures_nothing), (True, True))
expect('nothing is left behind', left, [])
sys.exit(1 if failed else 0)
