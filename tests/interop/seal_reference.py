"""An independent implementation of the sealed file and of the KMS blob, from docs/protocol/ alone.

Used by seal_interop_test.py; shares no code with the C one. Needs python3-cryptography (38 or newer)."""

import base64
import hashlib
import json
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAGIC = b"cloister.sealed/v1\n"
CHUNK = 16384


class Tampered(Exception):
    pass


def lp(*parts):
    return b"".join(struct.pack(">I", len(p)) + p for p in parts)


def canonical(value):
    """RFC 8785 for what occurs here: strings, small integers, ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64(data):
    return base64.b64encode(data).decode()


# --- XAES-256-GCM (C2SP), by hand: two CMAC blocks make the key, the rest of the nonce is GCM's ---


def aes_block(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def xaes_parts(key, nonce):
    left = int.from_bytes(aes_block(key, bytes(16)), "big") << 1
    k1 = (left ^ (0x87 if left >> 128 else 0)) & ((1 << 128) - 1)
    derived = b""
    for counter in (1, 2):
        m = bytes([0, counter, 0x58, 0]) + nonce[:12]
        derived += aes_block(key, (int.from_bytes(m, "big") ^ k1).to_bytes(16, "big"))
    return AESGCM(derived), nonce[12:]


def xaes_seal(key, aad, plain, nonce=None):
    nonce = nonce or os.urandom(24)
    gcm, short = xaes_parts(key, nonce)
    return nonce + gcm.encrypt(short, plain, aad)


def xaes_open(key, aad, sealed):
    gcm, short = xaes_parts(key, sealed[:24])
    try:
        return gcm.decrypt(short, sealed[24:], aad)
    except InvalidTag as error:
        raise Tampered from error


# --- Cobblestone-256 (C2SP chunked-encryption) ---


def cobblestone(key, salt, context):
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + context
    out = HKDFExpand(hashes.SHA512(), 76, info).derive(key)
    return AESGCM(out[:32]), int.from_bytes(out[32:44], "big"), out[44:]


def message_seal(key, context, plain, salt=None):
    salt = salt or os.urandom(24)
    gcm, base, commitment = cobblestone(key, salt, context)
    out = [salt, commitment]
    for i in range(len(plain) // CHUNK + 1):
        out.append(gcm.encrypt((base ^ i).to_bytes(12, "big"), plain[i * CHUNK : (i + 1) * CHUNK], b""))
    return b"".join(out)


def message_open(key, context, message):
    gcm, base, commitment = cobblestone(key, message[:24], context)
    if commitment != message[24:56]:
        raise Tampered("commitment")
    chunks, plain = message[56:], []
    count = len(chunks) // (CHUNK + 16) + 1
    for i in range(count):
        chunk = chunks[i * (CHUNK + 16) : (i + 1) * (CHUNK + 16)]
        try:
            plain.append(gcm.decrypt((base ^ i).to_bytes(12, "big"), chunk, b""))
        except (InvalidTag, ValueError) as error:
            raise Tampered("chunk %d" % i) from error
    return b"".join(plain)


# --- HPKE (RFC 9180): base mode, X25519, HKDF-SHA256, AES-256-GCM, one message ---


def extract(salt, ikm):
    mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(ikm)
    return mac.finalize()


def labeled_extract(suite, salt, label, ikm):
    return extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(suite, prk, label, info, length):
    labeled = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    return HKDFExpand(hashes.SHA256(), length, labeled).derive(prk)


def hpke_gcm(shared, enc, public, info):
    kem = b"KEM" + struct.pack(">H", 0x0020)
    suite = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0002)
    secret = labeled_expand(kem, labeled_extract(kem, b"", b"eae_prk", shared), b"shared_secret", enc + public, 32)
    context = (
        b"\0"
        + labeled_extract(suite, b"", b"psk_id_hash", b"")
        + labeled_extract(suite, b"", b"info_hash", info)
    )
    prk = labeled_extract(suite, secret, b"secret", b"")
    key = labeled_expand(suite, prk, b"key", context, 32)
    return AESGCM(key), labeled_expand(suite, prk, b"base_nonce", context, 12)


def raw(public):
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def hpke_seal(public_bytes, info, plain):
    ephemeral = X25519PrivateKey.generate()
    enc = raw(ephemeral.public_key())
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public_bytes))
    gcm, nonce = hpke_gcm(shared, enc, public_bytes, info)
    return enc, gcm.encrypt(nonce, plain, b"")


def hpke_open(private, enc, info, sealed):
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    gcm, nonce = hpke_gcm(shared, enc, raw(private.public_key()), info)
    return gcm.decrypt(nonce, sealed, b"")


# --- the sealed file ---


def scrypt(passphrase, kdf):
    salt = base64.b64decode(kdf["salt"])
    return Scrypt(salt=salt, length=32, n=1 << kdf["log_n"], r=kdf["r"], p=kdf["p"]).derive(passphrase)


def wrap_label(kind, core_hash, *more):
    return lp(b"cloister.sealed-wrap/v1", kind, core_hash, *more)


def seal(plain, data_key, passphrase, recipient):
    core = canonical(
        {
            "alg": "COBBLESTONE-256",
            "created": "2026-11-22T20:00:00Z",
            "id": b64(os.urandom(32)),
            "plaintext_type": "text/csv",
        }
    )
    bound = MAGIC + struct.pack(">I", len(core)) + core
    core_hash = hashlib.sha256(bound).digest()
    kdf = {"name": "scrypt", "log_n": 14, "r": 8, "p": 1, "salt": b64(os.urandom(32))}
    aad = wrap_label(b"passphrase", core_hash, canonical(kdf))
    enc, hpke_sealed = hpke_seal(recipient, wrap_label(b"hpke", core_hash), data_key)
    wraps = canonical(
        [
            {"type": "passphrase", "kdf": kdf, "ciphertext": b64(xaes_seal(scrypt(passphrase, kdf), aad, data_key))},
            {
                "type": "hpke",
                "recipient": hashlib.sha256(recipient).hexdigest(),
                "enc": b64(enc),
                "ciphertext": b64(hpke_sealed),
            },
        ]
    )
    wraps += b" " * (-len(wraps) % 4096)
    return bound + struct.pack(">I", len(wraps)) + wraps + message_seal(data_key, core_hash, plain)


def unseal(sealed, passphrase=None, private=None):
    assert sealed.startswith(MAGIC)
    at = len(MAGIC)
    (core_len,) = struct.unpack_from(">I", sealed, at)
    bound = sealed[: at + 4 + core_len]
    core_hash = hashlib.sha256(bound).digest()
    (wraps_len,) = struct.unpack_from(">I", sealed, len(bound))
    wraps = sealed[len(bound) + 4 : len(bound) + 4 + wraps_len]
    assert wraps_len % 4096 == 0
    assert canonical(json.loads(wraps)) == wraps.rstrip(b" ")
    message = sealed[len(bound) + 4 + wraps_len :]
    for wrap in json.loads(wraps):
        ciphertext = base64.b64decode(wrap["ciphertext"])
        if wrap["type"] == "passphrase" and passphrase:
            aad = wrap_label(b"passphrase", core_hash, canonical(wrap["kdf"]))
            key = xaes_open(scrypt(passphrase, wrap["kdf"]), aad, ciphertext)
            return message_open(key, core_hash, message)
        if wrap["type"] == "hpke" and private:
            assert wrap["recipient"] == hashlib.sha256(raw(private.public_key())).hexdigest()
            key = hpke_open(private, base64.b64decode(wrap["enc"]), wrap_label(b"hpke", core_hash), ciphertext)
            return message_open(key, core_hash, message)
    raise Tampered("no wrap for us")


# --- the KMS blob ---


def blob_aad(key_id, version, context):
    return lp(b"\x01", key_id, struct.pack(">I", version), canonical(context))


def blob_seal(key, key_id, version, context, plain, nonce=None):
    sealed = xaes_seal(key, blob_aad(key_id, version, context), plain, nonce)
    return b"\x01" + key_id + struct.pack(">I", version) + sealed


def blob_open(key, context, blob):
    assert blob[0] == 1
    (version,) = struct.unpack_from(">I", blob, 17)
    return xaes_open(key, blob_aad(blob[1:17], version, context), blob[21:])
