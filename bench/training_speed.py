#!/usr/bin/env python3
"""Training speed of Quantum Trader against the Python packages, on the same rows and one core.

    python3 -m venv venv && venv/bin/pip install numpy xgboost lightgbm neuralforecast
    venv/bin/python bench/training_speed.py trees    --bench build/release/bin/qtrader-bench
    venv/bin/python bench/training_speed.py networks --qtrader build/release/bin/qtrader --file ETTm2.csv

Runs both sides in turn and prints the median of each and their ratio (ours / theirs; below 1: ours is faster).
A package that is not installed is left out and said so.
"""
import argparse
import functools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROUNDS = 200
XGBOOST = dict(objective="multi:softprob", num_class=3, tree_method="hist", eta=0.03, max_depth=5, min_child_weight=10,
               subsample=0.8, colsample_bytree=0.7, gamma=0.2, alpha=0.3, max_bin=256, nthread=1, seed=1,
               eval_metric="mlogloss", verbosity=0)
XGBOOST["lambda"] = 2.0
LIGHTGBM = dict(objective="multiclass", num_class=3, learning_rate=0.05, num_leaves=31, max_depth=8,
                feature_fraction=0.8, bagging_fraction=0.8, bagging_freq=5, min_data_in_leaf=50, lambda_l1=0.1,
                lambda_l2=0.1, max_bin=255, num_threads=1, deterministic=True, force_row_wise=True,
                metric="multi_logloss", verbosity=-1, seed=1)


def fit_xgboost(x, y, split):
    import xgboost
    start = time.perf_counter()
    train, valid = xgboost.DMatrix(x[:split], y[:split]), xgboost.DMatrix(x[split:], y[split:])
    history = {}
    xgboost.train(XGBOOST, train, ROUNDS, evals=[(valid, "v")], evals_result=history, verbose_eval=False)
    return time.perf_counter() - start, min(history["v"]["mlogloss"])


def fit_lightgbm(x, y, split):
    import lightgbm
    start = time.perf_counter()
    train = lightgbm.Dataset(x[:split], y[:split])
    valid = lightgbm.Dataset(x[split:], y[split:], reference=train)
    history = {}
    lightgbm.train(LIGHTGBM, train, ROUNDS, valid_sets=[valid], callbacks=[lightgbm.record_evaluation(history)])
    return time.perf_counter() - start, min(history["valid_0"]["multi_logloss"])


