"""Rows that were pushed to the Hub, one per sample, as a task with problems. Source of the schema: hub/rows.py."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet

from lighteval_r1.records import RunProblem, TaskRun, UserError, sample_of

# Beside the columns, in the file's metadata: which of the task's problems were asked, where not all.
PART = "lighteval_r1.part"
NEEDED = {"problem_id", "sample_index", "outcome"}


def task_of_rows(path: Path) -> tuple[str, TaskRun]:
    """The model, and the task with its samples. Texts that were withheld are "". UserError for other files."""
    try:
        table = parquet.read_table(path)
        rows, about = table.to_pylist(), table.schema.metadata or {}
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
    if not rows or not set(rows[0]) >= NEEDED:
        raise UserError(f"{path} holds no rows of samples: {', '.join(sorted(NEEDED))} are needed.")
    problems: dict[str, RunProblem] = {}
    for row in rows:
        problem = problems.setdefault(row["problem_id"], problem_of(row))
        key = f"{problem.title}[{row['sample_index']}]"
        text = {"key": key, "index": row["sample_index"], "reply": row.get("reply") or ""}
        problem.samples.append(sample_of(row, **text))
    n = max(len(problem.samples) for problem in problems.values())
    name = str(rows[0].get("task") or path.parent.name)
    return str(rows[0].get("model") or "unknown model"), TaskRun.of_problems(
        name, list(problems.values()), version=0, n=n, part=about.get(PART.encode(), b"").decode()
    )


def problem_of(row: dict) -> RunProblem:
    return RunProblem(
        id=row["problem_id"],
        name=row.get("problem_name") or "",
        prompt=row.get("prompt") or "",
        gold=row.get("gold") or "",
        grader=row.get("grader") or "",
        groups=json.loads(row.get("groups") or "{}"),
    )
