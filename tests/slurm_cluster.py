"""A real Slurm on this machine, for as long as a test takes: munge, one controller, two nodes with fake GPUs.

config_overrides: the nodes have the cores that the configuration says, whatever the machine has."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "srun")
N_GPUS = 2

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=60
KillWait=8
MinJobAge=300
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,requeue_delay=0
JobRequeue=1
MpiDefault=none
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 Gres=gpu:{gpus} State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=low Nodes=n1,n2 Default=YES PriorityTier=1 OverSubscribe=NO MaxTime=INFINITE State=UP PreemptMode=REQUEUE GraceTime=15
PartitionName=high Nodes=n1,n2 PriorityTier=10 OverSubscribe=NO MaxTime=INFINITE State=UP PreemptMode=OFF
"""


def missing() -> str:
    """Why no Slurm can be started here; "" where one can."""
    absent = [name for name in NEEDED if shutil.which(name, path=search_path()) is None]
    if absent:
        return f"{', '.join(absent)} not installed (apt-get install slurmctld slurmd slurm-client munge)"
    return "" if os.geteuid() == 0 else "a Slurm of one's own needs root: its daemons start jobs as other users"


def search_path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class SlurmCluster:
    """`with SlurmCluster(folder) as slurm:` ends everything that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        self.let_go_at: dict[str, float] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH"))},
            "PATH": search_path(),
            "SLURM_CONF": str(folder / "slurm.conf"),
        }

    def __enter__(self) -> "SlurmCluster":
        host = socket.gethostname().split(".")[0]
        for name in ("state", "spool-n1", "spool-n2"):
            (self.folder / name).mkdir(parents=True)
        for number in range(N_GPUS):
            (self.folder / f"gpu{number}").touch()
        conf = CONFIGURATION.format(host=host, folder=self.folder, ports=free_ports(3), gpus=N_GPUS)
        (self.folder / "slurm.conf").write_text(conf)
        gres = f"NodeName=n[1-2] Name=gpu File={self.folder}/gpu[0-{N_GPUS - 1}]\n"
        (self.folder / "gres.conf").write_text(gres)
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        try:
            self.start_munge(key)
            conf_file = str(self.folder / "slurm.conf")
            self.start("slurmctld", "slurmctld", "-D", "-f", conf_file)
            for node in ("n1", "n2"):
                self.start(node, "slurmd", "-D", "-N", node, "-f", conf_file)
            self.wait_until(
                lambda: self.run("sinfo", "-h", "-N", "-p", "low", "-o", "%t").split() == ["idle", "idle"], 60
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_munge(self, key: Path) -> None:
        files = {
            "key-file": key,
            "socket": "munge.socket",
            "pid-file": "munge.pid",
            "log-file": "munge.log",
            "seed-file": "munge.seed",
        }
        options = [f"--{name}={self.folder / value}" for name, value in files.items()]
        self.start("munged", "munged", "--foreground", "--force", *options)
        self.wait_until(lambda: (self.folder / "munge.socket").exists(), 20)

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("wb") as out:
            # a session of its own: a signal to the test's group does not reach it
            process = subprocess.Popen(command, stdout=out, stderr=out, env=self.environment, start_new_session=True)
        self.processes.append(process)

    def __exit__(self, *_: object) -> None:
        if (self.folder / "slurmctld.pid").exists():
            self.cancel(self.jobs())
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def jobs(self) -> set[str]:
        return set(self.run("squeue", "-h", "-o", "%A").split())

    def cancel(self, jobs: set[str]) -> None:
        """What a failed test leaves would hold the nodes."""
        until = time.monotonic() + 30
        while (left := jobs & self.jobs()) and time.monotonic() < until:
            self.run("scancel", "--full", *left)
            time.sleep(0.3)

    def run(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60).stdout

    def wait_until(self, condition, limit_s: float) -> None:
        """Meanwhile the other jobs go on too."""
        until = time.monotonic() + limit_s
        while not condition():
            self.let_go()
            assert all(process.poll() is None for process in self.processes), self.logs()
            assert time.monotonic() < until, f"not within {limit_s} s\n{self.run('squeue', '-a')}\n{self.logs()}"
            time.sleep(0.3)

    def logs(self) -> str:
        files = [path for path in self.folder.iterdir() if path.suffix in (".log", ".out")]
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in files)

    def state(self, job: str) -> str:
        """Slurm's word for the job or array task: PENDING, RUNNING, COMPLETED, …"""
        described = self.run("scontrol", "show", "job", job)
        return next((word.split("=")[1] for word in described.split() if word.startswith("JobState=")), "")

    def wait_for(self, job: str, *states: str, limit_s: float = 120) -> None:
        self.wait_until(lambda: self.state(job) in states, limit_s)

    def let_go(self) -> None:
        """Slurm holds a job that was queued again back for two minutes; a test does not."""
        for line in self.run("squeue", "-h", "-t", "PD", "-o", "%i %r").splitlines():
            job, _, reason = line.partition(" ")
            if reason == "BeginTime" and time.monotonic() - self.let_go_at.get(job, -60.0) > 20:
                # not at once: slurmd refuses a job that begins in the second in which it was queued again
                self.run("scontrol", "update", f"JobId={job}", "StartTime=now+3")
                self.let_go_at[job] = time.monotonic()
