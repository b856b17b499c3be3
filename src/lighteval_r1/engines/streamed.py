"""A reply as an OpenAI-compatible server streams it: server-sent events, put together to one text.

Thinking that the server sends apart from the content (`reasoning_content`: vLLM until 0.10, SGLang, LMDeploy, DeepSeek;
`reasoning`: vLLM since, Ollama, OpenRouter) is kept in front of it as `<think>…</think>`, the form in which a local
engine writes it, so that graders see one form.

Errors quote the server's words as they came: server_facts.Address.gate makes them fit to be shown.
"""

import json
import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field

from lighteval_r1.outside.retries import FailedTry, may_pass
from lighteval_r1.records import REFUSED_BY_SERVER, UserError

# How a server says that it stopped a reply itself: no sample of the model.
NOT_FINISHED = ("abort", "error", "cancelled", "insufficient_system_resource", "network_error")
# Of a reply: what max_tokens make at most, and something for words that tokens do not count.
REPLY_BYTES, TOKEN_BYTES = 1 << 20, 512
# Around a token stand JSON, names and log-probabilities.
STREAM_TO_REPLY = 16
LINE_END = re.compile(rb"\r\n|\n|\r")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GARBAGE = "garbage in the stream"
# What a server answers that does not stream, or that is none.
NO_STREAM = ("application/json", "text/html")
# Other words for "length". Sources: the API references of Anthropic and Mistral.
CUT_OFF = ("max_tokens", "model_length")
# Special tokens of a turn's end, which some servers leave in the text: `transformers serve` where thinking comes apart.
END_MARK = re.compile(
    r"(?:<\|(?:im_end|end|eot_id|eom_id|endoftext|end_of_text|return|END_OF_TURN_TOKEN)\|>"
    r"|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>)\Z"
)
# Behind a prompt that is sent back stands no more than its template's words.
MOST_BEHIND_PROMPT = 64
# More of it is not quoted.
QUOTED = 4000
MOST_TOKENS = 2**31


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
    message = message.strip() or "no message"
    # what neither succeeds nor refuses (101, 304) is an accident on the way
    if may_pass(status) or status < 400:
        return FailedTry(f"HTTP {status}: {message}", retry_after_s=retry_after_s, status=status)
    return Refused(status, message)


def longest_reply(max_tokens: object) -> int:
    """Bytes that a reply of so many tokens may have."""
    return REPLY_BYTES + TOKEN_BYTES * (max_tokens if type(max_tokens) is int and max_tokens > 0 else 0)


def parsed(data: bytes | str) -> dict | None:
    """A JSON object; None where it is none, or nested too deeply to be read."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def json_object(data: bytes | str, *, what: str) -> dict:
    """A server's JSON object. Raises FailedTry where it is none."""
    if (value := parsed(data)) is None:
        raise FailedTry(f"{what}: {data[:QUOTED]!r}")
    return value


async def lines(chunks: AsyncIterable[bytes], *, longest: int) -> AsyncIterator[bytes]:
    """The lines of a stream, without their ends (\\n, \\r\\n or \\r) and without a byte order mark in front.

    Raises FailedTry for a line of more bytes than the longest.
    """
    begun: list[bytes] = []
    n_bytes = 0
    at_start, after_return = True, False
    async for chunk in chunks:
        if after_return:
            chunk = chunk.removeprefix(b"\n")
        if at_start:
            chunk = chunk.removeprefix(BYTE_ORDER_MARK)
        if not chunk:
            continue
        at_start, after_return = False, chunk.endswith(b"\r")
        *whole, rest = LINE_END.split(chunk)
        for end in whole:
            yield b"".join([*begun, end])
            begun, n_bytes = [], 0
        begun.append(rest)
        n_bytes += len(rest)
        if n_bytes > longest:
            raise FailedTry(f"a line of more than {longest:,} bytes in the stream")


async def events(chunks: AsyncIterable[bytes], *, longest: int) -> AsyncIterator[dict]:
    """The JSON objects of a stream of server-sent events, up to its [DONE]. Raises FailedTry for anything else.

    An object may stand on several lines; a line that is an object of its own is one, also where no empty line follows.
    """
    begun: list[bytes] = []
    async for line in lines(chunks, longest=longest):
        # other lines are comments that keep the connection alive, names and numbers of events
        if line.startswith(b"data:") and (data := line[5:].strip()):
            if data == b"[DONE]":
                break
            if not begun and (event := parsed(data)) is not None:
                yield event
            else:
                begun.append(data)
        elif begun and not line:
            yield json_object(b"\n".join(begun), what=GARBAGE)
            begun.clear()
    if begun:
        yield json_object(b"\n".join(begun), what=GARBAGE)


async def arriving(chunks: AsyncIterable[bytes], *, kind: str, longest: int) -> AsyncIterator[dict]:
    """The objects of an answer of this content type: of a stream, or the one of a server that does not stream."""
    if not kind.startswith(NO_STREAM):
        async for event in events(chunks, longest=longest):
            yield event
        return
    whole = parsed(b"".join([chunk async for chunk in chunks]))
    if not whole or not {"choices", "error"} & set(whole):
        raise FailedTry(f"no stream, but {kind}")
    yield whole


