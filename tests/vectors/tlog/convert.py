"""Rewrites the Merkle proof vectors (JSON) as the cases that tests/lib/vectors.h reads.

Usage: convert.py DIRECTORY, which holds merkle/{inclusion,consistency}.jsonl and rfc6962-roots.json."""
import base64
import json
import pathlib
import sys



def write(name, cases):
    with open(pathlib.Path(__file__).parent / name, "w") as out:
        for case in cases:
            out.writelines(f"{key} = {value}\n" for key, value in case)
            out.write("\n")


def proof_of(case):
    """Hashes as they came, in base64; "-" stands for one of no bytes, which some bad proofs have."""
    return " ".join(h or "-" for h in case["proof"] or [])


def result_of(case):
    return "invalid" if case["wantErr"] else "valid"


def inclusion(case):
    return [("file", case["file"]), ("index", case["leafIdx"]), ("size", case["treeSize"]),
            ("root", case["root"]), ("leaf", case["leafHash"]), ("proof", proof_of(case)), ("result", result_of(case))]


def consistency(case):
    return [("file", case["file"]), ("size1", case["size1"]), ("size2", case["size2"]), ("root1", case["root1"]),
            ("root2", case["root2"]), ("proof", proof_of(case)), ("result", result_of(case))]


def main():
    source = pathlib.Path(sys.argv[1])
    for name, rewrite in (("inclusion", inclusion), ("consistency", consistency)):
        lines = (source / "merkle" / f"{name}.jsonl").read_text().splitlines()
        write(f"{name}.txt", [rewrite(json.loads(line)) for line in lines])
    roots = json.loads((source / "rfc6962-roots.json").read_text())
    write("roots.txt", [[("size", size), ("leaf", leaf), ("root", root)] for size, (leaf, root) in
                        enumerate(zip([""] + roots["leaf_inputs_hex"], roots["root_hex_by_size"]))])


main()
