"""Uploads of small runs to the stand-in for the Hub, each in its own process, as a user's would be."""

import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fake_hub import FakeHub
from runs import Asked, write_run
from warm_commands import Command, WarmCommands

SRC = Path(__file__).resolve().parents[1] / "src"
REPO = "tester/details"
# What a row must carry unchanged: quotes, bars, markup, other scripts, a direction override, a NUL.
HOSTILE = 'x|y "q" <b>&amp;</b> \\ 数 \u202e \x00 🙂'
DATE = "2026-11-20T10-00-00.000001"


def written(
    folder: Path,
    *,
    tasks: tuple[str, ...] = ("r1_aime24",),
    n_problems: int | dict[str, int] = 4,
    date: str = DATE,
) -> Path:
    """A run of three samples of each problem, of which the first is correct."""
    grader = {"r1_gpqa_diamond": "choice"}
    asked = {
        task: [
            Asked(
                f"{task}-{i} {HOSTILE}",
                "cwn",
                gold="B" if task in grader else f"{i}",
                question=f"Question {i} of {task}",
                grader=grader.get(task, "expression"),
            )
            for i in range(n_problems[task] if isinstance(n_problems, dict) else n_problems)
        ]
        for task in tasks
    }
    return write_run(folder, asked, model="some/model", date=date)


def environment(hub: FakeHub, home: Path, *, token: str | None = "hf_writer") -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    ours = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home), "PYTHONPATH": str(SRC)}
    return kept | ours | ({"HF_TOKEN": token} if token else {})


# The command on a machine whose waits pass ten times as fast: huggingface_hub alone sleeps 15 s through some faults.
HASTY = (
    "import time; sleep = time.sleep; time.sleep = lambda s: sleep(s / 10); from lighteval_r1.cli import main; main()"
)


def start(hub: FakeHub, home: Path, *arguments: object, token: str | None = "hf_writer") -> subprocess.Popen:
    """A command in a process that nothing was imported for."""
    command = [sys.executable, "-m", "lighteval_r1.cli", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=environment(hub, home, token=token), **pipes)


@functools.cache
def warm() -> WarmCommands:
    """What a push imports, and load_dataset."""
    return WarmCommands(
        *"pandas pyarrow.parquet pyarrow.dataset httpx requests yaml tqdm.auto fsspec aiohttp dill multiprocess.pool filelock".split(),
        *"trio jinja2 scipy.special pydantic.type_adapter datasets huggingface_hub.hf_api huggingface_hub.repocard".split(),
        *"lighteval_r1.cli lighteval_r1.hub.push lighteval_r1.hub.proposals".split(),
    )


def begun(hub: FakeHub, home: Path, *arguments: object, token: str | None = "hf_writer", program: str = "") -> Command:
    """A command on its way, in a fork."""
    folder = Path(tempfile.mkdtemp(dir=home.parent))
    return warm().start(folder, *arguments, program=program, **environment(hub, home, token=token))


def ended(command: Command) -> tuple[int, str, str]:
    printed, errors = command.communicate(timeout=120)
    return command.returncode, printed, errors


def upload(hub: FakeHub, home: Path, *arguments: object, hasty: bool = False, **more: str | None) -> tuple[int, str]:
    status, printed, errors = ended(begun(hub, home, "upload", *arguments, program=HASTY if hasty else "", **more))
    return status, errors + printed


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def read_back(hub: FakeHub, home: Path, config: str, split: str) -> list[dict]:
    """Rows as load_dataset gives them, in a process of its own: the endpoint is fixed when the library is imported."""
    code = (
        "import json, sys, datasets; rows = datasets.load_dataset(*sys.argv[1:3], split=sys.argv[3]); "
        "print(json.dumps([rows.features.to_dict(), list(rows)]))"
    )
    command = begun(hub, home, REPO, config, split, program=code)
    printed, errors = command.communicate(timeout=120)
    assert command.returncode == 0, errors[-3000:]
    return json.loads(printed.splitlines()[-1])[1]
