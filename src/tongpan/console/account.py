"""Signing in and out, the password, and how the console looks to this user."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tongpan.access.actions import set_language
from tongpan.console.access import Request, page
from tongpan.console.shell import THEME_COOKIE, THEMES

_YEAR = 365 * 24 * 3600


class SignIn(LoginView):
    template_name = "console/sign_in.html"
    authentication_form = AuthenticationForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    next_page = settings.LOGIN_URL


def _back(request: HttpRequest) -> HttpResponse:
    """To the page the form was on, if it is one of ours."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure())
    return redirect(target if is_ours else "/")


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Keep the chosen language: on the account of a signed-in user, and on this device for the sign-in page."""
    chosen = request.POST.get("language", "")
    response = _back(request)
    if chosen in dict(settings.LANGUAGES):
        if request.user.is_authenticated:
            set_language(request.user.pk, chosen)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen, max_age=_YEAR, samesite="Lax")
        translation.activate(chosen)
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme on this device."""
    chosen = request.POST.get("theme", "")
    response = _back(request)
    if chosen in {name for name, _label, _icon in THEMES}:
        response.set_cookie(THEME_COOKIE, chosen, max_age=_YEAR, samesite="Lax")
    return response


@page()
def password(request: Request) -> HttpResponse:
    """Change one's own password; the present session stays signed in, all others end."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, _("Your password is changed. Other devices must sign in again."))
        return redirect("console:password")
    return render(request, "console/password.html", {"form": form})
