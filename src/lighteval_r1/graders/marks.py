"""The marks with which families of models open and end their thoughts, by the names of vLLM's reasoning parsers.

Source: vllm/reasoning of vLLM 0.32, which a test holds this table against, and the chat templates of the models named.
vLLM's parsers give the marks and nothing else here: on a thought that is cut off many of them return it as the answer.
"""

import difflib
import re
from dataclasses import dataclass

from lighteval_r1.records import UserError

# What of a mark may be one token of a vocabulary.
TOKEN = re.compile(r"</?\|?[^<>\s]{1,40}>|\[/?THINK\]|◁[^◁▷\s]{1,20}▷")


@dataclass(frozen=True)
class Marks:
    """How a family marks what it thinks.

    opening, ending: as its models write them. answer: marks around an answer, which are no part of it. headers: where
    replies come in messages (channels), what begins and ends one: the group `role` names what follows, `end` closes any
    message, `turn` the whole reply. thinks, answers: the roles that are thinking and answer; all others are neither.
    """

    opening: str
    ending: str
    answer: tuple[str, str] = ("", "")
    headers: re.Pattern[str] | None = None
    thinks: str = ""
    answers: str = ""

    @property
    def needed(self) -> frozenset[str]:
        """The parts of opening and ending that are single tokens where a vocabulary has them all."""
        return frozenset(TOKEN.findall(self.opening + self.ending))

    @property
    def tokens(self) -> tuple[str, ...]:
        """The parts that may be single tokens; () where the marks are plain words."""
        headers = re.sub(r"\?P<\w+>|\\", "", self.headers.pattern) if self.headers else ""
        more = [part for part in TOKEN.findall(headers) if "(" not in part]
        return tuple(
            dict.fromkeys(TOKEN.findall(self.opening + self.ending) + more + TOKEN.findall("".join(self.answer)))
        )

    def __str__(self) -> str:
        return f"{self.opening} … {self.ending}"


