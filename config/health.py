"""Health checks for load balancers: `/healthz` (the process runs) and `/readyz` (the database answers). `/health` is
Medusa's name for the first one."""

from django.conf import settings
from django.db import Error, connection
from django.http import HttpResponse, JsonResponse


class HealthMiddleware:
    """Answers before any check of host and scheme. A load balancer connects to an IP address, with plain HTTP."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.answers = {"/healthz": live, "/readyz": ready, "/health": medusa_live}

    def __call__(self, request):
        answer = self.answers.get(request.path_info)
        return answer() if answer else self.get_response(request)


def _answer(status: str, code: int = 200) -> JsonResponse:
    """With the headers that Django's SecurityMiddleware, which comes later, gives to other answers."""
    headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": settings.SECURE_REFERRER_POLICY}
    return JsonResponse({"status": status}, status=code, headers=headers)


def live():
    return _answer("ok")


def medusa_live():
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")


def ready():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return _answer("the database is away", 503)
    return _answer("ok")
