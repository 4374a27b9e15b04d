"""CLIP's tokens against openai-clip's tokenizer."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamrig.errors import NotReadyError, UsageError
from generator.models import bpe, reference

TEXTS = (
    "sunset over the sea",
    "A CASTLE in the Clouds, by Caspar David Friedrich; trending on artstation!!",
    "it's the artist's 3rd painting, they'll've said 'twas fine: don't !'s",
    "It’s “quoted” – a dash—and … №5 ½ ² Ⅷ ٣٤",
    "Ünïcödé über façade Ångström ﬁne ｆｕｌｌ　ｗｉｄｔｈ",
    "e\u0301 combined, naïve café",
    "日本語のテキスト 一二三 и русский текст, ελληνικά",
    "emoji 🎨🔥 and 👩‍🚀 too",
    "&amp;lt;b&gt; &quot;x&quot; &eacute;",
    "tabs\tand\nnew\r\nlines  and   spaces ",
    "x" * 70,
    "foo_bar-baz ~`^´ <|x|> $100,000.00 50%",
    "",
)


@pytest.fixture(scope="module")
def theirs() -> Any:
    pytest.importorskip("ftfy", reason="openai-clip's tokenizer needs ftfy")
    pytest.importorskip("regex", reason="openai-clip's tokenizer needs regex")
    try:
        return reference.read_module("clip", "simple_tokenizer.py", needs=("SimpleTokenizer",)).SimpleTokenizer()
    except NotReadyError as error:
        pytest.skip(error.message)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_theirs(theirs: Any, text: str) -> None:
    assert bpe.encode(text) == theirs.encode(text)


@settings(max_examples=300, deadline=None)
@given(words=st.lists(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGH0123456789'-.,!?:;()éüñß", min_size=1), max_size=8))
def test_tokens_of_any_words_are_theirs(theirs: Any, words: list[str]) -> None:
    assert bpe.encode(" ".join(words)) == theirs.encode(" ".join(words))


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40))
def test_no_text_is_too_strange(text: str) -> None:
    assert all(0 <= token < bpe.START for token in bpe.encode(text))


def test_known_tokens() -> None:
    assert bpe.tokenise("sunset over the sea")[:6] == [bpe.START, 3424, 962, 518, 2102, bpe.END]
    assert bpe.tokenise("sunset over the sea")[6:] == [0] * 71


def test_too_long_a_prompt_says_how_many_words_fit() -> None:
    assert len(bpe.tokenise(" ".join(["sea"] * 75))) == 77
    with pytest.raises(UsageError, match="76 tokens and CLIP reads 75: the first 75 of its 76 words") as caught:
        bpe.tokenise(" ".join(["sea"] * 76))
    assert "|" in caught.value.hint
    with pytest.raises(UsageError, match="the first 1 of its 3 words"):
        bpe.tokenise("sea zyxqwvzyxqwv sea", context=4)
    with pytest.raises(UsageError, match="the first 0 of its 1 words"):
        bpe.tokenise("1234567890", context=5)


def test_the_table_is_the_published_one() -> None:
    """48894 merges; the digest is that of the same lines of bpe_simple_vocab_16e6.txt."""
    content = bpe.MERGES.read_bytes()
    assert content.count(b"\n") == 48894
    assert hashlib.sha256(content).hexdigest() == "d308b7377a8ceaa9707a21614fe8c831b9196e197b7aeb69833359362907af02"
