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


def as_float32(matrix):
    return matrix.astype(np.float32).astype(np.float64)


def measures(values):
    energy = np.cumsum(values**2) / np.sum(values**2)
    p = values[values > 0] / values.sum()
    return {
        "energy": energy.tolist(),
        "rankAt90": int(np.searchsorted(energy, 0.9) + 1),
        "effectiveRank": float(np.exp(-np.sum(p * np.log(p)))),
        "stableRank": float(np.sum(values**2) / values[0] ** 2),
        "participationRatio": float(np.sum(values**2) ** 2 / np.sum(values**4)),
        "frobeniusNorm": float(np.linalg.norm(values)),
    }


def factors_case(name, out, in_, rank, scale):
    a, b = as_float32(random.normal(size=(rank, in_))), as_float32(random.normal(size=(out, rank)))
    weight = as_float32(random.normal(size=(out, in_)))
    change = scale * b @ a
    u, s, vt = np.linalg.svd(change, full_matrices=False)
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    own = np.linalg.svd(weight, compute_uv=False)
    projected = np.linalg.norm(u.T @ weight @ vt.T)
    tuned = weight + change
    before, after = np.linalg.svd(weight, full_matrices=False), np.linalg.svd(tuned, full_matrices=False)
    cosines = np.abs(after[0].T @ before[0])
    return {
        "name": name,
        "a": a.tolist(),
        "b": b.tolist(),
        "scale": scale,
        "weight": weight.tolist(),
        "singularValues": s.tolist(),
        "rank": int(np.linalg.matrix_rank(change)),
        "measures": measures(s),
        "amplification": {
            "change_norm": float(np.linalg.norm(change)),
            "projected_norm": float(projected),
            "top_norm": float(np.linalg.norm(own[:rank])),
            "weight_norm": float(np.linalg.norm(weight)),
            "amplification": float(np.linalg.norm(change) / projected),
        },
        "tunedValues": after[1].tolist(),
        "similarity": cosines.max(axis=1).tolist(),
        "nearest": (cosines.argmax(axis=1) + 1).tolist(),
    }


def similarity_case(name, dimension, first, second):
    a, b = (as_float32(random.normal(size=(rank, dimension))) for rank in (first, second))
    u, v = (np.linalg.svd(matrix, full_matrices=False)[2].T for matrix in (a, b))
    phi = [
        [np.linalg.norm(u[:, :i].T @ v[:, :j]) ** 2 / min(i, j) for j in range(1, second + 1)]
        for i in range(1, first + 1)
    ]
    return {"name": name, "first": a.tolist(), "second": b.tolist(), "phi": phi}


golden = {
    "factors": [
        factors_case("tall, rank 3", 12, 7, 3, 2.0),
        factors_case("wide, rank 2", 5, 11, 2, 0.5),
        factors_case("rank 1", 6, 6, 1, 16.0),
    ],
    "similarities": [
        similarity_case("rank 2 and rank 5 in 16 dimensions", 16, 2, 5),
        similarity_case("rank 4 and rank 4 in 9 dimensions", 9, 4, 4),
    ],
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
