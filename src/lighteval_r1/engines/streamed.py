"""A reply as an OpenAI-compatible server streams it: server-sent events, put together to one text.

Thinking that the server sends apart from the content (`reasoning_content`: vLLM until 0.10, SGLang, LMDeploy, DeepSeek;
`reasoning`: vLLM since, Ollama, OpenRouter) is kept in front of it as `<think>…</think>`, the form in which a local
engine writes it, so that graders see one form.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field

from lighteval_r1.outside.retries import FailedTry, may_pass
from lighteval_r1.records import UserError

# How a server says that it stopped a reply itself: no sample of the model.
NOT_FINISHED = ("abort", "error", "cancelled")
MESSAGE_LENGTH = 600


class Refused(UserError):
    """The server would refuse the same request again. message: its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(
            f"the server refuses the request (HTTP {status}: {message}). "
            "It would refuse it again; what was drawn before is kept."
        )
        self.status, self.message = status, message


def refusal(status: int, message: str, *, retry_after_s: float = 0.0) -> FailedTry | Refused:
    """What an error of the server means: to be tried again, or the end of the run."""
    message = " ".join(message.split())[:MESSAGE_LENGTH] or "no message"
    if may_pass(status):
        return FailedTry(f"HTTP {status}: {message}", retry_after_s=retry_after_s)
    return Refused(status, message)


async def events(chunks: AsyncIterable[bytes]) -> AsyncIterator[dict]:
    """The JSON objects of a stream of server-sent events, up to its [DONE]. Raises FailedTry for anything else."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue  # a comment that keeps the connection alive, an empty line
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            try:
                event = json.loads(data)
            except ValueError:
                raise FailedTry(f"garbage in the stream: {data[:60]!r}") from None
            if not isinstance(event, dict):
                raise FailedTry(f"garbage in the stream: {data[:60]!r}")
            yield event


@dataclass
class StreamedReply:
    """What has arrived of one reply."""

    thinking: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    finish_reason: str = ""
    usage: dict = field(default_factory=dict)

    def take(self, event: dict) -> None:
        """Adds one event. Raises FailedTry where it is no event of a chat, Refused where it is a lasting refusal."""
        if event.get("error"):
            raise error_in_stream(event["error"])
        try:
            if event.get("usage"):
                self.usage = dict(event["usage"])
            for choice in event.get("choices") or ():
                delta = choice.get("delta") or {}
                # some servers send the same thinking under both names
                if thought := delta.get("reasoning_content") or delta.get("reasoning"):
                    self.thinking.append("" + thought)
                if text := delta.get("content"):
                    self.content.append("" + text)
                if reason := choice.get("finish_reason"):
                    self.finish_reason = "" + reason
        except (TypeError, ValueError, AttributeError):
            raise FailedTry(f"an event of another form than a chat's: {str(event)[:80]}") from None

    @property
    def text(self) -> str:
        """The reply; its thinking is left open where no content followed it."""
        content = "".join(self.content)
        if not self.thinking:
            return content
        return f"<think>{''.join(self.thinking)}{'</think>' if content else ''}{content}"

    def check_complete(self) -> None:
        """Raises FailedTry unless the model itself, or its limit of tokens, ended the reply."""
        if not self.finish_reason:
            raise FailedTry("the stream ended before the reply did" if self.text else "an empty stream")
        if self.finish_reason in NOT_FINISHED:
            raise FailedTry(f"the server stopped the reply ({self.finish_reason})")

    def token_counts(self) -> tuple[int, int] | None:
        """(prompt, reply) as the server counted; None where it did not."""
        counts = self.usage.get("prompt_tokens"), self.usage.get("completion_tokens")
        return counts if all(isinstance(count, int) for count in counts) else None


def error_in_stream(error: object) -> FailedTry | Refused:
    """An error that a server sends after its headers said 200."""
    record = error if isinstance(error, dict) else {"message": str(error)}
    message, code = str(record.get("message", "")), record.get("code")
    if isinstance(code, int) and code >= 400:
        return refusal(code, message)
    return FailedTry(f"an error in the stream: {' '.join(message.split())[:MESSAGE_LENGTH] or record}")
