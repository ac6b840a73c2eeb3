"""Checks of files that were labeled elsewhere, without a workspace."""
