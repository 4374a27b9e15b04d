"""How fast is this rig: pinned workloads, measurements with their spread, comparisons that may be trusted.

Importing a module of this package imports no torch; what measures imports it in the function that does.
"""
