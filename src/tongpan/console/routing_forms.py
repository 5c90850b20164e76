"""A routing policy as a form, one part for each rule. It reads and writes the document that the text view shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tongpan.console.routing_words import RANKS, SERVICES
from tongpan.fulfillment.routing.language import FACILITIES, Problem
from tongpan.fulfillment.routing.policy import METHODS, PICKUP_NODE
from tongpan.fulfillment.routing.presets import PRESETS
from tongpan.network.engine import DEALER_SERVICES

_METHOD_NAMES: dict[str, Any] = {
    "ship": _("Parcel"),
    "pickup": _("Pickup in a store"),
    "instant": _("Instant delivery"),
    "dealer": _("By a dealer"),
}
_FACILITY_NAMES: dict[str, Any] = {
    "experience": _("Experience area"),
    "pickup": _("Pickup point"),
    "return": _("Return point"),
    "appointment": _("Appointments"),
    "installation": _("Installation"),
    "repair": _("Repair"),
}
_LISTS = ("channel", "shop", "tag", "place", "category")


class NewPolicyForm(forms.Form):
    """Begin a policy of one's own with the words of another."""

    code = forms.RegexField(
        r"^[a-z0-9][a-z0-9-]{0,39}$",
        label=_("Code"),
        help_text=_("1 to 40 small letters, digits and hyphens; every decision names it."),
    )
    name = forms.CharField(label=_("Name"), max_length=80, required=False)
    start = forms.ChoiceField(label=_("Begin with"), choices=[(code, code) for code in PRESETS])


class AssignForm(forms.Form):
    """Let a policy count somewhere."""

    policy = forms.ChoiceField(label=_("Policy"))
    scope = forms.ChoiceField(label=_("Counts for"))

    def __init__(self, data: QueryDict | None, policies: Iterable[str], scopes: Iterable[tuple[str, str]]) -> None:
        super().__init__(data)
        nothing = ("", _("What the wider scope says"))
        self.fields["policy"].choices = [nothing, *((code, code) for code in policies)]  # type: ignore[attr-defined]
        self.fields["policy"].required = False
        self.fields["scope"].choices = [("", _("Everywhere else")), *scopes]  # type: ignore[attr-defined]
        self.fields["scope"].required = False


class DryRunForm(forms.Form):
    day_from = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    day_to = forms.DateField(label=_("Up to, not with"), widget=forms.DateInput(attrs={"type": "date"}))
    stock = forms.ChoiceField(
        label=_("Stock"),
        choices=[
            ("now", _("As it is now, every day anew")),
            ("recorded", _("As it was recorded")),
            ("unlimited", _("Enough of everything, wherever it was ever kept")),
        ],
    )
    channel = forms.ChoiceField(label=_("Channel"), required=False)

    def __init__(self, data: QueryDict | None, channels: Iterable[tuple[str, str]], initial: Mapping[str, Any]) -> None:
        super().__init__(data, initial=dict(initial))
        self.fields["channel"].choices = [("", _("All")), *channels]  # type: ignore[attr-defined]


class DocumentForm(forms.Form):
    document = forms.CharField(
        label=_("Document"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 32, "spellcheck": "false", "class": "mono"}),
        help_text=_("YAML or JSON."),
    )
    note = forms.CharField(label=_("Why it is changed"), max_length=500, required=False)


def _words(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=2000, help_text=hint)


def _number(label: Any, least: int, most: int, hint: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=most, help_text=hint)


class ConditionForm(forms.Form):
    """Which orders are meant; an empty one means all."""

    method = forms.MultipleChoiceField(
        label=_("Only orders by"),
        required=False,
        choices=[(one, _METHOD_NAMES[one]) for one in METHODS],
        widget=forms.CheckboxSelectMultiple,
    )
    channel = _words(_("Only these channels"), _("Codes, separated by commas."))
    shop = _words(_("Only these shops"), _("Codes, separated by commas."))
    tag = _words(_("Only orders with one of these tags"))
    place = _words(_("Only orders to these places"), _("Provinces or cities, or division codes."))
    category = _words(_("Only orders with goods of these categories"))
    min_value = _number(_("Goods worth at least"), 0, 10**12, _("In the smallest unit of the currency: 9900 is 99.00."))
    max_value = _number(_("Goods worth at most"), 0, 10**12)

    def condition(self) -> dict[str, Any]:
        """The condition as the document says it."""
        given = self.cleaned_data
        when: dict[str, Any] = {key: _split(given[key]) for key in _LISTS if given[key]}
        if given["method"]:
            when["method"] = list(given["method"])
        return when | {key: given[key] for key in ("min_value", "max_value") if given[key] is not None}


