"""With this folder on PYTHONPATH vLLM's server on a CPU starts as a replica of ours does, and ends with who started it.

vLLM itself would import everything anew in its engine and once more in that one's worker, the two would spin for each other, and
all of its cache would be zeroed.
"""

import sys

if sys.orig_argv[1:3] == ["-m", "vllm.entrypoints.openai.api_server"]:
    # every other Python process that has this folder pays for none of these
    import ctypes
    import os

    from lighteval_r1.outside.left_out import left_out

    # prctl(PR_SET_PDEATHSIG, SIGTERM)
    ctypes.CDLL(None).prctl(1, 15)
    with left_out(("accelerate", "sklearn")):
        import vllm.v1.engine.async_llm  # noqa: F401
        from vllm.engine.arg_utils import AsyncEngineArgs

    from lighteval_r1.engines.replica import keep_cache_small

    configured = AsyncEngineArgs.create_engine_config

    def create_engine_config(self, *arguments, **more):
        config = configured(self, *arguments, **more)
        os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"
        config.parallel_config.distributed_executor_backend = "uni"
        keep_cache_small(config)
        return config

    AsyncEngineArgs.create_engine_config = create_engine_config