@dataclass
class StreamedReply:
    """What has arrived of one reply. longest: bytes that its text may have. prompt: the message that was sent."""

    longest: int = REPLY_BYTES
    prompt: str = ""
    thinking: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    finish_reason: str = ""
    usage: dict = field(default_factory=dict)
    # What the server calls the model; a gateway may go on with another in the middle.
    models: set[str] = field(default_factory=set)
    # It sent further choices, which nobody asked for.
    has_others: bool = False
    # A first piece that is the prompt sent back (`transformers serve` does so), not of the reply.
    echo: str = ""
    # What has come of it, its end too: as long as this grows, the reply does not stand still.
    n_pieces: int = 0
    _n_bytes: int = 0
    _content_said: bool = False
    _refusal: str = ""

    def take(self, event: dict) -> None:
        """Adds one event. Raises FailedTry where it is no event of a chat, Refused where it is a lasting refusal."""
        # vLLM before 0.10 and FastChat send the error as the event itself
        if error := event.get("error") or (event.get("object") == "error" and event):
            raise error_in_stream(error)
        try:
            if event.get("usage"):
                self.usage = dict(event["usage"])
            if event.get("model"):
                self.models.add("" + event["model"])
            for choice in event.get("choices") or ():
                if choice.get("index") or 0:
                    self.has_others = True
                else:
                    self._take_choice(choice)
        except (TypeError, ValueError, AttributeError):
            quoted = repr(list(event)[:8])
            raise FailedTry(f"an event of another form than a chat's, with {quoted}") from None

    def _take_choice(self, choice: dict) -> None:
        # a server that does not stream sends the whole as a message
        delta = choice.get("delta") or choice.get("message") or {}
        # some servers send the same thinking under both names
        if thought := delta.get("reasoning_content") or delta.get("reasoning"):
            self._add(self.thinking, thought)
        self._content_said |= delta.get("content") is not None
        text = delta.get("content")
        if text and not self.n_pieces and self._is_prompt(text):
            self.echo, text = text, None
        if text:
            self._add(self.content, text)
        if delta.get("refusal"):
            self._refusal = "refusal"
        elif delta.get("tool_calls"):
            self._refusal = "tool_calls"
        # DashScope says "null" until the end
        reason = choice.get("finish_reason") if choice.get("finish_reason") != "null" else None
        if reason:
            self.finish_reason = "length" if reason in CUT_OFF else "" + reason
        self.n_pieces += bool(thought or text or reason or delta.get("refusal") or delta.get("tool_calls"))

    def _is_prompt(self, text: str) -> bool:
        _, prompt, behind = text.rpartition(self.prompt or text)
        return bool(self.prompt and prompt) and len(behind) <= MOST_BEHIND_PROMPT

    def _add(self, parts: list[str], text: str) -> None:
        self._n_bytes += len(text.encode("utf-8", "surrogatepass"))
        if self._n_bytes > self.longest:
            raise FailedTry(f"a reply of more than {self.longest:,} bytes")
        parts.append(text)

    @property
    def text(self) -> str:
        """The reply; its thinking is left open where no content followed it."""
        content = END_MARK.sub("", "".join(self.content))
        if not self.thinking:
            # A reply of one piece may begin with the question.
            return content or (self.echo if self.finish_reason else "")
        return f"<think>{''.join(self.thinking)}{'</think>' if content else ''}{content}"

    @property
    def refused(self) -> bool:
        return self.finish_reason in REFUSED_BY_SERVER

    @property
    def says_nothing(self) -> bool:
        """It ended, but neither content nor thinking came, not even an empty one."""
        return not (self._content_said or self.thinking or self.refused or self.finish_reason == "length")

    def check_complete(self) -> None:
        """Raises FailedTry unless the model itself, its limit of tokens or the server's refusal ended the reply."""
        if not self.finish_reason:
            raise FailedTry("the stream ended before the reply did" if self.text else "an empty stream")
        if self.finish_reason in NOT_FINISHED:
            raise FailedTry(f"the server stopped the reply ({self.finish_reason})")
        # A refusal may come in its own field, and as if the reply had ended by itself.
        if self._refusal and not self.content and not self.refused:
            self.finish_reason = self._refusal

    def token_counts(self) -> tuple[int, int] | None:
        """(prompt, reply) as the server counted; None where it did not, or what it says cannot be."""
        prompt, reply = (whole_number(self.usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        if prompt is None or reply is None or (reply == 0 and self.text):
            return None
        return prompt, reply


def whole_number(count: object) -> int | None:
    """A count of tokens; None where it is none: negative, a fraction, a truth value, beyond all replies."""
    if type(count) not in (int, float) or not 0 <= count < MOST_TOKENS or count != int(count):
        return None
    return int(count)


def error_in_stream(error: object) -> FailedTry | Refused:
    """An error that a server sends after its headers said 200."""
    record = error if isinstance(error, dict) else {"message": error}
    message, code = message_of(record), record.get("code")
    # some say it as a number, some as its digits
    if isinstance(code, int | str) and (digits := str(code)).isdecimal() and len(digits) == 3 and digits >= "400":
        return refusal(int(digits), message)
    return FailedTry(f"an error in the stream: {message or 'without a message'}")


def message_of(record: dict) -> str:
    """The words of an error's record; "" where it has none."""
    message = record.get("message") or record.get("detail")
    return message[:QUOTED] if isinstance(message, str) else ""
