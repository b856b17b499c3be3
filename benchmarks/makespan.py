"""How long a run takes by the order and place in which its samples are drawn, against a static split and the lower
bound.

`python benchmarks/makespan.py REPLIES.jsonl [--n 64] [--slots 64] [--seeds 5]` takes the lengths of recorded replies
(`output`, by `problem`), asks each n times, and plays the run event by event with 1, 8 and 64 replicas. A replica runs
`slots` samples at once, each at the same speed, so that lengths are times.

    ours      schedule.Schedule, the engine's own queue ahead of each replica
    static    LightEval's split: problem i goes to replica i modulo the replicas, its n samples with it, in order
    bound     the larger of (all tokens / all slots) and the longest reply: no order can be faster

Two loads: all problems of the file, and 30 of them (an AIME), where the tail weighs most. Prints each as a ratio to the
bound: the median over seeds, which choose the samples among a problem's recorded replies, and the worst.
"""

import argparse
import heapq
import json
import random
import statistics
from collections import defaultdict, deque
from pathlib import Path

from lighteval_r1.engines import Owed
from lighteval_r1.engines.vllm import lanes_each
from lighteval_r1.records import Problem
from lighteval_r1.sampling.schedule import Schedule

Lengths = dict[str, list[int]]  # per problem, one per sample


def recorded(path: Path, *, n: int, seed: int) -> Lengths:
    """Characters stand for tokens: the ratios are the same.

    A problem's n samples are drawn from its recorded replies.
    """
    replies = defaultdict(list)
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        replies[row["problem"]].append(max(1, len(row["output"])))
    order, rng = sorted(replies), random.Random(seed)
    rng.shuffle(order)
    return {problem: rng.choices(replies[problem], k=n) for problem in order}


class Clock:
    now = 0


def play(take, *, clock: Clock, replicas: int, lanes: int, slots: int) -> int:
    """The time at which the last sample ends. take(replica) -> (length, done) of the next sample, or None."""
    waiting = [deque() for _ in range(replicas)]
    running = [0] * replicas
    events: list[tuple[int, int, int, object]] = []
    number = 0

    def fill(replica: int) -> None:
        nonlocal number
        while waiting[replica] and running[replica] < slots:
            length, done = waiting[replica].popleft()
            running[replica] += 1
            number += 1
            heapq.heappush(events, (clock.now + length, number, replica, done))

    for _ in range(lanes):
        for replica in range(replicas):
            if (item := take(replica)) is not None:
                waiting[replica].append(item)
    for replica in range(replicas):
        fill(replica)
    while events:
        clock.now, _, replica, done = heapq.heappop(events)
        running[replica] -= 1
        done()
        if (item := take(replica)) is not None:
            waiting[replica].append(item)
        fill(replica)
    return clock.now


def ours(lengths: Lengths, *, replicas: int, slots: int) -> int:
    problems = {text: Problem(text, "", "expression") for text in lengths}
    by_id = {problem.id: text for text, problem in problems.items()}
    clock = Clock()
    owed = [
        Owed(key=f"{i}", problem=problems[text], index=i, seed=0)
        for text, row in lengths.items()
        for i in range(len(row))
    ]
    schedule = Schedule(owed, clock=lambda: clock.now)

    def take(_: int):
        if (owed := schedule.next()) is None:
            return None
        length = lengths[by_id[owed.problem.id]][owed.index]
        return length, lambda: schedule.finished(owed, length)

    return play(take, clock=clock, replicas=replicas, lanes=lanes_each(slots), slots=slots)


def static(lengths: Lengths, *, replicas: int, slots: int) -> int:
    parts = [deque() for _ in range(replicas)]
    for i, row in enumerate(lengths.values()):
        parts[i % replicas].extend(row)

    def take(replica: int):
        return (parts[replica].popleft(), lambda: None) if parts[replica] else None

    return play(take, clock=Clock(), replicas=replicas, lanes=slots, slots=slots)


def ratios(loads: list[Lengths], *, replicas: int, slots: int) -> str:
    found = defaultdict(list)
    for lengths in loads:
        samples = [length for row in lengths.values() for length in row]
        bound = max(sum(samples) / (replicas * slots), max(samples))
        found["ours"].append(ours(lengths, replicas=replicas, slots=slots) / bound)
        found["static split"].append(static(lengths, replicas=replicas, slots=slots) / bound)
    return ", ".join(f"{name} {statistics.median(all_):.2f} (worst {max(all_):.2f})" for name, all_ in found.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("replies", type=Path)
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    loads = [recorded(options.replies, n=options.n, seed=seed) for seed in range(options.seeds)]
    for n_problems in (len(loads[0]), 30):
        print(f"{n_problems} problems x {options.n} samples, {options.slots} at once per replica; time / lower bound:")
        for replicas in (1, 8, 64):
            cut = [dict(list(lengths.items())[:n_problems]) for lengths in loads]
            print(f"  {replicas:>2} replicas: {ratios(cut, replicas=replicas, slots=options.slots)}")


if __name__ == "__main__":
    main()
