"""One vLLM replica in a process of its own: `python -m lighteval_r1.engines.replica FD`.

It imports vLLM at once, while its parent is busy with LightEval, then obeys newline-delimited JSON on the socket FD:

    in   {"start": {AsyncEngineArgs…}, "lora": ""}  out  {"ready": {"max_model_len": 4096, "vllm": "0.32.0", …}}
    in   {"draw": 7, "prompt": [ids], "params": {SamplingParams…}, "follow": false}
    out  {"growing": 7, "text": "…"}              the text so far, only where "follow" is true
    out  {"drawn": 7, "text": "…", "token_ids": "packed", "n_tokens": 12, "finish_reason": "stop"}
    out  {"failed": "what went wrong"}            and the process ends

When the parent goes away the socket closes, and the replica ends its engine and itself.
"""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator

from lighteval_r1.outside.collecting import uncollected
from lighteval_r1.records import pack_token_ids

# One line holds a reply's text and token ids; 32,768 tokens stay far below this.
LINE_LIMIT = 256 * 2**20


class Replica:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.engine = None
        self.lora = None
        self.draws: set[asyncio.Task] = set()

    def say(self, message: dict) -> None:
        self.writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def serve(self) -> None:
        while line := await self.reader.readline():
            message = json.loads(line)
            if "start" in message:
                self.start(message["start"], lora=message["lora"])
            else:
                task = asyncio.create_task(self.draw(message))
                self.draws.add(task)
                task.add_done_callback(self.draw_done)

    def start(self, args: dict, *, lora: str) -> None:
        """A replica that another run has started is ready at once: its arguments are the same."""
        if self.engine is None:
            self.create(args, lora=lora)
        self.say({"ready": self.facts})

    def create(self, args: dict, *, lora: str) -> None:
        # Not around the engine: its processes are forked, and would never collect.
        with uncollected():
            import vllm
            from vllm import AsyncEngineArgs
            from vllm.lora.request import LoRARequest
            from vllm.usage.usage_lib import UsageContext
            from vllm.v1.engine.async_llm import AsyncLLM

            on_cpu = vllm.platforms.current_platform.is_cpu()
            # Without a context vLLM takes the smallest batch of all its defaults.
            config = AsyncEngineArgs(**args).create_engine_config(None if on_cpu else UsageContext.LLM_CLASS)
        self.lora = LoRARequest("adapter", 1, lora) if lora else None
        if on_cpu:
            # vLLM asks for "spawn" on CPU, where each of its processes imports everything once more (30 s). No thread
            # of OpenMP runs here yet, so that they can be forked; Layout.environment sets what vLLM would.
            os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
            if config.parallel_config.world_size == 1:
                # vLLM takes a process more for the sake of these same variables, and it and the scheduler wait for
                # each other spinning, which fills a second core.
                config.parallel_config.distributed_executor_backend = "uni"
            keep_cache_small(config)
        self.engine = AsyncLLM.from_vllm_config(config, enable_log_requests=False, disable_log_stats=True)
        self.facts = {
            "max_model_len": config.model_config.max_model_len,
            "max_num_seqs": config.scheduler_config.max_num_seqs,
            "kv_tokens": getattr(config.cache_config, "kv_cache_size_tokens", None),
            "vllm": vllm.__version__,
        }

    async def draw(self, message: dict) -> None:
        from vllm import SamplingParams
        from vllm.sampling_params import RepetitionDetectionParams, RequestOutputKind

        follow = message["follow"]
        kind = RequestOutputKind.CUMULATIVE if follow else RequestOutputKind.FINAL_ONLY
        given = message["params"]
        if "repetition_detection" in given:
            given["repetition_detection"] = RepetitionDetectionParams(**given["repetition_detection"])
        params = SamplingParams(**given, output_kind=kind)
        prompt = {"prompt_token_ids": message["prompt"]}
        final = None
        async for output in self.engine.generate(
            prompt, params, request_id=str(message["draw"]), lora_request=self.lora
        ):
            final = output.outputs[0]
            if follow:
                self.say({"growing": message["draw"], "text": final.text})
        self.say(
            {
                "drawn": message["draw"],
                "text": final.text,
                "token_ids": pack_token_ids(final.token_ids),
                "n_tokens": len(final.token_ids),
                "finish_reason": final.finish_reason or "unknown",
            }
        )
        await self.writer.drain()

    def draw_done(self, task: asyncio.Task) -> None:
        self.draws.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.say({"failed": f"{type(task.exception()).__name__}: {task.exception()}"})

    def shutdown(self) -> None:
        for task in self.draws:
            task.cancel()
        if self.engine is not None:
            self.engine.shutdown()


def keep_cache_small(config) -> None:
    """A KV cache of twice what its requests can fill, where that is less: on a CPU all of it is zeroed at the start.

    config: vLLM's. Twice: the heads of some layers are larger than the model's configuration says.
    """
    model, parallel, cache = config.model_config, config.parallel_config, config.cache_config
    if model.is_hybrid or not cache.kv_cache_memory_bytes:
        return
    n_tokens = (config.scheduler_config.max_num_seqs + 1) * model.max_model_len
    n_numbers = 2 * model.get_num_layers(parallel) * model.get_num_kv_heads(parallel) * model.get_head_size()
    most = 2 * n_tokens * n_numbers * model.dtype.itemsize
    cache.kv_cache_memory_bytes = min(cache.kv_cache_memory_bytes, most)


async def main(fd: int) -> None:
    connection = socket.socket(fileno=fd)
    # Held by a fork of this process, the socket would stay open, and nobody would see this one's end.
    os.register_at_fork(after_in_child=connection.close)
    reader, writer = await asyncio.open_connection(sock=connection, limit=LINE_LIMIT)
    replica = Replica(reader, writer)
    try:
        # a parent that was killed with words unread resets the connection
        with contextlib.suppress(ConnectionError):
            await replica.serve()
    finally:
        replica.shutdown()


@contextlib.contextmanager
def sockets_removed() -> Iterator[None]:
    """vLLM's processes talk over sockets that are files in the folder for temporary ones, and leave them there."""
    with tempfile.TemporaryDirectory(prefix="lr1-") as folder:
        # Other nodes have no such folder. A socket's address has at most 107 characters, and vLLM names it by a UUID.
        if "RAY_ADDRESS" not in os.environ and len(folder) < 107 - 36:
            os.environ.setdefault("VLLM_RPC_BASE_PATH", folder)
        yield


if __name__ == "__main__":
    cores = os.sched_getaffinity(0)
    with uncollected():
        import vllm.v1.engine.async_llm  # noqa: F401  the slow import, before the first message comes

    # OMP_PLACES, meant for vLLM's worker, has bound this process too, and the scheduler is forked from it.
    os.sched_setaffinity(0, cores)

    with sockets_removed():
        asyncio.run(main(int(sys.argv[1])))
