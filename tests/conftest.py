"""Fixtures of the tests that run the agent."""

import pytest

import agent
import sandboxing


@pytest.fixture
def place():
    """A fresh fake Connect and an empty output directory."""
    with agent.Place() as made:
        yield made


@pytest.fixture(scope="module")
def shared():
    """One fake Connect for the tests of a file, which put it back with `reset`."""
    with agent.Place() as made:
        yield made


@pytest.fixture
def good(shared):
    """A publication that must survive: nothing of it, byte or inode, may have changed in the end."""
    shared.fake.reset()
    result = shared.init(agent.TEMPLATE)
    assert result.status == 0, result
    before = shared.snapshot()
    shared.patience = agent.IMPATIENT
    yield shared
    del shared.patience
    assert shared.snapshot() == before, "what was published before has changed"


@pytest.fixture
def victims(place, tmp_path):
    """What a program that was taken over attacks."""
    made = sandboxing.Victims(place, tmp_path)
    yield made
    made.close()
