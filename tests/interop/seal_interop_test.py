"""Sealed files and KMS blobs, both directions: theirs (seal_reference.py) opens ours, ours opens theirs.

usage: seal_interop_test.py SEAL_TOOL"""

import os
import subprocess
import sys

try:
    import seal_reference as theirs
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
except ImportError as missing:
    print("skipped: %s" % missing)
    sys.exit(77)

TOOL = sys.argv[1]
CHUNK, RUN = 16384, 32 * 16384
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, RUN - 1, RUN, RUN + 1, 2 * RUN + CHUNK, 3 * RUN + 77]
PASSPHRASE = "a passphrase with spaces"


def ours(*args, stdin=b""):
    done = subprocess.run([TOOL, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def must(*args, stdin=b""):
    code, out, err = ours(*args, stdin=stdin)
    assert code == 0, err
    return out


def check_files():
    private = X25519PrivateKey.generate()
    private_hex = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()
    recipient = theirs.raw(private.public_key())
    for size in SIZES:
        plain, key = os.urandom(size), os.urandom(32)
        sealed = must("seal", key.hex(), PASSPHRASE, recipient.hex(), stdin=plain)
        assert theirs.unseal(sealed, passphrase=PASSPHRASE.encode()) == plain
        assert theirs.unseal(sealed, private=private) == plain
        sealed = theirs.seal(plain, key, PASSPHRASE.encode(), recipient)
        assert must("open-passphrase", PASSPHRASE, stdin=sealed) == plain
        assert must("open-hpke", private_hex, stdin=sealed) == plain
        code, _, err = ours("open-passphrase", "another", stdin=sealed)
        assert code == 3, err
        altered = bytearray(sealed)
        altered[-1] ^= 1
        code, _, err = ours("open-passphrase", PASSPHRASE, stdin=bytes(altered))
        assert code == 4, err
    return len(SIZES)


def check_blobs():
    contexts = [{}, {"a": "1"}, {"zz": "\u00e9", "a": "b/c", "cloister:sealed": "00" * 32}, {"q": 'a "b"\n\\'}]
    for context in contexts:
        for size in (1, 16, 32, 4096):
            key, key_id, plain = os.urandom(32), os.urandom(16), os.urandom(size)
            text = theirs.canonical(context).decode()
            blob = must("blob-seal", key.hex(), key_id.hex(), "7", text, stdin=plain)
            assert blob[1:17] == key_id and len(blob) == 61 + size
            assert theirs.blob_open(key, context, blob) == plain
            blob = theirs.blob_seal(key, key_id, 7, context, plain)
            assert must("blob-open", key.hex(), text, stdin=blob) == plain
            code, _, err = ours("blob-open", key.hex(), '{"x":"y"}', stdin=blob)
            assert code == 4, err
    return 4 * len(contexts)


print("%d sizes of sealed files and %d KMS blobs, both directions" % (check_files(), check_blobs()))
