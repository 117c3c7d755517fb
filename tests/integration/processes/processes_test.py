"""The roles of cloisterd, seen from outside and, through the probe, from inside. Writes TAP."""
import os, platform, signal, socket, struct, subprocess, sys, time, traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import *

SIGSYS = "killed by signal 31 (Bad system call)"
IS_ROOT = os.geteuid() == 0
TESTS = []

# x86-64 numbers. What no role may do, whatever it is for; each with arguments that would make it harmless if it worked.
FORBIDDEN = {
    "execve": (59, 0, 0, 0), "fork": (57,), "clone": (56, 17, 0, 0), "ptrace": (101, 16, 1, 0, 0),
    "socket(AF_UNIX)": (41, 1, 1, 0), "socket(AF_NETLINK)": (41, 16, 3, 0), "socket(AF_ALG)": (41, 38, 5, 0),
    "bind": (49, 0, 0, 0), "listen": (50, 0, 0), "mount": (165, 0, 0, 0, 0), "setuid": (105, 0), "kill": (62, 1, 0),
    "mmap(PROT_EXEC)": (9, 0, 4096, 4), "mprotect(PROT_EXEC)": (10, 0, 0, 4), "io_uring_setup": (425, 1, 0),
    "bpf": (321, 0, 0, 0), "keyctl": (250, 0, 0), "unshare": (272, 0x10000000), "prctl(PR_SET_DUMPABLE)": (157, 4, 1),
    "process_vm_readv": (310, 1, 0, 0, 0), "perf_event_open": (298, 0, 0, 0, 0), "userfaultfd": (323, 0),
    "open_by_handle_at": (304, 0, 0, 0), "x32 write": (0x40000001, 2, 0, 0),
}
NOT_FOR_COURIER = {"socket(AF_INET)": (41, 2, 1, 0), "connect": (42, 0, 0, 0)}
ONLY_WITH_FILES = {"openat": (257, 0, 0, 0), "unlink": (87, 0)}


def test(function):
    TESTS.append(function)
    return function


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def raw(call):
    return struct.pack(">5Q", *(list(call) + [0] * (5 - len(call))))


@test
def every_role_runs_confined_under_its_own_user():
    with Cloisterd() as c:
        c.wait_ready()
        for role, number in ROLES.items():
            s = status_of(c.pid(role))
            user = UID_BASE + number if IS_ROOT else os.geteuid()
            assert s["Uid"].split() == [str(user)] * 4, (role, s["Uid"])
            assert not IS_ROOT or s["Groups"].strip() == "", (role, s["Groups"])
            for key in ("CapInh", "CapPrm", "CapEff", "CapAmb") + (("CapBnd",) if IS_ROOT else ()):
                assert int(s[key], 16) == 0, (role, key, s[key])
            assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2", (role, s["NoNewPrivs"], s["Seccomp"])
            assert not IS_ROOT or os.stat("/proc/%d/mem" % c.pid(role)).st_uid == 0, role + " is dumpable"
            limits = open("/proc/%d/limits" % c.pid(role)).read()
            assert "Max core file size        0                    0 " in limits, limits
            assert open("/proc/%d/environ" % c.pid(role), "rb").read() == b"TZ=UTC0\0", role


@test
def a_role_is_born_with_standard_error_and_its_control_channel_only():
    with Cloisterd(roles=["verifier"]) as c:
        c.wait_ready()
        pid = c.pid("verifier")
        open_files = {n: os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid)}
        kinds = sorted(v.split(":")[0] for v in open_files.values())
        # null, null, stderr's pipe; the epoll set; the control channel and the probe's link
        assert kinds == ["/dev/null", "/dev/null", "anon_inode", "pipe", "socket", "socket"], open_files


@test
def the_supervisor_keeps_only_what_starting_roles_takes():
    with Cloisterd(roles=["verifier"]) as c:
        c.wait_ready()
        s = status_of(c.process.pid)
        expected = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 14  # KILL SETGID SETUID SETPCAP IPC_LOCK
        assert not IS_ROOT or int(s["CapEff"], 16) == int(s["CapBnd"], 16) == expected, (s["CapEff"], s["CapBnd"])
        assert s["NoNewPrivs"] == "1"


