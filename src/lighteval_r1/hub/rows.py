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

import pyarrow as pa
import pyarrow.parquet as parquet

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.answers import reason_of
from lighteval_r1.graders.splitting import parts_of
from lighteval_r1.numbers.scores import from_thinking
from lighteval_r1.outside.words import storable
from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun
from lighteval_r1.runs.rows_file import PART

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
        ("no_answer_reason", pa.string()),
        ("answer_in_thinking", pa.bool_()),
    ]
)


def rows(run: Run, task: TaskRun, *, clear: bool) -> pa.Table:
    """One row per sample, in SCHEMA. clear: whether prompts, replies and golds are shown."""
    made = [
        storable(row(problem, sample, clear=clear) | {"model": run.model, "task": task.task})
        for problem in task.problems
        for sample in sorted(problem.samples, key=lambda sample: sample.index)
    ]
    return pa.Table.from_pylist(made, schema=SCHEMA.with_metadata({PART: task.part}) if task.part else SCHEMA)


def row(problem: RunProblem, sample: Sample, *, clear: bool) -> dict:
    thinking, _ = parts_of(sample)
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
        "no_answer_reason": str(reason_of(sample.step or "")) if sample.outcome is Outcome.NO_ANSWER else None,
        "answer_in_thinking": from_thinking(sample) if sample.outcome else None,
        **texts,
    }


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parquet_bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd")
    return out.getvalue()
