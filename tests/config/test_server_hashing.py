"""Which requests the server keeps from holding up others, because they may hash a password."""

from io import BytesIO

from config.server.hashing import may_hash
from tests.support.cases import each

HASHES = {
    "sign-in": ("/dashboard/login/", b"username=ada&password=x"),
    "a field in percent encoding": ("/dashboard/login/", b"username=ada&%70assword=x"),
    "a new password": ("/dashboard/password_reset/MQ/set-password/", b"new_password1=x&new_password2=x"),
    "a confirmation": ("/dashboard/customers/customer/1/erase/", b"identity-password=x"),
    "consent with a confirmation": ("/oauth2/authorize/", b"identity-password=x"),
    "Medusa's sign-in": ("/admin/auth", b'{"email": "a@b.example", "password": "x"}'),
    "an account of Medusa": ("/Admin/Customers", b'{"password": "x"}'),
    "a key in JSON's escapes": ("/admin/customers", b'{"\\u0070assword": "x"}'),
    "an empty password before another": ("/admin/customers", b'{"password": "", "password": "x"}'),
    "a large body": ("/admin/customers/cus_1", b" " * 70_000 + b'{"password": "x"}'),
}
HASHES_NOT = {
    "the Admin API": ("/api/admin/users/", b'{"first_name": "password"}'),
    "a guest of Medusa": ("/admin/customers", b'{"email": "a@b.example", "password": ""}'),
    "a change of a name": ("/admin/customers/cus_1", b'{"first_name": "100%"}'),
    "a token": ("/oauth2/token/", b"client_secret=password"),
    "another form": ("/dashboard/customers/customer/1/change/", b"email=ada%40example.com"),
}


def environ(path, method="POST"):
    return {"REQUEST_METHOD": method, "PATH_INFO": path}


@each("path, body", HASHES)
def test_request_with_a_password_may_hash_and_its_body_stays_whole(path, body):
    file = BytesIO(body)

    assert may_hash(environ(path), file)
    assert file.read() == body


@each("path, body", HASHES_NOT)
def test_request_without_a_password_hashes_nothing(path, body):
    assert not may_hash(environ(path), BytesIO(body))


def test_request_that_is_no_post_hashes_nothing():
    assert not may_hash(environ("/dashboard/login/", "GET"), BytesIO(b"password"))
