"""How long reading a large journal takes: 1,920 samples of 100 kB, read and reconciled with what is asked.

`python benchmarks/journal.py [--samples 1920] [--kilobytes 100]` writes a journal as a run of 30 problems does, then
opens it in a fresh process and finds what is owed; prints the seconds and the peak memory of that process, and those of
`json.loads` over the same lines.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lighteval_r1.records import Grade, Outcome, Problem, Sample, Settings, pack_token_ids, sample_key, seed_of
from lighteval_r1.sampling.journal import Journal
from lighteval_r1.sampling.journal_files import Asked
from lighteval_r1.sampling.work import Work, owed_samples

N_PROBLEMS = 30
SETTINGS = Settings("org/model", "abc", None, "", 0.6, 0.95, 0, 32768, 1)
PROBLEMS = [Problem(f"What is {i} + {i}?", str(2 * i), "expression", str(i), {}, str(i)) for i in range(N_PROBLEMS)]


def write(folder: Path, *, n_samples: int, n_bytes: int) -> None:
    words = random.Random(0)
    journal = Journal(folder, settings=SETTINGS, version=1)
    for i in range(n_samples):
        problem, index = PROBLEMS[i % N_PROBLEMS], i // N_PROBLEMS
        key = sample_key(problem_id=problem.id, index=index, settings_id=SETTINGS.id)
        reply = " ".join(f"so {words.random():.6f} \\frac{{1}}{{2}}\n" for _ in range(n_bytes // 25))[:n_bytes]
        token_ids = pack_token_ids([words.randrange(150_000) for _ in range(n_bytes // 4)])
        journal.add_sample(
            Sample(key, problem.id, index, seed_of(key), reply, True, "stop", 100, n_bytes // 4, token_ids)
        )
        journal.add_grade(key, Grade(Outcome.CORRECT, "7", "integers"))
    journal.close()


def read_journal(folder: Path, *, n: int) -> int:
    """Number of samples owed where one more per problem is asked."""
    journal = Journal(folder, settings=SETTINGS, version=1)
    return len(owed_samples([Work("t", PROBLEMS, Asked(n + 1, 1), journal)]))


def read_plainly(folder: Path, *, n: int) -> int:
    lines = [json.loads(line) for path in folder.glob("samples-*.jsonl") for line in path.open("rb")]
    return (n + 1) * N_PROBLEMS - len(lines)


READERS = {"journal": read_journal, "json.loads of each line": read_plainly}


def measure(reader: str, folder: Path, *, n: int) -> tuple[float, float]:
    """Seconds and peak GiB of a fresh process that reads the folder."""
    command = [sys.executable, __file__, "--reader", reader, "--folder", str(folder), "--samples", str(n * N_PROBLEMS)]
    seconds, kib = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), int(kib) / 2**20


def read_once(options: argparse.Namespace) -> None:
    begin = time.perf_counter()
    owed = READERS[options.reader](options.folder, n=options.samples // N_PROBLEMS)
    if owed != N_PROBLEMS:
        sys.exit(f"{owed} samples owed instead of {N_PROBLEMS}")
    print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=1920)
    parser.add_argument("--kilobytes", type=int, default=100)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        read_once(options)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, n_samples=options.samples, n_bytes=1000 * options.kilobytes)
        size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
        print(f"{options.samples} samples of {options.kilobytes} kB, with token ids: {size:.0f} MiB")
        for reader in READERS:
            seconds, gib = min(measure(reader, folder, n=options.samples // N_PROBLEMS) for _ in range(3))
            print(f"{reader}: {seconds:.2f} s, {gib:.2f} GiB")


if __name__ == "__main__":
    main()
