"""Writes rank.json: decompositions and measures of rank as NumPy computes them, in double precision.

Ran with numpy==2.4.6.
"""

import json
from pathlib import Path

import numpy as np

random = np.random.default_rng(11)


def signed(u, v):
    """Signs as the library fixes them: the largest entry of every left vector is positive."""
    signs = np.where(u.max(axis=0) + u.min(axis=0) < 0, -1.0, 1.0)
    return u * signs, v * signs


def svd_case(name, matrix):
    matrix = matrix.astype(np.float32).astype(np.float64)
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    u, v = signed(u, vt.T)
    q, r = np.linalg.qr(matrix)
    signs = np.where(np.diag(r[:, : r.shape[0]]) < 0, -1.0, 1.0)
    return {
        "name": name,
        "matrix": matrix.tolist(),
        "u": u.tolist(),
        "s": s.tolist(),
        "v": v.tolist(),
        "q": (q * signs).tolist(),
        "r": (r * signs[:, None]).tolist(),
    }


golden = {
    "decompositions": [
        svd_case("tall", random.normal(size=(9, 4))),
        svd_case("wide", random.normal(size=(3, 7))),
        svd_case("square", random.normal(size=(6, 6))),
        svd_case("a column", random.normal(size=(5, 1))),
        svd_case("a row", random.normal(size=(1, 5))),
        svd_case("values over six orders of magnitude", random.normal(size=(8, 5)) * 10.0 ** -np.arange(5) * 100),
    ],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
