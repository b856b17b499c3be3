"""The nouns: Problem, Settings, Sample, Outcome, Grade, Estimate. Frozen, JSON-able, identified by content.

Errors
  UserError           what the user can mend; printed as one line, exit code 2
    OwedError         a score was asked for while samples are owed or ungraded
  EngineError         the engine cannot go on (a replica died); what was drawn is kept
  GraderDied          a grading process ended without a grade; the reply stays ungraded
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

import numpy as np


class UserError(Exception):
    """What is so, with the value; then the way out."""


class OwedError(UserError):
    """Samples are owed or ungraded, so there is no score yet."""


class EngineError(Exception):
    """The engine cannot go on; everything drawn so far is in the journal."""


class GraderDied(Exception):
    """A grading process ended without giving a grade: the reply stays ungraded."""


class Outcome(StrEnum):
    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"  # nothing to grade; also a reply cut off before its thinking ended
    UNDECIDED = "undecided"  # the grader was stopped by its limit; counts as wrong and is shown

    @property
    def score(self) -> float:
        return 1.0 if self is Outcome.CORRECT else 0.0


def sha256(value: object) -> str:
    """Hex digest of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


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
class Settings:
    """What decides the distribution that samples are drawn from. Not n, parallelism, batch, port or time-out.

    model: Hub id, or a local folder's name. revision: commit, or a digest of a local folder's content.
    chat_template: SHA-256 of the template text in force, "" where the prompt is sent plain.
    max_model_length: None where the model's own limit holds; a shorter one cuts replies.
    """

    model: str
    revision: str
    system_prompt: str | None
    chat_template: str
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    seed: int
    max_model_length: int | None = None
    dtype: str = "auto"
    quantization: str | None = None
    # Further sampling parameters that the user gave: min_p, repetition_penalty, stop, …
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return sha256(asdict(self))[:16]

    def differences(self, other: "Settings") -> list[str]:
        """What differs, in words: ["temperature 0.6 -> 0.7"]."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{name} {mine[name]!r} -> {theirs[name]!r}" for name in mine if mine[name] != theirs[name]]


def sample_key(*, problem_id: str, index: int, settings_id: str) -> str:
    return f"{problem_id}-{index}-{settings_id}"


def seed_of(key: str) -> int:
    """The sample's own seed, 0 to 2**31-1 (what every server accepts): a function of its key."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) & 0x7FFFFFFF


@dataclass(frozen=True)
class Sample:
    """One reply, drawn.

    reply: the text as the model wrote it, special tokens left out. thinking_opened: the prompt already ended in
    `<think>`. finish_reason: "stop", "length" or what the server said. token_ids: packed (see pack_token_ids), None
    where the engine has none; packed because 1,920 replies of 32,768 tokens would fill 2 GB as Python integers.
    """

    key: str
    problem_id: str
    index: int
    seed: int
    reply: str
    thinking_opened: bool
    finish_reason: str
    n_prompt_tokens: int
    n_tokens: int
    token_ids: str | None = None
    replica: int = 0
    duration_s: float = 0.0

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"


def pack_token_ids(token_ids: Sequence[int]) -> str:
    """Base64 of the deflated little-endian uint32 array: about 2 bytes a token instead of 6."""
    return base64.b64encode(zlib.compress(np.asarray(token_ids, dtype="<u4").tobytes(), 1)).decode()


def unpack_token_ids(packed: str) -> np.ndarray:
    """[n_tokens], uint32."""
    return np.frombuffer(zlib.decompress(base64.b64decode(packed)), dtype="<u4")


@dataclass(frozen=True)
class Grade:
    """A verdict on one reply. answer: what was extracted ("" if nothing). step: which rule decided, for --explain."""

    outcome: Outcome
    answer: str = ""
    step: str = ""


@dataclass(frozen=True)
class Graded:
    """A sample with its grade; grade None means ungraded."""

    sample: Sample
    grade: Grade | None


@dataclass(frozen=True)
class Estimate:
    """A mean over problems, as a fraction, with two standard errors.

    se_resampling: spread if the same problems were sampled again; None with one sample per problem.
    se_problems: spread over other problems of the kind; None with one problem.
    """

    value: float
    se_resampling: float | None
    se_problems: float | None
    n_problems: int
    n_samples: int
