"""Tests of the diagnosis, plane by plane."""
