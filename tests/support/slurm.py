"""A Slurm of one machine on the loopback address, from Debian's packages, unpacked into a folder and not installed."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = (
    "slurmctld",
    "slurmd",
    "slurm-client",
    "slurm-wlm-basic-plugins",
    "munge",
    "libmunge2",
    "libhwloc15",
)
PROGRAMS = ("sbatch", "scontrol", "squeue", "scancel", "srun", "sinfo", "sacct")

_CONFIG = """
ClusterName=loop
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
SlurmctldLogFile={folder}/ctld.log
SlurmdLogFile={folder}/d.log
PluginDir={root}/usr/lib/x86_64-linux-gnu/slurm-wlm
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
MpiDefault=none
ReturnToService=2
SwitchType=switch/none
KillWait=10
MinJobAge=3600
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=low Nodes={host} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=30
PartitionName=high Nodes={host} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


class Slurm:
    """A running Slurm.

    Args:
        folder: an empty folder, in which all of it lies; its path should be short.
        cpus: that the machine is said to have.

    Attributes:
        environment: variables with which its programs, and those that call them, work.
    """

    def __init__(self, folder: Path, cpus: int = 2) -> None:
        self.folder, self.cpus = folder, cpus
        self.root = folder / "root"
        library = self.root / "usr/lib/x86_64-linux-gnu"
        self.environment = {
            **os.environ,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{library}:{library / 'slurm-wlm'}",
            "SLURM_CONF": str(folder / "slurm.conf"),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    def unpack(self) -> None:
        """Fetch Debian's packages, and put the programs under their plain names into one folder.

        Raises:
            RuntimeError: no packages to be had, or no privileges.
        """
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise RuntimeError("Slurm on the loopback address needs root and Debian's packages")
        packages = self.folder / "packages"
        packages.mkdir(parents=True)
        fetched = subprocess.run(["apt-get", "download", *PACKAGES], cwd=packages, capture_output=True, text=True)
        if fetched.returncode:
            raise RuntimeError(f"Debian's Slurm packages are not to be had: {fetched.stderr.strip()[-200:]}")
        for package in packages.iterdir():
            subprocess.run(["dpkg", "-x", package, self.root], check=True)
        programs = self.folder / "bin"
        programs.mkdir()
        for found in [*(self.root / "usr/bin").iterdir(), *(self.root / "usr/sbin").iterdir()]:
            (programs / found.name.removesuffix("-wlm")).symlink_to(found)
        for name in PROGRAMS:
            assert (programs / name).exists(), f"{name} is in none of the packages"

    def start(self) -> None:
        """Start all of it, and wait until the machine is idle."""
        host = socket.gethostname().partition(".")[0]
        for name in ("state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        if not key.exists():
            key.write_bytes(os.urandom(128))
            key.chmod(0o600)
        text = _CONFIG.format(host=host, folder=self.folder, root=self.root, cpus=self.cpus, ports=_free_ports(2))
        (self.folder / "slurm.conf").write_text(text)
        self._run(
            "munged",
            "--foreground",
            "--force",
            f"--socket={self.folder}/munge.sock",
            f"--key-file={key}",
            f"--pid-file={self.folder}/munge.pid",
            f"--log-file={self.folder}/munge.log",
            f"--seed-file={self.folder}/munge.seed",
        )
        _wait(lambda: (self.folder / "munge.sock").exists(), "munged does not start")
        self._run("slurmctld", "-D")
        self.start_slurmd()

    def start_slurmd(self) -> None:
        """Start the daemon of the machine that does the work, also after it was killed."""
        self.slurmd = self._run("slurmd", "-D", "-d", str(self.folder / "bin/slurmstepd"))
        _wait(
            lambda: "idle" in self.ask("sinfo", "-h", "-o", "%t") or "mix" in self.ask("sinfo", "-h", "-o", "%t"),
            "slurmd does not come up",
        )

    def ask(self, *command: str) -> str:
        """What a program of Slurm answers; empty where it fails."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout

    def job(self, number: int | str) -> dict[str, str]:
        """What Slurm knows of a job, as `scontrol show job` prints it."""
        pairs = self.ask("scontrol", "show", "job", str(number)).split()
        return dict(pair.partition("=")[::2] for pair in pairs if "=" in pair)

    def release(self, number: int | str) -> None:
        """Let a requeued job begin at once; Slurm would have it wait for two minutes."""
        self.ask("scontrol", "update", f"JobId={number}", "StartTime=now")

    def stop(self) -> None:
        """End all jobs and daemons; a job that is left would run on without them."""
        end = time.monotonic() + 60
        while self.ask("squeue", "-h", "-o", "%i").strip() and time.monotonic() < end:
            self.ask("scancel", "--user=root")
            time.sleep(1)
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def _run(self, *command: str) -> "subprocess.Popen[bytes]":
        program = str(self.folder / "bin" / command[0])
        with (self.folder / f"{command[0]}.out").open("ab") as out:
            process = subprocess.Popen([program, *command[1:]], env=self.environment, stdout=out, stderr=out)
        self._processes.append(process)
        return process


@contextmanager
def running_slurm(folder: Path) -> Iterator[Slurm]:
    """A Slurm in an empty folder; ends with all its jobs.

    Raises:
        RuntimeError: it is not to be had here.
    """
    slurm = Slurm(folder)
    slurm.unpack()
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


def _free_ports(count: int) -> list[int]:
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in found]
    for each in found:
        each.close()
    return ports


def _wait(done: "object", otherwise: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        if time.monotonic() > end:
            raise RuntimeError(otherwise)
        time.sleep(0.2)
