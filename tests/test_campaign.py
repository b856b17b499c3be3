"""Models x tasks from a file: checked before anything starts, run here or by a real Slurm, resumed, one table."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import wraps
from pathlib import Path

import pytest
import yaml
from runs import asked, write_run
from slurm_cluster import SlurmCluster, missing

from lighteval_r1.cli import campaign, evaluate
from lighteval_r1.cli.campaign import read_campaign
from lighteval_r1.cli.evaluate import DEMO_MODEL

# Stands where python stands: an evaluation that leaves a finished run, unless a file says what comes in between.
STUB = """#!{python} -S
import json, os, pathlib, shutil, sys, time

home = pathlib.Path({home!r})
if "results" in sys.argv:
    raise SystemExit(0)
options = json.load(open(sys.argv[sys.argv.index("--options") + 1]))
model, task = options["model"], options["task"].split("@")[0]
name = next((named for named in ("warm", "hot") if named in options["output_dir"]), "")
with open(home / "seen", "a") as seen:
    seen.write(f"{{name}} {{task}} {{options.get('n')}}\\n")
between = home / f"{{name}}-{{task}}"
if between.exists():
    exec(between.read_text())
shutil.copytree(home / "finished" / task, options["output_dir"], dirs_exist_ok=True)
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    write_run(folder / "demo_sums", {"demo_sums": asked(p="ccww", q="cccc")}, model="model")
    write_run(folder / "demo_choices", {"demo_choices": asked(p="cwww", q="wwww")}, model="model")
    return folder


@pytest.fixture
def stubbed(finished, tmp_path, monkeypatch) -> Path:
    """The folder of a campaign whose evaluations are stubs."""
    (tmp_path / "finished").symlink_to(finished)
    stub = tmp_path / "python"
    stub.write_text(STUB.format(python=sys.executable, home=str(tmp_path)))
    stub.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stub))
    return tmp_path


def written(folder: Path, **more: object) -> Path:
    said = {
        "n": 4,
        "output_dir": str(folder / "out"),
        "models": [
            {"model": str(DEMO_MODEL), "name": name, "temperature": t} for name, t in (("warm", 0.6), ("hot", 1))
        ],
        "tasks": ["demo_sums", {"task": "demo_choices", "max_tokens": 100}],
    }
    path = folder / "campaign.yaml"
    path.write_text(yaml.safe_dump(said | more))
    return path


def seen(folder: Path) -> list[str]:
    path = folder / "seen"
    return path.read_text().splitlines() if path.exists() else []


def table(printed: str) -> list[list[str]]:
    """Task, model and score of each line, by name."""
    return sorted(line.split()[:3] for line in printed.splitlines() if line.startswith("demo_"))


WHOLE = [
    ["demo_choices", "hot", "12.5"],
    ["demo_choices", "warm", "12.5"],
    ["demo_sums", "hot", "75.0"],
    ["demo_sums", "warm", "75.0"],
]


