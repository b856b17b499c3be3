"""The peer of benchmarks/engine.py: a bare AsyncLLM script, all requests at once, nothing kept.

`python benchmarks/bare_asyncllm.py WORK.json` where WORK holds engine_args and [{"prompt": ids, "params": {…}}, …].
Prints one JSON line: start_s (to the engine being ready), generation_s, n_tokens.
"""

import asyncio
import json
import sys
import time

BEGIN = time.monotonic()


async def main(work: dict) -> None:
    from vllm import AsyncEngineArgs, SamplingParams
    from vllm.sampling_params import RequestOutputKind
    from vllm.v1.engine.async_llm import AsyncLLM

    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**work["engine_args"]))
    ready = time.monotonic()

    async def draw(number: int, request: dict) -> int:
        params = SamplingParams(**request["params"], output_kind=RequestOutputKind.FINAL_ONLY)
        async for output in engine.generate({"prompt_token_ids": request["prompt"]}, params, request_id=str(number)):
            final = output
        return len(final.outputs[0].token_ids)

    lengths = await asyncio.gather(*(draw(i, request) for i, request in enumerate(work["requests"])))
    done = time.monotonic()
    engine.shutdown()
    print(json.dumps({"start_s": ready - BEGIN, "generation_s": done - ready, "n_tokens": sum(lengths)}))


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        asyncio.run(main(json.load(file)))
