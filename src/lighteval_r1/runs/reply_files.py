"""Replies that were drawn elsewhere, as problems with samples, whatever program wrote the file (runs.reply_formats).

What a row does not say the task's own data may know (under LIGHTEVAL_R1_DATA, or in the package): its problems are
found by name, by their question, or by a prompt that holds it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lighteval_r1.outside.decoding import row_of_others
from lighteval_r1.outside.words import counted, tell
from lighteval_r1.records import RunProblem, Sample, TaskRun, UserError, sha256
from lighteval_r1.runs.known_problems import KnownProblems, gold_of, is_letter, same_gold, task_that_asks
from lighteval_r1.runs.reply_formats import COLUMNS, ROWS, Drawn, Wanted, format_of, rows_of
from lighteval_r1.tasks import Task, own

DETAILS, PUSHED = "LightEval's details", "pushed rows"
PARQUET = {DETAILS: {"doc", "model_response"}, PUSHED: {"problem_id", "sample_index", "reply_sha256"}}
# All replies are held at once.
MAX_BYTES = 2**32


def read_replies(path: Path, task: Task, *, columns: str = "", verdicts: dict[str, object] | None = None) -> TaskRun:
    """The file's problems with whole golds, in its order. UserError, with the row's number, for what is wrong.

    columns: which hold what, "question=…,reply=…". A sample's key is the reply's name in the file; thinking_opened is
    None where the file does not say. verdicts: is filled with those that the file brings, as written, by the sample's
    key.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}.")
    if (n_bytes := path.stat().st_size) > MAX_BYTES:
        raise UserError(f"{path} has {n_bytes / 2**30:.1f} GiB; files of replies may have up to 4 GiB. Split it.")
    if path.suffix == ".parquet" and (kind := kind_of_parquet(path)):
        problems = problems_of_details(path, task) if kind == DETAILS else problems_of_pushed(path, task)
    else:
        problems = problems_of_rows(path, task, named=own.named_columns(columns, known=COLUMNS), verdicts=verdicts)
    keys = Counter(sample.key for problem in problems for sample in problem.samples)
    if not keys:
        raise UserError(f"{path} holds no reply.")
    twice, n = keys.most_common(1)[0]
    if n > 1:
        raise UserError(f"{path}: uid {twice!r} stands on two replies; a reply's uid must be its own.")
    return TaskRun.of_problems(task.name, problems, version=task.version, n=0)


def is_details(path: Path) -> bool:
    """Whether a parquet file has the columns of LightEval's details. UserError where it is no parquet file."""
    return kind_of_parquet(path) == DETAILS


def kind_of_parquet(path: Path) -> str:
    """DETAILS, PUSHED or "". UserError where it is no parquet file."""
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        names = set(parquet.read_schema(path).names)
        return next((kind for kind, columns in PARQUET.items() if columns <= names), "")
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{path} is not a parquet file: {str(error).splitlines()[0]}") from None


def problems_of_details(path: Path, task: Task) -> list[RunProblem]:
    from lighteval_r1.runs.details_file import read_problem, rows, tests_of

    problems = ((read_problem(row, tokens=tokens, path=path), tests_of(row["doc"])) for row, tokens in rows(path))
    return list(with_whole_golds(problems, path=path, task=task))


def problems_of_pushed(path: Path, task: Task) -> list[RunProblem]:
    from lighteval_r1.runs.rows_file import task_of_rows

    problems = task_of_rows(path, described={}).problems
    if any(not problem.prompt and not any(s.reply for s in problem.samples) for problem in problems):
        raise UserError(f"{path}: the replies were left out when it was pushed, so there is nothing to grade.")
    return list(with_whole_golds(((problem, "") for problem in problems), path=path, task=task))


def with_whole_golds(problems: Iterable[tuple[RunProblem, str]], *, path: Path, task: Task) -> Iterator[RunProblem]:
    """The problems with golds as the grader wants them, ungraded. Beside each: its tests, where the file has them."""
    known = KnownProblems(task)
    for number, (problem, tests) in enumerate(problems, start=1):
        same = known.find((problem.id,), problem.prompt)
        known_gold = same.gold if same else ""
        whole = known_gold if same and same.id == problem.id else ""
        gold = whole or tests or problem.gold or known_gold
        if not gold:
            raise UserError(f"{path}, problem {number}: {no_gold(task)}.")
        # Details written from a plain prompt do not say no: the flag or the replies decide.
        samples = [replace(s, thinking_opened=s.thinking_opened or None, outcome=None) for s in problem.samples]
        yield replace(problem, gold=gold, grader=task.grader.name, samples=samples)


