"""How cards compare on other people's networks: the facts, the model that is fitted to them, and how far it is off.

`python -m bench.proofs.expected` writes what dreamrig claims from it (provision/knowledge/expected.json) and the page
that explains it (docs/benchmark-expected.md).
"""
