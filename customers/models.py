"""One table of people, and the tables of what the store knows about them."""

from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Coalesce, Concat, Lower, NullIf
from django.utils import timezone

from customers.core.idempotency import IdempotentAnswer as IdempotentAnswer  # a model of this app
from customers.querysets import UserQuerySet
from customers.validation import EMAIL_CONSTRAINT, EmailTaken, clean_email, clean_name, is_email_conflict

models.CharField.register_lookup(Lower)


class Language(models.TextChoices):
    EN = "en", "English"
    FR = "fr", "French"
    TH = "th", "Thai"
    DE = "de", "German"
    SV = "sv", "Swedish"
    NO = "no", "Norwegian"
    IT = "it", "Italian"
    ES = "es", "Spanish"
    NL = "nl", "Dutch"
    PT = "pt", "Portuguese"
    DA = "da", "Danish"
    FI = "fi", "Finnish"


class UserType(models.TextChoices):
    CUSTOMER = "customer"
    LEAD = "lead"
    DASHBOARD = "dashboard"


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # a base made at run time
    def get_by_natural_key(self, username):
        return self.get(email__lower=username.lower())

    def create_superuser(self, email, password=None, **fields):
        """A store owner: a dashboard user who may do everything."""
        user = self.model(email=email, user_type=UserType.DASHBOARD, is_superuser=True, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_staff(self, email: str, *, first_name: str = "", last_name: str = "") -> "User":
        """A member of staff without a password and without a role. Raises EmailTaken, CustomerError("email")."""
        user = self.model(
            email=clean_email(email),
            first_name=clean_name(first_name),
            last_name=clean_name(last_name),
            user_type=UserType.DASHBOARD,
        )
        user.set_unusable_password()
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            if is_email_conflict(error):
                raise EmailTaken from None
            raise
        return user


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]  # the toolkit's are untyped
    """A person the store knows: a lead, a customer, or staff who can enter the dashboard.

    Where the wire tells null from "", so do the columns.
    """

    password = models.CharField(max_length=128, blank=True, default="!")
    # Kept by the database, so that nobody has to read a password's hash to know whether there is one.
    has_account = models.GeneratedField(
        expression=models.ExpressionWrapper(~models.Q(password__startswith="!"), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    email = models.EmailField(max_length=320, null=True)
    first_name = models.CharField(max_length=255, null=True, blank=True, default="")
    last_name = models.CharField(max_length=255, null=True, blank=True, default="")
    # Kept by the database, for one index over what a person is looked for by: names, email, phone number.
    full_name = models.GeneratedField(
        expression=Lower(Concat("first_name", models.Value(" "), "last_name")),
        output_field=models.TextField(),
        db_persist=True,
    )
    search_text = models.GeneratedField(
        expression=Lower(
            Concat(
                "first_name",
                models.Value(" "),
                "last_name",
                models.Value(" "),
                Coalesce("email", models.Value("")),
                models.Value(" "),
                Coalesce("phone_number", models.Value("")),
                output_field=models.TextField(),
            )
        ),
        output_field=models.TextField(),
        db_persist=True,
    )
    phone_number = models.CharField(max_length=128, null=True, blank=True, help_text="E.164")
    user_type = models.CharField(max_length=16, choices=UserType, default=UserType.LEAD)
    # Whether the dashboard lets them in. A column, for the SQL of packages that know no user types.
    is_staff = models.GeneratedField(
        expression=models.ExpressionWrapper(models.Q(user_type=UserType.DASHBOARD), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    language = models.CharField(max_length=2, choices=Language, null=True, blank=True)
    accepts_marketing = models.BooleanField(default=False)
    is_blocked = models.BooleanField(default=False, help_text="On the store's block list.")
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=500, null=True, blank=True)
    tags = models.JSONField(default=list, blank=True, help_text="The names, in the order given.")
    metadata = models.JSONField(null=True, blank=True)
    orders_count = models.PositiveIntegerField(default=0)
    subscriptions_count = models.PositiveIntegerField(default=0)
    total_spent = models.DecimalField(max_digits=12, decimal_places=2, default=Decimal("0.00"))
    date_joined = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    is_active = models.BooleanField(default=True, help_text="Off: can't sign in, and their tokens are refused.")

    objects = UserManager()

    USERNAME_FIELD = "email"

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name=EMAIL_CONSTRAINT),
            models.CheckConstraint(condition=models.Q(orders_count__gte=0), name="user_orders_count_not_negative"),
            models.CheckConstraint(
                condition=models.Q(subscriptions_count__gte=0), name="user_subscriptions_count_not_negative"
            ),
            models.CheckConstraint(condition=models.Q(total_spent__gte=0), name="user_total_spent_not_negative"),
        ]
        # Each ends in the order of the list, so that a filtered page is read off one index.
        indexes = [
            models.Index(fields=["date_joined", "id"], name="user_newest"),
            models.Index(fields=["user_type", "date_joined", "id"], name="user_by_type"),
            models.Index(fields=["language", "date_joined", "id"], name="user_by_language"),
            models.Index(fields=["accepts_marketing", "date_joined", "id"], name="user_by_marketing"),
            models.Index(fields=["date_joined", "id"], name="user_blocked", condition=models.Q(is_blocked=True)),
            models.Index(fields=["date_joined", "id"], name="user_with_account", condition=models.Q(has_account=True)),
            # The other orders of the dashboard's list. Those without a name are last; leads have bought nothing.
            models.Index(NullIf("full_name", models.Value(" ")), "id", name="user_by_name"),
            models.Index(fields=["user_type", "-total_spent", "-id"], name="user_by_spent"),
            models.Index(fields=["user_type", "-orders_count", "-id"], name="user_by_orders"),
        ]

    def __str__(self):
        return self.get_full_name() or self.email or f"#{self.pk}"

    @classmethod
    def normalize_name(cls, name: str | None) -> str | None:
        """A first or last name as it is stored, like Django's `normalize_username`."""
        return clean_name(name)

    def get_full_name(self):
        return " ".join(filter(None, (self.first_name, self.last_name)))


class CustomerManager(UserManager):
    def get_queryset(self):
        # By the types there are, which an index can look up.
        return super().get_queryset().filter(user_type__in=(UserType.CUSTOMER, UserType.LEAD))


class Customer(User):  # type: ignore[django-manager-missing]  # the toolkit's are untyped
    """A lead or a customer: whom the dashboard lists as such."""

    objects = CustomerManager()  # type: ignore[misc]  # Django lets a proxy have its own

    class Meta:
        proxy = True
        permissions = [
            ("import_customer", "Can import customers"),
            ("export_customer", "Can export customers"),
            ("erase_customer", "Can erase customers"),
        ]


class StaffManager(UserManager):
    def get_queryset(self):
        return super().get_queryset().filter(user_type=UserType.DASHBOARD)


class StaffMember(User):  # type: ignore[django-manager-missing]  # the toolkit's are untyped
    """Who may enter the dashboard."""

    objects = StaffManager()  # type: ignore[misc]  # Django lets a proxy have its own

    class Meta:
        proxy = True
        verbose_name = "staff member"
        verbose_name_plural = "staff"


class Address(models.Model):
    """Lines as on an envelope; `line4` is the city."""

    user = models.ForeignKey(User, models.CASCADE, related_name="addresses", db_index=False)
    first_name = models.CharField(max_length=255, blank=True, default="")
    last_name = models.CharField(max_length=255, blank=True, default="")
    line1 = models.CharField(max_length=255)
    line2 = models.CharField(max_length=255, blank=True, default="")
    line3 = models.CharField(max_length=255, blank=True, default="")
    line4 = models.CharField(max_length=255)
    state = models.CharField(max_length=255, blank=True, default="")
    postcode = models.CharField(max_length=64, blank=True, default="")
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    phone_number = models.CharField(max_length=128, blank=True, default="")
    notes = models.TextField(blank=True, default="")
    is_default_for_shipping = models.BooleanField(default=False)
    is_default_for_billing = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "addresses"
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default_for_shipping=True),
                name="address_one_default_for_shipping",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(is_default_for_billing=True), name="address_one_default_for_billing"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "id"], name="address_of_user"),
            models.Index(
                fields=["country"], condition=models.Q(is_default_for_shipping=True), name="address_default_by_country"
            ),
        ]

    def __str__(self):
        return ", ".join(filter(None, [self.line1, self.line4, self.country]))


