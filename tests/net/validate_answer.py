# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""validate_answer.py FOLDER: reads one answer a line, {"schema": NAME, "answer": ...}, and names each mismatch with its schema
FOLDER/NAME.schema.json."""
import json
import pathlib
import sys

import jsonschema

folder = pathlib.Path(sys.argv[1]).resolve()
schemas = {path.name: json.loads(path.read_text()) for path in folder.glob("*.schema.json")}
store = {f"file://{folder}/{name}": schema for name, schema in schemas.items()}
for line in sys.stdin:
    item = json.loads(line)
    schema = schemas[item["schema"] + ".schema.json"]
    resolver = jsonschema.RefResolver(f"file://{folder}/", schema, store=store)
    for error in jsonschema.Draft202012Validator(schema, resolver=resolver).iter_errors(item["answer"]):
        print(f"{item['schema']}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
