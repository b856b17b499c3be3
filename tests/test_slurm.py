"""Jobs on a real Slurm: two nodes on this machine, started and ended here."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import soak
import yaml
from slurm_cluster import SlurmCluster, missing
from vllm_server import ONE_PROCESS

from lighteval_r1.cli.evaluate import DEMO_MODEL, EvaluateOptions, model_parameters
from lighteval_r1.cli.lighteval_run import Configuration
from lighteval_r1.cli.options import options_file, options_in_words
from lighteval_r1.cli.submit import SubmitOptions, submission_of
from lighteval_r1.records import UserError
from lighteval_r1.sampling.journal_files import decode_line
from lighteval_r1.slurm.jobs import JOB_IDS, Job, Submission, minutes, prepare, run_sbatch, submit

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = sorted((ROOT / "slurm").glob("*.slurm"))
# What a shell, YAML, LightEval's MODEL_ARGS and make would each stumble over.
PROMPT = 'Say "it\'s" $(touch pwned) `id` ${HOME} {a,b}=[c]; \\n \\\\ & | <x> # %s $$ * ?\r\n\tsecond: line, 日本 🙂\u2028é\x85 end\n\n'

# For a job's set-up: real vLLM on this CPU, whose threads run where a core is free.
ON_CPU = "export VLLM_TARGET_DEVICE=cpu VLLM_CPU_KVCACHE_SPACE=1 OMP_NUM_THREADS=1 VLLM_CPU_OMP_THREADS_BIND=nobind HF_HUB_OFFLINE=1\n"

# Stands where python stands in a job: a run that takes as long as its test says, and stops when it is told.
STUB = """#!/bin/bash
trap 'echo told >> "{folder}/seen"; exit 143' TERM
echo "begun ${{SLURM_RESTART_COUNT:-0}} shard=${{LIGHTEVAL_R1_SHARD:-none}} arguments=$*" >> "{folder}/seen"
if [[ ${{SLURM_RESTART_COUNT:-0}} == 0 ]]; then
  {first}
fi
echo finished >> "{folder}/seen"
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if why := missing():
        pytest.skip(why)
    with SlurmCluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture
def on_cluster(slurm, waiting, monkeypatch):
    """The cluster, on which the jobs that take their time wait meanwhile."""
    monkeypatch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
    monkeypatch.setenv("PATH", slurm.environment["PATH"])
    before = slurm.jobs()
    yield slurm
    slurm.cancel(slurm.jobs() - before)


def submission(folder: Path, *, gpus: int = 2, setup: str = "", options: dict | None = None, **more) -> Submission:
    """What `lighteval-r1 submit` would submit; options, more: its options."""
    folder.mkdir(exist_ok=True)
    cluster = folder / "cluster.yaml"
    cluster.write_text(yaml.safe_dump({"gpus_per_node": gpus, "sbatch": {"cpus-per-task": 4}, "setup": setup}))
    places = {"output_dir": str(folder / "out"), "job_folder": str(folder / "jobs"), "cluster": str(cluster)}
    said = {"model": str(DEMO_MODEL), "task": "demo_sums", "n": 2} | places | (options or {}) | more
    return submission_of(SubmitOptions(**said))


def with_stub(job: Job, *, first: str) -> Job:
    stub = job.folder / "stub"
    stub.write_text(STUB.format(folder=job.folder, first=first))
    stub.chmod(0o755)
    return replace(job, arguments=[str(job.folder), str(stub), *job.arguments[2:]])


def seen(job: Job) -> list[str]:
    path = job.folder / "seen"
    return path.read_text().splitlines() if path.exists() else []


def log(job: Job) -> str:
    return (job.folder / "jobs.log").read_text()


