"""The nouns: Problem, Settings, Sample, Outcome, Grade, Run, Estimate. Frozen, JSON-able, identified by content."""

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

# The nouns and errors have one address, this one.
from lighteval_r1.records.errors import AGAIN, MEND, EngineError, Failure, GraderDied, OwedError, Unfinished, UserError
from lighteval_r1.records.settings import (
    ADDED,
    IN_REQUESTS,
    SERVERS_TEMPLATE,
    NotNegative,
    Settings,
    in_words,
    sample_key,
    seed_of,
    sha256,
)

if TYPE_CHECKING:
    # imported where it is used: a grading process, of which each core starts one, computes with none
    import numpy as np

# Finish reasons with which a server, or the model through it, gave no reply: no answer, whatever text stands there.
# Sources: the API references of OpenAI (content_filter, tool_calls, function_call), Anthropic (refusal) and Zhipu
# (sensitive).
REFUSED_BY_SERVER = frozenset({"content_filter", "refusal", "tool_calls", "function_call", "sensitive"})
# A group: problems of one value are one question that was asked several times otherwise.
QUESTION = "question"
# Why a sample is owed, as refusals say it.
NOT_DRAWN = "not drawn"
# Tokens of a reply beyond which they cannot be meant: a small file may unpack to more than memory holds.
MOST_TOKENS = 2**24
# Samples of a problem beyond which a file cannot be meant.
MOST_SAMPLES = 2**16
# What stands in a file as one of these is refused where it is none (outside.decoding).
Count = Annotated[int, Meta(ge=0)]
Index = Annotated[int, Meta(ge=0, lt=MOST_SAMPLES)]
NSamples = Annotated[int, Meta(ge=0, le=MOST_SAMPLES)]
Positive = Annotated[float, Meta(gt=0, lt=1e300)]


class Outcome(StrEnum):
    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"  # nothing to grade; also a reply cut off before its thinking ended
    UNDECIDED = "undecided"  # the grader was stopped by its limit; counts as wrong and is shown

    @property
    def score(self) -> float:
        return 1.0 if self is Outcome.CORRECT else 0.0


@dataclass(frozen=True)
class Problem:
    """One question with its gold answer.

    prompt: what the user turn says. gold: what the grader compares with (an expression; a letter; for programs JSON
    with the tests). grader: its name; a Task fills it in. groups: e.g. {"level": "3", "subject": "Algebra"}.
    name: what people call it ("2024-I-7"). row_sha256: over the data set's columns used, whatever the prompt.
    """

    prompt: str
    gold: str
    grader: str = ""
    name: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    row_sha256: str = ""

    @property
    def id(self) -> str:
        """16 hex digits over prompt and gold: the same question asked otherwise is another problem."""
        return sha256([self.prompt, self.gold])[:16]


@dataclass(frozen=True)
class Grade:
    """A verdict on one reply. answer: what was extracted ("" if nothing). step: which rule decided, for --explain."""

    outcome: Outcome
    answer: str = ""
    step: str = ""


@dataclass(frozen=True)
class Sample:
    """One reply and, once it has one, its grade. What a source does not say of it is None.

    key: what tells it from all others (see sample_key); in files of others the reply's own name. reply: the text as the
    model wrote it, special tokens left out. thinking_opened: the prompt opened a thought. finish_reason: "stop",
    "length" or what the server said. token_ids: packed (see pack_token_ids). outcome: None while it is ungraded; answer
    and step as in Grade. marks, split: by which its thinking was told from its answer, and where (graders.splitting).
    """

    key: str
    problem_id: str
    index: Index
    seed: int | None
    reply: str
    thinking_opened: bool | None = False
    finish_reason: str | None = None
    n_prompt_tokens: Count | None = None
    n_tokens: Count | None = None
    token_ids: str | None = None
    replica: int | None = None
    duration_s: NotNegative | None = None
    outcome: Outcome | None = None
    answer: str | None = None
    step: str | None = None
    marks: str = ""
    split: str | None = None
    n_thinking_tokens: Count | None = None

    def graded(self, grade: Grade | None) -> "Sample":
        """The sample with this grade; ungraded without."""
        if grade is None:
            return self
        return replace(self, outcome=grade.outcome, answer=grade.answer, step=grade.step)

    @property
    def drawn(self) -> "Sample":
        """As it came: neither divided nor graded."""
        return Sample(**to_record(self, DRAWN_FIELDS))


# A journal keeps what was drawn and how it was read and graded apart: grading anew writes no reply again.
SPLIT_FIELDS = ("marks", "split", "n_thinking_tokens")
GRADE_FIELDS = ("outcome", "answer", "step", *SPLIT_FIELDS)
DRAWN_FIELDS = tuple(known.name for known in fields(Sample) if known.name not in GRADE_FIELDS)
SAMPLE_FIELDS = (*DRAWN_FIELDS, *GRADE_FIELDS)
# The reply and its problem stand elsewhere in a row of details; the key follows from problem, index and settings.
DETAIL_FIELDS = tuple(name for name in SAMPLE_FIELDS if name not in ("key", "problem_id", "reply"))


def to_record(sample: Sample, names: Sequence[str]) -> dict:
    """The fields of these names as a record that JSON and Arrow can hold; sample_of takes it back."""
    # not by asdict, which copies every string of a reply
    return {name: getattr(sample, name) for name in names}


def sample_of(record: Mapping, **more: object) -> Sample:
    """The sample that a record describes; what a Sample has no field for is left out.

    ValueError, which names the field, where it describes none.
    """
    values = {"seed": None} | dict(record) | more
    return msgspec.convert(values | {"outcome": values.get("outcome") or None}, Sample)