@test
def every_role_answers_on_its_links():
    with Cloisterd() as c:
        c.wait_ready()
        for role, number in ROLES.items():
            pong = c.ping(role)
            assert pong["name"] == role and pong["role"] == number and pong["starts"] == 1, pong
            assert pong["state"] == (2 if pong["name"] == "keys" else 4) and pong["abi"] >= 2, pong  # keys: nothing to unseal
        for one, other in (("front", "keys"), ("front", "ledger"), ("front", "runner"), ("front", "watch"),
                           ("keys", "ledger"), ("keys", "verifier"), ("keys", "token"), ("runner", "keys"),
                           ("runner", "ledger"), ("runner", "token"), ("courier", "front"), ("courier", "token")):
            for asker, asked in ((one, other), (other, one)):
                err, reply = c.through(asker, asked)
                assert err == 0 and reply.endswith(asked.encode()), (asker, asked, err, reply)
        for one, other in (("front", "verifier"), ("front", "token"), ("verifier", "ledger"), ("courier", "keys")):
            assert c.through(one, other)[0] == 0x300, (one, other, "have a link")


@test
def every_worker_of_front_has_its_own_links():
    with Cloisterd() as c:
        c.wait_ready()
        for worker in range(2):
            for peer in ("keys", "ledger", "runner", "watch"):
                reply = c.wait(lambda: [r for _, r in [c.call("front", WORKER, struct.pack(">HH", worker, ROLES[peer]))]
                                        if r[:4] == b"\0\0\0\0"])[0]
                assert reply.endswith(peer.encode()), (worker, peer, reply)
        os.kill(c.pid("keys"), signal.SIGKILL)
        c.wait(lambda: len(c.ready("keys")) == 2)
        end = time.monotonic() + 2
        while True:
            ok, reply = c.call("front", WORKER, struct.pack(">HH", 1, ROLES["keys"]))
            if reply[:4] == b"\0\0\0\0":
                break
            assert struct.unpack(">I", reply[:4])[0] == UNAVAILABLE and time.monotonic() < end, reply


@test
def front_can_have_its_most_workers():
    with Cloisterd(args=["--workers", "64"]) as c:
        c.wait_ready()
        for peer in ("keys", "ledger", "runner", "watch"):
            c.wait(lambda: c.call("front", WORKER, struct.pack(">HH", 63, ROLES[peer]))[1][:4] == b"\0\0\0\0")
        os.kill(c.pid("front"), signal.SIGKILL)
        c.wait(lambda: len(c.ready("front")) == 2)
        # Its links come one by one after it is ready.
        c.wait(lambda: c.call("front", WORKER, struct.pack(">HH", 63, ROLES["keys"]))[1][:4] == b"\0\0\0\0")


def check_forbidden(role, calls):
    """Each kills; four at a time, since the fifth crash within a minute would stop everything."""
    names = list(calls)
    for i in range(0, len(names), 4):
        with Cloisterd(roles=[role]) as c:
            c.wait_ready()
            for name in names[i:i + 4]:
                how = c.dies_of(role, SYSCALL, raw(calls[name]))
                assert how == SIGSYS, (role, name, how)


def forbidden_test(role):
    def run():
        if platform.machine() != "x86_64":
            return "the numbers are x86-64's"
        if os.environ.get("SANITIZER", "none") != "none":
            return "a sanitizer is allowed system calls of its own"
        calls = dict(FORBIDDEN)
        if role != "courier":
            calls.update(NOT_FOR_COURIER)
        if role in ("verifier", "token", "courier"):
            calls.update(ONLY_WITH_FILES)
        check_forbidden(role, calls)
    run.__name__ = "a_forbidden_system_call_kills_" + role
    return run


for name in ROLES:
    test(forbidden_test(name))


