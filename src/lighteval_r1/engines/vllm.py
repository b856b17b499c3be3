"""Replies from vLLM on this machine: one or more replicas that share nothing, each in its own process.

A replica is vLLM's AsyncLLM on its own group of GPUs (or cores). Every sample is one request with its own seed, so that
it is the same whatever else runs beside it, and replicas take the next owed sample whenever they have room.
Prompts are tokenized here, once, by the model's chat template; they are never truncated and get no second BOS.
"""

import asyncio
import contextlib
import itertools
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lighteval_r1.engines import Owed
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_sizes import expected_tokens
from lighteval_r1.engines.replica import LINE_LIMIT
from lighteval_r1.graders.marks import Chosen, opens_thinking
from lighteval_r1.outside.words import tell, tell_end_of_log
from lighteval_r1.records import EngineError, Problem, Sample, Settings, UserError

# Of this many requests that vLLM runs at once, one more waits in its queue, so that a free slot never waits for the
# parent. Few: what waits at one replica cannot go to another.
SLOTS_PER_QUEUED = 16
# A replica that has not ended this long after its connection closed is killed.
STOP_S = 10.0
# After its socket closed, this long its exit status is waited for.
EXIT_STATUS_S = 2.0


def lanes_each(max_num_seqs: int) -> int:
    """Requests under way at a replica that runs so many at once."""
    return max_num_seqs + math.ceil(max_num_seqs / SLOTS_PER_QUEUED)


class ReplicaProcess:
    """This end of one replica: its process and the socket to it."""

    def __init__(self, replica: int, *, process: subprocess.Popen, connection: socket.socket) -> None:
        self.replica = replica
        self.process = process
        self.socket = connection
        self.ready: asyncio.Future | None = None
        self.was_ready = False
        self.writer: asyncio.StreamWriter | None = None
        self.under_way: dict[int, asyncio.Future] = {}
        self.followers: dict[int, Callable[[str], None]] = {}

    @classmethod
    def spawn(cls, layout: Layout, replica: int) -> "ReplicaProcess":
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "lighteval_r1.engines.replica", str(theirs.fileno())],
                env=layout.environment(replica),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                pass_fds=[theirs.fileno()],
                # a group of its own: what vLLM starts in it ends with it, and Ctrl-C reaches only this process
                start_new_session=True,
            )
        return cls(replica, process=process, connection=ours)

    async def start(self, engine_args: dict, *, lora: str = "") -> dict:
        """Engine facts (max_model_len, vllm, …). Raises EngineError where the replica does not come up."""
        self.ready = asyncio.get_running_loop().create_future()
        # A duplicate: the loop closes its own, and the replica lives until stop() or for another run.
        self.reader, self.writer = await asyncio.open_connection(sock=self.socket.dup(), limit=LINE_LIMIT)
        self._listening = asyncio.create_task(self._listen())
        self.say({"start": engine_args, "lora": lora})
        return await self.ready

    def say(self, message: dict) -> None:
        self.writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def _listen(self) -> None:
        how, failed = "it closed the connection", ""
        try:
            while line := await self.reader.readline():
                message = json.loads(line)
                if "ready" in message:
                    self.was_ready = True
                    self.ready.set_result(message["ready"])
                elif "growing" in message:
                    self.followers[message["growing"]](message["text"])
                elif "drawn" in message:
                    self.under_way.pop(message["drawn"]).set_result(message)
                else:
                    failed = message["failed"]
                    break
        except ConnectionError as error:
            how = str(error)
        # a process that was killed loses its socket a little before it has ended
        until = time.monotonic() + EXIT_STATUS_S
        while (code := self.process.poll()) is None and time.monotonic() < until:
            await asyncio.sleep(0.01)
        self._fail(failed or (how if code is None else f"exit code {code}"))

    def _fail(self, how: str) -> None:
        """Whoever waits for this replica learns that it is gone."""
        tell_end_of_log()
        error = EngineError(
            f"vLLM replica {self.replica} ended ({how}; its log stands above). "
            "What was drawn is kept; the same command goes on from there."
        )
        for future in [self.ready, *self.under_way.values()]:
            if not future.done():
                future.set_exception(error)
        self.under_way.clear()
        self.ended = error

    async def draw(
        self, number: int, *, prompt: list[int], params: dict, on_text: Callable[[str], None] | None = None
    ) -> dict:
        if self._listening.done():
            raise self.ended
        future = asyncio.get_running_loop().create_future()
        self.under_way[number] = future
        if on_text is not None:
            self.followers[number] = on_text
        self.say({"draw": number, "prompt": prompt, "params": params, "follow": on_text is not None})
        return await future

    async def disconnect(self) -> None:
        """Closes the loop's side of the connection; what has not been sent is dropped."""
        if self.writer is None:
            return
        self._listening.cancel()
        self.writer.transport.abort()
        await asyncio.gather(self._listening, return_exceptions=True)

    def stop(self) -> None:
        """Closes the connection, on which the replica ends; kills its process group if it has not in time."""
        self.socket.close()
        # one that is not ready holds nothing that would need a good end, and hears nothing while it loads a model
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_S if self.was_ready else 0)
        # also after a good end: a worker that vLLM left behind goes with the group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start_replicas(layout: Layout) -> list[ReplicaProcess]:
    """The processes, importing vLLM while the caller does other things."""
    return [ReplicaProcess.spawn(layout, replica) for replica in range(layout.replicas)]


