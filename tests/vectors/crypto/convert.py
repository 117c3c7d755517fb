#!/usr/bin/python3
"""Writes the vector files beside it from their published sources (../SOURCES.md).

usage: convert.py DIRECTORY    the unpacked `cryptography_vectors` package

The output is `name = value` lines, an empty line after each case; binary values in hexadecimal, where "00*16384" stands
for a run of a byte. Values are the sources' own but for these: messages that their source compressed are written out in
full, numbers of ECDSA are put into the DER that our interface takes, and HKDF-SHA-512, which RFC 5869 has no examples
of, and long messages of Cobblestone-256 are computed here from Python's own hmac and AES-GCM.
"""
import hashlib
import hmac
import json
import os
import re
import sys
import zlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

COBBLESTONE_KEY = "59454c4c4f57205355424d4152494e452059454c4c4f57205355424d4152494e"


def runs(data):
    """Hexadecimal, with runs of 64 equal bytes or more written as byte*count."""
    out = []
    at = 0
    for match in re.finditer(rb"(.)\1{63,}", data, re.DOTALL):
        out.append(data[at:match.start()].hex())
        out.append("%02x*%d" % (match.group(1)[0], len(match.group(0))))
        at = match.end()
    out.append(data[at:].hex())
    return " ".join(part for part in out if part)


def write(name, comment, cases):
    with open(os.path.join(os.path.dirname(__file__), name), "w") as f:
        f.write("# %s\n\n" % comment)
        for case in cases:
            for key, value in case.items():
                f.write("%s = %s\n" % (key, value))
            f.write("\n")


def inflate(data):
    """Checks the Adler-32 at the end, and so that nothing was lost on the way here."""
    plain = zlib.decompressobj(-15).decompress(data[2:-4])
    assert zlib.adler32(plain) == int.from_bytes(data[-4:], "big")
    return plain


def cobblestone_wycheproof():
    path = os.path.join(os.path.dirname(__file__), "wycheproof_cobblestone-256.json")
    for v in json.load(open(path)):
        yield {
            "comment": "%d: %s" % (v["tcId"], v["comment"]),
            "result": v.get("result", "invalid"),
            "key": v.get("key", COBBLESTONE_KEY),
            "context": v["ctx"],
            "sealed": runs(inflate(bytes.fromhex(v["ct"]))),
            "plain_len": v.get("msgLength", 0),
            "plain_sha512": v.get("msgSha512", hashlib.sha512().hexdigest()),
        }


def hkdf_expand(digest, prk, info, length):
    okm, last, counter = b"", b"", 0
    while len(okm) < length:
        counter += 1
        last = hmac.digest(prk, last + info + bytes([counter]), digest)
        okm += last
    return okm[:length]


def cobblestone_long(chunks):
    """A message of whole chunks and three bytes. Each chunk's plaintext is its keystream: so that the ciphertext is
    zeros, and the file is short."""
    key, salt, context = bytes.fromhex(COBBLESTONE_KEY), bytes(range(24)), b"long"
    okm = hkdf_expand("sha512", key, b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + context, 76)
    aead, base_nonce, commitment = AESGCM(okm[:32]), int.from_bytes(okm[32:44], "big"), okm[44:]
    sealed, plain = [salt, commitment], []
    for i in range(chunks + 1):
        nonce = (base_nonce ^ i).to_bytes(12, "big")
        text = aead.encrypt(nonce, bytes(16384 if i < chunks else 3), b"")[:-16]
        plain.append(text)
        sealed.append(aead.encrypt(nonce, text, b""))
    plain = b"".join(plain)
    return {
        "comment": "%d whole chunks and three bytes" % chunks, "result": "valid", "key": key.hex(),
        "context": context.hex(), "sealed": runs(b"".join(sealed)), "plain_len": len(plain),
        "plain_sha512": hashlib.sha512(plain).hexdigest(),
    }


def rsp(path):
    """Cases of a NIST response file, each with the section it stands in."""
    section, case = {}, {}
    for line in open(path):
        line = line.strip()
        if line.startswith("["):
            if case:
                yield case
                case = {}
            if "=" in line:
                key, value = line.strip("[]").split("=")
                section[key.strip()] = value.strip()
            else:
                section = {"curve": line.strip("[]")}
        elif not line and case:
            yield case
            case = {}
        elif line == "FAIL":
            case["Result"] = "F"
        elif "=" in line and not line.startswith("#"):
            case = case or dict(section)
            key, value = line.split("=", 1)
            case[key.strip()] = value.strip()
    if case:
        yield case


def gcm(root):
    seen = {}
    for c in rsp(root + "/ciphers/AES/GCM/gcmDecrypt256.rsp"):
        if c.get("IVlen") != "96" or c.get("Taglen") != "128" or "CT" not in c:
            continue
        group = (c["PTlen"], c["AADlen"])
        seen[group] = seen.get(group, 0) + 1
        if seen[group] > 6:
            continue
        yield {
            "result": "invalid" if c.get("Result") == "F" else "valid",
            "key": c["Key"], "nonce": c["IV"], "aad": c["AAD"],
            "plain": c.get("PT", ""), "sealed": c["CT"] + c["Tag"],
        }


