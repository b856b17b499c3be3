"""One details file of LightEval 0.13 (parquet): a row per problem with all its replies, as a TaskRun."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.compute as compute
import pyarrow.parquet as parquet

from lighteval_r1.records import Outcome, UserError, pack_token_ids, sha256
from lighteval_r1.runs.run import RunProblem, RunSample, TaskRun

LIGHTEVAL = "0.13"
# What a details file of LightEval 0.13 has, and files of other versions have not.
COLUMNS = {"doc": {"query", "choices", "gold_index", "id"}, "model_response": {"text", "input"}, "metric": set()}
# Read apart: as Python lists they would fill the memory.
HEAVY = {"output_tokens", "input_tokens", "logprobs", "argmax_logits_eq_gold", "logits", "unconditioned_logprobs"}


def task_run(name: str, path: Path, *, said: dict, version: int) -> TaskRun:
    problems, n_asked = [], 0
    ids: dict[str, int] = {}
    grades = read_grades(path.with_name(path.name + ".grades.jsonl"))
    for row, tokens in rows(path):
        problem = read_problem(row, tokens=tokens, grades=grades, path=path)
        n_asked = max(n_asked, row["doc"].get("num_samples") or 0)
        # A data set may hold a question twice.
        ids[problem.id] = ids.get(problem.id, 0) + 1
        if ids[problem.id] > 1:
            problem = replace(problem, id=f"{problem.id}#{ids[problem.id]}")
        problems.append((row["doc"].get("id"), problem))
    if not problems:
        raise UserError(f"{path} holds no problem.")
    if all(str(place).isdigit() for place, _ in problems):
        problems.sort(key=lambda item: int(item[0]))
    ordered = [problem for _, problem in problems]
    return TaskRun(
        task=name,
        version=version,
        data_sha256=said.get("data_sha256") or "",
        prompts_sha256=said.get("prompts_sha256") or sha256(sorted(problem.id for problem in ordered)),
        problems=ordered,
        n=said.get("n") or n_asked,
        n_problems=said.get("n_problems") or 0,
    )


def rows(path: Path) -> Iterator[tuple[dict, pyarrow.Array | None]]:
    """(row, token ids of each of its replies); None where the file has no token ids. UserError for other files."""
    try:
        file = parquet.ParquetFile(path)
        check_columns(path, file.schema_arrow)
        response = file.schema_arrow.field("model_response").type
        wanted = [f"model_response.{one.name}" for one in response if one.name not in HEAVY]
        has_tokens = any(one.name == "output_tokens" and is_lists(one.type) for one in response)
        tokens = ["model_response.output_tokens"] if has_tokens else []
        for batch in file.iter_batches(batch_size=16, columns=["doc", "metric", *wanted, *tokens]):
            drawn = batch.column("model_response").field("output_tokens") if has_tokens else None
            lighter = batch.column("model_response")
            names = [one.name for one in lighter.type if one.name not in HEAVY]
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
        there = {one.name for one in type_} if type_ is not None and pyarrow.types.is_struct(type_) else set()
        if type_ is None or not fields <= there:
            lacking = column if type_ is None else f"{column}.{min(fields - there)}"
            raise UserError(
                f"{path} is not a details file of LightEval {LIGHTEVAL}: it has no {lacking} "
                f"(its columns: {', '.join(schema.names)}). Details of other versions are not read."
            )


def read_grades(path: Path) -> dict[str, dict]:
    """Grades that `lighteval-r1 score` wrote beside a details file, by uid; {} where there are none."""
    if not path.is_file():
        return {}
    grades = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            grade = json.loads(line)
            grades[grade["uid"]] = {"outcome": Outcome(grade["outcome"]), "answer": grade["answer"]}
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not a grade ({error!r}). Run lighteval-r1 score again.") from None
    return grades


def read_problem(row: dict, *, tokens: pyarrow.Array | None, grades: dict[str, dict], path: Path) -> RunProblem:
    doc, response = row["doc"], row["model_response"]
    specific = doc.get("specific") or {}
    gold = gold_of(doc)
    name = str(specific.get("name") or doc.get("id") or "")
    replies = response.get("text") or []
    columns = {}
    for column in ("outcomes", "answers", "finish_reasons", "n_tokens", "seeds", "token_ids", "thinking_opened"):
        values = specific.get(column, response.get(column))
        if isinstance(values, list) and values and len(values) != len(replies):
            raise UserError(f"{path}: problem {name} has {len(replies)} replies but {len(values)} {column}.")
        columns[column] = values if isinstance(values, list) and values else [None] * len(replies)
    if tokens is not None and len(tokens) == len(replies):
        counts = compute.list_value_length(tokens).to_pylist()
        columns["n_tokens"] = [
            count if said is None else said for count, said in zip(counts, columns["n_tokens"], strict=True)
        ]
        columns["token_ids"] = [
            packed(tokens, at) if said is None else said for at, said in enumerate(columns["token_ids"])
        ]
    opened = str(response.get("input") or "").rstrip().endswith("<think>")
    samples = []
    for index, reply in enumerate(replies):
        if reply is None:
            continue
        one = {column: values[index] for column, values in columns.items()}
        graded = {} if one["outcomes"] else grades.get(f"{name}[{index}]", {})
        samples.append(
            RunSample(
                index=index,
                reply=reply,
                thinking_opened=opened if one["thinking_opened"] is None else one["thinking_opened"],
                outcome=outcome_of(one["outcomes"] or graded.get("outcome"), path=path, name=name),
                answer=graded.get("answer") if one["answers"] is None else one["answers"],
                finish_reason=one["finish_reasons"] if one["finish_reasons"] not in ("", "unknown") else None,
                n_tokens=one["n_tokens"],
                seed=one["seeds"],
                packed_token_ids=one["token_ids"] or None,
            )
        )
    return RunProblem(
        id=specific.get("problem_id") or sha256([doc.get("query"), gold])[:16],
        name=name,
        prompt=doc.get("query") or "",
        gold=gold,
        grader=specific.get("grader") or "",
        groups=json.loads(specific.get("groups") or "{}"),
        samples=samples,
        metric={key: float(value) for key, value in (row["metric"] or {}).items() if isinstance(value, int | float)},
    )


def outcome_of(text: str | None, *, path: Path, name: str) -> str | None:
    if not text:
        return None
    try:
        return Outcome(text)
    except ValueError:
        raise UserError(f"{path}: problem {name} has an outcome {text!r}; known are {', '.join(Outcome)}.") from None


def packed(tokens: pyarrow.Array, at: int) -> str | None:
    ids = tokens[at].values
    return pack_token_ids(ids.to_numpy(zero_copy_only=False)) if ids is not None and len(ids) else None


def gold_of(doc: dict) -> str:
    """The gold choice's text; "" for programs, whose tests stay with the data set."""
    at = doc.get("gold_index")
    at = at[0] if isinstance(at, list) and at else at
    choices = doc.get("choices") or []
    return str(choices[at]) if isinstance(at, int) and at < len(choices) else ""