@test
def no_role_can_open_what_is_not_its_own():
    own = {"front": "store", "keys": "keys", "ledger": "ledger", "runner": "runner", "watch": "watch"}
    with Cloisterd() as c:
        c.wait_ready()
        for owner, directory in own.items():
            path = os.path.join(c.state, directory, "file")
            with open(path, "w") as f:
                f.write("x")
            os.chmod(path, 0o666)  # so that only the sandbox stands between
        os.chmod(c.top, 0o755)
        os.chmod(c.state, 0o755)
        for directory in own.values():
            os.chmod(os.path.join(c.state, directory), 0o777)
        for role, directory in own.items():
            def opening(path, flags=0):
                ok, reply = c.call(role, OPEN, struct.pack(">I", flags) + lp(path.encode()))
                assert ok, reply
                return struct.unpack(">I", reply)[0]
            assert opening("file", os.O_RDWR) == 0, role + " cannot open its own file"
            assert opening("new", os.O_RDWR | os.O_CREAT) == 0, role + " cannot make a file"
            others = [os.path.join(c.state, d, "file") for d in own.values() if d != directory]
            for path in others + ["/etc/passwd", "/proc/self/status", "/proc/1/environ", "/dev/null",
                                  os.path.join(c.state, "run/lock"), "..", "../run/lock"]:
                assert opening(path) == 13, (role, path, opening(path))
            assert opening("/tmp/made-by-" + role, os.O_WRONLY | os.O_CREAT) == 13, role


@test
def users_alone_keep_the_directories_apart():
    if not IS_ROOT:
        return "only root can change users"
    with Cloisterd() as c:
        c.wait_ready()
        for role, directory in (("front", "store"), ("keys", "keys"), ("ledger", "ledger"), ("runner", "runner"),
                                ("watch", "watch")):
            s = os.stat(os.path.join(c.state, directory))
            assert (s.st_uid, s.st_gid, s.st_mode & 0o7777) == (UID_BASE + ROLES[role],) * 2 + (0o700,), (role, s)


@test
def a_killed_role_is_back_within_two_seconds_and_its_links_work():
    with Cloisterd() as c:
        c.wait_ready()
        for role in ROLES:
            peer = {"front": "keys", "ledger": "keys", "verifier": "keys", "token": "keys"}.get(role, "front")
            peer = "keys" if role == "runner" else peer
            start = time.monotonic()
            os.kill(c.pid(role), signal.SIGKILL)
            c.wait(lambda: len(c.ready(role)) == 2, 2)
            end = start + 2
            while c.through(peer, role)[0] != 0 or c.through(role, peer)[0] != 0:
                assert time.monotonic() < end, (role, "does not answer", peer)
            assert time.monotonic() < end, role
            assert c.ping(role)["starts"] == 2
        assert all(c.ping(role)["starts"] == 2 for role in ROLES)  # each was restarted alone


@test
def a_call_to_a_role_that_dies_fails_as_unavailable():
    with Cloisterd(roles=["front", "keys"]) as c:
        c.wait_ready()
        c.call("keys", SLEEP, struct.pack(">I", 1000))
        link = c.links[ROLES["front"]]
        link.last_id += 1
        body = struct.pack(">HH", ROLES["keys"], PING) + lp(b"")
        link.sock.send(struct.pack(">HHII", CALL, 0, link.last_id, len(body)) + body)
        time.sleep(0.1)
        os.kill(c.pid("keys"), signal.SIGKILL)
        reply = link.sock.recv(4096)
        assert struct.unpack(">I", reply[12:16])[0] == UNAVAILABLE, reply


@test
def a_crash_loop_stops_the_whole_with_a_message():
    with Cloisterd() as c:
        c.wait_ready()
        for i in range(5):
            c.wait(lambda: len(c.ready("ledger")) == i + 1)
            os.kill(c.pid("ledger"), signal.SIGKILL)
        assert c.process.wait(20) == 5
        c.reader.join(5)
        message = c.events("plain")[-1]["text"]
        assert message == "cloisterd: role ledger ended 5 times within 60 seconds", message
        assert c.roles_alive() == []


