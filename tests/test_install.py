"""An installed wheel: what it carries, what it says before anything else is installed, and the steps of docs/install.md."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import lighteval_r1
from lighteval_r1.cli.evaluate import model_parameters
from lighteval_r1.cli.options import SamplingOptions
from lighteval_r1.cli.recipes import recipe_path
from lighteval_r1.outside.shipped import missing_download, pinned_set, shipped, spare_download
from lighteval_r1.records import UserError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from this clone; what builds it lies in uv's cache since the set-up."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        pytest.skip("needs uv, which `make setup` installs")
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [uv, "build", "--wheel", "--offline", "--quiet", "-o", folder, ROOT],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "hatchling" in built.stderr:
        pytest.skip("needs hatchling in uv's cache, as `make setup` leaves it")
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory) -> Path:
    """The command of an environment that holds the wheel and nothing else, in a folder that is no clone."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    command = folder / "bin" / "lighteval-r1"
    command.write_text(f"#!{folder}/bin/python\nfrom lighteval_r1.__main__ import main\nmain()\n")
    command.chmod(0o755)
    return command


def ran(command: Path, *arguments: str, with_packages: bool = False) -> subprocess.CompletedProcess:
    """The command in an empty folder. with_packages: with those of this environment beside the wheel's."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(command.parents[2])}
    if with_packages:
        # behind its own: a path file of this environment would name the clone
        (site,) = (command.parents[1] / "lib").glob("python*/site-packages")
        (site / "others.pth").write_text(f"{Path(shutil.__file__).parent}\n{site_packages()}\n")
    return subprocess.run(
        [command, *arguments], cwd=command.parents[2], env=environment, capture_output=True, text=True, timeout=120
    )


def site_packages() -> Path:
    import numpy

    return Path(numpy.__file__).parents[1]


def test_a_wheel_carries_recipes_suites_templates_and_both_pinned_sets(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    kept = [*(ROOT / "recipes").rglob("*.*"), *(ROOT / "slurm").iterdir(), *(ROOT / "requirements").glob("*.txt")]
    missing = {f"lighteval_r1/{path.relative_to(ROOT)}" for path in kept if path.is_file()} - names
    assert len(kept) > 30 and not missing
    text = zipfile.ZipFile(wheel).read("lighteval_r1-0.1.0.dist-info/entry_points.txt").decode()
    assert "lighteval-r1 = lighteval_r1.__main__:main" in text


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_the_pinned_set_is_printed_before_anything_else_is_installed(bare, device, main):
    said = ran(bare, "requirements", device)
    assert said.returncode == 0, said.stderr
    assert said.stdout == (ROOT / "requirements" / f"{device}.txt").read_text()
    code, printed, _ = main("requirements", device)
    assert code == 0 and printed == said.stdout, "with everything installed it prints the same"


def test_without_packages_every_other_command_says_how_to_get_them(bare):
    for arguments in (["evaluate"], [], ["requirements"], ["requirements", "tpu"]):
        said = ran(bare, *arguments)
        assert said.returncode == 2 and len(said.stderr.splitlines()) == 1
        assert "is not installed. `lighteval-r1 requirements gpu` (or cpu) prints the set" in said.stderr


def test_a_set_that_there_is_not_is_refused(main):
    code, _, err = main("requirements", "tpu")
    assert code == 2 and "There are two: gpu and cpu." in err


def test_from_another_folder_a_wheel_finds_recipes_and_templates(bare):
    listed = ran(bare, "recipes", "qwq", with_packages=True)
    assert listed.returncode == 0 and "(MODEL=recipe:QwQ-32B)" in listed.stdout, listed.stderr
    asked = ["submit", "recipe:QwQ-32B", "--tasks", "aime24", "--dry-run", "--job-folder", "jobs"]
    submitted = ran(bare, *asked, with_packages=True)
    assert submitted.returncode == 0, submitted.stderr
    assert "Qwen/QwQ-32B" in submitted.stdout and "lighteval_r1.cli evaluate" in submitted.stdout


def test_a_recipe_is_named_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recipe_path("recipe:qwq-32b") == shipped("recipes") / "QwQ-32B.yaml"
    assert model_parameters(SamplingOptions(model="recipe:QwQ-32B"))["model_name"] == "Qwen/QwQ-32B"
    with pytest.raises(UserError, match="there is no recipe 'QwQ-33B'. Nearest: QwQ-32B, .*lighteval-r1 recipes"):
        recipe_path("recipe:QwQ-33B")


def test_the_sets_hold_exact_versions_alone():
    for device in ("cpu", "gpu"):
        lines = [line for line in pinned_set(device).read_text().splitlines() if line[:1].isalnum()]
        assert len(lines) > 200 and all("==" in line.partition(";")[0] for line in lines)


def test_lightevals_download_is_spared_once_and_never_in_a_folder_of_others(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "lighteval" / "tasks" / "tasks"
    folder.mkdir(parents=True)
    (tmp_path / "lighteval" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lighteval", raising=False)
    monkeypatch.setattr(Path, "touch", refuse)
    spare_download()
    assert capsys.readouterr().err == "" and missing_download() == folder / "tinyBenchmarks.pkl"
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lighteval", raising=False)
    spare_download()
    assert f"Placed an empty {folder}/tinyBenchmarks.pkl" in capsys.readouterr().err
    spare_download()
    assert capsys.readouterr().err == "" and missing_download() is None


def refuse(*arguments: object) -> None:
    raise PermissionError


def instructions() -> list[tuple[str, str]]:
    """Of the Containerfile, in their order: ("RUN", "python3 -m venv venv")."""
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_steps_of_the_containerfile_go_in_their_order(wheel, tmp_path):
    """In a folder that stands for the image's root. The base image is this machine, the set that a registry would send
    this environment's packages."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LIGHTEVAL_R1_DEVICE": "cpu"}
    folder, ran_last = tmp_path, ""

    def in_root(text: str) -> str:
        return text.replace("/opt/", f"{tmp_path}/opt/").replace("=/cache", f"={tmp_path}/cache")

    for word, rest in instructions():
        if word == "ARG":
            environment["SET"] = "cpu"
        elif word == "WORKDIR":
            folder = tmp_path / rest.strip("/")
            folder.mkdir(parents=True)
        elif word == "COPY":
            assert rest == "dist/ dist/"
            shutil.copytree(wheel.parent, folder / "dist", ignore=shutil.ignore_patterns(".*"))
        elif word == "ENV":
            values = dict(pair.split("=", 1) for pair in in_root(rest).split())
            environment |= {name: value.replace("$PATH", environment["PATH"]) for name, value in values.items()}
        elif word == "RUN" and " -r requirements.txt" in rest:
            assert (folder / "requirements.txt").read_bytes() == (ROOT / "requirements" / "cpu.txt").read_bytes()
            assert "--no-deps" in rest
            (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
            (site / "others.pth").write_text(f"{site_packages()}\n")
        elif word == "RUN":
            step = subprocess.run(
                ["sh", "-c", in_root(rest)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
            )
            assert step.returncode == 0, f"{rest}\n{step.stderr}"
            ran_last = step.stdout
        else:
            assert word in ("FROM", "VOLUME", "ENTRYPOINT"), word
    assert ran_last.strip() == lighteval_r1.__version__
    entered = subprocess.run(
        ["lighteval-r1", "recipes", "qwq"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert entered.returncode == 0 and "recipe:QwQ-32B" in entered.stdout, entered.stderr
    assert environment["HF_HOME"] == f"{tmp_path}/cache"


def test_the_cpu_index_is_never_named_with_the_gpu_set():
    """torch==2.13.0 of the GPU set stands for 2.13.0+cpu, too, where pip sees it."""
    (step,) = (rest for word, rest in instructions() if word == "RUN" and " -r requirements.txt" in rest)
    shown = {kind: ran_in_shell(step, kind) for kind in ("gpu", "cpu")}
    assert "download.pytorch.org" in shown["cpu"] and "download.pytorch.org" not in shown["gpu"]


def ran_in_shell(step: str, kind: str) -> str:
    return subprocess.run(
        ["sh", "-c", f"echo {step}"], env={"SET": kind, "PATH": os.environ["PATH"]}, capture_output=True, text=True
    ).stdout