def pack_token_ids(token_ids: Sequence[int]) -> str:
    """Base64 of the deflated little-endian uint32 array: 2 bytes a token; 1,920 long replies as integers fill 2 GB."""
    import numpy as np

    return base64.b64encode(zlib.compress(np.asarray(token_ids, dtype="<u4").tobytes(), 1)).decode()


def unpack_token_ids(packed: str | None) -> "np.ndarray | None":
    """[n_tokens], uint32; None where none are kept, or what a file has in their place is none."""
    import numpy as np

    try:
        data = zlib.decompressobj().decompress(base64.b64decode(packed or "", validate=True), 4 * MOST_TOKENS)
        return np.frombuffer(data, dtype="<u4") if data else None
    except (ValueError, zlib.error):
        return None


@dataclass(frozen=True)
class Weighing:
    """Of a problem in an adaptive run: what its samples weigh in its mean, by index, and this mean's squared error."""

    weights: Sequence[float]
    squared_error: float


@dataclass(frozen=True)
class RunProblem:
    """One problem of a run with its samples, by index. metric: what LightEval itself says of it, by name.

    weighing: None where all samples weigh the same.
    prompt, gold, name, groups: "" and {} where the run does not say them (see Run.missing).
    """

    id: str
    name: str = ""
    prompt: str = ""
    gold: str = ""
    grader: str = ""
    groups: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    metric: dict[str, float] = field(default_factory=dict)
    row_sha256: str = ""
    weighing: Weighing | None = None

    @property
    def title(self) -> str:
        """What people call it, else its id."""
        return self.name or self.id

    @property
    def graded(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.outcome]

    @property
    def scores(self) -> "np.ndarray":
        """[n graded samples], 1.0 where right."""
        import numpy as np

        from lighteval_r1.records.weighed import WeighedScores

        scores = np.array([sample.outcome.score for sample in self.samples if sample.outcome])
        if self.weighing is None:
            return scores
        weighed = scores.view(WeighedScores)
        weighed.weighing = self.weighing
        return weighed


def data_sha256(problems: Iterable[Problem | RunProblem]) -> str:
    """Over the rows used, in any order: the same questions and golds give the same digest, whatever the prompt."""
    return sha256(sorted(problem.row_sha256 for problem in problems))


@dataclass(frozen=True)
class Adaptive:
    """How an adaptive run was asked: error is the se_resampling that was wanted, most the samples of a problem at most.

    sizes: samples that each problem needed, by its id. reached: whether the error became as small.
    """

    error: float
    most: int
    sizes: dict[str, int]
    reached: bool


@dataclass(frozen=True)
class TaskRun:
    """One task of a run.

    n: samples asked for of each problem; n_problems: problems asked; 0 where the run does not say. part: which of the
    task's problems were asked, in words, "" where all. weight: in a suite's weighted mean; None where it has none.
    adaptive: None where each problem was asked n times; else n is the most that any was.
    """

    task: str
    version: int
    data_sha256: str
    prompts_sha256: str
    problems: list[RunProblem]
    n: int = 0
    n_problems: int = 0
    part: str = ""
    weight: float | None = None
    adaptive: Adaptive | None = None

    @classmethod
    def of_problems(
        cls,
        task: str,
        problems: list[RunProblem],
        *,
        version: int,
        n: int,
        part: str = "",
        weight: float | None = None,
    ) -> "TaskRun":
        """The task as these problems were asked, n samples of each."""
        return cls(
            task=task,
            version=version,
            data_sha256=data_sha256(problems) if all(problem.row_sha256 for problem in problems) else "",
            prompts_sha256=sha256(sorted(problem.id for problem in problems)),
            problems=problems,
            n=n,
            n_problems=len(problems),
            part=part,
            weight=weight,
        )

    @property
    def title(self) -> str:
        """The task with the part of it that was asked: "r1_math_500|0 (level 5)"."""
        return f"{self.task} ({self.part})" if self.part else self.task

    @property
    def samples(self) -> list[Sample]:
        return [sample for problem in self.problems for sample in problem.samples]

    @property
    def owed(self) -> list[str]:
        """Samples that were asked for and are not there, or have no grade: ["2024-I-7[12] (not drawn)"], in order."""
        missing = []
        for problem in self.problems:
            drawn = {sample.index: sample for sample in problem.samples}
            asked = self.adaptive.sizes.get(problem.id, 0) if self.adaptive else self.n
            for index in range(max([asked, *(i + 1 for i in drawn)])):
                if index not in drawn:
                    missing.append(f"{problem.title}[{index}] ({NOT_DRAWN})")
                elif drawn[index].outcome is None:
                    missing.append(f"{problem.title}[{index}] (without a grade)")
        for number in range(len(self.problems), self.n_problems):
            missing += [f"problem {number + 1} of {self.n_problems} [{index}] ({NOT_DRAWN})" for index in range(self.n)]
        return missing


@dataclass(frozen=True)
class Run:
    """What every command reads: the tasks of a run with their problems and samples.

    settings: fields of Settings by name, as far as they are known. missing: what the run does not say, in words.
    n_runs: runs that lay in the folder this newest one was read from.
    """

    model: str
    path: str
    settings: dict
    environment: dict
    tasks: dict[str, TaskRun]
    missing: tuple[str, ...] = ()
    n_runs: int = 1


@dataclass(frozen=True)
class Estimate:
    """A mean over problems, as a fraction, with two standard errors.

    se_resampling: spread if the same problems were sampled again; None with one sample per problem.
    se_problems: spread over other problems of the kind; None with one problem.
    same_problems, other_problems: 95 % intervals by the same two questions; None where they are not known.
    """

    value: float
    se_resampling: float | None
    se_problems: float | None
    n_problems: int
    n_samples: int
    same_problems: tuple[float, float] | None = None
    other_problems: tuple[float, float] | None = None
