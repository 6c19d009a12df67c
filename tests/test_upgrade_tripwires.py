"""Every private or undocumented name of a library that this project uses: where, why, and what an upgrade may break.

Read the table before you upgrade a library. A test fails when a name is gone, and another one when the code uses a
name that is not listed. The others check what the project expects of the more delicate ones.
"""

import inspect
import re
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.apps import apps
from django.contrib.admin.views.main import ChangeList
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.test import RequestFactory
from oauth2_provider.oauth2_validators import OAuth2Validator
from psycopg.pq import Format
from rest_framework import serializers

from config.api_requests import innermost
from config.postgresql.base import TIMESTAMPTZ, TimestamptzLoader
from customers.api.fields import SharedFieldsSerializer
from customers.core.prepared_query import PreparedQuery
from customers.dashboard.customers.list import CustomerList
from customers.models import Address, Customer, User
from oauth.fields import EncryptedAttribute
from oauth.models import AccessToken, App
from oauth.validator import Validator
from oauth.views import QueryStringBackend

ROOT = Path(__file__).parents[1]

# fmt: off
TABLE = [
    # The library's name, where it is used, and why.
    ("asyncio._set_running_loop", "config/server/rsgi.py",
     "runs Django on the thread of the event loop, as on any other; documented for makers of event loops only"),
    ("json.detect_encoding", "customers/core/json_values.py",
     "decodes bytes as json.loads does, for a decoder that is kept"),
    ("django.core.handlers.exception.convert_exception_to_response", "config/api_requests.py",
     "answers what a middleware raises, as Django does between two of them"),
    ("django.core.handlers.base.BaseHandler.resolve_request", "config/wsgi.py",
     "finds a view whose path has no parameters once"),
    ("django.utils.functional.LazyObject.__getattribute__", "config/wsgi.py",
     "checks each attribute for methods of the object that it stands for, which settings do not have"),
    ("django.db.backends.base.base.BaseDatabaseWrapper.create_cursor", "oauth/statements.py",
     "keeps a cursor of psycopg's; nothing documented gives one without Django's around it"),
    ("django.db.backends.base.base.BaseDatabaseWrapper.validate_no_broken_transaction", "oauth/statements.py",
     "checks what Django's cursor checks"),
    ("django.db.backends.base.base.BaseDatabaseWrapper.wrap_database_errors", "oauth/statements.py",
     "raises what Django's cursor raises"),
    ("django.db.backends.base.base.BaseDatabaseWrapper.queries_logged", "oauth/statements.py",
     "whether Django's cursor would log the statement"),
    ("django.db.backends.base.base.BaseDatabaseWrapper.close_if_health_check_failed", "oauth/statements.py",
     "checks the connection as Django's cursor does"),
    ("psycopg.errors.error_from_result", "oauth/statements.py",
     "sends statements without a cursor; psycopg documents its module pq, but not how results become rows and errors"),
    *((f"psycopg.adapt.Transformer.{name}", "oauth/statements.py", "the same")
      for name in ("dump_sequence", "formats", "load_rows", "set_pgresult", "types")),
    ("django.core.cache.close_caches", "config/wsgi.py",
     "a request leaves nothing open in a cache in memory"),
    ("django.db.models.query_utils.DeferredAttribute", "oauth/fields.py",
     "decrypts a column when its attribute is read; the descriptor of a field is not documented"),
    ("django.db.models.sql.compiler.SQLCompiler.get_converters", "customers/core/prepared_query.py",
     "compiles a query once; nothing documented returns SQL with its converters"),
    ("django.db.models.sql.compiler.SQLCompiler.apply_converters", "customers/core/prepared_query.py",
     "the same"),
    ("django.db.models.sql.query.Query.get_compiler", "customers/core/prepared_query.py",
     "the same"),
    ("django.db.models.sql.query.Query.selected", "customers/core/prepared_query.py",
     "the names of the columns of a .values() queryset"),
    ("django.contrib.admin.views.main.ChangeList.get_results", "customers/dashboard/customers/list.py",
     "reads one page without counting the table"),
    ("django.contrib.admin.views.main.ChangeList.get_filters_params", "customers/dashboard/customers/list.py",
     "leaves out the parameters of pages"),
    ("django.contrib.admin.views.main.ChangeList.get_queryset", "customers/dashboard/customers/list.py",
     "leaves out erased customers"),
    ("django.contrib.admin.views.main.ChangeList.get_ordering", "customers/dashboard/customers/list.py",
     "orders that an index can serve"),
    ("django.contrib.admin.views.main.ChangeList.get_filters", "customers/dashboard/customers/list.py",
     "sets filter_specs, from which the filters of a bulk action are read"),
    ("django.contrib.admin.options.ModelAdmin._get_obj_does_not_exist_redirect",
     "customers/dashboard/customers/merging.py",
     "leads from a merged customer to the one who was kept"),
    ("django.contrib.sessions.backends.base.SessionBase._session_key", "oauth/accounts/session_store.py",
     "makes a session with an unknown key of one that opens another surface, as Django does where there is no row"),
    ("django.forms.models.BaseModelForm._post_clean", "customers/dashboard/service_errors.py",
     "a service validates and saves, so the form leaves its instance alone"),
    ("django.forms.models.BaseModelForm._get_validation_exclusions", "customers/dashboard/staff.py",
     "a service checks whether the email is taken"),
    ("django.forms.models.BaseModelForm._get_validation_exclusions", "customers/dashboard/metadata.py",
     "a service checks whether the key is taken"),
    ("rest_framework.serializers.Serializer.fields", "customers/api/fields.py",
     "shared by all serializers of a class, which saves a deep copy for each request"),
    ("rest_framework.serializers.Serializer._declared_fields", "customers/api/filters.py",
     "the names of a serializer's fields without an instance"),
    ("rest_framework.serializers.Serializer._declared_fields", "customers/api/resources/users.py",
     "the same"),
    ("rest_framework.serializers.Serializer._declared_fields", "customers/api/resources/addresses.py",
     "the same"),
    ("rest_framework.serializers.Serializer._readable_fields", "customers/api/lenient_fields.py",
     "the fields that a response shows"),
    ("oauth2_provider.models.set_token_value", "oauth/tokens.py",
     "stores a token as its digest, as the toolkit's own tokens are"),
    ("oauth2_provider.models.set_token_value", "oauth/grants.py",
     "the same"),
    ("oauth2_provider.oauth2_backends.OAuthLibCore.extract_headers", "oauth/client_endpoints.py",
     "headers in the form that the toolkit's validator expects"),
    ("oauth2_provider.oauth2_backends.OAuthLibCore.extract_body", "oauth/views.py",
     "the authorization endpoint reads the URL only"),
    ("oauth2_provider.oauth2_backends.get_oauthlib_core", "oauth/client_endpoints.py",
     "oauthlib's server with the toolkit's settings"),
    ("csp.decorators.csp_update", "oauth/csp.py",
     "applied to a response instead of a view, for sources that are known only then"),
    ("django_otp.oath.TOTP", "oauth/accounts/two_factor.py",
     "RFC 6238; its attribute `time` and its method `t` are not documented"),
    ("psycopg.adapt.Loader", "config/postgresql/base.py",
     "reads timestamps in C instead of in Django's Python"),
    ("psycopg.pq.abc.PGconn.socket", "config/postgresql/base.py",
     "checks an idle connection without a query"),
    ("urllib3.connection.HTTPConnection._new_conn", "customers/mirror/client.py",
     "connects to an address that was checked, instead of looking the host name up again"),
    ("multiprocessing.util.Finalize", "oauth/api_usage.py",
     "runs when a worker of the server ends, where atexit does not"),
    ("multiprocessing.util.Finalize", "config/observability/tracing.py",
     "the same"),
    ("django.contrib.admindocs.views.simplify_regex", "config/observability/requests.py",
     "makes a short text of the pattern of a URL"),
    ("prometheus_client.values.MultiProcessValue", "config/observability/metrics.py",
     "takes the number of a process from us, so that the files of former processes are used again"),
    ("prometheus_client.values.ValueClass", "config/observability/metrics.py",
     "where counts are kept; the documented way reads an environment variable at the first import"),
]
# Attributes that only instances have.
INSTANCE_ATTRIBUTES = {
    "query.where": "customers/api/resources/users.py: whether a queryset is filtered at all",
    "_prefetched_objects_cache": "customers/insertion.py: addresses that were just written are not read again",
    "_store": "config/api_requests.py, config/wsgi.py, customers/core/http/headers.py: headers of an answer by their"
    " names in lower case",
    "_request": "customers/api/idempotency.py: Django's request within DRF's, as DRF's own views use it",
}
# fmt: on
# Documented names with an underscore, and attributes of our own classes.
DOCUMENTED = {"_meta", "_state", "_default_manager", "_base_manager", "_db", "_replace", "_asdict"}
ANY_PRIVATE = re.compile(r"(?<!\bself)(?<!\bcls)\.(_[a-z]\w*)")


