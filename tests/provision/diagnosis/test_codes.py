"""What a number says by itself, and what the knowledge base adds."""

import pytest

from provision.diagnosis.cause import Knowledge
from provision.diagnosis.codes import DecodedCode, classify, decode_code, describe
from provision.diagnosis.knowledge import parse_knowledge
from provision.diagnosis.text import decimal_id, extract, number_id


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    cause = {
        "slug": "a",
        "title": "A",
        "explanation": "An example.",
        "effect": "blocks",
        "prior": 0.5,
        "decisive": False,
        "fix": [],
        "codes": [
            {"hex": "0x80370102", "name": "HCS_E_HYPERV_NOT_INSTALLED", "decimal": -2143878910, "weight": 0.5},
            {"hex": None, "name": "cudaErrorNoDevice", "decimal": 100, "weight": 0.5},
            {"hex": None, "name": "WSL_E_ONLY_A_NAME", "weight": 0.5},
        ],
    }
    codes = [
        {"hex": "0x80070005", "name": "E_ACCESSDENIED", "kind": "HRESULT", "meaning": "Access is denied."},
        {"hex": None, "name": "NVML_ERROR_OPERATING_SYSTEM", "kind": "NVML", "meaning": "The GPU is blocked."},
    ]
    return parse_knowledge({"schema": 1, "version": "1", "causes": [cause], "codes": codes})


def decode(text: str, knowledge: Knowledge) -> DecodedCode:
    (found,) = extract(text, knowledge.known)
    return decode_code(found, knowledge)


@pytest.mark.parametrize(
    ("number", "id_"),
    [
        (0x80370102, "0x80370102"),
        (0x1BC, "0x800701bc"),
        (0x800701BC, "0x800701bc"),
        (0xD0000022, "0xc0000022"),
        (0xC0000022, "0xc0000022"),
        (0xFFFFFFFF, "0xffffffff"),
    ],
)
def test_what_a_number_is_compared_by(number: int, id_: str) -> None:
    assert number_id(number) == id_


@pytest.mark.parametrize(
    ("number", "id_"), [(-2143878910, "0x80370102"), (3010, "0x80070bc2"), (999, "#999"), (1000, "0x800703e8")]
)
def test_what_a_decimal_is_compared_by(number: int, id_: str) -> None:
    assert decimal_id(number) == id_


@pytest.mark.parametrize(
    ("number", "kind", "facility"),
    [
        (0x80070005, "Win32", "Win32"),
        (0x80370102, "HRESULT", "virtual machines (Host Compute Service)"),
        (0x80040326, "HRESULT", "interface (the component's own codes; WSL uses 0x80040300 and on)"),
        (0x8024500C, "HRESULT", "Windows Update"),
        (0x800F0922, "HRESULT", "Windows setup (CBS, SetupAPI)"),
        (0x803FB005, "HRESULT", "Microsoft Store"),
        (0x80D05001, "HRESULT", "Delivery Optimization"),
        (0xC0000022, "NTSTATUS", "general"),
        (0xC0370109, "NTSTATUS", "virtual machines (Host Compute Service)"),
        (0xC03A001A, "NTSTATUS", "virtual hard disks"),
        (0xC0020017, "NTSTATUS", "RPC"),  # FACILITY_RPC_RUNTIME of ntstatus.h
        (0xC0070005, "NTSTATUS", "Win32"),  # FACILITY_NTWIN32
        (0xC0350005, "NTSTATUS", "hypervisor"),  # FACILITY_HYPERVISOR
        (0xC004000D, "HRESULT", "interface (the component's own codes; WSL uses 0x80040300 and on)"),
        (0x803B0001, "HRESULT", "virtual networks (Host Network Service)"),
        (0x887A0005, "HRESULT", "graphics (DXGI)"),
        (0x87654321, "HRESULT", "number 1893"),
    ],
)
def test_kind_and_facility(number: int, kind: str, facility: str) -> None:
    assert classify(number) == (kind, facility)


def test_a_code_of_a_cause(knowledge: Knowledge) -> None:
    code = decode("-2143878910", knowledge)
    assert (code.hex, code.name, code.in_knowledge_base) == ("0x80370102", "HCS_E_HYPERV_NOT_INSTALLED", True)
    assert code == decode("HRESULT -2143878910", knowledge)


def test_a_name_with_a_number_is_that_number(knowledge: Knowledge) -> None:
    code = decode("HCS_E_HYPERV_NOT_INSTALLED", knowledge)
    assert (code.hex, code.kind) == ("0x80370102", "HRESULT")


def test_a_name_without_a_number(knowledge: Knowledge) -> None:
    code = decode("Wsl/Service/WSL_E_ONLY_A_NAME", knowledge)
    assert (code.hex, code.name, code.kind, code.in_knowledge_base) == (None, "WSL_E_ONLY_A_NAME", None, True)


def test_a_code_with_a_meaning_that_no_cause_carries(knowledge: Knowledge) -> None:
    code = decode("0x80070005", knowledge)
    assert code.to_dict() == {
        "shown": "0x80070005",
        "hex": "0x80070005",
        "name": "E_ACCESSDENIED",
        "facility": "Win32",
        "kind": "HRESULT",
        "meaning": "Access is denied.",
        "in_knowledge_base": False,
    }
    assert decode("NVML_ERROR_OPERATING_SYSTEM", knowledge).meaning == "The GPU is blocked."


def test_unknown_codes_say_what_can_be_said(knowledge: Knowledge) -> None:
    code = decode("0x80370999", knowledge)
    assert (code.name, code.in_knowledge_base) == (None, False)
    assert code.meaning == "A failure (HRESULT), facility virtual machines (Host Compute Service), code 2457."
    assert describe(0x80070643) == "Windows error 1603 (on Windows: net helpmsg 1603 says what it is)."
    assert (
        describe(0x00370102) == "Not a failure (HRESULT), facility virtual machines (Host Compute Service), code 258."
    )
    assert describe(None) is None
