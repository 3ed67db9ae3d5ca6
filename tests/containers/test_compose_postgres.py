"""deploy/compose/postgres: a PostgreSQL whose password is 1Password's, also after it has changed there."""

import os
import subprocess

import pytest

from stack import Stack, tree, until


@pytest.fixture(scope="module")
def stack(docker):
    with Stack(docker, "postgres") as made:
        made.up()
        until(lambda: made.health("db") == "healthy")
        yield made


def login(stack, password):
    """Does a client of the network get in, with a query answered? Nothing but a wrong password is a no."""
    result = subprocess.run(["psql", "-qXAt", "-h", "127.0.0.1", "-p", str(stack.port("db", 5432)), "-U", "app", "-d", "app",
                             "-c", "SELECT current_user"], env={**os.environ, "PGPASSWORD": password},
                            capture_output=True, text=True, timeout=60, check=False)
    if result.returncode == 0:
        assert result.stdout == "app\n"
        return True
    assert "password authentication failed" in result.stderr, result.stderr
    return False


def log_all_statements(stack):
    """The hardest case of keeping a password out of the server's log, which the end of the test looks through."""
    for statement in ("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"):
        stack.exec("db", "psql", "-qX", "-U", "app", "-d", "app", "-c", statement)
    until(lambda: stack.exec("db", "psql", "-qXAt", "-U", "app", "-d", "app", "-c", "SELECT 1") and
          stack.said("db", "statement: SELECT 1"))


def test_the_password_of_the_vault_opens_the_database_and_no_other_does(stack):
    assert login(stack, "example-password-not-a-secret")
    assert not login(stack, "canary-value-wrong")


def test_the_volume_holds_what_the_template_declares_and_nothing_else(stack):
    found = tree(stack.proc("db") / "root/run/db")
    assert found == {"password": ("0o400", 999, 999, b"example-password-not-a-secret")}


def test_containers_are_confined(stack):
    stack.assert_confined()


def test_a_rotated_password_takes_the_old_ones_place(stack):
    new = "canary-value-'quo\"ted\\ $x `y`"
    started = stack.container("db")["State"]["StartedAt"]
    log_all_statements(stack)
    stack.connect.patch("prod", "db", {"password": new})
    stack.wait_said("agent", '"message":"hook done"')
    assert login(stack, new) and not login(stack, "example-password-not-a-secret")
    assert started == stack.container("db")["State"]["StartedAt"] and stack.health("db") == "healthy"
    assert "ALTER ROLE" not in stack.logs("db") and "statement: SET log_statement" in stack.logs("db")


def test_a_failed_rotation_is_tried_again_until_the_database_is_back(stack):
    stack.compose("stop", "db")
    stack.connect.patch("prod", "db", {"password": "canary-value-while-down"})
    stack.wait_said("agent", '"message":"hook failed[^\n]*connection to server')
    stack.compose("start", "db")
    until(lambda: stack.health("db") == "healthy")
    until(lambda: login(stack, "canary-value-while-down"))


def test_after_the_hook_gave_up_the_service_password_does_it(stack):
    stack.compose("stop", "db")
    stack.connect.patch("prod", "db", {"password": "canary-value-given-up"})
    stack.wait_said("agent", '"message":"hook failed"')
    stack.up("password")
    until(lambda: login(stack, "canary-value-given-up"))


def test_a_password_changed_while_the_stack_was_down_is_taken_up_with_the_next_start(stack):
    # The fake forgets what it was told: after `down` its sample vault has the first password again.
    assert not login(stack, "example-password-not-a-secret")
    stack.compose("down", "--timeout", "5")
    stack.up()
    until(lambda: login(stack, "example-password-not-a-secret"))
    assert not login(stack, "canary-value-while-down")
