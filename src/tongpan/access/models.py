"""Users, API keys, the audit trail, and the record of idempotent requests."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    ADMINISTRATOR = "administrator", _("Administrator")
    MANAGER = "manager", _("Manager")
    ANALYST = "analyst", _("Analyst")
    STORE = "store", _("Store staff")
    VIEWER = "viewer", _("Viewer")


class User(AbstractUser):
    """A person who signs in. What the person may do follows from ``role`` (``access.engine.PERMISSIONS``)."""

    display_name = models.CharField(_("display name"), max_length=80, blank=True)
    role = models.CharField(_("role"), max_length=20, choices=Role.choices, default=Role.VIEWER)
    language = models.CharField(_("language"), max_length=10, blank=True)


class ApiKey(models.Model):
    """A bearer key of the HTTP API. Only its SHA-256 is kept; the key itself is shown once."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(unique=True)
    scopes = ArrayField(models.TextField())
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [models.UniqueConstraint(fields=["name"], name="api_key_name_once")]

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """Who did what to which object; append-only."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()
    action = models.TextField()
    object_type = models.TextField()
    object_id = models.TextField()
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [models.Index(fields=["object_type", "object_id", "at"], name="audit_of_object")]


class IdempotentRequest(models.Model):
    """The answer given to an ``Idempotency-Key``, kept so that a repeated request gets it again."""

    id = models.BigAutoField(primary_key=True)
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    key = models.TextField()
    fingerprint = models.BinaryField()
    status = models.SmallIntegerField(null=True)
    body = models.TextField(default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "key"], name="idempotency_key_once")]


class RequestCount(models.Model):
    """How often one address asked for a public page in ``minute`` (since 1970); digest: of scope and address."""

    digest = models.BinaryField(primary_key=True)
    minute = models.BigIntegerField()
    times = models.PositiveIntegerField()
