"""`lighteval-r1 endpoint`: a look at a server and at what is asked of it, then LightEval's pipeline."""

import asyncio
import json
import os
import urllib.parse
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from lighteval_r1.cli import evaluate
from lighteval_r1.cli.finished import finished_table
from lighteval_r1.cli.lighteval_run import ALONE, UNUSED_ALONE, lighteval_run
from lighteval_r1.cli.options import RunOptions, TasksByPlace, option
from lighteval_r1.engines import CACHE_DIR, MAX_TOKENS, TEMPERATURE, TOP_P
from lighteval_r1.engines.model_section import loops
from lighteval_r1.graders.marks import AUTO, choose, opens_thinking
from lighteval_r1.outside import variables
from lighteval_r1.outside.left_out import left_out
from lighteval_r1.outside.words import first_line, say, tell
from lighteval_r1.records import ADDED, IN_REQUESTS, SERVERS_TEMPLATE, Settings, UserError
from lighteval_r1.runs.outputs import writing
from lighteval_r1.runs.results_file import Ours
from lighteval_r1.tasks.specs import TaskSpec, check_data, say_confinement
from lighteval_r1.tasks.task import task_rows

if TYPE_CHECKING:
    # openai takes seconds to import, which --help does not need
    from lighteval_r1.engines.endpoint import EndpointEngine
    from lighteval_r1.engines.server_facts import Address, Served

KEY = "OPENAI_API_KEY"
# Fields of a request that are the run's own: a second reply in one request would be lost.
OURS = {"model", "messages", "stream", "n"}


@dataclass(frozen=True, kw_only=True)
class EndpointOptions(TasksByPlace, RunOptions):
    base_url: str = option("", "The server, such as http://127.0.0.1:8000/v1.")
    model: str = option("", "The model's name as the server lists it.")
    revision: str = option("", "Which weights the server runs; another word draws anew. Else what the server says.")
    extra_body: str = option("", "Further fields of each request; null takes one of ours out.", metavar="JSON")
    api_key_env: str = option("", f"The variable that holds the key ({KEY}).", metavar="NAME")
    tokenizer: str = option("", "Counts tokens where the server does not.", metavar="MODEL")
    thinking_opened: bool | None = option(None, "Whether the server's prompts open a thought; else it is found out.")
    concurrency: int = option(64, "Requests under way at once.")
    stall_timeout_s: float = option(
        120.0, "Seconds a reply may stand still before it is tried again.", "--stall-timeout"
    )
    give_up_after_s: float | None = option(
        None, "Seconds one request may fail; never where not said.", "--give-up-after"
    )


def endpoint_command(options: EndpointOptions) -> None:
    """Evaluate a model that runs on an OpenAI-compatible server. Through LightEval, as evaluate."""
    if not options.model:
        raise UserError("say which --model of the server, by the name under which it lists it.")
    evaluate.begin(options)
    specs = evaluate.task_specs(options.named, n=options.asked_n, limit=options.limit, problems=options)
    tasks, cache_dir = evaluate.check_several(specs, temperature=options.temperature), options.cache_dir or CACHE_DIR
    evaluate.check_journals(cache_dir)
    say_confinement(tasks)
    for task in tasks:
        check_data(task)
    engine = make_engine(options)
    asyncio.run(say_effects(engine))
    output_dir = Path(options.output_dir or f"data/evals/{evaluate.slug(options.model)}")
    repo = evaluate.checked_upload(options)

    def same(ours: Ours) -> bool:
        marks = ours.environment.get("reasoning_parser")
        return (ours.settings_id, marks) == (engine.settings.id, engine.chosen.record)

    table = None if options.wandb else finished_table(output_dir, specs, cache_dir=cache_dir, same=same)
    if table is not None:
        say(table)
    else:
        through_lighteval(options, engine, specs, cache_dir=cache_dir, output_dir=output_dir)
    if repo:
        evaluate.pushed(output_dir, repo, public=options.public)


def through_lighteval(
    options: EndpointOptions, engine: "EndpointEngine", specs: list[TaskSpec], *, cache_dir: str, output_dir: Path
) -> None:
    """The server is at work while LightEval, which takes seconds, is imported; LightEval finds nothing owed."""
    with writing(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
    # the plugin registers them while it is imported
    asked = ",".join(map(str, specs))
    variables.ASKED.set(asked)
    with lighteval_run(output_dir, loading=ALONE, verbose=options.verbose):
        importing = Thread(target=import_lighteval, daemon=True)
        importing.start()
        sampled = drawn(specs, engine=engine, cache_dir=cache_dir, output_dir=output_dir)
        importing.join()
        from lighteval_r1.plugin import pipeline

        where = {"output_dir": str(output_dir), "cache_dir": cache_dir}
        pipeline.run(engine, asked, **where, wandb=options.wandb, sampled=sampled)


def import_lighteval() -> None:
    with left_out(UNUSED_ALONE):
        import_module("lighteval_r1.plugin.pipeline")


def drawn(asked: list[TaskSpec], *, engine: "EndpointEngine", cache_dir: str, output_dir: Path) -> dict:
    """Draws and grades what is owed; what that took. The journals then hold what LightEval will ask for."""
    from lighteval_r1.sampling.loop import sample
    from lighteval_r1.sampling.work import Work

    works: list[Work] = []
    shard = variables.SHARD.value()
    try:
        for spec in asked:
            problems = {problem.id: problem for problem in map(spec.task.problem, task_rows(spec.task))}
            how = {"engine": engine, "cache_dir": cache_dir, "shard": shard}
            works.append(Work.of_spec(spec, list(problems.values()), **how))
        return asyncio.run(sample(works, engine=engine, shard=shard, output_dir=str(output_dir)))
    finally:
        for work in works:
            work.journal.close()


def address_of(base_url: str, *, api_key_env: str = "") -> "Address":
    """The server and its key, from OPENAI_API_KEY or the variable named. UserError where either cannot be used."""
    from lighteval_r1.engines.server_facts import NO_KEY, Address

    parts = urllib.parse.urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"{base_url!r} is no base URL. It looks like http://127.0.0.1:8000/v1.")
    if parts.path.rstrip("/").endswith("/completions"):
        base = base_url.rstrip("/").removesuffix("/completions").removesuffix("/chat")
        raise UserError(f"{base_url} is where requests go; the base URL before it is {base}.")
    if parts.username or parts.password:
        raise UserError(f"a base URL with a password would stand in the results. Put the key in {api_key_env or KEY}.")
    key = os.environ.get(api_key_env or KEY, "").strip()
    if api_key_env and not key:
        raise UserError(f"--api-key-env {api_key_env}: there is no such variable, or it is empty.")
    if not (key.isascii() and key.isprintable()):
        raise UserError(
            f"the key in {api_key_env or KEY} holds a line break or a character that no HTTP header can hold."
        )
    return Address(base_url.rstrip("/"), api_key=key or NO_KEY)