@pytest.fixture(scope="module")
def waiting(slurm, tmp_path_factory):
    """Jobs that take their time, side by side: name -> (job, number)."""
    folder = tmp_path_factory.mktemp("waiting")
    journal = folder / "journal"
    journal.mkdir()
    (folder / "broken" / "out").mkdir(parents=True)
    (folder / "broken" / "out" / "journals.json").write_text(json.dumps([str(journal)]))
    breaks = "#!/bin/sh\n{}\necho 'lighteval-r1: replica 0 ended.' >&2\nexit 75\n"
    draws_nothing = "#!/bin/bash\ntrap 'exit 143' TERM\nwhile :; do sleep 0.2; done\n"
    asked = {
        "vain": ({}, breaks.format(":")),
        "broken": ({}, breaks.format(f"echo a sample >> {journal}/samples-1.jsonl")),
        "near its limit": ({"time": "1", "sbatch_arg": ["--cpus-per-task=1", "--signal=B:USR1@50"]}, ""),
        "too short": ({"time": "1", "sbatch_arg": ["--cpus-per-task=1", "--signal=B:USR1@55"]}, draws_nothing),
    }
    jobs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", slurm.environment["SLURM_CONF"])
        patch.setenv("PATH", slurm.environment["PATH"])
        for name, (more, stub) in asked.items():
            said = {"sbatch_arg": ["--cpus-per-task=1"]} | more
            (job,) = prepare(submission(folder / name.replace(" ", "_"), gpus=0, **said))
            command = with_stub(job, first="while :; do sleep 0.2; done").command()
            if stub:
                (job.folder / "stub").write_text(stub)
            jobs[name] = job, run_sbatch(command)
    return jobs


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_pass_bash_and_shellcheck(template):
    subprocess.run(["bash", "-n", str(template)], check=True)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    checked = subprocess.run(["shellcheck", str(template)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_templates_name_no_cluster():
    for template in TEMPLATES:
        text = template.read_text()
        assert "#SBATCH" not in text and "module load" not in text and "partition" not in text


def test_a_dry_run_prints_the_exact_command_and_script_and_submits_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    said = submit(submission(tmp_path, array=3, partition="a b", sbatch_arg=["--qos=x"]), dry_run=True)
    assert "'--partition=a b' --qos=x --array=1-3" in said and "--dependency=afterany:" in said
    for name in ("evaluate.slurm", "report.slurm"):
        assert (ROOT / "slurm" / name).read_text() in said
    assert not (tmp_path / "jobs").exists()
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "mine").touch()
    for dry_run in (True, False):
        with pytest.raises(UserError, match="is there already. Name another --job-folder"):
            submit(submission(tmp_path), dry_run=dry_run)
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["mine"]


def test_where_slurm_takes_no_job_no_folder_stays_and_else_they_do(tmp_path, monkeypatch):
    """A stand-in for sbatch, which takes so many jobs and then says what a cluster without its network says."""
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    monkeypatch.setenv("PATH", f"{sbatch.parent}:{os.environ['PATH']}")
    for n_taken in (0, 1):
        sbatch.write_text(
            f"#!/bin/sh\n[ $(cat {tmp_path}/calls | wc -c) -lt {n_taken} ] && echo 7 && printf x >> {tmp_path}/calls && exit\n"
            "echo 'error: no host' >&2; echo 'fatal: no configuration' >&2; exit 1\n"
        )
        sbatch.chmod(0o755)
        (tmp_path / "calls").write_text("")
        asked = submission(tmp_path, task="demo_sums,demo_choices", job_folder=str(tmp_path / "new" / "jobs"))
        with pytest.raises(UserError) as refused:
            submit(asked)
        assert str(refused.value).startswith("sbatch refused: error: no host fatal: no configuration. The command was:")
        assert "\n" not in str(refused.value)
        assert ("Submitted before it: 7, whose folder is" in str(refused.value)) == bool(n_taken)
        assert (tmp_path / "new").exists() == bool(n_taken)


def test_a_job_folder_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot write /proc/none.*: No such file"):
        submit(submission(tmp_path, job_folder="/proc/none"), dry_run=True)


def test_every_character_of_a_system_prompt_arrives_in_the_configuration(tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_bytes(PROMPT.encode())
    (job,) = prepare(submission(tmp_path, options={"system_prompt_file": str(file)}))
    options = json.loads((job.folder / "options.json").read_text())
    parameters = yaml.safe_load(Path(options["model"]).read_text())["model_parameters"]
    assert parameters["system_prompt"].encode() == PROMPT.encode()


def test_every_character_arrives_through_make_too(tmp_path):
    file = tmp_path / 'it\'s $(touch pwned) {a},b "x".txt'
    file.write_bytes(PROMPT.encode())
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    stub = venv / "bin" / "lighteval-r1"
    stub.write_text(f"#!/bin/bash\nprintf '%s\\0' \"$@\" > {tmp_path}/arguments\n")
    stub.chmod(0o755)
    (venv / ".installed-cpu").touch()
    command = [
        "make",
        "evaluate",
        f"VENV={venv}",
        "DEVICE=cpu",
        "MODEL=a/b",
        "TASK=aime24",
        f"SYSTEM_PROMPT_FILE={file}",
    ]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    _, *words = (tmp_path / "arguments").read_text().split("\0")[:-1]
    options = EvaluateOptions(**options_in_words(EvaluateOptions, words))
    assert (options.model, options.task) == ("a/b", "aime24")
    configuration = Configuration.of(model_parameters(options), options.section)
    configuration.write(tmp_path)
    arrived = yaml.safe_load((tmp_path / configuration.name).read_text())["model_parameters"]["system_prompt"]
    assert arrived.encode() == PROMPT.encode() and not (ROOT / "pwned").exists()


def test_a_task_gets_a_job_of_its_own(tmp_path):
    jobs = prepare(submission(tmp_path, options={"task": "demo_sums,demo_choices"}))
    asked = [json.loads((job.folder / "options.json").read_text())["task"] for job in jobs]
    assert asked == ["demo_sums@n=2|0", "demo_choices@n=2|0"]


def test_a_jobs_options_are_those_of_evaluate(tmp_path):
    said = {"wandb": True, "allow_unsafe_code": True, "upload": "me/x", "public": True, "cache_dir": "/c", "seed": 3}
    shards, report = prepare(submission(tmp_path, array=2, **said))
    drawing, reporting = (
        options_file(EvaluateOptions, shards.folder / name) for name in ("options.json", "report.json")
    )
    assert drawing["wandb"] and drawing["allow_unsafe_code"] and "upload" not in drawing
    assert (reporting["upload"], reporting["public"]) == ("me/x", True) and report.after == 0
    for options in (drawing, reporting):
        parameters = model_parameters(EvaluateOptions(**options))
        assert (parameters["cache_dir"], parameters["generation_parameters"]["seed"]) == ("/c", 3)


def test_a_job_runs_and_says_so(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path, setup="export FROM_SETUP=1\n"))
    number = run_sbatch(with_stub(job, first=":").command())
    on_cluster.wait_for(number, "COMPLETED")
    assert seen(job)[0].endswith(f"arguments=-m lighteval_r1.cli evaluate --options {job.folder}/options.json")
    assert log(job).rstrip().endswith("done")
    assert [path.name for path in job.folder.glob("*.log") if number in path.name]


def test_a_failure_says_where_its_log_is(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path))
    number = run_sbatch(with_stub(job, first="exit 7").command())
    on_cluster.wait_for(number, "FAILED")
    (path,) = [path for path in job.folder.glob("*.log") if number in path.name]
    assert f"job {number}" in log(job) and "FAILED with exit code 7;" in log(job) and str(path) in log(job)


