"""Whether an engine and its model do what is asked, seen in a dozen short replies before hours of them are believed."""

import asyncio
from dataclasses import dataclass, replace
from typing import TextIO

from lighteval_r1.engines import Engine, Owed
from lighteval_r1.engines.reply_checks import CUT, Drawn, Seen, Status, finish_reasons, limit, seeds, thinking
from lighteval_r1.engines.templates import EFFORT
from lighteval_r1.records import Problem, Sample, Settings, UserError, in_words, unpack_token_ids

# The demo model, too, knows how to add these.
QUESTION = Problem(
    "What is 18 + 61? Please reason step by step, and put your final answer within \\boxed{}.", "79", name="a sum"
)
# Nothing that a model knows by heart, so that another seed gives another text.
ANYTHING = Problem("Write a few sentences about whatever you like.", "", name="anything")
SEEDS = (11, 12, 13, 14)
# Tokens: so many tell seeds apart; within so many most models have added; a prompt that nobody counts.
SHORT, LONG, PROMPT = 128, 2048, 512
# A server's count of a reply has its marks and its end, which the text lacks; and other tokens may spell the same.
MARK_TOKENS, SPELLED_OTHERWISE = 8, 0.1
OTHER_EFFORTS = ("low", "high")


@dataclass(frozen=True)
class Check:
    name: str
    status: Status
    words: str

    def __str__(self) -> str:
        return f"{self.status:<8}  {self.name:<14}  {self.words}"


async def checked(engine: Engine, *, out: TextIO, longest: Problem = QUESTION) -> list[Check]:
    """The checks of an engine that is started, a line each on out. UserError where one is wrong.

    longest: of the problems that will be asked.
    """
    drawn = await draw(engine)
    seen = {
        "template": await template(engine, by_count=True),
        "thinking": thinking(engine, drawn),
        "limit": limit(drawn),
        "finish reasons": finish_reasons(drawn),
        "seeds": seeds(engine.settings, drawn),
        "BOS": await one_bos(engine, drawn),
        "context": await context(engine, longest),
        "token counts": await token_counts(engine, drawn),
    }
    checks = [Check(name, *found) for name, found in seen.items()]
    print("\n".join(map(str, checks)), file=out, flush=True)
    if wrong := [check.name for check in checks if check.status is Status.WRONG]:
        raise UserError(f"{engine.settings.model} is not measured sanely: {', '.join(wrong)}, as said above.")
    return checks


async def draw(engine: Engine) -> Drawn:
    prompt = await engine.prompt_tokens(QUESTION)
    room = LONG if engine.context is None else engine.context - (len(prompt) if prompt else PROMPT)
    longest = max(1, min(LONG, limit_of(engine.settings) or LONG, room))
    short = min(SHORT, longest)

    async def reply(problem: Problem, seed: int, n_tokens: int) -> Sample:
        owed = Owed(f"sane-{problem.name}-{seed}", problem, 0, seed)
        return await engine.under(limited(engine.settings, n_tokens)).draw(owed, replica=0)

    alone = [await reply(ANYTHING, SEEDS[0], short) for _ in range(2)]
    cut, *rest = await asyncio.gather(
        reply(QUESTION, SEEDS[0], CUT),
        *(reply(ANYTHING, seed, short) for seed in SEEDS),
        *(reply(QUESTION, seed, longest) for seed in SEEDS),
    )
    return Drawn(alone, rest[: len(SEEDS)], rest[len(SEEDS) :], cut, short, longest)


def limited(settings: Settings, n_tokens: int) -> Settings:
    """Replies of so many tokens at most, by the name that the user gives the limit."""
    name = "max_completion_tokens" if settings.extra.get("max_completion_tokens") else "max_tokens"
    extra = {key: value for key, value in settings.extra.items() if key != "min_tokens"}
    return replace(settings, max_tokens=n_tokens, extra=extra | {name: n_tokens})


def limit_of(settings: Settings) -> int | None:
    """Tokens that a reply of the run may have; None where a request says none."""
    extra = settings.extra
    return extra.get("max_completion_tokens") or extra.get("max_tokens", settings.max_tokens)


async def template(engine: Engine, *, by_count: bool = False) -> Seen:
    """Whether what the chat template is told changes the prompt.

    by_count: where nobody shows the prompt, ask for a reply of one token, and see how many tokens its prompt had.
    """
    names = engine.settings.template_kwargs
    if not names:
        return Status.OK, "nothing is said to it"
    found = [await effect(engine, name, by_count=by_count) for name in names]
    return max((status for status, _ in found), key=[*Status].index), "; ".join(words for _, words in found)


async def effect(engine: Engine, name: str, *, by_count: bool) -> Seen:
    """Of one argument."""
    value = engine.settings.template_kwargs[name]
    argument = in_words({name: value})
    given = await engine.prompt_tokens(QUESTION)
    if given is None:
        if by_count:
            return await effect_by_count(engine, name, argument)
        return Status.NOT_TOLD, f"the server does not show whether {argument} changes the prompt"
    if await engine.under(told(engine.settings, name)).prompt_tokens(QUESTION) != given:
        return Status.OK, f"{argument} changes the prompt"
    others = [not value] if isinstance(value, bool) else OTHER_EFFORTS if name == EFFORT else ()
    for other in others:
        try:
            changed = await engine.under(told(engine.settings, name, other)).prompt_tokens(QUESTION) != given
        except UserError:
            # a template that refuses a value looks at it
            changed = True
        if changed:
            return Status.OK, f"{argument} is what the template does anyway"
    if others:
        return Status.WRONG, f"{argument} changes nothing in the prompt, nor does another value"
    return Status.ODD, f"{argument} changes nothing in the prompt"


