"""Starts cloisterd with the probe in a throwaway state directory and speaks to its roles (docs/protocol/ipc.md)."""
import array, json, os, select, shutil, signal, socket, struct, subprocess, tempfile, threading, time

ROLES = {"front": 1, "keys": 2, "ledger": 3, "verifier": 4, "token": 5, "runner": 6, "watch": 7, "courier": 8}
PROBE, UID_BASE = 15, 2000000000
PING, EVENT, COUNTS = 0x0001, 0x0201, 0x1701
SYSCALL, OPEN, CALL, WORKER, EVENTS, SLEEP, REPORT = range(0xF001, 0xF008)
UNAVAILABLE = 0x700


def lp(data):
    return struct.pack(">I", len(data)) + data


class Gone(Exception):
    """The role at the other end is not there."""


class Link:
    def __init__(self, sock):
        self.sock, self.last_id = sock, 0
        self.sock.settimeout(5)

    def call(self, kind, body=b""):
        self.last_id += 1
        try:
            self.sock.send(struct.pack(">HHII", kind, 0, self.last_id, len(body)) + body)
            reply = self.sock.recv(70000)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone()
        if not reply:
            raise Gone()
        got, flags, number, length = struct.unpack(">HHII", reply[:12])
        assert (got, number, length) == (kind, self.last_id, len(reply) - 12) and flags in (1, 3), reply
        return flags == 1, reply[12:]


class Cloisterd:
    def __init__(self, roles=None, program=None, args=()):
        self.top = tempfile.mkdtemp(prefix="cloister-processes-")
        self.state = os.path.join(self.top, "state")
        self.links, self.log, self.ended = {}, [], None
        program = program or os.environ["CLOISTERD_TEST"]
        if program == os.environ["CLOISTERD_TEST"]:
            self.listen_for_probe()
            roles = roles and ["probe"] + roles
        command = [program, "--state", self.state, "--listen", "127.0.0.1:0", "--workers", "2", *args]
        if roles:
            command += ["--roles", ",".join(roles)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def listen_for_probe(self):
        directory = os.path.join(self.state, "probe")
        os.makedirs(directory, 0o700)
        os.chmod(self.state, 0o700)
        if os.geteuid() == 0:
            os.chown(directory, UID_BASE + PROBE, UID_BASE + PROBE)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.path.join(directory, "driver.sock")
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(8)
        threading.Thread(target=self.take_links, daemon=True).start()

    def take_links(self):
        while True:
            try:
                probe, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.take_links_of, args=(probe,), daemon=True).start()

    def take_links_of(self, probe):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(probe, 16, 1)
            except OSError:
                return
            if not data:
                return
            self.links[struct.unpack(">H", data)[0]] = Link(
                socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, fds[0]))

    def read_log(self):
        for line in self.process.stderr:
            text = line.decode(errors="replace").rstrip()
            try:
                self.log.append(json.loads(text))
            except ValueError:
                self.log.append({"event": "plain", "text": text})

    def events(self, event, **fields):
        return [l for l in list(self.log) if l["event"] == event and all(l.get(k) == v for k, v in fields.items())]

    def wait(self, what, seconds=10):
        """Until what() is true; what it returned."""
        end = time.monotonic() + seconds
        while True:
            found = what()
            if found:
                return found
            if time.monotonic() > end or (self.process.poll() is not None and not self.reader.is_alive()):
                raise AssertionError("timed out, or ended; the log's end:\n" + "\n".join(map(str, self.log[-15:])))
            time.sleep(0.005)

    def wait_ready(self):
        return self.wait(lambda: self.events("cloister.ready"))[0]

    def ready(self, role):
        """READY lines of a role, one for each start."""
        return self.events("role.ready", role=role)

    def pid(self, role):
        return self.ready(role)[-1]["pid"]

    def call(self, role, kind, body=b"", patience=5):
        """A call over the link that there is; tried again while the role is being restarted."""
        end = time.monotonic() + patience
        while True:
            try:
                link = self.links.get(ROLES[role])
                if link:
                    return link.call(kind, body)
            except Gone:
                if self.links.get(ROLES[role]) is link:
                    del self.links[ROLES[role]]
            if time.monotonic() > end:
                raise AssertionError("no link to " + role)
            time.sleep(0.005)

    def ping(self, role):
        ok, body = self.call(role, PING)
        assert ok, body
        number, state, abi, starts = struct.unpack(">HIII", body[:14])
        return {"role": number, "state": state, "abi": abi, "starts": starts, "name": body[18:].decode()}

    def through(self, role, peer, kind=PING, body=b""):
        """What `role` gets when it calls `peer`: (negated error, bytes)."""
        ok, reply = self.call(role, CALL, struct.pack(">HH", ROLES[peer], kind) + lp(body))
        assert ok, reply
        return struct.unpack(">I", reply[:4])[0], reply[8:]

    def dies_of(self, role, kind, body):
        """Makes a call that must not return; how the process ended, from the log, after it is back."""
        before = len(self.ready(role))
        ended = len(self.events("role.ended", role=role))
        try:
            link = self.wait(lambda: self.links.get(ROLES[role]))
            return "answered %r" % (link.call(kind, body),)
        except Gone:
            if self.links.get(ROLES[role]) is link:
                del self.links[ROLES[role]]
        how = self.wait(lambda: self.events("role.ended", role=role)[ended:])[0]["how"]
        self.wait(lambda: len(self.ready(role)) > before or self.process.poll() is not None)
        return how

    def roles_alive(self):
        """Processes that run this program for any role: found by their arguments and parentage, not by our log."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    words = f.read().split(b"\0")
                if words[:2] == [b"cloisterd", b"--role"] and int(pid) in self.all_pids():
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def all_pids(self):
        return {l["pid"] for l in self.events("role.ready")}

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        if hasattr(self, "listener"):
            self.listener.close()
        shutil.rmtree(self.top, ignore_errors=True)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
