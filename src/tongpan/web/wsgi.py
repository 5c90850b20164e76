"""The WSGI application that the web process serves."""

import os

from django.core.wsgi import get_wsgi_application

from tongpan.runtime import lifeline

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
# Loaded in each of the server's own worker processes, which must not outlive the process that started them.
lifeline.hold(os.getppid())
application = get_wsgi_application()
