"""`ask` and the engine against Hugging Face's own server, `transformers serve`, with the demo model."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from vllm_server import DIE_WITH_PARENT

from lighteval_r1.cli.endpoint import EndpointOptions, make_engine
from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.engines import Owed
from lighteval_r1.tasks import TASKS

pytestmark = pytest.mark.timeout(300)
START_LIMIT_S = 120
QUESTION = "What is 18 + 61? Please reason step by step, and put your final answer within \\boxed{}."
# The server samples only where the model's configuration says so, and the demo's does not.
SAMPLING = '{"generation_config": "{\\"do_sample\\": true, \\"eos_token_id\\": 0, \\"pad_token_id\\": 0}"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Its base URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["transformers.cli.transformers", "serve", str(DEMO_MODEL), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with (tmp_path_factory.mktemp("transformers") / "log").open("w+") as log:
        command = [sys.executable, "-c", DIE_WITH_PARENT, "-m", *arguments, "--device", "cpu"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + START_LIMIT_S
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                log.seek(0)
                assert process.poll() is None and time.monotonic() < until, log.read()[-3000:]
                time.sleep(0.3)
        yield f"http://127.0.0.1:{port}/v1"
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_question_is_answered_without_the_prompt_or_tokens_of_the_end(server):
    arguments = ["ask", server, QUESTION, "--model", str(DEMO_MODEL)]
    done = subprocess.run(
        [sys.executable, "-m", "lighteval_r1.cli", *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("<think>\n") and done.stdout.count("</think>") == 1
    assert "boxed{}" not in done.stdout and "<|" not in done.stdout and "another try" not in done.stdout
    assert "\nanswer: " in done.stdout and "finish reason stop" in done.stdout
    assert "sends the prompt back in front of each reply" in done.stderr


def test_the_replies_are_the_demo_models_and_differ_where_the_server_samples(server):
    task = TASKS["demo_sums"]
    problems = [task.problem(row) for row in task.rows()][:6]
    options = EndpointOptions(base_url=server, model=str(DEMO_MODEL), max_tokens=200, extra_body=SAMPLING)

    async def run() -> list:
        engine = await asyncio.to_thread(make_engine, options)
        await engine.start()
        try:
            owed = [Owed(f"{problem.name}{i}", problem, i, 1000 + i) for problem in problems for i in range(4)]
            return await asyncio.gather(*(engine.draw(one, replica=0) for one in owed))
        finally:
            await engine.stop()

    samples = asyncio.run(run())
    assert len({sample.reply for sample in samples}) > len(problems), "it does not sample"
    for sample in samples:
        assert sample.reply.startswith("<think>\n") and sample.reply.count("<think>") == 1
        assert sample.finish_reason == "stop" and not sample.thinking_opened
        assert sample.n_tokens > 20 and sample.n_prompt_tokens > 20
        assert "reason step by step" not in sample.reply and "<|" not in sample.reply
    grader = task.grader
    golds = {problem.id: problem.gold for problem in problems}
    right = sum(grader.grade_reply(sample.reply, golds[sample.problem_id]).outcome.score == 1.0 for sample in samples)
    assert right >= len(samples) // 4
