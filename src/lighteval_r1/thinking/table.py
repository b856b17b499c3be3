"""The measures as lines of a table, for the terminal and the page alike."""

from lighteval_r1.numbers.tables import columns
from lighteval_r1.records import Estimate
from lighteval_r1.thinking.measures import OVERTHINKING
from lighteval_r1.thinking.summary import MEASURES, Measure, Part, TaskThinking

MEASURE_HEADERS = ("T", "T^", "T - T^", "T^/T", "thoughts", "accuracy", "reached", "T^/T, else 0")
COUNTS = ("lost", "under", "over")


def head(words: str) -> list[str]:
    return [words, "problems", "replies", *MEASURE_HEADERS, *COUNTS]


def thinking_table(task: TaskThinking) -> str:
    return columns([head(task.name), *([words, *cells] for words, _, cells in task_lines(task))])


def task_lines(task: TaskThinking) -> list[tuple[str, bool, list[str]]]:
    """(what a line is of, whether it is the first of that, its cells): all problems, then each value of each group."""
    several = len(task.runs) > 1
    parts = [("all", task.whole)]
    for group, values in task.groups.items():
        for value, of_runs in values.items():
            parts.append((value if value.casefold().startswith(group.casefold()) else f"{group} {value}", of_runs))
    return [
        (f"{words} {part.run}" if several else words, place == 0, cells_of(part))
        for words, of_runs in parts
        for place, part in enumerate(of_runs)
    ]


def cells_of(part: Part) -> list[str]:
    cells = [cell(part.measures[measure.name], measure) for measure in MEASURES]
    counts = [
        "–" if part.unknown == part.n_replies else str(count)
        for count in (part.lost, part.underthinking, part.overthinking)
    ]
    return [str(part.n_problems), str(part.n_replies), *cells, *counts]


def cell(mean: Estimate | None, measure: Measure) -> str:
    """ "412 (342–482)", "61.3 (53–69)"; "–" where no reply has the measure."""
    if mean is None:
        return "–"
    scale = 100 if measure.share else 1
    digits = 1 if measure.share or measure.name == "thoughts" or mean.value < 100 else 0
    shown = f"{scale * mean.value:.{digits}f}"
    if mean.other_problems is None:
        return f"{shown} (–)"
    # As many digits as tell the ends apart.
    low, high = (scale * end for end in mean.other_problems)
    digits = next((n for n in (0, 1, 2, 3) if f"{low:.{n}f}" != f"{high:.{n}f}"), 4)
    return f"{shown} ({low:.{digits}f}–{high:.{digits}f})"


def thinking_legend() -> str:
    return (
        "Means over problems, in brackets 95 % intervals for other problems; T in tokens, shares in percent.\n"
        "T^: up to the first correct answer in the thinking,\n"
        "over replies that reach it. lost: reached, yet no right final answer. under: lost after a change of approach. "
        f"over: right, with T at least {OVERTHINKING} T^."
    )
