"""Facts that stand in a text: are they read, and do they count as much as those of a facts document?"""

import pytest

from provision.diagnosis.diagnose import CONFIRMED, RULED_OUT, diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.reading import read_text
from provision.diagnosis.told import facts_told, read_value

CODE = "WslRegisterDistribution failed with error: 0x80370102"
SYSTEMINFO = """\
Hyper-V Requirements:      VM Monitor Mode Extensions: Yes
                           Virtualization Enabled In Firmware: {firmware}
                           Second Level Address Translation: Yes
                           Data Execution Prevention Available: {dep}"""
NVIDIA_SMI = """\
| NVIDIA-SMI 461.79       Driver Version: 461.79       CUDA Version: 11.2     |
|   0  GeForce RTX 3090    WDDM  | 00000000:01:00.0  On |                  N/A |"""


def told(text: str) -> dict[str, object]:
    knowledge = load_knowledge()
    reading = read_text(text, knowledge)
    assert reading is not None
    return dict(facts_told(reading.flat, reading.joined, knowledge.told))


def verdicts(text: str) -> dict[str, str]:
    return {one.cause.slug: one.verdict for one in diagnose(text, None, load_knowledge()).diagnoses}


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("HypervisorPresent : True", "windows.hypervisor_present", True),
        ("HypervisorPresent=False", "windows.hypervisor_present", False),
        (SYSTEMINFO.format(firmware="No", dep="Yes"), "windows.firmware_virtualization", False),
        ("Virtualisierung in Firmware aktiviert: Ja", "windows.firmware_virtualization", True),
        ("固件中已启用虚拟化: 否", "windows.firmware_virtualization", False),
        ("System Model:       VirtualBox", "windows.is_virtual_machine", True),
        ("Systemmodell:       Virtual Machine", "windows.is_virtual_machine", True),
        ("hypervisorlaunchtype    Off", "windows.hypervisor_launch_type", "off"),
        ("Microsoft Windows [Version 10.0.22631.2428]", "windows.build", 22631),
        ("WSL-Version: 2.0.9.0", "wsl.version", "2.0.9.0"),
        (NVIDIA_SMI, "windows.nvidia_driver", "461.79"),
        (NVIDIA_SMI, "cuda.driver_cuda", "11.2"),
        ("| NVIDIA-SMI 610.74   Driver Version: 610.74   CUDA UMD Version: 13.3 |", "cuda.driver_cuda", "13.3"),
        (NVIDIA_SMI, "cuda.gpu_name", "RTX 3090"),
        ("too old (found version 12040)", "cuda.driver_cuda", "12.4"),
        ("RTX 5090 with CUDA capability sm_120 is not compatible", "cuda.capability", "12.0"),
        ("CUDA used to build PyTorch: 12.4", "torch.cuda", "12.4"),
    ],
)
def test_a_fact_is_read(text: str, fact: str, value: object) -> None:
    assert told(text)[fact] == value


def test_what_is_told_in_two_ways_is_not_known() -> None:
    assert "windows.hypervisor_present" not in told("before: HypervisorPresent: True\nafter: HypervisorPresent: False")


@pytest.mark.parametrize(
    "text",
    [
        "Virtualization Enabled In Firmware",
        "Driver Version: 535.104.05",
        "the driver version",
        "PyTorch is fine",
        "System Model: 20XW System Type: x64-based PC, VMware Workstation is installed",
    ],
)
def test_near_misses(text: str) -> None:
    facts = {"windows.firmware_virtualization", "windows.is_virtual_machine", "windows.nvidia_driver", "torch.version"}
    assert not facts & set(told(text))


def test_every_fact_that_is_told_is_one_of_the_facts() -> None:
    assert {telling.fact.split(".")[0] for telling in load_knowledge().told} <= {
        "windows",
        "wsl",
        "cuda",
        "torch",
        "python",
    }


def test_systeminfo_in_the_text_decides() -> None:
    off = verdicts(f"{CODE}\n{SYSTEMINFO.format(firmware='No', dep='Yes')}")
    assert off["firmware-virtualization-off"] == CONFIRMED
    on = verdicts(f"{CODE}\n{SYSTEMINFO.format(firmware='Yes', dep='Yes')}")
    assert on["firmware-virtualization-off"] == RULED_OUT
    no_execute = verdicts(f"{CODE}\n{SYSTEMINFO.format(firmware='Yes', dep='No')}")
    assert no_execute["firmware-nx-off"] == CONFIRMED


