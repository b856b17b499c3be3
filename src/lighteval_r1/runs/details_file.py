"""One details file of LightEval 0.13 (parquet): a row per problem with all its replies, as a TaskRun."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from lighteval_r1.graders.marks import opens_thinking
from lighteval_r1.numbers.allocation import weighed
from lighteval_r1.outside.decoding import decoded, row_of_others
from lighteval_r1.records import (
    GRADE_FIELDS,
    RunProblem,
    TaskRun,
    UserError,
    pack_token_ids,
    sample_of,
    sha256,
)
from lighteval_r1.runs.grades_file import read_grades, with_grades
from lighteval_r1.runs.locate import LIGHTEVAL
from lighteval_r1.runs.results_file import SaidTask

# What a details file of LightEval 0.13 has, and files of other versions have not.
COLUMNS = {"doc": {"query", "choices", "gold_index", "id"}, "model_response": {"text", "input"}, "metric": set()}
# What stood in parallel lists until samples were kept as records; of LightEval's own engines only n_tokens is there.
LISTS = {
    "outcomes": "outcome",
    "answers": "answer",
    "steps": "step",
    "finish_reasons": "finish_reason",
    "n_tokens": "n_tokens",
    "seeds": "seed",
    "durations_s": "duration_s",
    "replicas": "replica",
    "thinking_opened": "thinking_opened",
    "token_ids": "token_ids",
}
# Read apart: as Python lists they would fill the memory.
HEAVY = {"output_tokens", "input_tokens", "logprobs", "argmax_logits_eq_gold", "logits", "unconditioned_logprobs"}
# Problems that are read at once, and while what is read is not kept.
BATCH, FEW = 16, 1
# (task, problem, its row as it stands in the file) -> what is to be kept of the problem
Keep = Callable[[str, RunProblem, dict], RunProblem]


def task_run(name: str, path: Path, *, described: SaidTask, keep: Keep | None = None) -> TaskRun:
    """keep: sees each problem in the file's order; with it no more than one problem is read at once."""
    problems, n_asked = [], 0
    ids: dict[str, int] = {}
    grades = read_grades(path)
    for row, tokens in rows(path, whole=keep is not None):
        problem = with_grades(read_problem(row, tokens=tokens, path=path), grades)
        n_asked = max(n_asked, row["doc"].get("num_samples") or 0)
        # A data set may hold a question twice.
        ids[problem.id] = ids.get(problem.id, 0) + 1
        if ids[problem.id] > 1:
            problem = replace(problem, id=f"{problem.id}#{ids[problem.id]}")
        problem = keep(name, problem, row) if keep else problem
        problems.append((row["doc"].get("id"), problem))
    if not problems:
        raise UserError(f"{path} holds no problem.")
    if all(str(place).isdecimal() for place, _ in problems):
        problems.sort(key=lambda item: int(item[0]))
    return described_task(name, [problem for _, problem in problems], described, n=n_asked)


def described_task(name: str, problems: list[RunProblem], said: SaidTask, *, n: int, n_problems: int = 0) -> TaskRun:
    """The task as the results describe it. n, n_problems: where they do not say."""
    task = TaskRun(
        task=name,
        version=said.version,
        data_sha256=said.data_sha256,
        prompts_sha256=said.prompts_sha256 or sha256(sorted(problem.id for problem in problems)),
        problems=problems,
        n=said.n or n,
        n_problems=said.n_problems or n_problems,
        part=said.part,
        weight=said.weight,
    )
    return weighed(task, error=said.adaptive.error, most=said.adaptive.most) if said.adaptive else task


def rows(path: Path, *, whole: bool = False) -> Iterator[tuple[dict, pyarrow.Array | None]]:
    """(row, token ids of each of its replies); None where the file has no token ids. UserError for other files.

    whole: rows hold all that the file says but those token ids, and are read one by one.
    """
    left_out = {"output_tokens"} if whole else HEAVY
    try:
        # Not a whole row group at once: LightEval writes a file as one.
        file = parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) if whole else parquet.ParquetFile(path)
        check_columns(path, file.schema_arrow)
        response = file.schema_arrow.field("model_response").type
        wanted = [f"model_response.{part.name}" for part in response if part.name not in left_out]
        has_tokens = any(part.name == "output_tokens" and is_lists(part.type) for part in response)
        tokens = ["model_response.output_tokens"] if has_tokens else []
        for batch in file.iter_batches(batch_size=FEW if whole else BATCH, columns=["doc", "metric", *wanted, *tokens]):
            drawn = batch.column("model_response").field("output_tokens") if has_tokens else None
            lighter = batch.column("model_response")
            names = [part.name for part in lighter.type if part.name not in left_out]
            plain = [compute.struct_field(lighter, name).to_pylist() for name in names]
            docs, metrics = batch.column("doc").to_pylist(), batch.column("metric").to_pylist()
            for at, (doc, metric, values) in enumerate(zip(docs, metrics, zip(*plain, strict=True), strict=True)):
                row = {"doc": doc, "metric": metric, "model_response": dict(zip(names, values, strict=True))}
                yield row, drawn[at].values if drawn is not None and drawn[at].is_valid else None
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"cannot read {path}: {str(error).splitlines()[0]}") from None