@test
def no_process_outlives_the_supervisor():
    with Cloisterd() as c:
        c.wait_ready()
        assert len(c.roles_alive()) == len(ROLES) + 1
        os.kill(c.process.pid, signal.SIGKILL)
        c.process.wait()
        end = time.monotonic() + 2
        while c.roles_alive():
            assert time.monotonic() < end, c.roles_alive()
            time.sleep(0.01)


@test
def sigterm_stops_in_order_front_first_ledger_last():
    for number in (signal.SIGTERM, signal.SIGINT):
        c = Cloisterd()
        c.wait_ready()
        c.process.send_signal(number)
        assert c.process.wait(20) == 0
        c.reader.join(5)
        ended = [(l["role"], l["how"]) for l in c.events("role.ended")]
        order = ["probe", "front", "runner", "courier", "token", "verifier", "keys", "watch", "ledger"]
        assert ended == [(role, "ended with status 0") for role in order], ended
        c.stop()


@test
def a_crash_while_stopping_does_not_cut_another_role_short():
    c = Cloisterd()
    c.wait_ready()
    os.kill(c.pid("front"), signal.SIGSTOP)
    c.process.send_signal(signal.SIGTERM)
    c.wait(lambda: c.events("role.ended", role="probe"))  # front is told next
    os.kill(c.pid("runner"), signal.SIGKILL)
    c.wait(lambda: c.events("role.ended", role="runner"))
    os.kill(c.pid("front"), signal.SIGCONT)
    assert c.process.wait(20) == 0
    c.reader.join(5)
    assert [e["how"] for e in c.events("role.ended", role="front")] == ["ended with status 0"], c.events("role.ended")
    c.stop()


@test
def a_role_that_does_not_stop_is_killed_after_the_deadline():
    with Cloisterd(roles=["verifier"]) as c:
        c.wait_ready()
        c.call("verifier", SLEEP, struct.pack(">I", 60000))
        start = time.monotonic()
        c.process.send_signal(signal.SIGTERM)
        assert c.process.wait(20) == 0
        assert 4.5 < time.monotonic() - start < 8
        c.reader.join(5)
        assert c.events("role.stuck", role="verifier")


@test
def sighup_ends_nothing():
    with Cloisterd() as c:
        c.wait_ready()
        c.process.send_signal(signal.SIGHUP)
        for role in ROLES:
            os.kill(c.pid(role), signal.SIGHUP)
            os.kill(c.pid(role), signal.SIGTERM)
            os.kill(c.pid(role), signal.SIGINT)
        time.sleep(0.2)
        assert all(c.ping(role)["starts"] == 1 for role in ROLES)


def try_through(c, role, peer, kind, body):
    """Makes `role` send it once; the role may be killed before it can tell what came of it."""
    try:
        link = c.wait(lambda: c.links.get(ROLES[role]))
        ok, reply = link.call(CALL, struct.pack(">HH", ROLES[peer], kind) + lp(body))
        assert ok and struct.unpack(">I", reply[:4])[0] == UNAVAILABLE, reply
    except Gone:
        pass


@test
def an_unpermitted_message_restarts_the_offender():
    with Cloisterd() as c:
        c.wait_ready()
        try_through(c, "front", "keys", 0x7777, b"")
        c.wait(lambda: len(c.ready("front")) == 2)
        found = c.events("link.violation", program="keys", peer="front")
        assert found and "0x7777 is not permitted" in found[0]["why"], found
        assert c.events("role.violation", role="front", reported_by="keys")
        assert c.ping("keys")["starts"] == 1
        assert c.through("front", "keys")[0] == 0


