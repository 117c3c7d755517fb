#!/usr/bin/python3
"""script/lint: the rules of the house, and clang-format, clang-tidy and shellcheck.

    script/lint [--changed] [--fast] [--fix] [FILE …]

Without FILE: everything in the repository that git does not ignore. --changed: only what differs from HEAD.
--fast: without clang-tidy. --fix: lets clang-format rewrite. Exit status 1 when anything but a warning was found.
"""
import argparse
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import clang  # noqa: E402
import csource  # noqa: E402
import rules  # noqa: E402

NOT_OURS = ('tests/lint/', 'tests/vectors/', 'fuzz/corpus/', 'fuzz/regressions/', 'workloads/adult/data/',
            'workloads/logit/data/', 'LICENSE')


def git(top, *arguments):
    done = subprocess.run(('git', '-C', top) + arguments, stdout=subprocess.PIPE, check=True)
    return [p for p in done.stdout.decode().split('\0') if p]


def paths_of(top, changed):
    if changed:
        listed = git(top, 'diff', '--name-only', '-z', 'HEAD') + git(top, 'ls-files', '-oz', '--exclude-standard')
    else:
        listed = git(top, 'ls-files', '-coz', '--exclude-standard')
    return sorted({p for p in listed if os.path.isfile(os.path.join(top, p)) and not p.startswith(NOT_OURS)})


def read(top, paths):
    """Path to text, for files that are text."""
    tree = {}
    for path in paths:
        with open(os.path.join(top, path), 'rb') as f:
            content = f.read()
        if b'\0' not in content:
            tree[path] = content.decode(errors='replace')
    return tree


def check(tree, wanted):
    """Findings of the text rules: (path, line, rule, message)."""
    for path in wanted:
        if path in tree:
            for rule in rules.ALL:
                for line, message in rule(path, tree[path], tree):
                    yield path, line, rule.__name__.replace('_', '-'), message


def comment_share(tree):
    ours = [t for p, t in tree.items() if p.endswith(('.c', '.h')) and not p.startswith(('tests/', 'fuzz/'))]
    lines = sum(t.count('\n') for t in ours)
    return sum(csource.comment_lines(t) for t in ours) / lines if lines else 0


def main():
    parser = argparse.ArgumentParser(prog='script/lint', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--changed', action='store_true')
    parser.add_argument('--fast', action='store_true')
    parser.add_argument('--fix', action='store_true')
    parser.add_argument('files', nargs='*')
    options = parser.parse_args()

    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    everything = paths_of(top, False)
    wanted = paths_of(top, True) if options.changed else everything
    if options.files:
        named = {os.path.relpath(os.path.abspath(f), top) for f in options.files}
        wanted = [p for p in everything if p in named]
        for unknown in sorted(named - set(everything)):
            parser.error(f'{unknown} is not a file of the repository')

    tree = read(top, everything)
    findings = list(check(tree, wanted))
    findings += clang.format_findings(top, [p for p in wanted if p in tree], options.fix)
    findings += clang.shell_findings(top, [p for p in wanted if p in tree], tree)
    if not options.fast:
        findings += clang.tidy_findings(top, [p for p in wanted if p in tree], tree)

    failed = 0
    for path, line, rule, message in sorted(findings):
        failed += not message.startswith('warning: ')
        print(f'{path}:{line}: {rule}: {message}')
    print(f'lint: {len(wanted)} files, {failed} errors, {len(findings) - failed} warnings; '
          f'{comment_share(tree):.0%} of the lines of code are comments')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
