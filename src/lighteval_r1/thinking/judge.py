"""A judge says where a thinking first reaches the right answer: any OpenAI-compatible server, asked step by step.

The thinking's paragraphs are numbered, the gold is given, the judge names a number or none. What it says is journaled
as soon as it is said, under a key of everything it was asked, so that a second run asks only what is missing. An error,
a late answer or one that names no step is asked again, and is never taken for a result.
"""

import asyncio
import itertools
import os
import re
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.engines.chat import Chat
from lighteval_r1.engines.server_facts import NO_KEY, Address
from lighteval_r1.engines.streamed import Refused
from lighteval_r1.graders.statements.sentences import whole_characters
from lighteval_r1.numbers.tables import columns
from lighteval_r1.outside.retries import FailedTry, Patience
from lighteval_r1.records import UserError, sha256
from lighteval_r1.sampling.journal import Writer
from lighteval_r1.sampling.journal_files import DamageSeen, records_in

JUDGE_PROMPT = """Below is a problem, its correct answer, and how somebody thought about it, in {n} numbered steps.
Find the first step that states the correct answer, or one that means the same, as a result. A step does not count \
if it only repeats the problem, assumes the answer, or rejects it.

<problem>
{problem}
</problem>

<correct_answer>
{gold}
</correct_answer>

<steps>
{steps}
</steps>

End your reply with one line: "FIRST CORRECT STEP: " and the number of that step, or "FIRST CORRECT STEP: none" if no \
step states it."""
NAMED_STEP = re.compile(r"FIRST CORRECT STEP\W{1,6}(\d{1,6}|none)\b", re.IGNORECASE)
# A judge that thinks takes minutes; a server that hangs takes for ever.
TIMEOUT_S = 600.0
MOST_TRIES = 4
AT_ONCE = 32


@dataclass(frozen=True)
class Step:
    """A paragraph of a thinking. end: offset just past it."""

    end: int
    text: str


@dataclass(frozen=True)
class Question:
    """One thinking for the judge. gold: as people may see it."""

    problem: str
    gold: str
    steps: tuple[Step, ...]

    @property
    def prompt(self) -> str:
        numbered = "\n\n".join(f"[{number}] {step.text}" for number, step in enumerate(self.steps, start=1))
        prompt = JUDGE_PROMPT.format(n=len(self.steps), problem=self.problem, gold=self.gold, steps=numbered)
        return whole_characters(prompt)


@dataclass(frozen=True)
class Judged:
    """end: offset just past the first correct step, None where the judge sees none. begin: where that step begins."""

    begin: int | None
    end: int | None


@dataclass(frozen=True)
class JudgedLine:
    """What a journal of judgements says of a question: the number of a step, None for none."""

    key: str
    step: int | None


class NoStep(FailedTry):
    """An answer that names no step: nothing to take from it, but the judge may be asked again."""


def steps_of(thinking: str) -> tuple[Step, ...]:
    """Its paragraphs; its lines where it has one paragraph."""
    for separator in (r"\n[ \t]*\n\s*", r"\n\s*"):
        ends = [match.start() for match in re.finditer(separator, thinking)] + [len(thinking)]
        begins = [0] + [match.end() for match in re.finditer(separator, thinking)]
        steps = tuple(
            Step(e, thinking[b:e].strip()) for b, e in zip(begins, ends, strict=True) if thinking[b:e].strip()
        )
        if len(steps) > 1:
            return steps
    return steps


