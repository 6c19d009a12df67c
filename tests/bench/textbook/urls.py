from django.urls import include, path
from rest_framework.routers import DefaultRouter

from tests.bench.textbook.views import CustomerViewSet

router = DefaultRouter()
router.register("users", CustomerViewSet)
urlpatterns = [path("api/admin/", include(router.urls))]
