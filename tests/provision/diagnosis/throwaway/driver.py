"""Runs commands in throw-away copies of this machine, and says what came of each. Started by test_linux_commands.py.

    unshare --mount --net --pid --uts --ipc --fork python driver.py ASKED.json ANSWERED.json

All it mounts lies in its own namespace, all it writes in memory; there is no network but a made-up one. Each trial gets
an overlay of its own over the prepared world, which lies over this machine. What would reach through to the machine
(its clock, its kernel, its devices) is taken away: those capabilities are dropped, and /dev is made anew.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = "/home/me"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DROPPED = "-sys_time,-sys_boot,-sys_module,-sys_rawio,-mknod,-syslog,-wake_alarm,-audit_control,-mac_admin"
NOISE = ("/tmp/", "/run/", "/sys", "/proc", "/dev", "/var/cache/", "/var/log/", "/var/lib/apt/", "/etc/ld.so.cache",
         "/home/me/.cache/pip", "/home/me/.local/share/dreamrig/", "/home/me/.conda/log")  # fmt: skip
"""What programs write when they are merely looked into."""
PATIENCE_SECONDS = 600


def call(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


class Root:
    """An overlay with its upper layer in memory. below: upper layers of others, the highest first."""

    def __init__(self, scratch: Path, below: tuple[Path, ...] = ()) -> None:
        self.scratch, self.upper, self.path = scratch, scratch / "upper", scratch / "root"
        scratch.mkdir()
        call("mount", "-t", "tmpfs", "throwaway", str(scratch))
        for folder in (self.upper, self.path, scratch / "work"):
            folder.mkdir()
        lower = ":".join([*map(str, below), "/"])
        options = f"lowerdir={lower},upperdir={self.upper},workdir={scratch / 'work'}"
        call("mount", "-t", "overlay", "throwaway", "-o", options, str(self.path))
        call("mount", "-t", "proc", "proc", str(self.path / "proc"))
        call("mount", "-t", "sysfs", "-o", "ro", "sysfs", str(self.path / "sys"))
        self._make_devices()

    def _make_devices(self) -> None:
        dev = self.path / "dev"
        call("mount", "-t", "tmpfs", "-o", "mode=755", "dev", str(dev))
        for name in DEVICES:
            (dev / name).touch()
            call("mount", "--bind", f"/dev/{name}", str(dev / name))
        for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
            (dev / name).symlink_to(target)
        (dev / "shm").mkdir(mode=0o1777)

    def run(self, script: str, answers: str = "") -> dict[str, object]:
        """A bash script run to its end in this root; its exit code and what it said."""
        words = ["setpriv", "--bounding-set", DROPPED, "--inh-caps", DROPPED, "chroot", str(self.path), "env", "-i"]
        words += [f"HOME={HOME}", "USER=me", "LANG=C.UTF-8", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive"]
        words += ["bash", "--noprofile", "--norc", "-c", script]
        try:
            ran = subprocess.run(
                words,
                check=False,
                input=answers,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            return {"code": None, "out": str(error.stdout), "err": str(error.stderr)}
        return {"code": ran.returncode, "out": ran.stdout, "err": ran.stderr}

    def changes(self) -> list[str]:
        """The files that are new, other or gone, as the root sees them."""
        found = [f"/{path.relative_to(self.upper)}" for path in self.upper.rglob("*") if not path.is_dir()]
        return sorted(name for name in found if not name.startswith(NOISE) and "/__pycache__/" not in name)

    def leave(self) -> None:
        """Unmount it all, from below whatever is still running there."""
        call("umount", "--recursive", "--lazy", str(self.path))
        call("umount", "--lazy", str(self.scratch))


def make_network() -> None:
    """An eth0 that leads nowhere, with a default route, as a guest has it."""
    call("ip", "link", "set", "lo", "up")
    call("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far")
    call("ip", "address", "add", "172.20.0.2/20", "dev", "eth0")
    for end in ("eth0", "far"):
        call("ip", "link", "set", end, "up")
    call("ip", "route", "add", "default", "via", "172.20.0.1")


def main(asked: Path, answered: Path) -> None:
    """Do all trials of `asked`; the answers are written even where one cannot be done."""
    os.umask(0o022)
    document = json.loads(asked.read_text(encoding="utf-8"))
    top = asked.parent / "roots"
    top.mkdir()
    call("mount", "-t", "tmpfs", "roots", str(top))
    make_network()
    world = Root(top / "world")
    made = world.run(document["world"])
    results = []
    for number, trial in enumerate(document["trials"] if made["code"] == 0 else []):
        root = Root(top / str(number), (world.upper,))
        results.append({**root.run(trial["script"], trial["answers"]), "changes": root.changes()})
        root.leave()
    answered.write_text(json.dumps({"world": made, "trials": results}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
