"""Which files a run is: an output folder, one results or details file, or a data set of details on the Hub.

LightEval 0.13 writes  OUT/results/<model>/results_<date>.json  and
OUT/details/<model>/<date>/details_<task>_<date>.parquet; its own pushes to the Hub lie as  results_<date>.json  and
<date>/details_<task>_<date>.parquet;  both in one folder is read too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lighteval_r1.outside.folders import files_below
from lighteval_r1.outside.hub_repositories import download, repo_files
from lighteval_r1.outside.words import one_line
from lighteval_r1.records import UserError

HUB = "hf://datasets/"
LIGHTEVAL = "0.13"
DATE = r"(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)"
RESULTS = re.compile(rf"results_{DATE}\.json")
DETAILS = re.compile(rf"details_(?P<task>.+)_{DATE}\.parquet")


# Our own pushes keep a row per sample; the split is named by the run's date.
ROWS = re.compile(r"(?:.*/)?rows/(?P<task>[^/]+)/(?P<split>[^/]+)\.parquet")


@dataclass(frozen=True)
class RunFiles:
    """The files of a run. results None: only details were named or are there. n_runs: runs there were to choose from.

    details: LightEval's, by the task's full name. rows: where no details are there, pushed rows by task.
    """

    results: Path | None
    date: str
    details: dict[str, Path] = field(default_factory=dict)
    n_runs: int = 1
    rows: dict[str, Path] = field(default_factory=dict)


def task_name(task: str) -> str:
    """ "r1_aime24@n=4|0" -> "r1_aime24"."""
    return task.split("|")[0].split("@")[0]


def run_files(source: str | Path) -> RunFiles:
    """The newest run under an output folder, or the run of one results_….json. UserError where there is none."""
    files = find(source)
    if files.results is None:
        raise UserError(f"{source} holds no results_<date>.json: it is not the output folder of a run that ended.")
    return files


def find(source: str | Path) -> RunFiles:
    """The files of the run that source names; of several runs in a folder, the newest.

    UserError where there is none.
    """
    text = str(source)
    if text.startswith(HUB):
        return downloaded(text)
    path = Path(text).expanduser()
    if path.is_dir():
        return in_folder(path)
    if not path.exists():
        raise UserError(f"there is no run {text}: no such file or folder.")
    if match := RESULTS.fullmatch(path.name):
        return files_of(path, match["date"])
    if match := DETAILS.fullmatch(path.name):
        return RunFiles(results_of(path, match["date"]), match["date"], {match["task"]: path})
    if path.suffix == ".parquet":
        return RunFiles(None, "", {path.stem: path})
    raise UserError(
        f"{text} is no run: name LightEval's output folder, a results_<date>.json, a details_<task>_<date>.parquet "
        f"or {HUB}NAMESPACE/NAME."
    )


def results_in(folder: Path) -> list[Path]:
    """Results files of the folder's runs, the newest last."""
    named = files_below(folder, "results_*.json")
    dates = {path: match["date"] for path in named if (match := RESULTS.fullmatch(path.name))}
    return sorted(dates, key=lambda path: (dates[path], str(path)))


def in_folder(folder: Path) -> RunFiles:
    if results := results_in(folder):
        check_one_model(folder, results)
        date = results[-1].name.removeprefix("results_").removesuffix(".json")
        return replace(files_of(results[-1], date), n_runs=len(results))
    details = {
        path: match for path in files_below(folder, "details_*.parquet") if (match := DETAILS.fullmatch(path.name))
    }
    if not details and (rows := newest_rows([str(path) for path in files_below(folder, "*.parquet")])):
        return rows
    if not details:
        raise UserError(
            f"{folder} holds no run: no results_<date>.json and no details_<task>_<date>.parquet in it. "
            "Name the folder that --output-dir named."
        )
    dates = {match["date"] for match in details.values()}
    tasks = {match["task"]: path for path, match in sorted(details.items()) if match["date"] == max(dates)}
    return RunFiles(results_of(next(iter(tasks.values())), max(dates)), max(dates), tasks, len(dates))


def newest_rows(names: Sequence[str]) -> RunFiles | None:
    """The newest split among files of pushed rows; None where there are none."""
    matches = [match for name in names if (match := ROWS.fullmatch(name))]
    splits = {match["split"] for match in matches}
    rows = {match["task"]: Path(match.string) for match in matches if match["split"] == max(splits)}
    return RunFiles(None, max(splits), n_runs=len(splits), rows=rows) if rows else None