class Tag(models.Model):
    """A word that was ever put on a customer. Customers hold the words themselves: `User.tags`."""

    name = models.CharField(max_length=255, unique=True)

    def __str__(self):
        return self.name


class Note(models.Model):
    """What somebody wrote about a customer."""

    user = models.ForeignKey(User, models.CASCADE, related_name="notes", db_index=False)
    message = models.TextField()
    app = models.ForeignKey(
        "oauth.App", models.SET_NULL, null=True, blank=True, help_text="None: written in the dashboard."
    )
    author = models.ForeignKey(User, models.PROTECT, related_name="notes_written")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [models.Index(fields=["user", "created_at", "id"], name="note_newest_of_user")]

    def __str__(self):
        return self.message[:80]


class Event(models.Model):
    """Something that happened to a customer, as the timeline shows it. Notes and orders are rows of their own."""

    class Kind(models.TextChoices):
        CREATED = "created"
        CHANGED = "changed"
        BLOCKED = "blocked"
        UNBLOCKED = "unblocked"
        ADDRESS_ADDED = "address_added"
        ADDRESS_CHANGED = "address_changed"
        ADDRESS_DELETED = "address_deleted"
        PASSWORD_RESET_SENT = "password_reset_sent"
        PASSWORD_CHANGED = "password_changed"
        EXPORTED = "exported"
        ERASED = "erased"

    user = models.ForeignKey(User, models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=32, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    # Neither constraints nor indexes: staff and apps are switched off, not deleted, and nobody asks what one of them
    # did. A constraint would lock the one row of an app, and of its owner, for each customer who is created.
    actor = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="Who did it.",
    )
    app = models.ForeignKey(
        "oauth.App",
        models.SET_NULL,
        null=True,
        db_constraint=False,
        db_index=False,
        help_text="None: done in the dashboard.",
    )
    changes = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="Names of fields, each with its value before and after."
    )

    class Meta:
        indexes = [
            models.Index(fields=["user", "at", "id"], name="event_newest_of_user"),
            models.Index(
                fields=["at"],
                condition=models.Q(kind="changed", changes__has_key="user_type"),
                name="event_of_other_user_type",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}"