@test
def a_malformed_message_restarts_the_offender():
    with Cloisterd() as c:
        c.wait_ready()
        try_through(c, "courier", "watch", EVENT, b"short")
        c.wait(lambda: len(c.ready("courier")) == 2)
        assert c.events("role.violation", role="courier", reported_by="watch")
        try_through(c, "front", "keys", PING, b"PING has no body")
        c.wait(lambda: len(c.ready("front")) == 2)
        assert c.ping("keys")["starts"] == c.ping("watch")["starts"] == 1


@test
def a_role_can_report_its_peers_only():
    with Cloisterd() as c:
        c.wait_ready()
        c.call("verifier", REPORT, struct.pack(">H", ROLES["ledger"]))
        c.wait(lambda: len(c.ready("verifier")) == 2)  # who reports a stranger is the offender
        assert c.events("link.violation", program="supervisor", peer="verifier"), c.log[-8:]
        c.call("verifier", REPORT, struct.pack(">H", 0))
        c.wait(lambda: len(c.ready("verifier")) == 3)
        assert c.ping("ledger")["starts"] == 1
        c.call("verifier", REPORT, struct.pack(">H", ROLES["keys"]))
        c.wait(lambda: len(c.ready("keys")) == 2)
        assert c.events("role.violation", role="keys", reported_by="verifier")


def counts(c, role):
    err, reply = c.through("front", "watch", COUNTS, struct.pack(">H", ROLES[role]))
    assert err == 0, hex(err)
    return struct.unpack(">IQQ", reply)


@test
def events_reach_watch_without_a_gap():
    with Cloisterd() as c:
        c.wait_ready()
        for role in ROLES:
            if role != "watch":
                own = 1 if role == "ledger" else 0  # ledger.key_created
                c.wait(lambda: counts(c, role) == (1, 1 + own, 0))  # role.started
        ok, reply = c.call("keys", EVENTS, struct.pack(">I", 1000))
        assert ok and struct.unpack(">I", reply)[0] == 1000, reply
        c.wait(lambda: counts(c, "keys") == (1, 1001, 0))


@test
def events_wait_while_watch_is_away_and_none_is_lost():
    with Cloisterd() as c:
        c.wait_ready()
        c.wait(lambda: counts(c, "keys")[1] == 1)
        c.call("watch", SLEEP, struct.pack(">I", 60000))
        ok, reply = c.call("keys", EVENTS, struct.pack(">I", 500))
        assert struct.unpack(">I", reply)[0] == 500
        assert c.ping("keys")["state"] == 2  # keys goes on, sealed as it is
        os.kill(c.pid("watch"), signal.SIGKILL)
        c.wait(lambda: len(c.ready("watch")) == 2)
        c.wait(lambda: counts(c, "keys") == (1, 500, 0))  # the new watch has not seen the first, which was acknowledged


@test
def an_event_that_finds_the_queue_full_is_refused_and_counted():
    with Cloisterd() as c:
        c.wait_ready()
        c.wait(lambda: counts(c, "keys")[1] == 1)
        c.call("watch", SLEEP, struct.pack(">I", 500))
        ok, reply = c.call("keys", EVENTS, struct.pack(">I", 1200))
        assert struct.unpack(">I", reply)[0] == 1024, reply
        c.wait(lambda: counts(c, "keys")[1] == 1025)
        c.call("keys", EVENTS, struct.pack(">I", 1))
        c.wait(lambda: counts(c, "keys") == (1, 1026, 176))
        assert c.events("events.lost", program="watch", role="keys", count=176)


@test
def a_state_directory_serves_one_supervisor():
    with Cloisterd(roles=["verifier"]) as c:
        c.wait_ready()
        second = subprocess.run([os.environ["CLOISTERD"], "--state", c.state, "--roles", "verifier"],
                                capture_output=True, text=True, timeout=20)
        assert second.returncode == 1, second
        assert second.stderr.splitlines()[-1] == (
            "cloisterd: the state directory %s is in use by the cloisterd with process id %d; stop that one first"
            % (c.state, c.process.pid)), second.stderr
        os.kill(c.process.pid, signal.SIGKILL)
        c.process.wait()
        third = subprocess.Popen([os.environ["CLOISTERD"], "--state", c.state, "--roles", "verifier"],
                                 stderr=subprocess.PIPE, text=True)
        for line in third.stderr:  # the lock has gone with its holder
            if "cloister.ready" in line:
                break
        third.send_signal(signal.SIGTERM)
        third.communicate()
        assert third.returncode == 0


