"""Published replies that carry their own verdicts, graded again: where both agree, and what lies in between."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.answers import NoAnswer, reason_of
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.numbers.scores import from_thinking
from lighteval_r1.numbers.tables import INTERVAL_HEADERS, columns, intervals, percent
from lighteval_r1.outside.words import counted
from lighteval_r1.records import Estimate, Outcome, RunProblem, Sample, TaskRun, UserError
from lighteval_r1.runs.grading import grade_all, local_path, settle_thinking, task_that_grades
from lighteval_r1.runs.pairing import metric_scores
from lighteval_r1.runs.reply_files import is_details, read_replies
from lighteval_r1.sampling.pool import Pool

# As programs write verdicts: Inspect's letters, truth values, our own outcomes.
RIGHT = frozenset(("true", "correct", "right", "c", "yes", "pass", "passed", "1", "1.0"))
WRONG = frozenset(
    ("false", "incorrect", "wrong", "i", "n", "no", "fail", "failed", "0", "0.0", "no_answer", "undecided")
)
FROM_THINKING = "answer taken from the thinking"
READ_OTHERWISE = "answer or gold read otherwise"
# What a grading counts as an answer at all, against how it reads and compares one.
POLICY = frozenset((FROM_THINKING, NoAnswer.CUT_OFF, NoAnswer.LOOPING, NoAnswer.REFUSED, NoAnswer.UNENDED))
EXAMPLES = 5


@dataclass(frozen=True)
class Judged:
    """A graded reply, and whether its own verdict says that it is right."""

    problem: RunProblem
    sample: Sample
    right: bool

    @property
    def apart(self) -> bool:
        return self.right != (self.sample.outcome is Outcome.CORRECT)

    @property
    def why(self) -> str:
        """Why the two may differ: what of the reply our grading counts, or how it reads it."""
        if self.sample.outcome is Outcome.CORRECT:
            return FROM_THINKING if from_thinking(self.sample) else READ_OTHERWISE
        if self.sample.outcome is Outcome.NO_ANSWER:
            return str(reason_of(self.sample.step or ""))
        return "undecided" if self.sample.outcome is Outcome.UNDECIDED else READ_OTHERWISE


@dataclass(frozen=True)
class Audit:
    """theirs, ours: the claim by either, over the replies with a verdict, n_without: others. lost: right by theirs
    alone; gained: by ours alone. policy: the part of the difference that is policy, a fraction."""

    title: str
    theirs: Estimate
    ours: Estimate
    n_without: int
    lost: list[Judged]
    gained: list[Judged]
    policy: float

    @property
    def n_agree(self) -> int:
        return self.ours.n_samples - len(self.lost) - len(self.gained)

    @property
    def difference(self) -> float:
        return self.ours.value - self.theirs.value


def audit(
    file: str, *, task: str, columns: str = "", thinking_opened: bool | None = None, allow_unsafe_code: bool = False
) -> Audit:
    """UserError where no reply of the file carries a verdict."""
    chosen = task_that_grades(task, allow_unsafe_code=allow_unsafe_code)
    path = local_path(file, task=chosen)
    raw: dict[str, object] = {}
    task_run = settle_thinking(path, read_replies(path, chosen, columns=columns, verdicts=raw), given=thinking_opened)
    if path.suffix == ".parquet" and is_details(path):
        raw = certain(task_run)
    right = {
        key: verdict for key, value in raw.items() if (verdict := verdict_of(value, where=f"{path}, {key}")) is not None
    }
    if not right:
        raise UserError(f"{path} carries no verdict of single replies; name its column: --columns verdict=….")
    with Pool() as pool:
        graded = grade_all(task_run, pool=pool, task=chosen)
    return audited(f"{path.name} on {chosen.name}, version {chosen.version}", graded, right)


def certain(task_run: TaskRun) -> dict[str, object]:
    """Verdicts that LightEval's own metric implies: of problems all of whose replies it says are right, or none."""
    _, scores = metric_scores(task_run) or ("", [])
    pairs = zip(task_run.problems, scores, strict=False)
    return {sample.key: bool(row[0]) for problem, row in pairs if row.min() == row.max() for sample in problem.samples}


def verdict_of(value: object, *, where: str) -> bool | None:
    """None where there is none. UserError for what is neither true nor false."""
    text = str(value).strip().casefold()
    if value is None or text in RIGHT | WRONG:
        return None if value is None else text in RIGHT
    raise UserError(f"{where}: the verdict {text[:40]!r} is neither true nor false. Name another: --columns verdict=….")


def audited(title: str, task_run: TaskRun, right: Mapping[str, bool]) -> Audit:
    """The graded task against verdicts by the samples' keys."""
    judged = [
        [Judged(problem, sample, right[sample.key]) for sample in problem.samples if sample.key in right]
        for problem in task_run.problems
    ]
    judged = [row for row in judged if row]
    theirs = [np.array([float(each.right) for each in row]) for row in judged]
    ours = [np.array([float(each.sample.outcome is Outcome.CORRECT) for each in row]) for row in judged]
    apart = [each for row in judged for each in row if each.apart]
    by_policy = ((row, each) for row in judged for each in row if each.apart and each.why in POLICY)
    return Audit(
        title=title,
        theirs=estimate(theirs),
        ours=estimate(ours),
        n_without=len(task_run.samples) - len(right),
        lost=[each for each in apart if each.right],
        gained=[each for each in apart if not each.right],
        policy=sum((-1 if each.right else 1) / len(row) / len(judged) for row, each in by_policy),
    )


def in_words(found: Audit) -> str:
    """What the command prints."""
    rows = [["", "pass@1", *INTERVAL_HEADERS]]
    for name, claim in (("its verdicts", found.theirs), ("our grading", found.ours)):
        rows.append([name, percent(claim.value), *intervals(claim)])
    n = found.ours.n_samples
    parts = [
        found.title,
        columns(rows),
        f"Both agree on {found.n_agree} of {n} replies ({percent(found.n_agree / n)} %).",
    ]
    if found.n_without:
        parts.append(f"{counted(found.n_without, 'reply')} without a verdict left out.")
    for words, members in (
        ("its verdict, not by our grading", found.lost),
        ("our grading, not by its verdict", found.gained),
    ):
        parts.append(f"Right by {words}: {with_reasons(members)}")
        parts += [f"  {line}" for line in examples(members[:EXAMPLES])]
    parts.append(difference_in_words(found))
    return "\n".join(parts)


def difference_in_words(found: Audit) -> str:
    if not found.lost and not found.gained:
        return "There is no difference."
    policy, rest = 100 * found.policy, 100 * (found.difference - found.policy)
    return (
        f"Of the difference of {100 * found.difference:+.1f} points, {policy:+.1f} are policy (what was cut off or did "
        f"not end, answers in the thinking), {rest:+.1f} how answers are read and compared."
    )


def with_reasons(members: Sequence[Judged]) -> str:
    reasons = Counter(each.why for each in members)
    why = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
    return f"{len(members)}" + (f" ({why})" if why else "")


def examples(members: Sequence[Judged]) -> list[str]:
    lines = []
    for each in members:
        answer, gold = (each.sample.answer or "")[:60], shown_gold(each)[:60]
        lines.append(f"{each.sample.key}: answer {answer!a}, gold {gold!a}, {each.sample.step}")
    return lines


def shown_gold(each: Judged) -> str:
    return grader_named(each.problem.grader).shown_gold(each.problem.gold)
