"""Problems of one's own as a task: a .jsonl, .csv or .parquet file, or a data set of the Hub (hf://datasets/NAME).

A row has a question, and a gold, or options and a gold, or tests; and groups that it falls in, such as a level. Columns
are known by their usual names, or named: --columns question=…,gold=…. The grader follows from the columns: tests are
for programs, options for lettered questions, else a gold is an expression; what fits no grader, or two, is refused with
the option that decides.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from lighteval_r1.graders import CHOICE, EXPRESSION, GRADERS, PROGRAM
from lighteval_r1.outside import variables
from lighteval_r1.outside.decoding import row_of_others
from lighteval_r1.outside.user_files import read_text
from lighteval_r1.outside.words import one_line
from lighteval_r1.records import Problem, UserError, sha256
from lighteval_r1.tasks import livecodebench
from lighteval_r1.tasks.cells import gold_text, letter_of, options_of, tests_of, unreadable
from lighteval_r1.tasks.lettered import LETTERS, choice_problem
from lighteval_r1.tasks.task import DEEPSEEK_PROMPT, HUB, Task, local_rows, problem_of

MAX_BYTES = 2**30
# The usual names of columns. Of two that are there, the user says which.
COLUMNS = {
    "question": ("question", "problem", "prompt", "query", "instruction"),
    "gold": ("answer", "gold", "final_answer", "expected_answer", "target"),
    "options": ("options", "choices"),
    "tests": ("tests", "test_cases"),
    "function": ("fn_name", "function"),
    "starter": ("starter_code",),
    "name": ("id", "uid", "name", "problem_idx"),
    "level": ("level",),
    "difficulty": ("difficulty",),
    "subject": ("subject",),
    "category": ("category",),
}
GROUPS = ("level", "difficulty", "subject", "category")
# Values beyond which a column is no group.
GROUP_VALUES_MOST = 40


@dataclass(frozen=True)
class Own:
    """Where the rows are, and how they are read. columns: of ours, the file's. groups: with their values."""

    address: str
    columns: dict[str, str]
    grader: str
    prompt: str
    groups: dict[str, list[str]]


def find(name: str) -> Task | None:
    """The task of a file that this run named before."""
    described = variables.OWN_PROBLEMS.value().get(name)
    return task_of(name, Own(**described)) if described else None


def spelled_out(spec: str) -> str:
    """The specification for a process that this one does not start: with the file's address where a file was named."""
    name, sign, options = spec.partition("@")
    described = variables.OWN_PROBLEMS.value().get(name)
    return described["address"] + sign + options.partition("|")[0] if described else spec


def in_words(task: Task) -> str:
    """What was understood of a file: "own_sums is sums.jsonl, graded by expression; columns: question problem."."""
    columns = ", ".join(
        f"{ours} {theirs}" for ours, theirs in variables.OWN_PROBLEMS.value()[task.name]["columns"].items()
    )
    return f"{task.name} is {task.repo}, graded by {task.grader.name}; columns: {columns}."


def add(address: str, *, columns: str = "", grader: str = "", prompt_file: str = "") -> Task:
    """The file as a task, for this process and those that it starts. UserError, with the row, for what is wrong."""
    path = address if address.startswith(HUB) else str(Path(address).expanduser().absolute())
    rows = read_rows(path)
    named = named_columns(columns)
    chosen = columns_of(rows[0], named, address=address)
    groups = groups_of(rows, chosen)
    for group in set(GROUPS) & set(chosen) - set(groups):
        if group in named:
            raise UserError(f"{address}: {named[group]} has 1 value, or more than {GROUP_VALUES_MOST}: no {group}.")
        del chosen[group]
    kind = grader or grader_of(rows, chosen, address=address)
    if kind not in GRADERS:
        raise UserError(f"--grader {kind}: there is no such grader. There are: {', '.join(GRADERS)}.")
    own = Own(path, chosen, kind, read_prompt(prompt_file, kind=kind), groups)
    name = "own_" + re.sub(r"[^a-z0-9]+", "_", Path(address).stem.casefold()).strip("_")
    task = task_of(name, own)
    check(task, address=address)
    variables.OWN_PROBLEMS.set(variables.OWN_PROBLEMS.value() | {name: asdict(own)})
    return task


