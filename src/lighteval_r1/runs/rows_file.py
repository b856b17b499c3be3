"""Rows that were pushed to the Hub, one per sample, as a task with problems. Source of the schema: hub/rows.py."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet

from lighteval_r1.outside.decoding import decoded, row_of_others
from lighteval_r1.records import RunProblem, TaskRun, UserError, sample_of
from lighteval_r1.runs.details_file import described_task, numbers_of
from lighteval_r1.runs.results_file import SaidTask

NEEDED = {"problem_id", "sample_index", "outcome"}
# What LightEval says beside the columns is for readers of LightEval's details.
UNREAD = {"thinking", "details", "input", "text_post_processed"}


def task_of_rows(path: Path, *, described: Mapping[str, SaidTask]) -> TaskRun:
    """The task with its samples. Texts that were withheld are "". UserError for other files.

    described: what the run's results say of its tasks, by name.
    """
    problems: dict[str, RunProblem] = {}
    first: dict = {}
    for number, row in enumerate(pushed_rows(path), start=1):
        first = first or row
        where = f"{path}, row {number}"
        with row_of_others(where):
            if row["problem_id"] not in problems:
                problems[row["problem_id"]] = problem_of(row, where=where)
            problem = problems[row["problem_id"]]
            key = f"{problem.title}[{row['sample_index']}]"
            text = {"key": key, "index": row["sample_index"], "reply": row.get("reply") or ""}
            problem.samples.append(sample_of(row, **text))
    name = str(first.get("task") or path.parent.name)
    n = max(len(problem.samples) for problem in problems.values())
    return described_task(name, list(problems.values()), described.get(name, SaidTask()), n=n, n_problems=len(problems))


def model_of_rows(paths: Iterable[Path]) -> str:
    return ", ".join(sorted({str(next(pushed_rows(path)).get("model") or "unknown model") for path in paths}))


def pushed_rows(path: Path) -> Iterator[dict]:
    """At least one. UserError for files that hold none."""
    try:
        file = parquet.ParquetFile(path)
        names = set(file.schema_arrow.names)
        if not names >= NEEDED or not file.metadata.num_rows:
            raise UserError(f"{path} holds no rows of samples: {', '.join(sorted(NEEDED))} are needed.")
        for batch in file.iter_batches(batch_size=64, columns=sorted(names - UNREAD)):
            yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from None


def problem_of(row: dict, *, where: str) -> RunProblem:
    """The problem without its samples. row: its first, which also says LightEval's metric."""
    record = {
        "id": row["problem_id"],
        "name": row.get("problem_name") or "",
        "prompt": row.get("prompt") or "",
        "gold": row.get("gold") or "",
        "grader": row.get("grader") or "",
        "groups": json.loads(row.get("groups") or "{}"),
        "metric": numbers_of(json.loads(row.get("metric") or "{}")),
    }
    return decoded(RunProblem, record, where=where)
