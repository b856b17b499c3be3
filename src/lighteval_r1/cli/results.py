"""`lighteval-r1 results`: the table of a run alone, also of one that is under way."""

from dataclasses import dataclass

from lighteval_r1.cli.options import ALSO_HELP, argument, option
from lighteval_r1.outside.words import say


@dataclass(frozen=True, kw_only=True)
class ResultsOptions:
    run: str = argument("A run: output folder, journal, graded file, details file, or Hub data set.")
    also: str = option("", ALSO_HELP, metavar="NAME,…")


def results_command(options: ResultsOptions) -> None:
    """Print a run's table, also while the run is under way."""
    say(table_of(options.run, also=options.also))


def table_of(source: str, *, also: str = "") -> str:
    """A line per task of what is drawn and graded; every line of an unfinished run says "partial"."""
    from lighteval_r1.numbers.estimators import also_lines, named
    from lighteval_r1.numbers.scores import run_table, task_row
    from lighteval_r1.runs.reading import read_run
    from lighteval_r1.runs.scored_runs import scored
    from lighteval_r1.runs.smells import in_words

    asked = named(also)
    run = scored("", read_run(source, texts=False), partial=True)
    rows = [
        task_row(task_run, name=name, scores=run.scores[name], partial=bool(run.partial[name]))
        for name, task_run in run.run.tasks.items()
    ]
    owed = [f"{name}: {words}." for name, words in run.partial.items() if words]
    more = also_lines(asked, run.run.tasks, run.scores)
    tasks = run.run.tasks
    table = run_table(list(tasks.values()), rows, scores=[run.scores[name] for name in tasks])
    return "\n".join([table, *more, *owed, *run.notes, *in_words(run.run)])
