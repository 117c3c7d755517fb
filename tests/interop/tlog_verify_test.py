#!/usr/bin/python3
"""Logs that we write, and what is done to them, as tlog_verify.py sees it.

    tlog_verify_test.py MAKE_LOG VECTORS"""
import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

VERIFY = pathlib.Path(__file__).with_name("tlog_verify.py")
failures = 0


def verify(*arguments):
    done = subprocess.run([sys.executable, str(VERIFY), *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout.strip()


def expect(what, code, *arguments):
    global failures
    found, text = verify(*arguments)
    ok = found == code
    failures += not ok
    print(f"{'ok' if ok else 'FAILED'}: {what}: {text}")


def make(program, folder, count):
    folder.mkdir()
    subprocess.run([program, str(folder), str(count)], check=True)
    return folder, (folder / "vkey").read_text()


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def check_receipt(folder):
    """The receipt by docs/protocol/log.md: the leaf commits to SHA-256(lp(salt, record))."""
    global failures
    text = (folder / "receipt").read_bytes()
    receipt = json.loads(text)
    record = json.dumps(receipt["record"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    salt = base64.b64decode(receipt["salt"])
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in (salt, record))
    leaf = json.dumps(receipt["leaf"], sort_keys=True, separators=(",", ":")).encode()
    ok = (base64.b64encode(hashlib.sha256(parts).digest()).decode() == receipt["leaf"]["commit"]
          and leaf == (folder / "leaf").read_bytes() and receipt["proof"] == (folder / "proof").read_text())
    failures += not ok
    print(f"{'ok' if ok else 'FAILED'}: the receipt opens the leaf's commitment")


def main():
    program, vectors = sys.argv[1], pathlib.Path(sys.argv[2])
    tessera = vectors / "tlog" / "tessera"
    expect("another project's log", 0, "--any-leaves", tessera / "log", (tessera / "log.vkey").read_text())
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        for count in (2, 255, 256, 257, 1000, 66000):
            folder, vkey = make(program, top / str(count), count)
            expect(f"a log of {count}", 0, folder / "public", vkey, folder / "proof", folder / "leaf", "--older",
                   folder / "older")
            check_receipt(folder)
        folder, vkey = make(program, top / "bad", 700)
        public = folder / "public"
        other_vkey = (top / "257" / "vkey").read_text()
        expect("another key", 1, public, other_vkey)
        expect("another log's older checkpoint", 1, public, vkey, "--older", top / "257" / "older")
        for name in ("tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/000", "tile/entries/002.p/188",
                     "checkpoint"):
            flip(public / name, 40)
            expect(f"{name} altered", 1, public, vkey)
            flip(public / name, 40)
        flip(folder / "leaf", 20)
        expect("a proof for another leaf", 1, public, vkey, folder / "proof", folder / "leaf")
        expect("all of it right again", 0, public, vkey)
    return 1 if failures else 0


sys.exit(main())
