"""`lighteval-r1 bench`: vLLM's own `bench serve` on a server, with the prompts of a task.

It runs in a process of its own, from the module that `vllm bench serve` is, so that it also runs where vLLM's CPU
package leaves that command broken.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli.endpoint import KEY, address_of
from lighteval_r1.cli.options import option
from lighteval_r1.engines import TEMPERATURE, TOP_P
from lighteval_r1.records import EngineError, UserError
from lighteval_r1.tasks.specs import check_data, parse_spec
from lighteval_r1.tasks.task import task_rows

BENCH_SERVE = (
    "import argparse; from vllm.benchmarks.serve import add_cli_args, main; "
    "parser = argparse.ArgumentParser(prog='vllm bench serve'); add_cli_args(parser); main(parser.parse_args())"
)


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    base_url: str = option(..., "The server, such as http://127.0.0.1:8000/v1.")
    task: str = option(..., "Whose prompts are sent: r1_aime24.")
    model: str = option("", "The model's name as the server lists it (its first).")
    tokenizer: str = option("", "Counts prompt tokens (the model).", metavar="MODEL")
    n_prompts: int = option(0, "Requests; prompts repeat where there are fewer (each once).")
    concurrency: int = option(64, "Requests under way at once.")
    max_tokens: int = option(1024, "Longest reply, in tokens.")
    save: Path | None = option(None, "Keep vLLM's figures as JSON.", metavar="FILE")
    api_key_env: str = option("", f"The variable that holds the key ({KEY}).", metavar="NAME")


def bench_command(options: BenchOptions) -> None:
    """Load a server with a task's prompts by vLLM's `bench serve`. Throughput, TTFT, TPOT and their percentiles."""
    from lighteval_r1.engines.server_facts import NO_KEY, look

    if options.concurrency < 1 or options.max_tokens < 1 or options.n_prompts < 0:
        raise UserError(
            f"--concurrency {options.concurrency} --max-tokens {options.max_tokens} --n-prompts {options.n_prompts}: "
            "numbers from 1 are needed (--n-prompts 0: each prompt once)."
        )
    address = address_of(options.base_url, api_key_env=options.api_key_env)
    if not address.base_url.endswith("/v1"):
        raise UserError(f"vLLM's bench needs a base URL that ends in /v1; {options.base_url} does not.")
    task = parse_spec(options.task).task
    check_data(task)
    served = asyncio.run(look(address, model=options.model))
    prompts = [task.problem(row).prompt for row in task_rows(task)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prompts.jsonl"
        file.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
        tokenizer = options.tokenizer or served.root or served.model
        given = arguments(options, model=served.model, tokenizer=tokenizer, prompts=file, n_prompts=len(prompts))
        environment = {**os.environ, "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR")}
        environment.pop(KEY, None)
        if address.api_key != NO_KEY:
            environment[KEY] = address.api_key
        done = subprocess.run([sys.executable, "-c", BENCH_SERVE, *given], env=environment)
    if done.returncode:
        raise EngineError(f"vLLM's bench ended with exit code {done.returncode}; what it says stands above.")


def arguments(options: BenchOptions, *, model: str, tokenizer: str, prompts: Path, n_prompts: int) -> list[str]:
    """For `vllm bench serve`. n_prompts: how many there are."""
    given = [
        "--backend=openai-chat",
        f"--base-url={options.base_url.rstrip('/').removesuffix('/v1')}",
        "--endpoint=/v1/chat/completions",
        f"--model={model}",
        f"--tokenizer={tokenizer}",
        "--dataset-name=custom",
        f"--dataset-path={prompts}",
        # the server applies the chat template
        "--skip-chat-template",
        f"--custom-output-len={options.max_tokens}",
        f"--num-prompts={options.n_prompts or n_prompts}",
        f"--max-concurrency={options.concurrency}",
        f"--temperature={TEMPERATURE}",
        f"--top-p={TOP_P}",
        "--percentile-metrics=ttft,tpot,itl,e2el",
        "--metric-percentiles=50,90,99",
    ]
    if options.save is None:
        return given
    place = [f"--result-dir={options.save.resolve().parent}", f"--result-filename={options.save.name}"]
    return [*given, "--save-result", *place]
