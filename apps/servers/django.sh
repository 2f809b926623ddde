# Django's own server with sqlite: migrations, an object made and read through the ORM.
# packages: python3-django
cat >"$WORK/app.py" <<'END'
import sys, django
from django.conf import settings
settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"], DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/db"}})
django.setup()
from django.http import HttpResponse
from django.urls import path
from django.contrib.auth.models import User
from django.core.management import execute_from_command_line as run
def home(request):
    User.objects.create_user("u%d" % User.objects.count(), password=None)
    return HttpResponse("%d users" % User.objects.count())
urlpatterns = [path("", home)]
if __name__ == "__main__":
    run(["app.py", "migrate", "-v", "0"])
    run(["app.py", "runserver", "--noreload", "0.0.0.0:80"])
END
machine -p 80 --cpus 2 --memory 512M --package python3-django /usr/bin/python3 "$WORK/app.py"
url=http://127.0.0.1:${ports[80]}
answers curl -sf "$url/"
says 'a page' '2 users' curl -s "$url/"
finishes 143
