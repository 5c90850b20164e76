"""A draft is checked before it is published: what was found is resolved, or accepted by somebody with a reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from tests.support.small_shop import small_shop

from tongpan.access.models import AuditEntry
from tongpan.core.errors import Refusal
from tongpan.promotions.actions import open_draft, publish, save_draft
from tongpan.promotions.conflicts.actions import accept, announce, check_draft, reopen, set_most_discount
from tongpan.promotions.conflicts.models import StackNotice
from tongpan.promotions.conflicts.queries import last_check
from tongpan.promotions.models import Draft, RulebookVersion

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHO = {"actor": "wang", "now": NOW}
HALF = {"code": "half", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 50}}

pytestmark = pytest.mark.django_db


def refused(code):
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)


def test_publication_is_refused_until_each_finding_is_accepted_with_a_reason():
    small_shop(NOW)
    save_draft("june", {"rules": [HALF]}, **WHO)
    check_draft("june", expected={}, **WHO)
    checked = last_check(Draft.objects.get())
    assert [(one.row.kind, one.row.content["skus"]) for one in checked.open] == [("depth", ["BAG"])]

    with refused("draft.findings"):
        publish("june", **WHO)
    with refused("finding.reason"):
        accept("june", checked.open[0].row.key, reason=" ", **WHO)
    accept("june", checked.open[0].row.key, reason="Clearance of last year", actor="li", now=NOW)
    version = publish("june", **WHO)

    assert RulebookVersion.objects.get().findings[0]["reason"] == "Clearance of last year"
    assert AuditEntry.objects.filter(action="rulebook.finding_accepted", actor="li").count() == 1
    open_draft("july", **WHO)
    check_draft("july", expected={}, **WHO)
    assert [(one.is_open, one.accepted_in) for one in last_check(Draft.objects.get()).findings] == [
        (False, version.version)
    ]


def test_an_acceptance_falls_away_when_the_finding_changes_and_a_change_needs_a_new_check():
    small_shop(NOW)
    save_draft("june", {"rules": [HALF]}, **WHO)
    check_draft("june", expected={}, **WHO)
    accept("june", last_check(Draft.objects.get()).open[0].row.key, reason="Clearance", **WHO)

    save_draft("june", {"rules": [HALF | {"benefit": {"percent": 60}}]}, **WHO)

    assert not last_check(Draft.objects.get()).is_current
    with refused("draft.findings"):
        publish("june", **WHO)
    assert [one.row.kind for one in last_check(Draft.objects.get()).open] == ["depth"]
    save_draft("june", {"rules": [HALF | {"benefit": {"percent": 20}}]}, **WHO)
    assert publish("june", **WHO).findings == []


def test_an_acceptance_can_be_taken_back():
    small_shop(NOW)
    save_draft("june", {"rules": [HALF]}, **WHO)
    check_draft("june", expected={}, **WHO)
    key = last_check(Draft.objects.get()).open[0].row.key
    accept("june", key, reason="Clearance", **WHO)
    with refused("finding.accepted"):
        accept("june", key, reason="Clearance", **WHO)

    reopen("june", key, **WHO)

    assert len(last_check(Draft.objects.get()).open) == 1
    with refused("finding.unknown"):
        reopen("june", key, **WHO)


def test_a_check_finds_the_same_on_every_run():
    small_shop(NOW)
    save_draft("june", {"rules": [HALF]}, **WHO)
    check_draft("june", expected={}, **WHO)
    first = [one.row.key for one in last_check(Draft.objects.get()).findings]

    check_draft("june", expected={}, actor="wang", now=NOW + timedelta(days=1))

    assert [one.row.key for one in last_check(Draft.objects.get()).findings] == first


def test_the_announced_matrix_is_kept_with_its_time_and_never_changed():
    small_shop(NOW)
    five = {"code": "five", "kind": "amount", "name_zh": "立减5元", "name_en": "5 off", "scope": {"all": True},
            "benefit": {"amount_minor": 500}}  # fmt: skip
    ten = {"code": "ten", "kind": "percent", "name_zh": "九折", "name_en": "10 % off", "scope": {"all": True},
           "benefit": {"percent": 10}}  # fmt: skip
    save_draft("june", {"rules": [five, ten], "stack": [["item", "order"]]}, **WHO)
    check_draft("june", expected={}, **WHO)
    assert [one.row.kind for one in last_check(Draft.objects.get()).open] == ["stack"]

    notice = announce("june", **WHO)

    assert notice.matrix == {"groups": ["item", "order"], "pairs": [["item", "order"]]}
    assert "九折 + 立减5元" in notice.text_zh and "10 % off + 5 off" in notice.text_en
    assert notice.published_at == NOW
    check_draft("june", expected={}, **WHO)
    assert last_check(Draft.objects.get()).findings == []
    with pytest.raises(IntegrityError), transaction.atomic():
        StackNotice.objects.update(text_zh="")


def test_how_deep_a_discount_may_go_without_approval_is_a_setting():
    small_shop(NOW)
    save_draft("june", {"rules": [HALF]}, **WHO)

    set_most_discount(Decimal(50), **WHO)

    check_draft("june", expected={}, **WHO)
    assert last_check(Draft.objects.get()).findings == []
    with refused("promo.max_net_discount_pct"):
        set_most_discount(Decimal(0), **WHO)
