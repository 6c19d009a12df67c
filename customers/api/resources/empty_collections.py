"""Collections of the platform that are always empty here."""

from rest_framework.response import Response

from customers.api.base import AdminApiViewSet
from oauth.scopes import Scope


class EmptyCollectionViewSet(AdminApiViewSet):
    """A resource that the platform has and this store does not. Some apps list one to check their connection."""

    schema = None

    def list(self, request):
        return Response({"next": None, "previous": None, "results": []})


class DisputeViewSet(EmptyCollectionViewSet):
    required_scopes = {"list": Scope.DISPUTES_READ}


class TransactionViewSet(EmptyCollectionViewSet):
    required_scopes = {"list": Scope.TRANSACTIONS_READ}
