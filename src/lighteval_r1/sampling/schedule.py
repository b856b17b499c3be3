"""Which owed sample is drawn next: those expected to be long first, so that a run does not end with one long reply."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from lighteval_r1.engines import Owed

# Samples of each problem that are drawn before lengths decide: one short reply says little of a problem whose replies
# differ thirtyfold. benchmarks/makespan.py compares numbers.
N_PROBES = 12


class Schedule:
    """Hands out owed samples: first N_PROBES of every problem in turn, then of the problem that has shown the longest
    reply.

    A reply under way counts with the length it must have reached by now, so that a problem is known as long before the
    first of its long replies ends. lengths: (problem id, tokens) of samples drawn before. clock: seconds.
    """

    def __init__(
        self,
        owed: Iterable[Owed],
        lengths: Iterable[tuple[str, int]] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._longest: dict[str, int] = defaultdict(int)
        n_seen: dict[str, int] = defaultdict(int)
        for problem_id, n_tokens in lengths:
            self._longest[problem_id] = max(self._longest[problem_id], n_tokens)
            n_seen[problem_id] += 1
        self._waiting: dict[str, deque[Owed]] = defaultdict(deque)
        for item in owed:
            self._waiting[item.problem.id].append(item)
        self._probes = deque(
            problem_id
            for probe in range(N_PROBES)
            for problem_id, items in self._waiting.items()
            if n_seen[problem_id] <= probe < n_seen[problem_id] + len(items)
        )
        # starts of the samples under way, the oldest first
        self._under_way: dict[str, dict[str, float]] = defaultdict(dict)
        self._tokens = 0
        self._seconds = 0.0

    def next(self) -> Owed | None:
        """The next sample to draw; None when none is left."""
        if self._probes:
            return self._take(self._probes.popleft())
        if not self._waiting:
            return None
        now, tokens_per_s = self._clock(), self._tokens / self._seconds if self._seconds else 1.0

        def expected(problem_id: str) -> float:
            oldest = next(iter(self._under_way[problem_id].values()), now)
            return max(self._longest[problem_id], (now - oldest) * tokens_per_s)

        return self._take(max(self._waiting, key=expected))

    def _take(self, problem_id: str) -> Owed:
        item = self._waiting[problem_id].popleft()
        if not self._waiting[problem_id]:
            del self._waiting[problem_id]
        self._under_way[problem_id][item.key] = self._clock()
        return item

    def finished(self, item: Owed, n_tokens: int) -> None:
        """The sample came out this long."""
        self._seconds += self._clock() - self._under_way[item.problem.id].pop(item.key)
        self._tokens += n_tokens
        self._longest[item.problem.id] = max(self._longest[item.problem.id], n_tokens)
