"""Times one look at a host over loopback SSH against other ways to read the same sources.

Every way runs the same commands and reads the same files: those that a capture of this machine
holds. Rounds are interleaved, so that a slow moment of the machine meets all ways; medians and the
ratios between them are printed. `make bench` sets up the tools that it compares with.

ways: preflight · ansible-playbook with pipelining · pyinfra · Fabric, a command at a time ·
the floor: one `ssh HOST sh` that starts everything at once and waits.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.loopback import Loopback

BIN = Path(sys.executable).parent
OTHERS = Path(os.environ.get("BENCH_BIN", BIN))


def commands(capture: dict[str, dict]) -> list[str]:
    """One shell command a source that gave something: the tool's own, or a cat of its files."""
    lines = []
    for source in capture["sources"].values():
        if source.get("argv") and source["status"] in ("ok", "tool-failed"):
            lines.append("LC_ALL=C " + shlex.join(source["argv"]) + " 2>&1 || true")
        paths = sorted(source.get("files", {}))
        if paths:
            lines.append("cat " + shlex.join(paths) + " 2>/dev/null || true")
    return lines


def playbook(lines: list[str]) -> str:
    tasks = [
        {"ansible.builtin.shell": line, "changed_when": False, "register": f"source_{i}"}
        for i, line in enumerate(lines)
    ]
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}])


def pyinfra_deploy(lines: list[str]) -> str:
    body = "\n".join(f"host.get_fact(Command, {line!r})" for line in lines)
    return f"from pyinfra import host\nfrom pyinfra.facts.server import Command\n{body}\n"


def fabric_script(lines: list[str], host: Loopback) -> str:
    return f"""
import fabric
c = fabric.Connection("127.0.0.1", user={host.user!r}, port={host.port},
                      connect_kwargs={{"key_filename": {str(host.key)!r}}})
for line in {lines!r}:
    c.run(line, hide=True, in_stream=False)
"""


def ways(host: Loopback, lines: list[str], folder: Path) -> dict[str, tuple[list[str], dict]]:
    (folder / "play.json").write_text(playbook(lines))
    (folder / "deploy.py").write_text(pyinfra_deploy(lines))
    (folder / "one_by_one.py").write_text(fabric_script(lines, host))
    floor = "\n".join(f"({line}) &" for line in lines) + "\nwait\n"
    (folder / "floor.sh").write_text(floor)
    inventory = (
        f"loopback ansible_host=127.0.0.1 ansible_port={host.port} ansible_user={host.user} "
        f"ansible_ssh_private_key_file={host.key} ansible_python_interpreter=/usr/bin/python3\n"
    )
    (folder / "inventory").write_text(inventory)
    ansible = {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_HOST_KEY_CHECKING": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    ssh = ["ssh", "loopback"]
    data = f"--data ssh_strict_host_key_checking=no --data ssh_config_file={host.config}"
    pyinfra = f"@ssh/loopback --user {host.user} --key {host.key} -y {data}"
    return {
        "preflight": ([str(BIN / "preflight"), "loopback"], {}),
        "floor": (["sh", "-c", shlex.join([*ssh, "sh"]) + f" < {folder}/floor.sh"], {}),
        "fabric": ([sys.executable, str(folder / "one_by_one.py")], {}),
        "pyinfra": (
            [str(OTHERS / "pyinfra"), *pyinfra.split(), str(folder / "deploy.py")],
            {},
        ),
        "ansible": (
            [str(OTHERS / "ansible-playbook"), "-i", f"{folder}/inventory", f"{folder}/play.json"],
            ansible,
        ),
    }


def run(argv: list[str], environment: dict[str, str], programs: Path | str = "") -> float:
    """Seconds of one run; a way that fails is a defect of the benchmark."""
    begun = time.perf_counter()
    done = subprocess.run(
        argv,
        env={
            **os.environ,
            "PATH": f"{programs}:{OTHERS}:{BIN}:{os.environ['PATH']}",
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    taken = time.perf_counter() - begun
    accepted = (0, 1, 3) if argv[0].endswith("preflight") else (0,)
    if done.returncode not in accepted:
        sys.exit(f"{argv[0]} ended in {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    return taken


def help_ratio(rounds: int) -> tuple[float, float]:
    """Median seconds of `preflight --help` and of `python -c pass`, interleaved."""
    shown, bare = [], []
    for _ in range(rounds):
        shown.append(run([str(BIN / "preflight"), "--help"], {}))
        bare.append(run([sys.executable, "-c", "pass"], {}))
    return statistics.median(shown), statistics.median(bare)


def peak_mib(argv: list[str], programs: Path) -> float:
    """Peak resident memory of one run, in a process of its own."""
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv],
        capture_output=True,
        check=True,
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
    )
    return int(done.stdout) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", help="ways to time, besides preflight and floor")
    options = parser.parse_args()
    with Loopback() as host, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saved = folder / "capture.json"
        first = [str(BIN / "preflight"), "loopback", "--save-capture", str(saved)]
        run(first, {}, host.programs)
        lines = commands(json.loads(saved.read_text()))
        table = ways(host, lines, folder)
        if options.only is not None:
            table = {n: w for n, w in table.items() if n in {"preflight", "floor", *options.only}}
        seconds: dict[str, list[float]] = {way: [] for way in table}
        for _ in range(options.rounds):
            for way, (argv, environment) in table.items():
                seconds[way].append(run(argv, environment, host.programs))
        memory = peak_mib(table["preflight"][0], host.programs)
    median = {way: statistics.median(times) for way, times in seconds.items()}
    print(f"{len(lines)} sources, {options.rounds} rounds, medians, {os.cpu_count()} CPUs\n")
    print("| way | s (min-max) | × preflight | × floor |\n|---|---|---|---|")
    for way, value in sorted(median.items(), key=lambda item: item[1]):
        spread = f"{min(seconds[way]):.2f}-{max(seconds[way]):.2f}"
        ratios = f"{value / median['preflight']:.2f} | {value / median['floor']:.2f}"
        print(f"| {way} | {value:.2f} ({spread}) | {ratios} |")
    shown, bare = help_ratio(options.rounds * 3)
    print(f"\npreflight --help {shown * 1e3:.0f} ms, python -c pass {bare * 1e3:.0f} ms:", end=" ")
    print(f"ratio {shown / bare:.1f}")
    print(f"controller's peak memory {memory:.0f} MiB")


if __name__ == "__main__":
    main()
