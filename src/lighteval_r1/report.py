"""The report: one page to look at, with the replies behind its numbers in files beside it. Computes nothing itself."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from lighteval_r1 import __version__, page
from lighteval_r1.details import Run, TaskRun
from lighteval_r1.page.excerpts import Reply, excerpt_characters, write_replies
from lighteval_r1.page.tables import NOT_DRAWN, NOT_GRADED, Table, by_index, grid_data, letter, sample_data
from lighteval_r1.page.thinking import section
from lighteval_r1.records import Estimate, Outcome, OwedError, UserError
from lighteval_r1.summary import Published, TaskSummary, task_score, task_summary
from lighteval_r1.thinking.summary import Told

MISSING = {"finish_reason": "finish reasons", "n_tokens": "token counts", "seed": "seeds", "answer": "extracted answers"}


def write_report(
    runs: Sequence[Run],
    *,
    out: Path,
    published: Callable[[str, str, Estimate], Sequence[Published]],
    partial: bool = False,
    figures: Path | None = None,
    thinking: Told | None = None,
) -> None:
    """The page at out; its replies in full in `<stem>.files/` beside it; the pictures in figures.

    thinking: how the replies think (lighteval_r1.thinking), a section per task. published: (model, task, our estimate) -> the published numbers beside ours. Runs and tasks stand as they were named.
    Raises OwedError while samples are owed or ungraded, unless partial.
    """
    if out.suffix != ".html":
        raise UserError(f"{out} does not end in .html; name the page, such as report.html.")
    labels = run_labels(runs)
    names = list(dict.fromkeys(name for run in runs for name in run.tasks))
    if not names:
        raise UserError("these runs hold no task, so there is nothing to report.")
    partials = {}
    for label, run in zip(labels, runs, strict=True):
        for name, task_run in run.tasks.items():
            partials[label, name] = partial_words(task_run)
            if partials[label, name] and not partial:
                raise OwedError(
                    f"{name} of {label}: {partials[label, name]}, so there is no score yet. Run the same command again "
                    "to draw and grade only these, or report what there is with --partial."
                )
    tasks = [_task(name, labels, runs, partials=partials, published=published) for name in names]
    content = {
        "title": title(runs, names),
        "subtitle": subtitle(runs),
        "notices": notices(labels, runs, partials=partials),
        "several_runs": len(runs) > 1,
        "tasks": tasks,
        "means": [],
        "exact": [{"label": label, "lines": exact_lines(run)} for label, run in zip(labels, runs, strict=True)],
        "thinking": {each.name: section(each) for each in thinking.tasks} if thinking else {},
        "thinking_notes": thinking.notes if thinking else [],
        "version": __version__,
    }
    if figures is not None:
        from lighteval_r1 import figures as pictures

        pictures.write_figures(tasks, figures)
        if thinking is not None:
            from lighteval_r1.thinking.figures import write_figures

            write_figures(thinking.tasks, figures)
    write_page(tables(labels, runs, names), content, out=out)


def _task(name: str, labels: Sequence[str], runs: Sequence[Run], *, partials, published) -> TaskSummary:
    of_runs = {label: run.tasks[name] for label, run in zip(labels, runs, strict=True) if name in run.tasks}
    models = {label: run.model for label, run in zip(labels, runs, strict=True)}
    scores = []
    for label, task_run in of_runs.items():
        score = task_score(
            label,
            task_run,
            partial="partial" if partials[label, name] else "",
            published=lambda found, label=label: published(models[label], name, found),
        )
        if score is not None:
            scores.append(score)
    return task_summary(name, of_runs, scores=scores)


def run_labels(runs: Sequence[Run]) -> list[str]:
    """What tells the runs apart: the model's short name, else its revision, else where the run lies, else a number."""
    for words in (
        lambda run: short_name(run.model),
        lambda run: str(run.settings.get("revision", ""))[:16],
        lambda run: f"{short_name(run.model)} {str(run.settings.get('revision', ''))[:16]}",
        lambda run: run.path,
    ):
        labels = [words(run) for run in runs]
        if all(labels) and len(set(labels)) == len(labels):
            return labels
    return [f"{short_name(run.model)} [{place}]" for place, run in enumerate(runs)]


def short_name(model: str) -> str:
    return model.rstrip("/").split("/")[-1]


def tables(labels: Sequence[str], runs: Sequence[Run], names: Sequence[str]) -> list[Table]:
    """One per task and run. The baseline of a run is the first other run; of what differs, see flipped."""
    found = []
    for name in names:
        of_runs = [(label, run.tasks[name]) for label, run in zip(labels, runs, strict=True) if name in run.tasks]
        for place, (label, task_run) in enumerate(of_runs):
            if len(of_runs) == 1:
                found.append(Table(name, label, task_run))
                continue
            baseline, other = of_runs[0] if place else of_runs[1]
            found.append(Table(name, label, task_run, baseline, flipped(task_run, other)))
    return found


def flipped(one: TaskRun, other: TaskRun) -> frozenset[str]:
    """Ids of the problems that most samples of one run get right and most of the other's do not."""
    mostly = {problem.id: _mostly_right(problem) for problem in other.problems}
    return frozenset(
        problem.id for problem in one.problems if problem.id in mostly and _mostly_right(problem) != mostly[problem.id]
    )