def check_one_model(folder: Path, results: list[Path]) -> None:
    """UserError where results of several models lie under the folder: the newest would be chosen by chance."""
    named = {str(place[1]) for path in results if (place := place_in(path, "results"))}
    if len(named) > 1:
        shown = ", ".join(sorted(named)[:3])
        raise UserError(
            f"{folder} holds runs of {len(named)} models ({shown}, …): name one of their results_<date>.json."
        )


def place_in(path: Path, name: str) -> tuple[Path, Path] | None:
    """Of a file in OUT/<name>/…/: OUT, and the folders between; None where it lies elsewhere."""
    home = next((parent for parent in path.parents if parent.name == name), None)
    return (home.parent, path.parent.relative_to(home)) if home else None


def files_of(results: Path, date: str) -> RunFiles:
    """The run's details, or its rows where it was pushed. UserError where there are none."""
    details = details_of(results, date)
    rows = {} if details else rows_beside(results)
    if not details and not rows:
        raise UserError(f"{results} has no details beside it. Run LightEval with --save-details (make evaluate does).")
    return RunFiles(results, date, details, rows=rows)


def rows_beside(results: Path) -> dict[str, Path]:
    """Rows by task of a push whose results file this is: lighteval/<split>/results_<date>.json."""
    split, place = results.parent.name, results.parent.parent
    return {path.parent.name: path for path in sorted(place.parent.glob(f"rows/*/{split}.parquet"))}


def details_of(results: Path, date: str) -> dict[str, Path]:
    """Details of the run by task; {} where there are none."""
    folders = [results.parent, results.parent / date]
    if place := place_in(results, "results"):
        folders.append(place[0] / "details" / place[1] / date)
    for folder in folders:
        paths = sorted(path for path in folder.glob("details_*.parquet") if path.name.endswith(f"_{date}.parquet"))
        if paths:
            return {path.name.removeprefix("details_").removesuffix(f"_{date}.parquet"): path for path in paths}
    return {}


def results_of(details: Path, date: str) -> Path | None:
    """The results file of the run that a details file belongs to; None where it is not there."""
    name = f"results_{date}.json"
    candidates = [details.parent / name, details.parent.parent / name]
    if place := place_in(details, "details"):
        candidates.append(place[0] / "results" / place[1].parent / name)
    return next((path for path in candidates if path.is_file()), None)


def downloaded(source: str) -> RunFiles:
    """hf://datasets/NAMESPACE/NAME[@REVISION][/PATH]: the newest run in it (under PATH), in the Hub's local cache."""
    match = re.fullmatch(
        r"(?P<repo>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?:/(?P<path>.+?))?/?", source.removeprefix(HUB)
    )
    if match is None:
        raise UserError(f"{one_line(source)} is not {HUB}NAMESPACE/NAME, with @REVISION and /PATH where wanted.")
    repo, place = match["repo"], {"repo_type": "dataset", "revision": match["revision"]}
    there = repo_files(repo, **place)
    names = [name for name in there if name.startswith(match["path"] or "")]
    dates = {name: run_file["date"] for name in names if (run_file := dated(name))}
    if not dates and (rows := newest_rows(names)):
        folder = download(repo, [str(path) for path in rows.rows.values()], **place)
        return replace(rows, rows={task: folder / path for task, path in rows.rows.items()})
    if not dates:
        raise UserError(f"{source} holds no run: no results_<date>.json and no details_<task>_<date>.parquet in it.")
    newest = max(dates.values())
    wanted = [name for name, date in dates.items() if date == newest]
    details = {named["task"]: name for name in wanted if (named := DETAILS.fullmatch(name.rsplit("/", 1)[-1]))}
    pushed = {}
    if not details:
        splits = {Path(name).parent.name for name in wanted}
        pushed = {at["task"]: at.string for name in there if (at := ROWS.fullmatch(name)) and at["split"] in splits}
    if not details and not pushed:
        raise UserError(f"{source} holds results of {newest} but no details: they may have been left out.")
    folder = download(repo, [*wanted, *pushed.values()], **place)
    results = [folder / name for name in wanted if name not in details.values()]
    return RunFiles(
        results[0] if results else None,
        newest,
        {task: folder / name for task, name in details.items()},
        len(set(dates.values())),
        {task: folder / name for task, name in pushed.items()},
    )


def dated(name: str) -> re.Match | None:
    last = name.rsplit("/", 1)[-1]
    return RESULTS.fullmatch(last) or DETAILS.fullmatch(last)
