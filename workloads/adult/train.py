#!/usr/bin/python3
"""Trains gradient-boosted trees on the Adult (Census Income) data: does a person earn more than 50,000 a year?

Follows the SageMaker training-container contract, so it runs unmodified in any such environment:

    /opt/ml/input/config/hyperparameters.json    strings; the names are those of DEFAULTS below
    /opt/ml/input/data/<channel>/*.data          rows to train on; every channel but `test` (two owners, two channels)
    /opt/ml/input/data/test/*.test               rows to measure on
    /opt/ml/model/                               model.json (XGBoost) and columns.json (how rows become features)

Prints one line per round, `round=7 accuracy=0.8612 auc=0.9183`, from which metric definitions read their numbers.
ML_ROOT replaces /opt/ml, for a run outside a job.
"""

import csv
import json
import os
import pathlib
import sys

import numpy
import xgboost

ROOT = pathlib.Path(os.environ.get("ML_ROOT", "/opt/ml"))

COLUMNS = ["age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
           "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country"]
NUMERIC = {"age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week"}

DEFAULTS = {"rounds": "120", "max_depth": "6", "eta": "0.15", "subsample": "0.9", "seed": "1", "nthread": "0"}


def hyperparameters():
    path = ROOT / "input/config/hyperparameters.json"
    given = json.loads(path.read_text()) if path.exists() else {}
    unknown = sorted(set(given) - set(DEFAULTS))
    if unknown:
        sys.exit(f"unknown hyper-parameters: {', '.join(unknown)}; known are {', '.join(DEFAULTS)}")
    return DEFAULTS | given


def rows(directory, suffix):
    """Yields the fields of every row of a channel; a row of another shape ends the job by file and line."""
    for path in sorted(directory.glob(f"*{suffix}")):
        with path.open(newline="") as lines:
            for number, row in enumerate(csv.reader(lines, skipinitialspace=True), 1):
                if not row or row[0].startswith("|"):  # adult.test opens with a comment
                    continue
                if len(row) != len(COLUMNS) + 1:
                    sys.exit(f"{path.name} line {number}: {len(row)} fields where {len(COLUMNS) + 1} were expected")
                yield row


def categories(training):
    """The values of each categorical column, sorted, so that codes do not depend on the order of rows."""
    return {name: sorted({row[i] for row in training if row[i] != "?"})
            for i, name in enumerate(COLUMNS) if name not in NUMERIC}


def features(data, codes):
    """A float matrix, one row per person; `?` and categories never seen in training are missing values."""
    index = {name: {value: k for k, value in enumerate(values)} for name, values in codes.items()}
    x = numpy.full((len(data), len(COLUMNS)), numpy.nan, dtype=numpy.float32)
    y = numpy.zeros(len(data), dtype=numpy.float32)
    for r, row in enumerate(data):
        for c, name in enumerate(COLUMNS):
            if name in NUMERIC:
                x[r, c] = float(row[c])
            else:
                x[r, c] = index[name].get(row[c], numpy.nan)
        y[r] = row[-1].rstrip(".") == ">50K"
    return x, y


class Report(xgboost.callback.TrainingCallback):
    """One line per round, flushed at once: whoever follows the job sees it as it happens."""

    def after_iteration(self, model, epoch, evals_log):
        error = evals_log["test"]["error"][-1]
        auc = evals_log["test"]["auc"][-1]
        print(f"round={epoch + 1} accuracy={1 - error:.4f} auc={auc:.4f}", flush=True)
        return False


def main():
    chosen = hyperparameters()
    data = ROOT / "input/data"
    channels = sorted(p for p in data.iterdir() if p.is_dir() and p.name != "test")
    training = [row for channel in channels for row in rows(channel, ".data")]
    testing = list(rows(data / "test", ".test"))
    if not training or not testing:
        sys.exit("no rows: expected *.data in a training channel and *.test in the channel `test`")
    codes = categories(training)
    print(f"channels={len(channels)} rows={len(training)} test_rows={len(testing)}", flush=True)

    train = xgboost.DMatrix(*features(training, codes))
    test = xgboost.DMatrix(*features(testing, codes))
    booster = xgboost.train(
        {"objective": "binary:logistic", "eval_metric": ["error", "auc"], "tree_method": "hist",
         "max_depth": int(chosen["max_depth"]), "eta": float(chosen["eta"]), "subsample": float(chosen["subsample"]),
         "seed": int(chosen["seed"]), "nthread": int(chosen["nthread"])},
        train, num_boost_round=int(chosen["rounds"]), evals=[(test, "test")], callbacks=[Report()], verbose_eval=False)

    model = ROOT / "model"
    model.mkdir(parents=True, exist_ok=True)
    booster.save_model(model / "model.json")
    (model / "columns.json").write_text(json.dumps({"columns": COLUMNS, "categories": codes}, indent=1) + "\n")


if __name__ == "__main__":
    main()