def task_of(name: str, own: Own) -> Task:
    needed = ("question", "tests" if own.grader == PROGRAM.name else "gold")
    return Task(
        name=name,
        repo=own.address,
        split="test",
        file=name,
        columns=needed,
        prompt=own.prompt,
        read=read_program if own.grader == PROGRAM.name else read,
        grader=GRADERS[own.grader],
        n=4,
        version=2,
        licence="one's own",
        groups={group: tuple(values) for group, values in own.groups.items()},
        rows=partial(own_rows, own.address, tuple(own.columns.items())),
    )


@lru_cache(maxsize=4)
def read_rows(address: str) -> list[dict]:
    """The rows as they stand there. UserError where there are none."""
    rows = hub_rows(address.removeprefix(HUB)) if address.startswith(HUB) else file_rows(Path(address))
    if not rows:
        raise UserError(f"{address} holds no problem.")
    return rows


def file_rows(path: Path) -> list[dict]:
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            raise UserError(f"{path} has {n_bytes / 2**30:.1f} GiB; problems of one's own may have up to 1 GiB.")
        return list(local_rows(path))
    except OSError as error:
        raise UserError(f"cannot read the problems {path}: {error.strerror}.") from None


def hub_rows(name: str) -> list[dict]:
    import datasets

    try:
        splits = datasets.load_dataset(name)
    except (datasets.exceptions.DatasetNotFoundError, ConnectionError, OSError, ValueError) as error:
        raise UserError(f"{HUB}{name} cannot be loaded: {one_line(error)}") from None
    if len(splits) > 1 and "test" not in splits:
        raise UserError(f"{HUB}{name} has the splits {', '.join(splits)}: save the one that is meant as .jsonl.")
    return list(splits["test"] if "test" in splits else next(iter(splits.values())))