@dataclass
class VllmEngine:
    """The engine: see engines.Engine.

    engine_args: for vLLM's AsyncEngineArgs. tokenizer: transformers' one. templated: whether prompts go through the
    chat template. max_num_seqs: samples a replica runs at once; None for as many as its KV cache holds. lora: an
    adapter's folder. keeps_replicas: another run uses them after this one, and who started them stops them.
    """

    settings: Settings
    layout: Layout
    engine_args: dict
    tokenizer: object
    templated: bool
    max_num_seqs: int | None
    chosen: Chosen = field(default_factory=Chosen)
    lora: str = ""
    keeps_replicas: bool = False
    processes: list[ReplicaProcess] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    _numbers: itertools.count = field(default_factory=itertools.count)
    _prompts: dict[str, tuple[list[int], bool]] = field(default_factory=dict)

    def render(self, problem: Problem) -> str:
        """The prompt's full text as the model sees it. UserError where the chat template refuses what it is given."""
        import jinja2

        system, kwargs = self.settings.system_prompt, self.settings.template_kwargs
        if not self.templated:
            return f"{system}\n\n{problem.prompt}" if system else problem.prompt
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": problem.prompt})
        try:
            return self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **kwargs)
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            given = ", ".join(f"{name}={value!r}" for name, value in kwargs.items()) or "no arguments"
            raise UserError(f"the chat template refuses what it is given ({given}): {error}") from None

    def prompt_ids(self, problem: Problem) -> tuple[list[int], bool]:
        """Token ids, and whether the prompt ends with thinking opened."""
        if problem.id not in self._prompts:
            text = self.render(problem)
            # a template writes its own BOS
            ids = self.tokenizer(text, add_special_tokens=not self.templated)["input_ids"]
            self._prompts[problem.id] = (ids, opens_thinking(text))
        return self._prompts[problem.id]

    @property
    def context(self) -> int:
        return self.facts["max_model_len"]

    @property
    def shares_cores(self) -> bool:
        return self.layout.device == "cpu"

    @property
    def record(self) -> dict:
        return {"vllm_arguments": self.engine_args}

    def under(self, settings: Settings) -> "VllmEngine":
        return replace(self, settings=settings, _prompts={})

    async def prompt_tokens(self, problem: Problem) -> list[int]:
        return self.prompt_ids(problem)[0]

    async def count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def check_prompts(self, problems: list[Problem]) -> None:
        limit = self.facts.get("max_model_len") or self.settings.max_model_length
        for problem in problems if limit else ():
            n = len(self.prompt_ids(problem)[0])
            if n >= limit:
                raise UserError(
                    f"the prompt of problem {problem.name or problem.id} has {n} tokens; the context holds {limit}. "
                    "Raise max_model_length: prompts are never truncated."
                )

    async def start(self) -> None:
        if not self.processes:
            self.processes = start_replicas(self.layout)
        facts = await asyncio.gather(*(process.start(self.engine_args, lora=self.lora) for process in self.processes))
        self.facts = facts[0]
        if self.max_num_seqs is None:
            self.max_num_seqs = self._room()

    def _room(self) -> int:
        """Replies of the length expected that the KV cache of a replica holds: more at once are drawn twice in part."""
        most, kv_tokens = self.facts["max_num_seqs"], self.facts["kv_tokens"]
        expected = expected_tokens(min(self.settings.max_tokens, self.facts["max_model_len"]))
        if not kv_tokens:
            return most
        room = max(1, min(most, kv_tokens // expected))
        tell(
            f"A replica's KV cache holds {kv_tokens:,} tokens: {room} replies at once, of {expected:,} tokens as "
            f"expected (vLLM's own limit here is {most:,})."
        )
        return room

    def lanes(self) -> list[int]:
        # round robin: the first samples spread over all replicas
        return [replica for _ in range(lanes_each(self.max_num_seqs)) for replica in range(self.layout.replicas)]

    async def draw(self, owed: Owed, *, replica: int, on_text: Callable[[str], None] | None = None) -> Sample:
        """One reply. on_text: called with the text so far as it grows."""
        prompt, thinking_opened = self.prompt_ids(owed.problem)
        self.check_prompts([owed.problem])
        begin = time.monotonic()
        drawn = await self.processes[replica].draw(
            next(self._numbers), prompt=prompt, params={**self.sampling_params(), "seed": owed.seed}, on_text=on_text
        )
        return Sample(
            key=owed.key,
            problem_id=owed.problem.id,
            index=owed.index,
            seed=owed.seed,
            reply=drawn["text"],
            thinking_opened=thinking_opened,
            finish_reason=drawn["finish_reason"],
            n_prompt_tokens=len(prompt),
            n_tokens=drawn["n_tokens"],
            token_ids=drawn["token_ids"],
            replica=replica,
            duration_s=round(time.monotonic() - begin, 3),
        )

    def sampling_params(self) -> dict:
        settings = self.settings
        return {
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "top_k": settings.top_k,
            "max_tokens": settings.max_tokens,
            **settings.extra,
            **({} if settings.thinking_budget is None else {"thinking_token_budget": settings.thinking_budget}),
        }

    async def stop(self) -> None:
        await asyncio.gather(*(process.disconnect() for process in self.processes))
        if self.keeps_replicas:
            return
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in self.processes))
        self.processes = []
