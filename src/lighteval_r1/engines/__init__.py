"""Where replies come from: vllm (replicas on this machine) and endpoint (an OpenAI-compatible server)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lighteval_r1.records import Problem, Sample, Settings

if TYPE_CHECKING:
    # a replica imports this room, and no grader
    from lighteval_r1.graders.marks import Chosen

# How R1 models are sampled where the user says nothing. Source: https://huggingface.co/deepseek-ai/DeepSeek-R1,
# "Usage Recommendations" and "Evaluation".
TEMPERATURE, TOP_P, MAX_TOKENS = 0.6, 0.95, 32768
# LightEval's default. As a cache_dir it stands for the folder "lighteval" in HF_HOME (sampling.journal_files).
CACHE_DIR = "~/.cache/huggingface/lighteval"


@dataclass(frozen=True)
class Owed:
    """One sample still to draw."""

    key: str
    problem: Problem
    index: int
    seed: int


class Engine(Protocol):
    """Draws samples. An engine never returns an error as a reply: it raises, and the sample stays owed."""

    settings: Settings
    tokenizer: object  # transformers' one, or None
    chosen: "Chosen"  # by whose marks replies are divided

    @property
    def context(self) -> int | None:
        """Tokens that prompt and reply may have together, once it is started; None where nobody says it."""

    @property
    def shares_cores(self) -> bool:
        """Whether it computes on this machine's cores, so that graders give way to it."""

    @property
    def record(self) -> dict:
        """What it was beside the settings, for the results."""

    def under(self, settings: Settings) -> "Engine":
        """The same engine, started, by other settings, for a look: what a server does not count is None."""

    async def prompt_tokens(self, problem: Problem) -> list[int] | None:
        """The prompt's token ids; None where a server does not show them."""

    async def count(self, text: str) -> int | None:
        """The text's tokens; None without a tokenizer."""

    def check_prompts(self, problems: list[Problem]) -> None:
        """UserError naming the first whose prompt leaves no room for a reply, as far as that is known by now."""

    def render(self, problem: Problem) -> str:
        """The prompt as it is given away: with the chat template where that is applied here."""

    async def start(self) -> None:
        """Ready to draw when this returns. Raises UserError or EngineError."""

    def lanes(self) -> list[int]:
        """One entry per sample that may be under way at once; the value is the replica that draws it."""

    async def draw(self, owed: Owed, *, replica: int) -> Sample:
        """One reply. Raises EngineError where the engine cannot go on, UserError where the request is refused."""

    async def stop(self) -> None:
        """Ends what start began; safe to call twice."""
