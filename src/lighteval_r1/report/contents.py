"""The report: one page to look at, with the replies behind its numbers in files beside it. Computes nothing itself."""

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from lighteval_r1 import __version__
from lighteval_r1.numbers.estimators import Estimator, estimated
from lighteval_r1.numbers.scores import note_of
from lighteval_r1.outside.words import counted
from lighteval_r1.records import Estimate, Run, RunProblem
from lighteval_r1.report import page
from lighteval_r1.report.differences import on_the_page, sampling_words
from lighteval_r1.report.page.excerpts import Parts, excerpt_characters, write_replies
from lighteval_r1.report.page.tables import Table, grid_data, sample_data
from lighteval_r1.report.page.thinking_section import section, write_whole
from lighteval_r1.report.summary import Published, TaskSummary, means, task_summary, with_implied
from lighteval_r1.runs.outputs import check_page, writing
from lighteval_r1.runs.pairing import differences
from lighteval_r1.runs.scored_runs import ScoredRun, scored
from lighteval_r1.runs.smells import task_smells, titles
from lighteval_r1.thinking.summary import Told

# (model, settings, task, our estimate, group) -> the published numbers beside ours
PublishedOf = Callable[[str, Mapping[str, object], str, Estimate, str], Sequence[Published]]


def write_report(
    runs: Sequence[Run],
    *,
    out: Path,
    published: PublishedOf,
    partial: bool = False,
    figures: Path | None = None,
    thinking: Told | None = None,
    also: Sequence[Estimator] = (),
    made_of: str = "",
) -> None:
    """The page at out; its replies in full in `<stem>.files/` beside it; the pictures in figures.

    Runs and tasks stand as they were named. thinking: how the replies think (lighteval_r1.thinking), a section per
    task. made_of: what a page behind an index says it was made of.
    Raises OwedError while samples are owed or ungraded, unless partial.
    """
    check_page(out)
    names = list(dict.fromkeys(name for run in runs for name in run.tasks))
    labels = run_labels(runs)
    told = [scored(label, run, partial=partial, purpose="report") for label, run in zip(labels, runs, strict=True)]
    beside = {
        label: functools.partial(published, run.model, run.settings) for label, run in zip(labels, runs, strict=True)
    }
    with_scores = [name for name in names if any(name in each.run.tasks for each in told)]
    tasks = [task_summary(name, told, published=beside) for name in with_scores]
    content = {
        "title": title(runs, names),
        "subtitle": subtitle(runs),
        "notices": notices(told),
        "several_runs": len(runs) > 1,
        "tasks": tasks,
        "also": also_rows(also, told),
        "sampling": sampling_words(told),
        "pairs": on_the_page(told),
        "means": [mean for kind in zip(*means(told), strict=True) for mean in kind],
        "exact": [{"label": label, "lines": exact_lines(run)} for label, run in zip(labels, runs, strict=True)],
        "thinking": {each.name: section(each) for each in thinking.tasks} if thinking else {},
        "thinking_notes": thinking.notes if thinking else [],
        "version": __version__,
        "made_of": made_of,
    }
    if figures is not None:
        with writing(figures):
            write_pictures(tasks, figures, thinking=thinking)
    with writing(out):
        shown = tables(runs, told, with_scores)
        write_page(shown, content | {"smells": smells_of(shown, several=len(runs) > 1), "address": address}, out=out)


def also_rows(also: Sequence[Estimator], told: Sequence[ScoredRun]) -> list[tuple[str, str, str, Estimate | None]]:
    """(task, run, estimator, estimate) of the estimators that were asked for beside pass@1."""
    return [
        (task, each.letter, name, found)
        for each in told
        for task, task_run in each.run.tasks.items()
        for name, found in estimated(also, task_run, each.scores[task]).items()
    ]


def write_pictures(tasks: Sequence[TaskSummary], folder: Path, *, thinking: Told | None) -> None:
    # Only here: matplotlib takes a second to import.
    from lighteval_r1.report import pictures as figures
    from lighteval_r1.report import thinking_pictures as thinking_figures

    figures.write_figures(tasks, folder)
    if thinking is not None:
        thinking_figures.write_figures(thinking.tasks, folder)