@test
def a_port_in_use_is_one_sentence():
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    where = "127.0.0.1:%d" % taken.getsockname()[1]
    with Cloisterd(program=os.environ["CLOISTERD"], args=["--listen", where]) as c:
        assert c.process.wait(20) == 1
        c.reader.join(5)
        assert c.events("plain")[-1]["text"] == (
            "cloisterd: %s is in use by another program; stop that one or choose another port with --listen" % where)


@test
def wrong_options_are_one_sentence_and_status_2():
    for args, expected in ((["--state"], "--state takes a value"), (["--nonsense", "1"], "there is no option --nonsense"),
                           ([], "say where the state is kept"), (["--state", "x", "--roles", "keys,kings"], '"kings"'),
                           (["--state", "x", "--workers", "65"], "1 to 64"), (["--role", "kings"], "no role kings"),
                           (["--state", "/tmp/cloister-never", "--listen", "localhost:1"], "names are not looked up")):
        done = subprocess.run([os.environ["CLOISTERD"], *args], capture_output=True, text=True, timeout=20)
        assert done.returncode == 2 and expected in done.stderr, (args, done)
        assert len([l for l in done.stderr.splitlines() if not l.startswith("{")]) == 1, done.stderr


@test
def a_role_started_by_hand_does_nothing():
    done = subprocess.run([os.environ["CLOISTERD"], "--role", "keys"], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and "role.failed" in done.stderr, done


@test
def a_directory_of_another_user_is_refused_with_what_to_do():
    if not IS_ROOT:
        return "only root can give files away"
    c = Cloisterd(program=os.environ["CLOISTERD"], roles=["keys"])
    c.wait_ready()
    c.process.send_signal(signal.SIGTERM)
    c.process.wait()
    again = subprocess.run([os.environ["CLOISTERD"], "--state", c.state, "--roles", "keys", "--uid-base", "1900000000"],
                           capture_output=True, text=True, timeout=20)
    assert again.returncode == 1 and "the directory keys belongs to user 2000000002" in again.stderr, again
    c.stop()


@test
def the_shipped_program_has_no_test_messages():
    for name in ("CLOISTERD",):
        with open(os.environ[name], "rb") as f:
            program = f.read()
        assert b"driver.sock" not in program and b"made by the test" not in program


@test
def without_root_everything_but_the_users_holds():
    if not IS_ROOT:
        return "covered by all other tests, which run without root"
    top = tempfile.mkdtemp(prefix="cloister-processes-")
    os.chmod(top, 0o777)
    state = os.path.join(top, "state")

    def become_nobody():
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)

    program = os.path.join(top, "cloisterd")  # the build tree may be out of nobody's reach
    shutil.copy(os.environ["CLOISTERD"], program)
    p = subprocess.Popen([program, "--state", state, "--listen", "127.0.0.1:0"], preexec_fn=become_nobody, cwd="/",
                         stderr=subprocess.PIPE, text=True)
    lines = []
    try:
        for line in p.stderr:
            lines.append(line)
            if "cloister.ready" in line:
                break
        assert any("roles.share_user" in l for l in lines), lines
        pids = [json.loads(l)["pid"] for l in lines if "role.ready" in l]
        assert len(pids) == len(ROLES), lines
        for pid in pids:
            s = status_of(pid)
            assert s["Uid"].split() == ["65534"] * 4 and s["Seccomp"] == "2" and s["NoNewPrivs"] == "1", s
            assert int(s["CapPrm"], 16) == 0
    finally:
        p.send_signal(signal.SIGTERM)
        p.communicate()
        shutil.rmtree(top, ignore_errors=True)
    assert p.returncode == 0


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
    sys.exit(main())
