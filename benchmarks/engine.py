"""How much a run costs against a bare AsyncLLM script: same prompts, seeds and sampling.

`python benchmarks/engine.py [--lighteval] [--model FOLDER] [--rounds 3] [--n 48] [--min-tokens 0] [--max-tokens 256]`
runs `lighteval-r1 evaluate` (or `lighteval vllm` with the plugin) and the script in turn, on the demo's sums by
default, and prints the ratio of the generation phases (first request to last reply), of the times from the command to
the first request, of the whole processes, and of the CPU time of all of them. Needs nothing but the package; takes
about two minutes a round on a CPU.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines.machine import device
from lighteval_r1.records import sample_key, seed_of
from lighteval_r1.tasks import TASKS

HERE = Path(__file__).parent


def timed(command: list[str], environment: dict[str, str]) -> tuple[dict, str]:
    begin, before = time.monotonic(), cpu_seconds()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stderr[-3000:]}")
    return {"whole_s": time.monotonic() - begin, "cpu_s": cpu_seconds() - before}, done.stdout


def cpu_seconds() -> float:
    """Of all processes that were waited for, and those that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def plugin_run(options: argparse.Namespace, folder: Path, environment: dict[str, str]) -> dict:
    programs, asked = Path(sys.executable).parent, f"{options.task}@n={options.n}"
    sampling = {"max_new_tokens": options.max_tokens, "min_new_tokens": options.min_tokens, "temperature": 0.6}
    parameters = {
        "model_name": str(options.model),
        "dtype": options.dtype,
        "max_model_length": options.context,
        "cache_dir": f"{folder}/cache",
        "generation_parameters": {**sampling, "top_p": 0.95},
    }
    recipe = folder / "model.yaml"
    recipe.write_text(json.dumps({"model_parameters": parameters}))
    if options.lighteval:
        rest = [str(recipe), f"{asked}|0", "--custom-tasks", "lighteval_r1.plugin", "--output-dir", str(folder)]
        command = [str(programs / "lighteval"), "vllm", *rest]
    else:
        rest = ["--model", str(recipe), "--task", asked, "--output-dir", str(folder)]
        command = [str(programs / "lighteval-r1"), "evaluate", *rest]
    begin = time.time()
    times, _ = timed(command, environment)
    (results,) = folder.rglob("results_*.json")
    sampling = json.loads(results.read_text())["config_general"]["model_config"]["lighteval_r1"]["sampling"]
    return {"start_s": sampling.pop("began") - begin, **times, **sampling}


def bare_run(options: argparse.Namespace, folder: Path, environment: dict[str, str], settings_id: str) -> dict:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    task = TASKS[options.task]
    requests = []
    for problem in (task.problem(row) for row in task.rows()):
        text = tokenizer.apply_chat_template(
            [{"role": "user", "content": problem.prompt}], tokenize=False, add_generation_prompt=True
        )
        prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
        for index in range(options.n):
            seed = seed_of(sample_key(problem_id=problem.id, index=index, settings_id=settings_id))
            lengths = {"max_tokens": options.max_tokens, "min_tokens": options.min_tokens}
            params = {"temperature": 0.6, "top_p": 0.95, **lengths, "seed": seed}
            requests.append({"prompt": prompt, "params": params})
    on_cpu = device() == "cpu"
    engine_args = {
        "model": str(options.model),
        "dtype": options.dtype,
        "max_model_len": options.context,
        "enforce_eager": on_cpu,
        "max_num_seqs": 64 if on_cpu else 256,
        "enable_prefix_caching": True,
        **({"enable_chunked_prefill": False} if on_cpu else {}),
    }
    work = folder / "work.json"
    work.write_text(json.dumps({"engine_args": engine_args, "requests": requests}))
    times, out = timed([sys.executable, str(HERE / "bare_asyncllm.py"), str(work)], environment)
    return {**times, **json.loads(out.strip().splitlines()[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=DEMO_MODEL)
    parser.add_argument("--lighteval", action="store_true", help="the command is LightEval's own, with the plugin")
    parser.add_argument("--task", default="demo_sums")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=48)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument(
        "--min-tokens",
        type=int,
        default=0,
        help="longer replies than the demo's 50 tokens, which reasoning models write",
    )
    options = parser.parse_args()
    environment = {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1", **os.environ}
    environment.setdefault("LIGHTEVAL_R1_DEVICE", device())
    pairs = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
            mine = plugin_run(options, Path(ours), environment)
            (settings,) = Path(ours).rglob("settings.json")
            bare = bare_run(options, Path(theirs), environment, settings.parent.name)
        pairs.append((mine, bare))
        print(f"round {number + 1}: plugin {mine}\n         bare   {bare}", flush=True)
    for name in ("generation_s", "start_s", "whole_s", "cpu_s"):
        ratios = [mine[name] / bare[name] for mine, bare in pairs]
        print(
            f"{name}: plugin / bare = {statistics.median(ratios):.2f} (median of {len(ratios)}; {min(ratios):.2f} to "
            f"{max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
