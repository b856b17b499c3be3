"""Compares runs: with each other on the same problems, with published numbers, and over the steps of a training."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from lighteval_r1.numbers import distances, estimates
from lighteval_r1.numbers.baselines import (
    Baseline,
    all_beside,
    benchmark_of,
    leaderboard_rows,
    of_model,
    on_task,
    read_baselines,
    spread,
)
from lighteval_r1.numbers.means import means_table
from lighteval_r1.numbers.scores import task_row
from lighteval_r1.numbers.tables import INTERVAL_HEADERS, columns, intervals, percent, results_table
from lighteval_r1.records import Run, TaskRun, UserError
from lighteval_r1.report.differences import against_first, both_p, common_tasks, label, paired, sampling_words
from lighteval_r1.report.summary import means
from lighteval_r1.runs.outputs import writing
from lighteval_r1.runs.pairing import differences, paired_problems, pooled, step_of, tasks_of_all
from lighteval_r1.runs.scored_runs import ScoredRun, letter_of, scored, sorted_out


def compare(
    runs: Sequence[str],
    *,
    pool: bool = False,
    partial: bool = False,
    baselines: Path | None = None,
    refresh: bool = False,
    checkpoints: bool = False,
    figures: Path | None = None,
) -> str:
    """What the command prints: what differs first, then the numbers. runs: also names of published models.

    refresh: whether the Hub's leaderboards are asked for published numbers. figures: a folder for the curve over
    checkpoints.
    Raises OwedError where a run owes samples, unless partial; UserError where two runs have no problem in common.
    """
    if figures is not None and not checkpoints:
        raise UserError("--figures draws the curve of --checkpoints; the pictures of other runs are the report's.")
    rows = [*read_baselines(baselines), *(leaderboard_rows() if refresh else ())]
    read, models = sorted_out(runs, rows)
    if not read:
        raise UserError(
            "name at least one run to compare: an output folder, a results or details file, or a data set of details."
        )
    if pool:
        read = pooled(read)
    if checkpoints:
        read = by_step(read)
    told = [scored(letter_of(place), run, partial=partial) for place, run in enumerate(read)]
    parts = [legend(told), notes_of(told)]
    if checkpoints:
        parts += [apart(told[0], other, meant=("revision",)) for other in told[1:]] + [curves(told)]
        parts += [drawn(told, figures)] if figures is not None else []
    else:
        parts += [apart(told[0], other) for other in told[1:]]
        parts += [table(told), *against_first(told)]
    parts.append(against_published(told, models, rows))
    return "\n\n".join(part for part in parts if part)


def legend(told: Sequence[ScoredRun]) -> str:
    lines = []
    for each in told:
        revision = str(each.run.settings.get("revision", ""))[:19]
        lines.append(
            f"{each.letter}  {each.run.model.rstrip('/').split('/')[-1]}  {revision}  {each.run.path}".replace(
                "    ", "  "
            )
        )
    return "\n".join(lines)


def notes_of(told: Sequence[ScoredRun]) -> str:
    lines = [f"{each.letter}: {note}" for each in told for note in each.notes]
    lines += [
        f"{each.letter}, {task}: partial, {words}." for each in told for task, words in each.partial.items() if words
    ]
    return "\n".join(lines)


def apart(first: ScoredRun, second: ScoredRun, *, meant: Sequence[str] = ()) -> str:
    """What differs between two runs, named before any number. UserError where they have nothing in common."""
    tasks = common_tasks(first, second)
    if not tasks:
        raise UserError(
            f"{first.run.path} and {second.run.path} have no task in common "
            f"({', '.join(first.run.tasks)}; {', '.join(second.run.tasks)})."
        )
    if not any(paired_problems(*pair) for pair in tasks):
        raise UserError(
            f"{first.run.path} and {second.run.path} have no problem in common on "
            f"{', '.join(task.task for task, _ in tasks)}."
        )
    words = list(differences(first.run, second.run, tasks, apart=meant))
    return f"Differs from {first.letter} to {second.letter}: {'; '.join(words)}." if words else ""


def table(told: Sequence[ScoredRun]) -> str:
    """All tasks of all runs; where runs have several tasks in common, the means over these."""
    rows = []
    for name in dict.fromkeys(name for each in told for name in each.run.tasks):
        rows += [
            task_row(
                each.run.tasks[name],
                name=f"{name} {each.letter}",
                scores=each.scores[name],
                partial=bool(each.partial[name]),
            )
            for each in told
            if name in each.run.tasks
        ]
    below = [sampling_words(told), f"\n{means}" if (means := means_of(told)) else ""]
    return "\n".join(filter(None, [results_table(rows), *below]))


def means_of(told: Sequence[ScoredRun]) -> str:
    """The means over the tasks that all runs have, and which are left out; "" of fewer than two."""
    tasks = tasks_of_all([each.run for each in told])
    lines = [
        (f"{mean.name} {mean.scored.run}{' (partial)' if mean.partial else ''}", mean.scored.estimate)
        for of_run in means(told)
        for mean in of_run
    ]
    if not lines:
        return ""
    counted = {task[place].task for task in tasks for place in range(len(told))}
    left = [name for name in dict.fromkeys(name for each in told for name in each.run.tasks) if name not in counted]
    words = [f"Not in the means, as not every run has it: {', '.join(left)}."] if left else []
    return "\n".join([means_table(lines), *words])


def against_published(told: Sequence[ScoredRun], models: Sequence[str], rows: Sequence[Baseline]) -> str:
    """Each run beside the published numbers of its own model and of the models named."""
    lines, found_of = [], dict.fromkeys(models, False)
    for each in told:
        for model in dict.fromkeys([each.run.model, *models]):
            for name, task in each.run.tasks.items():
                lines += published_lines(each, name, task, of_model(model, rows))
                if model in found_of and on_task(name, of_model(model, rows)):
                    found_of[model] = True
    for model, found in found_of.items():
        if not found:
            tasks = sorted({row.task for row in of_model(model, rows)})
            lines.append(f"{model} has no published number on these tasks; it has on {', '.join(tasks)}.")
    lines = list(dict.fromkeys(lines))
    return "\n".join(["Published (by the error of resampling: the problems are the same)", *lines]) if lines else ""


def published_lines(each: ScoredRun, name: str, task: TaskRun, rows: Sequence[Baseline]) -> list[str]:
    """One line per number, over the whole task and over the groups that numbers were published for: what was measured
    alike first, and the spread among those who measured."""
    known = benchmark_of(name)
    of_task = [row for row in rows if row.task == (known.name if known else name)]
    lines = []
    for over in dict.fromkeys(row.group for row in of_task):
        group, _, value = over.partition("=")
        places = [
            place for place, problem in enumerate(task.problems) if not group or problem.groups.get(group) == value
        ]
        if not places:
            continue
        ours = estimates.estimate([each.scores[name][place] for place in places])
        numbers = all_beside([row for row in of_task if row.group == over], ours, each.run.settings)
        begin = f"{label(each, name)}{f' {over}' if over else ''}: "
        for found in numbers:
            against = f"{percent(ours.value)} against {percent(found.value)} of {found.name}"
            lines.append(f"{begin}{against}: {found.words}  {found.source}")
        if words := spread(numbers, ours.value):
            lines.append(f"{begin}{rows[0].model.split('/')[-1]} was {words}.")
    return lines


def by_step(runs: Sequence[Run]) -> list[Run]:
    """Sorted by training step. UserError where a run tells none, or two tell the same."""
    steps = [(step_of(run), run) for run in runs]
    for step, run in steps:
        if step is None:
            raise UserError(
                f"{run.path} tells no training step: neither its revision {run.settings.get('revision', '')!r} nor its "
                f"model's name {run.model!r} holds one, such as checkpoint-100 or step_100."
            )
    if len({step for step, _ in steps}) < len(steps):
        twice = sorted(step for step, _ in steps if [s for s, _ in steps].count(step) > 1)[0]
        raise UserError(f"two runs are of step {twice}; join them with --pool, or leave one out.")
    return [run for _, run in sorted(steps, key=lambda item: item[0])]


def curves(told: Sequence[ScoredRun]) -> str:
    """Per task a table over training steps, each with its change since the step before and since the first."""
    of_task = {
        name: [each for each in told if name in each.run.tasks]
        for name in dict.fromkeys(name for each in told for name in each.run.tasks)
    }
    steps = [(name, *pair) for name, members in of_task.items() for pair in pairwise(members)]
    before = changes(steps)
    since = changes([(name, members[0], each) for name, members in of_task.items() for each in members[1:]])
    head = ["step", "pass@1", *INTERVAL_HEADERS, "since the step before", "p", "since the first", "p"]
    tables = []
    for name, members in of_task.items():
        lines = [head]
        for each in members:
            found = estimates.estimate(each.scores[name])
            step = f"{step_of(each.run)} {each.letter}" + (" (partial)" if each.partial[name] else "")
            moved = ["–"] * 4 if each is members[0] else [*next(before), *next(since)]
            lines.append([step, percent(found.value), *intervals(found), *moved])
        tables.append(f"{name}\n{columns(lines)}")
    if len(steps) > 1:
        tables.append(f"{len(steps)} comparisons in a column: the second of two p is Holm's, for all of them.")
    return "\n\n".join(tables)


def drawn(told: Sequence[ScoredRun], folder: Path) -> str:
    """Writes the curves of all tasks as pictures; their paths, a line each."""
    # Only here: matplotlib takes a second to import.
    from lighteval_r1.report.pictures import Checkpoint, write_checkpoints

    tasks: dict[str, list[Checkpoint]] = {}
    for each in told:
        for name, scores in each.scores.items():
            step = step_of(each.run)
            assert step is not None  # by_step refuses a run without
            tasks.setdefault(name, []).append(Checkpoint(step, estimates.estimate(scores), bool(each.partial[name])))
    with writing(folder):
        return "\n".join(map(str, write_checkpoints(tasks, folder)))


def changes(steps: Sequence[tuple[str, ScoredRun, ScoredRun]]) -> Iterator[list[str]]:
    """Per step of a task the difference and its p, with Holm's for all steps where there are several."""
    found = [paired(old, new, old.run.tasks[name], new.run.tasks[name]).found for name, old, new in steps]
    corrected = iter(distances.holm([difference.p_resampling for difference in found if difference]))
    for difference in found:
        if difference is None:
            yield ["–", "–"]
        else:
            p = next(corrected)
            yield [f"{100 * difference.value:+.1f}", both_p(difference.p_resampling, p if len(steps) > 1 else None)]