def resolve(dotted: str) -> object:
    """The object of this name. Raises AttributeError."""
    module, names = dotted, []
    while True:
        try:
            found: object = import_module(module)
            break
        except ModuleNotFoundError:
            module, _, name = module.rpartition(".")
            names.insert(0, name)
    for name in names:
        found = getattr(found, name)
    return found


def test_each_private_name_exists_and_is_still_used():
    missing = []
    for name, used_in, _ in TABLE:
        attribute = name.rpartition(".")[2]
        try:
            resolve(name)
        except (AttributeError, ImportError):
            missing.append(f"{used_in} uses {name}, which is gone")
        word = {"get_filters": "filter_specs"}.get(attribute, attribute)
        if word not in (ROOT / used_in).read_text():
            missing.append(f"{used_in} does not use {name} any more: remove the row")
    assert not missing


def test_table_lists_every_private_attribute_in_the_code():
    listed = {name.rpartition(".")[2] for name, _, _ in TABLE} | DOCUMENTED | set(INSTANCE_ATTRIBUTES)
    unlisted = {
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("config", "customers", "oauth")
        for path in (ROOT / package).rglob("*.py")
        for name in ANY_PRIVATE.findall(path.read_text())
        if name not in listed and "migrations" not in path.parts
    }
    assert not unlisted


