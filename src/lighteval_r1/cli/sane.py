"""`lighteval-r1 sane`: engine and model looked at, in about a minute, before hours of them are believed."""

import asyncio
import sys
from dataclasses import dataclass

from lighteval_r1.cli.ask import is_url, local_engine, served_engine
from lighteval_r1.cli.options import VllmOptions, argument, option
from lighteval_r1.engines import Engine
from lighteval_r1.outside.words import tell
from lighteval_r1.records import UserError


@dataclass(frozen=True, kw_only=True)
class SaneOptions(VllmOptions):
    model: str = argument("A model (Hub id, folder, recipe, or demo), or a server's base URL.")
    served: str = option("", "With a base URL: which of its models (the first).", "--model", metavar="NAME")
    extra_body: str = option("", "With a base URL: as `endpoint` has it.", metavar="JSON")
    api_key_env: str = option("", "The variable that holds the key (OPENAI_API_KEY).", metavar="NAME")
    tokenizer: str = option("", "With a base URL: what counts tokens here.", metavar="MODEL")


def sane_command(options: SaneOptions) -> None:
    """Check engine and model in a minute. A dozen replies show template, marks, limits, seeds and counts."""
    if is_url(options.model):
        if options.vllm or options.lora or options.generation_config:
            raise UserError("--vllm, --lora and --generation-config are for a model on this machine, not for a server.")
        engine = served_engine(options, extra_body=options.extra_body, tokenizer=options.tokenizer)
    elif options.served or options.extra_body or options.tokenizer or options.api_key_env:
        raise UserError("--model, --extra-body, --tokenizer and --api-key-env are for a server at a base URL.")
    else:
        engine = local_engine(options)
    asyncio.run(looked_at(engine))


async def looked_at(engine: Engine) -> None:
    # what other commands do not need
    from lighteval_r1.engines.sanity import checked

    tell(engine.chosen)
    try:
        await engine.start()
        await checked(engine, out=sys.stdout)
    finally:
        await engine.stop()
