"""Role ledger in a running cloisterd, asked over its real links by the probe. Writes TAP."""
import base64, collections, json, os, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "processes")]
import tlog
from harness import *

APPEND, ACCOUNT_KEY, VIEW, RECEIPT, LAST_STATE, HOURS, RECEIPT_HOUR = range(0x2301, 0x2308)
FETCH = 0x1301
ACCOUNT, HOUR, KEY = b"123456789012", 490000, bytes(range(32))
MORE_KEYS = {b"operator": bytes(range(32, 64)), ACCOUNT: KEY}
LIMIT, CONFLICT, TAMPERED, INVALID, NOTFOUND, DENIED = 0x500, 0x400, 0x600, 0x100, 0x300, 0x200
IS_ROOT = os.geteuid() == 0
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def record(**members):
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def append_body(entries):
    return struct.pack(">H", len(entries)) + b"".join(lp(account) + lp(r) for account, r in entries)


def error_of(reply):
    code, length = struct.unpack(">II", reply[:8])
    return code, reply[8:8 + length].decode()


class Asker:
    """One link to ledger with many requests in flight."""

    def __init__(self, link):
        self.sock, self.last_id, self.answers = link.sock, 0, {}

    def ask(self, kind, body=b""):
        self.last_id += 1
        try:
            if len(body) <= 65536:
                self.sock.send(struct.pack(">HHII", kind, 0, self.last_id, len(body)) + body)
            else:
                self.send_memfd(kind, body)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone()
        return self.last_id

    def send_memfd(self, kind, body):
        import fcntl
        fd = os.memfd_create("body", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(fd, body)
        fcntl.fcntl(fd, 1033, 0x2 | 0x4 | 0x8)  # F_ADD_SEALS: shrink, grow, write
        socket.send_fds(self.sock, [struct.pack(">HHII", kind, 4, self.last_id, len(body))], [fd])
        os.close(fd)

    def notify(self, kind, body):
        self.sock.send(struct.pack(">HHII", kind, 0, 0, len(body)) + body)

    def take(self):
        """The next answer: (id, ok, body)."""
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 70000, 4)
        except ConnectionResetError:
            raise Gone()
        if not data:
            raise Gone()
        kind, flags, number, length = struct.unpack(">HHII", data[:12])
        body = data[12:]
        if flags & 4:
            with os.fdopen(fds[0], "rb") as f:
                body = f.read()
        assert len(body) == length, (len(body), length)
        return number, not flags & 2, body

    def call(self, kind, body=b""):
        number = self.ask(kind, body)
        got, ok, body = self.take()
        assert got == number
        return ok, body

    def account_key(self, account, hour=HOUR, key=None):
        self.notify(ACCOUNT_KEY, lp(account) + struct.pack(">Q", hour) + lp(key or MORE_KEYS.get(account, KEY)))

    def append(self, *entries):
        ok, body = self.call(APPEND, append_body(entries))
        assert ok, error_of(body)
        return struct.unpack(">QQ", body)

    def refused(self, kind, body):
        ok, reply = self.call(kind, body)
        assert not ok, reply
        return error_of(reply)

    def fetch(self, path):
        ok, body = self.call(FETCH, path.encode() if isinstance(path, str) else path)
        assert ok, error_of(body)
        status, count = struct.unpack(">HH", body[:4])
        parts, at = [], 4
        while at < len(body):
            length = struct.unpack(">I", body[at:at + 4])[0]
            parts.append(body[at + 4:at + 4 + length])
            at += 4 + length
        assert len(parts) == 2 * count + 1
        return status, {parts[2 * i].decode(): parts[2 * i + 1].decode() for i in range(count)}, parts[-1]

    def must_fetch(self, path):
        status, _, body = self.fetch(path)
        assert status == 200, (path, status)
        return body

    def verify(self, vkey):
        return tlog.verify_log(vkey, self.must_fetch("checkpoint"), self.must_fetch)

    def receipt(self, vkey, account, index):
        ok, body = self.call(RECEIPT, lp(account) + struct.pack(">Q", index))
        assert ok, error_of(body)
        got, opened = tlog.verify_receipt(vkey, body)
        assert got == index
        return opened, body

    def view_body(self, account, after=0, limit=200, name=b"", since=0, until=0):
        return lp(account) + struct.pack(">QQ", since, until) + lp(name) + struct.pack(">QH", after, limit)

    def view(self, *args, **kw):
        ok, body = self.call(VIEW, self.view_body(*args, **kw))
        assert ok, error_of(body)
        more, last, count = struct.unpack(">BQH", body[:11])
        at, found = 11, []
        for _ in range(count):
            seq, index, length = struct.unpack(">QQI", body[at:at + 20])
            found.append((seq, index, body[at + 20:at + 20 + length]))
            at += 20 + length
        assert at == len(body)
        return found, bool(more), last

    def hours(self, *args, **kw):
        ok, body = self.call(HOURS, self.view_body(*args, **kw))
        assert ok, error_of(body)
        return list(struct.unpack(">%dQ" % ((len(body) - 2) // 8), body[2:]))


def start(**kw):
    return Cloisterd(roles=["ledger", "watch"], **kw)


def asker(c, after=None):
    """Over the newest link; `after`: not that one."""
    link = c.wait(lambda: (l := c.links.get(ROLES["ledger"])) is not after and l)
    a = Asker(link)
    a.link = link
    for account in MORE_KEYS:
        a.account_key(account)
    return a


def kill(c):
    """kill -9 of the process that serves now."""
    c.wait(lambda: len(c.ready("ledger")) > len(c.events("role.ended", role="ledger")))
    os.kill(c.pid("ledger"), signal.SIGKILL)


def vkey_of(c):
    with open(os.path.join(c.state, "ledger", "log.vkey")) as f:
        return tlog.VerifierKey(f.read())


@test
def what_is_appended_with_many_in_flight_is_in_tiles_that_an_independent_implementation_verifies():
    with start() as c:
        c.wait_ready()
        a, vkey, index_of, heads = asker(c), vkey_of(c), {}, []
        waiting = {}
        for i in range(1500):
            account = ACCOUNT if i % 3 else b"operator"
            waiting[a.ask(APPEND, append_body([(account, record(eventName="E%d" % i))]))] = i
            while len(waiting) >= 64 or (i == 1499 and waiting):
                number, ok, body = a.take()
                assert ok, error_of(body)
                first, size = struct.unpack(">QQ", body)
                assert first < size
                index_of[waiting.pop(number)] = first
                if i % 100 == 0:
                    heads.append(size)
        leaves = a.verify(vkey)
        assert len(leaves) == 1502, len(leaves)  # and two of the ledger's own
        assert sorted(index_of.values()) == list(range(2, 1502))
        assert list(index_of.values()) == sorted(index_of.values()), "order on one link"
        assert tlog.last_seqs(leaves) == {"ledger": 2, "probe": 1500}
        for i in (0, 1, 255, 256, 700, 1499):
            opened, _ = a.receipt(vkey, ACCOUNT if i % 3 else b"operator", index_of[i])
            assert opened["eventName"] == "E%d" % i and opened["accountSeq"] > 0
        journals = os.listdir(os.path.join(c.state, "ledger"))
        with open(os.path.join(c.state, "ledger", "journal-00000001"), "rb") as f:
            assert b"E1499" not in f.read(), "records lie sealed"
        assert "journal-00000002" not in journals
        c.stop()


@test
def a_request_is_logged_whole_and_in_order_or_not_at_all():
    with start() as c:
        c.wait_ready()
        a, vkey = asker(c), vkey_of(c)
        first, size = a.append(*[(ACCOUNT, record(n=i)) for i in range(256)])
        assert size - first == 256
        bad = [(ACCOUNT, record(n=1)), (ACCOUNT, b'{"b":1,"a":2}')]
        good = append_body([(ACCOUNT, record(n=2))])
        first_id, bad_id, last_id = a.ask(APPEND, good), a.ask(APPEND, append_body(bad)), a.ask(APPEND, good)
        answers = {number: (ok, body) for number, ok, body in (a.take() for _ in range(3))}
        assert answers[first_id][0] and answers[last_id][0]
        assert not answers[bad_id][0] and error_of(answers[bad_id][1])[0] == INVALID, answers[bad_id]
        assert error_of(a.call(APPEND, append_body([(b"999999999999", record(n=1))]))[1])[0] == CONFLICT, "no key"
        code, why = a.refused(APPEND, append_body([(ACCOUNT, record(n="x" * 65500))]))
        assert code == LIMIT, why
        large = [(ACCOUNT, record(n="x" * 60000)) for _ in range(100)]  # 6 MB, in a memfd
        a.append(*large)
        assert len(a.verify(vkey)) == size + 2 + 100
        c.stop()


@test
def what_was_acknowledged_before_kill_9_is_provable_afterwards():
    with start() as c:
        c.wait_ready()
        vkey, acknowledged, killed = vkey_of(c), {}, 0
        a = asker(c)
        for cycle in range(4):
            waiting, sent = {}, 0
            c.wait(lambda: len(c.ready("ledger")) == cycle + 1)
            pid = c.pid("ledger")
            threading.Timer(0.15 + 0.05 * cycle, os.kill, (pid, signal.SIGKILL)).start()
            try:
                while True:
                    while len(waiting) < 64:
                        name = "C%d-%d" % (cycle, sent)
                        waiting[a.ask(APPEND, append_body([(ACCOUNT, record(eventName=name))]))] = name
                        sent += 1
                    number, ok, body = a.take()
                    assert ok, error_of(body)
                    acknowledged[waiting.pop(number)] = struct.unpack(">QQ", body)[0]
            except Gone:
                killed += 1
            a = asker(c, after=a.link)
        assert killed == 4 and len(acknowledged) > 100, (killed, len(acknowledged))
        leaves = a.verify(vkey)
        assert len(set(acknowledged.values())) == len(acknowledged)
        chains = tlog.last_seqs(leaves)
        assert chains["ledger"] >= 6 and chains["probe"] >= len(acknowledged), chains
        for name, index in list(acknowledged.items())[::7]:
            opened, _ = a.receipt(vkey, ACCOUNT, index)
            assert opened["eventName"] == name
        seen, after, more = {}, 0, True
        while more:
            found, more, after = a.view(ACCOUNT, after=after)
            seen.update({json.loads(r)["eventName"]: index for _, index, r in found})
        assert all(seen.get(name) == index for name, index in acknowledged.items())
        print("# %d acknowledged in 4 lives, %d leaves" % (len(acknowledged), len(leaves)))
        c.stop()


@test
def a_checkpoint_seen_before_a_restart_is_continued_after_it():
    with start() as c:
        c.wait_ready()
        a, vkey = asker(c), vkey_of(c)
        a.append(*[(ACCOUNT, record(n=i)) for i in range(200)])
        before = a.must_fetch("checkpoint")
        kill(c)
        a = asker(c, after=a.link)
        a.append(*[(ACCOUNT, record(n=i)) for i in range(200)])
        leaves = a.verify(vkey)
        size, root = tlog.open_checkpoint(before, vkey)
        assert tlog.tree_hash([tlog.leaf_hash(l) for l in leaves[:size]]) == root
        c.stop()


@test
def resources_come_with_type_and_caching_and_strange_paths_are_not_found():
    with start() as c:
        c.wait_ready()
        a = asker(c)
        a.append(*[(ACCOUNT, record(n=i)) for i in range(256)])
        status, fields, note = a.fetch("checkpoint")
        assert (status, fields["content-type"]) == (200, "text/plain; charset=utf-8") and fields["cache-control"] == "no-cache"
        for path in ("tile/0/000", "tile/entries/000", "tile/0/001.p/2", "tile/entries/000.p/255", "tile/1/000.p/1"):
            status, fields, _ = a.fetch(path)
            assert (status, fields["content-type"]) == (200, "application/octet-stream"), path
            assert "immutable" in fields["cache-control"], path
        for path in ("", "/", "checkpoint/", "checkpoint?", "Checkpoint", "mark", "log-key", "../log-key", "tile/0/../0/000", "tile",
                     "tile/0/0", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/001", "tile/0/001.p/3",
                     "tile/00/000", "tile/64/000", "tile/0/x000/000", "tile/entries/999", "tile/0/000\0", "\xff" * 9,
                     "tile/0/" + "x999/" * 6 + "999", "a" * 16000):
            status, fields, _ = a.fetch(path)
            assert status == 404 and fields["cache-control"] == "no-store", (path, status)
        assert a.fetch("checkpoint")[0] == 200, "and the link is there still"
        c.stop()


@test
def an_account_sees_its_own_records_in_pages_and_nobody_elses():
    with start() as c:
        c.wait_ready()
        a = asker(c)
        a.account_key(ACCOUNT, HOUR - 1, bytes(32))  # an hour before does not become the one to seal under
        firsts = [a.append((ACCOUNT, record(eventName="Put" if i % 2 else "Get", n=i)),
                           (b"operator", record(eventName="Secret")))[0] for i in range(10)]
        found, more, last = a.view(ACCOUNT, limit=4)
        assert [s for s, _, _ in found] == [1, 2, 3, 4] and more and last == 4
        assert [i for _, i, _ in found] == firsts[:4]
        assert [json.loads(r)["n"] for _, _, r in found] == [0, 1, 2, 3]
        found, more, last = a.view(ACCOUNT, after=last)
        assert [s for s, _, _ in found] == list(range(5, 11)) and not more
        found, more, last = a.view(ACCOUNT, name=b"Put", limit=2)
        assert [s for s, _, _ in found] == [2, 4] and more and 4 <= last < 6
        assert [s for s, _, _ in a.view(ACCOUNT, after=last, name=b"Put")[0]] == [6, 8, 10]
        assert a.view(ACCOUNT, until=1000)[0] == [] and len(a.view(ACCOUNT, since=int(time.time() * 1000) - 60000)[0]) == 10
        assert a.view(b"000000000000") == ([], False, 0)
        code, _ = a.refused(RECEIPT, lp(b"operator") + struct.pack(">Q", firsts[0]))
        assert code == DENIED
        code, _ = a.refused(RECEIPT, lp(ACCOUNT) + struct.pack(">Q", 99999))
        assert code == NOTFOUND
        c.stop()


@test
def after_a_restart_hours_says_which_keys_a_view_needs_and_without_them_records_come_closed():
    with start() as c:
        c.wait_ready()
        a, vkey = asker(c), vkey_of(c)
        a.account_key(ACCOUNT, HOUR + 1, b"k" * 32)
        index, _ = a.append((ACCOUNT, record(eventName="Late")))
        kill(c)
        a = asker(c, after=a.link)
        assert a.hours(ACCOUNT) == [HOUR + 1]
        found, _, _ = a.view(ACCOUNT)
        assert found == [(1, index, b"")], found
        code, why = a.refused(RECEIPT, lp(ACCOUNT) + struct.pack(">Q", index))
        assert code == NOTFOUND and str(HOUR + 1) in why, why
        ok, body = a.call(RECEIPT_HOUR, lp(ACCOUNT) + struct.pack(">Q", index))
        assert ok and struct.unpack(">HQ", body) == (1, HOUR + 1)
        a.account_key(ACCOUNT, HOUR + 1, b"wrong key, but of the right size")
        assert a.hours(ACCOUNT) == [HOUR + 1]
        a.account_key(ACCOUNT, HOUR + 1, b"k" * 32)
        assert a.hours(ACCOUNT) == []
        assert a.receipt(vkey, ACCOUNT, index)[0]["eventName"] == "Late"
        c.stop()


def generation(number, byte):
    return (b"operator", record(eventName="DatabaseGeneration", eventSource="config.cloister",
                                requestParameters={"generation": number, "hash": "%02x" % byte * 32}))


@test
def the_last_generation_of_keys_database_is_known_after_kill_9_before_keys_sends_anything():
    with start() as c:
        c.wait_ready()
        a = asker(c)
        state = lambda a: struct.unpack(">Q32s", a.call(LAST_STATE)[1])
        assert state(a) == (0, bytes(32))
        a.append(generation(7, 0xAA))
        a.append(generation(8, 0xBB), (ACCOUNT, record(n=1)))
        # what only looks like one
        a.append((b"operator", record(eventName="DatabaseGeneration", eventSource="s3.amazonaws.com")),
                 (ACCOUNT, record(tag="DatabaseGeneration")))
        for bad in ((ACCOUNT, generation(9, 1)[1]), (b"operator", record(
                eventName="DatabaseGeneration", eventSource="config.cloister", requestParameters={"generation": 9}))):
            code, _ = a.refused(APPEND, append_body([bad]))
            assert code == INVALID
        assert state(a) == (8, b"\xbb" * 32)
        for _ in range(2):
            kill(c)
            link = c.wait(lambda: (l := c.links.get(ROLES["ledger"])) is not a.link and l)
            a = Asker(link)  # no keys
            a.link = link
            assert state(a) == (8, b"\xbb" * 32)
        a.account_key(b"operator")
        names = [json.loads(r)["eventName"] for _, _, r in a.view(b"operator")[0]]
        assert names.count("LedgerStarted") == 3 and names[0] == "LedgerKeyCreated", names
        c.stop()


@test
def only_its_peers_may_ask_and_a_malformed_request_ends_the_link():
    with Cloisterd() as c:
        c.wait_ready()
        for role, kind in (("front", APPEND), ("runner", APPEND), ("watch", FETCH), ("keys", FETCH), ("front", VIEW)):
            before, starts = len(c.events("role.violation", role=role)), len(c.ready(role))
            link = c.wait(lambda: c.links.get(ROLES[role]))
            try:  # once: asking again would be another violation
                link.call(CALL, struct.pack(">HH", ROLES["ledger"], kind) + lp(append_body([(ACCOUNT, record(n=1))])))
            except Gone:
                pass
            c.wait(lambda: len(c.events("role.violation", role=role)) > before)
            c.wait(lambda: len(c.ready(role)) > starts and c.links.get(ROLES[role]) is not link)
        c.stop()


def damaged(change):
    """Starts, logs 300 records, stops, changes a file, starts again: its exit status and last words."""
    c = start()
    try:
        c.wait_ready()
        a = asker(c)
        a.append(*[(ACCOUNT, record(n=i)) for i in range(256)])
        a.append(*[(ACCOUNT, record(n=i)) for i in range(300 - 256)])
        c.process.send_signal(signal.SIGTERM)
        assert c.process.wait(20) == 0
        change(os.path.join(c.state, "ledger"))
        again = subprocess.run([os.environ["CLOISTERD"], "--state", c.state, "--listen", "127.0.0.1:0", "--roles",
                                "ledger,watch"], stderr=subprocess.PIPE, timeout=20)
        return again.returncode, again.stderr.decode().splitlines()[-1]
    finally:
        c.stop()


def flip(name, at):
    def change(directory):
        with open(os.path.join(directory, name), "r+b") as f:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1]))
    return change


