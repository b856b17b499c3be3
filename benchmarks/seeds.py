"""What a seed per sample costs: the demo's sums, each sampled n times in four ways by one vLLM, in turn.

`python benchmarks/seeds.py [--n 16] [--tokens 64] [--rounds 4] [--max-num-seqs 64]` prints, per way, tokens a second,
CPU milliseconds a thousand tokens of the process that asks and of vLLM's own, and what the way takes of the time and of
all CPU time of the first: one request a sample, without a seed. All replies have the same length. Needs nothing but
the package.
"""

import argparse
import asyncio
import os
import statistics
import time
from pathlib import Path

import psutil

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines.machine import device
from lighteval_r1.tasks import TASKS

# way: (samples of a request are one request, they have seeds)
WAYS = {
    "a request a sample, no seed": (False, False),
    "a request a sample, its own seed": (False, True),
    "n in a request, no seed": (True, False),
    "n in a request, a seed": (True, True),
}


def cpu_seconds() -> tuple[float, float]:
    """Of this process, and of all that it started."""
    me = psutil.Process()
    spent = [sum(process.cpu_times()[:2]) for process in [me, *me.children(recursive=True)]]
    return spent[0], sum(spent[1:])


async def sampled(engine, prompts: list[list[int]], *, name: str, together: bool, seeded: bool, options) -> dict:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    async def draw(number: int, prompt: list[int], n: int) -> None:
        seed = {"seed": number * options.n} if seeded else {}
        params = SamplingParams(
            n=n,
            temperature=0.6,
            top_p=0.95,
            min_tokens=options.tokens,
            max_tokens=options.tokens,
            output_kind=RequestOutputKind.FINAL_ONLY,
            **seed,
        )
        async for output in engine.generate({"prompt_token_ids": prompt}, params, request_id=f"{name}-{number}"):
            assert all(len(completion.token_ids) == options.tokens for completion in output.outputs)

    requests = [
        (prompt, options.n if together else 1) for prompt in prompts for _ in range(1 if together else options.n)
    ]
    (asking, engines), begin = cpu_seconds(), time.monotonic()
    await asyncio.gather(*(draw(number, *request) for number, request in enumerate(requests)))
    wall_s, (asked, drawn) = time.monotonic() - begin, cpu_seconds()
    asking, engines = asked - asking, drawn - engines
    return {"s": wall_s, "asking_s": asking, "engine_s": engines, "cpu_s": asking + engines}


async def main(options: argparse.Namespace) -> None:
    from transformers import AutoTokenizer
    from vllm import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    task = TASKS["demo_sums"]
    turns = [[{"role": "user", "content": task.problem(row).prompt}] for row in task.rows()]
    texts = [tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True) for turn in turns]
    prompts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    on_cpu = device() == "cpu"
    engine = AsyncLLM.from_engine_args(
        AsyncEngineArgs(
            model=str(options.model),
            dtype="float32" if on_cpu else "bfloat16",
            max_model_len=1024,
            max_num_seqs=options.max_num_seqs,
            enforce_eager=on_cpu,
            enable_prefix_caching=True,
            **({"enable_chunked_prefill": False} if on_cpu else {}),
        )
    )
    measured: dict[str, list[dict]] = {way: [] for way in WAYS}
    for number in range(options.rounds + 1):
        for way, (together, seeded) in WAYS.items():
            name = f"{number}-{together}-{seeded}"
            figures = await sampled(engine, prompts, name=name, together=together, seeded=seeded, options=options)
            if number:  # the first round warms
                measured[way].append(figures)
    engine.shutdown()
    first, n_tokens = next(iter(measured.values())), len(prompts) * options.n * options.tokens
    for way, rounds in measured.items():
        wall_s, asking_s, engine_s = (
            statistics.median(row[what] for row in rounds) for what in ("s", "asking_s", "engine_s")
        )
        print(f"{way:<33}{n_tokens / wall_s:6.0f} tokens/s", end="")
        print(f"{1e6 * asking_s / n_tokens:7.1f} + {1e6 * engine_s / n_tokens:.1f} ms/1,000", end="")
        for what in ("s", "cpu_s"):
            ratios = sorted(mine[what] / its[what] for mine, its in zip(rounds, first, strict=True))
            print(f"  {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})", end="")
        print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=DEMO_MODEL)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--max-num-seqs", type=int, default=64)
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    asyncio.run(main(parser.parse_args()))
