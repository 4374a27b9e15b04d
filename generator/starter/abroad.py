"""What other languages call colours, grounds and skies, and the small words between. Standard library only.

Things have their names in the word table; these few words are what a scene needs beside them. Some of the commonest
things stand here too: CLDR has no tree, only kinds of trees.
"""

from __future__ import annotations

from generator.starter.folding import fold

_SAID = {
    "red": "rot rote roter rotes roten rouge rojo roja rosso rossa vermelho vermelha rood rode czerwony czerwona "
    "красный красная röd kirmizi merah",
    "blue": "blau blaue blauer blaues bleu bleue azul blu blauw blauwe niebieski niebieska синий синяя blå mavi biru",
    "green": "grün grüne grüner grünes vert verte verde groen groene zielony zielona зелёный зелёная grön yesil hijau",
    "yellow": "gelb gelbe gelber gelbes jaune amarillo amarilla giallo gialla amarelo amarela geel gele zolty жёлтый",
    "white": "weiß weiße weißer weißes blanc blanche blanco blanca bianco bianca branco branca wit witte bialy белый",
    "black": "schwarz schwarze schwarzer schwarzes noir noire negro negra nero nera preto preta zwart zwarte czarny "
    "чёрный",
    "pink": "rosa rosafarben rosado rozowy roze розовый",
    "purple": "lila violett violette morado viola roxo paars fioletowy фиолетовый",
    "orange": "orangefarben naranja arancione laranja oranje pomaranczowy оранжевый",
    "brown": "braun brauner marron marrón marrone castanho bruin brazowy коричневый",
    "horse": "лошадь лошади",
    "snow": "schnee neige nieve neve sneeuw snieg снег снегу snö",
    "sea": "meer mer mar mare zee morze море hav deniz laut",
    "night": "nacht nuit noche notte noite noc ночь ночью natt gece malam",
    "forest": "wald forêt bosque bosco floresta bos las лес лесу skog orman hutan",
    "mountains": "berge berg bergen montagne montagnes montaña montañas montagna montanha gory горы",
    "city": "stadt ville ciudad città cidade stad miasto город городе",
    "meadow": "wiese pré prairie prado prato campo weide laka луг поле",
    "desert": "wüste désert desierto deserto woestijn pustynia пустыня",
    "sunset": "sonnenuntergang coucher atardecer tramonto zonsondergang zachod закат",
    "moon": "mond lune luna lua maan ksiezyc луна",
    "sun": "sonne soleil sol sole zon slonce солнце",
    "stars": "sterne étoiles estrellas stelle estrelas sterren gwiazdy звёзды",
    "sky": "himmel ciel cielo céu hemel niebo небо",
    "space": "weltraum weltall all espace espacio spazio espaço ruimte kosmos космос космосе",
    "rain": "regen pluie lluvia pioggia chuva deszcz дождь",
    "tree": "baum arbre árbol albero árvore boom drzewo дерево träd trae",
    "flower": "blume blumen fleur fleurs flor flores fiore fiori bloem bloemen kwiat kwiaty цветок цветы blomma",
    "apple": "apfel pomme manzana mela maçã appel jablko яблоко äpple",
    "hat": "hut chapeau sombrero cappello chapéu hoed kapelusz шляпа",
    "two": "zwei deux dos due dois duas twee dwa два две",
    "three": "drei trois tres tre três drie trzy три",
    "and": "und et y e en i и",
    "on": "auf sur sobre su em op na на",
    "under": "unter sous debajo sotto sob onder pod под",
    "in": "im in dans nel nella no w в",
    "with": "mit avec con com met z с",
    "big": "groß große großer großes grand grande groot grote duzy большой",
    "small": "klein kleine kleiner kleines petit petite pequeño pequeña piccolo piccola pequeno pequena maly маленький",
    "a": "ein eine einer eines einem einen der die das dem den des un une le la les el los las il lo gli uno una um "
    "uma o os as de du da do della degli het een ist l d",
}


def plain(said: str) -> str:
    """Folded, and without the stroke through a Polish l, which is a letter of its own to Unicode."""
    return fold(said).replace("ł", "l")


