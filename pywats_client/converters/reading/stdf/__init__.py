"""STDF V4: its records, what they say of the lot, the parts in it, and their tests as steps of a report."""
