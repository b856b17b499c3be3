"""What a published data set holds of a run: one row per sample with a fixed schema, LightEval's own files, and a card.

    rows/<config>/<split>.parquet      one row per sample; config: the task, split: the run; `latest` names the newest
    lighteval/<split>/…                LightEval's results and details, as they were written
    README.md                          the card: configs for load_dataset and the viewer, one line per run

Tasks whose questions may not be shown in clear (GPQA: its authors ask not to reveal examples online) are published
without prompt, thinking, reply and LightEval's details: hashes stand in their place.
Source: https://huggingface.co/datasets/Idavidrein/gpqa, "You agree to NOT reveal examples from this dataset in plain
text or images online".
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.answers import split_thinking
from lighteval_r1.records import Run, RunProblem, Sample, TaskRun
from lighteval_r1.runs.locate import RunFiles

SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("problem_name", pa.string()),
        ("sample_index", pa.int32()),
        ("prompt", pa.string()),
        ("prompt_sha256", pa.string()),
        ("thinking", pa.string()),
        ("reply", pa.string()),
        ("reply_sha256", pa.string()),
        ("thinking_opened", pa.bool_()),
        ("answer", pa.string()),
        ("gold", pa.string()),
        ("grader", pa.string()),
        ("outcome", pa.string()),
        ("finish_reason", pa.string()),
        ("n_tokens", pa.int32()),
        ("seed", pa.int64()),
        ("groups", pa.string()),
        ("model", pa.string()),
        ("task", pa.string()),
    ]
)
# Names that a task of another tool has for the questions of a gated data set.
GATED_NAMES = re.compile(r"gpqa", re.IGNORECASE)


@dataclass(frozen=True)
class Published:
    """A run as it is to lie in the repository. files: path there -> bytes, or the local file. lines: the card's table."""

    split: str
    configs: list[str]
    files: dict[str, bytes | Path]
    lines: list[tuple[str, ...]]
    withheld: list[str] = field(default_factory=list)


def config_name(task: str) -> str:
    """ "r1_aime24|0" -> "r1_aime24": what load_dataset takes."""
    return re.sub(r"\W+", "_", task.removesuffix("|0")).strip("_")


def split_name(files: RunFiles) -> str:
    """Sorts by date; 8 digits of the results file keep two runs of one microsecond apart."""
    digest = hashlib.sha256(files.results.read_bytes()).hexdigest()[:8]
    return re.sub(r"\W+", "_", f"{files.date}_{digest}")


def rows(run: Run, task: TaskRun, *, clear: bool) -> pa.Table:
    """One row per sample, in SCHEMA. clear: whether prompts, replies and golds are shown."""
    made = [
        row(problem, sample, clear=clear) | {"model": run.model, "task": task.task}
        for problem in task.problems
        for sample in sorted(problem.samples, key=lambda sample: sample.index)
    ]
    return pa.Table.from_pylist(made, schema=SCHEMA)


def row(problem: RunProblem, sample: Sample, *, clear: bool) -> dict:
    thinking, _ = split_thinking(sample.reply, thinking_opened=sample.thinking_opened)
    gold, answer = grader_named(problem.grader).shown_gold(problem.gold) or None, sample.answer
    texts = {"prompt": problem.prompt, "thinking": thinking, "reply": sample.reply}
    if not clear:
        texts = dict.fromkeys(texts)
        # An answer, or a gold, may quote an option; a letter says nothing of the question.
        gold, answer = (text if text is not None and len(text) <= 1 else None for text in (gold, answer))
    return {
        "problem_id": problem.id,
        "problem_name": problem.name,
        "sample_index": sample.index,
        "prompt_sha256": text_sha256(problem.prompt),
        "reply_sha256": text_sha256(sample.reply),
        "thinking_opened": sample.thinking_opened,
        "answer": answer,
        "gold": gold,
        "grader": problem.grader,
        "outcome": None if sample.outcome is None else str(sample.outcome),
        "finish_reason": sample.finish_reason,
        "n_tokens": sample.n_tokens,
        "seed": sample.seed,
        "groups": json.dumps(problem.groups, ensure_ascii=False, sort_keys=True),
        **texts,
    }


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def parquet_bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def publish(run: Run, files: RunFiles, *, gated: Iterable[str], include_gated: bool) -> Published:
    """The run's part of the repository. gated: names of tasks whose questions are not to be shown in clear."""
    split = split_name(files)
    names = set(gated)
    withheld = [
        task
        for task in (*run.tasks, *files.details)
        if not include_gated and (task.split("|")[0].split("@")[0] in names or GATED_NAMES.search(task))
    ]
    made: dict[str, bytes | Path] = {f"lighteval/{split}/{files.results.name}": files.results}
    for task, path in files.details.items():
        if task not in withheld:
            made[f"lighteval/{split}/{path.name}"] = path
    lines = []
    for task in run.tasks.values():
        config = config_name(task.task)
        made[f"rows/{config}/{split}.parquet"] = parquet_bytes(rows(run, task, clear=task.task not in withheld))
        lines.append((config, split, *figures(run, task)))
    configs = [config_name(task.task) for task in run.tasks.values()]
    return Published(split, configs, made, lines, sorted(set(withheld)))


def figures(run: Run, task: TaskRun) -> tuple[str, ...]:
    """Model, problems, samples, pass@1 in percent and the settings, as cells of the card's table."""
    per_problem = [[sample.outcome == "correct" for sample in problem.samples] for problem in task.problems]
    graded = all(sample.outcome for problem in task.problems for sample in problem.samples)
    value = "–"
    if graded and per_problem and all(per_problem):
        value = f"{100 * sum(sum(one) / len(one) for one in per_problem) / len(per_problem):.1f}"
    settings = run.settings
    said = [
        f"{name.replace('_', ' ')} {settings[name]}"
        for name in ("temperature", "top_p", "max_tokens", "revision")
        if settings.get(name) is not None
    ]
    return (run.model, str(len(per_problem)), str(sum(map(len, per_problem))), value, ", ".join(said))
