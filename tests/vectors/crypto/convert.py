#!/usr/bin/python3
"""Writes the vector files beside it from their published sources (../SOURCES.md).

usage: convert.py DIRECTORY    the unpacked `cryptography_vectors` package

The output is `name = value` lines, an empty line after each case; binary values in hexadecimal, where "00*16384" stands
for a run of a byte. Values are the sources' own but for these: messages that their source compressed are written out in
full, numbers of ECDSA are put into the DER that our interface takes, and HKDF-SHA-512, which RFC 5869 has no examples
of, is computed here from Python's own hmac.
"""
import base64
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

# Cases of wycheproof's c2sp_chunked_encryption_aes_256_gcm_test.json that the package does not have, with their numbers.
WYCHEPROOF_CHUNKED = {
    33: "78daecd03f2b05010000f0b733ab4b6755a697e17c0352cacef292283bd3934591de88dea0a737bde53248397f4add7a9781c5ee884557eaf23f1fe396dfef23fc36d7c2fbe0f6baa8868eff5e8ee6d7df3e06cb930b717be37b38493a97fdf3a4d91b74b38760fcee77efabb7949e4463dd89a9d30600000000000000000000000000000050bb76da1af909f2e93c5c7cad5a8f9111000000000000000000000000000000a8dfe1ee41b49d75b63ecb99b3d99be668a37cbfa8c2fde795abd59da7b9b85ffc070000ffffa2eb3b6a",
    34: "78daecdcb12a45710080f1534a741ec0a04efe3c00990c1225ca7a504a2906ab4506965327ca2486a37446456723d90d32a0cc6770e77bbbe3ad5b77b90f701fe02cbfdf237c0ff01dbe26559c3d577b5f9fe36ffb633383a993cdb5ed89bc9d5fc5e7df8b2fa1683d4e86cbdbf9bb9b8f68753ded1e87d9d02b3722000000000000000000000000000000a0710b3fe5fbce569adc4fef1e9cce5d3c2902000000000000000000000000000000cd1bf901d4d7ff47cbfd87ecf7af385baa3b2bc3000000ffffe4982ed9",
    35: "78daecc0b14a02010080e10b228a1b8a86a3a0a1a5836a6aaa088a16c1d11344ee0144e516dd1474921b4451dc0e0e074f47c15b1c047510444407e11427411741bd07d0451fc3e5ff7ce65feeedcb5f09ba4fb7f6cffda3e7a56eadf4853ccf8c5b69b9faf11d9abd679f3b37e2fe6a197525eb226cc636ca3a2f000000000000000000000000000000000000000000000080b3536dedb84b4da46bdd68174b8991508b0c7b4eb76c4cbdc9bb57ed212e0cd4df8373d914b7fd8652f8fc0f9c020000ffffa0f7328c",
}
WYCHEPROOF_CHUNKED_KEY = "59454c4c4f57205355424d4152494e452059454c4c4f57205355424d4152494e"
WYCHEPROOF_CHUNKED_COMMENT = {
    33: "two full chunks plus short final chunk, chunks 0 and 1 swapped",
    34: "chunk 0 duplicated in place of chunk 1, followed by short final chunk",
    35: "valid full chunk and short final chunk followed by extra encrypted chunk",
}


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
    return zlib.decompressobj().decompress(data)


def chunked(root):
    for v in json.load(open(root + "/chunked-encryption/vectors.json"))["vectors"]:
        if v.get("aead") != "AEAD_AES_256_GCM":
            continue
        sealed = base64.b64decode(v["ciphertext"] or "")
        yield {
            "comment": v["comment"],
            "result": "valid" if v["expect"] == "success" else "invalid",
            "key": v["key"],
            "context": v["context"],
            "sealed": runs(inflate(sealed) if v.get("compressed") else sealed),
            "plain_len": v.get("payload_length") or 0,
            "plain_sha256": v.get("payload_sha256") or hashlib.sha256().hexdigest(),
        }
    for number, sealed in WYCHEPROOF_CHUNKED.items():
        yield {
            "comment": WYCHEPROOF_CHUNKED_COMMENT[number],
            "result": "invalid",
            "key": WYCHEPROOF_CHUNKED_KEY,
            "context": "",
            "sealed": runs(inflate(bytes.fromhex(sealed))),
            "plain_len": 0,
            "plain_sha256": hashlib.sha256().hexdigest(),
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
        okm, last, counter = b"", b"", 0
        while len(okm) < okm_len:
            counter += 1
            last = hmac.digest(prk, last + info + bytes([counter]), "sha512")
            okm += last
        yield {"hash": "sha512", "ikm": ikm.hex(), "salt": salt.hex(), "info": info.hex(), "prk": prk.hex(),
               "okm": okm[:okm_len].hex()}


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
    write("cobblestone-256.txt", "C2SP chunked-encryption, Cobblestone-256", chunked(root))
    write("aes-256-gcm.txt", "NIST CAVP gcmDecrypt256: six of each group of 96-bit IVs and 128-bit tags", gcm(root))
    write("ecdsa.txt", "NIST CAVP 186-3 SigVer: P-256 with SHA-256, P-384 with SHA-384", ecdsa(root))
    write("ed25519.txt", "ed25519.cr.yp.to sign.input (RFC 8032's among them): the first 64 and the last", ed25519(root))
    write("hpke.txt", "CFRG HPKE: mode base, kem 0x0020, kdf 0x0001, aead 0x0002; first message", hpke(root))
    write("hkdf.txt", "RFC 5869 appendix A, and SHA-512 from Python's hmac",
          list(hkdf_rfc5869(root)) + list(hkdf_sha512()))
    write("hmac.txt", "RFC 4231", hmac_rfc4231(root))
    write("scrypt.txt", "RFC 7914 section 12", scrypt(root))


main()
