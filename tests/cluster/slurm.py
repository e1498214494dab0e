"""A real Slurm on this host alone: two CPU nodes, a node with two pretend GPUs, accounting. It needs root.

The three nodes are three `slurmd` on one machine, told apart by name and port; what they claim to have (cores, memory,
GPUs) is not there. Job steps are followed by their process tree, not by control groups, which other work may be using.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ETC = Path("/etc/slurm")  # jobs of the Snakemake plugin lose SLURM_CONF, so the files must lie where Slurm looks
MINE = "# Written by molgen's tests; removed when they end."
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db", "sbatch", "srun")
NODES = ("n1", "n2", "g1")
SWITCH = "MOLGEN_TEST_SLURM"

CONTROLLER = """{mine}
ClusterName=pretend
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=26817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool.%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/slurmd.%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
SlurmdTimeout=10
KillWait=20
MinJobAge=86400
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort=26819
AccountingStorageTRES=gres/gpu
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port=[26821-26822] CPUs=16 RealMemory=64000 State=UNKNOWN
NodeName=g1 NodeHostname={host} NodeAddr=127.0.0.1 Port=26831 CPUs=16 RealMemory=64000 Gres=gpu:h100:2 State=UNKNOWN
PartitionName=cpu Nodes=n[1-2] Default=YES PriorityTier=1 DefMemPerCPU=200 State=UP
PartitionName=gpu Nodes=g1 PriorityTier=1 DefMemPerCPU=200 State=UP
PartitionName=urgent Nodes=n[1-2],g1 PriorityTier=10 PreemptMode=OFF DefMemPerCPU=200 State=UP
"""

ACCOUNTING = """{mine}
AuthType=auth/munge
DbdHost=localhost
DbdPort=26819
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=26306
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
PidFile={place}/slurmdbd.pid
LogFile={place}/slurmdbd.log
"""

GPUS = """{mine}
NodeName=g1 Name=gpu Type=h100 File={place}/gpu[0-1]
"""


def missing() -> str:
    """Why no Slurm can be started here, or nothing."""
    if not os.environ.get(SWITCH):
        return "starts a Slurm as root and writes /etc/slurm: `make test-slurm` does so"
    if os.geteuid():
        return "a Slurm of its own needs root"
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"Slurm is not installed ({', '.join(absent)}); `make help` names Debian's packages"
    if any((ETC / name).exists() and MINE not in (ETC / name).read_text() for name in ("slurm.conf", "slurmdbd.conf")):
        return "this machine is configured for a Slurm of its own"
    return ""


class Job(NamedTuple):
    """A line of squeue."""

    number: str
    state: str
    node: str
    rule: str


class Cluster:
    """The daemons, and what a test asks of them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.database: subprocess.Popen[bytes] | None = None
        self.hosts = Path("/etc/hosts").read_text()

    def start(self) -> None:
        """Brings everything up, in about ten seconds, and returns when all nodes are idle."""
        host = _run("hostname", "-s").strip()
        names = [name for name in (host, *NODES) if name not in self.hosts.split()]
        Path("/etc/hosts").write_text(self.hosts.rstrip("\n") + f"\n127.0.0.1 {' '.join(names)}\n")
        self.place.chmod(0o755)  # the database has a user of its own
        (self.place / "state").mkdir()
        for number in (0, 1):  # a device that opens and does nothing
            os.mknod(self.place / f"gpu{number}", 0o20666, os.makedev(1, 3))
        ETC.mkdir(exist_ok=True)
        for name, text in (("slurm", CONTROLLER), ("gres", GPUS), ("slurmdbd", ACCOUNTING)):
            file = ETC / f"{name}.conf"
            file.touch(mode=0o600 if name == "slurmdbd" else 0o644)
            file.write_text(text.format(mine=MINE, host=host, place=self.place))
        self._start_munge()
        self._start_accounting()
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        wait(lambda: set(_run("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()) == set(NODES), "idle nodes")

    def _start_munge(self) -> None:
        for folder in ("/run/munge", "/var/lib/munge", "/var/log/munge"):
            _run("install", "-d", "-o", "munge", "-g", "munge", "-m", "755", folder)
        if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode:
            _run("runuser", "-u", "munge", "--", "munged")

    def _start_accounting(self) -> None:
        data = self.place / "mysql"
        _run("install", "-d", "-o", "mysql", "-g", "mysql", str(data))
        _run("mariadb-install-db", "--user=mysql", f"--datadir={data}", "--skip-test-db")
        socket = data / "socket"
        command = ["mariadbd", "--user=mysql", f"--datadir={data}", f"--socket={socket}"]
        command += ["--bind-address=127.0.0.1", "--port=26306", "--skip-name-resolve"]
        with (self.place / "mariadb.log").open("wb") as log:
            self.database = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait(lambda: _works("mariadb-admin", f"--socket={socket}", "ping"), "the database")
        _run(
            *("mariadb", f"--socket={socket}", "-e"),
            "create database slurm_acct_db; create user slurm@'127.0.0.1' identified by 'slurm';"
            "grant all on slurm_acct_db.* to slurm@'127.0.0.1'",
        )
        _run("slurmdbd")
        wait(lambda: _works("sacctmgr", "-n", "show", "cluster"), "accounting")
        for words in ("cluster pretend", "account lab cluster=pretend", "user root account=lab defaultaccount=lab"):
            _run("sacctmgr", "-i", "add", *words.split())

    def start_controller(self) -> None:
        """`slurmctld`, with whatever state it left."""
        _run("slurmctld")
        wait(lambda: _works("scontrol", "ping"), "the controller")

    def kill_controller(self) -> None:
        """The controller is gone at once, as when its machine loses power; jobs go on."""
        self._kill("slurmctld", signal.SIGKILL)

    def start_node(self, node: str) -> None:
        """The daemon of a node."""
        _run("slurmd", "-N", node)

    def kill_node(self, node: str, job: str) -> None:
        """The node on which a job runs is gone at once: its daemon and every process of the job."""
        _kill(self._pid(f"slurmd.{node}"))
        for pid in self.processes(job):
            _kill(pid)

    def processes(self, job: str, words: str = "") -> list[int]:
        """The processes of a job, those of Slurm included, whose command line holds these words."""
        steps = [pid for pid in _processes() if _command(pid).startswith(f"slurmstepd: [{job}.")]
        return [pid for step in steps for pid in [step, *_descendants(step)] if words in _command(pid)]

    def do(self, *command: str) -> str:
        """What a command of Slurm prints; an error with what it said if it fails."""
        return _run(*command)

    def mend(self) -> None:
        """Ends all jobs and brings every daemon back."""
        if not _works("scontrol", "ping"):
            self.start_controller()
        _works("scancel", "--user=root", "--full")
        for node in NODES:
            if not Path(f"/proc/{self._pid(f'slurmd.{node}')}").exists():
                self.start_node(node)
        wait(lambda: set(_run("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()) == set(NODES), "idle nodes")

    def snakemake_of(self, pid: int) -> int:
        """The snakemake nearest above a process: the one that runs its rule."""
        while not _command(pid := _parent(pid)).split("--")[0].strip().endswith("-m snakemake"):
            if not pid:
                raise LookupError("no snakemake above that process")
        return pid

    def job(self, number: str) -> dict[str, str]:
        """What `scontrol show job` says."""
        words = _run("scontrol", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def becomes(self, number: str, state: str) -> None:
        """Waits until a job is in that state."""
        wait(lambda: self.job(number)["JobState"] == state, f"job {number} to be {state}", 300)

    def running(self, rule: str) -> str:
        """The number of the job of that rule that runs, or nothing."""
        return next((job.number for job in self.jobs() if (job.rule, job.state) == (rule, "RUNNING")), "")

    def jobs(self) -> list[Job]:
        """Every job so far, in the order in which they were sent. The plugin writes the rule into the comment."""
        lines = [line.split("|") for line in self.states().splitlines()]
        found = [Job(*words[:3], words[3].removeprefix("rule_").split("_wildcards")[0]) for words in lines]
        return sorted(found, key=lambda job: int(job.number))

    def states(self) -> str:
        """Every job so far with its state."""
        return _run("squeue", "-h", "-t", "all", "-o", "%i|%T|%N|%k|%r")

    def stop(self) -> None:
        """Ends every daemon and takes the configuration away."""
        subprocess.run(["scancel", "--user=root"], capture_output=True, check=False)
        for name in (*(f"slurmd.{node}" for node in NODES), "slurmctld", "slurmdbd"):
            self._kill(name, signal.SIGTERM)
        if self.database is not None:
            self.database.terminate()
            self.database.wait()
        for name in ("slurm", "gres", "slurmdbd"):
            (ETC / f"{name}.conf").unlink(missing_ok=True)
        Path("/etc/hosts").write_text(self.hosts)

    def _pid(self, name: str) -> int:
        return int((self.place / f"{name}.pid").read_text())

    def _kill(self, name: str, number: int) -> None:
        try:
            pid = self._pid(name)
        except (OSError, ValueError):
            return
        _kill(pid, number)
        wait(lambda: not Path(f"/proc/{pid}").exists(), f"the end of {name}")


def wait(until: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Waits for something; a TimeoutError names it."""
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.1)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _descendants(pid: int) -> list[int]:
    children = [other for other in _processes() if _parent(other) == pid]
    return [*children, *(found for child in children for found in _descendants(child))]
