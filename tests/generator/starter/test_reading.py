"""What a prompt is read as: things, relations, scene, and what is not understood."""

from __future__ import annotations

import pytest

from generator.starter.lexicon import lexicon
from generator.starter.reading import PromptReading, known_words, missed_subject, read, unknown_words


def things(text: str) -> list[str]:
    return [one.thing.name for one in read(text).wanted]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a cat in space", ["cat"]),
        ("The CATS' castle", ["castle"]),
        ("three wolves", ["wolf"]),
        ("an astronaut riding a horse", ["astronaut", "horse"]),
        ("a hot air balloon over the mountains", ["balloon"]),
        ("a burger and a bulldog", ["hamburger", "dog"]),
        ("tulips by a volcano", ["tulip", "volcano"]),
        ("piñata", ["piñata"]),
        ("ein Fuchs im Schnee", ["fox"]),
        ("une baleine bleue", ["whale"]),
        ("un gato en la noche", ["cat"]),
        ("猫と犬", ["cat", "dog"]),
        ("дракон", ["dragon"]),
        ("고양이", ["cat"]),
        ("gatto nero", ["cat"]),
        ("um cachorro", ["dog"]),
        ("een olifant", ["elephant"]),
        ("czerwony smok", ["dragon"]),
        ("一只熊猫", ["panda"]),
    ],
)
def test_things_are_found_in_many_words_and_languages(text: str, names: list[str]) -> None:
    assert things(text) == names


@pytest.mark.parametrize(
    "said",
    ["dark", "a skeleton key of the night", "ice", "a mountain", "snow", "a bar", "beautiful", "a friend", "2021"],
)
def test_words_of_scenes_and_qualities_are_no_things(said: str) -> None:
    wrong = {"new moon", "x-ray", "ice", "mount fuji", "snowflake"}
    assert not wrong & set(things(said))


@pytest.mark.parametrize(
    ("said", "never"),
    [
        ("a burger", "judge"),
        ("a skeleton", "x-ray"),
        ("a spaceship", "satellite"),
        ("a whale", "fish"),
        ("a volcano", "mountain"),
        ("a cyberpunk city", "technologist"),
        ("a pirate", "parrot"),
    ],
)
def test_an_alias_keeps_the_thing(said: str, never: str) -> None:
    assert never not in things(said)


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("a fox on a horse", "on"),
        ("a fox riding a horse", "on"),
        ("a fox over a horse", "over"),
        ("a fox under a horse", "under"),
        ("a fox in a bathtub", "in"),
        ("a fox next to a horse", "beside"),
        ("a fox wearing a crown", "wearing"),
        ("a fox in a top hat", "wearing"),
        ("a fox holding a guitar", "holding"),
        ("a fox behind a house", "behind"),
        ("a fox and a horse", "beside"),
    ],
)
def test_relations(text: str, relation: str) -> None:
    assert read(text).relations == (relation,)


def test_colours_sizes_and_counts_belong_to_the_thing_they_stand_before() -> None:
    first, second = read("two big blue cats and a small red dog").wanted
    assert (first.count, first.size, first.colour) == (2, "big", "blue")
    assert (second.count, second.size, second.colour) == (1, "small", "red")


@pytest.mark.parametrize("text", ["a castle made of pizza", "a pizza castle"])
def test_what_a_thing_is_made_of(text: str) -> None:
    (castle,) = read(text).wanted
    assert castle.thing.name == "castle"
    assert castle.made_of is not None
    assert castle.made_of.name == "pizza"


def test_the_rest_is_the_scene() -> None:
    reading = read("a fox on purple mountains under a pink sky at night with stars")
    assert reading.scene == ("purple", "mountains", "pink", "sky", "night", "stars")
    assert read("a banana on a blue background").scene == ("blue", "background")
    assert read("a fox in the rain").scene == ("storm",)


@pytest.mark.parametrize(
    ("text", "place"), [("a cat in space", "space"), ("a cat under the sea", "underwater"), ("a cat in the sky", "sky")]
)
def test_special_places(text: str, place: str) -> None:
    assert read(text).place == place


def test_at_most_three_things() -> None:
    assert len(read("a cat, a dog, a fox, a wolf and a bear").wanted) == 3


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("a pencil sketch of a cat", "sketch"),
        ("cyberpunk cat", "neon"),
        ("8bit cat", "pixel"),
        ("watercolor of a cat", "pastel"),
    ],
)
def test_styles(text: str, style: str) -> None:
    assert read(text).style == style


def test_the_starters_first_words_alone_are_left_to_its_composer() -> None:
    assert read("a red house on a meadow under a blue sky").is_own
    assert read("blue and yellow stripes").is_own
    for other in ("a whale on the sea", "two trees on a meadow", "a cat", "猫", "a house in space"):
        assert not read(other).is_own, other


def test_a_subject_that_is_not_understood_is_told_from_other_words() -> None:
    assert read("a samurai with a sword").subject == "samurai"
    assert read("a lighthouse in a storm").subject == "lighthouse"
    beside: PromptReading = read("a cat with a samurai")
    assert beside.subject == ""
    assert beside.unknown == ("samurai",)
    assert read("a beautiful cat sleeping happily").unknown == ()


def test_suggestions_are_near_in_meaning_or_spelt_alike() -> None:
    assert unknown_words("a submarine")["submarine"][0] == "ship"
    assert unknown_words("a walrus")["walrus"][0] == "seal"
    assert unknown_words("a hyena") == {"hyena": ["dog", "wolf", "fox"]}
    assert unknown_words("a drgon") == {"drgon": ["dragon"]}
    assert unknown_words("xqzzyv") == {"xqzzyv": []}


