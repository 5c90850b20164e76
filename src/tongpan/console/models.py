"""What the console itself keeps: the views of a list that people saved, and the columns that they chose."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from tongpan.network.models import Node


class SavedView(models.Model):
    """A list's address under a name. query: the part after "?", without the page number.

    A private view is seen by its owner, a shared one by everybody; only the owner changes it.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    page = models.CharField(max_length=40)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(blank=True)
    is_shared = models.BooleanField(_("for everybody"), default=False)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_view_once")]
        indexes = [models.Index(fields=["page"], name="saved_view_of_page")]


class ListLayout(models.Model):
    """The columns of one list that one person chose, by key; a key that the list no longer has shows nothing."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_layouts")
    page = models.CharField(max_length=40)
    columns = ArrayField(models.CharField(max_length=40))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "page"], name="list_layout_once")]


class BulkRun(models.Model):
    """One action over many orders: prepared when it is asked for, run when it is confirmed, kept with its outcome.

    order_ids: the orders as they were when it was prepared; no other is touched. query: the filter that they came
    from, "" when they were chosen one by one. params: what the action was told. outcomes: [order id, whether it
    was done, a sentence], in the order of order_ids; fewer than those while the run is under way.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bulk_runs")
    action = models.CharField(max_length=20)
    query = models.TextField(blank=True)
    params = models.JSONField(default=dict)
    order_ids = ArrayField(models.BigIntegerField())
    outcomes = models.JSONField(default=list)
    prepared_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "-prepared_at"], name="bulk_run_of_owner")]


class StoreAct(models.Model):
    """One thing that somebody did at a store desk, named by the key of the device that sent it: it is done once.

    fingerprint: the digest of what was asked; the words themselves, which may name people, are not kept. sentence:
    what was answered, in the person's language; link: where what came of it is shown.
    """

    id = models.BigAutoField(primary_key=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="store_acts")
    key = models.CharField(max_length=40)
    node = models.ForeignKey(Node, on_delete=models.CASCADE, db_index=False, related_name="+")
    act = models.CharField(max_length=20)
    fingerprint = models.BinaryField()
    state = models.CharField(max_length=10)
    sentence = models.TextField(blank=True)
    link = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="store_act_once")]
        indexes = [models.Index(fields=["owner", "-at"], name="store_act_of_owner")]
