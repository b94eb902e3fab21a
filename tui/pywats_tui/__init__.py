"""The terminal dashboard: shows a service of this machine as it is, and asks it for what a person wants done."""
