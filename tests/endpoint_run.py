"""One run without LightEval, for tests that kill it: the engine, the loop, the journal, the graders.

`python endpoint_run.py URL CACHE_DIR N` imports what a run needs, then for each line on its standard input forks a process
that runs, prints its pid, and when that has ended how it ended. A run draws N samples of each problem and writes its estimate to
CACHE_DIR/estimate.json. Where the URL is "replicas", two scripted replicas of vLLM draw, and every fourth problem asks for a
program.
"""

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import scripted_replica

from lighteval_r1.cli.endpoint import EndpointOptions, settings_of
from lighteval_r1.engines import Engine
from lighteval_r1.engines.endpoint import EndpointEngine
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.server_facts import Address, Served
from lighteval_r1.engines.vllm import VllmEngine
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.records import Failure, Problem, Settings, sample_key, seed_of
from lighteval_r1.sampling.journal import Journal
from lighteval_r1.sampling.journal_files import Asked, journal_folder
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work

N_PROBLEMS, N_SAMPLES = 40, 25
PROBLEMS = [Problem(f"Say {k}.", str(k), "expression", name=f"p{k}") for k in range(1000, 1000 + N_PROBLEMS)]


def last_seed(settings: Settings) -> int:
    """Of one sample without which no run ends: what holds its reply back keeps a run under way that is to be killed."""
    return seed_of(sample_key(problem_id=PROBLEMS[-1].id, index=0, settings_id=settings.id))


def program(k: int) -> Problem:
    tests = json.dumps([{"input": "", "output": str(k)}])
    gold = json.dumps({"fn_name": None, "public": "[]", "private": tests})
    return Problem(f"Print {k}.", gold, "program", name=f"p{k}")


WITH_PROGRAMS = [program(1000 + i) if i % 4 == 0 else problem for i, problem in enumerate(PROBLEMS)]


def as_bytes(text: str, *, add_special_tokens: bool) -> dict:
    """A tokenizer."""
    return {"input_ids": [*text.encode()]}


SCRIPTED = settings_of(EndpointOptions(base_url="", model="scripted"), Served("scripted"))


def replicas(*, delay_s: float) -> VllmEngine:
    """delay_s: that a reply takes."""
    return VllmEngine(
        settings=SCRIPTED,
        layout=Layout("cpu", replicas=2),
        engine_args={"delay_s": delay_s},
        tokenizer=as_bytes,
        templated=False,
        max_num_seqs=4,
        processes=[scripted_replica.spawn(replica) for replica in range(2)],
    )


def engine_for(url: str, *, key: str = "none", model: str = "stand-in", **more) -> EndpointEngine:
    settings = settings_of(EndpointOptions(base_url=url, model=model), Served(model))
    return EndpointEngine(settings=settings, address=Address(url, api_key=key), **{"pause_s": 0.05, **more})


async def evaluate(engine: Engine, cache_dir: Path, *, problems: list[Problem] = PROBLEMS, n: int = N_SAMPLES):
    """The work after the run, its journal closed. Raises what the run raises."""
    folder = journal_folder(str(cache_dir), task="say", settings=engine.settings)
    journal = Journal(folder, settings=engine.settings, version=1)
    work = Work("say", problems, Asked(n, 1), journal)
    try:
        with Pool(workers=1) as pool:
            await run([work], engine=engine, pool=pool)
        return work
    finally:
        journal.close()


def main(url: str, cache_dir: Path, n: int) -> None:
    if url == "replicas":
        # of many, each takes longer: kills are to hit a run that is under way
        engine = replicas(delay_s=0.05 if n <= N_SAMPLES else 0.3)
        work = asyncio.run(evaluate(engine, cache_dir, problems=WITH_PROGRAMS, n=n))
    else:
        work = asyncio.run(evaluate(engine_for(url, concurrency=8), cache_dir, n=n))
    scores = [problem.scores for problem in work.result().problems]
    (cache_dir / "estimate.json").write_text(json.dumps(asdict(estimate(scores))))


if __name__ == "__main__":
    url, cache_dir, n = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                sys.exit(main(url, cache_dir, n))
            except Failure as failure:
                print(failure, file=sys.stderr)
                sys.exit(failure.exit_code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
