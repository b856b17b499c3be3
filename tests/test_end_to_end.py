"""The main job on real input: unmodified `lighteval vllm`, real vLLM, the demo model, the 30 problems of AIME 2024.

One story, told once because each run takes most of a minute: a run is killed, and continued with more samples.
`make soak SOAK="kills=20"` kills it twenty times.
"""

import json
import math
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import soak

from lighteval_r1.cli.evaluate import DEMO_MODEL
from lighteval_r1.records import seed_of
from lighteval_r1.sampling.journal_files import decode_line

RECORDED = Path(__file__).with_name("recorded") / "journals" / "lighteval_r1" / "model" / "demo_choices"
BIN = Path(sys.executable).parent
# How test processes share the cores.
OF_CONFTEST = ("OMP_NUM_THREADS", "VLLM_CPU_OMP_THREADS_BIND")
N_KILLS = soak.count("kills")
# Samples of each problem in the run that is killed: enough for a kill at every few.
N = 2 * math.ceil((N_KILLS - 1) / 20) or 1
pytestmark = [pytest.mark.timeout(500 + 60 * N_KILLS), pytest.mark.soak("kills")]


def command(folder: Path, *, n: int, more: str = "", tasks: str = "") -> list[str]:
    arguments = (
        f"model_name={DEMO_MODEL},max_model_length=1024,dtype=float32,cache_dir={folder}/cache{more},"
        "generation_parameters={max_new_tokens:256,temperature:0.6,top_p:0.95}"
    )
    own = ["--custom-tasks", "lighteval_r1.plugin", "--save-details", "--output-dir", str(folder / "out")]
    return [str(BIN / "lighteval"), "vllm", arguments, f"r1_aime24@n={n}|0{tasks}", *own]


def environment(shared: Path) -> dict[str, str]:
    """A user's: the replica's threads are bound as it falls."""
    return {
        **{name: value for name, value in os.environ.items() if name not in OF_CONFTEST},
        "LIGHTEVAL_R1_DATA": str(shared / "data"),
        "HF_HUB_OFFLINE": "1",
        "LIGHTEVAL_R1_DEVICE": "cpu",
        "VLLM_CPU_KVCACHE_SPACE": "1",
    }


def run(arguments: list[str], shared: Path) -> subprocess.CompletedProcess:
    return subprocess.run(arguments, env=environment(shared), capture_output=True, text=True, timeout=400)