def test_a_users_mistake_fails_at_once_with_its_line(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path))
    number = run_sbatch(with_stub(job, first="echo 'lighteval-r1: there is no task X.' >&2; exit 2").command())
    on_cluster.wait_for(number, "FAILED")
    assert "FAILED with exit code 2 (there is no task X.); the reason" in log(job) and len(seen(job)) == 1


def test_what_may_succeed_another_time_is_queued_again(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path))
    number = run_sbatch(with_stub(job, first="exit 75").command())
    on_cluster.wait_for(number, "COMPLETED")
    assert "its evaluation could not go on; it is queued again" in log(job) and seen(job)[-1] == "finished"


def test_a_job_whose_evaluation_hears_first_was_told_to_stop_too(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path))
    number = run_sbatch(with_stub(job, first="exit 143").command())
    on_cluster.wait_for(number, "FAILED")
    assert "was told to stop" in log(job) and len(seen(job)) == 1


def test_a_cancelled_job_says_so(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path))
    number = run_sbatch(with_stub(job, first="while :; do sleep 0.2; done").command())
    on_cluster.wait_until(lambda: seen(job), 60)
    on_cluster.run("scancel", number)
    on_cluster.wait_for(number, "CANCELLED", limit_s=60)
    on_cluster.wait_until(lambda: "was cancelled; what was drawn is kept: submit again to go on" in log(job), 30)