def _mostly_right(problem) -> bool:
    right = sum(sample.outcome == Outcome.CORRECT for sample in problem.samples)
    return 2 * right > len(problem.samples)


def partial_words(task_run: TaskRun) -> str:
    """How many samples are owed or ungraded and which first; "" where none."""
    table = Table(task_run.task, "", task_run)
    states = [
        (f"{problem.name or problem.id}[{index}]", letter(sample))
        for problem in task_run.problems
        for index, sample in enumerate(by_index(problem, n=table.n))
    ]
    missing = [(where, state) for where, state in states if state in (NOT_DRAWN, NOT_GRADED)]
    if not missing:
        return ""
    where, state = missing[0]
    what = "not drawn" if state == NOT_DRAWN else "without a grade"
    return f"{len(missing)} of {len(states)} samples are owed or ungraded, first {where} ({what})"


def notices(labels: Sequence[str], runs: Sequence[Run], *, partials: dict[tuple[str, str], str]) -> list[str]:
    """What a reader must know before the numbers: what is partial, what a run does not say, data not as known."""
    said = [f"Partial: {name} of {label}: {words}." for (label, name), words in partials.items() if words]
    for label, run in zip(labels, runs, strict=True):
        samples = [s for task in run.tasks.values() for problem in task.problems for s in problem.samples]
        missing = [
            words for field, words in MISSING.items() if samples and all(getattr(s, field) is None for s in samples)
        ]
        if missing:
            said.append(f"{label} was made without this package's engine: its details hold no {', no '.join(missing)}.")
    return said


def title(runs: Sequence[Run], names: Sequence[str]) -> str:
    models = list(dict.fromkeys(short_name(run.model) for run in runs))
    return f"{_some(models)} on {_some(names)}"


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def subtitle(runs: Sequence[Run]) -> str:
    n_samples = sum(len(p.samples) for run in runs for task in run.tasks.values() for p in task.problems)
    n_runs = f"{len(runs)} runs, " if len(runs) > 1 else ""
    return f"{n_runs}{n_samples:,} samples"


def exact_lines(run: Run) -> list[tuple[str, str]]:
    """(name, value) of all that decided the numbers, as far as the run says."""
    environment = dict(run.environment)
    lines = [("model", run.model), ("read from", run.path)]
    lines += [(_words(name), _text(value)) for name, value in run.settings.items() if name != "model"]
    for name in ("versions", "python", "gpus", "platform"):
        if name in environment:
            lines.append((_words(name), _text(environment.pop(name)) or "none"))
    command = environment.pop("command", None)
    lines += [(_words(name), _text(value)) for name, value in environment.items()]
    for name, task in run.tasks.items():
        hashes = [f"task version {task.version}", f"data {task.data_sha256}", f"prompts {task.prompts_sha256}"]
        lines.append((name, ", ".join(part for part in hashes if not part.endswith(" "))))
    return [*lines, *([("command", str(command))] if command else [])]


def _words(name: str) -> str:
    return {"gpus": "GPUs"}.get(name, name.replace("_", " "))


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    if isinstance(value, list):
        counts = Counter(_text(each) for each in value)
        return ", ".join(f"{n} × {each}" if n > 1 else each for each, n in counts.items())
    return "none" if value is None else str(value)


def write_page(shown: Sequence[Table], content: dict, *, out: Path) -> None:
    """The page, and beside it `<stem>.files/` with the replies that do not fit into it."""
    names = list(dict.fromkeys(table.task for table in shown))
    folder = out.with_name(re.sub(r"[^\w.-]", "-", out.stem, flags=re.ASCII) + ".files")
    out.parent.mkdir(parents=True, exist_ok=True)
    data = grid_data(shown, task_names=names) | {"id": _page_id(shown), "folder": folder.name}
    n_samples = sum(len(problem.samples) for table in shown for problem in table.task_run.problems)
    samples = []
    for at, table in enumerate(shown):

        def keep(place: int, replies: list[Reply | None], *, at: int = at) -> None:
            folder.mkdir(exist_ok=True)
            path = folder / f"{at}-{place}.js"
            write_replies(path, page_id=data["id"], replies=replies)
            data["tables"][at]["rows"][place]["file"] = path.name

        samples.append(sample_data(table, characters=excerpt_characters(n_samples), keep=keep))
    # Last and at once, so that a page never stands half written or without the files it names.
    whole = out.with_name(out.name + ".new")
    # A command line may hold bytes that are no text.
    whole.write_text(page.render(content, data=data, samples=samples), encoding="utf-8", errors="backslashreplace")
    whole.replace(out)


def _page_id(shown: Sequence[Table]) -> str:
    """Says which page a reply file belongs to: a digest of every reply."""
    digest = hashlib.sha256()
    for table in shown:
        for problem in table.task_run.problems:
            for sample in problem.samples:
                told = f"{table.task} {problem.id} {sample.index} {len(sample.reply)} {sample.reply}"
                digest.update(told.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
