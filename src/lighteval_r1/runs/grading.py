"""Grades replies that were drawn elsewhere: the table of a run, and the grades beside the file."""

import difflib
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from lighteval_r1.confined.connection import allow_unsafe
from lighteval_r1.graders.marks import AUTO, THINK, choose
from lighteval_r1.graders.splitting import parts_of
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.numbers.estimators import also_lines, named
from lighteval_r1.numbers.scores import task_row
from lighteval_r1.numbers.tables import results_table
from lighteval_r1.outside.words import tell
from lighteval_r1.records import Grade, GraderDied, OwedError, RunProblem, Sample, TaskRun, UserError
from lighteval_r1.runs.grades_file import write_grades
from lighteval_r1.runs.locate import HUB, find, task_name
from lighteval_r1.runs.reply_files import read_replies
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.tasks import own
from lighteval_r1.tasks.names import task_named
from lighteval_r1.tasks.specs import say_confinement
from lighteval_r1.tasks.task import Task

SHOWN = 300


def run(
    files: list[str | Path],
    *,
    task: str,
    columns: str = "",
    also: str = "",
    explain: str = "",
    thinking_opened: bool | None = None,
    reasoning_parser: str = AUTO,
    allow_unsafe_code: bool = False,
) -> str:
    """The table of all files, a line each, or the explanation of one reply; what the command prints.

    columns: which hold what. also: names of other estimators.
    thinking_opened: whether the prompts opened a thought; None where file and replies say it.
    reasoning_parser: whose marks tell thinking from answer; auto: those that the run recorded, else the whole table.
    """
    chosen = task_that_grades(task, allow_unsafe_code=allow_unsafe_code)
    paths = [local_path(str(file), task=chosen) for file in files]
    drawn = [read_replies(path, chosen, columns=columns) for path in paths]
    runs = [settle_thinking(path, task_run, given=thinking_opened) for path, task_run in zip(paths, drawn, strict=True)]
    if reasoning_parser != AUTO:
        runs = [
            divided_anew(path, task_run, parser=reasoning_parser) for path, task_run in zip(paths, runs, strict=True)
        ]
    if explain:
        return explained([problem for task_run in runs for problem in task_run.problems], uid=explain, task=chosen)
    asked, rows, graded = named(also), [], {}
    with Pool() as pool:
        for path, task_run in zip(paths, runs, strict=True):
            task_run = grade_all(task_run, pool=pool, task=chosen)
            whose = own.spelled_out(chosen.name)
            write_grades(path, task_run.samples, task=whose, version=chosen.version, columns=columns)
            name = chosen.name if len(paths) == 1 else f"{chosen.name} {path.name}"
            rows.append(task_row(task_run, name=name))
            graded[name] = task_run
    scores = {name: [problem.scores for problem in task_run.problems] for name, task_run in graded.items()}
    return "\n".join([results_table(rows), *also_lines(asked, graded, scores)])


def task_that_grades(name: str, *, allow_unsafe_code: bool) -> Task:
    """The task, once it is said what confines the programs of its replies. UserError where nothing does."""
    if allow_unsafe_code:
        allow_unsafe()
    task = task_named(name)
    say_confinement([task])
    return task


def local_path(file: str, *, task: Task) -> Path:
    """The file; of a data set on the Hub (hf://datasets/REPO), the task's details or pushed rows in its newest run."""
    if not file.startswith(HUB):
        return Path(file)
    files = find(file)
    paths = {task_name(name): path for name, path in (files.details or files.rows).items()}
    if task.name not in paths:
        raise UserError(f"{file} has no details of {task.name} in its newest run; it has {', '.join(sorted(paths))}.")
    return paths[task.name]


def settle_thinking(path: Path, task_run: TaskRun, *, given: bool | None) -> TaskRun:
    """Each reply with thinking_opened True or False: as given, else as the file says, else False.

    Says so where replies show that prompts may have ended in `<think>` and others, without a tag, then have no answer.
    """
    unsaid = [sample.reply for sample in task_run.samples if sample.thinking_opened is None and given is None]
    begin, end = THINK.opening, THINK.ending
    closing = sum(end in reply and begin not in reply.partition(end)[0] for reply in unsaid)
    untagged = sum(end not in reply and begin not in reply for reply in unsaid)
    if closing and untagged:
        tell(
            f"{path}: {closing} replies close a thought that they did not open, {untagged} have no think tag and are "
            "graded whole. Say --thinking-opened if the prompts ended in <think>: these then have no answer. "
            "Say --no-thinking-opened to confirm."
        )

    def settled(sample: Sample) -> Sample:
        if given is None:
            return replace(sample, thinking_opened=bool(sample.thinking_opened))
        return replace(sample.drawn, thinking_opened=given)

    return with_samples(task_run, map(settled, task_run.samples))


