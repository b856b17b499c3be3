"""One line that lives: drawn of asked, tokens per second, truncated, pass@1 so far, time left."""

import asyncio
import sys
import time
from collections import defaultdict

from lighteval_r1.numbers.estimates import spread
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
        self._live = sys.stderr.isatty()

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

    def _show(self) -> None:
        print(f"\r\x1b[K{self.line()}" if self._live else self.line(), end="" if self._live else "\n", file=sys.stderr)
        sys.stderr.flush()

    def close(self) -> None:
        """Leaves the last line standing."""
        if self.scores:
            self._show()
            if self._live:
                print(file=sys.stderr)


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
