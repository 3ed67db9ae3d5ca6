"""Fixtures of the tests that run containers."""

import contextlib

import pytest

import engine


@pytest.fixture(scope="session")
def docker():
    """A Docker Engine. Where there can be none the tests are skipped, and say why."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(engine.running())
        except engine.Unavailable as reason:
            pytest.skip(str(reason))
        yield found
