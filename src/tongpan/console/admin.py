"""The configuration screens: users, API keys, audit trail, channel classes, nodes, background jobs.

Nothing is deleted here, and what a room has an action for is written by that action.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Field, Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tongpan.access.actions import audit, create_api_key, revoke_api_key, set_active, set_role
from tongpan.access.engine import SCOPES
from tongpan.access.models import ApiKey, AuditEntry, User
from tongpan.channels.models import Facet
from tongpan.console.node_forms import DAYS, NodeForm, PersonForm
from tongpan.console.shell import LANGUAGE_NAMES
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.models import Node

admin.site.unregister(Group)
admin.site.unregister(ProcrastinateJob)


def _actor(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"


class ConfigurationAdmin(ModelAdmin):
    """Never deletes; a refusal of a room is shown as a message, and nothing is written."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            messages.error(request, localized(refusal.sentence))
            return redirect(request.path)


class ReadOnlyAdmin(ConfigurationAdmin):
    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ConfigurationAdmin, DjangoUserAdmin):
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "display_name", "role", "language", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "display_name", "email")
    ordering = ("username",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("display_name", "email", "language")}),
        (_("Access"), {"fields": ("role", "is_active", "works_at")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "display_name", "role", "language", "password1", "password2")}),)
    filter_horizontal = ()

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name != "language":
            return super().formfield_for_dbfield(db_field, request, **options)
        choices = [("", _("As the browser says")), *LANGUAGE_NAMES.items()]
        return forms.ChoiceField(label=_("Language"), required=False, choices=choices, widget=UnfoldAdminSelectWidget)

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        """Role and activity change by their actions, which keep one administrator at least."""
        actor, now = _actor(request), utc_now()
        wanted_role, wanted_active = obj.role, obj.is_active
        if change:
            obj.role, obj.is_active = form.initial["role"], form.initial["is_active"]
        obj.save()
        audit(actor, "user.saved" if change else "user.created", "user", str(obj.pk), now=now)
        if wanted_role != obj.role:
            set_role(obj.username, wanted_role, now=now, actor=actor)
        set_active(obj.username, wanted_active, now=now, actor=actor)
        if "works_at" in form.changed_data:
            set_staff(obj.username, form.cleaned_data["works_at"], now=now, actor=actor)


class ApiKeyForm(forms.ModelForm):
    name = forms.CharField(label=_("Name"), max_length=80, widget=UnfoldAdminTextInputWidget)
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[(scope, scope) for scope in sorted(SCOPES)],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes")


@admin.register(ApiKey)
class ApiKeyAdmin(ConfigurationAdmin):
    """A key is made once and revoked once; its plain text is shown when it is made."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "scope_list", "created_at", "last_used_at", "revoked_at")
    search_fields = ("name", "prefix")
    ordering = ("-created_at",)
    actions = ("revoke",)

    @admin.display(description=_("What it may do"))
    def scope_list(self, obj: ApiKey) -> str:
        return ", ".join(obj.scopes)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None

    def save_model(self, request: HttpRequest, obj: ApiKey, form: forms.ModelForm, change: bool) -> None:
        given = form.cleaned_data
        key = create_api_key(given["name"], given["scopes"], now=utc_now(), actor=_actor(request))
        obj.pk = ApiKey.objects.get(name=given["name"].strip()).pk
        sentence = gettext("Copy the key now, it is not shown again: %(key)s")
        messages.warning(request, sentence % {"key": key})

    @action(description=_("Revoke the selected keys"))
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        for key in queryset:
            revoke_api_key(key.name, now=utc_now(), actor=_actor(request))
        messages.success(request, gettext("Revoked."))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "object_type", "object_id", "data")
    list_filter = ("action",)
    search_fields = ("actor", "object_id")
    ordering = ("-id",)
    show_full_result_count = False


class FacetForm(forms.ModelForm):
    class Meta:
        model = Facet
        fields = ("name_zh", "name_en", "position")


@admin.register(Facet)
class FacetAdmin(ConfigurationAdmin):
    """Names and order of classes; trees and codes are what metrics and presets refer to and stay."""

    form = FacetForm
    list_display = ("name_zh", "name_en", "tree", "code", "position")
    list_filter = ("tree",)
    search_fields = ("code", "name_zh", "name_en")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Facet, form: forms.ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit(_actor(request), "facet.saved", "facet", obj.code, {"name_zh": obj.name_zh}, now=utc_now())


@admin.register(Node)
class NodeAdmin(ConfigurationAdmin):
    form = NodeForm
    list_display = ("code", "name", "kind", "city", "tracks_stock", "is_active", "is_simulated")
    list_filter = ("kind", "is_active")
    search_fields = ("code", "name", "city")
    fieldsets = (
        (None, {"fields": ("code", "kind", "name", "zone", "tracks_stock", "is_active")}),
        (_("Place"), {"fields": ("city", "division", "latitude", "longitude", "territory_text", "facility_list")}),
        (
            _("Routing"),
            {
                "fields": (
                    "groups_text",
                    "priority",
                    "order_limit",
                    "accept_minutes",
                    "cut_off",
                    "base_cost",
                    "cost_per_km",
                    "cost_currency",
                    "in_pool",
                )
            },
        ),
        (_("Opening hours"), {"fields": (*DAYS, "special_days_text")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Node | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Node, form: NodeForm, change: bool) -> None:
        obj.pk = save_nodes([form.spec()], actor=_actor(request), now=utc_now())[obj.code]


@admin.register(ProcrastinateJob)
class JobAdmin(ModelAdmin, ProcrastinateJobAdmin):
    """Background jobs as the queue shows them, in this look."""
