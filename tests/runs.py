"""Writes runs to read: the files that LightEval 0.13 leaves, of this package's engine or, with plain=True, of its own."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.records import DETAIL_FIELDS, Outcome, Problem, Sample, pack_token_ids, sha256, to_record

OUTCOMES = {"c": "correct", "w": "wrong", "n": "no_answer", "u": "undecided", "-": "", "t": "no_answer"}
DATE = "2026-11-20T10-00-00.000001"
SETTINGS = {
    "model": "org/model",
    "revision": "main",
    "system_prompt": None,
    "chat_template": "t" * 64,
    "temperature": 0.6,
    "top_p": 0.95,
    "top_k": 0,
    "max_tokens": 32768,
    "seed": 1234,
    "max_model_length": None,
    "dtype": "bfloat16",
    "quantization": None,
    "extra": {},
}


@dataclass(frozen=True)
class Asked:
    """One problem and how its samples went: c right, w wrong, n no answer, t cut off, u undecided, - ungraded, "." not drawn."""

    name: str
    outcomes: str
    gold: str = "42"
    question: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    grader: str = "expression"
    first_seed: int = 0


def asked(**outcomes: str) -> list[Asked]:
    """asked(p1="ccww", p2="cccc")"""
    return [Asked(name, codes) for name, codes in outcomes.items()]


def write_run(
    folder: Path,
    tasks: dict[str, list[Asked]],
    *,
    model: str = "org/model",
    date: str = DATE,
    prompt: str = "{question}\nReason step by step.",
    n: int | None = None,
    plain: bool = False,
    lighteval: str = "0.13.0",
    data_sha256: str = "d" * 64,
    **settings: object,
) -> Path:
    """The output folder. n: samples asked for, where fewer were drawn. plain: as LightEval's own engine writes it."""
    import datasets

    results = folder / "results" / model.strip("/") / f"results_{date}.json"
    details = folder / "details" / model.strip("/") / date
    results.parent.mkdir(parents=True, exist_ok=True)
    details.mkdir(parents=True, exist_ok=True)
    said, config_tasks = {}, {}
    for task, problems in tasks.items():
        full = task if "|" in task else f"{task}|0"
        rows = [row(each, number, task=full, prompt=prompt, n=n, plain=plain) for number, each in enumerate(problems)]
        datasets.Dataset.from_list(rows).to_parquet(details / f"details_{full}_{date}.parquet")
        config_tasks[full] = {"name": task, "version": 1}
        said[full] = {
            "n": n or max(len(each.outcomes) for each in problems),
            "n_problems": len(problems),
            "data_sha256": data_sha256,
            "prompts_sha256": sha256(sorted(id_of(each, prompt=prompt) for each in problems)),
            "known_data": None,
            "estimates": {}
            if plain or any(set(each.outcomes) & set("-.") for each in problems)
            else estimated(problems),
        }
    config = {
        "model_name": model,
        "revision": "main",
        "generation_parameters": {"temperature": 0.6, "max_new_tokens": 32768},
    }
    if not plain:
        versions = {"lighteval-r1": "0.1.0", "lighteval": lighteval}
        environment = {
            "versions": versions,
            "python": "3.11.7",
            "platform": "Linux",
            "gpus": [],
            "command": "lighteval vllm",
        }
        shown = SETTINGS | {"model": model} | settings
        config["lighteval_r1"] = {"version": "0.1.0", "settings": shown, "settings_id": sha256(shown)[:16]}
        config["lighteval_r1"] |= {"environment": environment, "tasks": said}
    general = {"lighteval_sha": "?", "model_name": model, "model_config": config}
    figures = {f"{task.partition('|')[0]}|0": figures_of(problems) for task, problems in tasks.items()}
    results.write_text(
        json.dumps(
            {
                "config_general": general,
                "results": {} if plain else figures,
                "versions": {},
                "config_tasks": config_tasks,
            }
        )
    )
    return folder


