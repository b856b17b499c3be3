"""`lighteval-r1 ask`: one reply as it comes, its thinking dimmed, then the answer that a grader would take."""

import asyncio
import sys
from contextlib import ExitStack
from typing import TextIO

import lighteval_r1.cli.evaluate as launch
from lighteval_r1.engines import Engine, Owed
from lighteval_r1.graders import EXPRESSION, Found, choice
from lighteval_r1.graders import answers as replies
from lighteval_r1.network.words import printable
from lighteval_r1.records import Problem, Sample

DIM, PLAIN = "\x1b[2m", "\x1b[0m"


class Screen:
    """Writes a growing text; what is thought is dimmed where a terminal shows it. thinking: whether it begins in a thought."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.colours = out.isatty()
        self.shown = ""
        self.dimmed = False

    def show(self, text: str, *, thinking_opened: bool = False) -> None:
        """text: all of it so far."""
        if not text.startswith(self.shown):
            self.out.write("\n[the reply broke off; another try]\n")
            self.shown = ""
        # the end of what has come may be the beginning of a tag
        while (new := text[len(self.shown) :]) and not self._may_be_tag(new):
            thinking = replies.CLOSE not in self.shown and (thinking_opened or replies.OPEN in self.shown)
            tag = replies.CLOSE if thinking else replies.OPEN
            end = new.find(tag)
            part = new[: end + len(tag)] if end >= 0 else new
            self._write(part, dim=thinking or end >= 0)
            self.shown += part
        self.out.flush()

    def _may_be_tag(self, new: str) -> bool:
        return any(tag != new and tag.startswith(new) for tag in (replies.OPEN, replies.CLOSE))

    def _write(self, part: str, *, dim: bool) -> None:
        part = printable(part)
        self.out.write(f"{DIM}{part}{PLAIN}" if dim and self.colours else part)

    def end(self, text: str, *, thinking_opened: bool) -> None:
        self.show(text, thinking_opened=thinking_opened)
        self.out.write(printable(text[len(self.shown) :]) + "\n")


def answer_line(sample: Sample) -> str:
    """The answer, where it stood, and what the reply took."""
    _, text = replies.split_thinking(sample.reply, thinking_opened=sample.thinking_opened)
    found = EXPRESSION.found(text, "")
    if not found.answer and text is not None:
        found = Found(*choice.extract(text))
    words = f"answer: {found.answer} ({found.where})" if found.answer else f"no answer ({found.where})"
    return f"{words}, {sample.n_tokens} tokens, {sample.duration_s:.1f} s, finish reason {sample.finish_reason}"


def local_engine(model: str, sampling: dict) -> Engine:
    """The model in vLLM on this machine, as `evaluate` would run it."""
    from lighteval_r1.engines.model_files import device
    from lighteval_r1.engines.vllm import layout_of, start_replicas

    name = "" if model == "demo" else model
    parameters = launch.model_parameters(launch.Options(model=name, **sampling))
    launch.check_at_hand(parameters, [])
    with ExitStack() as started:
        processes = start_replicas(layout_of(parameters, device=device()))
        for process in processes:
            started.callback(process.stop)
        # slow to import, while vLLM is being imported in the replica
        from lighteval_r1.plugin.errors import vllm_arguments

        engine = vllm_arguments.make_engine(vllm_arguments.VLLMModelConfig(**parameters), processes=processes)
        started.pop_all()
        return engine


def run(model: str, question: str, *, served: str, seed: int, api_key_env: str, sampling: dict) -> None:
    """Asks the model, or the server at the URL, and prints. sampling: temperature, max_tokens, system_prompt_file."""
    if model.startswith(("http://", "https://")):
        import lighteval_r1.cli.endpoint as endpoint

        if sampling["max_tokens"] is None:
            # the server's own limit: it refuses one that is above it
            sampling = {**sampling, "max_tokens": endpoint.MAX_TOKENS, "extra_body": '{"max_tokens": null}'}
        options = endpoint.Options(base_url=model, model=served, api_key_env=api_key_env, concurrency=1, **sampling)
        engine = endpoint.make_engine(options)
        opened = bool(engine.thinking_opened)
    else:
        engine = local_engine(model, sampling)
        opened = engine.render(Problem(question, "")).rstrip().endswith(replies.OPEN)
    sample = asyncio.run(asked(engine, question, seed=seed, opened=opened))
    print(printable(answer_line(sample)))


async def asked(engine: Engine, question: str, *, seed: int, opened: bool) -> Sample:
    problem = Problem(prompt=question, gold="")
    screen = Screen(sys.stdout)
    try:
        await engine.start()
        owed = Owed(key="ask", problem=problem, index=0, seed=seed)
        sample = await engine.draw(owed, replica=0, on_text=lambda text: screen.show(text, thinking_opened=opened))
        screen.end(sample.reply, thinking_opened=sample.thinking_opened)
        return sample
    finally:
        await engine.stop()
