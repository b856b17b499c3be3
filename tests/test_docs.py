"""README and docs hold: their commands run and print what is shown, names and options exist, links lead somewhere."""

import ast
import doctest
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import GAP, LINK, PAGES, README, ROOT, Command, anchors, blocks, commands, prose, said
from test_architecture import MAY_IMPORT

import lighteval_r1
from lighteval_r1.outside.variables import VARIABLES
from lighteval_r1.sampling.journal_files import JOURNALS_FILE
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.names import find

HERE = Path(__file__).parent
JOURNALS = HERE / "demo_run" / "lighteval_r1" / "model"
DEMO, HOT = "f4adf19c2daeba72", "119139caa6c92961"
# What make reads itself, and what `make upload` and `make test` take.
OF_MAKE = {"DEVICE", "VENV", "PYTHON", "WHEELS", "PYTEST_ARGS", "UPLOAD", "PUBLIC", "OUT", "MODEL"}
# Options of LightEval that pages name, of its older releases too.
OF_OTHERS = {
    "--container-image",
    "--no-deps",
    "--shm-size",
    "--ipc",
    "--find-links",
    "--log_samples",
    "--custom-tasks",
    "--save-details",
    "--max-samples",
    "--use-chat-template",
}
# Its left column holds other programs' commands.
COMING_FROM = ROOT / "docs" / "coming-from.md"
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def reference_writer():
    """docs/write_reference.py as a module."""
    spec = importlib.util.spec_from_file_location("write_reference", ROOT / "docs" / "write_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = reference_writer()
OPTIONS = {
    command.name: {
        text
        for name, parameter in REFERENCE.parameters(command).items()
        for text in REFERENCE.spellings(name, parameter)
    }
    for command in REFERENCE.shown_commands()
}
ALL_OPTIONS = {option for options in OPTIONS.values() for option in options} | {"--help"}


# -- what pages show


def journal(folder: Path, task: str, settings: str) -> Path:
    return Path(shutil.copytree(JOURNALS / task / settings, folder / "lighteval_r1" / "model" / task / settings))


def run_of(folder: Path, journals: list[Path]) -> None:
    """An output folder as it is while its run is under way: it names the journals."""
    folder.mkdir(parents=True)
    (folder / JOURNALS_FILE).write_text(json.dumps([str(path) for path in journals]))


def cut(folder: Path, *, n: int) -> None:
    """Leaves a journal's first n samples, as a run leaves it that was stopped there."""
    (samples,), (grades,) = folder.glob("samples-*"), folder.glob("grades-*")
    kept = samples.read_bytes().splitlines(keepends=True)[:n]
    keys = {json.loads(line)["key"] for line in kept}
    samples.write_bytes(b"".join(kept))
    graded = grades.read_bytes().splitlines(keepends=True)
    grades.write_bytes(b"".join(line for line in graded if json.loads(line)["key"] in keys))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A clone as a reader has it, in which the demo was evaluated, once hot, and is being evaluated once more."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("src", "recipes", "slurm"):
        (folder / name).symlink_to(ROOT / name)
    scratch = folder / "scratch"
    demo = [journal(scratch, task, DEMO) for task in ("demo_choices", "demo_programs", "demo_sums")]
    run_of(folder / "data" / "evals" / "demo", demo)
    run_of(folder / "data" / "evals" / "demo-hot", [journal(scratch, "demo_sums", HOT)])
    under_way = journal(folder / "cache", "demo_sums", DEMO)
    cut(under_way, n=120)
    run_of(folder / "data" / "evals" / "under-way", [under_way])
    shutil.copy(HERE / "recorded" / "scored" / "replies.jsonl", folder)
    return folder


@pytest.mark.parametrize("name", [name for name, page in zip(PAGE_NAMES, PAGES, strict=True) if commands(page)])
def test_the_commands_of_a_page_print_what_it_shows(name, workspace, main, monkeypatch):
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for command in commands(ROOT / name):
        program, *arguments = command.words
        if program == "make":
            continue  # below
        assert program == "lighteval-r1", f"{command.line}: only the command itself is run here"
        code, out, err = main(*arguments)
        assert (code != 0) == command.fails, f"$ {command.line}\n{out}{err}"
        printed = err.strip().splitlines()[-1] if command.fails else out
        assert command.matches(printed), f"$ {command.line}\nprinted:\n{printed}\nshown:\n" + "\n".join(command.shown)


def figures(lines) -> dict[str, list[float]]:
    """The table's numbers by task."""
    rows = [line.split() for line in lines if line.startswith("demo_") and ":" not in line]
    return {task.partition("|")[0]: [float(number) for number in numbers if number != "to"] for task, *numbers in rows}


@pytest.mark.timeout(500)
def test_readmes_first_command_gives_readmes_table_after_the_lines_that_start_shows(tmp_path, main):
    """Not to the digit, as the recorded demo below: another processor rounds otherwise, and draws another token."""
    (command,) = commands(README)
    (first_minute,) = commands(ROOT / "docs" / "start.md", mark="first-minute")
    assert command.line == first_minute.line == "make evaluate"
    # -o: this environment is the one that make would set up
    own = ["-o", f"{sys.prefix}/.installed-cpu", f"VENV={sys.prefix}", "DEVICE=cpu"]
    own += [f"OUT={tmp_path / 'out'}", f"CACHE={tmp_path / 'cache'}"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    # a make within `make test` would print which folder it enters and leaves
    environment = {name: value for name, value in environment.items() if not name.startswith(("MAKE", "MFLAGS"))}

    def made() -> str:
        """All that is seen, in its order."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run([*command.words, *own], cwd=ROOT, env=environment, text=True, timeout=400, **streams)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    seen = made()
    assert first_minute.matches(seen) and len(seen.splitlines()) <= 25, seen
    table = seen[seen.rindex("task  ") :].splitlines()
    shown = [line for line in command.shown if line != GAP]
    assert [line.split("  ")[0] for line in table[: len(shown)]] == [line.split("  ")[0] for line in shown]
    for task, (value, low, high, _, _, *counts) in figures(shown).items():
        drawn, _, _, _, _, *drawn_counts = figures(table)[task]
        assert drawn_counts[:2] == counts[:2] and abs(drawn - value) <= high - low, seen
    code, printed, _ = main("results", tmp_path / "out")
    assert code == 0 and figures(printed.splitlines()) == figures(table)
    log = (tmp_path / "out" / "lighteval.log").read_text()
    assert "|Version|" in log and "demo_sums: 40 problems" in log
    again = made()
    assert again.startswith("Nothing is owed: ") and again.splitlines()[1:] == table


def test_readmes_table_is_that_of_the_recorded_demo(workspace, main):
    code, printed, _ = main("results", workspace / "data" / "evals" / "demo")
    (command,) = commands(README)
    assert code == 0 and figures(printed.splitlines()) == figures(command.shown)


@pytest.mark.parametrize("name", [name for name, page in zip(PAGE_NAMES, PAGES, strict=True) if blocks(page, "pycon")])
def test_the_sessions_of_a_page_go_as_shown(name, workspace, monkeypatch):
    monkeypatch.chdir(workspace)
    session = "\n".join(block.text for block in blocks(ROOT / name, "pycon"))
    test = doctest.DocTestParser().get_doctest(session, {}, name, name, 0)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert result.attempted and not result.failed, "".join(told)


@pytest.mark.parametrize(
    "block", [block for page in PAGES for block in blocks(page, "python")], ids=lambda b: b.page.stem
)
def test_the_programs_of_a_page_compile_run_or_stand_where_it_says(block):
    if block.mark.startswith("file="):
        assert block.text in (ROOT / block.mark.removeprefix("file=")).read_text(), block.text
        return
    program = ast.parse(block.text)
    if block.mark != "fragment":
        exec(block.text, {})
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom):
            # found, not imported: transformers and datasets take seconds
            source = Path(importlib.util.find_spec(node.module).origin).read_text()
            assert all(re.search(rf"\b{alias.name}\b", source) for alias in node.names), ast.unparse(node)


def test_the_task_that_tasks_md_adds_accepts_its_golds(shared):
    (block,) = (block for block in blocks(ROOT / "docs" / "tasks.md", "python") if not block.mark)
    module: dict = {}
    exec(block.text, module)
    (task,) = module["TASKS"]
    lines = (shared / "data" / f"{task.file}.jsonl").read_text().splitlines()
    problems = [task.problem(json.loads(line)) for line in lines]
    assert len(problems) == task.n_problems and not task.check(problems)


# -- what pages name


def test_readme_is_read_in_five_minutes():
    lines, words = README.read_text().splitlines(), prose(README).split()
    assert len(lines) <= 130 and len(words) <= 800, (len(lines), len(words))


def test_every_page_is_reached_from_readme():
    linked = {target.partition("#")[0] for target in LINK.findall(README.read_text())}
    assert {name for name in PAGE_NAMES if name.startswith("docs/")} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_what_is_there(page):
    for target in LINK.findall(prose(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_project_that_a_page_names_are_there(page):
    named = re.findall(r"`((?:src|tests|docs|benchmarks|recipes|requirements|slurm)/[\w./-]*)", page.read_text())
    assert not [path for path in named if not (ROOT / path).exists()]


def test_reference_is_what_the_code_says():
    text = (ROOT / "docs" / "reference.md").read_text()
    assert text == REFERENCE.page(), "docs/reference.md is stale: python docs/write_reference.py"


def wrong_words(words: list[str]) -> list[str]:
    """What does not exist in a command as a page says it; [] for commands of other programs."""
    while words and re.match(r"\w+=", words[0]):
        words = words[1:]
    program, *rest = [Path(words[0]).name, *words[1:]] if words else [""]
    if program == "make":
        goals = [word for word in rest if "=" not in word]
        known = OF_MAKE | (set(REFERENCE.make_names()) if "evaluate" in goals else set())
        return [word for word in rest if "=" in word and word.partition("=")[0] not in known]
    if program != "lighteval-r1":
        return []
    command = rest[0] if rest else ""
    if command not in OPTIONS:
        return [command]
    options = [word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    return [option for option in options if option not in OPTIONS[command] | {"--help"}]


def in_backticks(page: Path) -> list[str]:
    text = prose(page).replace("\\|", "|")
    if page == COMING_FROM:
        text = "\n".join(line.rpartition(" | ")[2] for line in text.splitlines())
    return re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_that_a_page_names_exist(page):
    spoken = [text.split() for text in in_backticks(page) if text.startswith(("lighteval-r1 ", "make "))]
    wrong = [(words, bad) for words in [*said(page), *spoken] if (bad := wrong_words(words))]
    assert not wrong
    alone = {option for text in in_backticks(page) for option in re.findall(r"(?<![\w-])--[a-z][\w-]*\w", text)}
    assert not [
        option for option in alone if not {option, option.replace("--no-", "--", 1)} & (ALL_OPTIONS | OF_OTHERS)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_and_tasks_that_a_page_names_exist(page):
    text = page.read_text()
    named = set(re.findall(r"LIGHTEVAL_R1_[A-Z_]*[A-Z]", text))
    assert not named - {variable.name for variable in VARIABLES}
    tasks = {
        name for name in re.findall(r"\b(?:r1|openr1|demo)_[a-z0-9_]*[a-z0-9]\b", prose(page)) if "import" not in name
    }
    assert not {name for name in tasks if not find(name) and not name.startswith("demo_r")} - {"r1_hmmt_feb_2025"}


def test_the_table_of_tasks_is_that_of_the_code():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", (ROOT / "docs" / "tasks.md").read_text(), re.MULTILINE)
    assert dict(rows) == {
        name: f"{task.repo} | {task.n_problems} | {task.n} | {task.grader.name} | {task.licence}"
        for name, task in TASKS.items()
        if name in dict(rows)
    }
    assert {
        name for name, task in TASKS.items() if task.n_problems and not name.startswith(("openr1_", "matharena_"))
    } == set(dict(rows))


# -- what pages claim


def test_the_agreement_that_is_claimed_is_that_of_the_tests(shared):
    """From the rows and the listed exceptions, to which other tests hold the grader."""
    name = "r1_style_replies_dev.jsonl"
    rows = [json.loads(line) for line in (shared / "grading" / name).read_text().splitlines()]
    lines = (HERE / "graders" / "disagreements.jsonl").read_text().splitlines()
    exceptions = [row for row in map(json.loads, lines) if row["file"] == name]
    n_shared = sum(row["consensus"] is not None for row in rows)
    assert all(row["outcome"] == "correct" for row in exceptions), "the page says what all of them are"
    readme, grading = (" ".join(page.read_text().split()) for page in (README, ROOT / "docs" / "grading.md"))
    agreed, aside = n_shared - len(exceptions), len(rows) - n_shared
    assert f"{agreed} of {n_shared} verdicts" in readme and f"leaves aside {aside} replies" in readme
    claimed = re.search(r"## Agreement (.*?) Every exception", grading)[1]
    numbers = [len(rows), aside, n_shared, agreed, len(exceptions)]
    assert re.findall(r"\b\d+\b", re.sub(r"R1|MATH-500", "", claimed)) == list(map(str, numbers))


# -- the house


def house_table() -> dict[str, set[str]]:
    text = (ROOT / "docs" / "house.md").read_text()
    (rows,) = re.findall(r"\| room \| may import \|\n\|---\|---\|\n((?:\|.*\n)+)", text)
    cells = [[cell.strip() for cell in row.strip("|\n").split("|")] for row in rows.splitlines()]
    return {room: set(filter(None, re.split(r",\s*", allowed))) for room, allowed in cells}


def test_the_house_is_as_its_page_draws_it():
    assert house_table() == {room: allowed for room, allowed in MAY_IMPORT.items() if room != "__init__"}
    picture = blocks(ROOT / "docs" / "house.md", "")[0].text
    floor = {}
    for height, line in enumerate(reversed(picture.splitlines())):
        floor |= {word: height for word in line[:32].split() if word in MAY_IMPORT}
    assert set(floor) == set(MAY_IMPORT) - {"__init__", "__main__", "callbacks", "ray_nodes"}
    assert not [(room, below) for room in floor for below in MAY_IMPORT[room] if floor[below] >= floor[room]]


# -- the tests of this file


def test_what_is_shown_is_compared_line_by_line():
    assert Command("x", ("a … c", "…", "e")).matches("a b c\nd\nd\ne\n")
    assert not Command("x", ("a", "e")).matches("a\nd\ne\n")
    assert Command("x", ()).matches("anything")
    assert Command("x", ("lighteval-r1: no.",)).fails and lighteval_r1.__version__
