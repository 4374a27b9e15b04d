"""The workshop of the library: drawings, training, word table, judge; nothing is fetched."""

from __future__ import annotations

import io
import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load, save

from generator.models.tiny.things import ThingLibrary
from generator.starter.lexicon import from_table, lexicon
from generator.starter.making.export import STARTERS, halved, write
from generator.starter.making.library.drawings import SIDE, Drawings, DrawnThing, fit, read_things
from generator.starter.making.library.evaluate import AskedThing, both_seen, shares
from generator.starter.making.library.eyes import GAP, LINE, key_of, numbered
from generator.starter.making.library.judge import VIEW, ThingJudge, named, siblings, view
from generator.starter.making.library.packages import ARTISTS, GROUPS, JUDGES, NAMES, open_package
from generator.starter.making.library.table import compressed, home, size
from generator.starter.making.library.train_things import to_drawings, to_library, train_things
from generator.starter.making.library.typed import Typed
from generator.starter.making.library.vocabulary import names
from generator.starter.making.library.wordnet import WordNet
from generator.starter.making.loop import Schedule


def a_thing(name: str, category: str = "animal", subgroup: str = "animal-mammal", code: str = "1F98A") -> DrawnThing:
    return DrawnThing(code, name, category, subgroup, ())


def some_drawings(count: int = 40) -> Drawings:
    rng = np.random.default_rng(3)
    pictures = np.zeros((count, SIDE, SIDE, 4), np.uint8)
    for row in range(count):
        top, left = rng.integers(5, 40, 2)
        pictures[row, top : top + 45, left : left + 45, 3] = 255
        pictures[row, top : top + 45, left : left + 45, :3] = rng.integers(0, 256, 3)
    return Drawings(pictures, np.arange(count), np.zeros(count, np.int64))


@pytest.mark.parametrize("size", [(40, 10), (10, 40), (200, 200)])
def test_a_drawing_is_fitted_whole_and_in_the_middle(size: tuple[int, int]) -> None:
    drawn = Image.new("RGBA", (256, 256))
    drawn.paste((200, 10, 10, 255), (5, 9, 5 + size[0], 9 + size[1]))
    fitted = np.asarray(fit(drawn), np.int64)
    rows, columns = (np.flatnonzero(fitted[..., 3].max(axis) > 128) for axis in (1, 0))
    assert max(len(rows), len(columns)) in range(SIDE - 4, SIDE + 1)
    assert len(columns) / len(rows) == pytest.approx(size[0] / size[1], rel=0.15)
    assert abs(rows[0] + rows[-1] - SIDE + 1) <= 2
    assert (fitted[..., :3].max(2) <= fitted[..., 3] + 1).all(), "colours are not times alpha"


