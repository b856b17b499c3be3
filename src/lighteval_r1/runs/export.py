"""A run's samples as JSONL, a row a problem: what `lighteval-r1 score` reads, and any other program."""

import json
from pathlib import Path

from lighteval_r1.graders import grader_named
from lighteval_r1.records import Run, RunProblem
from lighteval_r1.runs.outputs import writing


def write_jsonl(run: Run, folder: Path) -> list[Path]:
    """One file per task, replaced where it is there."""
    paths = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, task_run in run.tasks.items():
            path = folder / f"{name.replace('/', '_')}.jsonl"
            lines = [json.dumps(row_of(problem), ensure_ascii=True) for problem in task_run.problems]
            path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
            paths.append(path)
    return paths


def row_of(problem: RunProblem) -> dict:
    """Without a gold where it may not be shown: tests of programs stay with their data set."""
    gold = grader_named(problem.grader).shown_gold(problem.gold)
    opened = {sample.thinking_opened for sample in problem.samples}
    return {
        "uid": problem.title,
        "problem_id": problem.id,
        "problem": problem.prompt,
        **({"answer": gold} if gold else {}),
        "gen": [sample.reply for sample in problem.samples],
        "finish_reason": [sample.finish_reason for sample in problem.samples],
        "n_tokens": [sample.n_tokens for sample in problem.samples],
        **({"thinking_opened": opened.pop()} if len(opened) == 1 else {}),
        "outcome": [sample.outcome for sample in problem.samples],
        "groups": problem.groups,
    }
