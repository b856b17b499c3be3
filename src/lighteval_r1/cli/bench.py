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
from lighteval_r1.engines.server_facts import NO_KEY, look
from lighteval_r1.records import EngineError, UserError
from lighteval_r1.tasks.specs import check_data, parse_spec
from lighteval_r1.tasks.task import task_rows

BENCH_SERVE = (
    "import argparse; from vllm.benchmarks.serve import add_cli_args, main; "
    "parser = argparse.ArgumentParser(prog='vllm bench serve'); add_cli_args(parser); main(parser.parse_args())"
)


@dataclass(frozen=True)
class Load:
    """n_prompts: 0 for each of the task's once."""

    n_prompts: int
    concurrency: int
    max_tokens: int


def arguments(base_url: str, *, model: str, tokenizer: str, prompts: Path, n_prompts: int, load: Load) -> list[str]:
    """For `vllm bench serve`."""
    return [
        "--backend=openai-chat",
        f"--base-url={base_url.removesuffix('/v1')}",
        "--endpoint=/v1/chat/completions",
        f"--model={model}",
        f"--tokenizer={tokenizer}",
        "--dataset-name=custom",
        f"--dataset-path={prompts}",
        # the server applies the chat template
        "--skip-chat-template",
        f"--custom-output-len={load.max_tokens}",
        f"--num-prompts={n_prompts}",
        f"--max-concurrency={load.concurrency}",
        "--temperature=0.6",
        "--top-p=0.95",
        "--percentile-metrics=ttft,tpot,itl,e2el",
        "--metric-percentiles=50,90,99",
    ]


def run(
    base_url: str, task: str, *, model: str, tokenizer: str, load: Load, save: Path | None, api_key_env: str
) -> None:
    """Prints what vLLM's bench prints. UserError where the server or the task is not there, EngineError where it fails."""
    address = address_of(base_url, api_key_env=api_key_env)
    if not address.base_url.endswith("/v1"):
        raise UserError(f"vLLM's bench needs a base URL that ends in /v1; {base_url} does not.")
    asked = parse_spec(task).task
    check_data(asked)
    served = asyncio.run(look(address, model=model))
    prompts = [asked.problem(row).prompt for row in task_rows(asked)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prompts.jsonl"
        file.write_text("".join(json.dumps({"prompt": prompt}) + "\n" for prompt in prompts))
        given = arguments(
            address.base_url,
            model=served.model,
            tokenizer=tokenizer or served.root or served.model,
            prompts=file,
            n_prompts=load.n_prompts or len(prompts),
            load=load,
        )
        if save is not None:
            given += ["--save-result", f"--result-dir={save.resolve().parent}", f"--result-filename={save.name}"]
        environment = {**os.environ, "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR")}
        environment.pop(KEY, None)
        if address.api_key != NO_KEY:
            environment[KEY] = address.api_key
        done = subprocess.run([sys.executable, "-c", BENCH_SERVE, *given], env=environment)
    if done.returncode:
        raise EngineError(f"vLLM's bench ended with exit code {done.returncode}; what it says stands above.")
