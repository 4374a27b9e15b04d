"""The launcher with a Python, a pip and a uv that only write down what they are asked to do.

PATH holds nothing but the few system tools the launcher may use and the fakes, so neither a real Python nor the network
can be reached by accident. The project's folder has spaces in its name.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

RIG = Path(__file__).resolve().parents[3] / "rig"
TOOLS = ("awk", "cat", "cksum", "cp", "df", "dirname", "grep", "id", "ln", "mkdir", "mv", "readlink", "rm", "sed",
         "sleep", "tail", "touch", "uname")  # fmt: skip
PATIENCE_SECONDS = 30

FAKE_PYTHON = """#!/bin/sh
log() { printf '%s\\n' "$*" >>"$FAKE_LOG"; }
last() { shift $(($# - 1)); printf '%s' "$1"; }
wait_at() { # a place: say that it is reached, stay there while the test asks for it
    [ "${FAKE_STOP_AT-}" != "$1" ] || { : >"$FAKE_LOG.$1"; while [ -e "$FAKE_LOG.hold" ]; do sleep 0.02; done; }
}
case "$*" in
*_base_executable*) [ -n "${FAKE_OLD-}" ] || printf '%s\\n' "$0" ;;
'-c import ensurepip, venv') [ -z "${FAKE_LAME-}" ] ;;
'-c import pip, sys;'*) [ -z "${FAKE_BROKEN-}" ] ;;
-m\\ venv*)
    log "venv $*"
    venv=$(last "$@")
    mkdir -p "$venv/bin" && : >"$venv/pyvenv.cfg"
    wait_at venv
    cp "$0" "$venv/bin/python"
    ;;
'-m pip config list') printf '%s' "${FAKE_PIP_CONFIG-}" ;;
-m\\ pip\\ install\\ --dry-run*)
    log "dry $*"
    [ -z "${FAKE_DRY_SAYS-}" ] || { printf '%s\\n' "$FAKE_DRY_SAYS"; sleep 2; }
    [ -n "${FAKE_REPORT-}" ] && cp "$FAKE_REPORT" "$6"
    ;;
-m\\ pip\\ install*)
    log "pip $*"
    wait_at pip
    [ "$PIP_USER" = 0 ] || exit 1
    echo 'Collecting torch'
    echo '  Downloading https://far.away/torch-2.13.0-cp311.whl (539.1 MB)'
    echo '  Downloading rich-15.0.0-py3-none-any.whl (5.3 kB)'
    [ -z "${FAKE_PIP_FAILS-}" ] || { echo 'ERROR: no route to host'; exit 1; }
    case "$* ${FAKE_ORACLE_FAILS-}" in *' --no-deps taming-transformers yes') exit 1 ;; esac
    cp "$FAKE_DREAMRIG" "${0%/*}/dreamrig"
    ;;
-m*) log "run $*"; echo "ran $*"; [ "${FAKE_FAILING-}" != "$2" ] ;;
*importlinter*) log "run lint-imports"; [ "${FAKE_FAILING-}" != lint-imports ] ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
"""
FAKE_UV = """#!/bin/sh
case "$1 $2" in python* | 'pip compile') ;; *) echo "what uv has to say" ;; esac
case "$1 $2" in 'pip compile') kind=dry ;; *) kind=uv ;; esac
printf '%s\\n' "$kind $*" >>"$FAKE_LOG"
case "$1 $2" in
'pip compile') cat >"$FAKE_LOG.wanted"; [ -n "${FAKE_LOCK-}" ] && cat "$FAKE_LOCK" ;;
'pip install') [ -z "${FAKE_UV_FAILS-}" ] && cp "$FAKE_DREAMRIG" "${4%/*}/dreamrig" ;;
'python find') [ -n "${FAKE_UV_PYTHON-}" ] && printf '%s\\n' "$FAKE_UV_PYTHON" ;;
venv*)
    for last in "$@"; do :; done
    mkdir -p "$last/bin" && : >"$last/pyvenv.cfg" && cp "$FAKE_UV_PYTHON" "$last/bin/python"
    ;;
*) exit 1 ;;
esac
"""
FAKE_DREAMRIG = """#!/bin/sh
[ ! -e /proc/self/fd/9 ] || echo "the lock of the installation is still held"
echo "dreamrig called"
for word in "$@"; do printf '<%s>\\n' "$word"; done
exit "${FAKE_EXIT-0}"
"""


class Checkout:
    """A copy of the launcher in a project of its own, and the PATH that it sees."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a rig of one's own"
        self.bin = folder / "bin"
        self.log = folder / "calls"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(RIG, self.root / "rig")
        (self.root / "dreamrig").mkdir()
        shutil.copy(RIG.parent / "dreamrig" / "resolved.py", self.root / "dreamrig")
        (self.root / "pyproject.toml").write_text("[project]\nname = 'dreamrig'\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)
        self.add_command("python3", FAKE_PYTHON)
        self.dreamrig = folder / "fake-dreamrig"
        self._write_command(self.dreamrig, FAKE_DREAMRIG)

    @property
    def state(self) -> Path:
        return self.root / ".venv" / ".dreamrig"

    def add_command(self, name: str, script: str) -> Path:
        self._write_command(self.bin / name, script)
        return self.bin / name

    @staticmethod
    def _write_command(path: Path, script: str) -> None:
        path.write_text(script)
        path.chmod(0o755)

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "HOME": str(self.root.parent),
            "FAKE_LOG": str(self.log),
            "FAKE_DREAMRIG": str(self.dreamrig),
            "REAL_PYTHON": sys.executable,
            "DREAMRIG_TORCH": "cuda",
            **extra,
        }

    def start(
        self, *words: str, shell: tuple[str, ...] = (), at: Path | None = None, **extra: str
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*shell, str(at or self.root / "rig"), *words],
            env=self.environment(extra),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # a process group to interrupt
        )

    def run(
        self, *words: str, shell: tuple[str, ...] = (), at: Path | None = None, **extra: str
    ) -> tuple[int, str, str]:
        process = self.start(*words, shell=shell, at=at, **extra)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err

    def hold(self) -> Path:
        """While this file exists, a fake that was told to stop somewhere stays there."""
        path = self.log.with_name("calls.hold")
        path.touch()
        return path

    def wait_for(self, place: str) -> None:
        """Until a fake has reached the place where it was told to stop."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.log.with_name(f"calls.{place}").exists():
            assert time.monotonic() < deadline, f"never reached: {place}"
            time.sleep(0.02)

    def calls(self, kind: str) -> list[str]:
        """What the fakes were asked, of one kind: venv, pip, uv, run."""
        if not self.log.exists():
            return []
        return [line for line in self.log.read_text().splitlines() if line.split()[0] == kind]
