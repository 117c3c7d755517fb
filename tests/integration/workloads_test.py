#!/usr/bin/python3
"""The workloads run outside a job as in one: the directory of the container contract stands at ML_ROOT. Usage:
workloads_test.py SOURCE_ROOT LOGIT_TRAIN. Speaks TAP."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

source, logit = pathlib.Path(sys.argv[1]), sys.argv[2]
results = []
scratch = tempfile.TemporaryDirectory()


def check(what, good, detail=""):
    results.append(good)
    print(f"{'ok' if good else 'not ok'} {len(results)} - {what}{'' if good else ': ' + detail}", flush=True)


def root(channels, hyperparameters):
    """A directory as a job sees it: {channel: [(file name, bytes)]}."""
    top = pathlib.Path(tempfile.mkdtemp(dir=scratch.name))
    for channel, files in channels.items():
        (top / "input/data" / channel).mkdir(parents=True)
        for name, content in files:
            (top / "input/data" / channel / name).write_bytes(content)
    (top / "input/config").mkdir(parents=True)
    (top / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters))
    (top / "model").mkdir()
    return top


def run(command, top):
    return subprocess.run(command, env={"ML_ROOT": str(top), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
                          timeout=300)


adult = source / "workloads/adult"
rows = (adult / "data/adult.data").read_bytes().splitlines(keepends=True)
halves = {"hospital": [("a.data", b"".join(rows[:16280]))], "bank": [("b.data", b"".join(rows[16280:]))],
          "test": [("adult.test", (adult / "data/adult.test").read_bytes())]}
train = ["/usr/bin/python3", str(adult / "train.py")]

top = root(halves, {"rounds": "60", "eta": "0.25"})
done = run(train, top)
numbers = re.findall(r"^round=(\d+) accuracy=([0-9.]+) auc=([0-9.]+)$", done.stdout, re.M)
check("adult trains on two owners' halves", done.returncode == 0 and len(numbers) == 60, done.stderr[-300:])
check("its test accuracy is 86 % or better", bool(numbers) and float(numbers[-1][1]) >= 0.86, str(numbers[-1:]))
check("it leaves a model and how rows become features",
      (top / "model/model.json").exists() and (top / "model/columns.json").exists())

done = run(train, root(halves, {"round": "60"}))
check("an unknown hyper-parameter ends it by name", done.returncode != 0 and "unknown hyper-parameters: round" in done.stderr,
      done.stderr[-300:])
short = dict(halves, bank=[("b.data", b"39, State-gov, 77516\n")])
done = run(train, root(short, {}))
check("a row of another shape ends it by file and line", done.returncode != 0 and "b.data line 1" in done.stderr,
      done.stderr[-300:])

mammograms = (source / "workloads/logit/data/mammography.csv").read_bytes()
top = root({"train": [("m.csv", mammograms)]}, {"epochs": "200", "rate": "0.5"})
done = run([logit], top)
last = re.findall(r"^epoch=200 loss=([0-9.]+) accuracy=([0-9.]+)$", done.stdout, re.M)
check("logit trains and gets better than always saying no", bool(last) and float(last[0][1]) > 0.98, done.stdout[-200:])
check("it writes a bias and six weights", len((top / "model/weights.txt").read_text().splitlines()) == 7)
done = run([logit], root({"train": [("m.csv", b"1,2,3\n4,5\n")]}, {}))
check("a ragged row ends it by file", done.returncode == 1 and "another number of columns" in done.stderr, done.stderr)
done = run([logit], root({"train": [("m.csv", b"1,2,3\nx,5,6\n")]}, {}))
check("a word among numbers ends it by file", done.returncode == 1 and "not numbers" in done.stderr, done.stderr)

print(f"1..{len(results)}")
sys.exit(0 if all(results) else 1)