@test
def altered_files_are_refused_at_start_by_name():
    for name, at, expected in (("journal-00000001", 9, "journal-00000001"), ("public/tile/0/000", 77, "tile/0/000"),
                               ("public/tile/entries/000", 300, "tile/entries/000"), ("mark", 40, "mark"),
                               ("log-key", 60, "log-key"), ("log.vkey", 60, "log.vkey"),
                               ("public/checkpoint", 60, "checkpoint")):
        status, words = damaged(flip(name, at))
        assert status == 4 and expected in words, (name, status, words)
    status, words = damaged(lambda d: os.remove(os.path.join(d, "log-key")))
    assert status == 4 and "log-key" in words, words
    status, words = damaged(lambda d: os.remove(os.path.join(d, "public/tile/0/000")))
    assert status == 4 and "tile/0/000" in words, words


@test
def a_full_disk_refuses_ordinary_records_and_still_logs_what_the_operator_does():
    if not IS_ROOT:
        return "needs root, for a small file system"
    top = tempfile.mkdtemp(prefix="cloister-full-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m,mode=0700", "none", top], check=True)
    before, tempfile.tempdir = tempfile.tempdir, top
    try:
        with start() as c:
            tempfile.tempdir = before
            c.wait_ready()
            a, vkey = asker(c), vkey_of(c)
            a.append((ACCOUNT, record(n=1)))
            filler = os.path.join(top, "filler")
            room = os.statvfs(top).f_bavail * os.statvfs(top).f_bsize
            with open(filler, "wb") as f:
                os.posix_fallocate(f.fileno(), 0, room - 4096)
            code, why = a.refused(APPEND, append_body([(ACCOUNT, record(n=2))]))
            assert code == UNAVAILABLE and "full" in why and "free" in why, why
            denied = record(errorCode="AccessDenied", n=3)
            assert a.refused(APPEND, append_body([(b"operator", denied)]))[0] == UNAVAILABLE
            for i in range(300):
                a.append((b"operator", record(eventName="DeleteBucket", n=i, filler="x" * 20000)))
            reserve = os.stat(os.path.join(c.state, "ledger", "reserve")).st_size
            assert 0 < reserve < 64 << 20, reserve
            assert a.refused(APPEND, append_body([(ACCOUNT, record(n=4))]))[0] == UNAVAILABLE
            size = len(a.verify(vkey))
            kill(c)  # and it starts on a full disk
            a = asker(c, after=a.link)
            assert len(a.verify(vkey)) == size + 1
            a.append((b"operator", record(eventName="DeleteBucket")))
            os.remove(filler)
            c.wait(lambda: a.call(APPEND, append_body([(ACCOUNT, record(n=5))]))[0] or time.sleep(0.2))
            c.wait(lambda: os.stat(os.path.join(c.state, "ledger", "reserve")).st_size == 64 << 20)
            assert len(a.verify(vkey)) == size + 3
            assert c.process.poll() is None and len(c.ready("ledger")) == 2
            c.stop()
    finally:
        tempfile.tempdir = before
        subprocess.run(["umount", "-l", top])
        os.rmdir(top)


def measure():
    """python3 ledger_test.py --measure [SECONDS]"""
    seconds = sys.argv[2] if len(sys.argv) > 2 else "5"
    with start() as c:
        c.wait_ready()
        a = asker(c)
        fd = a.sock.fileno()
        a.sock.setblocking(True)
        for in_flight in ("1", "8", "64", "256"):
            subprocess.run([os.environ["LEDGER_DRIVE"], str(fd), in_flight, seconds, "800"], pass_fds=[fd], check=True)
        c.stop()


def main():
    wanted = sys.argv[1:]
    tests = [t for t in TESTS if not wanted or t.__name__ in wanted]
    failed = 0
    print("1..%d" % len(tests))
    for number, t in enumerate(tests, 1):
        name = t.__name__.replace("_", " ")
        try:
            skipped = t()
            print("ok %d - %s%s" % (number, name, " # SKIP " + skipped if skipped else ""), flush=True)
        except Exception:
            failed += 1
            print("not ok %d - %s" % (number, name), flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(measure() if sys.argv[1:2] == ["--measure"] else main())
