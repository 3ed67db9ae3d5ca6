"""The alerts and the dashboard: promtool parses them, each alert fires for what it is for and for nothing else, and what they
name is what the program shows."""

import json
import re
import shutil
import urllib.request

import pytest

import agent as agents
import fake as fake_connect
import sidecar
from conftest import CHART, ROOT, of_kind, run, yaml

NEVER = " ".join(["+Inf"] * 121)  # promtool knows no +Infx120
ALERTS = {  # name: (series that fire it at `at`, series that do not, labels it has then)
    "ConnectAgentNotReady": ("ready 0x60", "ready 1x60", {}),
    "ConnectAgentNotRefreshed": ("last_success_timestamp_seconds 0x120", "last_success_timestamp_seconds 0+60x120", {}),
    "ConnectAgentConnectUnreachable": (
        'requests_total{endpoint="vaults",code="none"} 0+1x120',
        'requests_total{endpoint="vaults",code="none"} 0+1x120; requests_total{endpoint="vault",code="200"} 0+1x120', {}),
    "ConnectAgentTokenExpiresSoon": (
        f"token_expiry_timestamp_seconds {2 * 86400}x120",
        f"token_expiry_timestamp_seconds {4 * 86400}x120; token_expiry_timestamp_seconds{{a=\"b\"}} {NEVER}", {}),
    "ConnectAgentTokenExpired": ("token_expiry_timestamp_seconds 60x120", f"token_expiry_timestamp_seconds {NEVER}", {}),
    "ConnectAgentTokenRefused": ("token_accepted 0x120", "token_accepted 1x120", {}),
    "ConnectAgentTemplateInvalid": ("template_valid 0x120", "template_valid 1x120", {}),
    "ConnectAgentReferenceFailed": (
        'reference_failed{reference="op://a/b/c"} 1x120', 'reference_failed{reference="op://a/b/c"} 0x120',
        {"reference": "op://a/b/c"}),
    "ConnectAgentHookFailing": (  # the series is born with its first count, as the program does it
        'hook_runs_total{phase="onChange",hook="signal",result="gave_up"} _x115 1x10',
        'hook_runs_total{phase="onChange",hook="signal",result="gave_up"} 1x120; '
        'hook_runs_total{phase="onChange",hook="http",result="failed"} 0+1x120',
        {"phase": "onChange", "hook": "signal", "result": "gave_up"}),
    "ConnectAgentFilesPolled": ('watch_mode{mode="poll"} 1x120', 'watch_mode{mode="events"} 1x120; watch_mode{mode="poll"} 0x120',
                                {"mode": "poll"}),
}
POD = {"namespace": "example", "pod": "app-1"}


@pytest.fixture(scope="session")
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (prometheus)")
    return found


@pytest.fixture(scope="session")
def groups(helm):
    (rule,) = of_kind(helm.render({"prometheusRule": {"enabled": True, "alertLabels": {"team": "platform"}}}), "PrometheusRule")
    return rule["spec"]


def rules(groups):
    return {rule["alert"]: rule for group in groups["groups"] for rule in group["rules"]}


def series(text):
    """Series of promtool's tests, of one pod: `name{labels} values; …`."""
    made = []
    for one in text.split("; "):
        name, labels, values = re.fullmatch(r"(\w+)(?:\{(.*)\})? (.*)", one).groups()
        labels = ",".join(filter(None, ['namespace="example",pod="app-1"', labels]))
        made.append({"series": f"connect_agent_{name}{{{labels}}}", "values": values})
    return made


def test_promtool_takes_every_rule(promtool, groups, tmp_path):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups))
    done = run(promtool, "check", "rules", tmp_path / "rules.yaml")
    assert done.returncode == 0 and f"{len(ALERTS)} rules found" in done.stdout, done
    broken = json.loads(json.dumps(groups))
    broken["groups"][0]["rules"][0]["expr"] += " >"
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(broken))
    assert run(promtool, "check", "rules", tmp_path / "rules.yaml").returncode != 0


