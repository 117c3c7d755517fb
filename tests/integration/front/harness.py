"""Starts cloisterd with the stand-in for keys in a throwaway directory, and speaks raw HTTP and boto3 to it."""
import base64, hashlib, http.client, json, os, shutil, signal, socket, ssl, subprocess, tempfile, threading, time
import urllib.parse
import xml.etree.ElementTree as ElementTree

NS = "{http://s3.amazonaws.com/doc/2006-03-01/}"
UID_FRONT = 2000000001


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_certificate(directory):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", directory + "/tls-key.pem", "-out", directory + "/tls-cert.pem", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, stderr=subprocess.DEVNULL)
    os.chmod(directory + "/tls-key.pem", 0o600)
    if os.geteuid() == 0:
        for name in ("tls-key.pem", "tls-cert.pem"):
            os.chown(os.path.join(directory, name), UID_FRONT, UID_FRONT)


class Answer:
    def __init__(self, response, body):
        self.status, self.body, self.fields = response.status, body, response.headers

    def __getitem__(self, name):
        return self.fields[name]

    @property
    def code(self):
        return ElementTree.fromstring(self.body).findtext("Code")

    def xml(self):
        return ElementTree.fromstring(self.body)


class Front:
    def __init__(self, workers=4):
        self.top = tempfile.mkdtemp(prefix="cloister-front-")
        os.chmod(self.top, 0o711)
        self.state = os.path.join(self.top, "state")
        self.store = os.path.join(self.state, "store")
        os.makedirs(self.store, 0o700)
        os.chmod(self.state, 0o711)
        if os.geteuid() == 0:
            os.chown(self.store, UID_FRONT, UID_FRONT)
        make_certificate(self.store)
        self.port, self.plain_port, self.workers = free_port(), free_port(), workers
        self.start()

    def start(self):
        self.log = []
        self.process = subprocess.Popen(
            [os.environ["CLOISTERD_FRONT_TEST"], "--state", self.state, "--listen", "127.0.0.1:%d" % self.port,
             "--insecure-http", "127.0.0.1:%d" % self.plain_port, "--workers", str(self.workers)],
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.reader = threading.Thread(target=self.read_log, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        self.wait(lambda: self.events("cloister.ready"))
        self.wait(lambda: self.is_ready()) # its links come after it is ready itself

    def is_ready(self):
        return all(self.ask("GET", "/-/readyz").status == 200 for _ in range(self.workers))

    def read_log(self, stream):
        for line in stream:
            text = line.decode(errors="replace").rstrip()
            try:
                self.log.append(json.loads(text))
            except ValueError:
                self.log.append({"event": "plain", "text": text})

    def events(self, event, **fields):
        return [l for l in list(self.log) if l["event"] == event and all(l.get(k) == v for k, v in fields.items())]

    def wait(self, what, seconds=15):
        end = time.monotonic() + seconds
        while True:
            found = what()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError("timed out; the log's end:\n" + "\n".join(map(str, self.log[-15:])))
            time.sleep(0.005)

    def front_pid(self):
        return self.events("role.ready", role="front")[-1]["pid"]

    def kill_front(self):
        starts = len(self.events("role.ready", role="front"))
        os.kill(self.front_pid(), signal.SIGKILL)
        return starts

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join(5)
        return self.process.returncode

    def remove(self):
        self.stop()
        shutil.rmtree(self.top, ignore_errors=True)

    def context(self):
        return ssl.create_default_context(cafile=self.store + "/tls-cert.pem")

    def connection(self, tls=False):
        if tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(), timeout=30)
        return http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=30)

    def ask(self, method, target, body=None, headers=None, tls=False):
        """One request as it is written here, one answer."""
        c = self.connection(tls)
        try:
            c.putrequest(method, target, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                c.putheader(name, value)
            if body is not None and not any(n.lower() == "content-length" for n in headers or {}):
                c.putheader("Content-Length", str(len(body)))
            c.endheaders(body)
            r = c.getresponse()
            return Answer(r, r.read())
        finally:
            c.close()

    def boto(self, tls=True, **options):
        import boto3
        from botocore.config import Config
        return boto3.client(
            "s3", endpoint_url=("https://127.0.0.1:%d" % self.port if tls else "http://127.0.0.1:%d" % self.plain_port),
            verify=self.store + "/tls-cert.pem", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="any",
            region_name="us-east-1", config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0},
                                                   **options))


def quote(text):
    return urllib.parse.quote(text, safe="/-._~")


def pattern(length, seed=1):
    """Bytes that differ from place to place, quickly made."""
    block = hashlib.shake_256(b"%d" % seed).digest(65537)
    return (block * (length // len(block) + 1))[:length]


def b64(data):
    return base64.b64encode(data).decode()
