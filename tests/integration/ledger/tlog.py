"""A log as it is fetched, and receipts (docs/protocol/log.md), checked by tests/interop/tlog_verify.py, which shares no
code with Cloister."""
import base64, hashlib, json, os, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "interop"))
from tlog_verify import (VerifierKey, check_leaves, check_levels, check_proof, leaf_hash, open_checkpoint, read_entries,
                         require, tree_hash)


class Fetched:
    """What a path below /-/log/ gives, where the verifier expects files."""

    def __init__(self, fetch, name=""):
        self.fetch, self.name = fetch, name

    def __truediv__(self, name):
        return Fetched(self.fetch, name)

    def read_bytes(self):
        return self.fetch(self.name)


def verify_log(key, checkpoint, fetch):
    """Everything that a log of this checkpoint must serve: every bundle and every tile of every level. The leaves."""
    size, root = open_checkpoint(checkpoint, key)
    leaves = read_entries(Fetched(fetch), size)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    check_levels(Fetched(fetch), hashes)
    require(tree_hash(hashes) == root, "the entries do not have the signed root")
    check_leaves(leaves)
    return leaves


def last_seqs(leaves):
    """The last number of each producer."""
    return {leaf["producer"]: leaf["seq"] for leaf in map(json.loads, leaves)}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def lp(part):
    return len(part).to_bytes(4, "big") + part


def verify_receipt(key, text):
    """(index, record) of a receipt."""
    receipt = json.loads(text)
    require(receipt["v"] == 1, "a receipt of another version")
    commit = hashlib.sha256(lp(base64.b64decode(receipt["salt"])) + lp(canonical(receipt["record"]))).digest()
    require(base64.b64decode(receipt["leaf"]["commit"]) == commit, "the leaf commits to another record")
    return check_proof(receipt["proof"], canonical(receipt["leaf"]), key), receipt["record"]
