"""The shape of a struct in words: its fields, their types and limits, as a Markdown table."""

import msgspec.inspect as shapes

Struct = shapes.StructType


def format_fields(struct: Struct) -> list[str]:
    """A table of the fields of one struct; a sentence when it has none."""
    if not struct.fields:
        return ["No fields."]
    rows = ["| field | type | |", "|---|---|---|"]
    rows.extend(
        f"| `{field.encode_name}` | {format_type(field.type)} | {_format_need(field)} |" for field in struct.fields
    )
    return rows


def _format_need(field: shapes.Field) -> str:
    said = field.type.extra_json_schema if isinstance(field.type, shapes.Metadata) else None
    words, default = (said or {}).get("description", ""), _format_default(field)
    return f"{words} ({default})" if words and default else words or default


def _format_default(field: shapes.Field) -> str:
    if field.required:
        return ""
    default = field.default
    if default is None or (isinstance(default, bool | int | str) and default != ""):
        return f"default `{'nil' if default is None else default}`"
    return "may be left out"


def format_type(shape: shapes.Type) -> str:
    """One type in words; structs by name, since each has its own table."""
    if isinstance(shape, shapes.Metadata):
        return format_type(shape.type)
    if isinstance(shape, shapes.StructType):
        return f"[{shape.cls.__name__}](#{shape.cls.__name__.lower()})"
    if isinstance(shape, shapes.IntType):
        return "int" + _format_bounds(shape.ge, shape.le)
    if isinstance(shape, shapes.StrType):
        return "str" + _format_bounds(shape.min_length, shape.max_length)
    if isinstance(shape, shapes.BytesType):
        return "bytes" + _format_bounds(shape.min_length, shape.max_length)
    if isinstance(shape, shapes.UnionType):
        return " or ".join(format_type(part) for part in shape.types)
    if isinstance(shape, shapes.LiteralType):
        return " or ".join(f"`{value}`" for value in shape.values)
    return _format_container(shape)


def _format_container(shape: shapes.Type) -> str:
    if isinstance(shape, shapes.ListType | shapes.VarTupleType):
        return f"list of {format_type(shape.item_type)}" + _format_bounds(shape.min_length, shape.max_length)
    if isinstance(shape, shapes.TupleType):
        return "[" + ", ".join(format_type(item) for item in shape.item_types) + "]"
    if isinstance(shape, shapes.DictType):
        return f"map of {format_type(shape.key_type)} to {format_type(shape.value_type)}"
    if isinstance(shape, shapes.NoneType):
        return "nil"
    return type(shape).__name__.removesuffix("Type").lower()


def _format_bounds(least: int | None, most: int | None) -> str:
    if least is None and most is None:
        return ""
    if least == most:
        return f" ({least})"
    return f" ({'' if least is None else least}…{'' if most is None else most})"


def structs_within(struct: Struct) -> list[Struct]:
    """The structs that a struct is made of, in the order they are met, without itself."""
    return list({part.cls: part for field in struct.fields for part in structs_of(field.type)}.values())


def structs_of(shape: shapes.Type) -> list[Struct]:
    """The structs that a type is or is made of, in the order they are met."""
    met: dict[type, Struct] = {}
    _gather(shape, met)
    return list(met.values())


def _gather(shape: shapes.Type, met: dict[type, Struct]) -> None:
    if isinstance(shape, shapes.StructType):
        if shape.cls in met:
            return
        met[shape.cls] = shape
        for field in shape.fields:
            _gather(field.type, met)
        return
    parts = [getattr(shape, name, None) for name in ("type", "item_type", "key_type", "value_type")]
    parts.extend(getattr(shape, "types", ()))
    parts.extend(getattr(shape, "item_types", ()))
    for part in parts:
        if isinstance(part, shapes.Type):
            _gather(part, met)


def shape_of(struct: type) -> Struct:
    """The shape of a msgspec struct."""
    found = shapes.type_info(struct)
    assert isinstance(found, shapes.StructType)
    return found


def opening_words(text: str | None) -> str:
    """The first paragraph of a docstring on one line, empty when there is none."""
    return " ".join((text or "").strip().split("\n\n")[0].split())
