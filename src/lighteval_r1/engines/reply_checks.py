"""What a few replies show of their engine: whether thoughts close, limits hold, finish reasons are true, seeds count.

Pure functions of what was drawn; engines/sanity.py draws it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lighteval_r1.engines import Engine
from lighteval_r1.graders.answers import FINISHED_EARLY
from lighteval_r1.graders.marks import ALL, NONE, THINK
from lighteval_r1.graders.splitting import parts_of, split_of
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.records import Sample, Settings


class Status(StrEnum):
    """From good to bad. not told: nobody says it, which is no pass. odd: said, and may be as it should. wrong: a score
    would not mean what it says."""

    OK = "ok"
    NOT_TOLD = "not told"
    ODD = "odd"
    WRONG = "wrong"


# How a check came out, and what was seen.
Seen = tuple[Status, str]
# No reply to the question that is asked has as few tokens.
CUT = 8
# Texts of one seed that part no later than this many times where texts of different seeds do, and so many characters
# behind it, have no seed in common.
TIMES, BEHIND = 2, 20


@dataclass(frozen=True)
class Drawn:
    """alone: one seed twice, with nothing beside it. together: that seed, then others, at once with all the rest.

    whole: replies to a question in up to `longest` tokens. cut: one in up to CUT. short: the limit of alone, together.
    """

    alone: Sequence[Sample]
    together: Sequence[Sample]
    whole: Sequence[Sample]
    cut: Sample
    short: int
    longest: int

    @property
    def limits(self) -> Iterator[tuple[Sample, int]]:
        """Each reply with its limit of tokens."""
        yield self.cut, CUT
        yield from ((sample, self.short) for sample in (*self.alone, *self.together))
        yield from ((sample, self.longest) for sample in self.whole)

    @property
    def was_cut(self) -> bool:
        """Whether the reply with the small limit is shorter than each without."""
        return len(self.cut.reply) < min(len(sample.reply) for sample in self.whole)


def thinking(engine: Engine, drawn: Drawn) -> Seen:
    """Whether thoughts open, and close by the marks that the run goes by."""
    chosen, n = engine.chosen, len(drawn.whole)
    if chosen.parser == NONE:
        return Status.OK, "replies are answers as a whole, as it was said"
    divider = Divider(chosen, engine.tokenizer)
    replies = [divider.divided(sample) for sample in drawn.whole]
    if foreign := foreign_mark(engine, replies):
        return Status.WRONG, f"replies write {foreign}, and the run looks for {chosen.marks}: say --reasoning-parser"
    thoughts = [sample for sample in replies if sample.thinking_opened or split_of(sample).thinking]
    closed = [sample for sample in thoughts if split_of(sample).answer is not None]
    ended = [sample for sample in thoughts if sample.finish_reason not in FINISHED_EARLY]
    if unclosed := [sample for sample in ended if sample not in closed]:
        status = Status.WRONG if len(unclosed) == len(ended) else Status.ODD
        return status, f"{len(unclosed)} of {n} replies ended by themselves with their thought open"
    if off := switched_off(engine.settings):
        if sum(bool(parts_of(sample)[0].strip()) for sample in replies) > n / 2:
            return Status.WRONG, f"the replies think, though {off} was said"
        return Status.OK, f"the replies do not think, as {off} was said"
    if not thoughts:
        return Status.ODD, f"none of {n} replies thinks: neither a prompt nor a reply opens a thought"
    if len(thoughts) == n and handed_over(divider.divided(drawn.cut)):
        words = f"a thought that is cut off after {CUT} tokens comes as an answer"
        return Status.ODD, f"{words}; with the model's --reasoning-parser said, it is none"
    if not closed:
        return Status.ODD, f"no thought closed within {drawn.longest:,} tokens"
    by = "the prompt" if thoughts[0].thinking_opened else "the reply"
    return Status.OK, f"opened by {by}, closed in {len(closed)} of {n} replies"


def handed_over(cut: Sample) -> bool:
    """Whether a server's parser gives a reply that was cut off in its thought as content."""
    return cut.token_ids is None and cut.finish_reason in FINISHED_EARLY and bool(parts_of(cut)[1])


