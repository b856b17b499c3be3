"""A real vLLM server with the demo model on this CPU, for tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from lighteval_r1.cli.evaluate import DEMO_MODEL

START_LIMIT_S = 170
# prctl(PR_SET_PDEATHSIG, SIGTERM), which outlives exec: a server of killed tests ends with them.
DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
ONE_PROCESS = Path(__file__).with_name("one_process")


class VllmServer:
    """Starts at once; url waits until it serves. more: arguments of vLLM's server."""

    def __init__(self, log: Path, *, model: Path = DEMO_MODEL, more: Sequence[str] = ()) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = log
        environment = {
            "VLLM_TARGET_DEVICE": "cpu",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "OMP_NUM_THREADS": "1",
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ONE_PROCESS), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        options = {
            "--model": str(model),
            "--served-model-name": "demo",
            "--host": "127.0.0.1",
            "--port": str(self.port),
            "--dtype": "float32",
            "--max-model-len": "1024",
            "--max-num-seqs": "32",
        }
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager"]
        # vLLM 0.32 on a CPU cannot rewind a seeded request after a partial prefill
        command += ["--no-enable-chunked-prefill", *(part for option in options.items() for part in option), *more]
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)

    @property
    def url(self) -> str:
        """The base URL. Raises RuntimeError with the log's end where the server does not come up."""
        until = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5):
                    return f"http://127.0.0.1:{self.port}/v1"
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.3)
        raise RuntimeError(f"no vLLM server on port {self.port}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