def ecdsa(root):
    curves = {"P-256,SHA-256": ec.SECP256R1(), "P-384,SHA-384": ec.SECP384R1()}
    for c in rsp(root + "/asymmetric/ECDSA/FIPS_186-3/SigVer.rsp"):
        if c.get("curve") not in curves or "Msg" not in c:
            continue
        numbers = {k: int(c[k], 16) for k in ("Qx", "Qy", "R", "S")}
        try:
            key = ec.EllipticCurvePublicNumbers(numbers["Qx"], numbers["Qy"], curves[c["curve"]]).public_key()
        except ValueError:
            continue
        spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        yield {
            "comment": c["curve"] + " " + c["Result"],
            "result": "valid" if c["Result"].startswith("P") else "invalid",
            "spki": spki.hex(), "message": c["Msg"],
            "signature": encode_dss_signature(numbers["R"], numbers["S"]).hex(),
        }


def ed25519(root):
    lines = open(root + "/asymmetric/Ed25519/sign.input").read().splitlines()
    for line in lines[:64] + lines[-1:]:
        seed, public, message, signed = line.split(":")[:4]
        yield {"seed": seed[:64], "public": public, "message": message, "signature": signed[:128]}


def hpke(root):
    for v in json.load(open(root + "/HPKE/test-vectors.json")):
        if (v["mode"], v["kem_id"], v["kdf_id"], v["aead_id"]) != (0, 0x20, 1, 2):
            continue
        first = v["encryptions"][0]
        yield {
            "info": v["info"], "ephemeral": v["skEm"], "private": v["skRm"], "public": v["pkRm"], "enc": v["enc"],
            "shared_secret": v["shared_secret"], "key": v["key"], "base_nonce": v["base_nonce"],
            "aad": first["aad"], "plain": first.get("plaintext", first.get("pt")),
            "sealed": first.get("ciphertext", first.get("ct")),
        }


def hkdf_rfc5869(root):
    text = open(root + "/KDF/rfc-5869-HKDF-SHA256.txt").read()
    for block in text.split("COUNT =")[1:]:
        c = {k: v.strip() for k, v in re.findall(r"^(\w+)\s*=(.*)$", block, re.MULTILINE)}
        yield {"hash": "sha256", "ikm": c["IKM"], "salt": c["salt"], "info": c["info"], "prk": c["PRK"], "okm": c["OKM"]}


def hkdf_sha512():
    for i, (salt_len, info_len, okm_len) in enumerate([(0, 0, 64), (13, 10, 42), (128, 200, 200), (200, 0, 1), (64, 87, 76)]):
        ikm = hashlib.sha256(b"ikm %d" % i).digest()
        salt = bytes(range(256))[:salt_len]
        info = bytes(range(255, -1, -1))[:info_len]
        prk = hmac.digest(salt or bytes(64), ikm, "sha512")
        okm = hkdf_expand("sha512", prk, info, okm_len)
        yield {"hash": "sha512", "ikm": ikm.hex(), "salt": salt.hex(), "info": info.hex(), "prk": prk.hex(),
               "okm": okm.hex()}


def hmac_rfc4231(root):
    for bits in (256, 384, 512):
        for block in open(root + "/HMAC/rfc-4231-sha%d.txt" % bits).read().split("Len =")[1:]:
            c = {k: v.strip() for k, v in re.findall(r"^(\w+)\s*=(.*)$", block, re.MULTILINE)}
            yield {"hash": "sha%d" % bits, "key": c["Key"], "message": c["Msg"], "mac": c["MD"]}


def scrypt(root):
    for block in open(root + "/KDF/scrypt.txt").read().split("COUNT =")[1:]:
        c = {k: v.strip() for k, v in re.findall(r"^(\w+)\s*=(.*)$", block, re.MULTILINE)}
        if int(c["N"]) > 16384:
            continue  # takes 1 GiB
        yield {"passphrase": c["PASSWORD"].encode().hex(), "salt": c["SALT"].encode().hex(), "n": c["N"], "r": c["r"],
               "p": c["p"], "key": c["DERIVED_KEY"]}


def main():
    root = sys.argv[1]
    write("cobblestone-256.txt", "C2SP chunked-encryption, Cobblestone-256: wycheproof's, and two long ones computed here",
          list(cobblestone_wycheproof()) + [cobblestone_long(257), cobblestone_long(600)])
    write("aes-256-gcm.txt", "NIST CAVP gcmDecrypt256: six of each group of 96-bit IVs and 128-bit tags", gcm(root))
    write("ecdsa.txt", "NIST CAVP 186-3 SigVer: P-256 with SHA-256, P-384 with SHA-384", ecdsa(root))
    write("ed25519.txt", "ed25519.cr.yp.to sign.input (RFC 8032's among them): the first 64 and the last", ed25519(root))
    write("hpke.txt", "CFRG HPKE: mode base, kem 0x0020, kdf 0x0001, aead 0x0002; first message", hpke(root))
    write("hkdf.txt", "RFC 5869 appendix A, and SHA-512 from Python's hmac",
          list(hkdf_rfc5869(root)) + list(hkdf_sha512()))
    write("hmac.txt", "RFC 4231", hmac_rfc4231(root))
    write("scrypt.txt", "RFC 7914 section 12", scrypt(root))


main()