class TestDjango:
    def test_innermost_handler_is_what_the_last_middleware_calls(self):
        handler = BaseHandler()
        handler.load_middleware()

        assert inspect.unwrap(innermost(handler._middleware_chain)) == handler._get_response

    def test_query_where_is_true_for_a_filtered_queryset_only(self):
        assert User.objects.filter(pk=1).query.where
        assert not User.objects.all().query.where

    def test_prepared_query_returns_what_the_orm_returns(self, db):
        rows = Customer.objects.values("id", "email", "metadata", "date_joined")
        Customer.objects.create(email="ada@example.com", metadata={"a": [1]})

        assert PreparedQuery(lambda *ids: rows.filter(id__in=ids))(*rows.values_list("id", flat=True)) == list(rows)

    def test_instance_takes_prefetched_rows_from_its_cache(self):
        customer = Customer(pk=1)
        customer._prefetched_objects_cache = {"addresses": [Address(line1="Here")]}

        assert [address.line1 for address in customer.addresses.all()] == ["Here"]

    def test_model_has_the_descriptor_of_the_field_s_class(self):
        assert isinstance(inspect.getattr_static(App, "signing_secret"), EncryptedAttribute)

    def test_change_list_calls_what_the_customer_list_overrides(self):
        overridden = [name for name in vars(CustomerList) if name in vars(ChangeList) and name.startswith("get_")]

        assert sorted(overridden) == ["get_filters_params", "get_ordering", "get_queryset", "get_results"]
        for name in overridden:
            assert inspect.signature(vars(CustomerList)[name]) == inspect.signature(vars(ChangeList)[name])

    def test_change_list_results_set_the_attributes_that_its_templates_read(self):
        source = inspect.getsource(ChangeList.get_results)
        set_by_django = set(re.findall(r"self\.(\w+) = ", source))
        set_by_ours = set(re.findall(r"self\.(\w+) = ", inspect.getsource(CustomerList.get_results)))

        assert set_by_django <= set_by_ours


class TestRestFramework:
    def test_serializer_reads_its_fields_from_the_attribute_fields(self):
        class Greeting(SharedFieldsSerializer):
            text = serializers.CharField()

        first, second = Greeting(data={"text": "a"}), Greeting(data={"text": "b"})

        assert first.fields["text"] is second.fields["text"]
        assert first.is_valid()
        assert second.is_valid()
        assert (first.validated_data, second.validated_data) == ({"text": "a"}, {"text": "b"})

    def test_shared_field_reads_nothing_from_the_first_serializer(self):
        class Greeting(SharedFieldsSerializer):
            text = serializers.CharField(required=False)

        Greeting(data={"text": "a"}, context={"first": True}).is_valid()
        second = Greeting(data={}, context={"second": True})

        assert second.is_valid()
        assert second.validated_data == {}
        assert second.context == {"second": True}


class TestOAuthToolkit:
    def test_validator_overrides_public_methods_only(self):
        own = {name for name in vars(Validator) if not name.startswith("__")}

        assert {name for name in own if name.startswith("_") and hasattr(OAuth2Validator, name)} == set()
        for name in own & set(dir(OAuth2Validator)):
            theirs, ours = (inspect.signature(getattr(each, name)).parameters for each in (OAuth2Validator, Validator))
            assert set(theirs) <= {*ours, "args", "kwargs", "request", "client"}, name

    def test_column_names_of_the_raw_query_exist(self):
        names = {field.column for field in AccessToken._meta.concrete_fields}

        assert {"id", "scope", "application_id", "user_id", "token_checksum", "expires", "last_used_at"} <= names

    def test_backend_passes_the_query_string_and_an_empty_body_to_oauthlib(self):
        server = Mock()
        server.validate_authorization_request.return_value = [], {}
        request = RequestFactory().post("/oauth2/authorize/?client_id=a&unknown=b", {"client_id": "other"})

        QueryStringBackend(server).validate_authorization_request(request)

        [uri], options = server.validate_authorization_request.call_args
        assert (uri, options["body"]) == ("/oauth2/authorize/?client_id=a", "")

    def test_each_model_is_replaced_so_that_no_migration_of_the_toolkit_is_needed(self):
        assert list(apps.get_app_config("oauth2_provider").get_models()) == []


class TestPostgresql:
    @pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
    def test_connection_has_a_socket_and_our_loader_of_timestamps(self, db):
        connection.ensure_connection()

        assert connection.connection.pgconn.socket > 0
        assert connection.connection.adapters.get_loader(TIMESTAMPTZ, Format.TEXT) is TimestamptzLoader