@pytest.mark.parametrize("owed", [True, False])
def test_a_report_names_the_shard_that_failed_and_draws_nothing(on_cluster, tmp_path, owed):
    shards, report = prepare(submission(tmp_path, array=2))
    shards = with_stub(shards, first="[[ ${LIGHTEVAL_R1_SHARD:-} != 2/2 ]] || exit 3")
    number = run_sbatch(shards.command())
    report_stub = with_stub(replace(report, folder=tmp_path), first="")
    (tmp_path / "stub").write_text(f"#!/bin/bash\necho $* >> {tmp_path}/asked\necho 'demo_sums{' (partial)' * owed}'\n")
    report_stub = replace(
        report_stub, folder=report.folder, arguments=[str(report.folder), str(tmp_path / "stub"), "2"]
    )
    after = run_sbatch(report_stub.command(after_id=number))
    on_cluster.wait_for(after, "FAILED" if owed else "COMPLETED", limit_s=120)
    assert sorted(line.split()[2] for line in seen(shards) if line.startswith("begun")) == ["shard=1/2", "shard=2/2"]
    assert "shard 2/2 did not finish; its last line: FAILED with exit code 3" in log(shards).replace(
        ": FAILED", " FAILED", 0
    )
    assert ("samples are owed, so there is no report yet" in log(shards)) == owed
    asked = (tmp_path / "asked").read_text()
    assert "results" in asked and ("evaluate" in asked) == (not owed)


def test_jobs_shows_states_progress_and_last_lines(on_cluster, tmp_path, main):
    (job,) = prepare(submission(tmp_path))
    job = with_stub(job, first="while :; do sleep 0.2; done")
    number = run_sbatch(job.command())
    (job.folder / JOB_IDS).write_text(f"{number}\n")
    on_cluster.wait_until(lambda: seen(job), 60)
    code, said, _ = main("jobs", tmp_path / "jobs")
    assert code == 0 and said.splitlines()[2].split() == ["demo_sums", number, "running", "–", "–"]
    assert said.rstrip().endswith("begins")
    code, _, error = main("jobs", tmp_path / "nowhere")
    assert code == 2 and "there are no submitted jobs under" in error


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("10:30", 10.5), ("1:00:00", 60), ("1-0", 1440), ("1-2:30", 1590), ("0-0:1:30", 1.5), ("soon", None)],
)
def test_slurms_time_limits_are_read(text, expected):
    assert minutes(text) == expected


def test_a_time_limit_that_loading_eats_is_said(tmp_path, capsys):
    submission(tmp_path, time="5")
    assert "--time 5: two minutes before its limit a job is told to stop" in capsys.readouterr().err
    submission(tmp_path, time="1:00:00")
    assert not capsys.readouterr().err


# ---- the real evaluation ----------------------------------------------------------------------------------------------


def recipe(folder: Path) -> Path:
    """The demo model with a journal of its own, two samples at a time, so that a kill comes in the middle."""
    parameters = {
        "model_name": str(DEMO_MODEL),
        "max_model_length": 1024,
        "dtype": "float32",
        "cache_dir": str(folder / "cache"),
        "max_num_seqs": 2,
        "generation_parameters": {"max_new_tokens": 256, "temperature": 0.6, "top_p": 0.95},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({"model_parameters": parameters}))
    return path


def drawn(folder: Path) -> dict[int, list[dict]]:
    """Samples in the journal, by the process that drew them."""
    found: dict[int, list[dict]] = {}
    for path in (folder / "cache").rglob("samples-*.jsonl"):
        pid = int(path.stem.split("-")[-2])
        found.setdefault(pid, []).extend(
            record for line in path.read_bytes().splitlines(True) if (record := decode_line(line))
        )
    return found


