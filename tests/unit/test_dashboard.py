#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""packaging/grafana/venus-plus.json asks for metrics and labels that server/control/metrics.c writes, and for all of them, in
ways that suit them."""

import json
import os
import re
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREFIX = "venus_plus_"
# What Prometheus adds to all that it collects.
COLLECTED = {"job", "instance"}


def read(path):
    with open(f"{SOURCE}/{path}", encoding="utf-8") as file:
        return file.read()


def read_metrics():
    """{name: (type, labels)}; a histogram is three names."""
    text = read("server/control/metrics.c")
    metrics = {}
    for name, kind in re.findall(r'_metric\(answer, "(\w+)", "(\w+)"', text):
        if kind == "histogram":
            for end in ("_bucket", "_sum", "_count"):
                metrics[f"{PREFIX}{name}{end}"] = ("counter", set())
        else:
            metrics[f"{PREFIX}{name}"] = (kind, set())
    for name, labels in re.findall(r'PREFIX "(\w+)\{((?:[^}"\\]|\\.)*)\}', text):
        metrics[PREFIX + name][1].update(re.findall(r"(\w+)=", labels))
    return metrics


class Dashboard(unittest.TestCase):
    def setUp(self):
        self.metrics = read_metrics()
        self.dashboard = json.loads(read("packaging/grafana/venus-plus.json"))
        self.queries = [
            (panel["title"], target["expr"]) for panel in self.dashboard["panels"] for target in panel["targets"]
        ]

    def test_what_there_is(self):
        self.assertGreaterEqual(len(self.metrics), 15)
        self.assertEqual(self.metrics["venus_plus_vram_bytes"], ("gauge", {"gpu", "session"}))
        self.assertEqual(self.metrics["venus_plus_submit_seconds_bucket"], ("counter", {"le"}))
        self.assertGreater(len(self.queries), 10)

    def test_names(self):
        asked = set()
        for title, query in self.queries:
            names = set(re.findall(rf"{PREFIX}\w+", query))
            self.assertTrue(names, title)
            self.assertLessEqual(names, set(self.metrics), title)
            asked |= names
        self.assertEqual(asked, set(self.metrics), "metrics that no panel shows")
        for variable in self.dashboard["templating"]["list"]:
            for name in re.findall(rf"{PREFIX}\w+", json.dumps(variable)):
                self.assertIn(name, self.metrics, variable["name"])

    def test_counters(self):
        """A counter says something by how it grows, a gauge does not."""
        for title, query in self.queries:
            for before, name in re.findall(rf"(\w*)\(?({PREFIX}\w+)", query):
                grows = before in ("rate", "increase")
                self.assertEqual(grows, self.metrics[name][0] == "counter", f"{title}: {name}")

    def test_labels(self):
        for panel in self.dashboard["panels"]:
            for target in panel["targets"]:
                query, legend = target["expr"], target["legendFormat"]
                names = re.findall(rf"{PREFIX}\w+", query)
                labels = COLLECTED.union(*(self.metrics[name][1] for name in names))
                groups = re.findall(r"by \(([^)]*)\)", query)
                grouped = {label for group in groups for label in re.split(r",\s*", group)}
                self.assertLessEqual(grouped, labels, panel["title"])
                self.assertLessEqual(set(re.findall(r"{{(\w+)}}", legend)), grouped or labels, panel["title"])
                self.assertLessEqual(set(re.findall(r"(\w+)=~", query)), COLLECTED, panel["title"])

    def test_places(self):
        """Panels have numbers of their own and do not cover each other."""
        taken = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            cells = {
                (place["x"] + i, place["y"] + k) for i in range(place["w"]) for k in range(place["h"])
            }
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
        numbers = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))


if __name__ == "__main__":
    unittest.main()
