"""`dreamrig diagnose` where Python is another one: Windows' own, macOS, a container without a terminal or a locale.

Simulated in a fresh process: the modules that only POSIX has cannot be imported, sys.platform says another system,
standard output takes the code page of an old console. Not verified on a real Windows or Mac.
"""

import os
import subprocess
import sys

import pytest

START = """
import sys
for name in ("fcntl", "pwd", "grp", "termios", "resource", "tty", "readline"):
    sys.modules[name] = None
sys.platform = sys.argv[1]
from dreamrig.cli import main
sys.exit(main(sys.argv[2:]))
"""
PLACES = [("win32", "cp437"), ("win32", "cp1252"), ("darwin", "utf-8"), ("linux", "ascii")]


def run(platform: str, encoding: str, *words: str, typed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    variables = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "HOME": "/nonexistent"}
    return subprocess.run(
        [sys.executable, "-c", START, platform, *words], input=typed, capture_output=True, env=variables, check=False
    )


@pytest.mark.parametrize(("platform", "encoding"), PLACES)
def test_it_answers_in_whatever_the_terminal_can_show(platform: str, encoding: str) -> None:
    """The evidence is Chinese, which none of the old code pages has."""
    ran = run(platform, encoding, "diagnose", "\u62d2\u7edd\u8bbf\u95ee\u3002 Error: 0x80070005")
    assert ran.returncode == 0, ran.stderr
    assert b"access-denied" in ran.stdout
    ran.stdout.decode(encoding)


@pytest.mark.parametrize(("platform", "encoding"), PLACES[::3])
def test_what_is_piped_and_what_nobody_knows(platform: str, encoding: str) -> None:
    assert run(platform, encoding, "diagnose", "--json", "-", typed=b"Error: 0x80370102\r\n").returncode == 0
    assert run(platform, encoding, "diagnose", "all is well").returncode == 3
    assert run(platform, encoding, "diagnose", "-").returncode == 2
