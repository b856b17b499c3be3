"""The first minute as a user sees it, in seconds: `python benchmarks/first_minute.py [--no-run]`, on an idle machine.

Prints when the demo run's first line came, how many lines it had and how long it took; the same where nothing is owed;
and of tests/test_bad_input.py's commands, each in a process of its own, the slowest. Wanted: a line within 1 s, 25
lines, 5 s, 3 s.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = str(Path(sys.executable).parent / "lighteval-r1")


def timed(arguments: list[str], *, folder: Path, environment: dict[str, str]) -> list[tuple[float, str]]:
    """What is seen, each line with its second; last of all ("", when it ended)."""
    begin = time.monotonic()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([COMMAND, *arguments], cwd=folder, env=environment, **streams) as process:
        lines = [(time.monotonic() - begin, line) for line in process.stdout]
    return [*lines, (time.monotonic() - begin, "")]


def demo(folder: Path, environment: dict[str, str]) -> None:
    for what in ("the demo", "the demo again, nothing owed"):
        *lines, (whole_s, _) = timed(["evaluate", "OUT=out", "CACHE=cache"], folder=folder, environment=environment)
        print(f"{what}: first line after {lines[0][0]:.2f} s, {len(lines)} lines, {whole_s:.1f} s in all")


def bad_input(folder: Path, environment: dict[str, str]) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    from test_bad_input import BAD, write_files

    write_files(folder)
    environment = environment | {"HF_HOME": "hf", "HF_HUB_OFFLINE": ""}
    seconds = []
    for said, _ in BAD:
        *lines, (whole_s, _) = timed(
            [word.format(here=folder) for word in said], folder=folder, environment=environment
        )
        seconds.append((whole_s, " ".join(said), len(lines)))
    slowest = sorted(seconds, reverse=True)
    over = [entry for entry in slowest if entry[0] > 3]
    print(f"{len(BAD)} kinds of bad input: {len(over)} over 3 s, {sum(n != 1 for _, _, n in seconds)} not of one line")
    for whole_s, said, n in slowest[:5]:
        print(f"  {whole_s:.2f} s, {n} lines: {said}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-run", action="store_true", help="bad input alone")
    options = parser.parse_args()
    environment = {**os.environ, "LIGHTEVAL_R1_DEVICE": "cpu", "VLLM_CPU_KVCACHE_SPACE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        if not options.no_run:
            demo(Path(folder), environment)
        bad_input(Path(folder), environment)
