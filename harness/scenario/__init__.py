"""Scenario files: model, matcher, loader."""
