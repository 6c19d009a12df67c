"""The committed OpenAPI documents, one per version. `make schema` writes them anew."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent


def path_of(version: str) -> Path:
    return FOLDER / f"admin-api-{version}.json"


def text_of(version: str) -> str:
    from customers.api.openapi import document  # once Django is set up

    return json.dumps(document(version), indent=2, ensure_ascii=False, default=str) + "\n"
