"""Writes cosigned/: a checkpoint signed by a log and cosigned by two witnesses, made with Python's cryptography, and the
three verifier keys. The private keys are the SHA-256 of their names: for tests only."""
import base64
import hashlib
import pathlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TEXT = "log.example/cosigned\n3\nrraZ8rwnS3CgT7Bnpe9V8mTnb7bdHB7zMZb0uUyo8UU=\n"


class Key:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.raw = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + self.raw).digest()[:4]

    def vkey(self):
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.raw).decode()}"

    def line(self, payload):
        return f"\u2014 {self.name} {base64.b64encode(self.key_id + payload).decode()}\n"

    def sign(self, text):
        return self.line(self.private.sign(text.encode()))

    def cosign(self, text, time):
        message = f"cosignature/v1\ntime {time}\n{text}"
        return self.line(time.to_bytes(8, "big") + self.private.sign(message.encode()))


def main():
    folder = pathlib.Path(__file__).parent / "cosigned"
    folder.mkdir(exist_ok=True)
    log = Key("log.example/cosigned", 1)
    witnesses = [Key("witness.example/a", 4), Key("witness.example/b", 4)]
    note = TEXT + "\n" + log.sign(TEXT)
    for witness, time in zip(witnesses, (1700000100, 1700000050)):
        note += witness.cosign(TEXT, time)
    (folder / "checkpoint").write_text(note)
    for name, key in (("log", log), ("a", witnesses[0]), ("b", witnesses[1])):
        (folder / f"{name}.vkey").write_text(key.vkey() + "\n")


main()
