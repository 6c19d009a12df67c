from django.db import transaction
from rest_framework import serializers

from tests.bench.textbook.models import Address, Customer, Tag


class AddressSerializer(serializers.ModelSerializer):
    class Meta:
        model = Address
        exclude = ["customer"]


class TagField(serializers.SlugRelatedField):
    def to_internal_value(self, data):
        return self.get_queryset().get_or_create(**{self.slug_field: data})[0]


class CustomerSerializer(serializers.ModelSerializer):
    tags = TagField(slug_field="name", queryset=Tag.objects.all(), many=True, required=False)
    addresses = AddressSerializer(many=True, required=False)

    class Meta:
        model = Customer
        fields = "__all__"

    @transaction.atomic
    def create(self, validated_data):
        tags = validated_data.pop("tags", [])
        addresses = validated_data.pop("addresses", [])
        customer = Customer.objects.create(**validated_data)
        customer.tags.set(tags)
        for address in addresses:
            Address.objects.create(customer=customer, **address)
        return customer
