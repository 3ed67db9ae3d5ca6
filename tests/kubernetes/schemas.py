"""Makes JSON Schemas, as kubeconform wants them, from Kubernetes' OpenAPI files and from CustomResourceDefinitions. They are
strict: a field that Kubernetes does not know is a mistake, as it is with `kubectl apply --validate=strict`."""

import json

# Of a custom resource: its definition does not say it. What people write, that is.
METADATA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"}, "namespace": {"type": "string"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
# What JSON Schema does not have. Descriptions are most of the size.
DROPPED = ("description", "default", "example", "nullable", "format")


def strict(node):
    """The schema without unknown fields, in a copy."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: named(value) if key == "properties" else strict(value) for key, value in node.items()
            if key not in DROPPED and not key.startswith("x-kubernetes-")}
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if node.get("x-kubernetes-preserve-unknown-fields"):
        return made
    if "properties" in node and "additionalProperties" not in node:
        made["additionalProperties"] = False
    if node.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


def named(properties):
    """A map of names to schemas: a name such as `default` or `format` is no keyword there."""
    return {name: strict(schema) for name, schema in properties.items()}


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def closure(name, components):
    """Everything that the component needs."""
    wanted, found = [name], {}
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = components[name]
            wanted.extend(references(components[name]))
    return found


def file_name(kind, group, version):
    """kubeconform's `{{.ResourceKind}}{{.KindSuffix}}`: the suffix has the first part of the group only."""
    return "-".join(filter(None, [kind.lower(), group.split(".")[0], version.lower()])) + ".json"


def relocate(node):
    """#/components/schemas/X is #/definitions/X in a schema of its own."""
    text = json.dumps(node).replace("#/components/schemas/", "#/definitions/")
    return json.loads(text)


def convert_openapi(source, target):
    target.mkdir(parents=True)
    for path in sorted(source.glob("api*__v*_openapi.json")):
        components = json.loads(path.read_text())["components"]["schemas"]
        ready = {name: relocate(strict(schema)) for name, schema in components.items()}
        for name, schema in components.items():
            kinds = schema.get("x-kubernetes-group-version-kind", [])
            if len(kinds) != 1 or "spec" not in schema.get("properties", {}) and "metadata" not in schema["properties"]:
                continue  # DeleteOptions and such, which belong to every group
            (kind,) = kinds
            whole = {"$ref": f"#/definitions/{name}", "definitions": closure(name, ready)}
            only(whole["definitions"][name], kind)
            (target / file_name(**kind)).write_text(json.dumps(whole))


def only(schema, kind):
    """The file's name says the kind; the text has to say it too."""
    group = f"{kind['group']}/" if kind["group"] else ""
    schema["properties"]["apiVersion"] = {"enum": [group + kind["version"]]}
    schema["properties"]["kind"] = {"enum": [kind["kind"]]}
    schema["required"] = sorted({*schema.get("required", []), "apiVersion", "kind"})


def load_crd(path):
    """The document, in which `=` is the name of an operator; YAML 1.1 has a meaning for it that nobody uses."""
    import yaml  # only here: not every machine that converts OpenAPI has it

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)
    return yaml.load(path.read_text(), Loader)


def convert_crds(source, target, names):
    for name in names:
        spec = load_crd(source / name)["spec"]
        for version in spec["versions"]:
            kind = {"group": spec["group"], "version": version["name"], "kind": spec["names"]["kind"]}
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = METADATA
            only(schema, kind)
            (target / file_name(**kind)).write_text(json.dumps(schema))
