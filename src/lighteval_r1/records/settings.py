"""Settings, which decide what is drawn, and the names that are made of them: of a journal, of a sample, its seed.

`lighteval_r1.records` is where others find them.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Annotated

from msgspec import Meta

# In a file this is no NaN, either (outside.decoding).
NotNegative = Annotated[float, Meta(ge=0)]
# In place of a template's digest: it is applied by the server, which does not show it.
SERVERS_TEMPLATE = "the server's"
# Fields that version 0.1.0 did not have, and what they are where nobody said anything. So they are left out of the id.
ADDED: dict[str, object] = {"template_args": {}, "effort": "", "thinking_budget": None, "engine_args": {}}
# What a request to a server calls them: version 0.1.0 took them as further fields of the request.
IN_REQUESTS = {
    "template_args": "chat_template_kwargs",
    "effort": "reasoning_effort",
    "thinking_budget": "thinking_token_budget",
}


def sha256(value: object) -> str:
    """Hex digest of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Settings:
    """What decides the distribution that samples are drawn from. Not n, parallelism, batch, port or time-out.

    model: Hub id, or a local folder's name. revision: commit, or a digest of a local folder's content.
    chat_template: SHA-256 of the template text in force, "" where the prompt is sent plain.
    max_model_length: None where the model's own limit holds; a shorter one cuts replies.
    extra: further sampling parameters that the user gave: min_p, repetition_penalty, stop, …
    template_args: what the chat template is given: {"enable_thinking": False}. effort: its reasoning_effort.
    thinking_budget: tokens after which the engine ends a thought. engine_args: of vLLM's arguments those that change
    what is drawn, and the digest of a LoRA adapter.
    """

    model: str
    revision: str
    system_prompt: str | None
    chat_template: str
    temperature: NotNegative
    top_p: NotNegative
    top_k: int
    max_tokens: int
    seed: int
    max_model_length: int | None = None
    dtype: str = "auto"
    quantization: str | None = None
    extra: dict[str, object] = field(default_factory=dict)
    template_args: dict[str, object] = field(default_factory=dict)
    effort: str = ""
    thinking_budget: int | None = None
    engine_args: dict[str, object] = field(default_factory=dict)

    @property
    def id(self) -> str:
        record = asdict(self)
        for name, default in ADDED.items():
            if record[name] == default:
                del record[name]
        if self.chat_template == SERVERS_TEMPLATE:
            record["extra"] |= self.request_fields
            record = {name: value for name, value in record.items() if name not in IN_REQUESTS}
        return sha256(record)[:16]

    @property
    def request_fields(self) -> dict[str, object]:
        """Those that a server applies, as a request names them."""
        names = [name for name in IN_REQUESTS if getattr(self, name) != ADDED[name]]
        return {IN_REQUESTS[name]: getattr(self, name) for name in names}

    @property
    def template_kwargs(self) -> dict[str, object]:
        """All that the chat template is given beside the messages."""
        return self.template_args | ({"reasoning_effort": self.effort} if self.effort else {})

    def differences(self, other: "Settings") -> list[str]:
        """What differs, in words: ["temperature 0.6 -> 0.7"]."""
        mine, theirs = asdict(self), asdict(other)
        return [f"{name} {mine[name]!r} -> {theirs[name]!r}" for name in mine if mine[name] != theirs[name]]


def in_words(value: object) -> str:
    """A setting as people say it: {"enable_thinking": False} as "enable_thinking=false"."""
    if isinstance(value, dict):
        value = ", ".join(
            f"{name}={part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)}"
            for name, part in value.items()
        )
    return "none" if value in ("", None) else str(value)


def sample_key(*, problem_id: str, index: int, settings_id: str) -> str:
    return f"{problem_id}-{index}-{settings_id}"


def seed_of(key: str) -> int:
    """The sample's own seed, 0 to 2**31-1 (what every server accepts): a function of its key."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) & 0x7FFFFFFF
