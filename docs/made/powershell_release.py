"""The PowerShell half as it is released: one module file instead of ninety, which loads faster and is signed once.

`python -m docs.made.powershell_release FOLDER` writes a `powershell` folder that takes the place of the checkout's,
with the knowledge base inside the module; `--check FOLDER` says whether a folder, signed meanwhile, still is that.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "powershell"
KNOWLEDGE = ("causes.json", "doctor.schema.json", "firmware.json", "gpus.json")
SIGNATURE = b"# SIG # Begin signature block"
HEAD = """# All functions of the module in one file, made from the sources by docs/made/powershell_release.py.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$script:ModuleFolder = $PSScriptRoot
"""


def module_text(module: Path) -> str:
    """Every file that the loader of the checkout reads, in its order."""
    parts = [HEAD]
    for folder in ("Private", "Public"):
        files = sorted((module / folder).rglob("*.ps1"), key=lambda path: str(path).lower())
        parts += [path.read_text("ascii").strip() + "\n" for path in files]
    return "\n".join(parts)


def release(source: Path = SOURCE, knowledge: Path = ROOT / "provision" / "knowledge") -> Mapping[str, bytes]:
    """Path below the released folder -> content; line ends are those of Windows, of shell scripts those of Linux."""
    module = source / "DreamRig"
    files = {"DreamRig/DreamRig.psm1": _windows(module_text(module))}
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
