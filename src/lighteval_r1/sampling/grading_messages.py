"""What the pool and its grading processes agree on: how texts travel, and which golds the other end still has."""

from collections import OrderedDict

# Golds of programs are megabytes of tests: each process keeps the latest up to this, so that they travel once.
KEPT_GOLD_BYTES = 32 * 2**20


class LatestGolds:
    """The same rule on both ends decides which golds the other end still has; the sender keeps only their lengths."""

    def __init__(self) -> None:
        self._golds: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._n_bytes = 0

    def get(self, gold_id: str) -> str | None:
        if gold_id not in self._golds:
            return None
        self._golds.move_to_end(gold_id)
        return self._golds[gold_id][1]

    def add(self, gold_id: str, *, n_bytes: int, gold: str = "") -> None:
        self._golds[gold_id] = (n_bytes, gold)
        self._n_bytes += n_bytes
        while self._n_bytes > KEPT_GOLD_BYTES and len(self._golds) > 1:
            _, (dropped, _) = self._golds.popitem(last=False)
            self._n_bytes -= dropped


def to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def from_bytes(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")
