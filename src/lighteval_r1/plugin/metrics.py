"""Grades as LightEval's metrics: it asks for pass@1 of all replies of a task at once, then for each problem's other
figures."""

import sys
from collections.abc import Sequence
from functools import partial

import numpy as np
from lighteval.metrics.metrics_sample import SampleLevelComputation, SamplingMetric
from lighteval.metrics.utils.metric_utils import SampleLevelMetric, SampleLevelMetricGrouping
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc, SamplingMethod

from lighteval_r1.engines.model_section import said_by_hand
from lighteval_r1.graders import GRADERS
from lighteval_r1.graders.answers import NoAnswer
from lighteval_r1.graders.marks import AUTO, choose, opens_thinking
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.numbers.scores import powers_of_two
from lighteval_r1.outside.words import storable
from lighteval_r1.plugin.errors import plain_errors
from lighteval_r1.records import GraderDied, OwedError, Sample
from lighteval_r1.sampling.loop import shown
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.tasks import Task

MAX_N = 1024
# Of the task's 95 % interval over other problems, which is that of LightEval's own "±" column: rows of their own.
ENDS = ("pass@1 low", "pass@1 high")
FOREIGN_ENGINE = (
    "lighteval-r1 grades replies that another engine of LightEval's drew: its cache, truncation and retries applied, "
    "and "
    "no seeds, finish reasons and token counts are known. lighteval-r1 endpoint asks any OpenAI-compatible server "
    "itself."
)


class PassAt1(SamplingMetric, SampleLevelComputation):
    """Fraction of right samples per problem. `task@n=16` sets the attribute n."""

    def __init__(self, *, n: int, task: Task) -> None:
        super().__init__()
        self.n = n
        self.task = task

    def num_samples(self) -> int:
        return self.n

    @plain_errors
    def compute(self, responses: list[ModelResponse], docs: list[Doc]) -> list[float]:
        foreign = [pair for pair in zip(docs, responses, strict=True) if pair[0].figures is None]
        if foreign:
            grade_foreign(foreign)
        ends = estimate([doc.scores for doc in docs]).other_problems or (0.0, 1.0)
        for doc in docs:
            doc.figures |= dict(zip(ENDS, ends, strict=True))
        return [doc.figures["pass@1"] for doc in docs]

    def __str__(self) -> str:
        return f"PassAt1(n={self.n})"


def grade_foreign(pairs: list[tuple[Doc, ModelResponse]]) -> None:
    """Grades replies of another engine than ours; their docs take them. OwedError while replies are missing."""
    missing = [(doc, doc.num_samples - len(response.text)) for doc, response in pairs]
    missing = [(doc, n) for doc, n in missing if n > 0]
    if missing:
        first = missing[0][0]
        raise OwedError(
            f"{sum(n for _, n in missing)} of {sum(doc.num_samples for doc, _ in pairs)} replies are missing, so "
            "there is "
            f"no score: the engine gave {first.num_samples - missing[0][1]} of {first.num_samples} for problem "
            f"{first.problem.name or first.problem.id}. Ask for fewer ({task_of(first)}@n=1|0), or let "
            "lighteval-r1 endpoint draw each reply by itself."
        )
    print(FOREIGN_ENGINE, file=sys.stderr)
    divider = Divider(choose(said_by_hand().reasoning_parser or AUTO))
    samples = [[divider.divided(sample) for sample in foreign_samples(doc, response)] for doc, response in pairs]
    items = [
        (GRADERS[doc.problem.grader], GRADERS[doc.problem.grader].answer_text(sample), doc.problem.gold)
        for (doc, _), row in zip(pairs, samples, strict=True)
        for sample in row
    ]
    with Pool() as pool:
        grades = pool.grade_many(items)
    died = [grade for grade in grades if isinstance(grade, GraderDied)]
    if died:
        raise OwedError(f"{len(died)} of {len(grades)} replies have no grade, so there is no score. First: {died[0]}")
    verdicts = iter(grades)
    for (doc, response), row in zip(pairs, samples, strict=True):
        doc.take(shown(doc.problem, [sample.graded(next(verdicts)) for sample in row]))
        # The details file, which holds no half characters, is made of these.
        for name in ("input", "text", "text_post_processed"):
            setattr(response, name, storable(getattr(response, name)))


def task_of(doc: Doc) -> str:
    """The task's name, without LightEval's number of shots."""
    return doc.task_name.partition("|")[0]


def foreign_samples(doc: Doc, response: ModelResponse) -> list[Sample]:
    """The replies as samples of which only the text is known: no finish reason, no seed, no count of tokens."""
    opened = opens_thinking(str(response.input or ""))
    problem_id = doc.problem.id
    return [
        Sample(f"{problem_id}[{index}]", problem_id, index, None, reply, thinking_opened=opened)
        for index, reply in enumerate(response.text)
    ]


class ProblemFigures(SampleLevelComputation):
    """pass@1's interval, pass@k, maj@n, why samples have no answer, tokens, and pass@1 under groups."""

    def compute(self, doc: Doc, model_response: ModelResponse) -> dict[str, float]:
        return {name: value for name, value in doc.figures.items() if name != "pass@1"}

    def __str__(self) -> str:
        return "ProblemFigures()"


def whole(name: str, values: Sequence[float]) -> dict[str, float]:
    """A figure of the task, which all its problems carry. LightEval gives no "±" to what comes as a dict."""
    return {name: values[0]}


def metrics(task: Task) -> list:
    names = [f"pass@{k}" for k in powers_of_two(MAX_N)]
    lower = ["truncated", "looping", "no_answer", *(f"no_answer {reason}" for reason in NoAnswer), "undecided"]
    lower += ["output_tokens", "thinking_tokens"]
    names += ["maj@n", *lower, "answer in the thinking"]
    names += [f"pass@1 {group}={value}" for group, values in task.groups.items() for value in values]
    return [
        SampleLevelMetric(
            metric_name="pass@1",
            higher_is_better=True,
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=PassAt1(n=task.n, task=task),
            corpus_level_fn=np.mean,
            batched_compute=True,
        ),
        SampleLevelMetricGrouping(
            metric_name=[*ENDS, *names],
            higher_is_better={name: name not in lower for name in (*ENDS, *names)},
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=ProblemFigures(),
            corpus_level_fn=dict.fromkeys(names, np.mean) | {end: partial(whole, end) for end in ENDS},
        ),
    ]