THINK = Marks("<think>", "</think>")
HARMONY = Marks(
    "<|channel|>analysis<|message|>",
    "<|channel|>final<|message|>",
    headers=re.compile(
        r"<\|channel\|>(?P<role>\w+)[^<]{0,200}(?:<\|constrain\|>[^<]{0,40})?<\|message\|>|(?P<end><\|end\|>)"
        r"|(?P<turn><\|return\|>|<\|call\|>)|<\|start\|>[^<]{0,200}"
    ),
    thinks="analysis",
    answers="final",
)
MISTRAL = Marks("[THINK]", "[/THINK]")
SEED = Marks("<seed:think>", "</seed:think>")
COHERE = Marks("<|START_THINKING|>", "<|END_THINKING|>", answer=("<|START_RESPONSE|>", "<|END_RESPONSE|>"))
GEMMA = Marks("<|channel>thought", "<channel|>")
GRANITE = Marks("Here is my thought process:", "Here is my response:")
MINIMAX = Marks("<mm:think>", "</mm:think>")
KIMI_K3 = Marks(
    "<|open|>think<|sep|>",
    "<|close|>think<|sep|>",
    headers=re.compile(r"<\|open\|>(?P<role>\w+)[^<]{0,200}<\|sep\|>|(?P<end><\|close\|>\w+<\|sep\|>)"),
    thinks="think",
    answers="response",
)
INKLING = Marks(
    "<|content_thinking|>",
    "<|content_text|>",
    headers=re.compile(
        r"<\|content_(?P<role>thinking|text|invoke_tool_json|invoke_tool_text|tool_error)\|>|(?P<end><\|end_message\|>)"
        r"|(?P<turn><\|content_model_end_sampling\|>)|<\|message_model\|>"
    ),
    thinks="thinking",
    answers="text",
)
MUSE = Marks(
    "to=self<|message|>",
    "to=user<|message|>",
    headers=re.compile(
        r"to=(?P<role>[^\s<]{1,80})<\|message\|>|(?P<end><\|eom\|>)|(?P<turn><\|eot\|>)|<\|start\|>assistant"
    ),
    thinks="self",
    answers="user",
)
# By the names of vLLM's parsers. Not here: hf, whose marks are a template of the model's own tokenizer. hy_v3 may put a
# suffix of its tokenizer behind "think".
PARSERS = {
    **dict.fromkeys(
        (
            "deepseek_r1", "deepseek_v3", "deepseek_v4", "deepseek_v41", "glm45", "glm47", "granite_thinking_parser",
            "holo2", "hy_v3", "hy_v4", "kimi_k2", "ling3", "mimo", "minicpmv", "minimax_m2", "minimax_m2_append_think",
            "nemotron_v3", "olmo3", "poolside_v1", "qwen3", "step3", "step3p5",
        ),
        THINK,
    ),
    "cohere_command3": COHERE,
    "cohere_command4": COHERE,
    "ernie45": Marks("<think>", "</think>", answer=("<response>", "</response>")),
    "gemma4": GEMMA,
    "granite": GRANITE,
    "hunyuan_a13b": Marks("<think>", "</think>", answer=("<answer>", "</answer>")),
    "inkling": INKLING,
    "k2_horizon": Marks("<ifm|think>", "</ifm|think>"),
    "kimi_k3": KIMI_K3,
    "minimax_m3": MINIMAX,
    "mistral": MISTRAL,
    "muse_glimmer": MUSE,
    "openai_gptoss": HARMONY,
    "plamo3": Marks("<|plamo:begin_think:plamo|>", "<|plamo:end_think:plamo|>"),
    "seed_oss": SEED,
}  # fmt: skip
# Marks that no parser of vLLM's knows, found only where nothing is known of a model.
UNNAMED = (
    Marks("<thinking>", "</thinking>"),
    Marks("<thought>", "</thought>"),  # EXAONE, Marco-o1
    Marks("<reasoning>", "</reasoning>"),
    Marks("◁think▷", "◁/think▷"),  # Kimi-VL
    Marks("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1
)
# The whole table: for replies of which nothing is known.
ALL = (*dict.fromkeys(PARSERS.values()), *UNNAMED)
OPENINGS = tuple(dict.fromkeys(marks.opening for marks in ALL))
AUTO, NONE = "auto", "none"
# By model_type of config.json, where it is not called like its parser; others go by template and vocabulary.
ARCHITECTURES = {
    "cohere2": "cohere_command3",
    "deepseek_v3": "deepseek_r1",
    "ernie4_5_moe": "ernie45",
    "glm4_moe": "glm45",
    "gpt_oss": "openai_gptoss",
    "hunyuan_v1_moe": "hunyuan_a13b",
    "mistral3": "mistral",
    "nemotron_h": "nemotron_v3",
    "qwen3_moe": "qwen3",
    "qwen3_next": "qwen3",
    "qwen3_5": "qwen3",
    "qwen3_5_moe": "qwen3",
}


def check_name(name: str) -> str:
    """The name of a parser, auto or none. UserError for another."""
    if name in PARSERS or name in (AUTO, NONE):
        return name
    near = difflib.get_close_matches(name, [*PARSERS, AUTO, NONE], n=3, cutoff=0.4) or [AUTO, NONE]
    raise UserError(
        f"there is no reasoning parser {name!r}. Nearest: {', '.join(near)}. All: auto, none, {', '.join(PARSERS)}."
    )


def opens_thinking(prompt: str) -> bool:
    """Whether a prompt, or what is at hand of its end, opens a thought."""
    return prompt.rstrip().endswith(OPENINGS)


@dataclass(frozen=True)
class Chosen:
    """Whose marks a run's replies are split by.

    parser: "" where nothing is known, then the whole table is looked for. tokens: the marks are single tokens of the
    vocabulary. why: in words. said: by the user, who knows that the model thinks.
    """

    parser: str = ""
    tokens: bool = False
    why: str = ""
    said: bool = False

    @property
    def marks(self) -> Marks | None:
        return PARSERS.get(self.parser)

    @property
    def key(self) -> str:
        """What grades depend on: parsers of the same marks have the same."""
        return f"{self.marks}{''.join(self.marks.answer)}" if self.marks else self.parser

    @property
    def record(self) -> dict:
        """What results keep of it."""
        return {"name": self.parser or None, "marks": self.key or None, "single_tokens": self.tokens, "why": self.why}

    def __str__(self) -> str:
        if self.parser == NONE:
            return f"reasoning parser: none; replies are answers as a whole ({self.why})"
        if not self.marks:
            return f"reasoning parser: none is known ({self.why}); the marks of all families are looked for in the text"
        where = "single tokens" if self.tokens else "found in the text: they are no single tokens"
        return f"reasoning parser: {self.parser}, {self.marks} ({where}; {self.why})"


def choose(name: str, *, model_type: str = "", template: str = "", vocabulary: frozenset[str] | None = None) -> Chosen:
    """The parser as it is said, else by what is known of the model: its configuration, chat template and vocabulary.

    vocabulary None: nothing is known of the model. UserError where two families' marks stand beside each other.
    """
    check_name(name)
    words = vocabulary or frozenset()

    def chosen(parser: str, why: str) -> Chosen:
        marks = PARSERS.get(parser)
        tokens = marks is not None and bool(marks.needed) and words >= marks.needed
        return Chosen(parser, tokens=tokens, why=why, said=name != AUTO)

    if name != AUTO:
        return chosen(name, "as it was said")
    if vocabulary is None:
        return Chosen(why="nothing is known of the model")
    by_type = ARCHITECTURES.get(model_type, model_type)
    if by_type in PARSERS and written_by(PARSERS[by_type], template=template, words=words):
        return chosen(by_type, f"auto: by the architecture {model_type}")
    there = {
        marks.opening: name
        for name, marks in reversed(PARSERS.items())
        if written_by(marks, template=template, words=words)
    }
    # what one family writes may be a part of what another does, as Muse's <|message|> is of harmony's
    there = {
        opening: name
        for opening, name in there.items()
        if not any(PARSERS[name].needed < PARSERS[other].needed for other in there.values())
    }
    in_template = [parser for parser in there.values() if PARSERS[parser].ending in template]
    for found, where in ((in_template, "chat template"), (list(there.values()), "vocabulary")):
        if len(found) == 1:
            return chosen(found[0], f"auto: by the {where}")
    if there:
        raise UserError(
            f"marks of {len(there)} families stand in the model's vocabulary and chat template "
            f"({', '.join(sorted(there.values()))}). Say which with --reasoning-parser."
        )
    return Chosen(why="auto: neither architecture, chat template nor vocabulary tell")


def written_by(marks: Marks, *, template: str, words: frozenset[str]) -> bool:
    """Whether a model with this template and vocabulary may write these marks."""
    return (bool(marks.needed) and words >= marks.needed) or marks.opening in template or marks.ending in template
