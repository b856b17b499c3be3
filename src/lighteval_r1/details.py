"""A run as it is read back: tasks, problems, samples. What a run does not say is None."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunSample:
    """One reply with its grade. outcome None: ungraded. finish_reason, n_tokens, seed, token_ids None: not recorded."""

    index: int
    reply: str
    thinking_opened: bool
    outcome: str | None
    answer: str | None
    finish_reason: str | None
    n_tokens: int | None
    seed: int | None
    token_ids: list[int] | None


@dataclass(frozen=True)
class RunProblem:
    id: str
    name: str
    prompt: str
    gold: str
    grader: str
    groups: dict[str, str]
    samples: list[RunSample]


@dataclass(frozen=True)
class TaskRun:
    task: str
    version: int
    data_sha256: str
    prompts_sha256: str
    problems: list[RunProblem]


@dataclass(frozen=True)
class Run:
    model: str
    path: str
    settings: dict
    environment: dict
    tasks: dict[str, TaskRun]