def trees(args):
    import numpy
    ours, theirs = {}, {}
    with tempfile.TemporaryDirectory() as rows:
        for _ in range(args.repeat):
            out = subprocess.run([args.bench, "--only", "training", "--rows", rows], capture_output=True, text=True,
                                 check=True).stdout
            for figure in json.loads(out)["figures"]:
                ours.setdefault(figure["name"].split(".")[1], []).append(
                    (figure["values"]["fit_s"], figure["values"]["best_validation_log_loss"]))
            y = numpy.fromfile(os.path.join(rows, "labels.u8"), dtype=numpy.uint8)
            x = numpy.fromfile(os.path.join(rows, "x.f64")).reshape(len(y), -1)
            for name, fit in (("xgboost", fit_xgboost), ("lightgbm", fit_lightgbm)):
                try:
                    theirs.setdefault(name, []).append(fit(x, y.astype(float), len(y) - len(y) // 8))
                except ImportError:
                    print(f"{name}: not installed, left out", file=sys.stderr)
    print(f"{'':10} {'ours s':>8} {'python s':>9} {'ratio':>6}   best validation log-loss, ours and theirs")
    for name in theirs:
        a, b = statistics.median(s for s, _ in ours[name]), statistics.median(s for s, _ in theirs[name])
        print(f"{name:10} {a:8.2f} {b:9.2f} {a / b:6.2f}   {ours[name][0][1]:.5f} {theirs[name][0][1]:.5f}")


# The networks `qtrader bench-forecast` fits on ETTm2 at horizon 96 (training/deep/forecast_presets.cpp; of N-HiTS the
# first trial), 32 windows of all 7 series a step. Ours also validates on as many windows as it trained on; theirs does
# not.
WINDOWS, SERIES, STEPS, HORIZON = 32, 7, 50, 96


def slope(seconds_of):
    """Seconds of STEPS steps, without what a run costs before its first and after its last."""
    return (seconds_of(3) - seconds_of(1)) / 2


def our_network(args, model):
    """Seconds, and the settings of what was fitted as its report gives them."""
    settings = ""
    search = ["--trials", "1"] if model == "nhits" else []

    def seconds(epochs):
        nonlocal settings
        out = subprocess.run([args.qtrader, "bench-forecast", "--dataset", "ETTm2", "--file", args.file, "--model", model,
                              "--horizon", str(HORIZON), "--windows", str(WINDOWS * STEPS), "--batch", str(WINDOWS),
                              "--epochs", str(epochs), "--json", *search],
                             capture_output=True, text=True, check=True).stdout
        result = json.loads(out)[0]
        settings = result["settings"]
        return result["seconds"]
    return slope(seconds), settings


def lists_of(settings):
    """"pooling [8, 4, 1] down-sampling [24, 12, 1]" as two lists."""
    return [json.loads(text) for text in re.findall(r"\[[^]]*\]", settings)]


def frame(path):
    import pandas
    wide = pandas.read_csv(path)
    wide["ds"] = pandas.to_datetime(wide.pop("date"))
    wide = wide.iloc[:34560]  # the training part
    long = wide.melt("ds", var_name="unique_id", value_name="y")
    y = long.groupby("unique_id")["y"]
    long["y"] = (long["y"] - y.transform("mean")) / y.transform("std")
    return long


def their_network(data, make):
    from neuralforecast import NeuralForecast
    quiet = dict(enable_progress_bar=False, logger=False, enable_checkpointing=False, enable_model_summary=False,
                 accelerator="cpu")

    def seconds(epochs):
        model = make(max_steps=epochs * STEPS, batch_size=SERIES, windows_batch_size=WINDOWS * SERIES, **quiet)
        start = time.perf_counter()
        NeuralForecast(models=[model], freq="15min").fit(data)
        return time.perf_counter() - start
    return slope(seconds)


def networks(args):
    import logging
    import warnings
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import torch
    from neuralforecast.models import NHITS, PatchTST
    torch.set_num_threads(1)
    data = frame(args.file)

    def nhits(settings, **more):
        pooling, down_sampling = lists_of(settings)
        return NHITS(h=HORIZON, input_size=5 * HORIZON, n_pool_kernel_size=pooling, n_freq_downsample=down_sampling, **more)

    def patchtst(_, **more):
        return PatchTST(h=HORIZON, input_size=336, patch_len=16, stride=8, hidden_size=128, n_heads=16, encoder_layers=3,
                        linear_hidden_size=256, dropout=0.2, fc_dropout=0.2, revin=True, **more)

    print(f"{'':10} {'ours s':>8} {'python s':>9} {'ratio':>6}   for {STEPS} steps of {WINDOWS * SERIES} windows")
    for name, make in (("nhits", nhits), ("patchtst", patchtst)):
        if name not in args.models:
            continue
        ours, theirs = [], []
        for _ in range(args.repeat):
            took, settings = our_network(args, name)
            ours.append(took)
            theirs.append(their_network(data, functools.partial(make, settings)))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{name:10} {a:8.2f} {b:9.2f} {a / b:6.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    verb = verbs.add_parser("trees")
    verb.add_argument("--bench", required=True, help="qtrader-bench")
    verb.add_argument("--repeat", type=int, default=3)
    verb.set_defaults(run=trees)
    verb = verbs.add_parser("networks")
    verb.add_argument("--qtrader", required=True)
    verb.add_argument("--file", required=True, help="ETTm2.csv, not compressed")
    verb.add_argument("--models", nargs="+", default=["nhits", "patchtst"])
    verb.add_argument("--repeat", type=int, default=3)
    verb.set_defaults(run=networks)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
