"""A running Cloister for tests: script/dev with the daemon under test, and clients for its accounts."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import boto3
import botocore.config

SOURCE = pathlib.Path(__file__).resolve().parents[3]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"  # botocore would look for credentials on the network


class Instance:
    """`with Instance(daemon) as i:`; attributes are those of script/dev's JSON line."""

    def __init__(self, daemon, log, *options):
        self.log = open(log, "w")
        self.process = subprocess.Popen([SOURCE / "script/dev", "--daemon", daemon, *options], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the instance did not start; see {log}")
        self.__dict__.update(json.loads(line))
        self.account = {a["name"]: a for a in self.accounts}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self.log.close()

    def client(self, service, who, retries=0, **config):
        """A boto3 client; `who` is an account's name, or a dict with access_key, secret_key and perhaps token."""
        key = self.account[who] if isinstance(who, str) else who
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=self.region, verify=self.ca,
            aws_access_key_id=key["access_key"], aws_secret_access_key=key["secret_key"],
            aws_session_token=key.get("token"),
            config=botocore.config.Config(retries={"max_attempts": retries, "mode": "standard"}, connect_timeout=10,
                                          read_timeout=60, s3={"addressing_style": "path"}, **config))

    @staticmethod
    def children(parent):
        """[(pid, words of the command line)] of the processes that a process started."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append((int(stat.parent.name), (stat.parent / "cmdline").read_bytes().split(b"\0")))
            except OSError:
                continue  # it has ended meanwhile
        return found

    def supervisor(self):
        """Its pid: script/dev has started one process."""
        return self.children(self.process.pid)[0][0]

    def roles(self):
        """{role name: pid}."""
        return {words[2].decode(): pid for pid, words in self.children(self.supervisor())
                if len(words) > 2 and words[1] == b"--role"}


class Report:
    """TAP, one line a check; a check that fails says what it saw."""

    def __init__(self):
        self.good = []

    def check(self, what, good, detail=""):
        self.good.append(bool(good))
        print(f"{'ok' if good else 'not ok'} {len(self.good)} - {what}{'' if good else ': ' + str(detail)[:400]}", flush=True)

    def same(self, what, found, wanted):
        self.check(what, found == wanted, f"found {found!r}, wanted {wanted!r}")

    def refused(self, what, code, call, *args, **kwargs):
        """The call must fail with an AWS error of that code."""
        try:
            found = call(*args, **kwargs)
        except Exception as e:  # whatever a client throws is what a user would see
            found = getattr(e, "response", {}).get("Error", {}).get("Code", repr(e))
            self.check(what, found == code, f"found {e}, wanted {code}")
            return
        self.check(what, False, f"was answered: {found}")

    def end(self):
        print(f"1..{len(self.good)}")
        sys.exit(0 if all(self.good) else 1)
