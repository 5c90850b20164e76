"""Reading a routing policy from a plain document (JSON or YAML), and saying what is wrong with it and where. Pure.

The words are those of docs/how-to/change-the-routing.md. A document is read whole: every problem is told at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from tongpan.core.errors import Refusal
from tongpan.fulfillment.routing.policy import (
    METHODS,
    PICKUP_NODE,
    RANKS,
    SORTS,
    After,
    Batch,
    Condition,
    NodeFilter,
    Policy,
    Rule,
    Split,
    Transfer,
)
from tongpan.fulfillment.routing.ways import INSTANT_QUEUE, instant_rules, ways_of
from tongpan.network.engine import DEALER_SERVICES

MAX_RULES = 50
LONGEST_TEXT = 64_000
FACILITIES = ("experience", "pickup", "return", "appointment", "installation", "repair")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_OURS = frozenset(
    {"named-node", "no-stock", "no-node", "no-rule", "all-rejected", "batch", "promised-to-others", "quota"}
)
"""Names of decisions that no rule of a policy made."""


class Problem(NamedTuple):
    """where: the path to the word that is wrong ("rules[2].nodes.within_km"). sentence: what to do."""

    where: str
    sentence: str


class BadPolicy(Refusal):
    """The document is no policy; ``problems`` has every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = f"{problems[0].where}: {problems[0].sentence}" if problems[0].where else problems[0].sentence
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__("policy.document", first + more)
        self.problems = list(problems)


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a document that repeats itself could grow without bound when it is shown."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not taken", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


def load_text(text: str) -> Any:
    """The document in ``text``, YAML or JSON. Raises BadPolicy when it is neither, or too long."""
    if len(text) > LONGEST_TEXT:
        raise BadPolicy([Problem("", f"A policy has at most {LONGEST_TEXT} characters.")])
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or "it cannot be read"
        raise BadPolicy([Problem(place, f"This is neither YAML nor JSON: {what}.")]) from error
    except (ValueError, RecursionError) as error:
        raise BadPolicy([Problem("", "This is neither YAML nor JSON: it cannot be read.")]) from error


def as_text(document: Mapping[str, Any]) -> str:
    """``document`` as YAML, as people edit it, its words in the order in which they are read."""
    return yaml.safe_dump(_in_order(document), allow_unicode=True, sort_keys=False, width=110)


_ORDER = ("batch", "instant", "rules", "after", "name", "when", "nodes", "rank", "split", "transfer", "else")


def _in_order(value: Any) -> Any:
    if isinstance(value, Mapping):
        words = sorted(value, key=lambda word: _ORDER.index(word) if word in _ORDER else len(_ORDER))
        return {word: _in_order(value[word]) for word in words}
    return [_in_order(one) for one in value] if isinstance(value, list) else value


def read_policy(document: Any, code: str, version: int) -> Policy:
    """The policy that ``document`` describes. Raises BadPolicy with every problem."""
    reader = _Reader()
    policy = reader.policy(document, code, version)
    if reader.problems:
        raise BadPolicy(reader.problems)
    return policy


