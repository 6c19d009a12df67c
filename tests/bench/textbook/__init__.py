"""The same API as a good tutorial has it: model serializers, the toolkit's authentication, DRF's pages and throttle.

In its favour, it leaves out what our own does beyond: cleaning of phone numbers, countries and emoji, defaults among
addresses, versions, ETags, idempotency, an exact limit over all workers.
"""
