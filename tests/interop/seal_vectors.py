"""Writes tests/vectors/formats/: sealed files, KMS blobs and the root key, with everything random fixed, computed by
seal_reference.py alone. The C tests read what this writes; docs/protocol/ quotes it.

usage: seal_vectors.py DIRECTORY"""

import hashlib
import hmac
import os
import struct
import sys

import seal_reference as ref
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand


class FixedRandom:
    """os.urandom and key generation for the reference: a counter hashed."""

    def __init__(self):
        self.count = 0

    def urandom(self, length):
        self.count += 1
        return hashlib.shake_256(b"vector %d" % self.count).digest(length)


class FixedX25519:
    @staticmethod
    def generate():
        return X25519PrivateKey.from_private_bytes(bytes(range(64, 96)))


def write(path, note, cases):
    with open(path, "w", encoding="utf-8") as out:
        out.write("# %s\n" % note)
        for case in cases:
            out.write("\n")
            for name, value in case.items():
                out.write("%s = %s\n" % (name, value.hex() if isinstance(value, bytes) else value))


def sealed_files():
    private = bytes(range(32))
    recipient = ref.raw(X25519PrivateKey.from_private_bytes(private).public_key())
    for size in (0, 5, ref.CHUNK):
        plain = bytes(i * 7 & 255 for i in range(size))
        key = hashlib.sha256(b"data key %d" % size).digest()
        sealed = ref.seal(plain, key, b"correct horse", recipient)
        (core_len,) = struct.unpack_from(">I", sealed, len(ref.MAGIC))
        bound = sealed[: len(ref.MAGIC) + 4 + core_len]
        wraps_len = 4096
        yield {
            "result": "valid",
            "data_key": key,
            "passphrase": "correct horse",
            "private_key": private,
            "core": bound[len(ref.MAGIC) + 4 :].decode(),
            "core_hash": hashlib.sha256(bound).digest(),
            "wraps": sealed[len(bound) + 4 : len(bound) + 4 + wraps_len].rstrip().decode(),
            "message": sealed[len(bound) + 4 + wraps_len :],
            "plain": plain,
        }


def blobs():
    key, key_id = bytes(range(32)), bytes(range(16, 32))
    for context in ({}, {"purpose": "training", "bucket": "a"}, {"\u00e9": "\u20ac"}):
        nonce = hashlib.sha256(ref.canonical(context)).digest()[:24]
        yield {
            "result": "valid",
            "key": key,
            "key_id": key_id,
            "key_version": 3,
            "context": ref.canonical(context).decode(),
            "plain": b"a data key of 32 bytes, or text.",
            "blob": ref.blob_seal(key, key_id, 3, context, b"a data key of 32 bytes, or text.", nonce),
        }


USES = ["epoch", "rows", "iam", "session", "broker-hpke", "broker-sign", "ca", "records", "bucket", "backup"]


def root():
    """root.json of a provider whose key is 32 times 0x07 and which has no parameters."""
    provider_key, root_key = b"\x07" * 32, bytes(range(100, 132))
    installation = "01234567-89ab-4def-8123-456789abcdef"

    def expand(label):
        return HKDFExpand(hashes.SHA256(), 32, label).derive(provider_key)

    aad = ref.lp(b"cloister.root-file/v1", installation.encode(), b"fixed", b"{}")
    content = {
        "check": ref.b64(expand(b"cloister.root-check/v1")),
        "installation": installation,
        "parameters": {},
        "provider": "fixed",
        "v": 1,
        "wrapped": ref.b64(ref.xaes_seal(expand(b"cloister.root-wrap/v1"), aad, root_key, bytes(range(24)))),
    }
    content["sum"] = hashlib.sha256(ref.canonical(content)).hexdigest()
    case = {"result": "valid", "root_json": ref.canonical(content).decode()}
    for use in USES:
        info = ref.lp(b"cloister.root." + use.encode() + b"/v1", b"context")
        case[use] = HKDF(hashes.SHA256(), 32, installation.encode(), info).derive(root_key)
    yield case


def u64(value):
    return struct.pack(">Q", value)


def state():
    """Generations 0 and 1 of any new database: nothing, then the first epoch."""
    first = hashlib.sha256(b"cloister.keys-state/v1").digest()
    row = ref.lp(b"kms_epoch", u64(1), b"the epoch whose key wraps all material")
    rows = hashlib.sha256(ref.lp(b"cloister.keys-row/v1", bytes(32), b"", row)).digest()
    second = hashlib.sha256(ref.lp(b"cloister.keys-state/v1", first, u64(1), rows)).digest()
    row_key = bytes(range(32))
    yield {
        "result": "valid",
        "generation_0": first,
        "generation_1": second,
        "row_key": row_key,
        "sum_1": hmac.new(row_key, row, "sha256").digest(),
    }


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    ref.os = FixedRandom()
    ref.X25519PrivateKey = FixedX25519
    made = "computed by tests/interop/seal_vectors.py, in Python"
    write(directory + "/sealed-file.txt", "sealed files, " + made, sealed_files())
    write(directory + "/kms-blob.txt", "KMS blobs, " + made, blobs())
    write(directory + "/root.txt", "root.json and the keys derived from the root, " + made, root())
    write(directory + "/state.txt", "the hash chain of the keys database, " + made, state())


main()
