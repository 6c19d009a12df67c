import pytest

from tests.support.factories import make_user


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace", phone_number="+442079460018")
