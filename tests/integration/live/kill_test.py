#!/usr/bin/python3
"""kill -9 of each role at random moments while objects are put and keys are used, and of the supervisor at the end:
nothing that was acknowledged is lost. Usage: kill_test.py CLOISTERD; 50 rounds, 1,000 with CLOISTER_LONG set. Speaks
TAP."""

import hashlib
import os
import random
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from instance import Instance, Report  # noqa: E402

ROUNDS = 1000 if os.environ.get("CLOISTER_LONG") else 50
t = Report()
scratch = tempfile.TemporaryDirectory()
seed = int.from_bytes(os.urandom(4), "big")
chance = random.Random(seed)


def body_of(name):
    return hashlib.shake_128(name.encode()).digest(300_000 if name.endswith("0") else 2_000)


class Worker(threading.Thread):
    """Puts objects and wraps keys without end; remembers what was acknowledged."""

    def __init__(self, instance, number):
        super().__init__(daemon=True)
        self.s3, self.kms = instance.client("s3", "bank"), instance.client("kms", "bank")
        self.key = instance.account["bank"]["kms_key"]
        self.number, self.objects, self.blobs, self.failures = number, [], [], 0
        self.is_stopping = False

    def run(self):
        count = 0
        while not self.is_stopping:
            name = f"{self.number}/{count}"
            count += 1
            try:
                self.s3.put_object(Bucket="kills", Key=name, Body=body_of(name))
                self.objects.append(name)
                data = self.kms.generate_data_key(KeyId=self.key, KeySpec="AES_256")
                self.blobs.append((data["CiphertextBlob"], data["Plaintext"]))
            except Exception:  # a role is away: what was not acknowledged does not count
                self.failures += 1
                time.sleep(0.05)


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Killer:
    """Chooses whom to kill: anyone, but no role so often that the supervisor takes it for a crash loop (5 in 60 s)."""

    def __init__(self, instance):
        self.instance, self.times, self.count = instance, {}, {}

    def strike(self):
        now = time.monotonic()
        ripe = {role: pid for role, pid in self.instance.roles().items()
                if sum(now - then < 62 for then in self.times.get(role, [])) < 4}
        if not ripe:
            return False
        role = chance.choice(sorted(ripe))
        os.kill(ripe[role], signal.SIGKILL)
        self.times.setdefault(role, []).append(now)
        self.count[role] = self.count.get(role, 0) + 1
        return True


def look_for(i, workers, when):
    s3, kms = i.client("s3", "bank", retries=5), i.client("kms", "bank", retries=5)
    lost = [name for w in workers for name in w.objects
            if s3.get_object(Bucket="kills", Key=name)["Body"].read() != body_of(name)]
    t.check(f"{sum(len(w.objects) for w in workers)} acknowledged objects, none lost {when}", not lost,
            f"{lost[:5]} seed {seed}")
    lost = [b for w in workers for b, plain in w.blobs if kms.decrypt(CiphertextBlob=b)["Plaintext"] != plain]
    t.check(f"{sum(len(w.blobs) for w in workers)} wrapped keys, none lost {when}", not lost, f"{len(lost)} seed {seed}")


def kill_roles(i):
    i.client("s3", "bank").create_bucket(Bucket="kills")
    workers = [Worker(i, n) for n in range(3)]
    for worker in workers:
        worker.start()
    killer, came_back, kills = Killer(i), True, 0
    while came_back and kills < ROUNDS:
        before = sum(len(w.objects) for w in workers)
        # Something must be acknowledged between two kills, or this would test nothing.
        came_back = wait_for(lambda: sum(len(w.objects) for w in workers) > before, 60)
        time.sleep(chance.random())
        kills += killer.strike()
    for worker in workers:
        worker.is_stopping = True
    for worker in workers:
        worker.join(120)
    t.check(f"{kills} kills, each followed by work again", came_back and kills == ROUNDS, f"{killer.count} seed {seed}")
    print(f"# {killer.count}, {sum(w.failures for w in workers)} calls that failed meanwhile, seed {seed}")
    return workers


state = os.path.join(scratch.name, "state")
with Instance(sys.argv[1], os.path.join(scratch.name, "log"), "--state", state) as i:
    try:
        done = kill_roles(i)
        look_for(i, done, "")
        os.kill(i.supervisor(), signal.SIGKILL)
        i.process.wait(30)
    except Exception as error:
        t.check("it goes through", False, repr(error))
        done = []
with Instance(sys.argv[1], os.path.join(scratch.name, "log2"), "--state", state) as i:
    look_for(i, done, "after the supervisor was killed too")
if not all(t.good):
    print("# " + open(os.path.join(scratch.name, "log")).read()[-3000:].replace("\n", "\n# "))
t.end()
