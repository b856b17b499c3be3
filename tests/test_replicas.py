"""Two vLLM replicas on this CPU, as data_parallel_size=2 starts them: both work, and the death of one loses nothing.

The run goes on with one scripted replica: that a run goes on with real ones is test_end_to_end.py's story.
"""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import scripted_replica

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.confined.processes import descendants
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.vllm import ReplicaProcess, VllmEngine
from lighteval_r1.records import EngineError, Settings, seed_of
from lighteval_r1.sampling.journal import Journal
from lighteval_r1.sampling.journal_files import Asked
from lighteval_r1.sampling.loop import run
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.work import Work, owed_samples
from lighteval_r1.tasks import TASKS

# a connection that is left open is a warning when it is collected
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning"),
]

N = 4
SETTINGS = Settings("demo", "r", None, "t", temperature=0.6, top_p=0.95, top_k=0, max_tokens=200, seed=1)


def engine(replicas: int) -> VllmEngine:
    from transformers import AutoTokenizer

    return VllmEngine(
        settings=SETTINGS,
        layout=Layout("cpu", replicas=replicas),
        engine_args={
            "model": str(DEMO_MODEL),
            "dtype": "float32",
            "max_model_len": 1024,
            "max_num_seqs": 16,
            "enforce_eager": True,
            "enable_chunked_prefill": False,
        },
        tokenizer=AutoTokenizer.from_pretrained(DEMO_MODEL),
        templated=True,
        max_num_seqs=16,
    )


def work(folder: Path) -> Work:
    task = TASKS["demo_sums"]
    problems = [task.problem(row) for row in task.rows()]
    return Work("demo_sums", problems, Asked(N, task.version), Journal(folder, settings=SETTINGS, version=task.version))


def names_below(pid: int) -> list[str]:
    return [Path(f"/proc/{number}/cmdline").read_bytes().rstrip(b"\0 ").decode() for number in descendants(pid)[1:]]


class KilledInTheMiddle(VllmEngine):
    """Replica 1 is killed by SIGKILL once each replica has drawn 15 samples; who has, waits for the other.

    However late one is ready, most samples are owed when it dies.
    """

    n_drawn = (0, 0)

    async def start(self):
        self.killed = asyncio.Event()
        await super().start()

    async def draw(self, owed, *, replica, on_text=None):
        sample = await super().draw(owed, replica=replica, on_text=on_text)
        self.n_drawn = tuple(n + (replica == number) for number, n in enumerate(self.n_drawn))
        if min(self.n_drawn) >= 15 and not self.killed.is_set():
            self.killed.set()
            self.named = [names_below(process.process.pid) for process in self.processes]
            os.kill(self.processes[1].process.pid, signal.SIGKILL)
        elif self.n_drawn[replica] >= 15:
            await self.killed.wait()
        return sample


def test_two_replicas_share_the_work_and_the_death_of_one_loses_nothing(tmp_path, tmp_path_factory, monkeypatch):
    with warnings.catch_warnings():
        # what earlier tests of this process left is none of this one's
        warnings.simplefilter("ignore")
        gc.collect()
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    # with a name short enough for sockets
    monkeypatch.setenv("TMPDIR", str(temporary := tmp_path_factory.mktemp("t")))
    first = work(tmp_path)
    dying = KilledInTheMiddle(**vars(engine(2)))
    with (
        Pool(workers=1) as pool,
        pytest.raises(EngineError, match=r"vLLM replica 1 ended \(exit code -9.*same command goes on"),
    ):
        asyncio.run(run([first], engine=dying, pool=pool))
    for process in dying.processes:
        with pytest.raises(ProcessLookupError):
            os.killpg(process.process.pid, 0)  # the killed one's engine, too, is gone
    assert not [path for path in temporary.iterdir() if path.is_socket()]
    assert len(list(temporary.glob("lr1-*"))) <= 1, "only the killed one may leave its sockets"
    # scheduler and worker in one: two would spin for each other
    assert all([name for name in named if name.startswith("VLLM")] == ["VLLM::EngineCore"] for named in dying.named)
    before = dict(first.journal.samples)
    assert 30 <= len(before) < 40 * N, "it died too late to mean anything"
    assert {sample.replica for sample in before.values()} == {0, 1}
    first.journal.close()

    second = work(tmp_path)
    assert second.journal.samples == before and len(owed_samples([second])) == 40 * N - len(before)
    with Pool(workers=1) as pool:
        asyncio.run(run([second], engine=replace(engine(1), processes=[scripted_replica.spawn(0)]), pool=pool))
    samples = second.result().samples
    assert len({sample.key for sample in samples}) == 40 * N
    # the seeds are those of one replica, or of any number: they are made of the keys
    assert all(sample.seed == seed_of(sample.key) for sample in samples)
    assert {sample.replica for sample in samples if sample.key not in before} == {0}
    assert {key: second.journal.samples[key] for key in before} == before
    second.journal.close()
    gc.collect()


def test_a_replica_that_still_loads_its_model_is_stopped_at_once(monkeypatch):
    """It hears nothing meanwhile: a Ctrl-C would wait in vain."""
    monkeypatch.setattr("lighteval_r1.engines.vllm.STOP_S", 3600)
    ours, theirs = socket.socketpair()
    with theirs:
        loads = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"], start_new_session=True)
    replica = ReplicaProcess(0, process=loads, connection=ours)

    async def start_and_stop() -> None:
        starting = asyncio.create_task(replica.start({}))
        while replica.writer is None:
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await replica.disconnect()
        await asyncio.to_thread(replica.stop)

    asyncio.run(start_and_stop())
    assert loads.returncode == -signal.SIGKILL