def a_package(folder: Path, package: object, files: dict[str, object]) -> None:
    root = folder / f"{package.name.replace('/', '-').lstrip('@')}-{package.version}"  # type: ignore[attr-defined]  # of Package
    for name, content in {"package.json": {}, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


def test_variants_of_persons_signs_and_flags_are_no_things(tmp_path: Path) -> None:
    groups = {"subgroups": {"1": "animal-mammal", "2": "person-role", "3": "arrow"}}
    entries = [
        {"label": label, "hexcode": code, "subgroup": subgroup, "order": order, "tags": ["x"]}
        for order, (label, code, subgroup) in enumerate(
            [
                ("fox", "1F98A", 1),
                ("cook", "1F9D1-200D-1F373", 2),
                ("man cook", "1F468-200D-1F373", 2),
                ("person: beard", "1F9D4", 2),
                ("up arrow", "2B06-FE0F", 3),
            ]
        )
    ]
    a_package(tmp_path, GROUPS, {"meta/groups.json": groups, "en/data.json": entries})
    assert [(thing.name, thing.category) for thing in read_things(tmp_path)] == [("fox", "animal"), ("cook", "person")]


def test_a_package_that_is_there_is_not_fetched(tmp_path: Path) -> None:
    a_package(tmp_path, GROUPS, {})
    assert open_package(GROUPS, tmp_path).name == "emojibase-data-17.0.0"


def test_the_judges_artists_are_not_the_starters_and_nothing_it_learns_is_share_alike() -> None:
    assert not set(ARTISTS.values()) & set(JUDGES.values())
    assert not [p for p in ARTISTS.values() if "SA" in p.licence or "openmoji" in p.name]
    assert {package.licence for package in ARTISTS.values()} == {"Apache-2.0", "MIT"}


def test_names_of_a_language_are_folded_and_a_keyword_of_many_means_the_plainest(tmp_path: Path) -> None:
    said = {
        "🐕": {"tts": ["Hund"], "default": ["Tier", "Hündin"]},
        "🐶": {"tts": ["Hundegesicht"], "default": ["Hündin", "Tier"]},
        "🦊": {"tts": ["Fuchs"], "default": ["Tier"]},
        "🐺": {"tts": ["Wolf"], "default": ["Tier"]},
    }
    a_package(tmp_path, NAMES, {"annotations/de/annotations.json": {"annotations": {"annotations": said}}})
    things = [a_thing("dog face", code="1F436"), a_thing("dog", code="1F415"), a_thing("fox", code="1F98A")]
    things.append(a_thing("wolf", code="1F43A"))
    assert names(things, tmp_path, "de") == {"hund": 1, "hundegesicht": 0, "fuchs": 2, "wolf": 3, "hundin": 1}


def test_wordnet_is_read(tmp_path: Path) -> None:
    """Three nouns in its format: a fox is a canine is an animal."""
    (tmp_path / "data.noun").write_text(
        "  1 a licence line\n"
        "00000001 05 n 01 animal 0 001 ~ 00000002 n 0000 | a living thing\n"
        "00000002 05 n 02 canine 0 canid 0 002 @ 00000001 n 0000 ~ 00000003 n 0000 | dogs and others\n"
        "00000003 05 n 02 fox 0 red_fox 0 001 @ 00000002 n 0000 | with a bushy tail\n"
    )
    (tmp_path / "index.noun").write_text("fox n 1 1 @ 1 1 00000003\nred_fox n 1 1 @ 1 0 00000003\n")
    (tmp_path / "index.sense").write_text("fox%1:05:00:: 00000003 1 7\nfox%2:31:00:: 00000009 2 9\n")
    for kind in ("adj", "verb", "adv"):
        (tmp_path / f"index.{kind}").write_text("quick a 1 1 & 1 1 00000007\n")
    net = WordNet(tmp_path)
    assert net.senses == {"fox": [3], "red fox": [3]}
    assert list(net.ancestors(3)) == [(3, 0), (2, 1), (1, 2)]
    assert list(net.kinds(1, 2)) == [(2, 1), (3, 2)]
    assert net.uses["fox", "v"] == 9
    assert not net.is_mostly_a_noun("fox")
    assert net.is_mostly_a_noun("red fox")


def test_home_and_size() -> None:
    assert home(a_thing("whale", subgroup="animal-marine")) == "water"
    assert home(a_thing("rocket", "vehicle", "transport-air")) == "air"
    assert home(a_thing("fox")) == "ground"
    ant, fox, castle = (
        a_thing("ant", subgroup="animal-bug"),
        a_thing("fox"),
        a_thing("castle", "building", "place-building"),
    )
    assert size(ant) < size(fox) < size(castle)


def test_the_table_survives_its_file() -> None:
    table = {
        "artists": [{"artist": "noto", "package": "x@1", "licence": "MIT"}],
        "things": [["1F98A", "fox", "animal", "ground", 2]],
        "drawings": [[0, 0], [0, 0]],
        "english": {"fox": 0},
        "near": {"samurai": [0]},
        "otherwise": ["quick"],
        "names": {"de": {"fuchs": 0}},
    }
    data = compressed(table)
    assert data == compressed(table)
    known = from_table(json.loads(lzma.decompress(data)))
    fox = known.find("foxes")
    assert fox is not None
    assert (fox.name, known.drawings[0], known.artists) == ("fox", (0, 1), ("noto", "noto"))
    assert known.find_abroad("fuchs") == fox
    assert known.suggest("Samurai") == ["fox"]


def test_drawings_are_learned_from_their_principal_components_and_ship_as_bytes(tmp_path: Path) -> None:
    drawings = some_drawings()
    trained = train_things(drawings, tmp_path, Schedule(steps=2, learning_rate=1e-4, average=0.9), seed=1)
    again = train_things(drawings, tmp_path, Schedule(steps=2, learning_rate=1e-4, average=0.9), seed=1)
    assert torch.equal(trained.decoder.linear.weight, again.decoder.linear.weight)
    library = to_library(trained.eval(), drawings)
    assert library.codes.dtype == torch.int8
    drawn = library.draw(library.embedding(torch.arange(40))).detach()
    error = (drawn - to_drawings(drawings.pictures)).square().mean()
    assert float(-10 * error.log10()) > 20
    stored = load(save(halved(dict(library.state_dict()))))
    loaded = ThingLibrary(40)
    loaded.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in stored.items()})
    redrawn = loaded.draw(loaded.embedding(torch.arange(40))).detach()
    assert float((redrawn - drawn).abs().max()) < 0.05


