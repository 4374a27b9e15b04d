"""Messages in the code pages of Windows' consoles, and such that were taken for another one, are still recognised."""

import pytest

from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge
from provision.diagnosis.mojibake import other_readings

MESSAGES = (
    ("无法与服务器建立连接", "cp936", "download-blocked"),
    ("拒绝访问。", "cp936", "access-denied"),
    ("アクセスが拒否されました。", "cp932", "access-denied"),
    ("액세스가 거부되었습니다.", "cp949", "access-denied"),
    ("存取被拒。", "cp950", "access-denied"),
    (
        "Отказано в доступе.",
        "cp866",
        "access-denied",
    ),
    (
        "Класс не зарегистрирован",
        "cp1251",
        "wsl-package-broken",
    ),
    ("Accès refusé.", "cp850", "access-denied"),
)


def first(raw: bytes | str) -> list[str]:
    return [one.cause.slug for one in diagnose(raw, None, load_knowledge()).diagnoses[:3]]


@pytest.mark.parametrize(("text", "page", "cause"), MESSAGES)
def test_bytes_of_the_console(text: str, page: str, cause: str) -> None:
    assert cause in first(f"C:\\> wsl\r\n{text}\r\n".encode(page))


@pytest.mark.parametrize(("text", "page", "cause"), MESSAGES)
def test_utf_8_taken_for_western(text: str, page: str, cause: str) -> None:
    for wrong in ("latin-1", "cp850"):
        assert cause in first(text.encode().decode(wrong, "replace")), wrong


@pytest.mark.parametrize(("text", "page", "cause"), MESSAGES)
def test_the_console_taken_for_western(text: str, page: str, cause: str) -> None:
    for wrong in ("latin-1", "cp850"):
        assert cause in first(text.encode(page).decode(wrong)), wrong


def test_a_line_that_no_pair_produced_stays() -> None:
    text = "€ 5 – fine\n" + "Accès refusé.".encode().decode("latin-1")
    assert "access-denied" in first(text)


def test_plain_text_has_no_other_readings() -> None:
    assert list(other_readings("plain")) == list(other_readings(b"plain")) == []
    assert list(other_readings("x".encode("utf-16"))) == []


def test_nothing_is_made_of_nothing() -> None:
    for text in (
        "こんにちは",
        "Grüße aus Köln",
        "Спасибо",
    ):
        assert first(text) == first(text.encode("utf-8").decode("latin-1")) == []
