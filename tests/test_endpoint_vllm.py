"""`lighteval-r1 endpoint`, `ask` and `bench` against a real vLLM server with the demo model, behind a proxy that spoils a third."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from documents import ROOT, commands
from stand_in import InThread, Proxy
from warm_commands import Command

from lighteval_r1.graders import EXPRESSION
from lighteval_r1.sampling.journal_files import decode_line
from lighteval_r1.tasks import TASKS

pytestmark = pytest.mark.timeout(300)
# One stall as long as a server under load may make it; the run below waits 3 s.
FAULTS = ["http 500", "http 503 1", "http 429", "dropped", "garbage", "stall 30"]


# The commands that docs/servers.md shows, by name.
SHOWN = {command.words[1]: command for command in commands(ROOT / "docs" / "servers.md", mark="server")}
SANE = commands(ROOT / "docs" / "sane.md", mark="server")


def as_shown(name: str, url: str) -> list[str]:
    return asking(url, SHOWN[name])


def asking(url: str, command) -> list[str]:
    """A command of the page, asking the server at this URL."""
    return [word.replace("http://127.0.0.1:8000/v1", url) for word in command.words[1:]]


def start(*arguments: str) -> subprocess.Popen:
    environment = {**os.environ, "LIGHTEVAL_R1_DEVICE": "cpu", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "lighteval_r1.cli", *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def spoiled_run(vllm_server, warm, tmp_path_factory):
    """A run through the proxy; beside it one that the server refuses."""

    def endpoint(url: str, folder: Path, *more: str) -> Command:
        places = ["--output-dir", folder / "out", "--cache-dir", folder / "cache"]
        return warm.start(folder / "streams", *as_shown("endpoint", url), *places, *more)

    folder, refused = tmp_path_factory.mktemp("spoiled"), tmp_path_factory.mktemp("refused")
    proxy = Proxy(
        vllm_server.url.removesuffix("/v1"), spoil=lambda i, body: "" if i % 3 else FAULTS[i // 3 % len(FAULTS)]
    )
    with InThread(proxy.app()) as url:
        run = endpoint(url, folder, "--concurrency", "16", "--stall-timeout", "3")
        other = endpoint(vllm_server.url, refused, "--max-tokens", "4096")
        out, err = run.communicate(timeout=200)
        said = other.communicate(timeout=200)
    files = (folder / "cache").rglob("samples-*.jsonl")
    records = [decode_line(line) for file in files for line in file.read_bytes().splitlines(True)]
    return {
        "status": run.returncode, "out": out, "err": err, "proxy": proxy, "folder": folder, "records": records,
        "refused": (other.returncode, *said, refused),
    }  # fmt: skip


def test_a_run_with_a_third_of_its_requests_spoiled_is_complete(spoiled_run):
    assert spoiled_run["status"] == 0, spoiled_run["err"][-3000:]
    assert SHOWN["endpoint"].matches(spoiled_run["out"]), spoiled_run["out"]
    faults = Counter(filter(None, spoiled_run["proxy"].faults))
    assert set(faults) == set(FAULTS) and sum(faults.values()) >= 0.3 * len(spoiled_run["proxy"].faults)
    keys = Counter(record["key"] for record in spoiled_run["records"])
    assert len(keys) == 120 and set(keys.values()) == {1}
    assert all(record["reply"] and record["finish_reason"] in ("stop", "length") for record in spoiled_run["records"])


def test_every_sample_is_a_reply_that_the_server_gave_whole(spoiled_run):
    for record in spoiled_run["records"]:
        assert record["reply"] in spoiled_run["proxy"].whole[record["seed"]]
        assert record["thinking_opened"], "the demo's template opens the thinking; vLLM's server says so"


def test_no_error_became_a_zero(spoiled_run):
    task = TASKS["demo_sums"]
    golds = {problem.id: problem.gold for problem in (task.problem(row) for row in task.rows())}
    scores = [
        EXPRESSION.grade_reply(record["reply"], golds[record["problem_id"]], thinking_opened=True).outcome.score
        for record in spoiled_run["records"]
    ]
    (results,) = (spoiled_run["folder"] / "out").rglob("results_*.json")
    found = json.loads(results.read_text())
    (score,) = (row["pass@1"] for name, row in found["results"].items() if name.startswith("demo_sums"))
    assert score == pytest.approx(sum(scores) / 120) and score > 0.3
    line = next(line for line in spoiled_run["out"].splitlines() if line.startswith("demo_sums|0 "))
    assert line.split()[1] == f"{100 * score:.1f}"
    settings = found["config_general"]["model_config"]["lighteval_r1"]["settings"]
    assert settings["model"] == "demo" and settings["revision"].endswith("demo/model")


def test_what_the_server_refuses_is_its_message_and_no_score(spoiled_run):
    status, out, err, folder = spoiled_run["refused"]
    (line,) = [line for line in err.splitlines() if line.startswith("lighteval-r1: ")]
    assert status == 2 and "HTTP 400: max_tokens=4096 cannot be greater than max_model_len=1024" in line
    assert "Traceback" not in err and "pass@1" not in out
    assert not [*folder.rglob("grades-*"), *folder.rglob("results_*")] and [*folder.rglob("settings.json")]


def test_bench_prints_vllms_figures_for_the_tasks_prompts_and_ask_shows_a_reply(vllm_server, tmp_path):
    assert set(SHOWN) == {"ask", "endpoint", "bench"}, "a command that is shown and not run"
    bench = start(*as_shown("bench", vllm_server.url), "--save", str(tmp_path / "b.json"))
    asked = start(*as_shown("ask", vllm_server.url))
    shown, _ = asked.communicate(timeout=100)
    assert "</think>" in shown and re.search(r"\nanswer: .+ \(box\), \d+ tokens", shown), shown
    assert SHOWN["ask"].matches(shown), shown
    out, err = bench.communicate(timeout=150)
    assert bench.returncode == 0, err[-3000:]
    for said in (
        "Successful requests:                     40",
        "Output token throughput",
        "P99 TTFT",
        "P90 TPOT",
        "P50 E2EL",
    ):
        assert said in out
    assert SHOWN["bench"].matches(out), out
    assert json.loads((tmp_path / "b.json").read_text())["completed"] == 40


@pytest.mark.parametrize("shown", SANE, ids=lambda command: command.line[-20:])
def test_a_real_server_is_looked_at_as_the_page_shows(shown, vllm_server, main):
    code, out, err = main(*asking(vllm_server.url, shown))
    assert code == (2 if shown.fails else 0), out + err
    assert shown.matches(out + err if shown.fails else out), out + err
