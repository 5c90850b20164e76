"""The catalogue of metrics: data in YAML beside this file, read and checked once."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from typing import Any

import yaml

from tongpan.analytics.engine.spec import (
    Catalogue,
    Condition,
    Dimension,
    Fact,
    Lookup,
    Measure,
    Metric,
    Option,
    Setting,
    Target,
    Text,
    problems_of,
)
from tongpan.analytics.lake.tables import TABLES

Node = Mapping[str, Any]


@functools.cache
def catalogue() -> Catalogue:
    """Every fact, dimension, setting and metric. Raises ValueError when the data is not sound."""
    facts = {name: _fact(name, node) for name, node in _read("facts.yaml").items()}
    settings = {key: _setting(key, node) for key, node in _read("settings.yaml").items()}
    loaded = Catalogue(
        facts=facts,
        dimensions={key: _dimension(key, node) for key, node in _read("dimensions.yaml").items()},
        settings=settings,
        metrics={key: _metric(key, node, facts, settings) for key, node in _read("metrics.yaml")["metrics"].items()},
    )
    problems = problems_of(loaded)
    if problems:
        raise ValueError("The metric catalogue is not sound: " + " ".join(problems))
    return loaded


def _read(name: str) -> Node:
    node: Node = yaml.safe_load(files("tongpan.analytics.catalogue").joinpath(name).read_text("utf-8"))
    return node


def _only(where: str, node: Node, *known: str) -> None:
    unknown = sorted(set(node) - set(known))
    if unknown:
        raise ValueError(f"{where} has the unknown key {unknown[0]}; known are {', '.join(known)}.")


def _text(node: Node) -> Text:
    _only("A text", node, "zh", "en")
    return Text(node["zh"], node["en"])


def _fact(name: str, node: Node) -> Fact:
    _only(f"Fact {name}", node, "table", "key", "document", "derivation", "per", "rank", "without", "through")
    columns = set(TABLES[node["table"]].columns) - set(node.get("without", ()))
    if "through" in node:
        columns |= set(TABLES[node["through"]].columns)
    return Fact(
        name=name,
        table=node["table"],
        key=node["key"],
        document=node["document"],
        columns=frozenset(columns),
        derivation=node.get("derivation", ""),
        per=node.get("per", ""),
        rank=node.get("rank", ""),
        through=node.get("through", ""),
    )


def _dimension(key: str, node: Node) -> Dimension:
    _only(f"Dimension {key}", node, "name", "column", "grain", "lookup", "late", "buyer_type")
    lookup = None
    if "lookup" in node:
        _only(f"The lookup of {key}", node["lookup"], "table", "key", "value", "names", "where")
        lookup = Lookup(
            table=node["lookup"]["table"],
            key=node["lookup"]["key"],
            value=node["lookup"]["value"],
            names=tuple(node["lookup"]["names"]),
            where=tuple(node["lookup"].get("where", {}).items()),
        )
    return Dimension(
        key=key,
        name=_text(node["name"]),
        column=node["column"],
        grain=node.get("grain"),
        lookup=lookup,
        is_late=node.get("late", False),
        is_buyer_type=node.get("buyer_type", False),
    )


def _condition(node: Node) -> Condition:
    _only("A condition", node, "column", "equals", "at_least", "set")
    return Condition(node["column"], node.get("equals"), node.get("at_least"), node.get("set", False))


def _setting(key: str, node: Node) -> Setting:
    _only(f"Setting {key}", node, "name", "default", "options", "days", "rule")
    options = []
    for value, option in node["options"].items():
        _only(f"Option {value} of {key}", option, "text", "where", "facts")
        options.append(
            Option(
                value=value,
                text=_text(option["text"]),
                where=tuple(_condition(condition) for condition in option.get("where", ())),
                facts=tuple(option.get("facts", ())),
            )
        )
    setting = Setting(
        key, _text(node["name"]), node["default"], tuple(options), node.get("days", False), tuple(node.get("rule", ()))
    )
    if setting.option(setting.default) is None:
        raise ValueError(f"Setting {key} has the default {setting.default}, which is not an option.")
    return setting


def _measure(node: Node, facts: Mapping[str, Fact]) -> Measure:
    _only("A measure", node, "fact", "sum", "count", "distinct", "where", "negated")
    (aggregate,) = {"sum", "count", "distinct"} & set(node)
    return Measure(
        fact=facts[node["fact"]],
        aggregate=aggregate,  # type: ignore[arg-type]
        column="" if aggregate == "count" else node[aggregate],
        where=tuple(_condition(condition) for condition in node.get("where", ())),
        is_negated=node.get("negated", False),
    )


def _target(node: Node) -> Target:
    _only("A target", node, "text", "source", "kind", "period", "commitment", "stretch", "on_channels")
    return Target(
        text=_text(node["text"]),
        source=node["source"],
        kind=node.get("kind", ""),
        period=node.get("period", "month"),
        commitment=Decimal(str(node.get("commitment", 0))),
        stretch=Decimal(str(node["stretch"])) if "stretch" in node else None,
        on_channels=node.get("on_channels", False),
    )


_METRIC_KEYS = (
    "name",
    "formula",
    "base",
    "unit",
    "direction",
    "additive",
    "value",
    "numerator",
    "denominator",
    "share_of",
    "dimensions",
    "settings",
    "targets",
    "kpis",
    "freshness",
    "scale",
    "least",
)


def _metric(key: str, node: Node, facts: Mapping[str, Fact], settings: Mapping[str, Setting]) -> Metric:
    _only(f"Metric {key}", node, *_METRIC_KEYS)
    if ("value" in node) == ("numerator" in node and "denominator" in node):
        raise ValueError(f"Metric {key} needs either a value, or a numerator and a denominator.")
    return Metric(
        key=key,
        name=_text(node["name"]),
        formula=_text(node["formula"]),
        unit=node["unit"],
        direction=node["direction"],
        is_additive=node["additive"],
        numerator=tuple(_measure(measure, facts) for measure in node.get("value") or node["numerator"]),
        denominator=tuple(_measure(measure, facts) for measure in node.get("denominator", ())),
        dimensions=tuple(node["dimensions"]),
        settings=tuple(settings[name] for name in node.get("settings", ())),
        targets=tuple(map(_target, node.get("targets", ()))),
        kpis=tuple(node.get("kpis", ())),
        freshness=_text(node["freshness"]),
        base=_text(node["base"]) if "base" in node else None,
        share_of=node.get("share_of", ""),
        scale=tuple(node.get("scale", (1, 1))),
        least=node.get("least"),
    )
