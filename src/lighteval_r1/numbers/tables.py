"""The table of estimates that a run, `score` and `compare` print."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lighteval_r1.numbers.intervals import Interval
from lighteval_r1.outside.words import counted
from lighteval_r1.records import Estimate

INTERVAL_HEADERS = ("95 % same problems", "95 % other problems")
RESULT_HEADERS = (
    "task",
    "pass@1",
    *INTERVAL_HEADERS,
    "problems",
    "samples",
    "truncated",
    "no answer",
    "mean tokens",
)


@dataclass(frozen=True)
class Row:
    """One line. truncated, no_answer, undecided: numbers of samples. None: not known.

    reasons: why samples have no answer, with their numbers. in_thinking: answers that were taken from the thinking.
    note: what must be said beside the score.
    early: samples that did not end by themselves, by reason; unfinished: those of them that are not right.
    """

    task: str
    pass_at_1: Estimate
    truncated: int | None
    no_answer: int | None
    undecided: int | None
    mean_tokens: float | None
    partial: bool = False
    reasons: Mapping[str, int] = field(default_factory=dict)
    in_thinking: int = 0
    note: str = ""
    early: Mapping[str, int] = field(default_factory=dict)
    unfinished: int = 0

    @property
    def why(self) -> str:
        """ "3 cut off, 1 nothing announced; 2 answers taken from the thinking"; "" where there is nothing to say."""
        n = self.in_thinking
        taken = f"{n} answer{'s' * (n != 1)} taken from the thinking" if n else ""
        return "; ".join(filter(None, [", ".join(f"{n} {reason}" for reason, n in self.reasons.items()), taken]))

    @property
    def bounds(self) -> str:
        """ "22.0 % cut off: the score is at least 60.0, at most 82.0"; "" where every reply that is not right ended."""
        if not self.unfinished:
            return ""
        value, n = self.pass_at_1.value, self.pass_at_1.n_samples
        parts = ", ".join(f"{percent(count / n)} % {reason}" for reason, count in self.early.items())
        return f"{parts}: the score is at least {percent(value)}, at most {percent(value + self.unfinished / n)}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def intervals(e: Estimate) -> list[str]:
    """Over new samples of the same problems, and over other problems, in percent."""
    return [span(e.same_problems), span(e.other_problems)]


def span(ends: Interval | None, *, sign: str = "") -> str:
    """ "49.8 to 65.8"; with sign "+": "-0.3 to +9.5". With more digits where its ends would be the same number."""
    if ends is None:
        return "–"
    low, high = (100 * end for end in ends)
    digits = next((n for n in (1, 2, 3) if f"{low:.{n}f}" != f"{high:.{n}f}"), 4)
    return f"{low:{sign}.{digits}f} to {high:{sign}.{digits}f}"


def cells(row: Row) -> list[str]:
    e = row.pass_at_1
    return [
        row.task + (" (partial)" if row.partial else ""),
        percent(e.value),
        *intervals(e),
        str(e.n_problems),
        str(e.n_samples),
        "–" if row.truncated is None else str(row.truncated),
        "–" if row.no_answer is None else str(row.no_answer),
        "–" if row.mean_tokens is None else f"{row.mean_tokens:.0f}",
    ]


def columns(table: list[list[str]], *, left: int = 1) -> str:
    """The first columns to the left, the others to the right, a line under the first row."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells))
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)


def results_table(rows: list[Row]) -> str:
    """Percent; notes say why samples have no answer, and of undecided ones the bound that they imply."""
    lines = [columns([list(RESULT_HEADERS), *(cells(row) for row in rows)])]
    for row in rows:
        if row.why:
            lines.append(f"{row.task}: without an answer {row.why}." if row.reasons else f"{row.task}: {row.why}.")
        if row.bounds:
            lines.append(f"{row.task}: {row.bounds}.")
        if row.undecided:
            most = row.pass_at_1.value + row.undecided / row.pass_at_1.n_samples
            lines.append(
                f"{row.task}: {counted(row.undecided, 'sample')} undecided (the grader was stopped by its limit), "
                f"counted as wrong; were all of them right, pass@1 would be {percent(most)}."
            )
    # Once, however many lines it is about.
    return "\n".join([*lines, *filter(None, dict.fromkeys(row.note for row in rows))])
