"""The starter's small networks.

They are norm-free or LayerNorm networks with zero-initialised residual branches (the second CLIP's image tower is
linear): on small data and a CPU they train in minutes where the large originals' layout stayed stuck
(docs/starter-model.md). Nothing here is state-dict compatible with taming-transformers or openai-clip.
"""
