#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks manifests against the API of Kubernetes, more strictly than kubectl does without a cluster.

usage: check_kubernetes.py SWAGGER [MANIFEST...]

SWAGGER is the API's description, api/openapi-spec/swagger.json of the sources of Kubernetes. Without a MANIFEST, standard
input is one, as in "kubectl kustomize packaging/kubernetes/pools/l40s | tools/check_kubernetes.py swagger.json". Fields that
there are not, values of another type, and what is missing are said, with their place; kinds that the API does not have by
itself are errors, too. Needs python3-yaml.
"""

import json
import sys

import yaml

TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float)}


class Checker:
    def __init__(self, definitions):
        self.definitions = definitions
        self.kinds = {}
        self.faults = []
        for name, definition in definitions.items():
            for kind in definition.get("x-kubernetes-group-version-kind", []):
                version = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
                self.kinds.setdefault((version, kind["kind"]), name)

    def fault(self, place, what):
        self.faults.append(f"{place}: {what}")

    def check_object(self, schema, value, place):
        fields, others = schema.get("properties"), schema.get("additionalProperties")
        for name in schema.get("required", []):
            if name not in value:
                self.fault(place, f"{name} is missing")
        for name, part in value.items():
            if fields and name in fields:
                self.check(fields[name], part, f"{place}.{name}")
            elif isinstance(others, dict):
                self.check(others, part, f"{place}.{name}")
            elif fields:
                self.fault(place, f"there is no {name}")

    def check(self, schema, value, place):
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[1]]
        if schema.get("format") == "int-or-string":
            if type(value) not in (int, str):
                self.fault(place, "it is neither a number nor a string")
            return
        kind = schema.get("type", "object" if "properties" in schema else None)
        # Quantities, as of memory, may be numbers where the description says string.
        is_quantity = kind == "string" and type(value) in (int, float) and "resources" in place
        if kind and not is_quantity and (not isinstance(value, TYPES[kind]) or (kind != "boolean" and value is True)):
            self.fault(place, f"{value!r} is not of the type {kind}")
        elif "enum" in schema and value not in schema["enum"]:
            self.fault(place, f"{value!r} is none of {', '.join(schema['enum'])}")
        elif isinstance(value, dict):
            self.check_object(schema, value, place)
        elif isinstance(value, list):
            for i, part in enumerate(value):
                self.check(schema["items"], part, f"{place}[{i}]")

    def check_document(self, document, where):
        key = (document.get("apiVersion"), document.get("kind"))
        if key not in self.kinds:
            self.fault(where, f"there is no kind {key[1]} of {key[0]}")
            return
        name = document.get("metadata", {}).get("name")
        self.check(self.definitions[self.kinds[key]], document, f"{where}: {key[1]} {name}")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__.strip())
    with open(sys.argv[1], encoding="utf-8") as file:
        checker = Checker(json.load(file)["definitions"])
    count = 0
    for path in sys.argv[2:] or ["/dev/stdin"]:
        with open(path, encoding="utf-8") as file:
            for document in yaml.safe_load_all(file):
                checker.check_document(document, path)
                count += 1
    for fault in checker.faults:
        print(fault, file=sys.stderr)
    print(f"{count} objects, {len(checker.faults)} faults")
    sys.exit(1 if checker.faults or count == 0 else 0)


if __name__ == "__main__":
    main()
