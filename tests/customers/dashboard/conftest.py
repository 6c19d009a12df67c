import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from customers.dashboard import jobs
from tests.support.factories import make_user
from tests.support.uploads import UPLOAD


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A step of a job ends when its work is done, however busy the machine is."""
    monkeypatch.setattr(jobs, "STEP_SECONDS", 600)


@pytest.fixture
def noon():
    """In the time zone of the block it is noon: what happened some minutes ago happened on the same day."""
    now = timezone.now()
    minutes = 12 * 60 - (now.hour * 60 + now.minute)
    with timezone.override(timezone.get_fixed_timezone(minutes)):
        yield


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace", phone_number="+442079460018")


@pytest.fixture
def upload(dashboard_client):
    """`upload(text)`: the path of the job."""

    def send(content, name="people.csv") -> str:
        content = content if isinstance(content, bytes) else content.encode()
        response = dashboard_client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)})
        assert response.status_code == 302, response.content.decode()
        return response.headers["Location"]

    return send
