"""The PowerShell half as it is released: two module files instead of ninety, which load faster and are signed at once.

`python -m docs.made.powershell_release FOLDER` writes a `powershell` folder that takes the place of the checkout's,
with the knowledge base inside the module; `--check FOLDER` says whether a folder, signed meanwhile, still is that.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "powershell"
KNOWLEDGE = ("causes.json", "doctor-causes.json", "firmware.json", "gpus.json", "literals.json", "words.json")
SIGNATURE = b"# SIG # Begin signature block"
HEAD = """# Functions of the module in one file, made from the sources by docs/made/powershell_release.py.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$script:ModuleFolder = $PSScriptRoot
"""


def module_text(module: Path) -> str:
    """Every file that DreamRig.psm1 of the checkout reads, in its order."""
    return _joined([path for folder in ("Private", "Public") for path in _scripts(module / folder)])


def doctor_text(module: Path) -> str:
    """Every file that Doctor.psm1 of the checkout reads: it names folders of Private, and functions of Public."""
    loader = (module / "Doctor.psm1").read_text("ascii")
    folders, public = (re.findall(r"'([^']+)'", line) for line in re.findall(r"foreach \(\$\w+ in ('.*)\) \{", loader))
    private = [path for folder in folders for path in _scripts(module / "Private" / folder)]
    return _joined([*private, *(module / "Public" / f"{name}.ps1" for name in public)]) + "\nExport-ModuleMember\n"


def _scripts(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.ps1"), key=lambda path: str(path).lower())


def _joined(files: Sequence[Path]) -> str:
    return "\n".join([HEAD, *(path.read_text("ascii").strip() + "\n" for path in files)])


def release(source: Path = SOURCE, knowledge: Path = ROOT / "provision" / "knowledge") -> Mapping[str, bytes]:
    """Path below the released folder -> content; line ends are those of Windows, of shell scripts those of Linux."""
    module = source / "DreamRig"
    files = {
        "DreamRig/DreamRig.psm1": _windows(module_text(module)),
        "DreamRig/Doctor.psm1": _windows(doctor_text(module)),
    }
    for path in (*source.glob("*.ps1"), *source.glob("*.winget"), module / "DreamRig.psd1", *module.glob("Desktop/*")):
        files[path.relative_to(source).as_posix()] = _windows(path.read_text("ascii"))
    for path in module.glob("Guest/*.sh"):
        files[path.relative_to(source).as_posix()] = path.read_bytes().replace(b"\r\n", b"\n")
    for name in KNOWLEDGE:
        files[f"DreamRig/Knowledge/{name}"] = (knowledge / name).read_bytes()
    return files


def _windows(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("ascii")


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put the files there; others in the folder stay."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def differences(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """What a released folder has more, less or otherwise than these files, signatures aside."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    changed = [name for name in there & files.keys() if _unsigned((folder / name).read_bytes()) != files[name].rstrip()]
    return sorted(
        [f"missing: {name}" for name in files.keys() - there]
        + [f"more: {name}" for name in there - files.keys()]
        + [f"changed: {name}" for name in changed]
    )


def _unsigned(content: bytes) -> bytes:
    """A file without its Authenticode block, which is the last thing in it."""
    return content.partition(SIGNATURE)[0].rstrip()


def main(arguments: Sequence[str]) -> int:
    """Write or check; 1 where a checked folder is another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    asked = parser.parse_args(arguments)
    if not asked.check:
        write(asked.folder, release())
        return 0
    found = differences(asked.folder, release())
    print("\n".join(found) or "It is what the sources make, signatures aside.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
