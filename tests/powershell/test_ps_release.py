"""The released folder: one module file that does what the checkout's many do, and a check of what came back signed."""

import json
from pathlib import Path

import pytest
from simulated_machine import fresh
from simulated_pc import SimulatedWindows, quote

from docs.made.powershell_release import SIGNATURE, differences, release, write


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Alone: neither the project nor its knowledge base beside it."""
    folder = tmp_path_factory.mktemp("released") / "powershell"
    write(folder, release())
    return folder


def test_the_released_module_works_alone(edition: str, released: Path, tmp_path: Path) -> None:
    pc = SimulatedWindows(tmp_path / "PC", edition, fresh(hardware={"firmware_virtualization": False}))
    ran = pc.run(released / "doctor.ps1", "-Json")
    assert ran.code == 3, ran.err or ran.out
    assert ran.json["data"]["first_broken"] == "firmware-virtualization"
    assert ran.json["data"]["diagnoses"][0]["cause"] == "firmware-virtualization-off", "its knowledge base is with it"
    listed = pc.execute(
        f"$m = Import-Module {quote(str(released / 'DreamRig' / 'DreamRig.psd1'))} -PassThru\n"
        "ConvertTo-Json @($m.ExportedFunctions.Keys)"
    )
    manifest = (released / "DreamRig" / "DreamRig.psd1").read_text("ascii")
    assert all(f"'{name}'" in manifest for name in json.loads(listed.out))
    assert len(json.loads(listed.out)) == 13
    assert len(list(released.rglob("*.ps*1"))) == 10, (
        "two module files, the manifest, four scripts, three for the desktop"
    )


def test_a_signed_copy_is_the_same_and_a_changed_one_is_not(tmp_path: Path) -> None:
    files = release()
    write(tmp_path, files)
    assert differences(tmp_path, files) == []
    module = tmp_path / "DreamRig" / "DreamRig.psm1"
    module.write_bytes(module.read_bytes() + b"\r\n" + SIGNATURE + b"\r\n# MIIabc\r\n# SIG # End signature block\r\n")
    assert differences(tmp_path, files) == []
    module.write_bytes(module.read_bytes().replace(b"Stop", b"Continue", 1))
    (tmp_path / "setup.ps1").unlink()
    (tmp_path / "evil.ps1").write_text("")
    assert differences(tmp_path, files) == ["changed: DreamRig/DreamRig.psm1", "missing: setup.ps1", "more: evil.ps1"]