def estimated(problems: list[Asked]) -> dict:
    """As the engine writes it."""
    scores = [np.array([float(code == "c") for code in each.outcomes]) for each in problems]
    return {"pass@1": asdict(estimate(scores))}


def figures_of(problems: list[Asked]) -> dict[str, float]:
    codes = "".join(each.outcomes for each in problems)
    shares = {
        "truncated": codes.count("t") / len(codes),
        "no_answer": (codes.count("n") + codes.count("t")) / len(codes),
    }
    return shares | {"output_tokens": 100.0}


def a_sample(
    index: int,
    reply: str,
    opened: bool = True,
    outcome: str | None = None,
    answer: str | None = None,
    finish_reason: str | None = "stop",
    n_tokens: int | None = None,
    seed: int | None = None,
    token_ids: str | None = None,
) -> Sample:
    """A sample as a run has it, in the order in which tests say it."""
    return Sample(
        key=f"p[{index}]",
        problem_id="p",
        index=index,
        seed=seed,
        reply=reply,
        thinking_opened=opened,
        finish_reason=finish_reason,
        n_tokens=n_tokens,
        token_ids=token_ids,
        outcome=Outcome(outcome) if outcome else None,
        answer=answer,
    )


def question_of(each: Asked) -> str:
    return each.question or f"What is asked in {each.name}?"


def id_of(each: Asked, *, prompt: str) -> str:
    return Problem(prompt.format(question=question_of(each)), each.gold, each.grader).id


def row(each: Asked, number: int, *, task: str, prompt: str, n: int | None, plain: bool) -> dict:
    drawn = each.outcomes.rstrip(".")
    replies = [reply(code, each.gold, at=at, name=each.name) if code != "." else None for at, code in enumerate(drawn)]
    text = prompt.format(question=question_of(each))
    doc = {
        "query": text,
        "choices": [each.gold],
        "gold_index": 0,
        "instruction": None,
        "specific": None if plain else specific(each, drawn, prompt=prompt),
        "id": str(number),
        "task_name": task,
        "num_samples": n or len(each.outcomes),
    }
    right = drawn.count("c") / len(drawn)
    response = {
        "input": f"<|user|>{text}<|assistant|><think>\n",
        "input_tokens": [],
        "text": replies,
        "output_tokens": [],
    }
    if plain:
        response["output_tokens"] = [[7] * (10 + at) for at in range(len(drawn))]
        return {"doc": doc, "metric": {f"pass@k:k=1&n={len(drawn)}": right}, "model_response": response}
    return {
        "doc": doc,
        "metric": {"pass@1": right, "truncated": drawn.count("t") / len(drawn)},
        "model_response": response,
    }


def reply(code: str, gold: str, *, at: int, name: str) -> str:
    if code == "t":
        return f"Thinking about {name}, sample {at}, without end"
    answer = {"c": f"\\boxed{{{gold}}}", "n": "nothing"}.get(code, f"\\boxed{{{at}0001}}")
    return f"Thinking about {name}, sample {at}.</think>\n\nIt is ${answer}$."


def specific(each: Asked, drawn: str, *, prompt: str) -> dict:
    samples = [
        Sample(
            key="",
            problem_id="",
            index=at,
            seed=int(sha256([each.name, each.first_seed + at])[:7], 16),
            reply="",
            thinking_opened=True,
            finish_reason="length" if code == "t" else "stop",
            n_prompt_tokens=20,
            n_tokens=100 + at,
            token_ids=pack_token_ids([1, 2, 3 + at]),
            replica=0,
            duration_s=1.5,
            outcome=OUTCOMES.get(code, "") or None,
            answer=each.gold if code == "c" else f"{at}0001" if code == "w" else "",
            step="integers",
        )
        for at, code in enumerate(drawn)
    ]
    return {
        "problem_id": id_of(each, prompt=prompt),
        "name": each.name,
        "grader": each.grader,
        "groups": json.dumps(each.groups),
        "samples": [to_record(sample, DETAIL_FIELDS) for sample in samples],
    }
