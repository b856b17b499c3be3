"""A results file of LightEval 0.13, and what our engine adds to it, by the types that it was written with."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypedDict, cast, get_type_hints

from lighteval_r1.outside.decoding import decoded, read_json
from lighteval_r1.records import Count, Estimate, NotNegative, NSamples, Positive, Settings, UserError
from lighteval_r1.runs.locate import LIGHTEVAL

# Samples of a task beyond which a file cannot be meant: each that is missing is named.
MOST_OF_A_TASK = 10**7
# Of other versions some are missing, or there are more.
SETTINGS = get_type_hints(Settings, include_extras=True)
SaidSettings = TypedDict("SaidSettings", SETTINGS, total=False)  # type: ignore[misc]


class SaidEnvironment(TypedDict, total=False):
    command: str
    versions: dict[str, str]
    gpus: list[str]


@dataclass(frozen=True)
class SaidAdaptive:
    error: Positive
    most: NSamples


@dataclass(frozen=True)
class SaidTask:
    """What the results say of a task, as TaskRun has it: LightEval its version, the rest our engine. estimates: by
    metric."""

    version: int = 0
    n: NSamples = 0
    n_problems: Count = 0
    data_sha256: str = ""
    prompts_sha256: str = ""
    part: str = ""
    weight: Positive | None = None
    adaptive: SaidAdaptive | None = None
    estimates: dict[str, Estimate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.n * self.n_problems > MOST_OF_A_TASK:
            raise ValueError(f"{self.n} samples of {self.n_problems} problems are more than a run can have drawn")


@dataclass(frozen=True)
class Sampling:
    """n_tokens were drawn in generation_s seconds."""

    n_tokens: Count = 0
    generation_s: NotNegative = 0.0


@dataclass(frozen=True)
class Ours:
    """What our engine says of a run; tasks: by LightEval's name. version: of this package, "" in runs of others."""

    version: str = ""
    settings: dict[str, object] = field(default_factory=dict)
    settings_id: str = ""
    environment: dict[str, object] = field(default_factory=dict)
    sampling: Sampling = field(default_factory=Sampling)
    tasks: dict[str, SaidTask] = field(default_factory=dict)

    @property
    def gpus(self) -> list[str]:
        return cast(list[str], self.environment.get("gpus", []))


@dataclass(frozen=True)
class GenerationParameters:
    temperature: NotNegative | None = None
    top_p: NotNegative | None = None
    top_k: int | None = None
    max_new_tokens: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class ModelConfig:
    """Of LightEval's engines and ours, as far as it is read."""

    model_name: str | None = None
    revision: str | None = None
    system_prompt: str | None = None
    dtype: str | None = None
    quantization: str | None = None
    max_model_length: int | None = None
    seed: int | None = None
    generation_parameters: GenerationParameters | None = None
    lighteval_r1: Ours | None = None

    @property
    def settings(self) -> dict[str, object]:
        """What our engine says of it, else what is known of a run of LightEval's own, by names of Settings."""
        if self.lighteval_r1 and self.lighteval_r1.settings:
            return self.lighteval_r1.settings
        names = ("max_model_length", "revision", "system_prompt", "dtype", "quantization", "seed")
        known = {"model": self.model_name} | {name: getattr(self, name) for name in names}
        for name, value in asdict(self.generation_parameters or GenerationParameters()).items():
            if value is not None:
                known["max_tokens" if name == "max_new_tokens" else name] = value
        return {name: value for name, value in known.items() if value is not None}


@dataclass(frozen=True)
class General:
    model_name: str | None = None
    model_config: ModelConfig | None = None


@dataclass(frozen=True)
class ConfigTask:
    version: int | None = None


@dataclass(frozen=True)
class Figures:
    """Means over a task's problems: shares of its samples, and the tokens of one."""

    truncated: NotNegative | None = None
    no_answer: NotNegative | None = None
    output_tokens: NotNegative | None = None


@dataclass(frozen=True)
class Results:
    config_general: General
    results: dict[str, Figures] = field(default_factory=dict)
    config_tasks: dict[str, ConfigTask | None] = field(default_factory=dict)

    @property
    def config(self) -> ModelConfig:
        return self.config_general.model_config or ModelConfig()

    @property
    def ours(self) -> Ours:
        return self.config.lighteval_r1 or Ours()

    @property
    def model(self) -> str:
        """ "" where they do not say."""
        return self.config.model_name or self.config_general.model_name or ""

    def version(self, task: str) -> int:
        """Of a task by LightEval's name; 0 where they do not say."""
        said = self.config_tasks.get(task)
        return (said.version if said else None) or 0


def read_results(path: Path) -> Results:
    """UserError for other files, and for those of other versions of LightEval."""
    record = read_json(path)
    if not isinstance(record, dict) or not isinstance(record.get("config_general"), dict):
        raise UserError(f"{path} is not a results file of LightEval {LIGHTEVAL}: it has no config_general.")
    results = decoded(Results, record, where=path)
    decoded(SaidSettings, results.ours.settings, where=f"{path}, settings")
    environment = decoded(SaidEnvironment, results.ours.environment, where=f"{path}, environment")
    version = environment.get("versions", {}).get("lighteval", LIGHTEVAL)
    if version != LIGHTEVAL and not version.startswith(f"{LIGHTEVAL}."):
        raise UserError(f"{path} was written by LightEval {version}; lighteval-r1 reads those of {LIGHTEVAL}.")
    return results