def run_labels(runs: Sequence[Run]) -> list[str]:
    """What tells the runs apart: the model's short name, else its revision, else the settings or the part of the path
    that differ, else a number."""
    apart = [
        name
        for name in dict.fromkeys(name for run in runs for name in run.settings)
        if name not in ("model", "revision") and len({_text(run.settings.get(name)) for run in runs}) > 1
    ]
    for words in (
        lambda run: short_name(run.model),
        lambda run: _said_revision(run),
        lambda run: f"{short_name(run.model)} {str(run.settings.get('revision', ''))[:16]}",
        lambda run: ", ".join(
            [short_name(run.model), *(f"{_words(name)} {in_short(run.settings.get(name))}" for name in apart)]
        ),
        lambda run: _part_of_path(run, runs),
    ):
        labels = [words(run) for run in runs]
        if all(labels) and len(set(labels)) == len(labels):
            return labels
    return [f"{short_name(run.model)} [{place}]" for place, run in enumerate(runs)]


def _said_revision(run: Run) -> str:
    """A revision that someone chose: "" for the usual branch and for a digest."""
    revision = str(run.settings.get("revision", ""))
    return "" if revision == "main" or re.fullmatch(r"(sha256:)?[0-9a-f]{16,}", revision) else revision[:16]


def _part_of_path(run: Run, runs: Sequence[Run]) -> str:
    """The first folder or file on the run's path that no other run's path has at that place; "" where there is none."""
    places = zip(*(Path(each.path).parts for each in runs), strict=False)
    at = next((at for at, parts in enumerate(places) if len(set(parts)) == len(runs)), None)
    return "" if at is None else f"{short_name(run.model)}, {Path(run.path).parts[at].removesuffix('.json')}"


def short_name(model: str) -> str:
    return model.rstrip("/").split("/")[-1]


def tables(runs: Sequence[Run], told: Sequence[ScoredRun], names: Sequence[str]) -> list[Table]:
    """One per task and run. The baseline of a run is the first other run; of what differs, see flipped."""
    found = []
    for name in names:
        members = [(run, each) for run, each in zip(runs, told, strict=True) if name in each.run.tasks]
        right = [mostly_right(each, name) for _, each in members]
        for place, (run, each) in enumerate(members):
            task_run, rows = each.run.tasks[name], each.scores[name]
            # Of problems that LightEval's own metric graded, the run says how many samples were right, not which.
            counted = {
                problem.id: int(row.sum())
                for problem, row in zip(task_run.problems, rows, strict=True)
                if not problem.graded
            }
            shown = run.tasks[name] if each.partial[name] else with_implied(task_run, rows)
            other = 0 if place else 1
            if len(members) == 1:
                found.append(Table(name, each.letter, shown, counted=counted))
            else:
                differs = flipped(right[place], right[other])
                found.append(Table(name, each.letter, shown, members[other][1].letter, differs, counted))
    return found


def mostly_right(told: ScoredRun, name: str) -> dict[str, bool]:
    """By problem's id, whether most of its samples are right."""
    problems = told.run.tasks[name].problems
    return {problem.id: bool(row.mean() > 0.5) for problem, row in zip(problems, told.scores[name], strict=True)}


def flipped(one: Mapping[str, bool], other: Mapping[str, bool]) -> frozenset[str]:
    """Ids of the problems that most samples of one run get right and most of the other's do not."""
    return frozenset(problem_id for problem_id, right in one.items() if other.get(problem_id, right) != right)


def notices(told: Sequence[ScoredRun]) -> list[str]:
    """What a reader must know before the numbers: what is partial, what a run does not say, how runs differ."""
    said = [
        f"Partial: {name} of {each.letter}: {words}." for each in told for name, words in each.partial.items() if words
    ]
    said += [
        f"A part of {name} was asked of {each.letter}: {task_run.part}."
        for each in told
        for name, task_run in each.run.tasks.items()
        if task_run.part
    ]
    said += [f"{each.letter}: {note}" for each in told for note in each.notes]
    said += filter(None, dict.fromkeys(note_of(task_run) for each in told for task_run in each.run.tasks.values()))
    first, *others = told
    for each in others:
        tasks = [(task, each.run.tasks[name]) for name, task in first.run.tasks.items() if name in each.run.tasks]
        words = list(differences(first.run, each.run, tasks))
        said += [f"Differs from {first.letter} to {each.letter}: {'; '.join(words)}."] if words else []
    return said


