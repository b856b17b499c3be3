"""Replies from any OpenAI-compatible server: vllm serve, SGLang, LMDeploy, Ollama, an NPU server, a cloud.

Every sample is one streamed chat request with its own seed; streaming, so that no reply is too long for a time-out.
What may succeed another time is tried again as outside/retries.py says: 408, 409, 425, 429, 5xx, broken connections,
malformed HTTP, garbage, streams that end early or stand still, replies without a word or beyond all bounds. There is
no end to this but give_up_after_s. Any other refusal (400, 401, 403, 404) ends the run with the server's message; but
where the server withholds a reply (content_filter, tool_calls), that is a sample without an answer.
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

import openai

from lighteval_r1.engines import Owed
from lighteval_r1.engines.server_facts import Address, template_kwargs, tokenized
from lighteval_r1.engines.streamed import STREAM_TO_REPLY, StreamedReply, arriving, longest_reply
from lighteval_r1.graders.answers import FINISHED_EARLY
from lighteval_r1.graders.marks import Chosen
from lighteval_r1.outside.retries import FailedTry, Patience
from lighteval_r1.outside.words import tell
from lighteval_r1.records import EngineError, Problem, Sample, Settings, UserError

CONCURRENCY = 64
# Between two pieces of a reply: servers under load pause for seconds (vLLM while it takes long prompts), not minutes.
STALL_S = 120.0
# Before the first piece: the request may wait for its turn, and some servers keep the whole thinking to themselves.
FIRST_S = 3600.0
SAY_EVERY_S = 30.0
# One request of a look at the server may fail so long.
LOOK_S = 60.0
# Complete replies to one request that say nothing, or not how many tokens they have, before that is taken as it is.
MOST_EMPTY = 4
MOST_UNCOUNTED = 4

# Second replies to a problem that are its first again, before that is odd.
MOST_REPEATED = 8
# Of what is odd about a server; some give every reply another name of the model.
MOST_NOTICES = 8


@dataclass
class EndpointEngine:
    """The engine: see engines.Engine.

    thinking_opened: whether the server's prompts end in `<think>`; None where nobody knows, then replies tell: one that
    holds only the closing tag. tokenizer: transformers' one, to count tokens where the server does not. must_count:
    whether a sample without its number of tokens is none. context: as the server says it.
    """

    settings: Settings
    address: Address
    concurrency: int = CONCURRENCY
    stall_s: float = STALL_S
    first_s: float = FIRST_S
    pause_s: float = Patience.first_pause_s
    give_up_after_s: float | None = None
    thinking_opened: bool | None = None
    tokenizer: object = None
    must_count: bool = True
    context: int | None = None
    chosen: Chosen = field(default_factory=Chosen)
    shares_cores: ClassVar[bool] = False
    _client: openai.AsyncOpenAI | None = None
    _closing_tags_seen: bool = False
    _thinking_comes_apart: bool = False
    _usage_seen: bool = False
    _n_failed: int = 0
    _reported_at: float = -math.inf
    _waiting_until: float = -math.inf
    _noticed: set[str] = field(default_factory=set)
    # By problem; None once another reply to one of them was different.
    _first_replies: dict[str, int] | None = field(default_factory=dict)
    _n_repeated: int = 0

    @property
    def record(self) -> dict:
        return {}

    def check_prompts(self, problems: list[Problem]) -> None:
        """The server says it, to each request."""

    async def start(self) -> None:
        most_bytes = STREAM_TO_REPLY * longest_reply(self.settings.max_tokens)
        self._client = self.address.client(connections=self.concurrency, most_bytes=most_bytes)

    def lanes(self) -> list[int]:
        return [0] * self.concurrency

    def messages(self, problem: Problem) -> list[dict]:
        system = self.settings.system_prompt
        return [{"role": "system", "content": system}] * bool(system) + [{"role": "user", "content": problem.prompt}]

    def under(self, settings: Settings) -> "EndpointEngine":
        give_up_after_s = min(LOOK_S, self.give_up_after_s or LOOK_S)
        return replace(self, settings=settings, must_count=False, tokenizer=None, give_up_after_s=give_up_after_s)

    async def prompt_tokens(self, problem: Problem) -> list[int] | None:
        shown = await tokenized(
            self._client,
            self.address,
            model=self.settings.model,
            messages=self.messages(problem),
            chat_template_kwargs=template_kwargs(self.settings),
        )
        return shown and shown["tokens"]

    async def count(self, text: str) -> int | None:
        if self.tokenizer is not None:
            return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        shown = await tokenized(
            self._client, self.address, model=self.settings.model, prompt=text, add_special_tokens=False
        )
        return shown and len(shown["tokens"])

    def render(self, problem: Problem) -> str:
        """What is sent; the chat template around it is the server's."""
        return "\n\n".join(message["content"] for message in self.messages(problem))

    def body(self, owed: Owed) -> dict:
        """The request. What the user gives as extra goes before ours, and null takes a field out."""
        settings = self.settings
        fields = {
            "model": settings.model,
            "messages": self.messages(owed.problem),
            "max_tokens": settings.max_tokens,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "top_k": settings.top_k or None,
            "seed": owed.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
            **settings.extra,
            **settings.request_fields,
        }
        return {name: value for name, value in fields.items() if value is not None}

    async def draw(self, owed: Owed, *, replica: int, on_text: Callable[[str], None] | None = None) -> Sample:
        """One reply, tried for until it is there. on_text: called with the text so far as it grows."""
        body = self.body(owed)
        n_tries = 0

        async def drawn() -> Sample:
            nonlocal n_tries
            begin = time.monotonic()
            reply = await self._attempt(body, on_text=on_text)
            n_tries += 1
            counts = self._checked(owed, reply, n_tries=n_tries)
            self._notice_repeats(owed.problem.id, reply.text)
            return Sample(
                key=owed.key,
                problem_id=owed.problem.id,
                index=owed.index,
                seed=owed.seed,
                reply=reply.text,
                thinking_opened=self._opened(reply),
                finish_reason=self.address.words(reply.finish_reason),
                n_prompt_tokens=counts[0],
                n_tokens=counts[1],
                replica=replica,
                duration_s=round(time.monotonic() - begin, 3),
            )

        patience = Patience(first_pause_s=self.pause_s, give_up_after_s=self.give_up_after_s)
        try:
            return await patience.wait_for(drawn, jitter=random.Random(owed.seed), say=self._say)
        except FailedTry as last:
            raise EngineError(
                f"{self.address.base_url} gave no complete reply to one request for {self.give_up_after_s:g} s "
                f"({last}). What was drawn is kept; the same command goes on from there."
            ) from None

    async def _attempt(self, body: dict, *, on_text: Callable[[str], None] | None) -> StreamedReply:
        """One try. Raises FailedTry or UserError."""
        reply = StreamedReply(longest_reply(self.settings.max_tokens), prompt=body["messages"][-1]["content"])
        create = self._client.chat.completions.with_streaming_response.create
        clock = asyncio.get_running_loop().time
        with self.address.gate():
            try:
                async with asyncio.timeout(self.first_s) as deadline:
                    # Its own parsing of the stream makes an object of every token; ours takes 40 % of the time.
                    async with create(
                        model=body["model"], messages=body["messages"], stream=True, extra_body=body
                    ) as response:
                        kind = response.headers.get("content-type", "")
                        async for event in arriving(response.iter_bytes(), kind=kind, longest=reply.longest):
                            n_pieces = reply.n_pieces
                            reply.take(event)
                            # Not at every event: some servers open the stream before the request's turn comes.
                            if reply.n_pieces > n_pieces:
                                deadline.reschedule(clock() + self.stall_s)
                            if on_text is not None:
                                on_text(reply.text)
            except TimeoutError:
                # some servers leave the stream of a whole reply open
                if not reply.finish_reason:
                    raise FailedTry("the stream stood still" if reply.text else "nothing came back") from None
            reply.check_complete()
        return reply

    def _checked(self, owed: Owed, reply: StreamedReply, *, n_tries: int) -> tuple[int | None, int | None]:
        """(prompt, reply) in tokens. FailedTry where another reply to the same request may say what this one lacks.

        n_tries: complete replies to this request, this one included.
        """
        for model in sorted(reply.models - {self.settings.model})[:MOST_NOTICES]:
            self._notice(model, f"it calls the model {model!r}, not {self.settings.model!r}")
        if reply.has_others:
            self._notice("choices", "it sends further choices that nobody asked for; only the first is taken")
        if reply.echo and reply.text != reply.echo:
            self._notice("echo", "it sends the prompt back in front of each reply, which is left out")
        if reply.says_nothing and n_tries < MOST_EMPTY:
            raise FailedTry("a reply without content")
        counts = reply.token_counts()
        if counts is None and reply.usage:
            self._notice("usage", f"its counts of tokens cannot be, and are not taken: {reply.usage}")
        self._usage_seen |= counts is not None
        if counts is None and self.tokenizer is None:
            if reply.refused:
                return 0, 0
            if not self.must_count:
                return None, None
            # where others have it, this one lacks it by accident
            if n_tries < (MOST_UNCOUNTED if self._usage_seen else 2):
                raise FailedTry("the reply came without its number of tokens")
        return counts or self._count(owed.problem, reply)

    def _notice(self, kind: str, words: str) -> None:
        """Says once what is odd about the server and no error."""
        if kind not in self._noticed and len(self._noticed) < MOST_NOTICES:
            self._noticed.add(kind)
            tell(f"{self.address.base_url}: {self.address.words(words)}.")

    def _notice_repeats(self, problem_id: str, text: str) -> None:
        """Says it where a server does not sample: whatever the seed, the reply to a problem is the same."""
        if self._first_replies is None or not self.settings.temperature:
            return
        n_before = len(self._first_replies)
        if self._first_replies.setdefault(problem_id, hash(text)) != hash(text):
            self._first_replies = None
        elif len(self._first_replies) == n_before:
            self._n_repeated += 1
            if self._n_repeated == MOST_REPEATED:
                words = f"{MOST_REPEATED} problems were answered again in the same words; it may not sample at all"
                self._notice("repeats", words)

    def _opened(self, reply: StreamedReply) -> bool:
        """Whether the reply began inside a thought that left no mark of its own.

        A server that sends thinking apart has taken the marks out: what is left is the answer. But some parsers of
        servers hand a thought that was cut off over as content: of a model that is known to think, such a reply is it.
        """
        self._thinking_comes_apart |= bool(reply.thinking)
        if reply.thinking:
            return False
        if reply.finish_reason in FINISHED_EARLY and (
            self._thinking_comes_apart or (self.chosen.said and self.chosen.marks)
        ):
            return True
        if self._thinking_comes_apart:
            return False
        if self.thinking_opened is not None:
            return self.thinking_opened
        self._closing_tags_seen |= "</think>" in reply.text and "<think>" not in reply.text
        return self._closing_tags_seen

    def _count(self, problem: Problem, reply: StreamedReply) -> tuple[int, int]:
        if self.tokenizer is None:
            raise UserError(
                f"{self.address.base_url} does not say how many tokens a reply has. "
                "Give --tokenizer MODEL to count them here."
            )
        return tuple(
            len(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            for text in (self.render(problem), reply.text)
        )

    def _say(self, failure: FailedTry, pause_s: float) -> None:
        """That something is tried again: at once the first time, then now and then, and where the wait is long."""
        self._n_failed += 1
        now = time.monotonic()
        if now - self._reported_at >= SAY_EVERY_S or now + pause_s > self._waiting_until + SAY_EVERY_S:
            self._reported_at, self._waiting_until = now, now + pause_s
            tries = "1 try" if self._n_failed == 1 else f"{self._n_failed} tries"
            tell(f"{tries} failed so far and will be repeated, the next in {pause_s:.0f} s; the last: {failure}")

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
