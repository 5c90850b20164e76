"""Reading a rulebook from a JSON document, and saying all that is wrong with it and where. Pure.

docs/reference/rulebook.md describes the words. ``writing.write_rulebook`` is the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from tongpan.promotions.engine.benefits import read_benefit
from tongpan.promotions.engine.coherence import check_rule, check_rules
from tongpan.promotions.engine.reading import BadRulebook, Reader, shown
from tongpan.promotions.engine.rules import (
    DEFAULT_LANES,
    EVERYTHING,
    KINDS,
    PAYERS,
    Base,
    Chooser,
    Clash,
    Conditions,
    Kind,
    Lane,
    Limits,
    Rule,
    Rulebook,
    Scope,
    Settings,
    UnitPrice,
    default_lane,
)
from tongpan.promotions.engine.windows import read_window, read_zone

MAX_RULES = 5_000
RULE_WORDS = (
    "code", "name_zh", "name_en", "kind", "lane", "group", "priority", "scope", "conditions", "benefit", "window",
    "limits", "payers", "needs_coupon", "campaign",
)  # fmt: skip
_LISTED = (
    "channels", "shops", "nodes", "regions", "not_regions", "sources", "payments", "tiers", "segments", "not_segments",
)  # fmt: skip
CONDITION_WORDS = (*_LISTED, "member", "new_customer", "min_minor", "min_qty", "undiscounted")
LIMIT_WORDS = (
    "uses", "uses_per_day", "uses_per_customer", "units", "units_per_customer", "units_per_order", "money_minor",
    "partial",
)  # fmt: skip


def read_rulebook(document: Any, version: str) -> Rulebook:
    """The rulebook that ``document`` describes. Raises BadRulebook (a Refusal) with every fault."""
    reader = Reader()
    book = _rulebook(reader, document, version)
    if reader.faults:
        raise BadRulebook(reader.faults)
    return book


def _rulebook(reader: Reader, document: Any, version: str) -> Rulebook:
    words = reader.words(
        document, "", ("zone", "currency", "clash", "lanes", "groups", "stack", "rules"), needed=("rules",)
    )
    zone_name = read_zone(reader, words.get("zone"), "zone", Settings().zone)
    currency = words.get("currency", "CNY")
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isupper():
        reader.wrong("currency", f"{shown(currency)} is no currency; give three capital letters such as CNY.")
        currency = "CNY"
    clash = reader.choice(words.get("clash"), "clash", ("lane", "buyer"), "lane")
    lanes = _lanes(reader, words.get("lanes"))
    raw = reader.entries(words.get("rules"), "rules", "rules", most=MAX_RULES)
    rules = [_rule(reader, one, f"rules[{number}]", lanes, zone_name) for number, one in enumerate(raw)]
    used = list(dict.fromkeys(rule.group for rule in rules))
    groups = _groups(reader, words.get("groups"), used, rules)
    stack = _stack(reader, words.get("stack"), groups)
    check_rules(reader, rules)
    return Rulebook(version, tuple(rules), lanes, groups, stack, Settings(zone_name, currency, cast(Clash, clash)))


def _lanes(reader: Reader, raw: Any) -> tuple[Lane, ...]:
    if raw is None:
        return DEFAULT_LANES
    lanes: list[Lane] = []
    for number, one in enumerate(reader.entries(raw, "lanes", "lanes", least=1, most=20)):
        at = f"lanes[{number}]"
        words = reader.words(one, at, ("code", "chooser", "base"), needed=("code", "chooser"))
        chooser = reader.choice(words.get("chooser"), f"{at}.chooser", ("best", "first", "all"), "best")
        base = reader.choice(words.get("base"), f"{at}.base", ("running", "initial"), "running")
        code = reader.code(words.get("code"), f"{at}.code") if words.get("code") is not None else ""
        if code in [lane.code for lane in lanes if code]:
            reader.wrong(f"{at}.code", f"Two lanes have the code {code}; give each its own.")
        lanes.append(Lane(code, cast(Chooser, chooser), cast(Base, base)))
    return tuple(lanes)


def _groups(reader: Reader, raw: Any, used: list[str], rules: list[Rule]) -> tuple[str, ...]:
    if raw is None:
        return tuple(sorted({group for group in used if group}))
    groups: list[str] = []
    for number, one in enumerate(reader.entries(raw, "groups", "codes of groups", most=60)):
        code = reader.code(one, f"groups[{number}]")
        if code in groups:
            reader.wrong(f"groups[{number}]", f"The group {code} is listed twice.")
        elif code:
            groups.append(code)
    for number, rule in enumerate(rules):
        if rule.group and rule.group not in groups:
            reader.wrong(f"rules[{number}].group", f"There is no group {rule.group}; known are {', '.join(groups)}.")
    return tuple(groups)


def _stack(reader: Reader, raw: Any, groups: tuple[str, ...]) -> frozenset[frozenset[str]]:
    pairs = set()
    for number, one in enumerate(reader.entries(raw, "stack", "pairs of groups", most=2_000)):
        at = f"stack[{number}]"
        if not isinstance(one, list) or len(one) != 2 or not all(isinstance(code, str) for code in one):
            reader.wrong(at, "Give a pair of groups: the two whose rules may meet on a line.")
            continue
        for code in dict.fromkeys(one):
            if code not in groups:
                reader.wrong(at, f"There is no group {code}; known are {', '.join(groups) or 'none'}.")
        pair = frozenset(one)
        if pair in pairs:
            reader.wrong(at, f"The pair {one[0]} and {one[1]} is listed twice.")
        pairs.add(pair)
    return frozenset(pairs)


def _rule(reader: Reader, raw: Any, at: str, lanes: tuple[Lane, ...], zone_name: str) -> Rule:
    words = reader.words(raw, at, RULE_WORDS, needed=("code", "kind", "benefit"))
    code = reader.code(words.get("code"), f"{at}.code") if words.get("code") is not None else ""
    kind = cast(Kind, reader.choice(words.get("kind"), f"{at}.kind", KINDS, "percent"))
    is_kind_known = words.get("kind") in KINDS
    benefit = read_benefit(reader, kind if is_kind_known else None, words.get("benefit"), f"{at}.benefit", read_scope)
    scope = _scope_of_rule(reader, words, at, kind, benefit)
    needs_coupon = reader.yes(words.get("needs_coupon"), f"{at}.needs_coupon")
    lane = words.get("lane")
    if lane is None:
        lane = default_lane(kind, is_opened=needs_coupon or kind == "trade_in")
        where = f"{at}.kind"
    else:
        where = f"{at}.lane"
    if lane not in [known.code for known in lanes]:
        reader.wrong(where, f"There is no lane {lane}; known are {', '.join(known.code for known in lanes)}.")
        lane = lanes[0].code if lanes else ""
    priority = words.get("priority", 0)
    if not isinstance(priority, int) or isinstance(priority, bool) or abs(priority) > 1_000_000:
        reader.wrong(f"{at}.priority", "Give a whole number; a higher one comes first.")
        priority = 0
    rule = Rule(
        code,
        reader.text(words.get("name_zh"), f"{at}.name_zh"),
        reader.text(words.get("name_en"), f"{at}.name_en"),
        kind,
        str(lane),
        reader.code(words["group"], f"{at}.group") if words.get("group") is not None else str(lane),
        priority,
        scope,
        _conditions(reader, words.get("conditions"), f"{at}.conditions"),
        benefit,
        read_window(reader, words.get("window"), f"{at}.window", zone_name),
        _limits(reader, words.get("limits"), f"{at}.limits"),
        _payers(reader, words.get("payers"), f"{at}.payers"),
        needs_coupon,
        reader.code(words["campaign"], f"{at}.campaign") if words.get("campaign") else "",
    )
    if is_kind_known:
        check_rule(reader, rule, at)
    return rule


def _scope_of_rule(reader: Reader, words: Mapping[str, Any], at: str, kind: str, benefit: Any) -> Scope:
    """The scope as written; what the benefit names by itself where none is: SKUs with a price, parts of a set."""
    if words.get("scope") is not None:
        if kind == "bundle":
            reader.wrong(f"{at}.scope", "A bundle names its goods in benefit.parts; leave the scope out.")
        return read_scope(reader, words["scope"], f"{at}.scope")
    if kind == "bundle":
        return _union([part.scope for part in benefit.parts])
    if isinstance(benefit, UnitPrice) and benefit.prices and benefit.price_minor is None:
        return Scope(skus=frozenset(benefit.prices))
    if kind in ("free_shipping", "gift", "sample"):
        return EVERYTHING
    reader.wrong(f"{at}.scope", 'The scope is missing: name goods, or say {"all": true}.')
    return EVERYTHING


def _union(scopes: list[Scope]) -> Scope:
    """A scope that holds every line that one of ``scopes`` does; what they leave out is looked at part by part."""
    if any(scope.is_all for scope in scopes):
        return EVERYTHING
    none: frozenset[str] = frozenset()
    return Scope(
        False,
        none.union(*(scope.skus for scope in scopes)),
        none.union(*(scope.products for scope in scopes)),
        none.union(*(scope.categories for scope in scopes)),
        none.union(*(scope.tags for scope in scopes)),
    )


def read_scope(reader: Reader, raw: Any, at: str) -> Scope:
    """Which goods; a scope that can hold none is a fault."""
    sets = ("skus", "products", "categories", "tags")
    words = reader.words(raw, at, ("all", *sets, "except"))
    is_all = reader.yes(words.get("all"), f"{at}.all")
    named = [reader.names(words.get(word), f"{at}.{word}") for word in sets]
    if is_all and any(named):
        reader.wrong(f"{at}.all", "Either all goods or those named; leave one of them out.")
    if not is_all and not any(words.get(word) is not None for word in sets):
        reader.wrong(at, 'The scope is empty: name goods, or say {"all": true}.')
    but = None
    if words.get("except") is not None:
        inner = reader.words(words["except"], f"{at}.except", sets)
        found = [reader.names(inner.get(word), f"{at}.except.{word}") for word in sets]
        if any(found):
            but = Scope(False, found[0], found[1], found[2], found[3])
        else:
            reader.wrong(f"{at}.except", "This leaves nothing out: name goods, or leave the word out.")
        if not is_all and any(named) and all(mine <= other for mine, other in zip(named, found, strict=True)):
            reader.wrong(at, "The scope is empty: everything that it names is left out again.")
    return Scope(is_all, named[0], named[1], named[2], named[3], but)


def _conditions(reader: Reader, raw: Any, at: str) -> Conditions:
    words = reader.words(raw, at, CONDITION_WORDS)
    listed = {word: reader.names(words.get(word), f"{at}.{word}") for word in _LISTED}
    for word in ("regions", "segments"):
        if both := listed[word] & listed[f"not_{word}"]:
            reader.wrong(f"{at}.not_{word}", f"{min(both)} is asked for and left out at once.")
    return Conditions(
        **listed,
        is_member=reader.maybe(words.get("member"), f"{at}.member"),
        is_new=reader.maybe(words.get("new_customer"), f"{at}.new_customer"),
        min_minor=reader.money(words.get("min_minor"), f"{at}.min_minor") or 0,
        min_qty=reader.units(words.get("min_qty"), f"{at}.min_qty", 0) or 0,
        undiscounted=reader.yes(words.get("undiscounted"), f"{at}.undiscounted"),
    )


def _limits(reader: Reader, raw: Any, at: str) -> Limits:
    words = reader.words(raw, at, LIMIT_WORDS)
    counts = {word: reader.units(words.get(word), f"{at}.{word}") for word in LIMIT_WORDS[:6]}
    money = reader.money(words.get("money_minor"), f"{at}.money_minor", 1)
    is_partial = reader.yes(words.get("partial"), f"{at}.partial")
    if is_partial and money is None:
        reader.wrong(f"{at}.partial", "This says what happens when money_minor runs out; give money_minor.")
    return Limits(**counts, money_minor=money, is_partial=is_partial)


def _payers(reader: Reader, raw: Any, at: str) -> tuple[tuple[str, int], ...]:
    if raw is None:
        return (("shop", 1),)
    words = reader.words(raw, at, PAYERS)
    found = [
        (payer, reader.number(words[payer], f"{at}.{payer}", 0, 10_000, "parts")) for payer in PAYERS if payer in words
    ]
    payers = tuple((payer, weight) for payer, weight in found if weight)
    if not payers and (found or not words):
        reader.wrong(at, 'Say who bears it, with weights: {"shop": 70, "platform": 30}.')
    return payers or (("shop", 1),)