SWITCH = {
    "Virtualization Enabled In Firmware": ("No", "Yes"),
    "Virtualisierung in Firmware aktiviert": ("Nein", "Ja"),
    "Virtualisation activée dans le microprogramme ": ("Non", "Oui"),
    "Virtualización habilitada en el firmware": ("No", "Sí"),
    "Virtualizzazione abilitata nel firmware": ("No", "Sì"),
    "Virtualização Habilitada no Firmware": ("Não", "Sim"),
    "固件中已启用虚拟化": ("否", "是"),
    "韌體中啟用虛擬化": ("否", "是"),
    "ファームウェアで仮想化が有効になっています": ("いいえ", "はい"),
    "펌웨어에 가상화 사용": ("아니요", "예"),
    "Виртуализация включена во встроенном ПО": ("Нет", "Да"),
}
"""What systeminfo calls the switch, and its two answers."""
TABLE = """\
  NAME            STATE           VERSION
  Debian-12.1     Stopped         1
* Ubuntu          Running         2
  Arch            {state}      2
"""


def test_the_table_of_distributions_is_read() -> None:
    found = told(f"PS C:\\> wsl -l -v --all\n{TABLE.format(state='Installing')}")
    assert found["wsl.default_distribution"] == "Ubuntu"
    assert found["wsl.default_distribution_version"] == 2
    assert found["wsl.unfinished_distribution"] == "Arch"


@pytest.mark.parametrize("state", ["Stopped", "Running", "Exporting"])
def test_a_finished_distribution_is_none_that_is_unfinished(state: str) -> None:
    assert "wsl.unfinished_distribution" not in told(TABLE.format(state=state))


def test_rows_without_their_head_are_no_table() -> None:
    assert told("* Ubuntu          Installing      2") == {}


@pytest.mark.parametrize("state", ["Installing", "Uninstalling"])
def test_an_unfinished_distribution_speaks_for_a_broken_installation(state: str) -> None:
    error = "Error: 0x8000000d"
    alone, with_table = (
        diagnose(text, None, load_knowledge()).diagnoses[0] for text in (error, TABLE.format(state=state) + error)
    )
    assert alone.cause.slug == with_table.cause.slug == "distribution-half-installed"
    assert with_table.rank > alone.rank
    assert {"kind": "fact", "fact": "wsl.unfinished_distribution", "value": "Arch"} in with_table.evidence


GUEST = "System Manufacturer:       VMware, Inc.\nSystem Model:              VMware7,1\n"


@pytest.mark.parametrize("label", SWITCH)
def test_systeminfo_alone_says_that_the_switch_is_off(label: str) -> None:
    off, on = SWITCH[label]
    assert verdicts(f"{label}: {off}")["firmware-virtualization-off"] == CONFIRMED
    assert verdicts(f"{label}: {on}") == {}


@pytest.mark.parametrize("text", ["Virtualization Enabled In Firmware: Normal", "Virtualization Enabled In Firmware:"])
def test_the_switch_is_off_only_where_it_says_so(text: str) -> None:
    assert verdicts(text) == {}


def test_systeminfo_in_its_block_says_that_the_switch_is_off() -> None:
    found = verdicts(SYSTEMINFO.format(firmware="No", dep="Yes"))
    assert next(iter(found.items())) == ("firmware-virtualization-off", CONFIRMED)
    assert verdicts(SYSTEMINFO.format(firmware="Yes", dep="Yes")) == {}


def test_in_a_guest_it_is_the_switch_of_the_host() -> None:
    found = verdicts(GUEST + SYSTEMINFO.format(firmware="No", dep="Yes"))
    assert next(iter(found)) == "nested-virtualization-missing"
    assert found["firmware-virtualization-off"] == RULED_OUT


def test_an_old_driver_in_the_table_decides() -> None:
    text = f"CUDA driver version is insufficient for CUDA runtime version\n{NVIDIA_SMI}"
    assert verdicts(text)["cuda-driver-too-old"] == CONFIRMED


def test_a_facts_document_counts_before_the_text() -> None:
    text = f"{CODE}\n{SYSTEMINFO.format(firmware='No', dep='Yes')}"
    facts = {"schema": 1, "place": "windows", "windows": {"firmware_virtualization": True, "hypervisor_present": False}}
    found = {one.cause.slug: one.verdict for one in diagnose(text, facts, load_knowledge()).diagnoses}
    assert found["firmware-virtualization-off"] == RULED_OUT


def test_facts_alone_find_nothing_without_a_complaint() -> None:
    assert verdicts(NVIDIA_SMI) == {}


def test_values() -> None:
    assert [read_value("61", "capability"), read_value("13000", "cuda"), read_value("Nein", "yes-no")] == [
        "6.1",
        "13.0",
        False,
    ]
