"""Stand-ins for tools that need a GPU, Windows, systemd or a network. They take the options of the real ones alone.

One file under many names. What each takes is after its own help: docker 28 (docs.docker.com/reference/cli), conda 25
(docs.conda.io/projects/conda/en/stable/commands), nvidia-smi 580 (its man page), nvidia-ctk 1.17 (its --help), ping of
iputils, hwclock and fstrim of util-linux 2.38, wget 1.21.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Words = list[str]
NVIDIA_CARD = "GPU 0: NVIDIA GeForce RTX 4070 (UUID: GPU-00000000-0000-0000-0000-000000000000)"


def parser(name: str, *options: str, words: str = "*", program: bool = False) -> argparse.ArgumentParser:
    """Takes these options ("--all" a switch, "--name=" one with a value); words: how many others there may be."""
    taken = argparse.ArgumentParser(name, allow_abbrev=False)
    for option in options:
        action = "append" if option.endswith("=") else "store_true"
        taken.add_argument(*option.rstrip("=").split(","), action=action)
    taken.add_argument("words", nargs=argparse.REMAINDER if program else words)
    return taken


def commands(tool: str, words: Words, known: dict[str, argparse.ArgumentParser]) -> tuple[str, argparse.Namespace]:
    """The command among the words, and its options; exit code 2 for one that the tool does not have."""
    for name in sorted(known, key=len, reverse=True):
        if words[: len(name.split())] == name.split():
            return name, known[name].parse_args(words[len(name.split()) :])
    sys.exit(f"{tool}: unknown command: {' '.join(words)}")


DOCKER_RUN = ("--rm", "--gpus=", "--runtime=", "--shm-size=", "-p,--publish=", "-e,--env=")


def docker(words: Words) -> None:
    known = {
        "info": parser("docker info", "-f,--format=", words="?"),
        "export": parser("docker export", "-o,--output=", words="?"),
        "run": parser("docker run", *DOCKER_RUN, program=True),
    }
    name, given = commands("docker", words, known)
    if name == "export":
        Path(given.output[0]).write_bytes(b"a root file system\n")
    print({"info": '{"nvidia":{"path":"nvidia-container-runtime"}}', "run": NVIDIA_CARD}.get(name, ""))


def conda(words: Words) -> None:
    known = {
        "create": parser("conda create", "-n,--name=", "-y,--yes"),
        "activate": parser("conda activate", words="?"),
        "env list": parser("conda env list", words="?"),
        "env export": parser("conda env export", "--from-history", words="?"),
        "init": parser("conda init", "--reverse"),
        "install": parser("conda install", "-n,--name=", "-c,--channel=", "-y,--yes"),
        "remove": parser("conda remove", "-n,--name=", "--all", "-y,--yes"),
    }
    name, given = commands("conda", words, known)
    environments = Path.home() / ".conda" / "environments"
    environments.mkdir(parents=True, exist_ok=True)
    profile, block = Path.home() / ".bashrc", "# >>> conda initialize >>>\n"
    text = profile.read_text(encoding="utf-8").replace(block, "")
    if name == "create":
        _ask(f"The environment {given.name[0]} exists: remove it?", (environments / given.name[0]).exists())
        _ask("Proceed?", not given.yes)
        (environments / given.name[0]).write_text("\n".join(given.words), encoding="utf-8")
    elif name == "remove":
        _ask("Proceed?", not given.yes)
        (environments / given.name[0]).unlink()
    elif name == "install":
        _ask("Proceed?", not given.yes)
        (environments / "base").write_text("\n".join(given.words), encoding="utf-8")
    elif name == "init":
        profile.write_text(text + ("" if given.reverse else block), encoding="utf-8")


def _ask(question: str, needed: bool) -> None:
    if not needed:
        return
    print(f"{question} ([y]/n) ", flush=True)
    if os.read(0, 2) != b"y\n":  # no more than the answer: others read after it
        sys.exit(1)


def nvidia_smi(words: Words) -> None:
    options = ("-q", "-d=", "-L", "-c=", "--query-gpu=", "--format=")
    given = parser("nvidia-smi", *options, words="?").parse_args(words)
    print("NVIDIA GeForce RTX 4070, 551.61, 12282 MiB" if given.query_gpu else NVIDIA_CARD)


def nvidia_ctk(words: Words) -> None:
    known = {
        "cdi generate": parser("nvidia-ctk cdi generate", "--output=", "--mode=", words="?"),
        "runtime configure": parser("nvidia-ctk runtime configure", "--runtime=", "--disable", words="?"),
    }
    name, given = commands("nvidia-ctk", words, known)
    target = Path(given.output[0] if name == "cdi generate" else f"/etc/{given.runtime[0]}/daemon.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text("{}\n" if getattr(given, "disable", False) else '{"nvidia": true}\n', encoding="utf-8")


def ping(words: Words) -> None:
    given = parser("ping", "-c=", "-M=", "-s=", "-W=", words="?").parse_args(words)
    if given.M not in (None, ["do"], ["dont"], ["want"], ["probe"]):
        sys.exit(2)
    print(f"1 packet transmitted to {given.words}")


def service(words: Words) -> None:
    name, action = words
    if name not in ("docker", "systemd-binfmt") or action not in ("start", "stop", "restart", "status"):
        sys.exit(f"service: {words}")
    state = Path("/var/lib") / f"{name}.state"
    state.write_text("stopped\n" if action == "stop" else "running\n", encoding="utf-8")


def wget(words: Words) -> None:
    """From the local pool; a file that is there is kept, and the new one gets a number, as with the real one."""
    given = parser("wget", "-q", "-O=", words="?").parse_args(words)
    name = given.words.rpartition("/")[2]
    target = Path(name)
    while target.exists():
        target = Path(f"{name}.{int(target.suffix[1:]) + 1 if target.suffix[1:].isdigit() else 1}")
    found = next(Path("/srv/apt/pool").glob(f"{name.split('_')[0]}_*.deb"), None)
    if not given.words.startswith("https://developer.download.nvidia.com/compute/cuda/repos/") or found is None:
        sys.exit(f"wget: {given.words}")
    shutil.copy(found, target)


def edit(words: Words) -> None:
    """nano: what a person would do with the file is not tried; it must be one that can be opened."""
    Path(words[0]).read_bytes()


TOOLS: dict[str, Callable[[Words], None]] = {
    "docker": docker,
    "conda": conda,
    "nvidia-smi": nvidia_smi,
    "nvidia-ctk": nvidia_ctk,
    "nvcc": lambda words: print(parser("nvcc", "--version", words="?").parse_args(words)),
    "ping": ping,
    "service": service,
    "reboot": lambda words: Path("/var/lib/reboot.asked").touch(),
    "nano": edit,
    "wget": wget,
    "hwclock": lambda words: print(parser("hwclock", "-s,--hctosys", words="?").parse_args(words)),
    "fstrim": lambda words: print(parser("fstrim", "-a,--all", "-v,--verbose", words="?").parse_args(words)),
    "dmesg": lambda words: print(
        "misc dxg: dxgk: dxgkio_query_adapter_info: Ioctl failed: -22\nOut of memory: Killed x"
    ),
    "journalctl": lambda words: print(parser("journalctl", "-b", "-u=", "--no-pager").parse_args(words)),
    "lspci": lambda words: print("01:00.0 VGA compatible controller: NVIDIA Corporation AD104"),
    "mount.drvfs": lambda words: subprocess.run(["mount", "-t", "tmpfs", "drvfs", words[1]], check=True) and None,
    "powershell.exe": lambda words: print("PS C:\\>"),
    "cmd.exe": lambda words: print("Microsoft Windows [Version 10.0.26100.1]"),
}

if __name__ == "__main__":
    TOOLS[Path(sys.argv[0]).name](sys.argv[1:])
