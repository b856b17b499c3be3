"""Grades as LightEval's metrics: it asks for pass@1 of all replies of a task at once, then for each problem's other
figures."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from lighteval.metrics.metrics_sample import SampleLevelComputation, SamplingMetric
from lighteval.metrics.utils.metric_utils import SampleLevelMetric, SampleLevelMetricGrouping
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc, SamplingMethod

from lighteval_r1.graders.answers import NoAnswer
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.numbers.scores import powers_of_two
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import plain_errors
from lighteval_r1.tasks import Task

MAX_N = 1024
# Of the task's 95 % interval over other problems, which is that of LightEval's own "±" column: rows of their own.
ENDS = ("pass@1 low", "pass@1 high")


class PassAt1(SamplingMetric, SampleLevelComputation):
    """Fraction of right samples per problem. `task@n=16` sets the attribute n."""

    def __init__(self, *, n: int) -> None:
        super().__init__()
        self.n = n

    def num_samples(self) -> int:
        return self.n

    @plain_errors
    def compute(self, responses: list[ModelResponse], docs: list[Doc]) -> list[float]:
        foreign = [pair for pair in zip(docs, responses, strict=True) if pair[0].figures is None]
        if foreign:
            from lighteval_r1.plugin.foreign import grade_foreign

            grade_foreign(foreign)
        ends = estimate([doc.scores for doc in docs]).other_problems or (0.0, 1.0)
        for doc in docs:
            doc.figures |= dict(zip(ENDS, ends, strict=True))
        return [doc.figures["pass@1"] for doc in docs]

    def __str__(self) -> str:
        return f"PassAt1(n={self.n})"


def task_of(doc: Doc) -> str:
    """The task's name, without LightEval's number of shots."""
    return doc.task_name.partition("|")[0]


class ProblemFigures(SampleLevelComputation):
    """pass@1's interval, pass@k, maj@n, why samples have no answer, tokens, and pass@1 under groups."""

    def compute(self, doc: Doc, model_response: ModelResponse) -> dict[str, float]:
        return {name: value for name, value in doc.figures.items() if name != "pass@1"}

    def __str__(self) -> str:
        return "ProblemFigures()"


def whole(name: str, values: Sequence[float]) -> dict[str, float]:
    """A figure of the task, which all its problems carry. LightEval gives no "±" to what comes as a dict."""
    return {name: values[0]}


def pass_at_1_name() -> str:
    """Another name for an adaptive run's: its samples do not weigh the same."""
    return "pass@1 adaptive" if variables.ERROR.value() else "pass@1"


def metrics(task: Task) -> list:
    names = [f"pass@{k}" for k in powers_of_two(MAX_N)]
    lower = ["truncated", "looping", "no_answer", *(f"no_answer {reason}" for reason in NoAnswer), "undecided"]
    lower += ["output_tokens", "thinking_tokens"]
    names += ["maj@n", *lower, "answer in the thinking"]
    names += [f"pass@1 {group}={value}" for group, values in task.groups.items() for value in values]
    return [
        SampleLevelMetric(
            metric_name=pass_at_1_name(),
            higher_is_better=True,
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=PassAt1(n=task.n),
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
