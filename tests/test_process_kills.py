"""SIGKILL to any process of a run, at random: the run itself, a replica, a grading process, what confines its programs."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import soak
from endpoint_run import SCRIPTED, WITH_PROGRAMS, last_seed
from scripted_replica import reply_to

from lighteval_r1.graders import EXPRESSION
from lighteval_r1.records import EngineError
from lighteval_r1.sampling.journal_files import decode_line

N_KILLS = soak.count("process-kills")
# Samples of each problem: enough for a kill at every sixteen.
N_SAMPLES = max(12, N_KILLS // 2)
N = len(WITH_PROGRAMS) * N_SAMPLES
HERE = Path(__file__).parent
pytestmark = [pytest.mark.soak("process-kills"), pytest.mark.timeout(200 + 10 * N_KILLS)]
VICTIMS = ("the run", "a replica", "a grading process", "below a grading process")


def below(pid: int) -> dict[int, tuple[int, str]]:
    """The processes that descend from this one: pid -> (parent, command). From a look at all of /proc."""
    seen = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            seen[int(entry.name)] = (parent, (entry / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError):
            continue

    def descends(one: int) -> bool:
        while one in seen and one != pid:
            one = seen[one][0]
        return one == pid

    # not what was forked and is not yet what it will be
    own = seen.get(pid, (0, ""))[1]
    return {one: seen[one] for one in seen if one != pid and seen[one][1] not in ("", own) and descends(one)}


def chosen(run: int, draw: random.Random) -> dict[str, int]:
    """A process of each kind that there is now."""
    family = below(run)
    replicas = [pid for pid, (_, command) in family.items() if "scripted_replica" in command]
    graders = [pid for pid, (parent, command) in family.items() if parent == run and "grading_worker" in command]
    others = [pid for pid in family if pid not in replicas and pid not in graders]
    of_kind = zip(VICTIMS, ([run], replicas, graders, others), strict=True)
    return {victim: draw.choice(pids) for victim, pids in of_kind if pids}


def lines_of(folder: Path, kind: str = "samples") -> list[bytes]:
    return [line for file in sorted(folder.rglob(f"{kind}-*.jsonl")) for line in file.read_bytes().splitlines(True)]


def whole(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if decode_line(line)]


class Runs:
    """Runs one after the other, each in a fork of one process that has imported what they need."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, str(HERE / "endpoint_run.py"), "replicas", str(folder), str(N_SAMPLES)]
        # so that no run ends before it is killed
        held = {"SCRIPTED_HOLD": f"{last_seed(SCRIPTED)} {folder / 'go'}"}
        with (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True, env=os.environ | held
            )

    def begin(self) -> int:
        print(file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def end(self) -> int:
        return int(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a run whose processes were killed again and again, and of one that was left alone."""
    folder, undisturbed = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("undisturbed")
    draw = random.Random(12)
    # in the run's progress: as good as random in time, and the same on a slow machine
    moments = sorted(draw.sample(range(5, int(0.8 * N)), N_KILLS))
    victims = [VICTIMS[i % len(VICTIMS)] for i in range(N_KILLS)]
    draw.shuffle(victims)
    seen = {"folder": folder, "undisturbed": undisturbed, "killed": Counter(), "lost": []}
    runs = Runs(folder)
    run = 0
    before: tuple[list[bytes], list[bytes]] = ([], [])
    for moment, wanted in zip(moments, victims, strict=True):
        run = run or runs.begin()
        pids: dict[str, int] = {}
        until = time.monotonic() + 60
        while time.monotonic() < until and (len(pids) < 3 or len(lines_of(folder)) < moment):
            pids = chosen(run, draw)
            time.sleep(0.02)
        # nothing is below a grading process that has not met a program
        victim = wanted if wanted in pids else "a grading process"
        pid = pids[victim]
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        seen["killed"][victim] += 1
        if victim in ("the run", "a replica"):
            status = runs.end()
            assert status == (-signal.SIGKILL if victim == "the run" else EngineError.exit_code), (victim, status)
            run = 0
        now = whole(lines_of(folder)), whole(lines_of(folder, "grades"))
        seen["lost"] += [set(old) - set(new) for old, new in zip(before, now, strict=True) if set(old) - set(new)]
        before = now
    seen["before the last"] = before
    (folder / "go").touch()
    seen["statuses"] = []
    for _ in range(3):
        run = run or runs.begin()
        seen["statuses"].append(runs.end())
        run = 0
        if seen["statuses"][-1] == 0:
            break
    runs.close()
    (undisturbed / "go").touch()
    other = Runs(undisturbed)
    other.begin()
    seen["alone"] = other.end()
    other.close()
    return seen


def test_every_kind_of_process_was_killed_and_the_run_ends_well(killed):
    assert set(killed["killed"]) == set(VICTIMS), killed["killed"]
    assert sum(killed["killed"].values()) >= 0.9 * N_KILLS
    print(dict(killed["killed"]), "statuses:", killed["statuses"])
    assert killed["statuses"][-1] == 0 and killed["alone"] == 0
    said = (killed["folder"] / "err").read_text()
    assert "Traceback" not in said and said.count("vLLM replica") == killed["killed"]["a replica"], said[-3000:]


def test_every_sample_is_there_once_and_nothing_acknowledged_is_lost(killed):
    assert killed["lost"] == []
    samples, grades = (
        [decode_line(line) for line in lines_of(killed["folder"], kind)] for kind in ("samples", "grades")
    )
    for records in (samples, grades):
        counts = Counter(record["key"] for record in records if record)
        assert len(counts) == N and set(counts.values()) == {1}
    assert set(killed["before the last"][0]) <= set(lines_of(killed["folder"]))


def test_replies_grades_and_estimate_are_those_of_a_run_that_nobody_disturbed(killed):
    def by_key(kind: str, *names: str) -> list[dict]:
        return [
            {
                record["key"]: [record[name] for name in names]
                for line in lines_of(folder, kind)
                if (record := decode_line(line))
            }
            for folder in (killed["folder"], killed["undisturbed"])
        ]

    disturbed, alone = by_key("samples", "reply", "seed")
    assert disturbed == alone
    disturbed, alone = by_key("grades", "outcome", "answer")
    assert disturbed == alone
    estimates = [json.loads((killed[name] / "estimate.json").read_text()) for name in ("folder", "undisturbed")]
    assert estimates[0] == estimates[1]
    # and without a journal, an engine or a grading process
    problems = {problem.id: problem for problem in WITH_PROGRAMS}
    for line in lines_of(killed["folder"]):
        if record := decode_line(line):
            problem = problems[record["problem_id"]]
            assert record["reply"] == reply_to(problem.prompt, record["seed"])
            if problem.grader == "expression":
                outcome = EXPRESSION.grade_reply(record["reply"], problem.gold).outcome
                assert disturbed[record["key"]][0] == outcome
