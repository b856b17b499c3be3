"""The table of estimates that a run, `score` and `compare` print."""

from dataclasses import dataclass

from lighteval_r1.records import Estimate

HEADERS = ("task", "pass@1", "± resampling", "± problems", "problems", "samples", "truncated", "no answer", "mean tokens")


@dataclass(frozen=True)
class Row:
    """One line. truncated, no_answer, undecided: numbers of samples. truncated, mean_tokens None: not known."""

    task: str
    pass_at_1: Estimate
    truncated: int | None
    no_answer: int
    undecided: int
    mean_tokens: float | None
    partial: bool = False


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def cells(row: Row) -> list[str]:
    e = row.pass_at_1
    return [
        row.task + (" (partial)" if row.partial else ""),
        percent(e.value),
        percent(e.se_resampling),
        percent(e.se_problems),
        str(e.n_problems),
        str(e.n_samples),
        "–" if row.truncated is None else str(row.truncated),
        str(row.no_answer),
        "–" if row.mean_tokens is None else f"{row.mean_tokens:.0f}",
    ]


def results_table(rows: list[Row]) -> str:
    """Right-aligned columns, percent; a note for each row with undecided samples says the bound they imply."""
    table = [list(HEADERS), *(cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADERS))]
    lines = []
    for line in table:
        first, *rest = line
        lines.append("  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]))
    lines.insert(1, "-" * len(lines[0]))
    for row in rows:
        if row.undecided:
            most = row.pass_at_1.value + row.undecided / row.pass_at_1.n_samples
            lines.append(
                f"{row.task}: {row.undecided} samples undecided (the grader was stopped by its limit), counted as wrong; "
                f"were all of them right, pass@1 would be {percent(most)}."
            )
    return "\n".join(lines)
