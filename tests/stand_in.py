"""A stand-in for an OpenAI-compatible server, and a proxy that spoils requests before a real one. 127.0.0.1 only.

The stand-in's reply is a function of prompt and seed. `python stand_in.py [--delay-s 0.05] [--piece-s 0]` prints its port
and serves until its standard input closes.
"""

import argparse
import asyncio
import hashlib
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import aiohttp
from aiohttp import web

GARBAGE = b'data: {"id": "chatcmpl-1", "choi\n\n'
Spoil = Callable[[int, dict], str]


def thought_and_answer(prompt: str, seed: int) -> tuple[str, str]:
    """Prompts are "Say <k>."; two replies of three say k."""
    digest = hashlib.sha256(f"{prompt}|{seed}".encode()).hexdigest()
    said = prompt.removeprefix("Say ").removesuffix(".") if int(digest, 16) % 3 else str(int(digest[:4], 16))
    return f"\nThe digest is {digest}.\n", f"\n\nIt is $\\boxed{{{said}}}$."


def sse(event: dict | str) -> bytes:
    return b"data: " + (event if isinstance(event, str) else json.dumps(event)).encode() + b"\n\n"


def chunk(model: str, delta: dict, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return sse(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
    )


class StandIn:
    """form: "tags" (thinking in the text), "reasoning_content" or "reasoning" (apart), "closing" (the prompt opened it),
    "handed over" (nothing but a thought, as content).

    spoil(i, body) names what goes wrong with the i-th chat request, "" for nothing; see spoiled(). usage: whether counted.
    """

    def __init__(
        self,
        *,
        form: str = "tags",
        spoil: Spoil | None = None,
        usage: bool = True,
        finish_reason: str = "stop",
        delay_s: float = 0.0,
        piece_s: float = 0.0,
        hold: tuple[int, Path] | None = None,
    ) -> None:
        self.form, self.spoil, self.usage = form, spoil or (lambda i, body: ""), usage
        self.finish_reason, self.delay_s, self.piece_s = finish_reason, delay_s, piece_s
        self.hold = hold  # the reply of this seed waits for this file
        self.requests: list[dict] = []
        self.keys: set[str] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self.models)
        app.router.add_post("/v1/chat/completions", self.chat)
        return app

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "stand-in", "object": "model"}]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.add(request.headers.get("Authorization", ""))
        fault = self.spoil(len(self.requests) - 1, body)
        if (early := refused(fault, key=request.headers.get("Authorization", ""))) is not None:
            return early
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(self.delay_s)
        while self.hold and body.get("seed") == self.hold[0] and not self.hold[1].exists():
            await asyncio.sleep(0.02)
        pieces = self.pieces(body)
        for i, piece in enumerate(pieces):
            if fault and i == len(pieces) // 2 and not await spoiled(fault, request, response):
                return response
            try:
                await response.write(piece)
            except ConnectionResetError:  # the client was killed
                return response
            await asyncio.sleep(self.piece_s)
        await response.write_eof()
        return response

    def pieces(self, body: dict) -> list[bytes]:
        thought, answer = thought_and_answer(body["messages"][-1]["content"], body.get("seed", 0))
        if self.form in ("reasoning_content", "reasoning"):
            deltas = [{self.form: part} for part in halves(thought)] + [{"content": part} for part in halves(answer)]
        elif self.form == "handed over":
            deltas = [{"content": part} for part in halves(thought)]
        else:
            text = {"tags": "<think>", "closing": ""}[self.form] + thought + "</think>" + answer
            deltas = [{"content": part} for part in halves(text)]
        pieces = [chunk(body["model"], {"role": "assistant", "content": ""}), b": still here\n\n"]
        pieces += [chunk(body["model"], delta) for delta in deltas]
        pieces.append(chunk(body["model"], {}, self.finish_reason))
        if self.usage:
            counts = {"prompt_tokens": 5, "completion_tokens": len(thought + answer), "total_tokens": 0}
            pieces.append(sse({"object": "chat.completion.chunk", "choices": [], "usage": counts}))
        return [*pieces, sse("[DONE]")]


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def refused(fault: str, *, key: str) -> web.Response | None:
    """Answers that come instead of a stream."""
    if fault.startswith("http "):
        status, _, waits = fault.removeprefix("http ").partition(" ")
        error = {"error": {"message": f"injected {status} for {key}", "type": "injected", "code": int(status)}}
        return web.json_response(error, status=int(status), headers={"Retry-After": waits} if waits else {})
    if fault == "no stream":
        return web.json_response({"choices": [{"message": {"content": "all at once"}, "finish_reason": "stop"}]})
    return None


