"""Materials that are no things: what they are called and what they look like. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """The colours of a surface from its shade to its glint, and what else one knows it by."""

    shade: Rgb
    usual: Rgb
    glint: Rgb
    clear: float = 0.0
    """How much of what is behind shows through, 0 to 1."""
    grain: str = ""
    """rings (of wood), specks (of stone) or nothing."""


MATERIALS: dict[str, Material] = {
    "gold": Material((0.42, 0.25, 0.03), (0.95, 0.72, 0.16), (1.0, 0.96, 0.70)),
    "silver": Material((0.30, 0.32, 0.36), (0.72, 0.74, 0.78), (1.0, 1.0, 1.0)),
    "bronze": Material((0.25, 0.13, 0.06), (0.69, 0.42, 0.20), (0.96, 0.78, 0.52)),
    "copper": Material((0.33, 0.12, 0.06), (0.80, 0.43, 0.27), (1.0, 0.80, 0.66)),
    "metal": Material((0.18, 0.20, 0.23), (0.52, 0.56, 0.61), (0.88, 0.91, 0.95)),
    "glass": Material((0.30, 0.55, 0.72), (0.70, 0.88, 0.96), (1.0, 1.0, 1.0), clear=0.45),
    "ice": Material((0.42, 0.66, 0.84), (0.76, 0.92, 0.99), (1.0, 1.0, 1.0), clear=0.2),
    "water": Material((0.08, 0.30, 0.62), (0.24, 0.58, 0.88), (0.85, 0.96, 1.0), clear=0.25),
    "snow": Material((0.66, 0.74, 0.86), (0.93, 0.95, 0.99), (1.0, 1.0, 1.0)),
    "wood": Material((0.27, 0.15, 0.07), (0.60, 0.38, 0.20), (0.82, 0.60, 0.37), grain="rings"),
    "stone": Material((0.25, 0.25, 0.25), (0.55, 0.54, 0.52), (0.78, 0.77, 0.74), grain="specks"),
    "marble": Material((0.58, 0.57, 0.58), (0.90, 0.89, 0.87), (1.0, 1.0, 0.99), grain="rings"),
    "sand": Material((0.55, 0.42, 0.24), (0.87, 0.74, 0.48), (0.98, 0.90, 0.70), grain="specks"),
    "clay": Material((0.40, 0.17, 0.10), (0.75, 0.41, 0.26), (0.92, 0.64, 0.48)),
    "paper": Material((0.68, 0.65, 0.58), (0.95, 0.93, 0.88), (1.0, 1.0, 0.98)),
    "leather": Material((0.20, 0.10, 0.05), (0.45, 0.25, 0.13), (0.70, 0.46, 0.29)),
    "chocolate": Material((0.15, 0.07, 0.03), (0.37, 0.19, 0.10), (0.63, 0.40, 0.27)),
    "cheese": Material((0.68, 0.42, 0.06), (0.98, 0.79, 0.27), (1.0, 0.93, 0.58), grain="specks"),
    "jelly": Material((0.60, 0.05, 0.16), (0.92, 0.20, 0.34), (1.0, 0.75, 0.80), clear=0.3),
}
_CALLED = {
    "gold": "golden, pure gold, solid gold, or, oro, ouro, goud, zloto, złoto, золото, золота",
    "silver": "silber, plata, argento, prata, zilver, srebro",
    "bronze": "brass, messing",
    "copper": "kupfer",
    "metal": "steel, iron, chrome, tin, aluminium, aluminum, metallic, metall, stahl, eisen, stainless steel",
    "glass": "crystal, glas, verre, vidrio, vetro, vidro, szkło, стекла",
    "ice": "frozen water, eis, glace, hielo, ghiaccio, gelo, ijs",
    "water": "wasser, eau, agua, acqua",
    "snow": "schnee, neige, nieve, neve, sneeuw",
    "wood": "wooden, oak wood, timber, holz, bois, madera, legno, madeira, hout, drewno, drewna, дерева",
    "stone": "rock, rocks, stones, granite, concrete, stein, pierre, piedra, pietra, pedra, steen, kamien, камня",
    "marble": "marmor, marmol, marmo",
    "sand": "sandstone, arena, sable",
    "clay": "terracotta, terra cotta, plasticine, ton",
    "paper": "origami, cardboard, papier, papel, carta",
    "leather": "leder, cuir, cuero",
    "chocolate": "dark chocolate, milk chocolate, schokolade, chocolat, cioccolato, czekolada, шоколада",
    "cheese": "kase, fromage, queso, formaggio, queijo, kaas",
    "jelly": "jello, gelatin, gelatine, slime",
}
_NAMES = {said: name for name, all_said in _CALLED.items() for said in all_said.split(", ")}
_BEFORE_A_THING_TEXT = """
    gold golden silver bronze brass copper metal steel iron glass crystal wooden wood stone marble clay paper origami
    leather chocolate cheese jelly
"""
BEFORE_A_THING = frozenset(_BEFORE_A_THING_TEXT.split())
"""What says of the thing right behind it what that is made of; ice and snow in its place are scenery."""


def material_called(phrase: str) -> str:
    """The material that a folded phrase names; empty for none."""
    return phrase if phrase in MATERIALS else _NAMES.get(phrase, "")
