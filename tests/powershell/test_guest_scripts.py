"""The scripts that setup runs inside Linux, in a real shell, with the programs that change something replaced."""

import json
import os
import subprocess
from pathlib import Path

import pytest

GUEST = Path(__file__).resolve().parents[2] / "powershell" / "DreamRig" / "Guest"


class Linux:
    """A home folder, a root folder and programs of the test's own, early on PATH."""

    def __init__(self, folder: Path) -> None:
        self.home, self.root, self.bin = folder / "home", folder / "root", folder / "bin"
        for path in (self.home, self.root / "etc", self.bin):
            path.mkdir(parents=True)
        self.log = folder / "log"
        self.log.touch()

    def program(self, name: str, text: str) -> None:
        """A program that notes its call and then runs `text`."""
        (self.bin / name).write_text(f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >>"{self.log}"\n{text}\n')
        (self.bin / name).chmod(0o755)

    def run(self, step: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As Invoke-Guest does it: arguments set in front, everything on standard input."""
        words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in arguments)
        text = f"set -- {words}\n" + (GUEST / f"{step}.sh").read_text()
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.home), "ROOT": str(self.root)}
        return subprocess.run(
            ["sh", "-s"], input=text, capture_output=True, text=True, env=environment, check=False, timeout=60
        )

    def answer(self, step: str, *arguments: str) -> str:
        """The last line, which is what setup reads."""
        ran = self.run(step, *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip().rpartition("\n")[2]

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def linux(tmp_path: Path) -> Linux:
    return Linux(tmp_path)


def test_every_script_says_its_name_and_has_unix_line_ends() -> None:
    scripts = list(GUEST.glob("*.sh"))
    assert len(scripts) == 6
    for script in scripts:
        assert script.read_bytes().isascii()
        assert b"\r" not in script.read_bytes()
        assert f"# dreamrig guest step: {script.stem}\n" in script.read_text()
        subprocess.run(["sh", "-n", str(script)], check=True)


def test_an_account_is_made_once_and_becomes_the_default(linux: Linux) -> None:
    linux.program("getent", 'case "$1" in passwd) cat "$ROOT/passwd" ;; group) true ;; esac')
    linux.program("useradd", 'for name; do :; done; echo "$name:x:1000:1000::/home/$name:/bin/bash" >>"$ROOT/passwd"')
    linux.program("usermod", "")
    (linux.root / "passwd").write_text("root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n")
    (linux.root / "etc" / "wsl.conf").write_text("[boot]\nsystemd=true\n")
    (linux.root / "etc" / "sudoers.d").mkdir()
    assert linux.answer("user", "do", "mia") == "mia"
    assert "useradd --create-home --shell /bin/bash --user-group mia" in linux.calls
    assert "usermod --append --groups sudo mia" in linux.calls
    sudo = linux.root / "etc" / "sudoers.d" / "90-dreamrig"
    assert sudo.read_text() == "mia ALL=(ALL) NOPASSWD:ALL\n", "no password exists that sudo could ask for"
    assert sudo.stat().st_mode & 0o777 == 0o440, "sudo passes over what others may write"
    assert not [call for call in linux.calls if "passw" in call and "getent" not in call], "no password"
    first = (linux.root / "etc" / "wsl.conf").read_text()
    assert first == "[boot]\nsystemd=true\n\n[user]\ndefault=mia\n"
    assert linux.answer("user", "do", "other") == "mia", "the person who is there already"
    assert (linux.root / "etc" / "wsl.conf").read_text() == first
    assert len([call for call in linux.calls if call.startswith("useradd")]) == 1


def test_the_checkout_is_copied_without_environments_and_renewed_when_it_changed(linux: Linux, tmp_path: Path) -> None:
    source = tmp_path / "Schöne Bilder"
    linux.program("wslpath", f"echo '{source}'")
    for path, text in {
        "rig": "#!/bin/sh\r\necho hi\r\n",
        "a b/c.py": "1",
        ".venv/x": "no",
        ".git/y": "no",
        "p/__pycache__/z": "no",
    }.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(text.encode())
    windows_path = "C:\\Users\\J M\\l'art"
    assert linux.answer("checkout", "ask", windows_path) == "absent"
    assert linux.answer("checkout", "do", windows_path) == "current"
    there = linux.home / "dreamrig"
    assert sorted(str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()) == [
        ".copied-from-windows",
        "a b/c.py",
        "rig",
    ]
    assert subprocess.run([there / "rig"], capture_output=True, text=True, check=True).stdout == "hi\n"
    assert linux.answer("checkout", "ask", windows_path) == "current"

    (there / ".venv").mkdir()
    (source / "a b" / "c.py").write_text("2")
    assert linux.answer("checkout", "ask", windows_path) == "old"
    assert linux.answer("checkout", "do", windows_path) == "current"
    assert (there / "a b" / "c.py").read_text() == "2"
    assert (there / ".venv").is_dir()
    assert f"wslpath -u {windows_path}" in linux.calls

    (there / ".copied-from-windows").unlink()
    assert linux.answer("checkout", "ask", windows_path) == "foreign", "somebody's own checkout"
    linux.program("wslpath", "echo /nowhere")
    (there / ".copied-from-windows").write_text("x")
    assert linux.answer("checkout", "ask", windows_path) == "unreachable"
    refused = linux.run("checkout", "do", windows_path)
    assert refused.returncode == 1
    assert "/nowhere" in refused.stderr


def test_python_is_fetched_by_apt_and_a_newer_one_where_the_releases_own_is_too_old(linux: Linux) -> None:
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        linux.program(name, f'[ -e "$ROOT/{name}" ]')
    linux.program(
        "apt-get",
        'for name; do :; done\ncase "$name" in\n'
        'python3.11-venv) touch "$ROOT/python3.11" ;;\npython3.1?-venv) exit 100 ;;\nesac',
    )
    assert linux.answer("python", "ask") == "none"
    assert linux.answer("python", "do") == "python3.11"
    installed = [call.partition("300 ")[2] for call in linux.calls if call.startswith("apt-get")]
    assert installed[:2] == ["update", "install -y ca-certificates python3 python3-venv"]
    assert installed[-1] == "install -y python3.11 python3.11-venv"
    (linux.root / "python3").touch()
    assert linux.answer("python", "ask") == "python3"


def test_the_environment_is_ready_when_the_launcher_finished_it(linux: Linux) -> None:
    there = linux.home / "dreamrig"
    (there / ".venv" / "bin").mkdir(parents=True)
    assert linux.answer("environment", "ask") == "absent"
    (there / "rig").write_text(
        "#!/bin/sh\nmkdir -p .venv/.dreamrig && touch .venv/.dreamrig/project\n"
        'printf "#!/bin/sh\\n" >.venv/bin/dreamrig\nchmod +x .venv/bin/dreamrig\n'
    )
    (there / "rig").chmod(0o755)
    assert linux.answer("environment", "do") == "ready"
    (there / ".venv" / ".dreamrig" / "installing").touch()
    assert linux.answer("environment", "ask") == "absent"
    (there / "rig").write_text("#!/bin/sh\nexit 4\n")
    assert linux.run("environment", "do").returncode == 4


def test_the_first_picture_is_one_that_is_there(linux: Linux) -> None:
    there = linux.home / "dreamrig"
    (there / ".venv" / "bin").mkdir(parents=True)
    (there / ".venv" / "bin" / "python").write_text('#!/bin/sh\nexec python3 "$@"\n')
    (there / ".venv" / "bin" / "python").chmod(0o755)
    picture = linux.home / "picture.png"
    runs = [{"picture": None}, {"picture": str(linux.home / "gone.png")}, {"picture": "~/picture.png"}]
    document = json.dumps({"data": {"runs": runs}})
    (there / "rig").write_text(
        f"#!/bin/sh\ncase $1 in history) echo '{document}' ;; generate) echo \"$2\" >~/picture.png ;; esac\n"
    )
    (there / "rig").chmod(0o755)
    assert linux.answer("picture", "ask") == "none"
    assert linux.answer("picture", "do", "sunset over the sea") == str(picture)
    assert picture.read_text() == "sunset over the sea\n"
