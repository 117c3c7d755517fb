#!/bin/bash
# cloister seal and open of a large file in memory-backed storage, beside age and cp in the same run, with peak memory.
#
#   tests/bench/seal_cli_bench.sh CLOISTER [MIB]      default: 1024
#
# Best of three each; ratios above 1 in the first block mean that cloister is faster, below 1 in the second that it is.
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
cloister=$(readlink -f "${1:?usage: $0 CLOISTER [MIB]}")
mib=${2:-1024}
command -v age age-keygen >/dev/null || {
	echo "age is not installed; script/setup --for bench installs it" >&2
	exit 77
}
top=$(mktemp -d /dev/shm/cloister-bench.XXXXXX)
trap 'rm -rf "$top"' EXIT
cd "$top"

head -c $((mib << 20)) /dev/urandom >plain
recipient=$("$cloister" key identity me)
age-keygen -o age.key 2>age.txt
age_recipient=$(sed -n 's/^Public key: //p' age.txt)

# Seconds that a command takes, the best of three; its peak memory in KiB goes to `peak`.
best() {
	/usr/bin/python3 - "$@" <<'EOF'
import os, sys, time
best = peak = 0
for _ in range(3):
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 2)
        os.execvp(sys.argv[1], sys.argv[1:])
    _, status, usage = os.wait4(pid, 0)
    took = time.monotonic() - start
    if status:
        sys.exit("failed: " + " ".join(sys.argv[1:]))
    best, peak = (took if not best else min(best, took)), max(peak, usage.ru_maxrss)
open("peak", "w").write("%d" % peak)
print("%.4f" % best)
EOF
}

report() { # name, seconds
	awk -v n="$1" -v s="$2" -v m="$mib" -v p="$(<peak)" \
		'BEGIN {printf "%-28s %8.3f s %8.0f MiB/s  peak %6.1f MiB\n", n, s, m / s, p / 1024}'
}
ratio() { awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN {printf "  %-44s %5.2f\n", n, a / b}'; }

echo "$mib MiB in /dev/shm, $(nproc) processors"
seal_null=$(best "$cloister" seal plain -o /dev/null -r "$recipient")
report "cloister seal > /dev/null" "$seal_null"
age_seal=$(best age -r "$age_recipient" -o /dev/null plain)
report "age > /dev/null" "$age_seal"
seal_file=$(best "$cloister" seal plain -o sealed -f -r "$recipient")
report "cloister seal > file" "$seal_file"
copy=$(best cp plain copied)
report "cp" "$copy"
rm copied
open_null=$(best "$cloister" open sealed -o /dev/null -i me)
report "cloister open > /dev/null" "$open_null"
open_file=$(best "$cloister" open sealed -o opened -f -i me)
report "cloister open > file" "$open_file"
cmp plain opened
rm opened sealed
age -r "$age_recipient" -o plain.age plain
age_open=$(best age -d -i age.key -o /dev/null plain.age)
report "age -d > /dev/null" "$age_open"
echo "times age takes, in times of cloister (to /dev/null):"
ratio "seal" "$age_seal" "$seal_null"
ratio "open" "$age_open" "$open_null"
echo "times cloister takes, in times of cp (to a file):"
ratio "seal" "$seal_file" "$copy"
ratio "open" "$open_file" "$copy"
