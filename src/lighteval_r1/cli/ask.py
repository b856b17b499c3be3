"""`lighteval-r1 ask`: one reply as it comes, its thinking dimmed, then the answer that a grader would take."""

import asyncio
import sys
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from typing import TextIO

from lighteval_r1.cli import evaluate
from lighteval_r1.cli.endpoint import EndpointOptions, make_engine
from lighteval_r1.cli.lighteval_run import vllm_engine
from lighteval_r1.cli.options import SamplingOptions, argument, option
from lighteval_r1.engines import MAX_TOKENS, Engine, Owed
from lighteval_r1.engines.layouts import layout_of
from lighteval_r1.engines.model_files import identify
from lighteval_r1.engines.vllm import start_replicas
from lighteval_r1.graders import EXPRESSION, Found, choice
from lighteval_r1.graders.marks import THINK, Marks, opens_thinking
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.outside.words import printable
from lighteval_r1.records import Problem, Sample, UserError

DIM, PLAIN = "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, kw_only=True)
class AskOptions(SamplingOptions):
    model: str = argument("A model (Hub id, folder, recipe, or demo), or a server's base URL.")
    question: str = argument("What the user turn says, as it is.")
    served: str = option("", "With a base URL: which of its models (the first).", "--model", metavar="NAME")
    max_tokens: int | None = option(None, f"Longest reply, in tokens ({MAX_TOKENS}; a server's own limit).")
    seed: int = option(0, "Another seed draws another reply.")
    api_key_env: str = option("", "The variable that holds the key (OPENAI_API_KEY).", metavar="NAME")


class Screen:
    """Writes a growing text; what is thought is dimmed where a terminal shows it."""

    def __init__(self, out: TextIO, marks: Marks = THINK) -> None:
        self.out = out
        self.opening, self.ending = marks.opening, marks.ending
        self.colours = out.isatty()
        self.shown = ""

    def show(self, text: str, *, thinking_opened: bool = False) -> None:
        """text: all of it so far."""
        if not text.startswith(self.shown):
            self.out.write("\n[the reply broke off; another try]\n")
            self.shown = ""
        # the end of what has come may be the beginning of a tag
        while (new := text[len(self.shown) :]) and not self._may_be_tag(new):
            thinking = self.ending not in self.shown and (thinking_opened or self.opening in self.shown)
            tag = self.ending if thinking else self.opening
            end = new.find(tag)
            part = new[: end + len(tag)] if end >= 0 else new
            self._write(part, dim=thinking or end >= 0)
            self.shown += part
        self.out.flush()

    def _may_be_tag(self, new: str) -> bool:
        return any(tag != new and tag.startswith(new) for tag in (self.opening, self.ending))

    def _write(self, part: str, *, dim: bool) -> None:
        part = printable(part)
        self.out.write(f"{DIM}{part}{PLAIN}" if dim and self.colours else part)

    def end(self, text: str, *, thinking_opened: bool) -> None:
        self.show(text, thinking_opened=thinking_opened)
        self.out.write(printable(text[len(self.shown) :]) + "\n")


def answer_line(sample: Sample) -> str:
    """The answer, where it stood, and what the reply took."""
    seen = EXPRESSION.answer_text(sample)
    stated = EXPRESSION.found(seen, "")
    if not stated.answer and seen.text is not None:
        stated = Found(*choice.extract(seen.text))
    words = f"answer: {stated.answer} ({stated.where})" if stated.answer else f"no answer ({stated.where})"
    tokens = "tokens not counted" if sample.n_tokens is None else f"{sample.n_tokens} tokens"
    return f"{words}, {tokens}, {sample.duration_s:.1f} s, finish reason {sample.finish_reason}"


def ask_command(options: AskOptions) -> None:
    """Sample one reply and show it as it comes. Its thinking is dimmed; its answer follows."""
    if is_url(options.model):
        # its own limit of tokens holds where none is said: it refuses one that is above it
        no_limit = '{"max_tokens": null}' if options.max_tokens is None else ""
        engine = replace(served_engine(options, extra_body=no_limit), must_count=False)
        opened = bool(engine.thinking_opened)
    elif options.served or options.api_key_env:
        raise UserError("--model and --api-key-env are for a server at a base URL.")
    else:
        engine = local_engine(options)
        opened = opens_thinking(engine.render(Problem(options.question, "")))
    sample = asyncio.run(asked(engine, options.question, seed=options.seed, opened=opened))
    print(printable(answer_line(Divider(engine.chosen, engine.tokenizer).divided(sample))))


def is_url(model: str) -> bool:
    return model.startswith(("http://", "https://"))


def served_engine(options: AskOptions, **more: object) -> Engine:
    """The server at the URL. more: options of `endpoint`."""
    shared = {field.name: getattr(options, field.name) for field in fields(SamplingOptions)}
    named = {"model": options.served, "base_url": options.model, "api_key_env": options.api_key_env}
    return make_engine(EndpointOptions(**shared | named | more))


def local_engine(options: SamplingOptions) -> Engine:
    """The model in vLLM on this machine, as `evaluate` would run it."""
    parameters = evaluate.model_parameters(options)
    section = evaluate.model_section(options)
    evaluate.check_model(parameters, [section])
    identity = identify(parameters)
    with ExitStack() as started:
        processes = start_replicas(layout_of(parameters))
        for process in processes:
            started.callback(process.stop)
        engine = vllm_engine(parameters, section=section, identity=identity, processes=processes)
        started.pop_all()
        return engine


async def asked(engine: Engine, question: str, *, seed: int, opened: bool) -> Sample:
    problem = Problem(prompt=question, gold="")
    screen = Screen(sys.stdout, engine.chosen.marks or THINK)
    try:
        await engine.start()
        owed = Owed(key="ask", problem=problem, index=0, seed=seed)
        sample = await engine.draw(owed, replica=0, on_text=lambda text: screen.show(text, thinking_opened=opened))
        screen.end(sample.reply, thinking_opened=sample.thinking_opened)
        return sample
    finally:
        await engine.stop()
