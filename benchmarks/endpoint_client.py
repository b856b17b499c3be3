"""How much CPU the endpoint engine's side takes: 64 requests under way, 1,000 short replies, all on one core.

`python benchmarks/endpoint_client.py [--replies 1000] [--tokens 100] [--concurrency 64] [--rounds 3]`. The server is a
stand-in in a process of its own that streams a token every 20 ms after 200 ms: 2,700 tokens/s in all. Journal and
graders run as in an evaluation. Prints CPU seconds of this process over wall seconds; at 100 % the client is the limit.

With `--command` it is `lighteval-r1 endpoint` from its start to its table, on all cores: `--command --replies 520
--tokens 200 --pause 0.005` is the 500 replies that shall take less than 25 s on two. On two cores that others used, too
(CPU seconds of the command with its graders; what LightEval imports, in brackets):

    everything that LightEval names is imported     27.1 (20.2)
    what no reply of a server needs is left out     14.0 (7.3)

On idle ones the second took 17.6 s from command to table and 14.2 s of CPU (2026-11-22).
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lighteval_r1.cli.endpoint import EndpointOptions, settings_of
from lighteval_r1.engines.endpoint import EndpointEngine
from lighteval_r1.engines.server_facts import Address, Served
from lighteval_r1.records import Problem
from lighteval_r1.sampling.journal import Journal
from lighteval_r1.sampling.journal_files import Asked
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work

FIRST_TOKEN_S, TOKEN_S = 0.2, 0.02
# Problems of the task.
DEMO_SUMS = 40


def serve(n_tokens: int, pause_s: float) -> None:
    """Prints its base URL; each reply has n_tokens pieces, in the form in which vLLM sends them."""
    from aiohttp import web

    def event(**more) -> bytes:
        head = {
            "id": "chatcmpl-8f5e0c1d2b3a4958",
            "object": "chat.completion.chunk",
            "created": 1795246412,
            "model": "m",
        }
        return b"data: " + json.dumps({**head, **more}).encode() + b"\n\n"

    def piece(delta: dict, reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason, "token_ids": None}
        return event(choices=[choice])

    async def models(_: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "m"}]})

    async def chat(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(FIRST_TOKEN_S)
        await response.write(piece({"role": "assistant", "content": ""}))
        for _ in range(n_tokens):
            await response.write(piece({"content": " word"}))
            await asyncio.sleep(pause_s)
        await response.write(piece({"content": ""}, "stop"))
        usage = {"prompt_tokens": 9, "completion_tokens": n_tokens, "total_tokens": n_tokens + 9}
        await response.write(event(choices=[], usage=usage) + b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def main() -> None:
        app = web.Application()
        app.router.add_get("/v1/models", models)
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
        await asyncio.to_thread(sys.stdin.read)

    asyncio.run(main())


def cpu_s(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


async def measured(options: argparse.Namespace, url: str, folder: Path) -> dict:
    settings = settings_of(EndpointOptions(base_url=url, model="m"), Served("m"))
    engine = EndpointEngine(settings=settings, address=Address(url), concurrency=options.concurrency)
    problems = [Problem(f"Question {i}?", str(i), "expression") for i in range(options.replies // 10)]
    journal = Journal(folder, settings=settings, version=1)
    work = Work("client", problems, Asked(10, 1), journal)
    with Pool(workers=1) as pool:
        begin, own = time.monotonic(), cpu_s(resource.RUSAGE_SELF)
        sampling = await run([work], engine=engine, pool=pool)
        wall, own = time.monotonic() - begin, cpu_s(resource.RUSAGE_SELF) - own
    journal.close()
    return {"wall_s": wall, "cpu_s": own, **sampling}


def whole_command(options: argparse.Namespace, url: str, folder: Path) -> None:
    """Prints the wall and CPU seconds of a run in a process of its own."""
    asked = ["endpoint", "demo_sums", "--n", str(options.replies // DEMO_SUMS), "--base-url", url, "--model", "m"]
    where = ["--concurrency", str(options.concurrency), "--cache-dir", f"{folder}/cache", "--output-dir", str(folder)]
    begin, before = time.monotonic(), cpu_s(resource.RUSAGE_CHILDREN)
    subprocess.run([Path(sys.executable).with_name("lighteval-r1"), *asked, *where], check=True)
    wall, cpu = time.monotonic() - begin, cpu_s(resource.RUSAGE_CHILDREN) - before
    print(f"the whole command: {wall:.1f} s, {cpu:.1f} s of CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--replies", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--pause", type=float, default=TOKEN_S, help="seconds between two tokens of a reply")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--command", action="store_true", help="time the whole command")
    options = parser.parse_args()
    if options.serve:
        return serve(options.tokens, options.pause)
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--tokens", str(options.tokens), "--pause", str(options.pause)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    url = server.stdout.readline().strip()
    if options.command:
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as folder:
                whole_command(options, url, Path(folder))
        server.stdin.close()
        return
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    ideal = options.replies / options.concurrency * (FIRST_TOKEN_S + options.pause * options.tokens)
    shares = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            one = asyncio.run(measured(options, url, Path(folder)))
        shares.append(one["cpu_s"] / one["wall_s"])
        print(
            f"round {number + 1}: {one['n_drawn']} replies, {one['n_tokens']} tokens in {one['wall_s']:.1f} s "
            f"(a server that never waits for its client: {ideal:.1f} s), CPU {one['cpu_s']:.1f} s = "
            f"{100 * shares[-1]:.0f} % of one core",
            flush=True,
        )
    server.stdin.close()
    server.wait(10)
    print(f"client CPU / wall: {100 * statistics.median(shares):.0f} % (median of {len(shares)})")


if __name__ == "__main__":
    main()