def extra_fields(text: str) -> dict:
    """--extra-body as fields of the request; null takes one of ours out."""
    try:
        fields = json.loads(text) if text else {}
    except ValueError as error:
        raise UserError(f"--extra-body is not JSON ({error}). It looks like '{{\"top_k\": 20}}'.") from None
    if not isinstance(fields, dict):
        raise UserError(f"--extra-body is a {type(fields).__name__}, not an object such as '{{\"top_k\": 20}}'.")
    if taken := OURS & set(fields):
        raise UserError(f"--extra-body may not set {', '.join(sorted(taken))}: these are decided by the run.")
    return fields


def settings_of(options: EndpointOptions, served: "Served") -> Settings:
    """Identity: what the server calls the model and where it says the weights are; not the server's address."""
    fields = extra_fields(options.extra_body) | loops(options.end_loops)
    return Settings(
        model=served.model,
        revision=options.revision or served.root,
        system_prompt=evaluate.system_prompt_of(options),
        chat_template=SERVERS_TEMPLATE,
        temperature=TEMPERATURE if options.temperature is None else options.temperature,
        top_p=TOP_P if options.top_p is None else options.top_p,
        top_k=0,
        max_tokens=MAX_TOKENS if options.max_tokens is None else options.max_tokens,
        seed=options.seed or 0,
        extra=fields,
        **said_to_server(options, fields),
    )


def said_to_server(options: EndpointOptions, fields: dict) -> dict:
    """Settings that a server applies, from their options or taken out of --extra-body's fields. UserError for both."""
    section, settings = options.section, {}
    for name, theirs in IN_REQUESTS.items():
        value = getattr(section, name)
        if value != ADDED[name] and theirs in fields:
            raise UserError(f"--extra-body sets {theirs}, and so does the option for it: say it once.")
        # null takes a field out, and stays what it is
        settings[name] = value if value != ADDED[name] or not fields.get(theirs) else fields.pop(theirs)
    return settings


async def say_effects(engine: "EndpointEngine") -> None:
    """Aloud, where what the chat template is told changes nothing, or nobody can know whether it does."""
    if not engine.settings.template_kwargs:
        return
    from lighteval_r1.engines.sanity import Status, template

    await engine.start()
    try:
        status, words = await template(engine)
    finally:
        await engine.stop()
    if status is not Status.OK:
        tell(f"{engine.address.base_url}: {words}.")


def read_tokenizer(name: str) -> object:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read the tokenizer {name}: {first_line(error)}") from None


def template_opens_thinking(tokenizer: object) -> bool | None:
    """Whether the tokenizer's chat template opens a thought; None without a template."""
    if tokenizer is None or tokenizer.chat_template is None:
        return None
    message = [{"role": "user", "content": "?"}]
    return opens_thinking(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True))


def make_engine(options: EndpointOptions) -> "EndpointEngine":
    """The engine, after a look at the server. UserError for what cannot run."""
    from lighteval_r1.engines.endpoint import EndpointEngine
    from lighteval_r1.engines.server_facts import look

    if options.concurrency < 1:
        raise UserError(f"--concurrency {options.concurrency}: at least one request must be under way.")
    address = address_of(options.base_url, api_key_env=options.api_key_env)
    kwargs = said_to_server(options, extra_fields(options.extra_body))["template_args"]
    served = asyncio.run(look(address, model=options.model, template_kwargs=kwargs))
    tokenizer = read_tokenizer(options.tokenizer) if options.tokenizer else None
    known = (options.thinking_opened, served.thinking_opened, template_opens_thinking(tokenizer))
    return EndpointEngine(
        settings=settings_of(options, served),
        address=address,
        concurrency=options.concurrency,
        stall_s=options.stall_timeout_s,
        give_up_after_s=options.give_up_after_s,
        thinking_opened=next((opened for opened in known if opened is not None), None),
        tokenizer=tokenizer,
        context=served.context,
        chosen=choose(
            options.reasoning_parser or AUTO,
            template=str(getattr(tokenizer, "chat_template", "") or ""),
            vocabulary=frozenset(tokenizer.get_vocab()) if tokenizer else None,
        ),
    )