def of_a_script(records: list[dict]) -> bool:
    return all("The digest is" in record["reply"] for record in records)


@pytest.mark.soak("shards")
@pytest.mark.timeout(590)
def test_shards_one_of_them_killed_fill_one_journal_and_one_report(on_cluster, tmp_path):
    """The first draws from real vLLM, the others, one of which is killed, from scripted replicas."""
    prompt = tmp_path / "prompt.txt"
    prompt.write_bytes(PROMPT.encode())
    scripted = Path(__file__).with_name("scripted")
    setup = (
        f"{ON_CPU}export LIGHTEVAL_R1_DEVICE=cpu PYTHONPATH={ROOT / 'src'}\n"
        f"[[ $SLURM_ARRAY_TASK_ID == 1 ]] || export PYTHONPATH=$PYTHONPATH:{scripted} SCRIPTED_DELAY_S=0.1\n"
        f"export SCRIPTED_MOST='15 {tmp_path / 'go'}'\n"
    )
    options = {"model": str(recipe(tmp_path)), "system_prompt_file": str(prompt)}
    shards, report = prepare(submission(tmp_path, gpus=0, array=soak.count("shards"), setup=setup, options=options))
    number = run_sbatch(shards.command())
    after = run_sbatch(report.command(after_id=number))

    def scripted_shard_in_the_middle() -> int | None:
        parts = drawn(tmp_path).items()
        return next((pid for pid, records in parts if 3 <= len(records) < 20 and of_a_script(records)), None)

    on_cluster.wait_until(scripted_shard_in_the_middle, 240)
    os.kill(scripted_shard_in_the_middle(), signal.SIGKILL)
    (tmp_path / "go").touch()
    on_cluster.wait_for(after, "COMPLETED", "FAILED", "CANCELLED", limit_s=480)
    logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in shards.folder.glob("*.log"))
    assert on_cluster.state(after) == "COMPLETED", logs
    assert "its evaluation was killed; it is queued again" in log(shards)
    assert log(shards).count("begins again") == 1, "a shard that lives on was queued again"

    records = [record for part in drawn(tmp_path).values() for record in part]
    assert len(records) == 80 and set(Counter(record["key"] for record in records).values()) == {1}
    assert {of_a_script(part) for part in drawn(tmp_path).values()} == {True, False}
    results = list((tmp_path / "out").rglob("results_*.json"))
    assert len(results) == 1
    ours = json.loads(results[0].read_text())["config_general"]["model_config"]["lighteval_r1"]
    assert ours["settings"]["system_prompt"].encode() == PROMPT.encode()
    assert ours["tasks"]["demo_sums|0"]["estimates"]["pass@1"]["n_samples"] == 80
    assert not (ROOT / "pwned").exists() and not (tmp_path / "pwned").exists()


# ---- several nodes, a server ------------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_ray_spans_the_nodes_of_a_job_before_its_evaluation_begins(on_cluster, tmp_path):
    """Real ray on both nodes, the second at its second try; the evaluation is replaced by a count of the nodes it would
    have."""
    pytest.importorskip("ray")
    setup = f"export PYTHONPATH={ROOT / 'src'} RAY_DISABLE_IMPORT_WARNING=1 RAY_USAGE_STATS_ENABLED=0\n"
    (job,) = prepare(submission(tmp_path, nodes=2, setup=setup))
    stub = job.folder / "stub"
    count = f"import ray; ray.init(address='auto', log_to_driver=False); print('nodes', len(ray.nodes()), file=open('{tmp_path}/seen', 'w'))"
    real = f'exec {sys.executable} "$@"'
    gives_up = f"if [[ $* == *--address=* && ! -e {tmp_path}/tried ]]; then touch {tmp_path}/tried; exit 1; fi"
    stub.write_text(
        f'#!/bin/bash\nif [[ $* == *lighteval_r1.cli* ]]; then exec {sys.executable} -c "{count}"; fi\n{gives_up}\n{real}\n'
    )
    stub.chmod(0o755)
    number = run_sbatch(replace(job, arguments=[str(job.folder), str(stub)]).command())
    on_cluster.wait_for(number, "COMPLETED", "FAILED", limit_s=350)
    logs = "\n".join(path.read_text()[-2000:] for path in job.folder.glob("*.log"))
    assert (tmp_path / "tried").exists() and (tmp_path / "seen").read_text() == "nodes 2\n", logs
    parameters = yaml.safe_load((job.folder / "model.yaml").read_text())["model_parameters"]
    assert (parameters["tensor_parallel_size"], parameters["pipeline_parallel_size"]) == (2, 2)


