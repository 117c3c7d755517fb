"""Runs cloister in a scratch directory and counts what it did, in TAP."""
import os, pty, select, shutil, subprocess, sys, tempfile, time, traceback

CLOISTER = os.environ["CLOISTER"]


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def must(self, code, *words):
        """Ended like that, in one sentence that holds these words."""
        assert self.code == code, "exit %d, %d expected: %s" % (self.code, code, self.err)
        for word in words:
            assert word in self.err, "%r is not in %r" % (word, self.err)
        if code:
            lines = self.err.strip().splitlines()
            assert len(lines) == 1 and lines[0].startswith("cloister"), self.err
        return self


class Scratch:
    """A directory of its own, with an environment in which nothing of the user's is found."""

    def __enter__(self):
        self.top = tempfile.mkdtemp(prefix="cloister-cli-")
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.top, "LC_ALL": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.top, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.top, name)

    def write(self, name, data, mode=0o600):
        with open(self.path(name), "wb") as f:
            f.write(data)
        os.chmod(self.path(name), mode)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def run(self, *args, stdin=b"", stdout=subprocess.PIPE):
        # A session of its own: there is no terminal to ask.
        done = subprocess.run([CLOISTER, *args], input=stdin, stdout=stdout, stderr=subprocess.PIPE, cwd=self.top,
                              env=self.env, start_new_session=True, check=False)
        return Result(done.returncode, done.stdout or b"", done.stderr.decode())

    def start(self, *args):
        return subprocess.Popen([CLOISTER, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, cwd=self.top, env=self.env, start_new_session=True)

    def identity(self, name="me.identity"):
        return self.run("key", "identity", name).must(0).out.decode().strip()

    def on_terminal(self, *args, answers=(), think_s=0):
        """Runs it on a terminal of its own and answers each question; returns status and all that was shown."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.top)
            os.execve(CLOISTER, [CLOISTER, *args], dict(self.env, TERM="xterm"))
        shown, answers, deadline = b"", list(answers), time.monotonic() + 60
        asked = 0
        while time.monotonic() < deadline:
            if select.select([fd], [], [], 0.2)[0]:
                try:
                    got = os.read(fd, 4096)
                except OSError:
                    break
                if not got:
                    break
                shown += got
            if answers and shown.count(b": ") > asked and shown.endswith(b": "):
                asked = shown.count(b": ")
                time.sleep(think_s)
                os.write(fd, answers.pop(0))
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def main(tests):
    wanted = sys.argv[1:]
    tests = [t for t in tests if not wanted or t.__name__ in wanted]
    failed = 0
    print("1..%d" % len(tests))
    for number, t in enumerate(tests, 1):
        name = t.__name__.replace("_", " ")
        try:
            with Scratch() as s:
                skipped = t(s)
            print("ok %d - %s%s" % (number, name, " # SKIP " + skipped if skipped else ""), flush=True)
        except Exception:
            failed += 1
            print("not ok %d - %s" % (number, name), flush=True)
            for line in traceback.format_exc().splitlines():
                print("# " + line, flush=True)
    return 1 if failed else 0
