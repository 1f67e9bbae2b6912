"""Writes thresholds.json: histograms, and the thresholds that other people's calibrators choose for them.

Entropy comes from `_compute_amax_entropy` of NVIDIA's nvidia-modelopt (the successor of pytorch-quantization, same
code), taken from the wheel's source because importing the package needs torch; percentiles from onnxruntime's
`HistogramCollector.compute_percentile`; least squares from the definition, value by value, in NumPy.

    python3 -m venv v && v/bin/pip install numpy==2.4.6 scipy==1.17.1 onnx==1.23.2 onnxruntime==1.32.0
    v/bin/pip download --no-deps nvidia-modelopt==0.47.0 -d wheel
    v/bin/python make_vectors.py wheel/nvidia_modelopt-0.47.0-py3-none-any.whl
"""

import ast
import json
import pathlib
import sys
import types
import zipfile
from collections import Counter

import numpy as np
from onnxruntime.quantization.calibrate import HistogramCollector
from scipy.stats import entropy

BINS = 2048
HERE = pathlib.Path(__file__).parent


def nvidia_entropy(wheel):
    """The function as published; its torch.tensor(x) around the result is the identity here."""
    source = zipfile.ZipFile(wheel).read("modelopt/torch/quantization/calib/histogram.py").decode()
    wanted = [n for n in ast.parse(source).body if getattr(n, "name", "") == "_compute_amax_entropy"]
    scope = {"np": np, "Counter": Counter, "entropy": entropy, "torch": types.SimpleNamespace(tensor=lambda x: x)}
    exec(compile(ast.Module(wanted, []), "histogram.py", "exec"), scope)
    return scope["_compute_amax_entropy"]


def edge_of(function, counts):
    """Number of bins that the chosen threshold keeps."""
    edges = np.arange(BINS + 1, dtype=np.float64)
    return int(function(np.array(counts, dtype=np.int64), edges, 8, False))


def percentile_of(counts, percentile):
    collector = HistogramCollector("percentile", True, BINS, 128, percentile, "same")
    edges = np.arange(BINS + 1, dtype=np.float64)
    collector.histogram_dict = {"x": (np.array(counts), edges, np.float64(-BINS), np.float64(BINS))}
    return float(collector.compute_percentile()["x"][1])


def least_squares(values):
    """Of 241 candidates, 16/256 to 256/256 of the largest value, the one with the least squared error."""
    largest = np.abs(values).max()
    errors = {}
    for step in range(256, 15, -1):
        scale = largest * step / 256 / 127
        levels = np.clip(np.rint(values / scale), -127, 127)
        errors[step] = float(np.mean((values - levels * scale) ** 2))
    step = min(errors, key=errors.get)
    return {"step": step, "error": errors[step], "largest": float(largest), "half": errors[128]}


def distributions(random):
    n = 200_000
    normal = np.abs(random.normal(size=n))
    relu = np.maximum(random.normal(size=n), 0)
    laplace = np.abs(random.laplace(size=n))
    return {
        "half of a normal distribution": normal,
        "a ReLU: half of the values are zero": relu,
        "Laplace": laplace,
        "exponential of normal numbers, a long tail": np.exp(random.normal(size=n)),
        "uniform": random.uniform(size=n),
        "ReLU6: a tenth at the upper bound": np.minimum(np.maximum(random.normal(3, 2.5, size=n), 0), 6),
        "two groups": np.concatenate([normal, 12 + 0.2 * random.normal(size=n // 100)]),
        "sparse": np.where(random.uniform(size=n) < 0.995, 0, laplace),
    }


def main(wheel):
    function = nvidia_entropy(wheel)
    random = np.random.default_rng(2024)
    cases = []
    for name, values in distributions(random).items():
        counts, _ = np.histogram(values, bins=BINS, range=(0, values.max()))
        case = {"name": name, "counts": counts.tolist(), "entropyEdge": edge_of(function, counts)}
        case["percentileEdge"] = {str(p): percentile_of(counts, p) for p in (99.0, 99.9, 99.99, 99.999)}
        cases.append(case)
    cases.append(tie(function))
    made = {"bins": BINS, "cases": cases, "leastSquares": [outliers(random, repeats) for repeats in (60, 500, 3000)]}
    (HERE / "thresholds.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
    print({case["name"]: (case["entropyEdge"], case["percentileEdge"]) for case in cases}, [case["step"] for case in made["leastSquares"]])


def outliers(random, repeats):
    """300 normal numbers, each `repeats` times, and one large value once, so that clipping it can pay."""
    values = [float(f"{x:.4g}") for x in random.normal(size=300)]
    exact = np.array(values, dtype=np.float32).astype(np.float64)
    return {"values": values, "repeats": repeats, "outlier": 20, **least_squares(np.append(np.tile(exact, repeats), 20.0))}


def tie(function):
    """One value in each bin of a half: every edge beyond it loses exactly nothing, and the last of equal minima counts."""
    counts = np.zeros(BINS, dtype=np.int64)
    counts[:1024] = 1
    return {
        "name": "several edges lose nothing",
        "counts": counts.tolist(),
        "entropyEdge": edge_of(function, counts),
        "percentileEdge": {"99.0": percentile_of(counts, 99.0)},
    }


main(sys.argv[1])
