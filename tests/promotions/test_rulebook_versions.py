"""Drafts of the rulebook are changed rule by rule; what is published never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from tongpan.access.models import AuditEntry
from tongpan.core.errors import Refusal
from tongpan.promotions.actions import discard_draft, open_draft, publish, put_rule, remove_rule, save_draft
from tongpan.promotions.models import Draft, RulebookVersion
from tongpan.promotions.queries import version_at

NOW = datetime(2026, 11, 1, 2, tzinfo=UTC)
WHO = {"actor": "wang", "now": NOW}
TEN_OFF = {"code": "ten-off", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 10}}
FIFTY_OFF = {"code": "fifty-off", "kind": "amount", "scope": {"all": True}, "benefit": {"amount_minor": 5000}}

pytestmark = pytest.mark.django_db


def refused(code: str) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)


def test_what_is_published_is_never_changed():
    save_draft("autumn", {"rules": [TEN_OFF]}, **WHO)
    version = publish("autumn", **WHO)

    with pytest.raises(IntegrityError), transaction.atomic():
        RulebookVersion.objects.filter(pk=version.pk).update(document={"rules": []})
    with pytest.raises(IntegrityError), transaction.atomic():
        version.delete()
    assert RulebookVersion.objects.get().document["rules"][0]["code"] == "ten-off"


def test_rules_are_changed_one_by_one_and_keep_their_place():
    save_draft("autumn", {"rules": [TEN_OFF, FIFTY_OFF]}, **WHO)

    put_rule("autumn", TEN_OFF | {"benefit": {"percent": 20}}, **WHO)
    draft = put_rule("autumn", FIFTY_OFF | {"code": "more"}, **WHO)

    assert [rule["code"] for rule in draft.document["rules"]] == ["ten-off", "fifty-off", "more"]
    assert draft.document["rules"][0]["benefit"]["percent"] == 20
    assert [rule["code"] for rule in remove_rule("autumn", "ten-off", **WHO).document["rules"]] == ["fifty-off", "more"]
    with refused("draft.rule"):
        remove_rule("autumn", "ten-off", **WHO)


def test_a_draft_that_somebody_else_changed_is_not_overwritten():
    seen = save_draft("autumn", {"rules": [TEN_OFF]}, **WHO)
    save_draft("autumn", {"rules": [TEN_OFF, FIFTY_OFF]}, actor="li", now=NOW)

    with refused("draft.changed"):
        save_draft("autumn", {"rules": []}, revision=seen.revision, **WHO)

    assert len(Draft.objects.get().document["rules"]) == 2


def test_a_draft_begun_before_another_publication_is_not_published_over_it():
    save_draft("one", {"rules": [TEN_OFF]}, **WHO)
    save_draft("two", {"rules": [FIFTY_OFF]}, **WHO)
    publish("one", **WHO)

    with refused("draft.outdated"):
        publish("two", **WHO)

    assert RulebookVersion.objects.count() == 1
    assert Draft.objects.get().name == "two"


def test_an_older_version_comes_back_by_being_published_anew():
    save_draft("one", {"rules": [TEN_OFF]}, **WHO)
    publish("one", **WHO)
    save_draft("two", {"rules": [FIFTY_OFF]}, **WHO)
    publish("two", actor="wang", now=NOW + timedelta(days=1))

    open_draft("back", from_version=1, actor="wang", now=NOW + timedelta(days=2))
    version = publish("back", actor="wang", now=NOW + timedelta(days=2))

    assert version.version == 3
    assert version.document == RulebookVersion.objects.get(version=1).document
    moments = [NOW - timedelta(seconds=1), NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)]
    assert [version_at(at) for at in moments] == [0, 1, 2, 3]


def test_every_change_is_in_the_audit_trail():
    save_draft("one", {"rules": []}, **WHO)
    put_rule("one", TEN_OFF, **WHO)
    publish("one", **WHO)
    open_draft("two", **WHO)
    discard_draft("two", **WHO)

    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        "rulebook.draft_changed",
        "rulebook.draft_changed",
        "rulebook.checked",
        "rulebook.published",
        "rulebook.draft_opened",
        "rulebook.draft_discarded",
    ]


def test_names_that_a_draft_cannot_have_are_refused():
    for name in ("", "Autumn", "-x", "x" * 41, "a\x00b"):
        with refused("draft.name"):
            save_draft(name, {"rules": []}, **WHO)
    with refused("promotions.document"):
        save_draft("autumn", {"rules": "none"}, **WHO)

    assert not Draft.objects.exists()