def sample_lines(folder: Path, task: str = "r1_aime24") -> list[bytes]:
    files = sorted((folder / "cache").rglob(f"{task}/*/samples-*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    return [line for file in files for line in file.read_bytes().splitlines(keepends=True)]


def kill_when_drawn(n: int, arguments: list[str], *, folder: Path, shared: Path) -> None:
    """SIGKILL to the run, once n samples are in the journal. It is a fork: LightEval's import takes ten seconds."""
    from lighteval.__main__ import app

    def lighteval() -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        os.environ.clear()
        os.environ.update(environment(shared))
        sys.argv = arguments
        app()

    process = multiprocessing.get_context("fork").Process(target=lighteval)
    process.start()
    until = time.monotonic() + 300
    while len(sample_lines(folder)) < n:
        assert process.is_alive() and time.monotonic() < until
        # looking is work, too
        time.sleep(0.05)
    process.kill()
    process.join()


@pytest.fixture(scope="module")
def story(shared, tmp_path_factory):
    """The folder after: killed at random moments, run again with n doubled; and what was seen in between."""
    folder = tmp_path_factory.mktemp("story")
    seen = {"folder": folder}
    seen["before"] = []
    shutil.copytree(RECORDED, folder / "cache" / "lighteval_r1" / "model" / "demo_choices")
    seen["recorded"] = sample_lines(folder, "demo_choices")
    for n in sorted(random.Random(7).sample(range(8, 16 * N), N_KILLS)):
        n = max(n, len(sample_lines(folder)) + 1)
        # few at a time, so that they come one by one
        kill_when_drawn(n, command(folder, n=N, more=",max_num_seqs=4"), folder=folder, shared=shared)
        assert set(seen["before"]) <= set(sample_lines(folder)), "a sample drawn before a kill is gone"
        seen["before"] = [line for line in sample_lines(folder) if decode_line(line)]
    seen["second"] = run(command(folder, n=2 * N, tasks=",demo_choices@n=2|0"), shared)
    seen["after"] = sample_lines(folder)
    seen["choices"] = sample_lines(folder, "demo_choices")
    return seen


def keys(lines: list[bytes]) -> list[str]:
    return [record["key"] for line in lines if (record := decode_line(line))]


def test_a_killed_run_continues_where_it_stopped_also_with_more_samples(story):
    assert story["second"].returncode == 0, story["second"].stderr[-3000:]
    assert 8 <= len(story["before"]) < 30 * N, "the kill came too late to mean anything"
    drawn = keys(story["after"])
    assert len(drawn) == 60 * N and set(Counter(drawn).values()) == {1}
    assert set(story["before"]) <= set(story["after"]), "a sample drawn before the kill changed"
    here = len(story["before"])
    assert f"30 problems x {2 * N} samples, {here} drawn, {60 * N - here} owed" in story["second"].stderr


def test_every_sample_has_its_own_seed_made_of_its_key(story):
    records = [decode_line(line) for line in story["after"] if decode_line(line)]
    assert all(record["seed"] == seed_of(record["key"]) for record in records)
    assert len({record["seed"] for record in records}) == 60 * N


def test_a_journal_of_the_version_before_is_gone_on_with(story):
    """Of 24 problems x 2 samples it holds two samples of each of four problems, and two more that are not asked for."""
    assert "demo_choices: 24 problems x 2 samples, 8 drawn, 40 owed" in story["second"].stderr
    assert len(story["recorded"]) == 16 and set(story["recorded"]) <= set(story["choices"])
    drawn = keys(story["choices"])
    assert len(drawn) == len(set(drawn)) == 16 + 40
    (line,) = [line for line in story["second"].stdout.splitlines() if line.startswith("demo_choices|0 ")]
    assert line.split()[8:10] == ["24", "48"]


def test_the_table_of_estimates_follows_lightevals_own(story):
    out = story["second"].stdout
    theirs, ours = out.index("|Version|"), out.index("95 % same problems")
    assert theirs < ours
    (line,) = [line for line in out[ours:].splitlines() if line.startswith("r1_aime24|0 ")]
    assert re.fullmatch(rf"r1_aime24\|0 +\d+\.\d( +\d+\.\d to \d+\.\d){{2}} +30 +{60 * N} +\d+ +\d+ +\d+", line), line


def test_results_say_what_was_run(story):
    file = max((story["folder"] / "out").rglob("results_*.json"))
    ours = json.loads(file.read_text())["config_general"]["model_config"]["lighteval_r1"]
    task = ours["tasks"]["r1_aime24|0"]
    assert task["n"] == 2 * N and task["n_problems"] == 30 and task["known_data"] is True
    assert (
        ours["settings"]["temperature"] == 0.6
        and ours["settings"]["revision"] == "sha256:bd734a89c6d70f3b59acde23495c88de"
    )
    assert "lighteval" in ours["environment"]["versions"]


def test_lightevals_own_reader_loads_the_details(story):
    from lighteval.logging.evaluation_tracker import EvaluationTracker

    out = story["folder"] / "out"
    tracker = EvaluationTracker(output_dir=str(out))
    tracker.general_config_logger.model_name = str(DEMO_MODEL)
    details = tracker.load_details_datasets("last", ["r1_aime24"])
    (rows,) = details.values()
    assert len(rows) == 30
    row = rows[0]
    assert len(row["model_response"]["text"]) == 2 * N
    samples = row["doc"]["specific"]["samples"]
    assert {sample["outcome"] for sample in samples} <= {"correct", "wrong", "no_answer", "undecided"}
    assert {sample["finish_reason"] for sample in samples} <= {"stop", "length"}


def test_nothing_of_a_run_is_left_running(story):
    left = subprocess.run(["pgrep", "-f", f"{story['folder']}/cache"], capture_output=True, text=True).stdout.split()
    assert not left
