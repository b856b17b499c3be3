"""Seconds to measure the thinking of real replies: candidates, their grades, tokens, tables; what a run's own grading
costs not.

    python benchmarks/thinking.py replies.jsonl [--copies N] [--tokenizer FOLDER] [--figures DIR] [-o think.html]

--copies: each reply so many times, each time with other digits in it, its problem and its gold: 45 of the 727 replies
below are 200 million characters. CPU time for 200 million, from 12 copies and the demo's tokenizer, on 2 busy cores:
228 s before words were tokenized once and statements looked at only where they decide, 111 s after. In turn with that
version, on 2 busier ones: 103 and 129 s before plain numbers were settled at a look, tokens counted in one pass and the
collector of cycles left off, 89 and 81 s after; 80 s for all 45 copies. On quiet cores 74 s.

replies.jsonl: rows with uid, problem, gold, output, finish_reason, level, subject (real replies of R1-distilled models
to MATH-500, AIME and Minerva problems). Replies of differently trained models, by the second part of their uid, are
runs of their own.
"""

import argparse
import json
import random
import resource
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF

from lighteval_r1.cli.think import printed, write
from lighteval_r1.graders import EXPRESSION
from lighteval_r1.graders.splitting import parts_of
from lighteval_r1.records import Grade, Run, RunProblem, Sample, TaskRun, sha256
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.thinking.measure_runs import Choice, measure_runs

DEMO = Path(__file__).resolve().parents[1] / "src" / "lighteval_r1" / "demo" / "model"


def runs_of(rows: list[dict]) -> list[Run]:
    """One run per model, with its replies graded."""
    samples = [Sample(row["uid"], "", 0, None, row["output"], True, finish_reason=row["finish_reason"]) for row in rows]
    with Pool() as pool:
        grades = pool.grade_many(
            [(EXPRESSION, parts_of(sample)[1], row["gold"]) for sample, row in zip(samples, rows, strict=True)]
        )
    problems: dict[str, dict[str, RunProblem]] = {}
    for row, grade in zip(rows, grades, strict=True):
        outcome = grade.outcome if isinstance(grade, Grade) else None
        model, problem_id = row["uid"].split("/")[1], sha256([row["problem"], row["gold"]])[:16]
        groups = {name: row[name] for name in ("level", "subject") if row.get(name)}
        empty = RunProblem(problem_id, row["uid"], row["problem"], row["gold"], "expression", groups, [])
        problem = problems.setdefault(model, {}).setdefault(problem_id, empty)
        index = len(problem.samples)
        sample = Sample(
            f"{problem.id}[{index}]",
            problem.id,
            index,
            None,
            row["output"],
            True,
            finish_reason=row["finish_reason"],
            outcome=outcome,
        )
        problem.samples.append(sample)
    tasks = {model: {"r1_style": TaskRun("r1_style", 1, "", "", list(of.values()))} for model, of in problems.items()}
    return [Run(model, model, {}, {}, task) for model, task in tasks.items()]


def with_other_digits(rows: list[dict], at: int) -> list[dict]:
    """The same replies for at 0; else other digits stand for 1 to 9 wherever they do."""
    digits = random.Random(at).sample("123456789", 9) if at else "123456789"
    other = str.maketrans("123456789", "".join(digits))
    return [row | {name: row[name].translate(other) for name in ("problem", "gold", "output")} for row in rows]


def cpu_seconds() -> float:
    """Of this process and of those that graded for it."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("replies", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--tokenizer", default=str(DEMO))
    parser.add_argument("--figures", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.replies.read_text(encoding="utf-8").splitlines()]
    runs = runs_of([copy for at in range(options.copies) for copy in with_other_digits(rows, at)])
    begin, before = time.perf_counter(), cpu_seconds()
    labels = [run.model for run in runs]
    told = measure_runs(labels, runs, choice=Choice(tokenizer=options.tokenizer))
    seconds, cpu = time.perf_counter() - begin, cpu_seconds() - before
    print(printed(told))
    print(*write(told, labels, output=options.output, figures=options.figures))
    n_characters = options.copies * sum(len(row["output"]) for row in rows)
    print(f"{options.copies * len(rows)} replies, {n_characters / 1e6:.1f} million characters: {seconds:.1f} s")
    print(f"{cpu:.1f} s of CPU; {200e6 * cpu / n_characters:.0f} s for 200 million characters like these")


if __name__ == "__main__":
    main()
