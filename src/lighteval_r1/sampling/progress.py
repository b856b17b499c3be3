"""One line that lives: drawn of asked, tokens per second, truncated, pass@1 so far, time left; and what stops it."""

import asyncio
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lighteval_r1.numbers.estimates import spread
from lighteval_r1.outside.words import tell
from lighteval_r1.records import Sample

# On a terminal the line is drawn anew this often; in a log file a line is written this often.
TERMINAL_EVERY_S = 0.5
LOG_EVERY_S = 60.0


class Progress:
    """n_drawn: samples there before; n_owed: samples this run draws."""

    # Grades of samples drawn before also arrive here; only the samples of this run tell its speed.

    def __init__(self, *, n_owed: int, n_drawn: int) -> None:
        self.n_owed = n_owed
        self.n_drawn = n_drawn
        self.n_done = 0
        self.n_tokens = 0
        self.n_truncated = 0
        self.scores: dict[str, list[float]] = defaultdict(list)
        # of adaptive tasks, how near each is to its error
        self.errors: dict[str, str] = {}
        self.began = time.monotonic()
        self._live = getattr(sys.stderr, "screen", sys.stderr).isatty()

    async def live(self) -> None:
        """Shows the line now and then until it is cancelled, also while nothing finishes.

        Call it as sampling begins, and again for each further round.
        """
        if not self.n_done:
            self.began = time.monotonic()
        while True:
            await asyncio.sleep(TERMINAL_EVERY_S if self._live else LOG_EVERY_S)
            self._show()

    def drawn(self, sample: Sample) -> None:
        """A sample of this run was drawn."""
        self.n_done += 1
        self.n_tokens += sample.n_tokens or 0

    def graded(self, sample: Sample) -> None:
        """A sample, of this run or an earlier one, was graded."""
        self.n_truncated += sample.finish_reason == "length"
        self.scores[sample.problem_id].append(sample.outcome.score)

    def line(self) -> str:
        elapsed = max(1e-9, time.monotonic() - self.began)
        rate = self.n_tokens / elapsed
        parts = [f"{self.n_drawn + self.n_done}/{self.n_drawn + self.n_owed} samples"]
        if self.n_done:
            parts.append(f"{rate:,.0f} tokens/s")
        elif self.n_owed:
            parts.append(f"none finished for {duration(elapsed)}")
        parts.append(f"{self.n_truncated} truncated")
        if self.scores:
            so_far = spread([*self.scores.values()])
            error = f" ± {100 * so_far.se_problems:.1f}" if so_far.se_problems else ""
            parts.append(f"pass@1 so far {100 * so_far.value:.1f}{error}")
        parts += [f"{task} {words}" for task, words in self.errors.items() if words]
        if rate > 0 and self.n_done < self.n_owed:
            left = (self.n_owed - self.n_done) * (self.n_tokens / self.n_done) / rate
            parts.append(f"{duration(left)} left")
        return ", ".join(parts)

    @property
    def kept(self) -> str:
        return f"{self.n_drawn + self.n_done:,} of {self.n_drawn + self.n_owed:,} are kept"

    def _show(self) -> None:
        tell(f"\r\x1b[K{self.line()}" if self._live else self.line(), end="" if self._live else "\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Leaves the last line standing."""
        if self.scores:
            self._show()
            if self._live:
                tell("")


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def heeded_signals() -> dict[int, Any]:
    """Ctrl-C, TERM and a lost terminal, with what they do now; without those that are ignored (nohup)."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return {number: how for number in numbers if (how := signal.getsignal(number)) is not signal.SIG_IGN}


@contextmanager
def stopped_by_signals() -> Iterator[list[int]]:
    """The first of the signals that are heeded cancels the task that asks, and is put into the list."""
    came: list[int] = []
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop(number: int) -> None:
        if not came:
            came.append(number)
            task.cancel()

    # Python gives signals to its main thread alone
    heeded = heeded_signals() if threading.current_thread() is threading.main_thread() else {}
    for number in heeded:
        loop.add_signal_handler(number, stop, number)
    try:
        yield came
    finally:
        for number, how in heeded.items():
            loop.remove_signal_handler(number)
            if how is not None:
                signal.signal(number, how)
