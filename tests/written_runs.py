"""Runs on disk as LightEval and the plugin write them, from a few replies; for tests of what reads runs."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from lighteval_r1.records import Problem, seed_of

OUTCOMES = ("correct", "wrong", "no_answer")
# What models write and a row must carry: quotes, bars, markup, other scripts, control characters, a long thought.
REPLY = 'He said "x|y" <b>&amp;</b> \\boxed{{{answer}}} 数 \u202e \x00 {more}</think>\n\nThe answer is $\\boxed{{{answer}}}$.'


def details_row(task: str, number: int, *, n: int, grader: str = "expression") -> dict:
    problem = Problem(prompt=f"Question {number} of {task}: what is it?", gold="B" if grader == "choice" else str(number), grader=grader)
    replies = [REPLY.format(answer=problem.gold if i == 0 else i, more="hm " * (10 + i)) for i in range(n)]
    specific = {
        "problem_id": problem.id,
        "name": f"{task}-{number}",
        "grader": grader,
        "groups": json.dumps({"level": str(number % 3)}),
        "outcomes": [OUTCOMES[i % 3] for i in range(n)],
        "answers": [problem.gold if i == 0 else str(i) for i in range(n)],
        "steps": ["box; string"] * n,
        "finish_reasons": ["stop"] * n,
        "n_tokens": [100 + i for i in range(n)],
        "seeds": [seed_of(f"{problem.id}-{i}") for i in range(n)],
        "durations_s": [1.0] * n,
        "replicas": [0] * n,
        "thinking_opened": [True] * n,
        "token_ids": [""] * n,
    }
    doc = {"query": problem.prompt, "choices": ["" if grader == "program" else problem.gold], "gold_index": 0, "id": str(number)}
    response = {"input": f"<|user|>{problem.prompt}<think>\n", "text": replies}
    return {"doc": {**doc, "specific": specific}, "metric": {"pass@1": 1 / n}, "model_response": response}


def write(
    folder: Path,
    *,
    tasks: tuple[str, ...] = ("r1_aime24",),
    n_problems: int = 4,
    n: int = 3,
    date: str = "2026-11-20T10-00-00.000001",
    model: str = "some/model",
) -> Path:
    """The output folder of a run. n samples of each problem, of which one of three is correct."""
    results = folder / "results" / model / f"results_{date}.json"
    details = folder / "details" / model / date
    results.parent.mkdir(parents=True, exist_ok=True)
    details.mkdir(parents=True)
    described = {}
    for task in tasks:
        grader = "choice" if "gpqa" in task else "expression"
        rows = [details_row(task, number, n=n, grader=grader) for number in range(n_problems)]
        parquet.write_table(pa.Table.from_pylist(rows), details / f"details_{task}|0_{date}.parquet")
        described[f"{task}|0"] = {"n": n, "n_problems": n_problems, "data_sha256": "0" * 64, "known_data": None}
    settings = {"model": model, "revision": "main", "temperature": 0.6, "top_p": 0.95, "max_tokens": 32768}
    ours = {"version": "0.1.0", "settings": settings, "settings_id": "0" * 16, "environment": {}, "tasks": described}
    general = {"model_name": model, "model_config": {"model_name": model, "lighteval_r1": ours}}
    results.write_text(json.dumps({"config_general": general, "results": {}}))
    return folder