async def spoiled(fault: str, request: web.Request, response: web.StreamResponse) -> bool:
    """Does the fault in the middle of a stream; whether the stream goes on after it."""
    if fault == "dropped":
        request.transport.abort()
        return False
    if fault == "garbage":
        await response.write(GARBAGE)
        return True
    if fault.startswith("stall "):
        await asyncio.sleep(float(fault.removeprefix("stall ")))
        return True
    if fault == "ends early":
        await response.write_eof()
        return False
    if fault == "error event":
        await response.write(sse({"error": {"message": "out of memory", "code": 500}}))
        return False
    if fault == "refusal event":
        await response.write(sse({"error": {"message": "too long a prompt", "code": 400}}))
        return False
    if fault == "abort":
        await response.write(chunk("stand-in", {}, "abort"))
        await response.write_eof()
        return False
    raise ValueError(fault)


class Proxy:
    """Stands before a real server; spoil as in StandIn. Keeps what it passed on whole: seed -> text."""

    def __init__(self, target: str, *, spoil: Spoil) -> None:
        self.target, self.spoil = target, spoil
        self.n_requests = 0
        self.faults: list[str] = []
        self.whole: dict[int, list[str]] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.forward)
        app.cleanup_ctx.append(self.session)
        return app

    async def session(self, app: web.Application):
        async with aiohttp.ClientSession() as self.upstream:
            yield

    async def forward(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        chat = request.path.endswith("/chat/completions")
        fault = ""
        if chat:
            fault = self.spoil(self.n_requests, json.loads(raw))
            self.n_requests += 1
            self.faults.append(fault)
        if (early := refused(fault, key="")) is not None:
            return early
        headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
        async with self.upstream.request(
            request.method, f"{self.target}{request.path}", data=raw or None, headers=headers
        ) as answer:
            response = web.StreamResponse(
                status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
            )
            await response.prepare(request)
            passed, whole = b"", True
            async for line in answer.content:
                # a server under load says a short reply in fewer parts, which goes through
                if fault and passed.count(b"\n\n") == 4:
                    whole = False
                    if not await spoiled(fault, request, response):
                        return response
                    fault += " (done)" if fault == "garbage" else ""
                    if fault.startswith("stall "):
                        return response
                passed += line
                if line.startswith(b"data: [DONE]") and whole:
                    self.whole.setdefault(json.loads(raw)["seed"], []).append(text_of(passed))
                try:
                    await response.write(line)
                except ConnectionResetError:  # the client gave up, or has all it wants
                    return response
            await response.write_eof()
        return response


def text_of(stream: bytes) -> str:
    """The content of a stream of events, read another way than the engine does."""
    records = [json.loads(part[6:]) for part in stream.decode().split("\n\n") if part.startswith("data: {")]
    return "".join(choice["delta"].get("content") or "" for record in records for choice in record["choices"])


class InThread:
    """Serves an app on a free port of 127.0.0.1 from a thread; a context manager that gives the base URL."""

    def __init__(self, app: web.Application) -> None:
        self.app = app

    def __enter__(self) -> str:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        port = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(30)
        return f"http://127.0.0.1:{port}/v1"

    async def _start(self) -> int:
        self.runner = web.AppRunner(self.app, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return self.runner.addresses[0][1]

    def __exit__(self, *exc) -> None:
        asyncio.run_coroutine_threadsafe(self.runner.cleanup(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-s", type=float, default=0.05)
    parser.add_argument("--piece-s", type=float, default=0.0)
    parser.add_argument("--hold", nargs=2, metavar=("SEED", "FILE"))
    options = parser.parse_args()
    hold = (int(options.hold[0]), Path(options.hold[1])) if options.hold else None
    with InThread(StandIn(delay_s=options.delay_s, piece_s=options.piece_s, hold=hold).app()) as url:
        print(url, flush=True)
        sys.stdin.read()
