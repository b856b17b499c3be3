"""A task's own problems, from which replies drawn elsewhere get their golds; and whether a gold can be meant."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from lighteval_r1.graders import REAL
from lighteval_r1.graders.expression import gold_expression
from lighteval_r1.graders.program import decode_cases
from lighteval_r1.records import Outcome, Problem, UserError
from lighteval_r1.tasks import TASKS, Task
from lighteval_r1.tasks.cells import gold_text, letter_of, options_of, unreadable
from lighteval_r1.tasks.lettered import LETTERS
from lighteval_r1.tasks.task import local_file, task_rows

# A name of a reply in a batch: the problem's, and the number of the sample.
NUMBERED = re.compile(r"(.+?)(?:[-_:/#. ]|\[)\d+\]?")


class KnownProblems:
    """The problems of the task's data; read when first asked for, and none where the data is not at hand.

    A lettered question is known by its prompt alone: the order of the options decides which letter is right.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._template = ("", "")  # in which the last prompt held its question

    def find(self, names: Sequence[str], question: str, *, needed: bool = True) -> Problem | None:
        """The problem that is named or asked; None where none is, or two may be.

        UserError where it is needed, and the folder of data lacks the task's.
        """
        table = self._by_text if needed or self._at_hand else {}
        if not table:
            return None
        for text in (*names, plain(question)):
            if text in table:
                return table[text]
        for match in map(NUMBERED.fullmatch, names):
            if match and match[1] in table:
                return table[match[1]]
        return self._asked_in(plain(question))

    def _asked_in(self, prompt: str) -> Problem | None:
        """The problem whose question the prompt holds, within a template of another tool."""
        start, end = self._template
        if prompt.startswith(start) and prompt.endswith(end):
            same = self._questions.get(prompt[len(start) : len(prompt) - len(end)])
            if same is not None:
                return same
        there = [text for text in self._questions if text in prompt]
        whole = [text for text in there if not any(text in other for other in there if other != text)]
        if len(whole) != 1:
            return None
        start, _, end = prompt.partition(whole[0])
        self._template = (start, end)
        return self._questions[whole[0]]

    @cached_property
    def _at_hand(self) -> bool:
        try:
            return self._task.rows is not None or local_file(self._task) is not None
        except UserError:
            return False

    @cached_property
    def _problems(self) -> list[tuple[Problem, str]]:
        """With the bare question of each, "" where it does not say all that was asked."""
        start, _, end = self._task.prompt.partition("{problem}")
        start, end = start.format(), end.format()
        bare = not self._task.grader.lettered
        problems = []
        at_hand = self._task.rows is not None or local_file(self._task) is not None
        for row in task_rows(self._task) if at_hand else ():
            problem = self._task.problem(row)
            core = problem.prompt.removeprefix(start).removesuffix(end)
            problems.append((problem, str(row[self._task.question]) if bare else core))
        return problems

    @cached_property
    def _questions(self) -> dict[str, Problem]:
        return {plain(text): problem for problem, text in self._problems if text}

    @cached_property
    def _by_text(self) -> dict[str, Problem]:
        table = dict(self._questions)
        for problem, _ in self._problems:
            names = (problem.id, plain(problem.prompt), problem.name if not self._task.grader.lettered else "")
            table |= dict.fromkeys(filter(None, names), problem)
        return table


def plain(text: str) -> str:
    """White space differs between copies of one question."""
    return " ".join(text.split())


def gold_of(value: object, options: object, *, task: Task) -> str:
    """A file's gold as the task's grader takes it. ValueError where that grader reads none in it."""
    if task.grader.confined:
        text = value if isinstance(value, str) else json.dumps(value)
        try:
            decode_cases(text)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"the gold {text[:60]!r} holds no tests") from None
        return text
    if task.grader.lettered and options:
        texts = options_of(options)
        return json.dumps({"letter": letter_of(value, texts), "options": texts}, ensure_ascii=False)
    text = json.dumps(value) if isinstance(value, Mapping) and task.grader is REAL else gold_text(value)
    if not task.grader.lettered and (why := unreadable(gold_expression(text))):
        raise ValueError(f"the gold {text[:60]!r} {why}, which the {task.grader.name} grader does not read")
    if not text or not same_gold(text, text, task=task):
        raise ValueError(f"the {task.grader.name} grader of {task.name} reads no answer in the gold {text[:60]!r}")
    return text


def same_gold(first: str, second: str, *, task: Task) -> bool:
    """Whether an answer that is the one gold is right by the other. Tests of programs are not compared."""
    if task.grader.confined:
        return True
    answer = task.grader.shown_gold(first)
    answer = gold_expression(answer) or answer
    return task.grader.judge(answer, "gold", second).outcome is Outcome.CORRECT


def is_letter(gold: str) -> bool:
    return len(gold) == 1 and gold in LETTERS


def task_that_asks(question: str, *, but: Task) -> str:
    """The name of another task at hand that asks the question; "" where none does."""
    for task in TASKS.values():
        if task.repo != but.repo and KnownProblems(task).find((), question, needed=False) is not None:
            return task.name
    return ""