def named_columns(text: str, *, known: Iterable[str] = COLUMNS) -> dict[str, str]:
    """question=…,gold=… as our names and the file's. known: names of ours that there are."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    for ours, sign, theirs in pairs:
        if ours not in known or not sign or not theirs:
            raise UserError(f"--columns {text}: it looks like question=…,gold=…; there are {', '.join(known)}.")
    return {ours: theirs for ours, _, theirs in pairs}


def columns_of(row: Mapping, named: dict[str, str], *, address: str) -> dict[str, str]:
    """Which column holds what. UserError where one is missing, or two may be meant."""
    there = ", ".join(map(str, row))
    chosen = dict(named)
    for theirs in named.values():
        if theirs not in row:
            raise UserError(f"{address} has no column {theirs!r}; it has {there}.")
    for ours, usual in COLUMNS.items():
        candidates = [column for column in usual if column in row and column not in named.values()]
        if ours in named or not candidates:
            continue
        if len(candidates) > 1:
            both = " and ".join(candidates)
            raise UserError(f"{address} has {both}: say which holds the {ours}, --columns {ours}={candidates[0]}.")
        chosen[ours] = candidates[0]
    if "question" not in chosen or not {"gold", "tests"} & set(chosen):
        lacking = "question" if "question" not in chosen else "gold"
        raise UserError(f"{address} has no column of the {lacking}; it has {there}. Name it: --columns {lacking}=….")
    return chosen


def grader_of(rows: Iterable[Mapping], columns: Mapping[str, str], *, address: str) -> str:
    """The grader that fits the columns. UserError where none or two do."""
    if "tests" in columns:
        return PROGRAM.name
    if "options" in columns:
        return CHOICE.name
    golds = []
    for number, row in enumerate(rows, start=1):
        with row_of_others(f"{address}, row {number}"):
            golds.append(gold_text(row.get(columns["gold"])))
    if all(len(gold) == 1 and gold in LETTERS for gold in golds):
        raise UserError(f"{address}: all golds are letters. Say --grader choice (of options) or --grader expression.")
    for number, gold in enumerate(golds, start=1):
        if why := unreadable(gold):
            raise UserError(
                f"{address}, row {number}: the gold {gold[:60]!r} {why}, which no grader reads. Needed is an "
                "expression, a letter, or tests; --columns gold=… names another column."
            )
    return EXPRESSION.name


def groups_of(rows: Iterable[Mapping], columns: Mapping[str, str]) -> dict[str, list[str]]:
    """Values of each group that the rows fall in, smallest first; a column with one value or very many is none."""
    groups = {}
    for group in GROUPS:
        values = {group_text(row.get(columns[group])) for row in rows if group in columns} - {""}
        if 1 < len(values) <= GROUP_VALUES_MOST:
            groups[group] = sorted(values, key=lambda text: (float(text) if text.isdecimal() else math.inf, text))
    return groups


def group_text(value: object) -> str:
    return "" if value is None else one_line(str(value), longest=60)


def read_prompt(file: str, *, kind: str) -> str:
    """The template around a problem; other braces than those of {problem} are text."""
    if not file:
        return livecodebench.PROMPT if kind == PROGRAM.name else DEEPSEEK_PROMPT
    # a problem is known by its prompt, in which every line has ended so, whatever the file's lines end with
    text = read_text(file, what="--prompt-file").replace("\r\n", "\n").replace("\r", "\n")
    if text.count("{problem}") != 1:
        raise UserError(f"--prompt-file {file} must hold {{problem}} once, where the problem goes.")
    return text.replace("{", "{{").replace("}", "}}").replace("{{problem}}", "{problem}")


def own_rows(address: str, columns: tuple[tuple[str, str], ...]) -> list[dict]:
    """The rows under our names, texts all of them, so that every reader sees one type a column."""
    named = dict(columns)
    rows = []
    for number, row in enumerate(read_rows(address), start=1):
        with row_of_others(f"{address}, row {number}"):
            rows.append(own_row({ours: row.get(theirs) for ours, theirs in named.items()}))
    return rows


def own_row(values: Mapping[str, object]) -> dict:
    """Raises ValueError, saying what is wrong with the row."""
    question = values["question"]
    if not isinstance(question, str) or not question.strip():
        raise ValueError(f"no question, but {question!r}")
    if "\0" in question:
        raise ValueError("the question holds a NUL character, which no tokenizer reads")
    row = {"question": question, "name": str(values.get("name") or "")}
    row["groups"] = {group: text for group in GROUPS if (text := group_text(values.get(group)))}
    if "tests" in values:
        row |= {"tests": json.dumps(tests_of(values["tests"])), "function": str(values.get("function") or "")}
        return row | {"starter": str(values.get("starter") or "")}
    gold = gold_text(values["gold"])
    if not gold:
        raise ValueError("the gold is empty")
    if "options" in values:
        options = options_of(values["options"])
        return row | {"options": options, "gold": letter_of(values["gold"], options)}
    return row | {"gold": gold}


def read(row: dict, prompt: str) -> Problem:
    more = {"name": row["name"], "groups": row["groups"]}
    if row.get("options"):
        return choice_problem(prompt, question=row["question"], options=row["options"], letter=row["gold"], **more)
    return problem_of(prompt, row["question"], row["gold"], **more)


def read_program(row: dict, prompt: str) -> Problem:
    theirs = {
        "question_content": row["question"],
        "question_id": row["name"],
        "starter_code": row["starter"],
        "metadata": json.dumps({"func_name": row["function"] or None}),
        "public_test_cases": row["tests"],
        "private_test_cases": "[]",
    }
    return replace(livecodebench.read(theirs, prompt), groups=row["groups"])


def check(task: Task, *, address: str) -> None:
    """UserError, with the row, for a question that is asked twice and for a gold that its grader does not read."""
    seen: dict[str, int] = {}
    for number, row in enumerate(task.rows(), start=1):
        problem = task.problem(row)
        first = seen.setdefault(sha256(problem.prompt), number)
        if first != number:
            raise UserError(f"{address}: rows {first} and {number} ask the same question.")
        with row_of_others(f"{address}, row {number}"):
            faults = task.check([problem])
        if faults:
            raise UserError(f"{address}, row {number}: {one_line(faults[0])}")
