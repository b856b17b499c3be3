"""Writes scorio_values.json: what scorio says of three matrices of scores. Run it where scorio is installed:

pip install scorio==0.2.3 && python tests/write_scorio_values.py
"""

import json
from pathlib import Path

import numpy as np
from scorio import eval as scorio

rng = np.random.default_rng(20261121)
SCORES = {
    "5 x 12": (rng.random((5, 12)) < rng.random((5, 1))).astype(int),
    "30 x 64 bimodal": (rng.random((30, 64)) < rng.beta(0.3, 0.3, (30, 1))).astype(int),
    "30 x 64 middling": (rng.random((30, 64)) < rng.beta(2, 2, (30, 1))).astype(int),
}
values = []
for name, scores in SCORES.items():
    for k in (1, 2, 5, 12):
        values += [(f"pass@{k}", name, scorio.pass_at_k(scores, k)), (f"pass^{k}", name, scorio.pass_hat_k(scores, k))]
        values += [
            (f"g-pass@{k}:{share}", name, scorio.g_pass_at_k_tau(scores, k, share)) for share in (0, 0.25, 0.5, 0.7, 1)
        ]
        values += [(f"mg-pass@{k}", name, scorio.mg_pass_at_k(scores, k))] if k > 1 else []
bayes = []
for name, scores in list(SCORES.items())[1:]:
    mean, _, low, high = scorio.bayes_ci(scores)
    bayes.append({"scores": name, "mean": mean, "low": low, "high": high})
Path(__file__).with_name("scorio_values.json").write_text(
    json.dumps(
        {
            "scores": {name: scores.tolist() for name, scores in SCORES.items()},
            "values": [{"name": name, "scores": of, "value": float(value)} for name, of, value in values],
            "bayes": bayes,
        }
    )
    + "\n"
)
