"""What a published data set holds of a run: one row per sample with a fixed schema, LightEval's results, and a card.

    rows/<config>/<split>.parquet      one row per sample; config: the task, split: the run; `latest` names the newest
    lighteval/<split>/…                LightEval's results as they were written; its details where they are asked for
    README.md                          the card: configs for load_dataset and the viewer, one line per run

A reply is pushed once: its thinking and its answer text are characters of it, named in `split`. Together the rows say
all that LightEval's details say; what has no column of its own stands as JSON in `details`.

Tasks whose questions may not be shown in clear (GPQA: its authors ask not to reveal examples online) are published
without prompt, reply, tokens and LightEval's details: hashes stand in their place.
Source: https://huggingface.co/datasets/Idavidrein/gpqa, "You agree to NOT reveal examples from this dataset in plain
text or images online".
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pyarrow as pa
import pyarrow.parquet as parquet

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.answers import reason_of
from lighteval_r1.graders.splitting import split_of
from lighteval_r1.numbers.scores import from_thinking
from lighteval_r1.outside.words import storable
from lighteval_r1.records import SAMPLE_FIELDS, Outcome, RunProblem, Sample, to_record
from lighteval_r1.runs.details_file import LISTS

SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("problem_name", pa.string()),
        ("sample_index", pa.int32()),
        ("prompt", pa.string()),
        ("prompt_sha256", pa.string()),
        ("reply", pa.string()),
        ("reply_sha256", pa.string()),
        ("thinking_opened", pa.bool_()),
        ("split", pa.string()),
        ("marks", pa.string()),
        ("answer", pa.string()),
        ("gold", pa.string()),
        ("grader", pa.string()),
        ("outcome", pa.string()),
        ("step", pa.string()),
        ("finish_reason", pa.string()),
        ("n_tokens", pa.int32()),
        ("seed", pa.int64()),
        ("groups", pa.string()),
        ("model", pa.string()),
        ("task", pa.string()),
        ("no_answer_reason", pa.string()),
        ("answer_in_thinking", pa.bool_()),
        ("n_prompt_tokens", pa.int32()),
        ("n_thinking_tokens", pa.int32()),
        ("token_ids", pa.string()),
        ("replica", pa.int32()),
        ("duration_s", pa.float64()),
        ("input", pa.string()),
        ("text_post_processed", pa.string()),
        ("metric", pa.string()),
        ("details", pa.string()),
    ]
)
# Pushes before this one also had the thinking as a text of its own.
ONCE = {"thinking": "string"}
# What would show a question or a reply.
TEXTS = ("prompt", "reply", "input", "step", "token_ids", "text_post_processed", "details")
# What Sample has under the same name; a field that it is given later gets a column of its own, at the end.
SAME = tuple(name for name in SAMPLE_FIELDS if name not in ("key", "problem_id", "index", "split", "outcome"))
TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
for name, hint in get_type_hints(Sample).items():
    if name in SAME and name not in SCHEMA.names:
        SCHEMA = SCHEMA.append(pa.field(name, TYPES[get_args(hint)[0]]))
# What has columns, of LightEval's parts of a problem.
IN_COLUMNS = {
    "doc": {"query", "specific"},
    "specific": {"problem_id", "name", "grader", "groups", "samples", *LISTS},
    "model_response": {"input", "text", "text_post_processed", *LISTS},
}
# Uncompressed; a row group is closed by the row that fills it. The Hub's viewer reads groups whole, and so does a push.
GROUP_BYTES = 32 << 20


class RowsFile:
    """A task's rows as they come: in row groups, so that one of them is in memory at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.writer = parquet.ParquetWriter(path, SCHEMA, compression="zstd")
        self.rows: list[dict] = []
        self.n_bytes = 0

    def add(self, row: dict) -> None:
        self.rows.append(storable(row))
        self.n_bytes += sum(len(value.encode()) for value in self.rows[-1].values() if isinstance(value, str))
        if self.n_bytes >= GROUP_BYTES:
            self.write()

    def write(self) -> None:
        self.writer.write_table(pa.Table.from_pylist(self.rows, schema=SCHEMA))
        self.rows, self.n_bytes = [], 0

    def close(self) -> None:
        if self.rows:
            self.write()
        self.writer.close()


def rows_of(problem: RunProblem, details: dict, *, clear: bool) -> Iterator[dict]:
    """A row for each of its samples, but for model and task. details: the problem's row in LightEval's file.

    clear: whether prompts, replies and golds are shown.
    """
    response = details["model_response"]
    processed = response.get("text_post_processed") or []
    of_problem = {
        "metric": json.dumps(details["metric"], ensure_ascii=False),
        "details": json.dumps(beside_columns(details), ensure_ascii=False, default=str),
    }
    for sample in sorted(problem.samples, key=lambda sample: sample.index):
        text = processed[sample.index] if sample.index < len(processed) else None
        made = row(problem, sample) | of_problem | {"input": response.get("input")}
        # Null where LightEval left the reply as it is.
        made["text_post_processed"] = text if text != sample.reply else None
        of_problem = {}
        yield made if clear else withheld(made)


def beside_columns(details: dict) -> dict:
    """What LightEval says of a problem beside what has columns."""
    doc, specific = details["doc"], details["doc"].get("specific") or {}
    parts = {"doc": doc, "specific": specific, "model_response": details["model_response"]}
    return {
        part: {name: value for name, value in values.items() if name not in IN_COLUMNS[part]}
        for part, values in parts.items()
    }


def row(problem: RunProblem, sample: Sample) -> dict:
    return {
        "problem_id": problem.id,
        "problem_name": problem.name,
        "sample_index": sample.index,
        "prompt": problem.prompt,
        "prompt_sha256": text_sha256(problem.prompt),
        "reply_sha256": text_sha256(sample.reply),
        "split": split_of(sample).packed(),
        "gold": grader_named(problem.grader).shown_gold(problem.gold) or None,
        "grader": problem.grader,
        "outcome": None if sample.outcome is None else str(sample.outcome),
        "groups": json.dumps(problem.groups, ensure_ascii=False, sort_keys=True),
        "no_answer_reason": str(reason_of(sample.step or "")) if sample.outcome is Outcome.NO_ANSWER else None,
        "answer_in_thinking": from_thinking(sample) if sample.outcome else None,
        **to_record(sample, SAME),
    }


def withheld(made: dict) -> dict:
    """The row without what would show its question."""
    # An answer, or a gold, may quote an option; a letter says nothing of the question.
    short = {name: made[name] if len(made[name] or "") <= 1 else None for name in ("gold", "answer")}
    return made | dict.fromkeys(TEXTS) | short


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
