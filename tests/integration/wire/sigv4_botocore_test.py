#!/usr/bin/python3
"""Signs fresh random requests with the installed botocore and has our canonical texts compared with its own.

usage: sigv4_botocore_test.py TEST-PROGRAM GENERATOR [SEED]"""
import os
import subprocess
import sys
import tempfile

COUNT = "300"


def main():
    program, generator = sys.argv[1:3]
    try:
        import boto3  # noqa: F401
    except ImportError:
        print("python3-boto3 is not installed")
        return 77
    seed = sys.argv[3] if len(sys.argv) > 3 else str(int.from_bytes(os.urandom(4), "big"))
    print("seed", seed)
    with tempfile.NamedTemporaryFile(suffix=".json") as vectors:
        subprocess.run([sys.executable, generator, seed, COUNT], stdout=vectors, check=True)
        vectors.flush()
        return subprocess.run([program, "generated", vectors.name]).returncode


sys.exit(main())