def test_every_model_meets_every_task_with_its_options(tmp_path):
    found = read_campaign(written(tmp_path, seed=7))
    assert [str(cell) for cell in found.cells] == [
        "warm x demo_sums",
        "warm x demo_choices",
        "hot x demo_sums",
        "hot x demo_choices",
    ]
    last = found.cells[-1].options
    assert (last["temperature"], last["max_tokens"], last["seed"], last["n"]) == (1.0, 100, 7, 4)
    assert last["output_dir"] == str(tmp_path / "out" / "hot" / "demo_choices")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"models": None}, "needs a list of models"),
        ({"tasks": []}, "needs a list of tasks"),
        ({"models": [{"name": "x"}]}, "a mapping that holds model; not {'name': 'x'}"),
        ({"models": ["demo", "demo"]}, "demo x demo_sums is there twice; give the models a name:"),
        ({"temprature": 1}, "there is no option temprature. Nearest: temperature."),
        ({"tasks": [{"task": "demo_sums", "n": "many"}]}, "demo_sums: n=many"),
        ({"tasks": ["demo_sums", "no_such_task"]}, "warm x no_such_task: there is no task 'no_such_task'"),
        ({"models": ["demo", "./nowhere"]}, "./nowhere x demo_sums: there is no model folder ./nowhere"),
        ({"models": [{"model": "demo", "effort": "low,high"}]}, "write each as a model with a name: of its own"),
        ({"models": [{"model": "demo", "temperature": -1}]}, "a number from 0 is needed"),
        ({"slurm": "yes"}, "slurm holds options of submit by name"),
        ({"slurm": {"tme": 1}}, "slurm: there is no option tme. Nearest: time."),
        ({"slurm": {"serve": True}}, "slurm: there is no option serve."),
        ({"upload": "me/details"}, "HF_HUB_OFFLINE is set, so nothing can be uploaded"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line_before_anything_starts(stubbed, main, monkeypatch, said, line):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code, printed, refused = main("campaign", written(stubbed, **said))
    assert (code, printed, refused.count("\n")) == (2, "", 1) and line in refused
    assert not seen(stubbed) and not (stubbed / "out").exists()


@pytest.mark.parametrize("text", ["models: [", "- 1", "\x00"])
def test_what_is_no_file_of_a_campaign_is_refused_in_one_line(tmp_path, main, text):
    (tmp_path / "campaign.yaml").write_text(text)
    code, _, refused = main("campaign", tmp_path / "campaign.yaml")
    assert code == 2 and refused.count("\n") == 1
    assert main("campaign", tmp_path / "nowhere.yaml")[0] == 2


def test_a_model_that_fails_does_not_stop_the_others_and_goes_on_alone(stubbed, main):
    (stubbed / "warm-demo_sums").write_text("print('lighteval-r1: no memory.', file=sys.stderr); raise SystemExit(75)")
    code, printed, said = main("campaign", written(stubbed))
    assert code == 75 and table(printed) == WHOLE[:3]
    assert "warm x demo_sums: FAILED with exit code 75 (no memory.); its log: " in said
    assert said.rstrip().endswith("1 of 4 runs did not end. The same command again goes on with these alone.")
    (stubbed / "warm-demo_sums").unlink()
    os.truncate(stubbed / "out/hot/demo_choices/campaign.json", 10)  # a disk that was full
    before = seen(stubbed)
    code, printed, said = main("campaign", stubbed / "campaign.yaml")
    assert code == 0 and table(printed) == WHOLE and said.count("done before") == 2
    page = Path(printed.splitlines()[-1])
    assert page.name == "index.html" and "warm" in page.read_text()
    assert len([*page.with_suffix(".files").iterdir()]) == 4
    assert seen(stubbed) == [*before, "warm demo_sums 4", "hot demo_choices 4"]


def test_a_mistake_of_the_users_shows_in_the_exit_code(stubbed, main):
    for name, code in (("warm", 2), ("hot", 75)):
        (stubbed / f"{name}-demo_sums").write_text(f"raise SystemExit({code})")
    assert main("campaign", written(stubbed))[0] == 2


def test_another_option_is_another_run(stubbed, main):
    assert main("campaign", written(stubbed))[0] == 0
    main("campaign", written(stubbed, n=8))
    assert seen(stubbed)[4:] == ["warm demo_sums 8", "warm demo_choices 8", "hot demo_sums 8", "hot demo_choices 8"]


def test_a_campaign_told_to_stop_tells_its_evaluation_and_begins_no_other(stubbed):
    (stubbed / "warm-demo_sums").write_text("time.sleep(60)")
    code = f"import sys; sys.executable = {str(stubbed / 'python')!r}; from lighteval_r1.cli import main; main()"
    command = [os.path.realpath(f"/proc/{os.getpid()}/exe"), "-c", code, "campaign", str(written(stubbed))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "LIGHTEVAL_R1_DEVICE": "cpu"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not seen(stubbed):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143 and "warm x demo_sums: stopped; what was drawn is kept" in said
    assert seen(stubbed) == ["warm demo_sums 4"]


# -- by Slurm


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    if why := missing():
        pytest.skip(why)
    with SlurmCluster(tmp_path / "slurm") as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
        monkeypatch.setenv("PATH", cluster.environment["PATH"])
        yield cluster


def test_jobs_of_which_one_is_cancelled_leave_three_runs_and_the_same_command_the_fourth(
    slurm, stubbed, main, monkeypatch
):
    monkeypatch.setattr(campaign, "POLL_S", 1.0)
    (stubbed / "hot-demo_choices").write_text("time.sleep(100)")
    (stubbed / "cluster.yaml").write_text(yaml.safe_dump({"gpus_per_node": 0}))
    file = written(stubbed, slurm={"cluster": str(stubbed / "cluster.yaml"), "sbatch_arg": ["--cpus-per-task=1"]})

    def cancel() -> None:
        slurm.wait_until(lambda: "hot demo_choices 4" in "\n".join(seen(stubbed)) or len(seen(stubbed)) == 4, 100)
        (number,) = (stubbed / "out/hot/demo_choices/jobs/1/demo_choices/ids").read_text().split()
        slurm.run("scancel", number)

    thread = threading.Thread(target=cancel)
    thread.start()
    code, printed, said = main("campaign", file)
    thread.join()
    assert (code, table(printed)) == (75, WHOLE[1:]), said
    assert "hot x demo_choices: " in said and "was cancelled; what was drawn is kept" in said
    assert "lighteval-r1: 1 of 4 runs did not end." in said
    (stubbed / "hot-demo_choices").unlink()
    n_jobs = len(list(stubbed.rglob("ids")))
    code, printed, said = main("campaign", file)
    assert (code, table(printed)) == (0, WHOLE) and len(list(stubbed.rglob("ids"))) == n_jobs + 1, said


def test_jobs_that_are_under_way_are_waited_for_not_submitted_again(slurm, stubbed, main, monkeypatch):
    monkeypatch.setattr(campaign, "POLL_S", 1.0)
    (stubbed / "cluster.yaml").write_text(yaml.safe_dump({"gpus_per_node": 0}))
    more = {"slurm": {"cluster": str(stubbed / "cluster.yaml"), "sbatch_arg": ["--cpus-per-task=1"]}}
    file = written(stubbed, models=[{"model": str(DEMO_MODEL), "name": "warm"}], tasks=["demo_sums"], **more)
    (stubbed / "warm-demo_sums").write_text("time.sleep(8)")

    class Gone(Exception):
        pass

    def gone(_: float) -> None:
        raise Gone

    with monkeypatch.context() as patch, pytest.raises(Gone):
        patch.setattr(campaign.time, "sleep", gone)
        main("campaign", file)
    code, printed, _ = main("campaign", file)
    assert code == 0 and table(printed) == WHOLE[3:]
    assert len(list(stubbed.rglob("ids"))) == 1 and json.loads(
        (stubbed / "out/warm/demo_sums/campaign.json").read_text()
    )


def test_before_the_first_run_each_model_is_hashed_once_and_each_tasks_rows_are_read_once(tmp_path, monkeypatch):
    counts = Counter()
    for module, name in ((campaign, "identify"), (evaluate, "check_task")):
        real = getattr(module, name)

        def counted(asked, real=real, name=name):
            counts[name] += 1
            return real(asked)

        monkeypatch.setattr(module, name, wraps(real)(counted))
    read_campaign(written(tmp_path))
    assert counts == {"identify": 1, "check_task": 2}