def test_known_words_are_told() -> None:
    assert known_words("a red fox in the snow") == ("red", "fox", "snow")


def test_odd_prompts_are_read_too() -> None:
    for text in ("", ",", ", , a", "the of and", "🦊", "a" * 500, "riding riding on", "made of", "\u0000", "２ cats"):
        assert isinstance(read(text), PromptReading)


def test_the_goals_for_words_hold() -> None:
    known = lexicon()
    assert len(known.english) >= 5000
    assert len(known.names) >= 10
    assert all(len(names) > 1000 for names in known.names.values())
    assert sum(len(drawings) >= 2 for drawings in known.drawings) >= 900


def test_what_is_unknown_is_named_as_it_was_typed() -> None:
    assert list(unknown_words("zwei Qäume, ein Xübelbrot")) == ["Qäume", "Xübelbrot"]
    assert list(unknown_words("Xu\u0308belbrot")) == ["Xübelbrot"]
    assert list(unknown_words("a Xqzzyv's hat")) == ["Xqzzyv"]
    assert list(unknown_words("щъыюф")) == ["щъыюф"]
    assert missed_subject("a Xübelbrot with a cat") == "Xübelbrot"
    assert missed_subject("a cat with a Xübelbrot") == ""


@pytest.mark.parametrize(
    ("text", "name", "material"),
    [
        ("a teapot made of gold", "teapot", "gold"),
        ("a wooden horse", "horse", "wood"),
        ("a glass elephant in the snow", "elephant", "glass"),
        ("a castle made of ice", "castle", "ice"),
        ("a car made out of pure silver and a dog", "automobile", "silver"),
        ("a golden house", "house", "gold"),
        ("a chocolate cat", "cat", "chocolate"),
    ],
)
def test_materials_that_are_no_things(text: str, name: str, material: str) -> None:
    reading = read(text)
    assert (reading.wanted[0].thing.name, reading.wanted[0].material) == (name, material)
    assert (reading.is_own, reading.unknown) == (False, ())
    assert all(not other.material for other in reading.wanted[1:])


def test_a_material_is_scenery_or_a_colour_where_no_thing_is_made_of_it() -> None:
    assert read("a cat in the snow").scene == ("snow",)
    assert read("a golden sunset").scene == ("yellow", "sunset")
    assert read("a glass of milk").wanted[0].material == ""
    assert read("a house made of red glass").wanted[0].colour == "red"


def told(text: str) -> tuple[list[tuple[str, int]], tuple[str, ...]]:
    reading = read(text)
    return [(one.thing.name, one.count) for one in reading.wanted], reading.relations


@pytest.mark.parametrize(
    ("text", "wanted", "relation"),
    [
        ("zwei bäume neben einem haus", [("deciduous tree", 2), ("house", 1)], "beside"),
        ("Zwei Baeume neben einem Haus", [("deciduous tree", 2), ("house", 1)], "beside"),
        ("drei Füchse unter einem Pferd im Schnee", [("fox", 3), ("horse", 1)], "under"),
        ("deux chats sur une maison", [("cat", 2), ("house", 1)], "on"),
        ("un chien à côté d'un cheval", [("dog", 1), ("horse", 1)], "beside"),
        ("dos gatos al lado de un árbol", [("cat", 2), ("deciduous tree", 1)], "beside"),
        ("due gatti sotto una casa", [("cat", 2), ("house", 1)], "under"),
        ("dois cães ao lado de uma casa", [("dog", 2), ("house", 1)], "beside"),
        ("twee honden onder een boom", [("dog", 2), ("deciduous tree", 1)], "under"),
        ("dwa koty na zamku", [("cat", 2), ("castle", 1)], "on"),
        ("три кошки на лошади", [("cat", 3), ("horse", 1)], "on"),
        ("en katt på en häst", [("cat", 1), ("horse", 1)], "on"),
        ("ein Pinguin mit Hut", [("penguin", 1), ("top hat", 1)], "wearing"),
    ],
)
def test_forms_numbers_and_relations_of_other_languages(
    text: str, wanted: list[tuple[str, int]], relation: str
) -> None:
    assert told(text) == (wanted, (relation,))
    assert read(text).unknown == ()


@pytest.mark.parametrize(
    ("text", "name", "material"),
    [
        ("eine Teekanne aus Gold", "teapot", "gold"),
        ("une théière en or", "teapot", "gold"),
        ("un castello di legno", "castle", "wood"),
        ("un castillo de vidrio", "castle", "glass"),
    ],
)
def test_materials_of_other_languages(text: str, name: str, material: str) -> None:
    (one,) = read(text).wanted
    assert (one.thing.name, one.material) == (name, material)


@pytest.mark.parametrize("text", ["un chat noir", "un gatto nero", "un gato negro", "ein schwarzes Pferd"])
def test_a_colour_belongs_to_its_thing_wherever_the_language_puts_it(text: str) -> None:
    assert [one.colour for one in read(text).wanted] == ["black"]


def test_english_without_small_words_stays_english() -> None:
    for text in ("cat in snow", "red fox in forest", "hat on horse", "man in boat", "house in space"):
        assert read(text) == read(f"the {text}"), text


def test_words_of_another_language_are_not_the_first_starters() -> None:
    """Its composer would read eight words it has never seen."""
    assert read("red sun").is_own
    assert not read("rote sonne").is_own


@pytest.mark.parametrize("word", ["kitchen", "bedroom", "wardrobe", "windmill", "kitchens"])
def test_nothing_is_suggested_where_only_something_general_is_shared(word: str) -> None:
    """A kitchen and a toilet are rooms; and a kitchen is no misspelt kitten."""
    assert unknown_words(f"my grandma's {word}") == {word: []}
