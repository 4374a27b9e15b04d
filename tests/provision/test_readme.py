"""What the README shows of the doctor is what the doctor prints for the recorded machines it names."""

import re
from pathlib import Path

import pytest

from provision.doctor.cli import DoctorDoor, doctor
from provision.machine.recorded import Recorded, load_transcript

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"<!-- doctor: (?P<name>[\w-]+) -->\n```text\n(?P<text>.*?)```", re.DOTALL)


def shown() -> dict[str, str]:
    """Recorded machine -> what the README shows for it."""
    return {found["name"]: found["text"] for found in SHOWN.finditer((ROOT / "README.md").read_text(encoding="utf-8"))}


def test_the_readme_shows_a_broken_and_a_healthy_machine() -> None:
    assert {"windows-firmware-off", "wsl-healthy-3090"} <= set(shown())


@pytest.mark.parametrize(("name", "code"), [("windows-firmware-off", 3), ("wsl-healthy-3090", 0)])
def test_what_the_readme_shows_is_what_is_printed(
    name: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    door = DoctorDoor(
        machine=lambda: Recorded(load_transcript(ROOT / "tests" / "machines", name)),
        folder=lambda: tmp_path,
        width=lambda: 100,
    )
    assert doctor([], door) == code
    printed = capsys.readouterr().out
    assert shown().get(name) == printed, printed
