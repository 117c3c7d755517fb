#!/usr/bin/python3
"""Verifies the public directory of a log by the C2SP rules, with nothing but Python's standard library.

    tlog_verify.py DIRECTORY VKEY [PROOF LEAF] [--older CHECKPOINT]

DIRECTORY holds checkpoint and tile/. Every tile and bundle that a log of the checkpoint's size has is read and derived
again: entries give leaf hashes, leaf hashes the tiles of every level, those the root, which must be signed. Each leaf must
be Cloister's (docs/protocol/log.md), and continue the chain of its producer. PROOF is a .tlog-proof for the entry in the
file LEAF. --older: an earlier checkpoint of the log, which must be a prefix. Written from the specifications, without a
look at the C.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import sys

WIDTH = 256


class Wrong(Exception):
    pass


def require(holds, sentence):
    if not holds:
        raise Wrong(sentence)


# --- Ed25519 (RFC 8032), verification only -------------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if x2 == 0:
        return None if sign else 0
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_M1 % P
    if (x * x - x2) % P:
        return None
    return P - x if x & 1 != sign else x


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)


def ed25519_verifies(public, message, signature):
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or len(signature) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = multiply(s, BASE), add(r, multiply(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- notes and checkpoints ------------------------------------------------------------------------------------------

def b64(text):
    return base64.b64decode(text, validate=True)


class VerifierKey:
    def __init__(self, text):
        self.name, key_id, key = text.strip().split("+", 2)
        self.key_id, key = bytes.fromhex(key_id), b64(key)
        require(key[0] == 1 and len(key) == 33, "the verifier key is not an Ed25519 key")
        self.public = key[1:]
        expected = hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4]
        require(self.key_id == expected, "the verifier key does not have its id")


def open_checkpoint(data, key):
    """(size, root) of a checkpoint that the key has signed."""
    text, lines = data.decode().rsplit("\n\n", 1)
    text += "\n"
    signed = False
    for line in lines.splitlines():
        dash, name, signature = line.split(" ")
        signature = b64(signature)
        require(dash == "\u2014", "a signature line begins with an em dash")
        if name == key.name and signature[:4] == key.key_id:
            require(ed25519_verifies(key.public, text.encode(), signature[4:]), "the log's signature is wrong")
            signed = True
    require(signed, "the checkpoint is not signed by that key")
    origin, size, root = text.splitlines()[:3]
    require(origin == key.name, "the checkpoint has another origin")
    require(str(int(size)) == size, "the size is not written as it should be")
    return int(size), b64(root)


# --- trees ----------------------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """RFC 6962 section 2.1 over leaf hashes, without recursion: pairs are joined, a last odd one moves up."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    while len(hashes) > 1:
        pairs = [node_hash(a, b) for a, b in zip(hashes[::2], hashes[1::2])]
        hashes = pairs + hashes[len(hashes) - len(hashes) % 2:]
    return hashes[0]


def tile_name(kind, index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{kind}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


def read_tiles(folder, kind, count):
    """(name, width, content) of the tiles that hold `count` hashes or entries."""
    for index in range((count + WIDTH - 1) // WIDTH):
        width = min(WIDTH, count - index * WIDTH)
        name = tile_name(kind, index, width)
        yield name, width, (folder / name).read_bytes()


def read_entries(folder, size):
    entries = []
    for name, width, content in read_tiles(folder, "entries", size):
        at = 0
        for _ in range(width):
            length = int.from_bytes(content[at:at + 2], "big")
            require(at + 2 + length <= len(content), f"{name} is cut short")
            entries.append(content[at + 2:at + 2 + length])
            at += 2 + length
        require(at == len(content), f"{name} holds more than its entries")
    return entries


def check_levels(folder, hashes):
    """Every tile of every level holds what the level below gives."""
    level, tiles = 0, 0
    while hashes:
        for number, (name, width, content) in enumerate(read_tiles(folder, level, len(hashes))):
            expected = b"".join(hashes[number * WIDTH:number * WIDTH + width])
            require(content == expected, f"{name} does not hold the hashes of what is below it")
            tiles += 1
        full = len(hashes) // WIDTH
        hashes = [tree_hash(hashes[n * WIDTH:(n + 1) * WIDTH]) for n in range(full)]
        level += 1
    return tiles


def check_inclusion(leaf, index, size, path, root):
    """RFC 9162 section 2.1.3.2."""
    require(index < size, "the proof is for a leaf beyond the tree")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        require(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    require(sn == 0 and r == root, "the proof does not lead to the signed root")


# --- Cloister's leaves ------------------------------------------------------------------------------------------------

def check_leaves(entries):
    last = {}
    for index, entry in enumerate(entries):
        leaf = json.loads(entry)
        canonical = json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        require(canonical == entry, f"leaf {index} is not canonical JSON")
        require(sorted(leaf) == ["commit", "prev", "producer", "seq", "v"] and leaf["v"] == 1,
                f"leaf {index} has other members than version 1")
        require(len(b64(leaf["commit"])) == 32, f"leaf {index} commits to nothing")
        seq, prev = last.get(leaf["producer"], (0, b""))
        require(leaf["seq"] > seq and b64(leaf["prev"]) == prev,
                f"leaf {index} does not continue the chain of its producer")
        last[leaf["producer"]] = leaf["seq"], leaf_hash(entry)


def check_proof(text, leaf, key):
    head, checkpoint = text.split("\n\n", 1)
    lines = head.split("\n")
    require(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a proof")
    if lines[0].startswith("extra "):
        lines.pop(0)
    word, index = lines.pop(0).split(" ")
    require(word == "index" and str(int(index)) == index, "the proof has no index")
    size, root = open_checkpoint(checkpoint.encode(), key)
    check_inclusion(leaf_hash(leaf), int(index), size, [b64(line) for line in lines], root)
    return int(index)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("vkey")
    parser.add_argument("proof", type=pathlib.Path, nargs="?")
    parser.add_argument("leaf", type=pathlib.Path, nargs="?")
    parser.add_argument("--older", type=pathlib.Path)
    parser.add_argument("--any-leaves", action="store_true", help="the entries need not be Cloister's")
    args = parser.parse_args()
    try:
        key = VerifierKey(args.vkey)
        size, root = open_checkpoint((args.directory / "checkpoint").read_bytes(), key)
        entries = read_entries(args.directory, size)
        hashes = [leaf_hash(entry) for entry in entries]
        tiles = check_levels(args.directory, hashes)
        require(tree_hash(hashes) == root, "the entries do not have the signed root")
        if not args.any_leaves:
            check_leaves(entries)
        if args.older:
            old_size, old_root = open_checkpoint(args.older.read_bytes(), key)
            require(old_size <= size and tree_hash(hashes[:old_size]) == old_root,
                    "the older checkpoint is not a prefix of this log")
        if args.proof:
            check_proof(args.proof.read_text(), args.leaf.read_bytes(), key)
    except (Wrong, OSError, ValueError, KeyError, TypeError) as wrong:
        print(f"{args.directory}: {wrong}")
        return 1
    print(f"{args.directory}: {size} entries, {tiles} tiles, root {root.hex()[:16]}, signed by {key.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