def smells_of(shown: Sequence[Table], *, several: bool) -> list[dict]:
    """What a careful reader would look at, each with links to replies on the page."""
    return [
        {
            "words": f"{table.task}{f' of {table.run_label}' if several else ''}: {smell}",
            "links": [
                (title, address(table.task, table.task_run.problems[place], sample.index, table.run_label))
                for title, (place, sample) in zip(titles(table.task_run, smell), smell.examples, strict=True)
            ],
        }
        for at, table in enumerate(shown)
        for smell in task_smells(table.task, table.task_run)
    ]


def address(task: str, problem: RunProblem, index: int, run: str) -> str:
    """The part behind "#" that opens a reply on this page, and on every other that has it."""
    return "#" + "/".join(quote(part, safe="", errors="replace") for part in (task, problem.title, str(index), run))


def title(runs: Sequence[Run], names: Sequence[str]) -> str:
    models = list(dict.fromkeys(short_name(run.model) for run in runs))
    return f"{_some(models)} on {_some(names)}"


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def subtitle(runs: Sequence[Run]) -> str:
    n_samples = sum(len(task.samples) for run in runs for task in run.tasks.values())
    n_runs = f"{len(runs)} runs, " if len(runs) > 1 else ""
    return f"{n_runs}{counted(n_samples, 'sample')}"


def exact_lines(run: Run) -> list[tuple[str, str]]:
    """(name, value) of all that decided the numbers, as far as the run says."""
    environment = dict(run.environment)
    lines = [("model", run.model), ("read from", run.path)]
    lines += [(_words(name), _text(value)) for name, value in run.settings.items() if name != "model"]
    for name in ("versions", "python", "gpus", "platform"):
        if name in environment:
            lines.append((_words(name), _text(environment.pop(name))))
    command = environment.pop("command", None)
    lines += [(_words(name), _text(value)) for name, value in environment.items()]
    for name, task in run.tasks.items():
        hashes = [f"task version {task.version}", f"data {task.data_sha256}", f"prompts {task.prompts_sha256}"]
        lines.append((name, ", ".join(part for part in hashes if not part.endswith(" "))))
    return [*lines, *([("command", str(command))] if command else [])]


def _words(name: str) -> str:
    return {"gpus": "GPUs"}.get(name, name.replace("_", " "))


def in_short(value: object) -> str:
    """A setting in a few words."""
    return _text(value)[:32]


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items()) or "none"
    if isinstance(value, list):
        counts = Counter(_text(each) for each in value)
        return ", ".join(f"{n} × {each}" if n > 1 else each for each, n in counts.items()) or "none"
    return "none" if value is None else str(value)


def write_page(shown: Sequence[Table], content: dict, *, out: Path) -> None:
    """The page, and beside it `<stem>.files/` with the replies that do not fit into it."""
    names = list(dict.fromkeys(table.task for table in shown))
    folder = files_beside(out)
    data = grid_data(shown, task_names=names) | {"id": _page_id(shown), "folder": folder.name}
    n_samples = sum(len(table.task_run.samples) for table in shown)
    samples = []
    for at, table in enumerate(shown):

        def keep(place: int, replies: list[Parts | None], *, at: int = at) -> None:
            folder.mkdir(exist_ok=True)
            path = folder / f"{at}-{place}.js"
            write_replies(path, page_id=data["id"], replies=replies)
            data["tables"][at]["rows"][place]["file"] = path.name

        samples.append(sample_data(table, characters=excerpt_characters(n_samples), keep=keep))
    # Last, so that a page never stands without the files it names.
    write_whole(page.render(content, data=data, samples=samples), out=out)


def files_beside(out: Path) -> Path:
    """The folder that belongs to a page."""
    return out.with_name(re.sub(r"[^\w.-]", "-", out.stem, flags=re.ASCII) + ".files")


def _page_id(shown: Sequence[Table]) -> str:
    """Says which page a reply file belongs to: a digest of every reply."""
    digest = hashlib.sha256()
    for table in shown:
        for sample in table.task_run.samples:
            text = f"{table.task} {sample.problem_id} {sample.index} {len(sample.reply)} {sample.reply}"
            digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