@pytest.mark.timeout(400)
def test_a_served_model_answers_where_the_job_says(on_cluster, tmp_path):
    options = {"model": str(recipe(tmp_path)), "task": "", "vllm": ["enforce_eager=true"]}
    setup = f"{ON_CPU}export PYTHONPATH={ONE_PROCESS}\n"
    (job,) = prepare(submission(tmp_path, gpus=0, serve=True, setup=setup, options=options))
    number = run_sbatch(job.command())
    endpoint = job.folder / "endpoint"
    on_cluster.wait_until(lambda: endpoint.exists() or on_cluster.state(number) == "FAILED", 300)
    logs = "\n".join(path.read_text()[-2000:] for path in job.folder.glob("*.log"))
    assert endpoint.exists(), logs
    address = f"{endpoint.read_text().strip()}/models"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(address, timeout=30)
    key = job.folder / "api-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.read_text() not in logs
    asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {key.read_text()}"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert json.load(answer)["data"][0]["max_model_len"] == 1024
    on_cluster.run("scancel", "--signal=TERM", "--full", number)
    on_cluster.wait_for(number, "COMPLETED", "FAILED", "CANCELLED", limit_s=90)
    assert not endpoint.exists()


# ---- what takes its time: submitted at first, it is done when the others are


@pytest.mark.parametrize(("name", "times"), [("vain", 2), ("broken", 3)])
def test_what_never_succeeds_is_given_up(waiting, slurm, name, times):
    """Three times where something is drawn, two where nothing is."""
    job, number = waiting[name]
    slurm.wait_for(number, "FAILED", limit_s=240)
    assert log(job).count("it is queued again") == times, log(job)
    assert "FAILED with exit code 75 (replica 0 ended.)" in log(job)
    in_vain = "nothing was drawn in 3 runs, one after the other: it is not queued again"
    assert (in_vain in log(job)) == (name == "vain")


def test_a_job_with_too_short_a_time_stops_after_two_restarts_in_vain(waiting, slurm):
    job, number = waiting["too short"]
    slurm.wait_for(number, "FAILED", limit_s=240)
    assert log(job).count("begins") == 3, log(job)
    assert log(job).rstrip().endswith("not queued again; submit again, with a longer --time, to go on")


def test_a_job_near_its_time_limit_stops_and_goes_on_later(waiting, slurm):
    job, number = waiting["near its limit"]
    slurm.wait_for(number, "COMPLETED", limit_s=180)
    assert [line.split()[0] for line in seen(job)] == ["begun", "told", "begun", "finished"]
    assert "stopped before its time limit" in log(job)


def test_a_preempted_job_stops_and_goes_on_later(on_cluster, tmp_path):
    (job,) = prepare(submission(tmp_path))
    number = run_sbatch(with_stub(job, first="while :; do sleep 0.2; done").command())
    on_cluster.wait_until(lambda: seen(job), 60)
    both = [
        "sbatch",
        "--parsable",
        "--partition=high",
        "--nodes=2",
        "--cpus-per-task=8",
        f"--output={tmp_path}/high",
        "--wrap",
        "sleep 1",
    ]
    higher = run_sbatch(both)
    on_cluster.wait_for(higher, "COMPLETED", limit_s=120)
    on_cluster.wait_for(number, "COMPLETED", limit_s=180)
    assert [line.split()[0] for line in seen(job)] == ["begun", "told", "begun", "finished"]
    assert "was told to stop" in log(job)
