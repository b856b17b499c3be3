"""The pool: hostile replies cost themselves a verdict and others nothing; nothing outlives its owner."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hostile import HOSTILE
from scripted_worker import SCRIPTED

from lighteval_r1.graders import EXPRESSION, Grader
from lighteval_r1.graders.splitting import split_text
from lighteval_r1.records import Grade, GraderDied, Outcome
from lighteval_r1.sampling.pool import PATIENCE, Pool


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone_within(pids: list[int], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def scripted(monkeypatch):
    """Pool(…) with the scripted grading process."""
    here = Path(__file__).parent
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(here), str(here.parent / "src"), os.environ.get("PYTHONPATH", "")])
    )
    return lambda workers=2, **options: Pool(workers, module="scripted_worker", **options)


def item(deed: str, gold: str = "", *, limit_s: float = 10.0) -> tuple[Grader, str, str]:
    return replace(SCRIPTED, limit_s=limit_s), deed, gold


@pytest.mark.parametrize("gold", ["23", r"\frac{1}{3}"])
def test_hostile_replies_are_graded_in_time_and_the_ordinary_ones_around_them_get_their_grades(gold):
    ordinary = [(EXPRESSION, f" It is $\\boxed{{{i}}}$.", str(i)) for i in range(100)]
    items = list(ordinary)
    places = {}
    for number, (name, text) in enumerate(HOSTILE.items()):
        places[name] = 4 * number
        items.insert(places[name], (EXPRESSION, text, gold))
    ends = []
    resident = [0]  # kB, the most that any of the processes held

    async def watch() -> None:
        while True:
            for pid in pool.pids:
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:  # replaced in the meantime
                    continue
                resident.extend(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            await asyncio.sleep(0.02)

    async def grade_all() -> list[Grade]:
        watching = asyncio.create_task(watch())

        async def one(entry):
            begin = time.monotonic()
            grade = await pool.grade(*entry)
            ends.append(time.monotonic() - begin)
            return grade

        grades = await asyncio.gather(*map(one, items))
        watching.cancel()
        return grades

    with Pool(2) as pool:
        grades = asyncio.run(grade_all())
    hostile = {name: grades[place] for name, place in places.items()}
    assert [g.outcome for i, g in enumerate(grades) if i not in places.values()] == [Outcome.CORRECT] * 100
    assert max(ends) < 12
    assert not [name for name, grade in hostile.items() if grade.outcome is Outcome.CORRECT]
    assert 0 < max(resident) < 400 * 1024


def test_a_reply_past_its_limit_is_undecided_and_the_others_are_graded(scripted):
    with scripted() as pool:
        grades = pool.grade_many([item("a"), item("spin", limit_s=0.5), *[item(f"b{i}") for i in range(20)]])
    assert [g.outcome for g in grades].count(Outcome.UNDECIDED) == 1
    assert grades[1] == Grade(Outcome.UNDECIDED, "", "the grader was stopped after 0.5 s")
    assert [g.answer for g in grades[2:]] == [f"b{i}" for i in range(20)]


def test_a_stopped_grading_process_is_replaced_although_it_uses_no_cpu(scripted):
    with scripted(1) as pool:
        pool.grade_many([item("a")])
        os.kill(pool.pids[0], signal.SIGSTOP)
        grades = pool.grade_many([item("b", limit_s=0.4), item("c")])
    assert [g.outcome for g in grades] == [Outcome.UNDECIDED, Outcome.WRONG]


def test_a_grading_process_killed_by_another_hand_costs_no_grade(scripted, tmp_path):
    with scripted() as pool:
        assert pool.grade_many([item(f"once {tmp_path}/mark")])[0].outcome is Outcome.WRONG
        assert len(pool.pids) == 1, "one for each reply, while there are fewer replies than cores"


def test_killed_children_are_replaced_while_replies_are_graded(scripted):
    with scripted() as pool:
        futures = [pool.submit(item(f"sleep 0.0{i % 10}{i:02}")) for i in range(60)]
        for _ in range(3):
            futures[10].result()
            # Two kills of one reply would leave it ungraded: none passes from the first that is killed to the second, and
            # both that are under way must be done before the next.
            pids = pool.pids
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in pids:
                    os.kill(pid, number)
            n_begun = sum(future.done() for future in futures) + 2
            for future in futures[:n_begun]:
                future.result()
        assert all(future.result().outcome is Outcome.WRONG for future in futures)


def test_a_reply_that_ends_every_grading_process_stays_ungraded_and_says_so(scripted):
    with scripted() as pool:
        died, fine = pool.grade_many([item("exit"), item("fine")])
    assert isinstance(died, GraderDied) and "exit code 3" in str(died) and "2 times" in str(died)
    assert fine.outcome is Outcome.WRONG


def test_a_broken_grader_is_never_a_wrong_answer(scripted):
    with scripted() as pool:
        broken, fine = pool.grade_many([item("raise oh"), item("fine")])
    assert isinstance(broken, GraderDied) and "KeyError" in str(broken)
    assert fine.outcome is Outcome.WRONG


def test_memory_and_depth_without_end_are_undecided(scripted):
    with scripted() as pool:
        assert [g.outcome for g in pool.grade_many([item("big"), item("deep")])] == [Outcome.UNDECIDED] * 2


def test_grading_processes_see_no_token_and_load_no_engine(scripted, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with scripted(1) as pool:
        environment, modules = pool.grade_many([item("environment"), item("modules")])
        initial = Path(f"/proc/{pool.pids[0]}/environ").read_text()
    assert "secret" not in environment.answer + initial
    assert not {"torch", "vllm", "lighteval", "transformers", "sympy"} & set(modules.answer.split())


def test_golds_travel_once_and_replies_pass_as_they_are(scripted):
    gold = "\ud800\0" + "g" * 1_000_000
    with scripted(1) as pool:
        grades = pool.grade_many(
            [item(gold, gold), item("other", gold), item(gold, gold), item("\n{}\n", "\n{}\n"), item("\n{}\n", "")]
        )
    # the last by its own gold, which is empty, not by the one before
    right = [Outcome.CORRECT, Outcome.WRONG, Outcome.CORRECT, Outcome.CORRECT, Outcome.WRONG]
    assert [g.outcome for g in grades] == right
    assert grades[3].answer == "\n{}\n"


def test_equal_pairs_are_compared_once_and_one_limit_serves_them_all(monkeypatch):
    impatient = replace(EXPRESSION, limit_s=0.4)
    with Pool(2) as pool:
        pool.grade_many([(EXPRESSION, r"\boxed{0}", "1"), (EXPRESSION, r"\boxed{1}", "2")])
        for pid in pool.pids:
            os.kill(pid, signal.SIGSTOP)
        begin = time.monotonic()
        grades = pool.grade_many([(impatient, f"Try {i}: \\boxed{{x+{i % 2}}}", "y") for i in range(50)])
        assert {g.outcome for g in grades} == {Outcome.UNDECIDED}
        # two pairs at once, each stopped once; fifty comparisons would take 25 times the limit
        assert time.monotonic() - begin < 8 * 0.4 * PATIENCE


def test_the_event_loop_goes_on_while_replies_are_graded(scripted):
    async def run(pool: Pool) -> int:
        turns = 0
        grading = asyncio.gather(*(pool.grade(*item(f"sleep 1.{i}")) for i in range(8)))
        while not grading.done():
            await asyncio.sleep(0.005)
            turns += 1
        return turns

    with scripted() as pool:
        assert asyncio.run(run(pool)) > 16  # one for each of the eight where grading blocked the loop


def test_closing_is_quick_and_leaves_no_process(scripted):
    pool = scripted()
    futures = [pool.submit(item(f"sleep 6{i}")) for i in range(6)]
    while len(pool.pids) < 2:
        time.sleep(0.01)
    pids = pool.pids
    begin = time.monotonic()
    pool.close()
    assert time.monotonic() - begin < 30  # of the 60 s that the replies would take
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert all(isinstance(future.exception(), GraderDied) for future in futures)


def test_children_end_when_their_owner_is_killed(scripted):
    program = (
        "import json; from lighteval_r1.sampling.pool import Pool; from scripted_worker import SCRIPTED\n"
        "pool = Pool(2, module='scripted_worker')\n"
        "futures = [pool.submit((SCRIPTED, f'sleep 6{i}' if i else 'a', '')) for i in range(3)]\n"
        "futures[0].result(); print(json.dumps(pool.pids), flush=True); futures[1].result()"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    pids = json.loads(owner.stdout.readline())
    assert len(pids) == 2 and all(alive(pid) for pid in pids)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert gone_within(pids, 60)


def test_the_pool_gives_the_grades_that_its_graders_give():
    replies = [
        r"<think>a \boxed{3}</think> \boxed{4}",
        r"<think>\boxed{4}",
        "4",
        r"\boxed{\frac{8}{2}}",
        r"</think>\boxed{5}",
    ]
    with Pool(2) as pool:
        for opened in (True, False):
            texts = [split_text(reply, opened=opened).texts(reply)[1] for reply in replies]
            grades = pool.grade_many([(EXPRESSION, text, "4") for text in texts])
            assert grades == [EXPRESSION.grade_reply(reply, "4", thinking_opened=opened) for reply in replies]


def test_a_large_owner_does_not_make_its_grading_processes_look_grown():
    ballast = bytearray(500 * 2**20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    with Pool(1) as pool:
        for i in range(3):
            pool.grade_many([(EXPRESSION, f"\\boxed{{{i}}}", "7")])
        before = pool.pids
        pool.grade_many([(EXPRESSION, "\\boxed{8}", "7")])
        assert pool.pids == before and len(before) == 1
