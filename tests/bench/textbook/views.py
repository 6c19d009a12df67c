from rest_framework.pagination import CursorPagination
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.viewsets import ModelViewSet

from tests.bench.textbook.models import Customer
from tests.bench.textbook.serializers import CustomerSerializer


class NewestFirst(CursorPagination):
    ordering = "-date_joined"
    page_size = 20


class TokenThrottle(SimpleRateThrottle):
    scope = "token"

    def get_cache_key(self, request, view):
        return f"throttle-{request.auth.pk}"


class CustomerViewSet(ModelViewSet):
    queryset = Customer.objects.prefetch_related("addresses", "tags")
    serializer_class = CustomerSerializer
    pagination_class = NewestFirst
    required_scopes = ["users"]
    throttle_classes = [TokenThrottle]