def problems_of_rows(
    path: Path, task: Task, *, named: Mapping[str, str], verdicts: dict[str, object] | None
) -> list[RunProblem]:
    known = KnownProblems(task)
    problems: dict[str, RunProblem] = {}
    golds: dict[str, tuple[str, int]] = {}
    taken: set[str] = set()
    kind, wanted = ROWS, Wanted(task.question, named)
    for number, row in enumerate(rows_of(path), start=1):
        where = f"{path}, row {number}"
        if number == 1:
            kind, wanted = format_of(row, named=named, where=where), replace(wanted, first=row)
        with row_of_others(where + f" ({kind.name})" * (kind is not ROWS)):
            drawn = kind.read(row, wanted)
            if drawn is None:
                continue
            problem = problem_of(drawn, known=known, task=task, named=named)
            check_one_gold(golds, problem, task=task, number=number)
        place = problems.setdefault(problem.id, problem)
        keys = add_samples(place, drawn, label=drawn.key or f"row {number}", taken=taken)
        if verdicts is not None:
            verdicts |= dict(zip(keys, drawn.verdicts, strict=False))
    asked = list(problems.values())
    check_kind(path, asked, task=task)
    say_what_was_read(path, asked, task=task, kind=kind.name)
    return asked


def no_gold(task: Task) -> str:
    return (
        f"no gold ({', '.join(COLUMNS['gold'])}), and the data of {task.name} does not have this question. Set "
        "LIGHTEVAL_R1_DATA to the folder of the task's data, or name the column: --columns gold=…"
    )


def problem_of(drawn: Drawn, *, known: KnownProblems, task: Task, named: Mapping[str, str]) -> RunProblem:
    """The problem without samples. ValueError for a gold that cannot be meant."""
    same = known.find(drawn.names, drawn.question, needed=drawn.gold is None)
    if drawn.gold is not None:
        gold = gold_of(drawn.gold, drawn.options, task=task)
    elif same is not None:
        gold = same.gold
    else:
        raise ValueError(no_gold(task))
    if same is None:
        problem_id = drawn.problem_id or sha256([drawn.question, gold])[:16]
        return RunProblem(problem_id, drawn.key, drawn.question, gold, task.grader.name)
    if "gold" not in named and not same_gold(gold, same.gold, task=task):
        mine, own_gold = (task.grader.shown_gold(text)[:60] for text in (gold, same.gold))
        raise ValueError(
            f"the gold {mine!r} is not {task.name}'s own for this question, {own_gold!r}. Leave the column out to "
            "grade by the task's, or name it (--columns gold=…) to grade by the file's"
        )
    problem_id = drawn.problem_id or (sha256([drawn.question, gold])[:16] if drawn.question else same.id)
    return RunProblem(
        problem_id,
        same.name or drawn.key,
        drawn.question or same.prompt,
        gold,
        task.grader.name,
        same.groups,
        row_sha256=same.row_sha256,
    )


def check_one_gold(golds: dict[str, tuple[str, int]], problem: RunProblem, *, task: Task, number: int) -> None:
    """ValueError where an earlier row asks the same question with another gold.

    A lettered question's text may recur with other options.
    """
    gold, first = golds.setdefault(problem.prompt, (problem.gold, number))
    if gold != problem.gold and not task.grader.lettered:
        raise ValueError(f"the gold is {problem.gold[:60]!r}, and row {first} asks the same with {gold[:60]!r}")


def add_samples(problem: RunProblem, drawn: Drawn, *, label: str, taken: set[str]) -> list[str]:
    """Puts the row's replies behind those that the problem has; their keys."""
    keys = []
    finish_reasons = drawn.finish_reasons or [None] * len(drawn.replies)
    n_tokens = drawn.n_tokens or [None] * len(drawn.replies)
    for place, reply in enumerate(drawn.replies):
        index = len(problem.samples)
        key = f"{label}[{place}]" if drawn.many else label
        # An id may name the problem; a uid is the reply's own.
        key = key if key not in taken or drawn.own_key else f"{label}[{index}]"
        taken.add(key)
        keys.append(key)
        problem.samples.append(
            Sample(
                key,
                problem.id,
                index,
                None,
                reply,
                thinking_opened=drawn.thinking_opened,
                finish_reason=finish_reasons[place],
                n_tokens=n_tokens[place],
            )
        )
    return keys


def check_kind(path: Path, problems: list[RunProblem], *, task: Task) -> None:
    """UserError where all golds are letters and the grader's answers are none: they are another task's."""
    letters = [is_letter(problem.gold) for problem in problems]
    if letters and all(letters) and not task.grader.lettered:
        raise UserError(
            f"{path}: all golds are letters, as of lettered questions, and {task.name} is graded by the "
            f"{task.grader.name} grader. Say --task of the task that was asked."
        )


def say_what_was_read(path: Path, problems: list[RunProblem], *, task: Task, kind: str) -> None:
    """The format, where it is another program's; and whether the questions are another task's."""
    if kind != ROWS.name:
        tell(f"{path}: {kind}, {counted(sum(len(problem.samples) for problem in problems), 'reply')}")
    strange = problems and not any(problem.row_sha256 for problem in problems)
    if strange and (other := task_that_asks(problems[0].prompt, but=task)):
        words = f"its questions are not {task.name}'s; the first is one of {other}. Graded by their own golds."
        tell(f"{path}: {words}")
