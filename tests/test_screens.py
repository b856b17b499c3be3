"""Where a command's words cannot go as they are: a full disk, a screen without these signs, a folder that is gone."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from lighteval_r1.outside.words import counted

JOURNAL = Path(__file__).with_name("demo_run") / "lighteval_r1" / "model" / "demo_sums" / "f4adf19c2daeba72"
CACHE = JOURNAL.parents[3]
PLAN = ("plan", "demo", "demo_sums", "--cache-dir", CACHE)


def in_shell(*said: object, before: str = "", after: str = "", **variables: str) -> subprocess.CompletedProcess:
    command = shlex.join(map(str, (sys.executable, "-m", "lighteval_r1", *said)))
    env = os.environ | {"HF_HUB_OFFLINE": "1"} | variables
    return subprocess.run(
        ["bash", "-c", f"{before} {command} {after}"],
        capture_output=True,
        text=True,
        errors="replace",
        env=env,
        timeout=60,
    )


def test_a_full_disk_behind_standard_output_is_one_line():
    done = in_shell("results", JOURNAL, after="> /dev/full")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("lighteval-r1: ") and "No space left on device" in done.stderr


def test_a_sign_that_the_screen_does_not_know_ends_nothing():
    done = in_shell(*PLAN, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0 and not done.stderr and "  ? 1.50 resampling" in done.stdout, done


def test_a_working_folder_that_is_gone_is_one_line(tmp_path):
    gone = tmp_path / "gone"
    before = f"mkdir {gone} && cd {gone} && rmdir {gone} &&"
    done = in_shell("submit", "demo", "--task", "demo_sums", "--dry-run", before=before)
    assert done.returncode == 2 and "the folder in which this command was called is gone" in done.stderr
    assert in_shell("results", JOURNAL, before=before).returncode == 0


def test_what_the_machine_refuses_unforeseen_is_one_line(main, monkeypatch):
    def vanished(*_, **__):
        raise FileNotFoundError(2, "No such file or directory", "/proc/1")

    monkeypatch.setattr("lighteval_r1.runs.reading.read_run", vanished)
    assert main("results", JOURNAL) == (2, "", "lighteval-r1: /proc/1: No such file or directory.\n")


def test_of_one_a_noun_is_singular(main):
    assert [counted(n, noun) for n, noun in ((1, "sample"), (0, "sample"), (1920, "reply"))] == [
        "1 sample", "0 samples", "1,920 replies"
    ]  # fmt: skip
    assert "1 problem, 0 faults" in main("check", "demo_sums@limit=1")[1]
