"""Routing policies with versions, where they count, and the nodes that refused an order."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

GUARDS = """
CREATE FUNCTION fulfillment_keep_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'published' THEN
    RAISE EXCEPTION 'Version % of a routing policy is published: % is refused.', OLD.number, TG_OP
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER published_versions_stay BEFORE UPDATE OR DELETE ON fulfillment_policyversion
  FOR EACH ROW EXECUTE FUNCTION fulfillment_keep_published();
CREATE TRIGGER assignments_are_never_edited BEFORE UPDATE ON fulfillment_policyassignment
  FOR EACH ROW EXECUTE FUNCTION fulfillment_refuse_change();
"""
UNGUARDED = """
DROP TRIGGER assignments_are_never_edited ON fulfillment_policyassignment;
DROP TRIGGER published_versions_stay ON fulfillment_policyversion;
DROP FUNCTION fulfillment_keep_published();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("channels", "0001_initial"),
        ("fulfillment", "0005_desk"),
        ("network", "0003_facts"),
        ("orders", "0009_remarks_found"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoutingPolicy",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=40, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="NodeRejection",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("actor", models.TextField()),
                ("at", models.DateTimeField()),
                (
                    "node",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="network.node"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="orders.order"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("order", "node"), name="node_rejects_an_order_once")],
            },
        ),
        migrations.CreateModel(
            name="PolicyAssignment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("policy", models.CharField(blank=True, max_length=40)),
                ("assigned_by", models.TextField()),
                ("assigned_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.channel"
                    ),
                ),
                (
                    "shop",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="channels.shop"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("channel", None), ("shop", None), _connector="OR"),
                        name="assignment_has_one_scope",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("status", models.CharField(choices=[("draft", "Draft"), ("published", "Published")], max_length=10)),
                ("document", models.JSONField()),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="note")),
                ("changed_by", models.TextField()),
                ("changed_at", models.DateTimeField()),
                ("published_by", models.TextField(blank=True)),
                ("published_at", models.DateTimeField(null=True)),
                (
                    "policy",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="fulfillment.routingpolicy",
                    ),
                ),
            ],
            options={
                "ordering": ["policy", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("policy", "number"), name="policy_version_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "draft")), fields=("policy",), name="one_draft_of_a_policy"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("published_at", None), ("status", "draft")),
                            models.Q(("published_at__isnull", False), ("status", "published")),
                            _connector="OR",
                        ),
                        name="published_version_has_its_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARDS, UNGUARDED),
    ]
