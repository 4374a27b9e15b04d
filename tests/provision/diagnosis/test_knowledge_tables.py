"""firmware.json and gpus.json: is the right board, the right GPU found, and is every entry whole?"""

import re

import pytest

from provision.cards.gpus import find_gpu, load_gpus
from provision.diagnosis.board import find_board
from provision.diagnosis.knowledge import load_firmware


@pytest.mark.parametrize(
    ("manufacturer", "model", "maker"),
    [
        ("ASUSTeK COMPUTER INC.", "ROG STRIX B550-F GAMING", "ASUS"),
        ("Micro-Star International Co., Ltd.", "MAG B650 TOMAHAWK WIFI", "MSI"),
        ("Gigabyte Technology Co., Ltd.", "X570 AORUS ELITE", "Gigabyte / Aorus"),
        ("ASRock", "B450M Pro4", "ASRock"),
        ("BIOSTAR Group", "B550MH", "Biostar"),
        ("Dell Inc.", "XPS 15 9520", "Dell"),
        ("Alienware", "Alienware Aurora R15", "Alienware"),
        ("HP", "OMEN 45L", "HP"),
        ("Hewlett-Packard", "HP Z420 Workstation", "HP"),
        ("LENOVO", "20XW", "Lenovo"),
        ("Acer", "Predator PH315-54", "Acer"),
        ("Microsoft Corporation", "Surface Laptop 3", "Microsoft Surface"),
        ("Razer", "Blade 15", "Razer"),
        ("Intel(R) Client Systems", "NUC11PAHi7", "Intel NUC"),
        ("Framework", "Laptop 13", "Framework"),
        ("Supermicro", "X11SPi-TF", "Supermicro"),
        ("System76", "Thelio", "System76"),
        ("FUJITSU", "D3633-S1", "Fujitsu"),
    ],
)
def test_a_board_is_found(manufacturer: str, model: str, maker: str) -> None:
    facts = {"windows.board_manufacturer": manufacturer, "windows.computer_model": model}
    board = find_board(facts.get, load_firmware())
    assert board is not None
    assert board.maker == maker
    assert board.lines()


def test_a_hyper_v_guest_is_no_surface() -> None:
    facts = {"windows.computer_manufacturer": "Microsoft Corporation", "windows.computer_model": "Virtual Machine"}
    assert find_board(facts.get, load_firmware()) is None


def test_firmware_entries_are_whole() -> None:
    document = load_firmware()
    assert document["reboot_command"] == "shutdown /r /fw /t 0"
    for entry in (*document["makers"], document["generic"]):
        assert entry["keys"]
        assert entry["sources"]
        assert {"maker", "keys", "intel", "amd", "nx", "notes", "sources"} <= set(entry)
        for vendor in ("intel", "amd", "nx"):
            assert entry[vendor] is None or set(entry[vendor]) == {"path", "setting"}
    words = [word for entry in document["makers"] for word in entry["match"]]
    assert words == [word.lower() for word in words]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("name", "architecture", "capability"),
    [
        ("NVIDIA GeForce RTX 3090", "Ampere", "8.6"),
        ("NVIDIA GeForce RTX 3090 Ti", "Ampere", "8.6"),
        ("NVIDIA GeForce RTX 3080 Laptop GPU", "Ampere", "8.6"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", "Ada Lovelace", "8.9"),
        ("NVIDIA GeForce RTX 5090", "Blackwell", "12.0"),
        ("NVIDIA GeForce RTX 2080 Ti", "Turing", "7.5"),
        ("NVIDIA GeForce GTX 1080 Ti", "Pascal", "6.1"),
        ("NVIDIA GeForce GTX 980", "Maxwell", "5.2"),
        ("Tesla K80", "Kepler", "3.7"),
        ("Tesla P100-PCIE-16GB", "Pascal", "6.0"),
        ("Tesla V100-SXM2-16GB", "Volta", "7.0"),
        ("Tesla T4", "Turing", "7.5"),
        ("NVIDIA L4", "Ada Lovelace", "8.9"),
        ("NVIDIA A100-SXM4-40GB", "Ampere", "8.0"),
        ("NVIDIA H100 80GB HBM3", "Hopper", "9.0"),
        ("NVIDIA H200", "Hopper", "9.0"),
        ("NVIDIA B200", "Blackwell", "10.0"),
        ("Quadro P4000", "Pascal", "6.1"),
        ("NVIDIA RTX 6000 Ada Generation", "Ada Lovelace", "8.9"),
    ],
)
def test_a_gpu_is_found(name: str, architecture: str, capability: str) -> None:
    entry = find_gpu(name)
    assert entry is not None
    assert (entry["architecture"], entry["capability"]) == (architecture, capability)


def test_one_name_means_one_gpu() -> None:
    """A longer name (Ti, SUPER, Laptop) never falls on the entry of the shorter one."""
    for name, memory in (("RTX 3080", [10240, 12288]), ("RTX 3080 Ti", [12288]), ("RTX 4080 SUPER", [16384])):
        entry = find_gpu(f"NVIDIA GeForce {name}")
        assert entry is not None
        assert entry["memory_mib"] == memory
    laptop = find_gpu("NVIDIA GeForce RTX 3080 Ti Laptop GPU")
    assert laptop is not None
    assert laptop["kind"] == "laptop"


def test_gpu_entries_are_whole() -> None:
    document = load_gpus()
    assert document["wsl"]["minimum_build"] == 19044
    assert document["wsl"]["minimum_driver_windows"] == "470.76"
    for entry in document["gpus"]:
        re.compile(entry["pattern"])
        assert re.fullmatch(r"\d{1,2}\.\d", entry["capability"])
        assert re.fullmatch(r"\d{1,2}\.\d", entry["minimum_cuda"])
        assert all(isinstance(size, int) for size in entry["memory_mib"])
        assert entry["kind"] in ("desktop", "laptop", "workstation", "data-centre")


def test_the_3090_is_told_by_its_numbers() -> None:
    entry = find_gpu("NVIDIA GeForce RTX 3090")
    assert entry is not None
    assert entry["memory_mib"] == [24576]
    assert entry["minimum_cuda"] == "11.1"
    assert entry["fp32_tflops"] == pytest.approx(35.6)