async def effect_by_count(engine: Engine, name: str, argument: str) -> Seen:
    owed = Owed("sane-prompt", QUESTION, 0, SEEDS[0])
    given, without = [
        (await engine.under(limited(settings, 1)).draw(owed, replica=0)).n_prompt_tokens
        for settings in (engine.settings, told(engine.settings, name))
    ]
    if given is None or without is None:
        return Status.NOT_TOLD, f"the server does not show whether {argument} changes the prompt"
    if given == without:
        return Status.ODD, f"{argument} may be ignored: the prompt has {given} tokens with and without it"
    return Status.OK, f"{argument} changes the prompt, from {without} tokens to {given}"


def told(settings: Settings, name: str, value: object = None) -> Settings:
    """With another value of an argument of the template; None: without it."""
    if name == EFFORT and settings.effort:
        return replace(settings, effort=str(value or ""))
    rest = {key: kept for key, kept in settings.template_args.items() if key != name}
    return replace(settings, template_args=rest if value is None else rest | {name: value})


def without_effect(engine: Engine) -> list[str]:
    """The arguments without which the prompt would be the same, of an engine that applies the template here."""
    prompt, settings = engine.render(QUESTION), engine.settings
    return [name for name in settings.template_kwargs if engine.under(told(settings, name)).render(QUESTION) == prompt]


async def one_bos(engine: Engine, drawn: Drawn) -> Seen:
    """Whether the prompt begins with one BOS; at a server, whether a chat's has just the tokens that are shown."""
    ids, bos = await engine.prompt_tokens(QUESTION), getattr(engine.tokenizer, "bos_token_id", None)
    if ids is None:
        return Status.NOT_TOLD, "the server does not show the tokens of a prompt"
    if ids[:1] == ids[1:2] and bos in (None, ids[0]):
        return Status.WRONG, f"the prompt begins with token {ids[0]} twice"
    n_counted = drawn.cut.n_prompt_tokens
    if n_counted == len(ids) + 1:
        return Status.WRONG, f"a chat's prompt has {n_counted} tokens, one more than its template writes"
    if bos is None:
        return Status.OK, "no token stands twice where the prompt begins"
    if ids[:1] == [bos]:
        return Status.OK, "the prompt begins with one"
    if engine.tokenizer("?")["input_ids"][:1] == [bos]:
        return Status.ODD, "the prompt begins with none, though the tokenizer puts one before a text"
    return Status.OK, "the prompt begins with none, and the tokenizer puts none before a text"


async def context(engine: Engine, longest: Problem) -> Seen:
    """Whether prompt and reply have room in what the model holds."""
    if engine.context is None:
        return Status.NOT_TOLD, "the server does not say how many tokens it holds"
    prompt, n_reply = await engine.prompt_tokens(longest), limit_of(engine.settings)
    holds = f"it holds {engine.context:,} tokens"
    if prompt is None or n_reply is None:
        return Status.NOT_TOLD, f"{holds}; how many {'a prompt has' if n_reply else 'a reply may have'}, nobody says"
    words = f"{holds}: {len(prompt)} of the prompt of {longest.name or longest.id} and {n_reply:,} of a reply"
    if len(prompt) + n_reply > engine.context:
        return Status.WRONG, f"{words} are more. Raise max_model_length, or lower max_tokens"
    return Status.OK, f"{words} fit"


async def token_counts(engine: Engine, drawn: Drawn) -> Seen:
    """Whether reported numbers of tokens are those of the tokenizer: exactly where the ids are at hand."""
    replies = [sample for sample, _ in drawn.limits]
    if any(sample.n_tokens is None for sample in replies):
        return Status.NOT_TOLD, "the server does not count them"
    if all(sample.token_ids for sample in replies):
        wrong = [sample for sample in replies if not spelled(engine, sample)]
        if wrong:
            return (
                Status.WRONG,
                f"the ids of {len(wrong)} of {len(replies)} replies are not their text, or not their number",
            )
        return Status.OK, f"the ids of {len(replies)} replies spell their text, and are as many as reported"
    prompt, n_counted = await engine.prompt_tokens(QUESTION), drawn.cut.n_prompt_tokens
    pairs = [(sample.n_tokens, await engine.count(sample.reply)) for sample in drawn.whole]
    if any(n_here is None for _, n_here in pairs):
        return Status.NOT_TOLD, "there is no tokenizer at hand; --tokenizer names one"
    for n_told, n_here in pairs:
        if abs(n_told - n_here) > max(MARK_TOKENS, SPELLED_OTHERWISE * n_here):
            return Status.WRONG, f"{n_told:,} tokens are reported of a reply that has about {n_here:,}"
    if prompt is not None and n_counted != len(prompt):
        return Status.ODD, f"{n_counted} tokens are reported of a prompt that has {len(prompt)} by /tokenize"
    return Status.OK, f"{pairs[0][0]:,} are reported of a reply that has about {pairs[0][1]:,}"


def spelled(engine: Engine, sample: Sample) -> bool:
    ids = unpack_token_ids(sample.token_ids)
    if ids is None:
        return not sample.n_tokens and not sample.reply
    # half a character at the end; words that end a reply are taken off its text
    text = engine.tokenizer.decode(ids.tolist(), skip_special_tokens=True).rstrip("\ufffd").strip()
    return len(ids) == sample.n_tokens and text.startswith(sample.reply.rstrip("\ufffd").strip())
