"""Every owed sample is handed out once; the problems that are long by what is known now go first."""

from collections import Counter

from lighteval_r1.engines import Owed
from lighteval_r1.records import Problem
from lighteval_r1.sampling.schedule import N_PROBES, Schedule

PROBLEMS = {name: Problem(name, "1", "expression", name) for name in "abc"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def owed(n: int, names: str = "abc") -> list[Owed]:
    return [Owed(key=f"{name}{i}", problem=PROBLEMS[name], index=i, seed=i) for name in names for i in range(n)]


def drain(schedule: Schedule) -> list[str]:
    keys = []
    while (item := schedule.next()) is not None:
        keys.append(item.key)
    return keys


def test_every_owed_sample_is_handed_out_once():
    items = owed(2 * N_PROBES)
    assert Counter(drain(Schedule(items))) == Counter(item.key for item in items)


def test_each_problem_is_probed_before_any_is_finished():
    first = drain(Schedule(owed(N_PROBES + 5)))[: 3 * N_PROBES]
    assert first[:6] == ["a0", "b0", "c0", "a1", "b1", "c1"]
    assert Counter(key[0] for key in first) == dict.fromkeys("abc", N_PROBES)


def test_problems_with_long_finished_samples_go_first():
    schedule = Schedule(owed(N_PROBES + 1))
    for item in [schedule.next() for _ in range(3 * N_PROBES)]:
        schedule.finished(item, {"a": 10, "b": 900, "c": 50}[item.problem.name])
    assert [schedule.next().key[0] for _ in range(3)] == ["b", "c", "a"]


def test_a_sample_long_under_way_counts_before_it_ends():
    clock = Clock()
    schedule = Schedule(owed(N_PROBES + 1), clock=clock)
    probes = [schedule.next() for _ in range(3 * N_PROBES)]
    clock.now = 10.0  # all but c's last end at 10 tokens a second
    for item in probes[:-1]:
        schedule.finished(item, 100)
    clock.now = 100.0
    assert schedule.next().key[0] == "c"


def test_lengths_of_an_earlier_run_replace_probes():
    lengths = [(PROBLEMS[name].id, {"a": 10, "b": 900, "c": 50}[name]) for name in "abc" for _ in range(N_PROBES)]
    assert [key[0] for key in drain(Schedule(owed(1), lengths))] == ["b", "c", "a"]
