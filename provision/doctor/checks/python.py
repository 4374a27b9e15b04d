"""The Python that runs dreamrig: do its packages come from dreamrig."""

from __future__ import annotations

from provision.doctor.check import Check, FactReader, Finding, Step, check, evidence, failed, passed, unknown, warned


@check("package-names", "Do dreamrig's Python packages come from dreamrig?")
def package_names(facts: FactReader) -> Finding:
    """provision, generator and bench are plain words: another project on the path may bear the same names."""
    elsewhere = facts.get("python.packages_elsewhere")
    proof = evidence(facts, "python.packages_elsewhere", "python.package_rivals")
    if elsewhere is None:
        return unknown(facts, "python.packages_elsewhere")
    if elsewhere:
        sentence = f"Python would take another package for ours: {'; '.join(elsewhere)}."
        return failed(sentence, proof, OWN_ENVIRONMENT, LOOK_AT_PATH)
    if rivals := facts.get("python.package_rivals"):
        return warned(f"Another project has packages of the same names: {'; '.join(rivals)}.", proof, OWN_ENVIRONMENT)
    return passed("dreamrig's packages come from dreamrig.", *proof)


OWN_ENVIRONMENT = Step("Run dreamrig in an environment of its own: ./rig makes one.", "./rig doctor")
LOOK_AT_PATH = Step(
    "Or take the other folder out of PYTHONPATH, or leave it, before you start dreamrig.", "unset PYTHONPATH"
)

CHECKS: tuple[Check, ...] = (package_names,)