MEANS: dict[str, str] = {plain(said): own for own, all_said in reversed(_SAID.items()) for said in all_said.split()}
"""Folded foreign word -> the English one."""
_BETWEEN = {
    "de": """
        beside: neben, bei, nahe, nahe bei, vor, zwischen; on: auf, sitzt auf, steht auf, reitet auf, liegt auf
        over: über, oberhalb; under: unter, unterhalb; in: in, im, ins, innerhalb; behind: hinter; with: mit; and: und
        made of: aus, gemacht aus; wearing: trägt; holding: hält, isst, trinkt
        the: der, die, das, dem, den, des, am, zum, zur; a: ein, eine, einer, eines, einem, einen; of: von, vom
        two: zwei; three: drei; four: vier; five: fünf; many: viele; a few: ein paar, einige
    """,
    "fr": """
        beside: à côté de, à côté du, à côté d, à côté des, près de, près du, près d, devant, entre, contre
        on: sur, assis sur, assise sur, debout sur, à, à cheval sur; over: au dessus de, au dessus du, au dessus d
        under: sous, au dessous de; in: dans, en, à l intérieur de, à l intérieur d; behind: derrière; with: avec
        and: et; made of: fait de, faite de, fait en, faite en, fait d; wearing: portant, porte; holding: tenant
        the: le, la, les, l, au, aux; a: un, une; of: de, du, des, d; two: deux; three: trois; four: quatre
        five: cinq; many: beaucoup de; several: plusieurs; a few: quelques
    """,
    "es": """
        beside: al lado de, al lado del, junto a, junto al, cerca de, cerca del, delante de, delante del, frente a
        on: sobre, encima de, encima del; over: por encima de, por encima del; in: en, dentro de, dentro del
        under: debajo de, debajo del, bajo; behind: detrás de, detrás del, tras; with: con; and: y, e
        made of: hecho de, hecha de; wearing: llevando, lleva; the: el, la, los, las, al; a: un, una; of: de, del
        two: dos; three: tres; four: cuatro; five: cinco; many: muchos, muchas; several: varios, varias
        a few: unos, unas, algunos
    """,
    "it": """
        beside: accanto a, accanto al, accanto alla, accanto all, accanto ad, vicino a, vicino al, vicino alla
        beside: vicino ad, davanti a, davanti al, davanti alla, di fianco a; on: su, sul, sulla, sull, sui, sulle, sopra
        over: al di sopra di; under: sotto; in: in, nel, nella, nell, nei, nelle, dentro; behind: dietro
        with: con, col; and: e, ed; made of: fatto di, fatta di, fatto d, fatta d; wearing: indossa
        the: il, lo, la, i, gli, le, l, al, alla; a: un, una, uno; of: di, del, della, dell, dei, delle, d
        two: due; three: tre; four: quattro; five: cinque; many: molti, molte, tanti, tante; a few: alcuni, alcune
    """,
    "pt": """
        beside: ao lado de, ao lado do, ao lado da, perto de, perto do, perto da, junto a, em frente a
        on: sobre, em cima de, em cima do, em cima da; over: acima de, acima do, acima da
        under: sob, debaixo de, debaixo do, debaixo da, embaixo de; in: em, no, na, nos, nas, num, numa, dentro de
        behind: atrás de, atrás do, atrás da; with: com; and: e; made of: feito de, feita de; wearing: vestindo
        the: o, a, os, as, ao; a: um, uma; of: de, do, da, dos, das; two: dois, duas; three: três; four: quatro
        five: cinco; many: muitos, muitas; several: vários, várias
    """,
    "nl": """
        beside: naast, bij, voor, tussen; on: op; over: boven; under: onder; in: in, binnen; behind: achter; with: met
        and: en; made of: gemaakt van; wearing: draagt; the: de, het; a: een; of: van; two: twee; three: drie
        four: vier; five: vijf; many: veel; several: enkele
    """,
    "pl": """
        beside: obok, przy, koło, przed, między; on: na; over: nad; under: pod; in: w, we; behind: za; with: z, ze
        and: i, oraz; made of: zrobiony z, zrobiona z; two: dwa, dwie; three: trzy; four: cztery; five: pięć
        many: wiele; a few: kilka
    """,
    "ru": """
        beside: рядом с, рядом со, возле, около, перед; on: на; over: над; under: под; in: в, во; behind: за
        with: с, со; and: и; made of: из, сделанный из; two: два, две; three: три; four: четыре; five: пять
    """,
    "sv": """
        beside: bredvid, nära, framför; on: på; over: över, ovanför; under: under; in: i; behind: bakom; with: med
        and: och; made of: gjord av, av; a: en, ett; two: två; three: tre; four: fyra; five: fem; many: många
    """,
}
BETWEEN: dict[str, dict[str, str]] = {
    language: {
        plain(said): own
        for row in rows.replace("\n", ";").split(";")
        if row.strip()
        for own, _, all_said in [row.strip().partition(": ")]
        for said in all_said.split(",")
    }
    for language, rows in _BETWEEN.items()
}
"""Language -> its folded words between the things: how they stand to one another, how many, articles."""
OF_A_MATERIAL: dict[str, tuple[str, ...]] = {
    "fr": ("en", "de", "d"), "es": ("de",), "it": ("di", "d", "in"), "pt": ("de",), "nl": ("van",), "pl": ("z", "ze"),
}  # fmt: skip
"""Small words that before a material say that something is made of it."""
COLOUR_FOLLOWS = frozenset(("fr", "es", "it", "pt"))
"""Languages in which a thing's colour stands behind it."""
