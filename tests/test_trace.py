"""What one reads to follow a problem: the files of ours whose functions run in `lighteval vllm` of one problem x 2 samples.

The parent process is the one that was started: from the command to the table. Its limits are the house's; no work moves to a
child for the count's sake, so the replica's and the grading workers' files have limits too. `-rP` shows the tables.
"""

import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from test_end_to_end import command, environment

import lighteval_r1

pytestmark = pytest.mark.timeout(280)

SRC = Path(lighteval_r1.__file__).parent
# Files whose functions run, and their lines, whole files. What is wanted of the parent is 20 files and 3,200 lines; these
# bounds are where the house stands, so that it does not grow unseen.
MOST_IN_PARENT = (43, 6610)
MOST_IN_REPLICA = (3, 600)
MOST_IN_GRADING = (8, 1200)
ROW = {"id": "one", "problem": "What is $70 + 41 + 28$?", "answer": "139"}


@pytest.fixture(scope="module")
def traced(tmp_path_factory) -> tuple[subprocess.CompletedProcess, dict[str, dict[str, set[str]]]]:
    """The run, and per role of a process ("parent", "replica", "grading", "other"): file -> functions that ran."""
    folder = tmp_path_factory.mktemp("traced")
    (folder / "data").mkdir()
    (folder / "data" / "aime_2024.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "trace").mkdir()
    paths = [str(Path(__file__).with_name("traced")), *filter(None, [os.environ.get("PYTHONPATH")])]
    more = {
        "LIGHTEVAL_R1_DATA": str(folder / "data"),
        "TRACE_FOLDER": str(folder / "trace"),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    process = subprocess.Popen(
        command(folder, n=2),
        env=environment(folder) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said, errors = process.communicate(timeout=270)
    ran: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in (folder / "trace").glob("*.txt"):
        for line in path.read_text().splitlines():
            file, _, function = line.partition("\t")
            ran[role(path, parent=process.pid)][str(Path(file).relative_to(SRC))].add(function)
    return subprocess.CompletedProcess(process.args, process.returncode, said, errors), ran


def role(path: Path, *, parent: int) -> str:
    if int(path.stem) == parent:
        return "parent"
    described = path.with_suffix(".command")
    command = described.read_text() if described.exists() else ""
    return "replica" if "engines.replica" in command else "grading" if "grading_worker" in command else "other"


def n_lines(file: str) -> int:
    return len((SRC / file).read_text(encoding="utf-8").splitlines())


def table(files: dict[str, set[str]]) -> str:
    rows = [f"{n_lines(file):>6}  {file:<40} {' '.join(sorted(files[file]))}" for file in sorted(files)]
    return "\n".join([*rows, f"{sum(map(n_lines, files)):>6}  lines in {len(files)} files"])


def test_the_run_that_was_traced_ended_with_its_table(traced):
    run, _ = traced
    assert run.returncode == 0, run.stderr[-3000:]
    assert "r1_aime24: 1 problem x 2 samples, 0 drawn, 2 owed" in run.stderr
    assert "95 % same problems" in run.stdout


@pytest.mark.parametrize(
    ("process", "most"),
    [("parent", MOST_IN_PARENT), ("replica", MOST_IN_REPLICA), ("grading", MOST_IN_GRADING)],
)
def test_few_files_run_between_the_command_and_the_table(traced, process, most):
    _, ran = traced
    files = ran[process]
    print(table(files))
    most_files, most_lines = most
    assert len(files) <= most_files, table(files)
    assert sum(map(n_lines, files)) <= most_lines, table(files)


def test_no_other_process_of_ours_runs(traced):
    _, ran = traced
    assert not ran["other"], table(ran["other"])


def test_the_trace_sees_every_step(traced):
    """The table is worth nothing where the tracing misses functions: these ran, whatever the modules are called."""
    _, ran = traced
    functions = {name for files in ran.values() for names in files.values() for name in names}
    assert {"draw", "greedy_until", "add_sample", "add_grade", "sample_key", "seed_of"} <= functions
    assert ran["parent"] and ran["replica"]
