"""A rule of the rulebook as a form. It reads and writes the rule of the document; what it has no field for stays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tongpan.channels.queries import channels
from tongpan.console import promotion_benefits
from tongpan.console.choices import local_name
from tongpan.console.promotion_words import DAYS, LANES, PAYERS
from tongpan.core.clock import DEFAULT_ZONE, zone
from tongpan.core.money import to_decimal, to_minor
from tongpan.promotions.engine.reading import Fault

_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
_CLOCK = forms.TextInput(attrs={"placeholder": "20:00"})
_SETS = ("skus", "products", "categories", "tags")
_LISTED = ("shops", "nodes", "regions", "not_regions", "sources", "payments", "tiers", "segments", "not_segments")
_LIMITS = ("uses", "uses_per_day", "uses_per_customer", "units", "units_per_customer", "units_per_order")


def _names(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=20_000, help_text=hint)


def _count(label: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=10**9)


class RuleForm(forms.Form):
    """One rule. The fields of what it gives depend on its kind."""

    code = forms.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$", label=_("Code"), help_text=_("Every order names it."))
    name_zh = forms.CharField(label=_("Chinese name"), required=False, max_length=120)
    name_en = forms.CharField(label=_("English name"), required=False, max_length=120)
    campaign = forms.ChoiceField(label=_("Campaign"), required=False)
    needs_coupon = forms.BooleanField(label=_("Only a coupon opens it"), required=False)
    lane = forms.ChoiceField(label=_("Lane"), required=False)
    group = forms.CharField(
        label=_("Stack group"),
        required=False,
        max_length=60,
        help_text=_("Only groups that are declared as a pair meet on a line; empty: as its lane is called."),
    )
    priority = forms.IntegerField(
        label=_("Priority"),
        required=False,
        min_value=-1_000_000,
        max_value=1_000_000,
        help_text=_("Higher comes first."),
    )
    all = forms.BooleanField(label=_("All goods"), required=False)
    skus = _names(_("SKUs"), _("Codes, separated by commas."))
    products = _names(_("Products"))
    categories = _names(_("Categories"))
    tags = _names(_("Tags"), _("Roles of products in the channel, or core."))
    except_skus = _names(_("Except these SKUs"))
    except_categories = _names(_("Except these categories"))
    channels = forms.MultipleChoiceField(
        label=_("Only these channels"), required=False, widget=forms.CheckboxSelectMultiple
    )
    shops = _names(_("Only these shops"), _("Codes, separated by commas."))
    nodes = _names(_("Only in these stores"))
    regions = _names(_("Only to these provinces"))
    not_regions = _names(_("Not to these provinces"))
    sources = _names(_("Only for buyers who come by"), _("A live room, a community, an ad."))
    payments = _names(_("Only for payment by"))
    tiers = _names(_("Only for these tiers"))
    segments = _names(_("Only for these segments"))
    not_segments = _names(_("Not for these segments"))
    member = forms.ChoiceField(
        label=_("Members"),
        required=False,
        choices=[("", _("Everybody")), ("yes", _("Members only")), ("no", _("No members"))],
    )
    new_customer = forms.ChoiceField(
        label=_("First order"),
        required=False,
        choices=[("", _("Any order")), ("yes", _("First order only")), ("no", _("Not the first order"))],
    )
    min_amount = forms.DecimalField(
        label=_("Goods worth at least"), required=False, min_value=Decimal(0), max_digits=14, decimal_places=3
    )
    min_qty = _count(_("Units at least"))
    undiscounted = forms.BooleanField(label=_("Only goods without another discount"), required=False)
    starts_at = forms.DateTimeField(label=_("Starts"), required=False, widget=_MOMENT)
    ends_at = forms.DateTimeField(label=_("Ends, not included"), required=False, widget=_MOMENT)
    days = forms.MultipleChoiceField(
        label=_("Only on these weekdays"),
        required=False,
        choices=list(DAYS.items()),
        widget=forms.CheckboxSelectMultiple,
    )
    hours_from = forms.RegexField(r"^([01]\d|2[0-3]):[0-5]\d$", label=_("From hour"), required=False, widget=_CLOCK)
    hours_to = forms.RegexField(r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", label=_("To hour"), required=False, widget=_CLOCK)
    uses = _count(_("Orders at most"))
    uses_per_day = _count(_("Orders a day at most"))
    uses_per_customer = _count(_("Orders of one customer at most"))
    units = _count(_("Units at most"))
    units_per_customer = _count(_("Units of one customer at most"))
    units_per_order = _count(_("Units of one order at most"))
    budget = forms.DecimalField(
        label=_("Budget"), required=False, min_value=Decimal("0.01"), max_digits=14, decimal_places=3
    )
    partial = forms.BooleanField(label=_("The last order gets what is left of the budget"), required=False)

    def __init__(
        self,
        data: QueryDict | None,
        *,
        kind: str,
        currency: str,
        lanes: Sequence[str],
        campaigns: Sequence[tuple[str, str]],
        rule: Mapping[str, Any] | None,
    ) -> None:
        self.kind, self.currency, self.rule = kind, currency, dict(rule or {})
        super().__init__(data, initial=self._initial() if rule else {"all": True})
        self._choose("campaign", [("", "—"), *campaigns])
        self._choose("lane", [("", _("As its kind says")), *((lane, LANES.get(lane, lane)) for lane in lanes)])
        self._choose("channels", [(one.code, local_name(one)) for one in channels()])
        for name, field in promotion_benefits.fields_of(kind).items():
            self.fields[f"benefit_{name}"] = field
        shares = self.rule.get("payers") or {}
        for payer, label in PAYERS.items():
            self.fields[f"payer_{payer}"] = forms.IntegerField(
                label=label, required=False, min_value=0, max_value=10_000, initial=shares.get(payer)
            )
        if rule:
            self.fields["code"].disabled = True
        if kind == "bundle":
            for name in ("all", *_SETS, "except_skus", "except_categories"):
                del self.fields[name]

    def _choose(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = choices

    def parts(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields under their headings."""
        names = list(self.fields)
        benefit = [name for name in names if name.startswith("benefit_")]
        payers = [name for name in names if name.startswith("payer_")]
        scope = [name for name in ("all", *_SETS, "except_skus", "except_categories") if name in names]
        buyers = ["tiers", "segments", "not_segments", "member", "new_customer"]
        places = ["channels", "shops", "nodes", "regions", "not_regions", "sources", "payments"]
        plan = [
            (_("The rule"), ["code", "name_zh", "name_en", "campaign", "needs_coupon"]),
            (_("What it gives"), benefit),
            (_("For which goods"), scope),
            (_("When"), ["starts_at", "ends_at", "days", "hours_from", "hours_to"]),
            (_("Thresholds"), ["min_amount", "min_qty", "undiscounted"]),
            (_("Where"), places),
            (_("For whom"), buyers),
            (_("Limits and budget"), [*_LIMITS, "budget", "partial"]),
            (_("Who bears it, in parts"), payers),
            (_("How it stacks"), ["lane", "group", "priority"]),
        ]
        return [(title, [self[name] for name in fields]) for title, fields in plan if fields]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            self.document = self._document(given)
        return given

    def put_faults(self, faults: Sequence[Fault], at: int, say: Any) -> None:
        """Put each fault of the document beside its field; ``at`` is the place of this rule in it."""
        for where, sentence in faults:
            found = re.fullmatch(rf"rules\[{at}\]\.(.+)", where)
            words = re.split(r"[.\[\]]+", found[1]) if found else []
            field = next((name for word in reversed(words) if (name := self._field(word))), None)
            self.add_error(field, say(sentence) if found else f"{where}: {say(sentence)}")

    def _field(self, word: str) -> str:
        plain = {"min_minor": "min_amount", "money_minor": "budget", "weekly": "days", "scope": "skus"}.get(word, word)
        for name in (plain, f"benefit_{plain}", f"benefit_{plain.removesuffix('_minor')}", f"payer_{plain}"):
            if name in self.fields:
                return name
        return ""

    def _initial(self) -> dict[str, Any]:
        rule = self.rule
        conditions, window, limits = (rule.get(word) or {} for word in ("conditions", "window", "limits"))
        scope = rule.get("scope") or {}
        weekly = (window.get("weekly") or [{}])[0]
        found: dict[str, Any] = {
            name: rule.get(name) for name in ("code", "name_zh", "name_en", "campaign", "needs_coupon", "lane", "group")
        }
        found |= {"priority": rule.get("priority"), "all": scope.get("all", False)}
        found |= {name: _joined(scope.get(name)) for name in _SETS}
        found |= {f"except_{name}": _joined((scope.get("except") or {}).get(name)) for name in ("skus", "categories")}
        found |= {name: _joined(conditions.get(name)) for name in _LISTED}
        listed = conditions.get("channels") or []
        found["channels"] = [listed] if isinstance(listed, str) else listed
        answers = {True: "yes", False: "no", None: ""}
        found |= {name: answers[conditions.get(name)] for name in ("member", "new_customer")}
        found |= {"min_qty": conditions.get("min_qty"), "undiscounted": conditions.get("undiscounted", False)}
        where = zone(window.get("zone") or DEFAULT_ZONE)
        found["starts_at"] = _moment(window.get("starts_at"), where, days=0)
        # A day as an end is in: its first instant out is that of the day after.
        found["ends_at"] = _moment(window.get("ends_at"), where, days=1)
        found |= {"days": weekly.get("days", []), "hours_from": weekly.get("from"), "hours_to": weekly.get("to")}
        found |= {name: limits.get(name) for name in _LIMITS} | {"partial": limits.get("partial", False)}
        for name, raw in (("min_amount", conditions.get("min_minor")), ("budget", limits.get("money_minor"))):
            found[name] = to_decimal(raw, self.currency) if raw is not None else None
        benefit = promotion_benefits.initial_of(self.kind, rule.get("benefit") or {}, self.currency)
        return found | {f"benefit_{name}": value for name, value in benefit.items()}

    def _document(self, given: Mapping[str, Any]) -> dict[str, Any]:
        benefit = {name.removeprefix("benefit_"): value for name, value in given.items() if name.startswith("benefit_")}
        try:
            written = promotion_benefits.document_of(self.kind, benefit, self.currency)
        except forms.ValidationError as error:
            for name, problems in error.message_dict.items():
                self.add_error(f"benefit_{name}", problems)
            return self.rule
        rule = dict(self.rule) | {"code": given["code"], "kind": self.kind, "benefit": self._kept(written)}
        for name in ("name_zh", "name_en", "campaign", "lane", "group", "priority"):
            _put(rule, name, given[name])
        _put(rule, "needs_coupon", given["needs_coupon"])
        if self.kind != "bundle":
            rule["scope"] = self._scope(given)
        conditions = dict(self.rule.get("conditions") or {})
        for name in _LISTED:
            _put(conditions, name, _split(given[name]))
        _put(conditions, "channels", given["channels"])
        for name in ("member", "new_customer"):
            _put(conditions, name, {"yes": True, "no": False}.get(given[name]))
        _put(conditions, "min_minor", self._minor(given["min_amount"]))
        _put(conditions, "min_qty", given["min_qty"])
        _put(conditions, "undiscounted", given["undiscounted"])
        _put(rule, "conditions", conditions)
        _put(rule, "window", self._window(given))
        limits = dict(self.rule.get("limits") or {})
        for name in _LIMITS:
            _put(limits, name, given[name])
        _put(limits, "money_minor", self._minor(given["budget"]))
        _put(limits, "partial", given["partial"])
        _put(rule, "limits", limits)
        _put(rule, "payers", {payer: given[f"payer_{payer}"] for payer in PAYERS if given[f"payer_{payer}"]})
        return rule

    def _kept(self, written: dict[str, Any]) -> dict[str, Any]:
        """What the fields cannot say of the benefit stays as it was: parts by category, goods given by category."""
        old = self.rule.get("benefit") or {}
        for word in ("of", "parts"):
            spoken = promotion_benefits.initial_of(self.kind, {word: old[word]}, self.currency) if word in old else {}
            if word in old and not (spoken.get(word) or "").strip() and word not in written:
                written[word] = old[word]
        return written | ({"spread": old["spread"]} if "spread" in old else {})

    def _scope(self, given: Mapping[str, Any]) -> dict[str, Any]:
        scope: dict[str, Any] = {"all": True} if given["all"] else {}
        for name in _SETS:
            _put(scope, name, _split(given[name]))
        without = dict((self.rule.get("scope") or {}).get("except") or {})
        for name in ("skus", "categories"):
            _put(without, name, _split(given[f"except_{name}"]))
        _put(scope, "except", without)
        return scope

    def _window(self, given: Mapping[str, Any]) -> dict[str, Any]:
        window = dict(self.rule.get("window") or {})
        for name in ("starts_at", "ends_at"):
            _put(window, name, given[name].isoformat() if given[name] else None)
        weekly = list(window.get("weekly") or [])[1:]
        if given["days"]:
            first: dict[str, Any] = {"days": given["days"]}
            _put(first, "from", given["hours_from"])
            _put(first, "to", given["hours_to"])
            weekly = [first, *weekly]
        elif given["hours_from"] or given["hours_to"]:
            self.add_error("days", _("Say on which weekdays these hours are."))
        _put(window, "weekly", weekly)
        return window

    def _minor(self, amount: Decimal | None) -> int | None:
        return None if amount is None else to_minor(amount, self.currency)


def _put(words: dict[str, Any], name: str, value: Any) -> None:
    """Say ``name`` in ``words``, or leave it out when there is nothing to say (False of a choice of two is said)."""
    if value in (None, "", [], {}) or (value is False and name not in ("member", "new_customer")):
        words.pop(name, None)
    else:
        words[name] = value


def _split(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,，、\n]", text) if one.strip()]


def _joined(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def _moment(text: Any, where: ZoneInfo, *, days: int) -> datetime | None:
    """An instant of the document in the console's zone. A day is its midnight in ``where``, so many ``days`` later."""
    if not isinstance(text, str) or not text:
        return None
    at = datetime.fromisoformat(text)
    if len(text) <= 10:
        at += timedelta(days=days)
    return timezone.localtime(at if at.tzinfo else at.replace(tzinfo=where))