def test_every_alert_has_a_test_and_is_in_the_readme_and_the_schema(groups):
    assert set(rules(groups)) == set(ALERTS)
    readme = (CHART / "README.md").read_text()
    assert dict(re.findall(r"^\| `(ConnectAgent\w+)` \| (\w+) \|", readme, re.M)) == {
        name: rule["labels"]["severity"] for name, rule in rules(groups).items()}
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert set(schema["properties"]["prometheusRule"]["properties"]["disabled"]["items"]["enum"]) == set(ALERTS)
    for rule in rules(groups).values():
        assert rule["labels"]["team"] == "platform" and rule["annotations"]["summary"] and rule["annotations"]["description"]


def unit_test(promtool, groups, folder, asked, expected, at="119m"):
    """promtool's own test of one alert; None: it does not fire."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(groups))
    name, text = asked
    alert = {"eval_time": at, "alertname": name, "exp_alerts": [] if expected is None else [expected]}
    case = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m",
            "tests": [{"interval": "1m", "input_series": series(text), "alert_rule_test": [alert]}]}
    (folder / "test.yaml").write_text(yaml.safe_dump(case))
    return run(promtool, "test", "rules", folder / "test.yaml")


def filled_in(text, labels, value):
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
    return text.replace("{{ $value | humanizeDuration }}", value)


@pytest.mark.parametrize("name", ALERTS)
def test_alert_fires_for_its_reason_and_not_without(promtool, groups, tmp_path, name):
    firing, silent, more = ALERTS[name]
    rule = rules(groups)[name]
    at = "30m" if name == "ConnectAgentNotReady" else "119m"
    values = {"ConnectAgentNotRefreshed": "1h 59m 0s", "ConnectAgentTokenExpiresSoon": "1d 22h 1m 0s"}
    labels = {**POD, **more}
    expected = {
        "exp_labels": {**labels, **rule["labels"]},
        "exp_annotations": {key: filled_in(text, labels, values.get(name, "")) for key, text in rule["annotations"].items()},
    }
    done = unit_test(promtool, groups, tmp_path, (name, firing), expected, at)
    assert done.returncode == 0, done.stdout + done.stderr
    done = unit_test(promtool, groups, tmp_path, (name, silent), None, at)
    assert done.returncode == 0, done.stdout + done.stderr
    done = unit_test(promtool, groups, tmp_path, (name, firing), None, at)
    assert done.returncode != 0, "promtool looks"


def test_an_alert_waits_for_its_time(promtool, groups, tmp_path):
    for name, rule in rules(groups).items():
        if "for" in rule and name not in ("ConnectAgentConnectUnreachable", "ConnectAgentNotRefreshed"):
            done = unit_test(promtool, groups, tmp_path, (name, ALERTS[name][0]), None, at="1m")
            assert done.returncode == 0, done.stdout


def test_values_of_the_rules_are_used(helm):
    values = {"enabled": True, "staleSeconds": 77, "tokenExpiryDays": 9, "disabled": ["ConnectAgentHookFailing"]}
    (rule,) = of_kind(helm.render({"prometheusRule": values}), "PrometheusRule")
    found = rules(rule["spec"])
    assert set(ALERTS) - set(found) == {"ConnectAgentHookFailing"}
    assert "> 77" in found["ConnectAgentNotRefreshed"]["expr"] and "9 * 86400" in found["ConnectAgentTokenExpiresSoon"]["expr"]


# What the program shows.


def shown_metrics():
    """Names and label names of every metric that a sidecar shows, or that its page of documentation promises."""
    text = (ROOT / "docs" / "operations.md").read_text()
    table = re.findall(r"^\| `(\w+)` \| (gauge|counter|histogram) \| (.*?) ?\| ", text, re.M)
    names = {}
    for name, kind, labels in table:
        for suffix in ["_bucket", "_sum", "_count"] if kind == "histogram" else [""]:
            more = {"le"} if suffix == "_bucket" else set()
            names[f"connect_agent_{name}{suffix}"] = set(re.findall(r"`(\w+)`", labels)) | more
    return names


def used_metrics(expression):
    """(metric, labels in its braces) for each that the expression asks for."""
    for name, braces in re.findall(r"\b(connect_agent_\w+)(?:\{(.*?)\})?", expression):
        yield name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces))


def dashboard(helm):
    (item,) = of_kind(helm.render({"dashboard": {"enabled": True}}), "ConfigMap")
    return json.loads(item["data"]["connect-agent.json"])


def dashboard_expressions(helm):
    return [target["expr"] for panel in dashboard(helm)["panels"] for target in panel["targets"]]


def test_metrics_that_are_asked_for_exist(helm, groups):
    shown = shown_metrics()
    asked = [*(rule["expr"] for rule in rules(groups).values()), *dashboard_expressions(helm)]
    seen = set()
    for expression in asked:
        for name, labels in used_metrics(expression):
            assert name in shown, f"{name} in {expression}"
            assert labels <= shown[name] | {"namespace", "pod"}, expression
            seen.add(name)
        for label in re.findall(r"by \(([\w, ]+)\)", expression):
            known = set().union(*(shown[name] for name, _ in used_metrics(expression)))
            assert set(label.split(", ")) <= known | {"namespace", "pod"}, expression
    assert len(seen) > 12


def test_the_page_of_metrics_is_that_of_the_running_program():
    """So that the test above compares with the program, not with a page about it."""
    with agents.Place() as place:
        listen = f"127.0.0.1:{fake_connect.free_port()}"
        place.template.write_text(agents.TEMPLATE.replace("{directory}", str(place.directory)))
        with sidecar.Sidecar(place, "--listen", listen) as running:
            running.wait_published()
            running.wait_for("refresh over")
            page = get_metrics(listen)
            running.stop()
    families = dict(re.findall(r"^# TYPE (\w+) (\w+)$", page, re.M))
    documented = {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown_metrics()}
    # These are there from the start; the others appear with what they count.
    assert set(families) <= documented and len(families) >= 12, set(families) ^ documented
    source = (ROOT / "agent" / "report" / "metrics.c").read_text()
    assert {f"connect_agent_{name}" for name in re.findall(r'\[METRIC_\w+\]\s*=\s*\{"(\w+)",', source)} == documented


def get_metrics(listen):
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=60) as answer:
        return answer.read().decode()


# The dashboard.


def test_promtool_takes_every_expression_of_the_dashboard(promtool, helm, tmp_path):
    expressions = dashboard_expressions(helm)
    found = [{"record": f"panel:{n}", "expr": text.replace("$__rate_interval", "5m")} for n, text in enumerate(expressions)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": found}]}))
    done = run(promtool, "check", "rules", tmp_path / "rules.yaml")
    assert done.returncode == 0 and f"{len(found)} rules found" in done.stdout, done


def test_panels_have_titles_places_and_the_data_source_that_is_chosen(helm):
    whole = dashboard(helm)
    variables = {variable["name"] for variable in whole["templating"]["list"]}
    assert variables == {"datasource", "namespace", "pod"}
    taken = set()
    assert len({panel["id"] for panel in whole["panels"]}) == len(whole["panels"])
    for panel in whole["panels"]:
        assert panel["title"] and panel["datasource"]["uid"] == "${datasource}"
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
        for target in panel["targets"]:
            used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
            assert used == {"namespace", "pod"}, target


def test_numbers_that_mean_trouble_have_another_colour(helm):
    colours = {panel["title"]: [(step["value"], step["color"]) for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
               for panel in dashboard(helm)["panels"] if panel["type"] == "stat" and panel["title"] != "Agents"}
    assert len(colours) == 5
    for title in ("Not ready", "Tokens refused", "Templates wrong"):
        assert colours[title] == [(None, "green"), (1, "red")]
