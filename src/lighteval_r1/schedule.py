"""Which owed sample is drawn next: those expected to be long first, so that a run does not end with one long reply."""

import heapq
from collections import defaultdict
from collections.abc import Iterable

from lighteval_r1.engines import Owed


class Schedule:
    """Hands out owed samples. What was learnt of a problem's lengths moves its remaining samples forward or back.

    A problem nobody has seen counts as longest: its first sample tells how long the others will be.
    lengths: (problem id, tokens) of samples drawn before.
    """

    def __init__(self, owed: Iterable[Owed], lengths: Iterable[tuple[str, int]] = ()) -> None:
        self._waiting: dict[str, list[Owed]] = defaultdict(list)
        for item in owed:
            self._waiting[item.problem.id].append(item)
        for items in self._waiting.values():
            items.reverse()
        self._seen: dict[str, tuple[int, int]] = {}
        self._under_way: dict[str, int] = defaultdict(int)
        for problem_id, n_tokens in lengths:
            self._note(problem_id, n_tokens)
        self._heap: list[tuple[float, int, str]] = []
        self._order = {problem_id: i for i, problem_id in enumerate(self._waiting)}
        for problem_id in self._waiting:
            self._push(problem_id)

    def _note(self, problem_id: str, n_tokens: int) -> None:
        total, count = self._seen.get(problem_id, (0, 0))
        self._seen[problem_id] = (total + n_tokens, count + 1)

    def _rank(self, problem_id: str) -> float:
        """Lower is sooner."""
        total, count = self._seen.get(problem_id, (0, 0))
        if count:
            return -total / count
        # Unseen problems come first, each with one probe before any gets a second.
        return -1e12 + self._under_way[problem_id]

    def _push(self, problem_id: str) -> None:
        heapq.heappush(self._heap, (self._rank(problem_id), self._order[problem_id], problem_id))

    def next(self) -> Owed | None:
        """The next sample to draw; None when none is left."""
        while self._heap:
            rank, _, problem_id = heapq.heappop(self._heap)
            if not self._waiting[problem_id]:
                continue
            if rank != self._rank(problem_id):
                self._push(problem_id)
                continue
            item = self._waiting[problem_id].pop()
            self._under_way[problem_id] += 1
            if self._waiting[problem_id]:
                self._push(problem_id)
            return item
        return None

    def finished(self, problem_id: str, n_tokens: int) -> None:
        """A sample of the problem came out this long."""
        self._note(problem_id, n_tokens)
        if self._waiting.get(problem_id):
            self._push(problem_id)
