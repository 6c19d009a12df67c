"""Members of staff, and their pages in the dashboard."""

from django.contrib.auth.models import Group

from customers.models import StaffMember, UserType
from tests.support.dashboard import DASHBOARD

STAFF = f"{DASHBOARD}customers/staffmember/"


def member_url(member, view="change") -> str:
    return f"{STAFF}{member.pk}/{view}/"


def make_member(role="Staff", **fields) -> StaffMember:
    member = StaffMember.objects.create(
        **{"email": f"a-{role.lower()}@store.example", "user_type": UserType.DASHBOARD, **fields}
    )
    member.groups.add(Group.objects.get(name=role))
    return member
