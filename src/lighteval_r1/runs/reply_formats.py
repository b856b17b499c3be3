"""Formats in which others keep replies: how a row is recognised, and what it says of a question and its replies.

A format is a line in FORMATS and a reader of a few lines. A row of several formats is refused, never guessed; one of
none is read by the usual names of columns, or by those that --columns names.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lighteval_r1.graders.marks import opens_thinking
from lighteval_r1.outside.words import one_line
from lighteval_r1.records import UserError
from lighteval_r1.tasks import own
from lighteval_r1.tasks.task import local_rows

# Of a message, what holds words; a mapping without any is something else, and no reply without an answer.
SAYS = frozenset(("content", "text", "reasoning_content", "reasoning", "refusal", "tool_calls"))
# The usual names of columns, besides those of problems. Of two that are there, the user says which.
COLUMNS = {
    "question": (*own.COLUMNS["question"], "messages"),
    "gold": (*own.COLUMNS["gold"], "ground_truth", "reference_answer"),
    "options": own.COLUMNS["options"],
    "reply": (
        *("gen", "output", "outputs", "response", "responses", "completion", "completions", "generation"),
        *("generations", "reply", "replies", "messages"),
    ),
    "name": ("uid", "id"),
    "finish_reason": ("finish_reason", "finish_reasons"),
    "n_tokens": ("n_tokens", "output_tokens", "completion_tokens"),
    "verdict": ("verdict", "is_correct", "correct", "passed", "acc", "accuracy", "score", "reward", "outcome"),
}
# Under these a task may know a problem.
NAMES = ("problem_id", "question_id", "problem_idx", "unique_id", "id", "name")
# Source: stop reasons of inspect_ai.model.ModelOutput, which EvalScope shares.
FINISH_REASONS = {"max_tokens": "length", "model_length": "length"}


@dataclass(frozen=True)
class Drawn:
    """What a row says. names: under which the task may know the problem. key: the row's own name.

    own_key: whether no other reply may have the key. many: whether the row holds a list of replies. finish_reasons,
    n_tokens, verdicts (of whoever graded before, as written): of each reply, or () where the row does not say.
    """

    replies: list[str]
    question: str = ""
    names: tuple[str, ...] = ()
    gold: object = None
    options: object = None
    key: str = ""
    own_key: bool = False
    many: bool = False
    finish_reasons: Sequence[str | None] = ()
    n_tokens: Sequence[int | None] = ()
    thinking_opened: bool | None = None
    problem_id: str = ""
    verdicts: Sequence[object] = ()


@dataclass(frozen=True)
class Wanted:
    """What a reader goes by: the task's own column of the question, columns that were named, the file's first row."""

    question: str
    named: Mapping[str, str] = field(default_factory=dict)
    first: Mapping = field(default_factory=dict)


@dataclass(frozen=True)
class Format:
    """read: row -> what it says; None for a row that says again what another said. ValueError says what is wrong."""

    name: str
    columns: frozenset[str]
    read: Callable[[Mapping, Wanted], Drawn | None]


def format_of(row: Mapping, *, named: Mapping[str, str], where: str) -> Format:
    """The format of a row, and so of its file. UserError where two may be meant, or it holds requests."""
    if {"custom_id", "method", "body"} <= set(row):
        raise UserError(f"{where}: these are the requests of a batch; its output holds the replies.")
    # A format knows its columns; which of several verdicts is meant, it does not.
    fitting = [known for known in FORMATS if known.columns <= set(row) and not set(named) - {"verdict"}]
    if len(fitting) > 1:
        raise UserError(f"{where} may be {' or '.join(known.name for known in fitting)}: say --columns reply=….")
    return fitting[0] if fitting else ROWS


def rows_of(path: Path) -> Iterator[Mapping]:
    """Rows of a file as it is kept there: JSONL, CSV, parquet, or a log of Inspect."""
    return inspect_rows(path) if path.suffix == ".eval" or is_one_object(path) else local_rows(path)


def is_one_object(path: Path) -> bool:
    """Whether a .json file is an object over many lines, as Inspect writes its logs, and not one object a line."""
    if path.suffix != ".json":
        return False
    with path.open("rb") as file:
        return file.readline().strip() == b"{"


def inspect_rows(path: Path) -> Iterator[Mapping]:
    # Only here: it takes a second to import.
    from inspect_ai.log import read_eval_log
    from pydantic import ValidationError

    try:
        log = read_eval_log(str(path), resolve_attachments=True)
    except (OSError, ValueError, ValidationError, KeyError, RuntimeError) as error:
        raise UserError(f"{path} is not a log of Inspect: {one_line(error)}") from None
    for sample in log.samples or ():
        yield sample.model_dump(exclude={"events", "store"})


# -- texts of messages


def text_of(message: object) -> str:
    """A reply as its model wrote it; thinking that stands apart in a message goes in front of it, in think tags.

    ValueError for what is neither.
    """
    if isinstance(message, str):
        return message
    content = message.get("content", message.get("text")) if isinstance(message, Mapping) else message
    if not isinstance(message, Mapping) or not SAYS & message.keys() or not isinstance(content, str | list | None):
        raise ValueError(f"a reply is not a text but {str(content or message)[:60]!r}")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    thinking = [message.get("reasoning_content") or message.get("reasoning") or ""]
    thinking += [part.get("reasoning") or "" for part in parts if part.get("type") == "reasoning"]
    text = "".join(part.get("text") or "" for part in parts if part.get("type") in ("text", "output_text"))
    thought = "".join(filter(None, thinking))
    # As of a server: a thought with nothing behind it is left open.
    return f"<think>{thought}{'</think>' if text else ''}{text}" if thought else text


def conversation(messages: object) -> tuple[str, str | None]:
    """The last question of a conversation, and the reply to it; None where it ends with the question."""
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise ValueError("messages are a list of {role, content}")
    asked = [text_of(message) for message in messages if message.get("role") == "user"]
    ends = bool(messages) and messages[-1].get("role") == "assistant"
    return asked[-1] if asked else "", text_of(messages[-1]) if ends else None


def literal(value: object) -> object:
    """LightEval until 0.9 wrote some lists as Python does."""
    try:
        return ast.literal_eval(value) if isinstance(value, str) else value
    except (ValueError, SyntaxError):
        return value


def verdict_in(scores: object, wanted: Wanted, *, n: int, main: str | None = None) -> Sequence[object]:
    """The verdict among a sample's scores: the named one, the main one, or the only one.

    () of a mean of several replies, and where it is not clear which is meant.
    """
    if not isinstance(scores, Mapping) or n != 1:
        return ()
    name = wanted.named.get("verdict") or main or (next(iter(scores)) if len(scores) == 1 else None)
    return [scores[name]] if name in scores else ()


# -- readers of rows


def of_lm_eval(row: Mapping, wanted: Wanted) -> Drawn | None:
    if row.get("filter") != wanted.first.get("filter"):
        return None  # the same replies, as another filter read them
    doc, resps = row["doc"], row["resps"]
    if len(resps) != 1 or not all(isinstance(reply, str) for reply in resps[0]):
        raise ValueError("resps hold no generated texts (of output_type generate_until)")
    question = doc.get(wanted.question) or next((doc[name] for name in own.COLUMNS["question"] if doc.get(name)), "")
    options = next((doc[name] for name in COLUMNS["options"] if doc.get(name)), None)
    metrics = {name: row.get(name) for name in row.get("metrics") or ()}
    return Drawn(
        resps[0],
        question,
        names_of(doc),
        row["target"],
        options=options,
        key=f"doc {row['doc_id']}",
        many=True,
        verdicts=verdict_in(metrics, wanted, n=len(resps[0])),
    )


def of_old_details(row: Mapping, wanted: Wanted) -> Drawn:
    """LightEval 0.6 to 0.9; until 0.8 every value is text."""
    row = {name: literal(value) for name, value in row.items()}
    golds = row["gold"] if isinstance(row["gold"], list) else [row["gold"]]
    tokens = row.get("cont_tokens") or []
    replies = [text_of(reply) for reply in row["predictions"]]
    lists = len(tokens) == len(replies) and all(isinstance(ids, list) for ids in tokens)
    return Drawn(
        replies,
        str(row.get("example") or row["full_prompt"]),
        gold=[str(gold).strip() for gold in golds],
        many=True,
        n_tokens=[len(ids) for ids in tokens] if lists else (),
        thinking_opened=opens_thinking(str(row["full_prompt"])) or None,
        verdicts=verdict_in(row.get("metrics"), wanted, n=len(replies)),
    )


def of_batch(row: Mapping, wanted: Wanted) -> Drawn:
    response = row["response"] or {}
    choices = (response.get("body") or {}).get("choices")
    if row.get("error") or response.get("status_code", 200) != 200 or not choices:
        why = one_line(str(row.get("error") or response)[:80])
        raise ValueError(f"the request {row['custom_id']!r} has no reply ({why}); draw it again, or leave it out")
    messages = [choice.get("message", choice) for choice in choices]
    tokens = (response["body"].get("usage") or {}).get("completion_tokens")
    return Drawn(
        [text_of(message) for message in messages],
        names=(row["custom_id"],),
        key=row["custom_id"],
        many=len(messages) > 1,
        finish_reasons=[choice.get("finish_reason") for choice in choices],
        n_tokens=[tokens] if len(messages) == 1 else (),
    )


def of_output(row: Mapping, output: Mapping) -> Drawn:
    """The reply of a sample of Inspect or EvalScope: their output has the same shape."""
    if row.get("error") or output.get("error") or not output.get("choices"):
        raise ValueError(f"the sample has no reply ({one_line(str(row.get('error') or output.get('error')))[:80]})")
    choice = output["choices"][0]
    reason = choice.get("stop_reason")
    return Drawn(
        [text_of(choice["message"])],
        finish_reasons=[FINISH_REASONS.get(reason, reason)],
        n_tokens=[(output.get("usage") or {}).get("output_tokens")],
    )


def of_predictions(row: Mapping, wanted: Wanted) -> Drawn:
    drawn = of_output(row, row["model_output"])
    return replace(drawn, question=conversation(row["messages"])[0], key=f"index {row['index']}")


def of_reviews(row: Mapping, wanted: Wanted) -> Drawn:
    question, reply = conversation(row["messages"])
    if reply is None:
        raise ValueError("the messages end without a reply")
    score = row["sample_score"].get("score") or {}
    verdicts = verdict_in(score.get("value"), wanted, n=1, main=score.get("main_score_name"))
    return Drawn([reply], question, gold=row["target"], key=f"index {row['index']}", verdicts=verdicts)


def of_inspect(row: Mapping, wanted: Wanted) -> Drawn:
    question = row["input"] if isinstance(row["input"], str) else conversation(row["input"])[0]
    return replace(
        of_output(row, row["output"]),
        question=question,
        names=(str(row["id"]),),
        gold=row["target"],
        options=row.get("choices"),
        key=f"{row['id']}[{row['epoch'] - 1}]",
        verdicts=verdict_in({name: score["value"] for name, score in (row.get("scores") or {}).items()}, wanted, n=1),
    )


FORMATS = (
    Format("samples of lm-evaluation-harness", frozenset({"doc", "doc_id", "resps", "target"}), of_lm_eval),
    Format("details of LightEval 0.6 to 0.9", frozenset({"predictions", "gold", "full_prompt"}), of_old_details),
    Format("batch output (OpenAI, vLLM)", frozenset({"custom_id", "response"}), of_batch),
    Format("predictions of EvalScope", frozenset({"index", "model_output", "messages"}), of_predictions),
    Format("reviews of EvalScope", frozenset({"index", "target", "sample_score", "messages"}), of_reviews),
    Format("a log of Inspect", frozenset({"id", "epoch", "input", "target", "output"}), of_inspect),
)


# -- rows by the names of their columns


def of_columns(row: Mapping, wanted: Wanted) -> Drawn:
    columns = columns_of(row, wanted)
    values = {ours: row[theirs] for ours, theirs in columns.items()}
    names = names_of(row)
    for lacking, is_there in (("question", "question" in values or names), ("reply", "reply" in values)):
        if not is_there and columns.get("reply") != "messages":
            usual, there = ", ".join(COLUMNS[lacking]), ", ".join(sorted(row)) or "none"
            raise ValueError(f"no {lacking} ({usual}); its columns are {there}. Name it: --columns {lacking}=…")
    question, replies = values.get("question", ""), values["reply"]
    if columns["reply"] == "messages":
        asked, replies = conversation(replies)
        question = question or asked
    if columns.get("question") == "messages":
        question = conversation(question)[0]
    if not isinstance(question, str):
        raise ValueError(f"the question is not a text but {str(question)[:60]!r}")
    many = isinstance(replies, list)
    texts = [text_of(reply) for reply in (replies if many else [replies])]
    return Drawn(
        texts,
        question,
        names,
        gold=values.get("gold"),
        options=values.get("options"),
        key=str(values.get("name") or ""),
        own_key=columns.get("name") == "uid",
        many=many,
        finish_reasons=as_list(values.get("finish_reason"), n=len(texts)),
        n_tokens=as_list(values.get("n_tokens"), n=len(texts)),
        thinking_opened=row.get("thinking_opened"),
        problem_id=str(row.get("problem_id") or ""),
        verdicts=as_list(values["verdict"], n=len(texts)) if "verdict" in values and many else [values.get("verdict")],
    )


ROWS = Format("rows", frozenset(), of_columns)


def columns_of(row: Mapping, wanted: Wanted) -> dict[str, str]:
    """Which column of the row holds what. ValueError where one that was named is missing, or two may be meant."""
    chosen = dict(wanted.named)
    if missing := [theirs for theirs in chosen.values() if theirs not in row]:
        raise ValueError(f"no column {missing[0]!r}; its columns are {', '.join(sorted(row))}")
    for ours, usual in COLUMNS.items():
        there = [name for name in usual if row.get(name) is not None and name not in chosen.values()]
        if "messages" in there:
            holds_reply = conversation(row["messages"])[1] is not None
            if holds_reply != (ours == "reply") or (ours == "question" and len(there) > 1):
                there.remove("messages")
        if ours == "question" and wanted.question in row:
            there = [wanted.question]
        if ours in chosen or not there or (ours == "verdict" and len(there) > 1):
            continue
        texts = {str(row[name]) for name in there}
        if len(texts) > 1 and ours in ("question", "gold", "reply"):
            both = " and ".join(there)
            raise ValueError(f"{both}: say which holds the {ours}, --columns {ours}={there[0]}")
        chosen[ours] = there[0]
    return chosen


def names_of(row: Mapping) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in NAMES if isinstance(row.get(name), str | int))


def as_list(value: object, *, n: int) -> list:
    values = value if isinstance(value, list) else [value] * n
    if len(values) != n:
        raise ValueError(f"{n} replies, but {len(values)} finish reasons or token counts")
    return values
