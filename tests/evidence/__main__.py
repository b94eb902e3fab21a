"""`python -m tests.evidence`: write `tests/README.md` from what the runs have left."""

from tests import evidence

evidence.README.write_text(evidence.readme(), "utf-8")
print(f"{sum(len(evidence.load(source)) for source in evidence.SOURCES)} cases are in {evidence.README.name}")
