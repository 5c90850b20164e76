"""Quality inspection of goods: how many units are looked at, and what becomes of the lot (RET-08). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tongpan.core.errors import Refusal
from tongpan.inventory.engine.stock import AHEAD, MAX_QTY, has_no_text

KINDS = ("receipt", "transfer", "batch", "spot")
RULES = ("sample", "all")
SCOPES = ("node", "sku")
MAX_PHOTOS = 10
MAX_CHECKS = 30
# GB/T 2828.1 (ISO 2859-1), single sampling, normal inspection, general level II, AQL 2.5: (lots up to, sample,
# failed units that are still accepted). The arrows of the published table are followed already.
_PLAN = (
    (50, 5, 0),
    (150, 20, 1),
    (280, 32, 2),
    (500, 50, 3),
    (1_200, 80, 5),
    (3_200, 125, 7),
    (10_000, 200, 10),
    (35_000, 315, 14),
)
_LARGEST = (500, 21)


@dataclass(frozen=True, slots=True)
class Check:
    """One point of a checklist. is_critical: a single unit that fails it fails the lot."""

    code: str
    name: str
    is_critical: bool = False


@dataclass(frozen=True, slots=True)
class QualityRules:
    """rule: how many units are looked at when nobody says otherwise. scope: what a failed lot blocks: the SKU at
    that node, or everywhere."""

    checks: tuple[Check, ...]
    rule: Literal["sample", "all"] = "sample"
    scope: Literal["node", "sku"] = "node"

    def as_json(self) -> dict[str, Any]:
        rows = [{"code": c.code, "name": c.name, "critical": c.is_critical} for c in self.checks]
        return {"rule": self.rule, "scope": self.scope, "checks": rows}


DEFAULTS = QualityRules(
    (
        Check("appearance", "外观 Appearance"),
        Check("packaging", "包装 Packaging"),
        Check("label", "标签标识 Label and marks"),
        Check("function", "功能 Function"),
        Check("expiry", "效期 Expiry date", is_critical=True),
        Check("safety", "安全 Safety", is_critical=True),
    )
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """failed: units of the sample that failed the check named ``code``."""

    code: str
    failed: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class InspectionDoc:
    """What was found when goods were looked at; (source, number) is its natural key.

    lot: units of the lot. rule: "" for that of the rules in force. sample: units looked at, None for as many as the
    rule says. failed: units that failed at least one check, None when no unit failed two. reference: the transfer,
    receipt or batch. photos: where photos lie (addresses or file names).
    """

    source: str
    number: str
    kind: str
    node_code: str
    sku_code: str
    lot: int
    inspected_at: datetime
    checks: Sequence[CheckResult]
    rule: str = ""
    sample: int | None = None
    failed: int | None = None
    supplier: str = ""
    reference: str = ""
    photos: Sequence[str] = ()
    note: str = ""
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """sample: units looked at. accepted: failed units that the lot may have. failed: units that did."""

    rule: str
    sample: int
    accepted: int
    failed: int
    passed: bool


@dataclass(frozen=True, slots=True)
class InspectionOutcome:
    """What became of one inspection, at the position it was given. moved: failed units taken off sale; held: further
    units that wait for a decision."""

    state: Literal["accepted", "unchanged", "refused"]
    inspection_id: int | None = None
    passed: bool | None = None
    moved: int = 0
    held: int = 0
    code: str = ""
    reason: str = ""


def sampling(rule: str, lot: int) -> tuple[int, int]:
    """(units to look at, failed units that are accepted) of a lot of ``lot`` units.

    "all" looks at every unit and accepts none; "sample" follows GB/T 2828.1, level II, normal, AQL 2.5. A sample
    that is not smaller than the lot is the lot.
    """
    if rule == "all":
        return lot, 0
    sample, accepted = next(((n, ac) for most, n, ac in _PLAN if lot <= most), _LARGEST)
    return (sample, accepted) if sample < lot else (lot, 0)


def judge(rules: QualityRules, doc: InspectionDoc) -> Judgement:
    """What ``doc`` says of its lot; the same for the same input.

    The lot fails when more units failed than the plan accepts, or one failed a critical check. Raises Refusal
    inspection.* with a sentence when the figures contradict each other.
    """
    if doc.rule and doc.rule not in RULES:
        raise Refusal("inspection.rule", f"{doc.rule!r} is no sampling rule; known are sample and all.")
    if not 0 < doc.lot <= MAX_QTY:
        raise Refusal("inspection.lot", "Say how many units the lot has.")
    rule = doc.rule or rules.rule
    least, accepted = sampling(rule, doc.lot)
    sample = least if doc.sample is None else doc.sample
    if not least <= sample <= doc.lot:
        raise Refusal(
            "inspection.sample", f"Of a lot of {doc.lot} units at least {least} and at most {doc.lot} are looked at."
        )
    known = {check.code: check for check in rules.checks}
    seen: dict[str, int] = {}
    for result in doc.checks:
        if result.code not in known:
            raise Refusal(
                "inspection.check", f"{result.code!r} is not on the checklist; it has {', '.join(sorted(known))}."
            )
        if result.code in seen or not 0 <= result.failed <= sample:
            raise Refusal(
                "inspection.check", f"The check {result.code} stands twice, or fails more units than were looked at."
            )
        seen[result.code] = result.failed
    if missing := [code for code in known if code not in seen]:
        raise Refusal("inspection.check", f"The check {missing[0]} has no result; every check of the list needs one.")
    most, total = max(seen.values()), sum(seen.values())
    failed = min(total, sample) if doc.failed is None else doc.failed
    if not most <= failed <= min(total, sample):
        raise Refusal(
            "inspection.failed", f"By the checks at least {most} and at most {min(total, sample)} units have failed."
        )
    is_critical = any(failed_units and known[code].is_critical for code, failed_units in seen.items())
    return Judgement(rule, sample, accepted, failed, failed <= accepted and not is_critical)


def check_doc(doc: InspectionDoc, now: datetime) -> None:
    """Raises Refusal inspection.* for a document whose texts, kind or time cannot be taken."""
    texts = [doc.source, doc.number, doc.node_code, doc.sku_code, doc.supplier, doc.reference, doc.note]
    texts += [*doc.photos, *(result.note for result in doc.checks)]
    if has_no_text(*texts):
        raise Refusal("inspection.text", "A text of it holds a NUL byte or half a character.")
    if doc.kind not in KINDS:
        raise Refusal("inspection.kind", f"{doc.kind!r} is no kind of inspection; known are {', '.join(KINDS)}.")
    if not 0 < len(doc.number) <= 120 or not 0 < len(doc.source) <= 60:
        raise Refusal("inspection.number", "The number is empty or longer than 120 characters.")
    if max(len(doc.supplier), len(doc.reference)) > 120 or len(doc.note) > 300:
        raise Refusal("inspection.text", "A supplier or reference has at most 120 characters, a note 300.")
    if len(doc.photos) > MAX_PHOTOS or any(not 0 < len(photo) <= 300 for photo in doc.photos):
        raise Refusal("inspection.photos", f"At most {MAX_PHOTOS} photos, each by an address of up to 300 characters.")
    if any(len(result.note) > 300 for result in doc.checks):
        raise Refusal("inspection.text", "The note of a check has at most 300 characters.")
    if doc.inspected_at > now + AHEAD:
        raise Refusal("inspection.time", "The time of the inspection lies in the future.")


def rules_of(stored: Mapping[str, Any] | None) -> QualityRules:
    """The rules kept in the settings; the defaults when there are none. Raises Refusal inspection.rules."""
    if not stored:
        return DEFAULTS
    rows = stored.get("checks")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_CHECKS:
        raise Refusal("inspection.rules", f"A checklist has 1 to {MAX_CHECKS} checks.")
    checks = []
    for row in rows:
        code, name = str(row.get("code", "")), str(row.get("name", "")).strip()
        if not (code.isascii() and code.replace("_", "").isalnum() and len(code) <= 40):
            raise Refusal("inspection.rules", f"{code[:40]!r} is no code of a check: use letters, digits and _.")
        if not 0 < len(name) <= 120 or has_no_text(name):
            raise Refusal("inspection.rules", f"The check {code} needs a name of up to 120 characters.")
        checks.append(Check(code, name, row.get("critical") is True))
    if len({check.code for check in checks}) < len(checks):
        raise Refusal("inspection.rules", "Two checks have the same code.")
    rule, scope = stored.get("rule", "sample"), stored.get("scope", "node")
    if rule not in RULES or scope not in SCOPES:
        raise Refusal("inspection.rules", "The rule is sample or all, and what is blocked is node or sku.")
    return QualityRules(tuple(checks), rule, scope)
