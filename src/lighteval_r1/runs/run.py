"""What a run is, once read back: its tasks, problems and samples. What a run does not say is None."""

from dataclasses import dataclass, field

from lighteval_r1.records import unpack_token_ids


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
    packed_token_ids: str | None = None

    @property
    def token_ids(self) -> list[int] | None:
        """Unpacked at each call: 1,920 replies of 32,768 tokens as Python integers would fill 2 GB."""
        return unpack_token_ids(self.packed_token_ids).tolist() if self.packed_token_ids else None


@dataclass(frozen=True)
class RunProblem:
    """metric: what LightEval itself says of the problem (its `metric` column), by name."""

    id: str
    name: str
    prompt: str
    gold: str
    grader: str
    groups: dict[str, str]
    samples: list[RunSample]
    metric: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskRun:
    """n: samples asked for of each problem; n_problems: problems asked; 0 where the run does not say."""

    task: str
    version: int
    data_sha256: str
    prompts_sha256: str
    problems: list[RunProblem]
    n: int = 0
    n_problems: int = 0


@dataclass(frozen=True)
class Run:
    """missing: what the run does not say, in words. n_runs: runs that lay in the folder this newest one was read from."""

    model: str
    path: str
    settings: dict
    environment: dict
    tasks: dict[str, TaskRun]
    missing: tuple[str, ...] = ()
    n_runs: int = 1


def owed(task_run: TaskRun) -> list[str]:
    """Samples that were asked for and are not there, or have no grade: ["2024-I-7[12] (not drawn)"], in order."""
    missing = []
    for problem in task_run.problems:
        drawn = {sample.index: sample for sample in problem.samples}
        for index in range(max([task_run.n, *(i + 1 for i in drawn)])):
            if index not in drawn:
                missing.append(f"{problem.name or problem.id}[{index}] (not drawn)")
            elif drawn[index].outcome is None:
                missing.append(f"{problem.name or problem.id}[{index}] (without a grade)")
    for number in range(len(task_run.problems), task_run.n_problems):
        missing += [
            f"problem {number + 1} of {task_run.n_problems} [{index}] (not drawn)" for index in range(task_run.n)
        ]
    return missing