def is_lists(type_: pyarrow.DataType) -> bool:
    """A list of lists; of no replies' tokens Arrow makes a list of nulls."""
    return pyarrow.types.is_list(type_) and pyarrow.types.is_list(type_.value_type)


def check_columns(path: Path, schema: pyarrow.Schema) -> None:
    for column, fields in COLUMNS.items():
        type_ = schema.field(column).type if column in schema.names else None
        there = {part.name for part in type_} if type_ is not None and pyarrow.types.is_struct(type_) else None
        if there is None or not fields <= there:
            lacking = column if there is None else f"{column}.{min(fields - there)}"
            raise UserError(
                f"{path} is not a details file of LightEval {LIGHTEVAL}: it has no {lacking} "
                f"(its columns: {', '.join(schema.names)}). Details of other versions are not read."
            )


def read_problem(row: dict, *, tokens: pyarrow.Array | None, path: Path) -> RunProblem:
    """UserError where the row is not as LightEval, or our engine through it, writes one."""
    doc, response = row["doc"] or {}, row["model_response"] or {}
    where = f"{path}, problem {doc.get('id')}"
    with row_of_others(where):
        specific = doc.get("specific") or {}
        gold = gold_of(doc)
        name = str(specific.get("name") or doc.get("id") or "")
        problem_id = specific.get("problem_id") or sha256([doc.get("query"), gold])[:16]
        replies = response.get("text") or []
        opened = opens_thinking(str(response.get("input") or ""))
        samples = []
        for index, (reply, said) in enumerate(zip(replies, sample_records(specific, response), strict=True)):
            if reply is None:
                continue
            more = counted(tokens, index) if tokens is not None and len(tokens) == len(replies) else {}
            place = {"key": f"{name}[{index}]", "problem_id": problem_id, "index": index, "reply": reply}
            samples.append(sample_of({"thinking_opened": opened} | more | known(said), **place))
        record = {
            "id": problem_id,
            "name": name,
            "prompt": doc.get("query") or "",
            "gold": gold,
            "grader": specific.get("grader") or "",
            "groups": json.loads(specific.get("groups") or "{}"),
            "metric": numbers_of(row["metric"] or {}),
        }
    return replace(decoded(RunProblem, record, where=where), samples=samples)


def numbers_of(metric: dict) -> dict[str, float]:
    return {name: float(value) for name, value in metric.items() if isinstance(value, int | float)}


def known(record: dict) -> dict:
    return {name: value for name, value in record.items() if value not in (None, "", "unknown") or name in GRADE_FIELDS}


def sample_records(specific: dict, response: dict) -> list[dict]:
    """What a row says of each of its replies: under Sample's names, or in the parallel lists of older files.

    ValueError where it says it of another number of them.
    """
    n = len(response.get("text") or [])
    columns = {"samples": specific["samples"]} if "samples" in specific else {}
    columns |= {name: specific.get(name, response.get(name)) for name in LISTS if "samples" not in specific}
    records: list[dict] = [{} for _ in range(n)]
    for column, values in columns.items():
        if not isinstance(values, list) or not values:
            continue
        if len(values) != n:
            raise ValueError(f"it has {n} replies but {len(values)} {column}")
        for record, value in zip(records, values, strict=True):
            record |= (value or {}) if column == "samples" else {LISTS[column]: value}
    return records


def counted(tokens: pyarrow.Array, at: int) -> dict:
    """Number and ids of the tokens of one reply, where LightEval's own engine kept them."""
    ids = tokens[at].values
    if ids is None:
        return {}
    return {"n_tokens": len(ids)} | (
        {"token_ids": pack_token_ids(ids.to_numpy(zero_copy_only=False))} if len(ids) else {}
    )


def gold_of(doc: dict) -> str:
    """The gold choice's text; "" for programs, whose tests stay with the data set."""
    at = doc.get("gold_index")
    at = at[0] if isinstance(at, list) and at else at
    choices = doc.get("choices") or []
    return str(choices[at]) if isinstance(at, int) and at < len(choices) else ""


def tests_of(doc: dict) -> str:
    """The tests that LightEval's own LiveCodeBench task keeps in its details, as a program's gold; "" for others."""
    specific = doc.get("specific") or {}
    if specific.get("inputs") is None or specific.get("outputs") is None:
        return ""
    pairs = zip(specific["inputs"], specific["outputs"], strict=True)
    tests = json.dumps([{"input": given, "output": expected} for given, expected in pairs])
    return json.dumps({"fn_name": specific.get("fn_name"), "public": tests, "private": "[]"})