def divided_anew(path: Path, task_run: TaskRun, *, parser: str) -> TaskRun:
    """The task with its replies divided by this parser's marks; says so where no reply holds them."""
    divider = Divider(choose(parser))
    marks, samples = divider.chosen.marks, task_run.samples
    if marks and not any(marks.opening in sample.reply or marks.ending in sample.reply for sample in samples):
        tell(
            f"{path}: no reply holds {marks}. Where these are special tokens, texts leave them out: the run's own "
            f"command with --reasoning-parser {parser} finds them in the tokens that were drawn."
        )
    key = divider.chosen.key
    return with_samples(task_run, (s if s.marks == key else divider.divided(s) for s in samples))


def with_samples(task_run: TaskRun, samples: Iterable[Sample]) -> TaskRun:
    """The task with these samples in the place of its own, in their order."""
    rest = iter(samples)
    problems = [replace(problem, samples=list(islice(rest, len(problem.samples)))) for problem in task_run.problems]
    return replace(task_run, problems=problems)


def grade_all(task_run: TaskRun, *, pool: Pool, task: Task) -> TaskRun:
    """The task with its samples graded. OwedError where a grading process died over some: there is no score then."""
    samples = task_run.samples
    progress = Counted(len(samples))
    items = [
        (task.grader, task.grader.answer_text(sample), problem.gold)
        for problem in task_run.problems
        for sample in problem.samples
    ]
    grades = pool.grade_many(items, progress=progress.add)
    progress.close()
    died = [(sample, grade) for sample, grade in zip(samples, grades, strict=True) if isinstance(grade, GraderDied)]
    if died:
        raise OwedError(
            f"{len(died)} of {len(samples)} replies have no grade, so there is no score. First: {died[0][0].key}: "
            f"{died[0][1]}. Run the same command again to grade anew."
        )
    verdicts = (grade for grade in grades if isinstance(grade, Grade))
    return with_samples(task_run, (sample.graded(grade) for sample, grade in zip(samples, verdicts, strict=True)))


class Counted:
    """Replies graded so far, on a terminal."""

    def __init__(self, n: int) -> None:
        self.n, self.done = n, 0
        self.live = sys.stderr.isatty()

    def add(self) -> None:
        self.done += 1
        if self.live and (self.done % 100 == 0 or self.done == self.n):
            tell(f"\r\x1b[Kgraded {self.done} of {self.n} replies", end="")

    def close(self) -> None:
        if self.live:
            tell("")


def explained(problems: list[RunProblem], *, uid: str, task: Task) -> str:
    """What was extracted from one reply, what it was compared with and which step decided."""
    by_key = {sample.key: (problem, sample) for problem in problems for sample in problem.samples}
    if uid not in by_key:
        near = difflib.get_close_matches(uid, by_key, n=3, cutoff=0) or ["none"]
        raise UserError(f"no reply has uid {uid!r}. Nearest: {', '.join(near)}.")
    problem, sample = by_key[uid]
    with Pool(1) as pool:
        alone = TaskRun.of_problems(task.name, [replace(problem, samples=[sample])], version=task.version, n=1)
        (graded,) = grade_all(alone, pool=pool, task=task).samples
    thinking, after = parts_of(sample)
    opened = " (opened in the prompt)" if sample.thinking_opened else ""
    lines = [
        f"uid: {uid}",
        f"reply: {len(sample.reply)} characters, of which thinking {len(thinking)}{opened}",
        "after the thinking: nothing, it never ended" if after is None else f"after the thinking: …{after[-SHOWN:]!a}",
        f"answer: {(graded.answer or '')[:SHOWN]!a}",
        f"gold: {problem.gold[:SHOWN]!a}",
        f"grader: {task.grader.name}, decided by: {graded.step}",
        f"outcome: {graded.outcome}",
    ]
    return "\n".join(lines)