class Judge:
    """url: of an OpenAI-compatible server (http://host:port/v1). folder: where what it says is kept."""

    def __init__(
        self, url: str, *, model: str, folder: Path, timeout_s: float = TIMEOUT_S, pause_s: float = 1.0
    ) -> None:
        self.url, self.model, self.folder = url, model, folder
        self.timeout_s, self.pause_s = timeout_s, pause_s
        self.n_asked = 0
        self.failures: Counter[str] = Counter()

    def judge(self, questions: Sequence[Question]) -> list[Judged | None]:
        """One judgement each, None where there is none after all attempts (see failures)."""
        known = self._read()
        missing = {
            key: question for question in questions if question.steps and (key := self._key(question)) not in known
        }
        if missing:
            known |= asyncio.run(self._ask_all(missing))
        return [self._judged(question, known) for question in questions]

    def _judged(self, question: Question, known: dict[str, int | None]) -> Judged | None:
        steps = question.steps
        if not steps:
            return Judged(None, None)
        if self._key(question) not in known:
            return None
        number = known[self._key(question)]
        if number is None:
            return Judged(None, None)
        return Judged(steps[number - 2].end if number > 1 else 0, steps[number - 1].end)

    def _key(self, question: Question) -> str:
        return sha256([self.model, question.prompt])[:32]

    def _read(self) -> dict[str, int | None]:
        # A torn line of a killed run is asked again.
        paths = sorted(self.folder.glob("judged-*.jsonl"))
        return {line.key: line.step for path in paths for line in records_in(path, JudgedLine, damage=DamageSeen())}

    async def _ask_all(self, missing: dict[str, Question]) -> dict[str, int | None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot use {self.folder}: {error.strerror}. Name another with --judge-journal.") from None
        writer = Writer(self.folder / f"judged-{socket.gethostname()}-{os.getpid()}-{time.time_ns():x}.jsonl")
        steps: dict[str, int | None] = {}
        slots = asyncio.Semaphore(AT_ONCE)
        address = Address(self.url, os.environ.get("OPENAI_API_KEY") or NO_KEY)

        async def ask(chat: Chat, key: str, question: Question) -> None:
            async with slots:
                judgement = await self._ask(chat, question)
            if judgement is not None:
                number, words = judgement
                n_steps = len(question.steps)
                writer.append({"key": key, "step": number, "n_steps": n_steps, "judge": self.model, "reply": words})
                steps[key] = number

        try:
            async with (
                Chat(address, self.model, timeout_s=self.timeout_s, connections=AT_ONCE) as chat,
                asyncio.TaskGroup() as group,
            ):
                for key, question in missing.items():
                    group.create_task(ask(chat, key, question))
        except* UserError as errors:
            raise errors.exceptions[0] from None
        finally:
            writer.close()
        return steps

    async def _ask(self, chat: Chat, question: Question) -> tuple[int | None, str] | None:
        """The step's number and the judge's words; None after the last attempt."""
        attempts = itertools.count()

        async def judgement() -> tuple[int | None, str]:
            attempt = next(attempts)
            self.n_asked += 1
            # The same words again would be the same nonsense again.
            words = await chat.reply(question.prompt, temperature=0.0 if attempt == 0 else 0.6, seed=attempt)
            return named_step(words, n=len(question.steps)), words

        try:
            return await Patience(first_pause_s=self.pause_s, most_tries=MOST_TRIES).wait_for(judgement)
        except FailedTry as last:
            why = str(last)
        except Refused as refused:
            if refused.status in (401, 403, 404):
                raise UserError(
                    f"the judge at {self.url} refuses {self.model}: {refused.status} {refused.message[:200]}"
                ) from None
            # Too long for the judge, mostly: it would say the same again.
            why = f"refused ({refused.status}: {refused.message[:120]})"
        self.failures[why] += 1
        return None


def named_step(words: str, *, n: int) -> int | None:
    """The number the judge ends with, None for "none". NoStep where it names none, or one that is not there."""
    named = NAMED_STEP.findall(words)
    if not named:
        raise NoStep("an answer that names no step")
    if named[-1].casefold() == "none":
        return None
    number = int(named[-1])
    if not 1 <= number <= n:
        raise NoStep("a step that is not there")
    return number


def agreement(rule: Sequence[int | None], judged: Sequence[Judged | None]) -> str:
    """How far rule and judge agree, on the replies that were judged. rule: offsets past the first correct answer."""
    pairs = [(end, place) for end, place in zip(rule, judged, strict=True) if place is not None]
    counts = Counter((end is not None, place.end is not None) for end, place in pairs)
    both = [(end, place) for end, place in pairs if end is not None and place.end is not None]
    same = sum(place.begin <= end <= place.end for end, place in both)
    earlier = sum(end < place.begin for end, place in both)
    lines = [
        ["rule and judge", "replies"],
        ["judged", str(len(pairs))],
        ["both see the gold reached", str(counts[True, True])],
        ["  in the same step", str(same)],
        ["  the rule in an earlier step", str(earlier)],
        ["  the rule in a later step", str(len(both) - same - earlier)],
        ["neither", str(counts[False, False])],
        ["only the rule", str(counts[True, False])],
        ["only the judge", str(counts[False, True])],
    ]
    agreed = same + counts[False, False]
    share = (
        f"They agree on {agreed} of {len(pairs)} ({100 * agreed / len(pairs):.1f} %)."
        if pairs
        else "Nothing was judged."
    )
    return f"{columns(lines)}\n{share}"
