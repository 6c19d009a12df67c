"""The root of the API."""

from django.urls import reverse
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from customers.api.base import AdminApiView
from customers.api.throttling import TokenRateThrottle

# By the name of a resource: the name of its route.
LINKED = {"users": "users", "webhooks": "webhooks", "metadata": "definitions", "exports": "exports", "store": "store"}


class RootView(AdminApiView):
    """Where to start: the version that was used, the document of this API, and its resources. Any token may read it."""

    permission_classes = [IsAuthenticated]
    throttle_classes = [TokenRateThrottle]
    schema = None  # the platform publishes none of it

    def get(self, request):
        document = request.build_absolute_uri(reverse("admin-api-schema"))
        links = {name: request.build_absolute_uri(reverse(f"admin_api:{route}")) for name, route in LINKED.items()}
        return Response({"version": request.version, "document": f"{document}?version={request.version}", **links})