def test_a_file_is_written_with_its_line_of_the_manifest(tmp_path: Path) -> None:
    write("things.safetensors", b"one", {"steps": 3}, tmp_path)
    write("words.json.xz", b"three", {}, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert {name: entry["bytes"] for name, entry in manifest["files"].items()} == {
        "things.safetensors": 3,
        "words.json.xz": 5,
    }
    assert manifest["starters"] == STARTERS
    assert manifest["training"] == {"things": {"steps": 3}}


def test_the_judge_sees_drawings_on_backgrounds_of_all_kinds() -> None:
    shown = view(to_drawings(some_drawings().pictures), np.random.default_rng(1))
    assert shown.shape == (40, 3, VIEW, VIEW)
    assert 0 <= float(shown.min()) <= float(shown.max()) <= 1
    assert float(shown.flatten(1).std(1).min()) > 0.01


def test_the_judge_names_what_is_in_the_box() -> None:
    class Reddest(ThingJudge):
        def forward(self, views: torch.Tensor) -> torch.Tensor:
            return views.mean((2, 3)) * 50

    picture = torch.zeros(3, 80, 120)
    picture[1, :40] = 1
    picture[2, 40:, 60:] = 1
    judge = Reddest(3)
    assert named(judge, picture, (10, 5, 40, 35), 1) == [1]
    assert named(judge, picture, (75, 52, 95, 72), 1) == [2]


def test_siblings_count_as_each_other() -> None:
    things = [a_thing("cat"), a_thing("cat face"), a_thing("black cat"), a_thing("dog"), a_thing("guide dog")]
    alike = siblings(things)
    assert alike[0] == alike[1] == {0, 1, 2}
    assert 0 not in alike[3]
    assert alike[3] == {3, 4}


def test_shares_and_pairs() -> None:
    asked = [
        AskedThing(0, 1, True, 0.0),
        AskedThing(1, 2, True, 0.1),
        AskedThing(1, 2, False, 0.1),
        AskedThing(2, 2, True, 0.0),
        AskedThing(2, 2, True, 0.0),
    ]
    told = shares(asked)
    assert told["share"] == pytest.approx(0.8)
    assert told["low"] <= 0.8 <= told["high"]
    assert told["chance"] == pytest.approx(0.04)
    assert both_seen(asked) == pytest.approx(0.5)


def test_a_picture_file_of_a_package_is_read() -> None:
    stored = io.BytesIO()
    Image.new("RGBA", (64, 32), (1, 2, 3, 255)).save(stored, "WEBP", lossless=True)
    assert fit(Image.open(stored).convert("RGBA")).size == (SIDE, SIDE)


def test_sheets_to_be_named_are_numbered_and_their_key_tells_the_prompts() -> None:
    pictures = [np.full((16, 16, 3), shade, np.uint8) for shade in range(10, 80, 10)]
    sheet = np.asarray(numbered(pictures, 11))
    cell, line = 16 + GAP, 16 + LINE + GAP
    for at, shade in enumerate(range(10, 80, 10)):
        x, y = at % 5 * cell + GAP // 2, at // 5 * line + LINE
        assert (sheet[y : y + 16, x : x + 16] == shade).all()
        assert sheet[y - LINE : y - 2, x : x + 12].min() < 128
    known = lexicon()
    fox = next(thing for thing in known.things if thing.name == "fox")
    assert key_of([Typed("a fox", (fox.number,))], known) == [{"number": 1, "prompt": "a fox", "things": ["fox"]}]