class _Reader:
    """Reads one document and collects what is wrong with it; a value that is wrong is read as its default."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, where: str, sentence: str) -> None:
        self.problems.append(Problem(where, sentence))

    def policy(self, document: Any, code: str, version: int) -> Policy:
        words = self.mapping(document, "", ("batch", "instant", "rules", "after"))
        raw = words.get("rules")
        rules: list[Rule] = []
        if not isinstance(raw, list) or not raw:
            self.wrong("rules", "List at least one rule.")
        elif len(raw) > MAX_RULES:
            self.wrong("rules", f"A policy has at most {MAX_RULES} rules.")
        else:
            rules = [self.rule(one, f"rules[{number}]") for number, one in enumerate(raw, 1)]
        seen: set[str] = set()
        for number, rule in enumerate(rules, 1):
            if rule.name and rule.name in seen:
                self.wrong(f"rules[{number}].name", "Two rules have this name; give each its own.")
            seen.add(rule.name)
        ways = ways_of(rules, self.instant(words.get("instant")))
        return Policy(code, version, rules, self.batch(words.get("batch")), self.after(words.get("after")), ways)

    def instant(self, raw: Any) -> list[Rule]:
        if raw is None:
            return []
        words = self.mapping(raw, "instant", ("nodes", "rank", "queue"))
        nodes = self.nodes(words.get("nodes"), "instant.nodes")
        if nodes.only:
            self.wrong("instant.nodes.only", "Instant delivery searches near the address; leave this word out.")
        rank = self.rank(words.get("rank", ["distance"]), "instant.rank")
        return instant_rules(nodes, rank, self.otherwise({"queue": words.get("queue", INSTANT_QUEUE)}, "instant"))

    def batch(self, raw: Any) -> Batch:
        words = self.mapping(raw, "batch", ("include", "exclude", "priority", "sort"))
        sort = self.choices(words.get("sort", ["placed_at", "id"]), "batch.sort", SORTS)
        priority = words.get("priority", [])
        if not isinstance(priority, list):
            self.wrong("batch.priority", "List conditions, the most urgent first.")
            priority = []
        exclude = words.get("exclude")
        return Batch(
            self.condition(words.get("include"), "batch.include"),
            self.condition(exclude, "batch.exclude") if exclude else None,
            [self.condition(one, f"batch.priority[{number}]") for number, one in enumerate(priority, 1)],
            # The last key makes two runs agree, whether or not the document names it.
            (*(key for key in sort if key != "id"), "id"),
        )

    def rule(self, raw: Any, at: str) -> Rule:
        words = self.mapping(raw, at, ("name", "when", "nodes", "rank", "split", "transfer", "else"))
        name = words.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.wrong(f"{at}.name", "Give the rule a name of 1 to 40 small letters, digits and hyphens.")
            name = ""
        elif name in _OURS:
            self.wrong(f"{at}.name", "Decisions that no rule made have this name; choose another one.")
        split = self.split(words.get("split"), f"{at}.split")
        transfer = self.transfer(words.get("transfer"), f"{at}.transfer")
        rank = self.rank(words.get("rank", ["distance"]), f"{at}.rank")
        if split and transfer:
            self.wrong(f"{at}.transfer", "A rule either splits the order or gathers its goods first; make two rules.")
        if split and rank and "parcels" in [key for key, _ in rank[1:]]:
            self.wrong(f"{at}.rank", "The fewest parcels always come first where a rule splits: name parcels first.")
        return Rule(
            name,
            self.condition(words.get("when"), f"{at}.when"),
            self.nodes(words.get("nodes"), f"{at}.nodes"),
            rank,
            split,
            transfer,
            self.otherwise(words.get("else", "next"), f"{at}.else"),
        )

    def condition(self, raw: Any, at: str) -> Condition:
        words = self.mapping(
            raw, at, ("method", "channel", "shop", "tag", "place", "category", "min_value", "max_value")
        )
        channels, shops, tags, places, categories = (
            self.texts(words.get(key, []), f"{at}.{key}") for key in ("channel", "shop", "tag", "place", "category")
        )
        return Condition(
            self.choices(words.get("method", []), f"{at}.method", METHODS),
            channels,
            shops,
            tags,
            places,
            categories,
            self.number(words.get("min_value"), f"{at}.min_value", 0, 10**12, "an amount in minor units"),
            self.number(words.get("max_value"), f"{at}.max_value", 0, 10**12, "an amount in minor units"),
        )

    def nodes(self, raw: Any, at: str) -> NodeFilter:
        known = (
            "groups", "only", "within_km", "floor", "floors", "territory", "order_limit", "open", "facilities",
            "min_stock_age_days", "service",
        )  # fmt: skip
        words = self.mapping(raw, at, known)
        only = words.get("only", "")
        if only not in ("", PICKUP_NODE):
            self.wrong(f"{at}.only", f"The only node that can be named is {PICKUP_NODE}.")
            only = ""
        is_open = self.choice(words.get("open", "any"), f"{at}.open", ("any", "now"))
        keeps = {
            key: self.choice(words.get(key, "respect"), f"{at}.{key}", ("respect", "ignore")) == "respect"
            for key in ("floors", "territory", "order_limit")
        }
        return NodeFilter(
            self.texts(words.get("groups", []), f"{at}.groups"),
            only,
            self.number(words.get("within_km"), f"{at}.within_km", 1, 20_100, "kilometres"),
            self.number(words.get("floor", 0), f"{at}.floor", 0, 1_000_000, "units") or 0,
            keeps["floors"],
            keeps["territory"],
            keeps["order_limit"],
            "now" if is_open == "now" else "any",
            self.choices(words.get("facilities", []), f"{at}.facilities", FACILITIES),
            self.number(words.get("min_stock_age_days"), f"{at}.min_stock_age_days", 0, 36_500, "days"),
            self.choice(words["service"], f"{at}.service", DEALER_SERVICES) if words.get("service") else "",
        )

    def rank(self, raw: Any, at: str) -> list[tuple[str, bool]]:
        """(key, turned round): ``key`` alone ranks the better way round, "key asc" and "key desc" say it."""
        if not isinstance(raw, list) or not raw:
            self.wrong(at, f"List what nodes are compared by, the weightiest first: {', '.join(RANKS)}.")
            return []
        ranks: list[tuple[str, bool]] = []
        for one in raw:
            key, _, direction = one.partition(" ") if isinstance(one, str) else ("", "", "")
            if key not in RANKS or direction not in ("", "asc", "desc"):
                self.wrong(
                    at, f"{_shown(one)} is no rank; take one of {', '.join(RANKS)}, each with asc or desc if need be."
                )
            elif key in [known for known, _ in ranks]:
                self.wrong(at, f"{key} is named twice.")
            else:
                ranks.append((key, bool(direction) and (direction == "desc") != (key in DESCENDING)))
        return ranks

    def split(self, raw: Any, at: str) -> Split | None:
        if raw in (None, "never"):
            return None
        if raw == "any":
            return Split()
        words = self.mapping(raw, at, ("max_parcels", "min_order_value", "keep_kits_together"))
        keeps = words.get("keep_kits_together", False)
        if not isinstance(keeps, bool):
            self.wrong(f"{at}.keep_kits_together", "Say true or false.")
        return Split(
            self.number(words.get("max_parcels"), f"{at}.max_parcels", 2, 50, "parcels"),
            self.number(words.get("min_order_value", 0), f"{at}.min_order_value", 0, 10**12, "minor units") or 0,
            keeps is True,
        )

    def transfer(self, raw: Any, at: str) -> Transfer | None:
        if raw is None:
            return None
        days = self.number(self.mapping(raw, at, ("max_wait_days",)).get("max_wait_days"), at, 1, 60, "days")
        if days is None:
            self.wrong(f"{at}.max_wait_days", "Say how many days an order waits for the goods, 1 to 60.")
        return Transfer(days or 1)

    def otherwise(self, raw: Any, at: str) -> str:
        if raw in ("next", None):
            return ""
        name = self.mapping(raw, at, ("queue",)).get("queue")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self.wrong(at, "Say next, or a queue with a name of 1 to 40 small letters, digits and hyphens.")
            return ""
        return name

    def after(self, raw: Any) -> After:
        words = self.mapping(raw, "after", ("queue", "backorder", "auto_cancel_days"))
        queue = words.get("queue", "")
        if queue and (not isinstance(queue, str) or not _NAME.fullmatch(queue)):
            self.wrong("after.queue", "Give the queue a name of 1 to 40 small letters, digits and hyphens.")
            queue = ""
        backorder = words.get("backorder", False)
        if not isinstance(backorder, bool):
            self.wrong("after.backorder", "Say true or false.")
        days = self.number(words.get("auto_cancel_days"), "after.auto_cancel_days", 1, 365, "days")
        return After(queue, backorder is True, days)

    def mapping(self, raw: Any, at: str, known: Collection[str]) -> Mapping[str, Any]:
        """The words below ``at``; one that is not ``known`` is a problem at its place."""
        if raw is None:
            return {}
        if not isinstance(raw, Mapping):
            self.wrong(at, f"Write this as words with values; known are {', '.join(known)}.")
            return {}
        for word in raw:
            if word not in known:
                self.wrong(f"{at}.{word}".lstrip("."), f"There is no such word here; known are {', '.join(known)}.")
        return raw

    def texts(self, raw: Any, at: str) -> tuple[str, ...]:
        values = raw if isinstance(raw, list) else [raw]
        if any(
            not isinstance(one, str) or not one.strip() or not one.isprintable() or len(one) > 120 for one in values
        ):
            self.wrong(at, "Give one text or a list of texts of 1 to 120 characters.")
            return ()
        return tuple(dict.fromkeys(one.strip() for one in values))

    def choices(self, raw: Any, at: str, known: Sequence[str]) -> tuple[str, ...]:
        values = self.texts(raw, at)
        for one in values:
            if one not in known:
                self.wrong(at, f"{_shown(one)} is not one of {', '.join(known)}.")
        return tuple(one for one in values if one in known)

    def choice(self, raw: Any, at: str, known: Sequence[str]) -> str:
        if raw not in known:
            self.wrong(at, f"{_shown(raw)} is not one of {', '.join(known)}.")
            return known[0]
        return str(raw)

    def number(self, raw: Any, at: str, least: int, most: int, what: str) -> int | None:
        if raw is None:
            return None
        if not isinstance(raw, int) or isinstance(raw, bool) or not least <= raw <= most:
            self.wrong(at, f"{_shown(raw)} is not a whole number of {what} from {least} to {most}.")
            return None
        return raw


def _shown(raw: Any) -> str:
    """``raw`` as a sentence can quote it."""
    if isinstance(raw, (str, int, float)):
        return repr(raw) if len(str(raw)) <= 40 else repr(str(raw)[:40]) + "…"
    return "This"


DESCENDING = frozenset({"covers_all", "capacity_left", "stock_age", "store_minimum"})
"""The ranks of which more is better."""