def foreign_mark(engine: Engine, replies: Sequence[Sample]) -> str:
    """What ends another family's thoughts, where it stands in a reply and the run's own mark does not; "" without."""
    if engine.chosen.marks is None:
        return ""
    own = engine.chosen.marks.ending
    # thinking that a server sends apart stands in these marks, whatever the model's are
    apart = [sample for sample in replies if sample.token_ids is None and sample.reply.startswith(THINK.opening)]
    texts = [sample.reply for sample in replies if own not in sample.reply and sample not in apart]
    return next((marks.ending for marks in ALL if marks.needed for text in texts if marks.ending in text), "")


def switched_off(settings: Settings) -> str:
    """What turns thinking off, as it was said; "" where nothing does."""
    if settings.effort == "none":
        return "effort none"
    return next(
        (f"{name}=false" for name, value in settings.template_args.items() if value is False and "think" in name), ""
    )


def limit(drawn: Drawn) -> Seen:
    n = drawn.cut.n_tokens
    for sample, most in drawn.limits:
        if sample.n_tokens is not None and sample.n_tokens > most:
            return Status.WRONG, f"a limit of {most:,} tokens gave {sample.n_tokens:,}"
    if n is None and not drawn.was_cut:
        return Status.WRONG, f"a limit of {CUT} tokens gave {len(drawn.cut.reply)} characters, as many as without"
    if n is None:
        return Status.NOT_TOLD, f"a limit of {CUT} tokens cuts a reply off; how many it has, the server does not say"
    if n < CUT:
        if not drawn.was_cut:
            return Status.NOT_TOLD, f"the reply that was to be cut off ended by itself after {n} tokens"
        return Status.WRONG, f"of a reply that was cut off after {CUT} tokens, {n} are reported"
    return Status.OK, f"{CUT} tokens asked for, {n} drawn and reported"


def finish_reasons(drawn: Drawn) -> Seen:
    """ "length" where the limit ended a reply, and nowhere else."""
    if drawn.was_cut and drawn.cut.finish_reason != "length":
        return Status.WRONG, f"{drawn.cut.finish_reason!r} where the limit of {CUT} tokens ended a reply"
    for sample, most in drawn.limits:
        if sample.finish_reason == "length" and sample.n_tokens is not None and sample.n_tokens < most:
            return Status.WRONG, f"'length' after {sample.n_tokens:,} tokens, where the limit is {most:,}"
    reasons = [str(sample.finish_reason) for sample, _ in drawn.limits]
    if strange := sorted(set(reasons) - {"stop", *FINISHED_EARLY}):
        return Status.ODD, f"{', '.join(map(repr, strange))} is none of the usual"
    n = sum(sample.finish_reason == "stop" for sample in drawn.whole)
    if not n:
        return Status.ODD, f"no reply to a sum ended by itself within {drawn.longest:,} tokens"
    return Status.OK, f"'length' at the limit, 'stop' for {n} of {len(drawn.whole)} replies that had room"


def seeds(settings: Settings, drawn: Drawn) -> Seen:
    """Whether a seed gives its text again, alone and beside others, and other seeds give others."""
    if settings.extra.get("seed", 0) is None:
        return Status.NOT_TOLD, "no seed is sent"
    first, again = (sample.reply for sample in drawn.alone)
    beside, *others = (sample.reply for sample in drawn.together)
    if settings.temperature and {beside, *others} == {beside}:
        return Status.WRONG, f"{len(drawn.together)} seeds gave one and the same text"
    if first == again == beside:
        return (
            Status.OK,
            f"a seed gives the same text alone, again, and beside {len(drawn.together) + len(drawn.whole)} others",
        )
    own = max(alike(first, again), alike(first, beside))
    apart = max(alike(first, other) for other in others)
    if settings.temperature and own <= TIMES * apart + BEHIND:
        return Status.WRONG, (
            f"they have no effect: texts of one seed part at character {own}, of different seeds at {apart}. "
            "Where that cannot be mended, send none (--extra-body '{\"seed\": null}')"
        )
    if first != again:
        return (
            Status.ODD,
            f"a seed, twice alone, gives texts that part at character {own}: others may use the server, too",
        )
    return Status.ODD, (
        f"beside others a seed's text parts from that alone at character {own}: sums are rounded otherwise in a batch. "
        "VLLM_BATCH_INVARIANT=1 mends it on GPUs that vLLM lists for it, and takes time"
    )


def alike(one: str, other: str) -> int:
    """Characters up to the first that differs."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
