"""How often the benchmark's intervals hold the truth, and how often it calls equals different: by simulation.

`python -m bench.proofs.intervals` writes docs/benchmark-intervals.md; the tests of generator.stats use the same
machines. Every series comes from a seed.
"""
