#!/usr/bin/python3
"""script/bench after setup: speed as ratios, ours and what one would use instead, in the same run (docs/operate/bench.md).

A bench is a list of turns, ours and theirs alternating. All its turns are taken once a round, and of each number the
best round counts, so that whatever else the machine does hits both sides. A turn either prints lines "name=value", or
is timed from its start to its end. Nothing here fails for being slow: the exit status tells whether all of it ran.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, 'build/bench')
PROGRAMS = os.path.join(BUILD, 'tests/bench')
CPUS = len(os.sched_getaffinity(0))
DOUBTFUL_SHARE = 0.10  # of the machine's time that others used, from which on numbers are not to be believed
FLAGS = ('aes', 'vaes', 'pclmulqdq', 'vpclmulqdq', 'sha_ni', 'avx2', 'avx512f', 'gfni')
UNITS = (('_per_s', '/s'), ('_mb_s', 'MB/s'), ('_ms', 'ms'), ('_s', 's'), ('_kib', 'KiB'))
LINE = re.compile(r'^([\w-]+)=([\d.e+-]+)$', re.MULTILINE)


class Skip(Exception):
    """This comparison cannot be made here; says why."""


# --- the machine -------------------------------------------------------------------------------------------------------

def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def machine():
    info = read('/proc/cpuinfo')
    name = re.search(r'^model name\s*: (.*)$', info, re.MULTILINE)
    flags = set((re.search(r'^flags\s*: (.*)$', info, re.MULTILINE) or [None, ''])[1].split())
    return {'cores': CPUS, 'cpu': name[1] if name else os.uname().machine, 'flags': [f for f in FLAGS if f in flags],
            'kernel': os.uname().release,
            'memory_mib': int(re.search(r'MemTotal:\s*(\d+)', read('/proc/meminfo'))[1]) // 1024}


def load():
    return [float(x) for x in read('/proc/loadavg').split()[:3]]


class Others:
    """How much of the machine others used: all that was busy, less what our children used."""

    def __init__(self):
        self.start = self._now()

    @staticmethod
    def _now():
        ticks = [int(x) for x in read('/proc/stat').split('\n', 1)[0].split()[1:9]]
        mine = os.times()
        hertz = os.sysconf('SC_CLK_TCK')
        busy = (sum(ticks) - ticks[3] - ticks[4]) / hertz  # all but idle and iowait
        return sum(ticks) / hertz, busy - sum(mine[:4])

    def share(self):
        total, others = (b - a for a, b in zip(self.start, self._now()))
        return max(0.0, others / total) if total else 0.0


# --- taking turns ------------------------------------------------------------------------------------------------------

def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    if done.returncode:
        words = done.stderr.decode(errors='replace').strip().split('\n')[-1]
        raise RuntimeError(f'{os.path.basename(command[0])} exits {done.returncode}: {words}')
    return done.stdout.decode(errors='replace')


class Values(dict):
    """Numbers by name; which of several counts, the unit at the end of the name tells."""

    def keep(self, name, value):
        """The shortest time, the highest speed, the most memory."""
        best = min if re.search(r'(?<!_per)(?<!_mb)_m?s$', name) else max
        self[name] = best(self[name], value) if name in self else value

    def take(self, output, prefix=''):
        found = LINE.findall(output)
        for name, value in found:
            self.keep(prefix + name, float(value))
        return bool(found)

    def program(self, *command):
        if not self.take(run([os.path.join(PROGRAMS, command[0]), *map(str, command[1:])])):
            raise RuntimeError(f'{command[0]} printed no number')

    def timed(self, name, command, **options):
        start = time.monotonic()
        output = run(command, **options)
        self.keep(name + '_s', time.monotonic() - start)
        self.take(output, name + '_')


def rows_of(values, table):
    """One row a comparison. A ratio above 1 is always in our favour: of times and of memory it is theirs to ours."""
    for what, ours, them, theirs, wanted in table:
        if ours not in values or (theirs and theirs not in values):
            continue
        unit = next(name for end, name in UNITS if ours.endswith(end))
        a, b = values[ours], values.get(theirs)
        ratio = None if b is None else (b / a if unit in ('s', 'ms', 'KiB') else a / b)
        yield {'what': what, 'unit': unit, 'ours': a, 'their_name': them, 'theirs': b, 'ratio': ratio, 'wanted': wanted,
               'ok': None if wanted is None or ratio is None else ratio >= wanted}


# --- the benches -------------------------------------------------------------------------------------------------------

class Bench:
    """What a bench may use: its numbers, a directory of its own, and how long a turn is to last."""

    def __init__(self, arguments):
        self.values, self.seconds, self.rounds = Values(), arguments.seconds, arguments.rounds
        self.mib, self.notes, self.cleanups = arguments.mib, [], []
        self.directory = self.scratch(BUILD)

    def scratch(self, parent):
        path = tempfile.mkdtemp(prefix='cloister-bench-', dir=parent)
        self.cleanups.append(lambda: shutil.rmtree(path))
        return path

    def close(self):
        for clean_up in reversed(self.cleanups):
            clean_up()


class Gocryptfs:
    """A mounted directory, or the reason why there is none."""

    def __init__(self, top):
        self.mount, cipher, password = (os.path.join(top, n) for n in ('plain', 'cipher', 'password'))
        if not os.access('/dev/fuse', os.R_OK | os.W_OK):
            raise Skip('gocryptfs: no FUSE here (/dev/fuse)')
        os.makedirs(self.mount)
        os.makedirs(cipher)
        with open(password, 'w', encoding='utf-8') as f:
            f.write('bench\n')
        run(['gocryptfs', '-q', '-init', '-scryptn', '10', '-passfile', password, cipher])
        self.server = subprocess.Popen(['gocryptfs', '-q', '-fg', '-passfile', password, cipher, self.mount],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            if os.path.ismount(self.mount):
                return
            if self.server.poll() is not None:
                raise Skip('gocryptfs: it may not mount here')
            time.sleep(0.1)
        self.close()
        raise Skip('gocryptfs: it did not mount within ten seconds')

    def close(self):
        subprocess.run(['fusermount3', '-u', self.mount], check=False)
        self.server.terminate()
        self.server.wait()


def make_plain(path, mib):
    block = bytes((i * 31 ^ i >> 9) & 255 for i in range(1 << 20))
    with open(path, 'wb') as f:
        for _ in range(mib):
            f.write(block)


def bench_seal(b):
    """seal and open a file in memory, with all cores"""
    top = b.scratch('/dev/shm')
    free = shutil.disk_usage(top).free >> 20
    mib = min(b.mib, free // 7)
    if mib < b.mib:
        b.notes.append(f'{mib} MiB instead of {b.mib}: /dev/shm has {free} MiB free')
    plain, sealed, copy, aged, identity = (os.path.join(top, n) for n in ('plain', 'sealed', 'copy', 'age', 'identity'))
    make_plain(plain, mib)
    seal_bench, threads, v = os.path.join(PROGRAMS, 'seal-bench'), str(CPUS), b.values
    rclone = dict(os.environ, RCLONE_CONFIG='/dev/null', RCLONE_CONFIG_C_TYPE='crypt',
                  RCLONE_CONFIG_C_REMOTE=os.path.join(top, 'rclone'),
                  RCLONE_CONFIG_C_PASSWORD=run(['rclone', 'obscure', 'bench']).strip())
    run(['age-keygen', '-o', identity])
    recipient = run(['age-keygen', '-y', identity]).strip()
    mounted = None
    try:
        mounted = Gocryptfs(os.path.join(top, 'gocryptfs'))
        b.cleanups.append(mounted.close)
    except Skip as reason:
        b.notes.append(f'skipped {reason}')

    def fresh(name, command, made=None, **options):
        """Times what makes a new file, as all of these do: writing over an old one is cheaper."""
        if made and os.path.exists(made):
            os.unlink(made)
        v.timed(name, command, **options)

    with open(os.devnull, 'wb') as null:
        def to_null(name, command, **options):
            start = time.monotonic()
            subprocess.run(command, stdout=null, stderr=subprocess.DEVNULL, check=True, **options)
            v.keep(name + '_s', time.monotonic() - start)

        for _ in range(b.rounds):
            v.timed('bare', [seal_bench, 'bare', threads, plain, '/dev/null'])
            v.timed('seal_null', [seal_bench, 'seal', threads, plain, '/dev/null'])
            v.timed('age_seal', ['age', '-r', recipient, '-o', '/dev/null', plain])
            fresh('seal_file', [seal_bench, 'seal', threads, plain, sealed], sealed)
            fresh('cp', ['cp', plain, copy], copy)
            os.unlink(copy)
            fresh('rclone_seal', ['rclone', 'copyto', plain, 'c:file'], env=rclone)
            to_null('cat', ['cat', sealed])  # as `plain` was read before: the kernel counts what is read a first time
            v.timed('open_null', [seal_bench, 'open', threads, sealed, '/dev/null'])
            if not os.path.exists(aged):
                run(['age', '-r', recipient, '-o', aged, plain])
            to_null('age_open', ['age', '-d', '-i', identity, aged])
            to_null('rclone_open', ['rclone', 'cat', 'c:file'], env=rclone)
            run(['rclone', 'deletefile', 'c:file'], env=rclone)
            fresh('open_file', [seal_bench, 'open', threads, sealed, copy], copy)
            os.unlink(copy)
            if mounted:
                fresh('gocryptfs_seal', ['cp', plain, os.path.join(mounted.mount, 'file')],
                      os.path.join(mounted.mount, 'file'))
                to_null('gocryptfs_open', ['cat', os.path.join(mounted.mount, 'file')])
    b.notes.append(f'{mib} MiB, {CPUS} threads; whole programs, from start to end')
    peak = max(v[f'{n}_peak_kib'] for n in ('seal_null', 'seal_file', 'open_null', 'open_file'))
    v['peak_kib'], v['peak_wanted_kib'] = peak, 32768
    return [
        ('seal to /dev/null', 'seal_null_s', 'age', 'age_seal_s', 5.0),
        ('seal to /dev/null', 'seal_null_s', 'bare read + AEAD', 'bare_s', 0.8),
        ('seal to a file', 'seal_file_s', 'cp', 'cp_s', 1 / 1.2),
        ('seal to a file', 'seal_file_s', 'rclone crypt', 'rclone_seal_s', None),
        ('seal to a file', 'seal_file_s', 'cp into gocryptfs', 'gocryptfs_seal_s', None),
        ('open to /dev/null', 'open_null_s', 'age', 'age_open_s', 5.0),
        ('open to /dev/null', 'open_null_s', 'bare read + AEAD', 'bare_s', 0.8),
        ('open to /dev/null', 'open_null_s', 'rclone crypt', 'rclone_open_s', None),
        ('open to /dev/null', 'open_null_s', 'cat from gocryptfs', 'gocryptfs_open_s', None),
        ('open to a file', 'open_file_s', 'cp', 'cp_s', 1 / 1.2),
        ('peak memory', 'peak_kib', 'allowed', 'peak_wanted_kib', 1.0),
    ]


def bench_http(b):
    """GET over TLS 1.3 on loopback"""
    b.values.take(run(['sh', os.path.join(TOP, 'tests/bench/http_bench.sh'), BUILD, str(b.seconds), str(b.rounds)]))
    return [
        ('small GET, 32 connections', 'ours_small_per_s', 'nginx', 'nginx_small_per_s', 0.4),
        ('64 MiB GET, one connection', 'ours_one_mb_s', 'nginx', 'nginx_one_mb_s', 0.8),
        ('64 MiB GET, 4 connections', 'ours_four_mb_s', 'nginx', 'nginx_four_mb_s', 0.8),
    ]


def bench_store(b):
    """objects put and got in process"""
    for _ in range(b.rounds):
        b.values.program('store-bench', b.directory, b.seconds)
    table = []
    for what, work, unit in (('PUT 4 KiB, 32 threads', 'put_4k', 'per_s'), ('GET 4 KiB, 32 threads', 'get_4k', 'per_s'),
                             ('PUT 64 MiB, 4 threads', 'put_64m', 'mb_s'), ('GET 64 MiB, 4 threads', 'get_64m', 'mb_s')):
        table.append((what, f'ours_{work}_{unit}', 'file and fsync' if 'put' in work else 'file',
                      f'plain_{work}_{unit}', None))
        for point in ('p50', 'p99') if unit == 'per_s' else ():
            table.append((f'  {point}', f'ours_{work}_{point}_ms', '', f'plain_{work}_{point}_ms', None))
    return table


def bench_ledger(b):
    """records durable under a signed checkpoint"""
    clients = (1, 64, 256)
    for _ in range(b.rounds):
        b.values.program('ledger-bench', b.directory, b.seconds,
                         *(f'{loop}={n}' for n in clients for loop in ('closed', 'bare')), 'open=1000')
    table = []
    for n in clients:
        table.append((f'appends, {n} waiting', f'closed_{n}_per_s', 'write + fdatasync', f'bare_{n}_per_s', None))
        table += [(f'  {p}', f'closed_{n}_{p}_ms', '', f'bare_{n}_{p}_ms', None) for p in ('p50', 'p99')]
    return table + [(f'  {p} at 1,000 a second', f'open_1000_{p}_ms', '', None, None) for p in ('p50', 'p99')]


def bench_ipc(b):
    """round trips of 256 bytes between processes"""
    for _ in range(b.rounds):
        b.values.program('ipc-bench', b.seconds)
    return [(f'{n} client{"s" if n > 1 else ""}', f'ours_{n}_per_s', 'bare socket', f'bare_{n}_per_s', None)
            for n in (1, 4, 16)]


def bench_kms(b):
    """the KMS API on one thread, without network and log"""
    for _ in range(b.rounds):
        b.values.program('kms-bench', b.seconds, 500)
    return [
        ('GenerateDataKey', 'ours_generate_per_s', 'a key, sealed', 'bare_generate_per_s', None),
        ('  p50', 'ours_generate_p50_ms', '', None, None),
        ('  p99', 'ours_generate_p99_ms', '', None, None),
        ('Encrypt', 'ours_encrypt_per_s', '', None, None),
        ('CreateKey, durable', 'create_key_per_s', '', None, None),
        ('start with 500 keys', 'start_ms', '', None, None),
    ]


def bench_crypto(b):
    """AES-256-GCM in 16 KiB pieces, one core, processor time"""
    for _ in range(b.rounds):
        b.values.program('crypto-bench')
        for name, option in (('seal', ()), ('open', ('-decrypt',))):
            output = run(['openssl', 'speed', '-mr', '-evp', 'aes-256-gcm', *option, '-bytes', '16384', '-seconds', '1'])
            b.values.keep(f'speed_{name}_mb_s', float(re.search(r'\+F:.*:([\d.]+)$', output, re.MULTILINE)[1]) / 1e6)
    return [(f'{engine} {kind} {way}', f'{engine}_{kind}_{way}_mb_s', 'openssl speed', f'speed_{way}_mb_s', None)
            for engine in ('openssl', 'ipsec-mb') for kind in ('aead', 'chunked') for way in ('seal', 'open')]


BENCHES = {'seal': bench_seal, 'http': bench_http, 'store': bench_store, 'ledger': bench_ledger, 'kms': bench_kms,
           'ipc': bench_ipc, 'crypto': bench_crypto}


# --- the tables --------------------------------------------------------------------------------------------------------

def number(value, unit=''):
    if value is None:
        return ''
    digits = 0 if value >= 100 else 1 if value >= 10 else 3
    return f'{value:,.{digits}f} {unit}'.rstrip()


def print_table(rows):
    heads = ('what', 'ours', 'theirs', '', 'ratio', 'wanted', '')
    lines = [(r['what'], number(r['ours'], r['unit']), number(r['theirs'], r['unit']), r['their_name'] or '',
              '' if r['ratio'] is None else f'{r["ratio"]:.2f}', '' if r['wanted'] is None else f'{r["wanted"]:.2f}',
              {True: 'ok', False: 'SHORT', None: ''}[r['ok']]) for r in rows]
    widths = [max(map(len, column)) for column in zip(heads, *lines)]
    for line in (heads, *lines):
        print('  ' + '  '.join(text.rjust(width) if i in (1, 2, 4, 5) else text.ljust(width)
                               for i, (text, width) in enumerate(zip(line, widths))).rstrip())


def run_bench(name, arguments):
    print(f'\n{name}: {BENCHES[name].__doc__}', flush=True)
    others, b, result = Others(), Bench(arguments), {'bench': name}
    try:
        result['rows'] = list(rows_of(b.values, BENCHES[name](b)))
        if not result['rows']:
            raise RuntimeError('it measured nothing')
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        result['failed'] = str(error)
    finally:
        b.close()
    result.update(others=round(others.share(), 3), notes=b.notes, values=b.values)
    if 'failed' in result:
        print(f'  DID NOT RUN: {result["failed"]}')
    else:
        print_table(result['rows'])
    for note in b.notes:
        print(f'  {note}')
    if result['others'] > DOUBTFUL_SHARE:
        print(f'  doubtful: others used {result["others"]:.0%} of the machine meanwhile')
    sys.stdout.flush()
    return result


def main():
    parser = argparse.ArgumentParser(prog='script/bench', description=__doc__.split('\n', 1)[0])
    parser.add_argument('name', nargs='*', help=f'of {", ".join(BENCHES)}; default: all')
    parser.add_argument('--seconds', type=int, default=2, help='of a turn (default: 2)')
    parser.add_argument('--rounds', type=int, default=3, help='of each number the best of so many counts (default: 3)')
    parser.add_argument('--mib', type=int, default=1024, help='of the file that is sealed (default: 1024)')
    parser.add_argument('--json', metavar='FILE', help='writes all numbers there too')
    arguments = parser.parse_args()
    for name in arguments.name:
        if name not in BENCHES:
            parser.error(f'there is no bench {name}; there are {", ".join(BENCHES)}')
    report, others = {'machine': machine(), 'load_start': load()}, Others()
    m = report['machine']
    print(f'machine: {m["cores"]} cores of {m["cpu"]} ({" ".join(m["flags"])}), {m["memory_mib"]:,} MiB, Linux '
          f'{m["kernel"]}\nload average at the start: {" ".join(map(str, report["load_start"]))}')
    report['benches'] = [run_bench(name, arguments) for name in arguments.name or BENCHES]
    report.update(load_end=load(), others=round(others.share(), 3))
    print(f'\nload average at the end: {" ".join(map(str, report["load_end"]))} (with this run itself); others used '
          f'{report["others"]:.0%} of the machine')
    if report['others'] > DOUBTFUL_SHARE or report['load_start'][0] > CPUS / 2:
        print('DOUBTFUL: this machine was busy with other things. Ratios may be far off; speeds mean nothing. Run it again '
              'on an idle one before you conclude anything.')
    rows = [r for b in report['benches'] for r in b.get('rows', ())]
    failed = [b['bench'] for b in report['benches'] if 'failed' in b]
    print(f'{sum(r["ok"] is True for r in rows)} ok, {sum(r["ok"] is False for r in rows)} short, '
          f'{len(failed)} did not run{": " if failed else ""}{", ".join(failed)}')
    if arguments.json:
        with open(arguments.json, 'w', encoding='utf-8') as f:
            json.dump(report, f, indent=1)
            f.write('\n')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
