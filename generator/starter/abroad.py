"""What other languages call colours, grounds and skies, and the small words between. Standard library only.

Things have their names in the word table; these few words are what a scene needs beside them.
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
MEANS: dict[str, str] = {fold(said): own for own, all_said in reversed(_SAID.items()) for said in all_said.split()}
"""Folded foreign word -> the English one."""