class RuleForm(ConditionForm):
    """One rule; what is left empty is not in the document."""

    field_order = ("name", "position", "is_removed")
    name = forms.RegexField(r"^[a-z0-9][a-z0-9-]{0,39}$", label=_("Name of the rule"))
    position = forms.IntegerField(label=_("Tried as number"), min_value=1, max_value=99)
    is_removed = forms.BooleanField(label=_("Remove this rule"), required=False)
    groups = _words(_("Nodes of these groups"), _("Such as warehouses, ship-from-store; empty for all."))
    only = forms.BooleanField(label=_("Only the node that the buyer chose"), required=False)
    within_km = _number(_("Within kilometres"), 1, 20_100)
    floor = _number(_("Units of each SKU that stay at a node"), 0, 1_000_000)
    floors = forms.BooleanField(label=_("Also take what the nodes' own floors keep back"), required=False)
    territory = forms.BooleanField(label=_("Also outside their territory"), required=False)
    order_limit = forms.BooleanField(label=_("Also beyond their order limit"), required=False)
    open = forms.BooleanField(label=_("Only nodes that are open now"), required=False)
    facilities = forms.MultipleChoiceField(
        label=_("Only nodes with"),
        required=False,
        choices=[(one, _FACILITY_NAMES[one]) for one in FACILITIES],
        widget=forms.CheckboxSelectMultiple,
    )
    min_stock_age_days = _number(_("Only goods that came in at least so many days ago"), 0, 36_500)
    service = forms.ChoiceField(
        label=_("Only dealers who owe the service at the address"),
        required=False,
        choices=[("", "—"), *((one, SERVICES[one]) for one in DEALER_SERVICES)],
        help_text=_("By a contract that is in force, and in their own territory only."),
    )
    rank = forms.CharField(label=_("Compared by"), max_length=400)
    split = forms.ChoiceField(
        label=_("Several parcels"),
        choices=[("never", _("Never")), ("any", _("As many as it takes")), ("limited", _("Within the limits below"))],
    )
    max_parcels = _number(_("Parcels at most"), 2, 50)
    min_order_value = _number(_("Only orders worth at least"), 0, 10**12)
    keep_kits_together = forms.BooleanField(label=_("Never divide a kit"), required=False)
    max_wait_days = _number(
        _("Gather the goods by a transfer first, and wait days"), 1, 60, _("Empty: goods are not gathered.")
    )
    queue = _words(_("If no node is left: wait in the queue"), _("Empty: the next rule is tried."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ", ".join(f"{key} ({name})" for key, name in RANKS.items())
        self.fields["rank"].help_text = _("Separated by commas, the weightiest first: %(names)s.") % {"names": names}

    def document(self) -> dict[str, Any]:
        """The rule as the document says it."""
        given = self.cleaned_data
        when = self.condition()
        nodes: dict[str, Any] = {"groups": _split(given["groups"])} if given["groups"] else {}
        if given["only"]:
            nodes["only"] = PICKUP_NODE
        numbers = ("within_km", "floor", "min_stock_age_days")
        nodes |= {key: given[key] for key in numbers if given[key] is not None}
        nodes |= {key: "ignore" for key in ("floors", "territory", "order_limit") if given[key]}
        if given["open"]:
            nodes["open"] = "now"
        if given["service"]:
            nodes["service"] = given["service"]
        if given["facilities"]:
            nodes["facilities"] = list(given["facilities"])
        rule: dict[str, Any] = {"name": given["name"]}
        rule |= {key: part for key, part in (("when", when), ("nodes", nodes)) if part}
        rule["rank"] = _split(given["rank"])
        rule["split"] = given["split"]
        if given["split"] == "limited":
            limits = {key: given[key] for key in ("max_parcels", "min_order_value") if given[key] is not None}
            limits |= {"keep_kits_together": True} if given["keep_kits_together"] else {}
            rule["split"] = limits or "any"
        if given["max_wait_days"] is not None:
            rule["transfer"] = {"max_wait_days": given["max_wait_days"]}
        if given["queue"]:
            rule["else"] = {"queue": given["queue"]}
        return rule


class SortForm(forms.Form):
    """In what order the orders of a batch are routed."""

    sort = forms.CharField(
        label=_("Sorted by"),
        max_length=200,
        help_text=_(
            "Separated by commas, the weightiest first: promise_at (when it is promised), priority (the urgent orders "
            "below), placed_at, id."
        ),
    )


class BatchForms:
    """The part ``batch`` of a document: which orders take part, which of them come first, and how they are sorted."""

    def __init__(self, data: QueryDict | None, document: Mapping[str, Any]) -> None:
        batch = document.get("batch") or {}
        urgent = batch.get("priority") or []
        said = str(data.get("urgent", "")) if data else ""
        count = min(int(said) if said.isdecimal() else len(urgent) + 1, 20)
        self.sort = SortForm(data, prefix="b", initial={"sort": _joined(batch.get("sort") or ["placed_at", "id"])})
        self.include = ConditionForm(data, prefix="b-in", initial=condition_of(batch.get("include") or {}))
        self.exclude = ConditionForm(data, prefix="b-out", initial=condition_of(batch.get("exclude") or {}))
        self.urgent = [
            ConditionForm(data, prefix=f"b{n}", initial=condition_of(urgent[n] if n < len(urgent) else {}))
            for n in range(count)
        ]

    def all(self) -> list[forms.Form]:
        return [self.sort, self.include, self.exclude, *self.urgent]

    def is_valid(self) -> bool:
        checked = [form.is_valid() for form in self.all()]
        return all(checked)

    def has_errors(self) -> bool:
        return any(form.errors for form in self.all() if form.is_bound)

    def document(self) -> dict[str, Any]:
        """The part as the document says it; conditions that say nothing are left out."""
        parts: dict[str, Any] = {"include": self.include.condition(), "exclude": self.exclude.condition()}
        parts["priority"] = [one for one in (form.condition() for form in self.urgent) if one]
        parts["sort"] = _split(self.sort.cleaned_data["sort"])
        return {key: value for key, value in parts.items() if value}


class AfterForm(forms.Form):
    """What becomes of an order that no rule finds a node for."""

    queue = _words(_("It waits in the queue"))
    backorder = forms.BooleanField(label=_("It is marked as a pre-order"), required=False)
    auto_cancel_days = _number(_("It is cancelled after days"), 1, 365, _("Empty: never."))
    note = forms.CharField(label=_("Why it is changed"), max_length=500, required=False)

    def document(self) -> dict[str, Any]:
        given = self.cleaned_data
        after: dict[str, Any] = {"queue": given["queue"]} if given["queue"] else {}
        if given["backorder"]:
            after["backorder"] = True
        if given["auto_cancel_days"] is not None:
            after["auto_cancel_days"] = given["auto_cancel_days"]
        return after


def _split(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,，、\n]", text) if one.strip()]


def _joined(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def condition_of(when: Mapping[str, Any]) -> dict[str, Any]:
    """The form's values of a condition of a valid document."""
    methods = when.get("method", [])
    return {
        **{key: _joined(when.get(key)) for key in _LISTS},
        "method": methods if isinstance(methods, list) else [methods],
        "min_value": when.get("min_value"),
        "max_value": when.get("max_value"),
    }


def initial_of(rule: Mapping[str, Any], position: int) -> dict[str, Any]:
    """The form's values of one rule of a valid document."""
    when, nodes = rule.get("when") or {}, rule.get("nodes") or {}
    split = rule.get("split") or "never"
    limits = split if isinstance(split, dict) else {}
    facilities = nodes.get("facilities", [])
    other = rule.get("else")
    return {
        "name": rule.get("name", ""),
        "position": position,
        **condition_of(when),
        "groups": _joined(nodes.get("groups")),
        "only": bool(nodes.get("only")),
        **{key: nodes.get(key) for key in ("within_km", "floor", "min_stock_age_days")},
        **{key: nodes.get(key) == "ignore" for key in ("floors", "territory", "order_limit")},
        "open": nodes.get("open") == "now",
        "facilities": facilities if isinstance(facilities, list) else [facilities],
        "service": nodes.get("service", ""),
        "rank": _joined(rule.get("rank") or ["distance"]),
        "split": "limited" if limits else split,
        "max_parcels": limits.get("max_parcels"),
        "min_order_value": limits.get("min_order_value"),
        "keep_kits_together": bool(limits.get("keep_kits_together")),
        "max_wait_days": (rule.get("transfer") or {}).get("max_wait_days"),
        "queue": other.get("queue", "") if isinstance(other, dict) else "",
    }


_FIELDS = {"else": "queue", "transfer": "max_wait_days"}


def put_problems(
    problems: Iterable[Problem], rules: list[RuleForm], batch: BatchForms, after: AfterForm, say: Any
) -> None:
    """Put each problem of a document beside its field. say: makes a sentence of the user's language."""
    urgent = [form for form in batch.urgent if form.condition()]
    for where, sentence in problems:
        found = re.fullmatch(r"(rules|batch\.priority)\[(\d+)\]\.(.+)", where)
        form: forms.Form = after
        path = where
        of_list: list[ConditionForm] = [*rules] if found and found[1] == "rules" else urgent
        if found and int(found[2]) <= len(of_list):
            form, path = of_list[int(found[2]) - 1], found[3]
        elif where.startswith("batch."):
            form = batch.include if "include" in where else batch.exclude if "exclude" in where else batch.sort
        words = [_FIELDS.get(word, word) for word in reversed(path.split("."))]
        field = next((word for word in words if word in form.fields), None)
        form.add_error(field, say(sentence))
