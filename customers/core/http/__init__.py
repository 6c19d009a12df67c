"""The HTTP kit of both APIs. It knows no wire format: each surface translates the kit's ServiceErrors into its own."""
