"""Turns the result files of test stations into WATS reports, keeps them safe on disk, and uploads them."""
