"""What a careful reader of a run's replies would have seen before publishing its score: smells, with their examples.

Pure functions of a Run; what it does not say (prompts, token counts) is not smelled. None of these changes a score.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.answers import FINISHED_EARLY, IN_THINKING
from lighteval_r1.graders.splitting import parts_of, says_something, split_of
from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun

# Shares of a task's samples above which something smells; below, single replies do.
FEW, MANY, MOST, NEARLY_ALL = 0.02, 0.05, 0.5, 0.9
# Fewer samples or problems say nothing of a habit.
SAMPLES_LEAST, PROBLEMS_LEAST = 10, 5
EXAMPLES = 3
# Of a prompt, that much stands in an answer that repeats it.
ECHO = 80
# Scripts, by their letters; only the last characters of a reply are looked at.
SCRIPTS = {
    "Chinese or Japanese": re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]"),
    "Korean": re.compile(r"[\uac00-\ud7af]"),
    "Cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "Arabic": re.compile(r"[\u0600-\u06ff]"),
    "Indian": re.compile(r"[\u0900-\u0d7f]"),
    "Thai": re.compile(r"[\u0e00-\u0e7f]"),
}
LOOKED_AT = 4000
LETTERS_LEAST = 20

# (problem, sample) -> whether it has the smell
Nose = Callable[[RunProblem, Sample], bool]


@dataclass(frozen=True)
class Smell:
    """words: what is smelled. n of total samples. examples: (place of the problem in its task, sample), a few."""

    task: str
    words: str
    n: int
    total: int
    examples: tuple[tuple[int, Sample], ...] = ()

    def __str__(self) -> str:
        return f"{self.words}: {self.n} of {self.total} ({100 * self.n / self.total:.0f} %)"


def smells(run: Run) -> list[Smell]:
    """In the order of its tasks; [] of a run that smells of nothing."""
    return [smell for name, task in run.tasks.items() for smell in task_smells(name, task)]


def in_words(run: Run) -> list[str]:
    """A line per smell, with the names of its examples."""
    return [
        f"{smell.task}: {smell}, such as {', '.join(titles(run.tasks[smell.task], smell))}." for smell in smells(run)
    ]


def titles(task: TaskRun, smell: Smell) -> list[str]:
    return [f"{task.problems[place].title}[{sample.index}]" for place, sample in smell.examples]


def of_texts(problem: RunProblem, sample: Sample) -> frozenset[str]:
    """The smells that the sample's texts have, by their words."""
    return frozenset(words for words, nose, _ in NOSES if nose(problem, sample))


def task_smells(
    name: str, task: TaskRun, *, texts: Mapping[tuple[str, int], frozenset[str]] | None = None
) -> Iterator[Smell]:
    """texts: what of_texts said of each sample, by problem and index, where the texts are no longer at hand."""
    samples = [(place, sample) for place, problem in enumerate(task.problems) for sample in problem.samples]
    if len(samples) < SAMPLES_LEAST:
        return

    def smelled(words: str, has: Iterable[bool], *, least: float) -> Iterator[Smell]:
        found = list(compress(samples, has))
        if len(found) > least * len(samples):
            yield Smell(name, words, len(found), len(samples), tuple(found[:EXAMPLES]))

    # Sample by sample, so that each text is divided into thinking and answer once.
    said = [
        of_texts(problem, sample) if texts is None else texts[problem.id, sample.index]
        for problem, sample in ((task.problems[place], sample) for place, sample in samples)
    ]
    for words, _, least in NOSES:
        yield from smelled(words, [words in known for known in said], least=least)
    length = commonest([sample.n_tokens for _, sample in samples if sample.n_tokens])
    as_long = [sample.n_tokens == length for _, sample in samples]
    yield from smelled(f"replies of exactly {length} tokens", as_long, least=NEARLY_ALL)
    answer = one_answer(task.problems)
    if answer is not None:
        yield from smelled("one answer for most problems", [sample.answer == answer for _, sample in samples], least=0)


def without_answer(_: RunProblem, sample: Sample) -> bool:
    return sample.outcome is Outcome.NO_ANSWER


def never_closes(_: RunProblem, sample: Sample) -> bool:
    return sample.finish_reason not in FINISHED_EARLY and split_of(sample).answer is None


def answers_inside(_: RunProblem, sample: Sample) -> bool:
    return (sample.step or "").startswith(IN_THINKING)


def answers_nothing(problem: RunProblem, sample: Sample) -> bool:
    """An answer text that says nothing, of a reply that ended by itself; what was taken from the thinking is another
    smell."""
    if sample.finish_reason in FINISHED_EARLY or answers_inside(problem, sample):
        return False
    answer = parts_of(sample)[1]
    return answer is not None and not says_something(answer)


def echoes(problem: RunProblem, sample: Sample) -> bool:
    prompt = " ".join(problem.prompt.split())
    if len(prompt) < ECHO:
        return False
    answer = parts_of(sample)[1] or ""
    return prompt[:ECHO] in " ".join(answer[: 4 * LOOKED_AT].split())


def speaks(script: str) -> Nose:
    letters = SCRIPTS[script]

    def nose(problem: RunProblem, sample: Sample) -> bool:
        if not problem.prompt or letters.search(problem.prompt):
            return False
        return len(letters.findall(sample.reply[-LOOKED_AT:])) >= LETTERS_LEAST

    return nose


# What is smelled, by what, and above which share of the samples.
NOSES: tuple[tuple[str, Nose, float], ...] = (
    ("more than 5 % of replies without an answer", without_answer, MANY),
    ("thoughts that never close, though the reply ended by itself", never_closes, FEW),
    ("answers that stand inside the thought", answers_inside, MANY),
    ("empty answers", answers_nothing, FEW),
    ("answers that repeat the prompt", echoes, FEW),
    *((f"{script} letters that the prompt does not have", speaks(script), FEW) for script in SCRIPTS),
)


def commonest(lengths: Sequence[int]) -> int:
    """0 where nothing is known."""
    return Counter(lengths).most_common(1)[0][0] if lengths else 0


def one_answer(problems: Sequence[RunProblem]) -> str | None:
    """The answer that most problems got most often, where their golds do not agree so."""
    votes = [Counter(sample.answer for sample in problem.graded if sample.answer) for problem in problems]
    first = [vote.most_common(1)[0][0] for vote in votes if vote]
    if len(first) < PROBLEMS_LEAST or any(grader_named(problem.grader).label is None for problem in problems):
        return None
    answer, n = Counter(first).most_common(1)[0]
    right = sum(
        any(sample.answer == answer and sample.outcome is Outcome.CORRECT for sample in p.graded) for p in problems
    )
    return answer if n > MOST * len(problems) and right <= MOST * len(problems) else None
